"""Read what `infisical export` wrote, in any of its formats.

What such a file does not tell is not guessed: it has neither folders nor imports, and but for JSON
neither comments nor tags. Knows nothing of where it is to go.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Final

from pydantic import TypeAdapter, ValidationError

from keyturn.client.errors import ClientError
from keyturn.client.infisical import Words
from keyturn.client.tree import Item, Label
from keyturn.wire.base import Wire

_ENTRY = re.compile(
    r"(?:export )?(?P<name>[^\s='\"]+)='(?P<value>.*?)'(?:\n|\Z)(?=(?:export )?[^\s='\"]+='|\s*\Z)",
    re.DOTALL,
)


class NotExported(ClientError):
    """A file is no such export; says where, and nothing of what is there."""


class _Tag(Wire):
    slug: str
    name: Words = ""
    color: Words = ""


class _Entry(Wire):
    key: str
    value: str
    type: str = "shared"
    comment: Words = ""
    tags: tuple[_Tag, ...] | None = None
    skip_multiline_encoding: bool | None = None


_ENTRIES: Final = TypeAdapter(tuple[_Entry, ...])
_NAMED: Final = TypeAdapter(dict[str, str])


def read_export(text: str, form: str) -> tuple[Item, ...]:
    """Return the secrets of an export in one of FORMATS. Raises NotExported."""
    return tuple(FORMATS[form](text.removeprefix("\ufeff")))


def _json(text: str) -> Iterable[Item]:
    try:
        every = _ENTRIES.validate_python(json.loads(text))
    except (ValidationError, json.JSONDecodeError) as error:
        where = f"line {error.lineno}: " if isinstance(error, json.JSONDecodeError) else ""
        raise NotExported(f"{where}not a JSON list of secrets with key and value.") from None
    return [_item(each) for each in every if each.type == "shared"]


def _item(entry: _Entry) -> Item:
    labels = tuple(Label(each.slug, each.name, each.color) for each in entry.tags or ())
    skips = entry.skip_multiline_encoding
    return Item(entry.key, entry.value, entry.comment, labels, skip_multiline_encoding=skips)


def _dotenv(text: str) -> Iterable[Item]:
    r"""Read NAME='value' with nothing escaped: a value ends at the quote before the next name."""
    text, at, items = text.replace("\r\n", "\n"), 0, []
    while text[at:].strip():
        found = _ENTRY.match(text, at)
        if found is None:
            raise NotExported(f"line {text.count(chr(10), 0, at) + 1}: not NAME='value'.")
        items.append(Item(found["name"], found["value"]))
        at = found.end()
    return items


def _csv(text: str) -> Iterable[Item]:
    rows = list(csv.reader(io.StringIO(text, newline="")))
    if [each.lower() for row in rows[:1] for each in row] != ["key", "value"]:
        raise NotExported("line 1: not the header Key,Value.")
    if any(len(row) != 2 for row in rows):
        raise NotExported("not a table of two columns.")
    return [Item(name, value) for name, value in rows[1:]]


def _yaml(text: str) -> Iterable[Item]:
    yaml = import_module("yaml")  # whoever reads no YAML does not wait for it
    try:
        found = yaml.load(text, Loader=yaml.BaseLoader)
        named: Mapping[str, str] = _NAMED.validate_python(found or {}, strict=True)
    except (yaml.YAMLError, ValidationError):
        raise NotExported("not a YAML mapping of names to texts.") from None
    return [Item(name, value) for name, value in named.items()]


FORMATS: Final[Mapping[str, Callable[[str], Iterable[Item]]]] = {
    "json": _json,
    "dotenv": _dotenv,
    "yaml": _yaml,
    "csv": _csv,
}
