"""Read names with values from a text in any of the formats that are read."""

import json
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from itertools import islice
from typing import Any, Final

from keyturn.formats.dotenv import parse_dotenv
from keyturn.formats.errors import FormatError


class NotReadable(FormatError):
    """A text is not in the format; says where, and nothing of what is there."""


def parse_json(text: str) -> dict[str, str]:
    """Return the names of a JSON object with their values. Raises NotReadable."""
    try:
        found = json.loads(text.removeprefix("\ufeff") or "{}")
    except json.JSONDecodeError as error:
        raise NotReadable(f"Line {error.lineno} is no JSON: {error.msg}.") from None
    except RecursionError:
        found = None
    if not isinstance(found, dict):
        raise NotReadable("This is no JSON object of names with values.")
    odd = [name for name, value in found.items() if not isinstance(value, str)]
    if odd:
        raise NotReadable(f"{odd[0]} has no text for a value: put it in double quotes.")
    return found


def parse_yaml(text: str) -> dict[str, str]:
    """Return the names of a YAML mapping with their values, all as texts. Raises NotReadable.

    The events of the parser are enough for what is flat: nothing is built of the rest.
    """
    yaml = import_module("yaml")  # whoever reads no YAML does not wait for it
    try:
        return _flat(yaml, text.removeprefix("\ufeff"))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise NotReadable(f"Line {line} is no YAML.") from None
    except yaml.YAMLError:
        raise NotReadable("This is no YAML: there are characters that it cannot hold.") from None


def parse(text: str, form: str) -> dict[str, str]:
    """Return names with values; of two of one name the later counts. Raises FormatError."""
    values = READ[form](text)
    halves = [name for name, value in values.items() if not _is_whole(name + value)]
    if halves:
        raise NotReadable("There is half a character in it: a lone surrogate (Unicode, 3.9, D75).")
    return values


def _is_whole(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _flat(yaml: Any, text: str) -> dict[str, str]:  # noqa: ANN401  a module without types
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    events: Iterator[Any] = yaml.parse(text, Loader=loader)
    _start = next(events)
    if isinstance(next(events), yaml.StreamEndEvent):
        return {}
    flat, values = isinstance(next(events), yaml.MappingStartEvent), dict[str, str]()
    while flat and isinstance(name := next(events), yaml.ScalarEvent):
        value = next(events)
        if not isinstance(value, yaml.ScalarEvent):
            raise NotReadable(f"{name.value} has no text for a value.")
        values[name.value] = value.value
    ending = [type(name), *map(type, islice(events, 2))] if flat else []
    if ending != [yaml.MappingEndEvent, yaml.DocumentEndEvent, yaml.StreamEndEvent]:
        raise NotReadable("This is not one YAML mapping of names to texts.")
    return values


READ: Final[Mapping[str, Callable[[str], dict[str, str]]]] = {
    "dotenv": parse_dotenv,
    "json": parse_json,
    "yaml": parse_yaml,
}
"""Formats by name, and what reads each."""
