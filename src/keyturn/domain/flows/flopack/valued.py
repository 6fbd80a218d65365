"""What stands for a value of an export in a flow of ours.

It is a reference to where the value comes from, or what stood in the export. What is of another
kind than it has to be is brought to that kind by a card before it. Where a value cannot be had, a
reference to `missing` stands for it, an assignment at the flow's beginning that somebody fills in.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from keyturn.domain.flows.expressions import OPEN
from keyturn.domain.flows.flopack.ordering import EXPAND
from keyturn.domain.flows.flopack.report import SecretNeeded
from keyturn.domain.flows.flopack.secrets import is_secret, quoted, told
from keyturn.domain.flows.flopack.shapes import Chart, Field, PackCard, Pin
from keyturn.domain.flows.flopack.sources import Source, can_be_named, word
from keyturn.domain.flows.values import Kind, Value, fits, text_of

Written: TypeAlias = dict[str, Value]
EXPAND_MAX: Final = 5
NOT_COUNTED: Final = frozenset({"parameters", "context", "_expr"})
"""Groups of inputs that people do not see as such."""
_PLACE: Final = re.compile(r"\{\{\{([^{}]{1,100})\}\}\}")
MISSING: Final = "missing"
BRACE: Final = "brace"
_TURNS: Final[Mapping[tuple[Kind, Kind], tuple[str, str, str]]] = {
    (Kind.TEXT, Kind.NUMBER): ("number.parse", "text", "number"),
    (Kind.TEXT, Kind.BOOLEAN): ("boolean.parse", "text", "value"),
    (Kind.TEXT, Kind.OBJECT): ("json.parse", "text", "value"),
    (Kind.LIST, Kind.OBJECT): ("object.from_list", "list", "object"),
    (Kind.OBJECT, Kind.TEXT): ("json.stringify", "value", "text"),
    (Kind.LIST, Kind.TEXT): ("json.stringify", "value", "text"),
}
"""The card that brings one kind to another, with its input and output."""
_NOTHING: Final[Mapping[Kind, Value]] = {Kind.TEXT: "", Kind.OBJECT: {}, Kind.LIST: []}
"""What an empty input is."""
_CONVERTED: Final[Mapping[str, tuple[Kind, Kind]]] = {
    "parseFloat": (Kind.TEXT, Kind.NUMBER),
    "parseInt": (Kind.TEXT, Kind.NUMBER),
    "stringify": (Kind.OBJECT, Kind.TEXT),
}
"""Of what kind a value was and becomes, by what an export says to do with it."""


class Unmapped(Exception):  # says how a card ends up, and is no error of anybody
    """A card cannot be translated; the text says why."""


class Unfit(Unmapped):
    """What stands in an input cannot stand in ours."""


@dataclass
class Sheet:
    """What is known of a flow while it is written."""

    name: str
    helpers: Mapping[str, str]
    """The names of our flows by the ids of theirs."""
    returns: Mapping[str, tuple[str, ...]]
    """What flows return, by their ids."""
    connections: Callable[[str, str], str]
    """The alias of a connection, by its id and the connector."""
    tables: Mapping[str, str]
    ids: set[str] = field(default_factory=lambda: {MISSING, BRACE})
    secrets: dict[str, str] = field(default_factory=dict)
    needed: list[SecretNeeded] = field(default_factory=list)
    missing: dict[str, Value] = field(default_factory=dict)
    has_brace: bool = False
    outputs: dict[str, Kind] = field(default_factory=dict)
    cards: int = 0
    unmapped: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    notes: dict[str, None] = field(default_factory=dict)


class Values:
    """Find what stands for values; cards that are needed before are written into ``out``."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet: Final = sheet
        self.out: list[Value] = []
        self.sources: Final[dict[tuple[str, str], Source]] = {}
        """Where outputs are found, by their cards and their ids."""
        self.pins: Final[dict[tuple[str, str], tuple[Pin, ...]]] = {}
        self.parts: Final[dict[tuple[str, str], Field]] = {}
        self.used: Final[set[tuple[str, str]]] = set()

    def learn(self, chart: Chart) -> None:
        """Learn what is pinned to what in a chart."""
        self.pins.update(chart.pins)
        self.used.update((pin.card, pin.output) for pins in chart.pins.values() for pin in pins)
        for card in chart.cards:
            if card.address == EXPAND:
                self.parts.update({(card.uuid, each.id): each for each in card.outputs})

    def put(self, card: str, given: Mapping[str, Value], called: str = "", **more: Value) -> str:
        """Write a card of ours, and return the id by which others refer to it."""
        identity = word(called or card.partition(".")[2], self.sheet.ids, "card")
        self.sheet.ids.add(identity)
        told_inputs: Written = {"with": dict(given)} if given else {}
        self.out.append({"id": identity, "card": card, **told_inputs, **more})
        return identity

    def find(self, card: PackCard, keys: Iterable[str]) -> Field | None:
        """Return the first input that is there, by its key, its group and key, or its place."""
        counted = self.listed(card)
        for key in keys:
            if key.startswith("#"):
                place = int(key[1:])
                if place < len(counted):
                    return counted[place]
            for each in card.inputs:
                if key in (each.name, each.key):
                    return each
        return None

    def listed(self, card: PackCard) -> list[Field]:
        """Return the inputs of a card that people see, in their order."""
        shown = [each for each in card.inputs if each.group not in NOT_COUNTED]
        return sorted(shown, key=lambda each: each.index)

    def some(self, card: PackCard, found: Field, kind: Kind) -> Value:
        """Return what stands for an input, or a reference to what is missing."""
        try:
            return self.value(card, found, kind)
        except Unfit:
            return self.stand_in(card, found)

    def value(self, card: PackCard, found: Field, kind: Kind, *, template: bool = False) -> Value:
        """Return what stands for an input of ours of a kind. Raises Unfit."""
        pins = self.pins.get((card.uuid, found.id))
        if not pins:
            return self.literal(card.title, found.key, found.data, kind, template=template)
        source = self.source(pins[0].card, pins[0].output)
        if source is None:
            return self.stand_in(card, found)
        return self.turned(source, kind, pins[0].convert)

    def source(self, card: str, output: str, depth: int = 0) -> Source | None:
        """Return where an output is found, if it is."""
        part = self.parts.get((card, output))
        if part is None or part.source is None or depth > EXPAND_MAX:
            found = self.sources.get((card, output))
        else:
            whole = self.source(*part.source, depth + 1)
            found = whole.lead(part.path) if whole else None
        return found if found and found.can_be_written else None

    def stand_in(self, card: PackCard, found: Field) -> str:
        """Return a reference to what is missing, and say so."""
        self.sheet.lost.append(f"{told(found.key)} of {told(card.title)}")
        name = word(f"{found.key}", self.sheet.missing, "value")
        self.sheet.missing[name] = None
        return str(Source((MISSING, name)))

    def turned(self, source: Source, kind: Kind, convert: str = "") -> Value:
        """Return a reference to a value of a kind, brought to it by a card where it is another."""
        was, becomes = _CONVERTED.get(convert, (Kind.ANY, Kind.ANY))
        of = was if source.kind is Kind.ANY else source.kind
        kind = becomes if kind is Kind.ANY else kind
        if kind is Kind.ANY or of in (kind, Kind.ANY):
            return [str(source)] if convert == "wrapArray" else str(source)
        if kind is Kind.LIST:
            return [str(source)]
        if kind is Kind.TEXT and of in (Kind.NUMBER, Kind.BOOLEAN):
            return str(Source((self.put("text.compose", {"text": str(source)}), "text")))
        if (of, kind) not in _TURNS:
            raise Unfit
        card, takes, gives = _TURNS[of, kind]
        return str(Source((self.put(card, {takes: str(source)}), gives)))

    def literal(
        self, title: str, name: str, data: Value, kind: Kind, *, template: bool = False
    ) -> Value:
        """Return what stood in an input as one of ours of a kind. Raises Unfit."""
        if template and isinstance(data, str):
            return self._kept(title, name, data) if is_secret(name, data) else quoted(data)
        value = _of_kind(data, kind)
        return self._inner(title, name, value)

    def _inner(self, title: str, name: str, value: Value) -> Value:
        match value:
            case str() if is_secret(name, value):
                return self._kept(title, name, value)
            case str():
                return self.plain(value)
            case dict():
                return {key[:150]: self._inner(title, key, each) for key, each in value.items()}
            case list():
                return [self._inner(title, name, each) for each in value]
            case _:
                return value

    def plain(self, text: str) -> str:
        """Return a text that refers to nothing, whatever braces are in it."""
        if OPEN not in text:
            return text
        return str(Source((self.put("text.compose", {"text": quoted(text)}), "text")))

    def composed(self, title: str, text: str, places: Mapping[str, Value]) -> str:
        """Return a text that is put together, with references in their places."""
        pieces = _PLACE.split(text)
        built: list[str] = []
        for number, piece in enumerate(pieces):
            if number % 2:
                built.append(text_of(places.get(piece, "")))
            elif is_secret("", piece):
                built.append(self._kept(title, "text", piece))
            else:
                built.append(self._before(piece) if number < len(pieces) - 1 else quoted(piece))
        return "".join(built)

    def _before(self, piece: str) -> str:
        """Return a piece before a reference; its last brace must not be taken for one of that."""
        bare = piece.rstrip("{")
        if (len(piece) - len(bare)) % 2 == 0:
            return quoted(piece)
        self.sheet.has_brace = True
        return quoted(piece[:-1]) + str(Source((BRACE, "open")))

    def _kept(self, title: str, name: str, value: str) -> str:
        return self.secret(title, name) if value else value

    def secret(self, title: str, name: str) -> str:
        """Return a reference to a secret that somebody has to store."""
        called = word(name.strip("_"), self.sheet.secrets, "secret")
        path = f"/{self.sheet.name}/{called.upper()}"
        self.sheet.secrets[called] = path
        self.sheet.needed.append(SecretNeeded(path, self.sheet.name, told(title), told(name)))
        return str(Source(("secrets", called)))


def _of_kind(data: Value, kind: Kind) -> Value:
    """Return a value as one of a kind. Raises Unfit."""
    if kind is Kind.ANY:
        return data
    if data is None or data == "":
        return _nothing(kind)
    match kind, data:
        case Kind.TEXT, _ if not isinstance(data, str):
            return text_of(data)
        case Kind.NUMBER, str():
            return _number(data)
        case Kind.BOOLEAN, "true" | "false":
            return data == "true"
        case Kind.LIST, _ if not isinstance(data, list):
            return [data]
    if not fits(kind, data):
        raise Unfit
    return data


def _nothing(kind: Kind) -> Value:
    if kind not in _NOTHING:
        raise Unfit
    return _NOTHING[kind]


def _number(text: str) -> Value:
    with suppress(ValueError):
        if re.fullmatch(r"-?[0-9]{1,15}", text.strip()):
            return int(text)
        if re.fullmatch(r"-?[0-9]{1,15}\.[0-9]{1,15}", text.strip()):
            return float(text)
    raise Unfit


def named_fields(fields: Iterable[Field]) -> dict[str, Kind]:
    """Return the fields of a start that can be referred to, with their kinds."""
    return {each.key: each.kind for each in fields if can_be_named(each.key)}
