"""What a flow is given by hand: the fields of a form by what it declares, and JSON for the rest."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from keyturn.domain.flows.definition import Start
from keyturn.domain.flows.spec import StartKind
from keyturn.domain.flows.values import Kind, Value, fits, parse_json

INPUTS: Final = "inputs"
REST: Final = "rest"
HINTS: Final[Mapping[Kind, str]] = MappingProxyType(
    {
        Kind.TEXT: "A text.",
        Kind.NUMBER: "A number.",
        Kind.BOOLEAN: "",
        Kind.OBJECT: 'An object in JSON, as {"name": "Ada"}.',
        Kind.LIST: 'A list in JSON, as ["a", "b"].',
        Kind.ANY: "JSON, or else a text.",
    }
)
BEGINNINGS: Final[Mapping[StartKind, str]] = MappingProxyType(
    {StartKind.EVENT: '{\n  "event": {}\n}'}
)
"""What is given where nothing else is said."""
TRUTHS: Final[Mapping[str, bool]] = MappingProxyType({"true": True, "false": False})


@dataclass(frozen=True)
class Asked:
    """A field of the form: what a flow declares, what was typed, and what is wrong with it."""

    group: str
    name: str
    kind: Kind
    value: str = ""
    error: str = ""

    @property
    def key(self) -> str:
        """Return what the form calls it."""
        return f"{self.group}.{self.name}"

    @property
    def hint(self) -> str:
        """Say what it takes."""
        return HINTS[self.kind]


@dataclass(frozen=True)
class Given:
    """What was typed, and what a flow is given of it; ``wrong`` is what is amiss with the JSON."""

    fields: Sequence[Asked]
    rest: str
    value: Mapping[str, Value]
    wrong: str = ""

    @property
    def problems(self) -> Sequence[tuple[str, str]]:
        """Return what is wrong, by the names of fields."""
        found = [(each.key, f"{each.name} {each.error}") for each in self.fields if each.error]
        return [*found, *([(REST, self.wrong)] if self.wrong else [])]


def read_given(start: Start, said: Callable[[str], str]) -> Given:
    """Read a form; ``said`` gives the text of a field by its name. What is left empty is not given.

    What stands in the JSON counts more than a field does.
    """
    fields, value = [], dict[str, Value]()
    for group, name, kind in declared(start):
        asked, found = _read(Asked(group, name, kind, said(f"{group}.{name}")))
        fields.append(asked)
        if found is not None:
            _put(value, asked, found)
    text = said(REST)
    rest, wrong = _object(text)
    return Given(fields, text, _merged(value, rest), wrong)


def declared(start: Start) -> Iterator[tuple[str, str, Kind]]:
    """Give what a flow declares: the group, the name and the kind of each."""
    for group, kinds in start.fields.items():
        for name, kind in kinds.items():
            yield group, name, kind


def _read(asked: Asked) -> tuple[Asked, Value]:
    """Return a field with what it gives; None where it is empty, or wrong."""
    text, kind = asked.value, asked.kind
    if not text:
        return asked, None
    if kind is Kind.TEXT:
        return asked, text
    if kind is Kind.BOOLEAN:
        return asked, TRUTHS.get(text)
    try:
        value = parse_json(text)
    except (ValueError, RecursionError):
        value = text if kind is Kind.ANY else None
    if value is not None and fits(kind, value):
        return asked, value
    wrong = Asked(asked.group, asked.name, kind, text, f"must be of the kind {kind}, in JSON")
    return (asked if kind is Kind.ANY else wrong), None


def _put(value: dict[str, Value], asked: Asked, found: Value) -> None:
    if asked.group == INPUTS:
        value[asked.name] = found
        return
    group = value.setdefault(asked.group, {})
    if isinstance(group, dict):
        group[asked.name] = found


def _object(text: str) -> tuple[Mapping[str, Value], str]:
    """Return the object that a text is, and what is wrong with it."""
    if not text:
        return {}, ""
    try:
        value = parse_json(text)
    except (ValueError, RecursionError) as error:
        told = str(error).partition(":")[0] if isinstance(error, ValueError) else "it lies too deep"
        return {}, f"The JSON cannot be read: {told}."
    return (value, "") if isinstance(value, dict) else ({}, "The JSON must be an object: {…}.")


def _merged(value: Mapping[str, Value], rest: Mapping[str, Value]) -> Mapping[str, Value]:
    merged = dict(value)
    for name, more in rest.items():
        before = merged.get(name)
        both = isinstance(before, dict) and isinstance(more, dict)
        merged[name] = {**before, **more} if both else more  # type: ignore[dict-item]
    return merged
