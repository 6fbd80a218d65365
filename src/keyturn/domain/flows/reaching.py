"""What the references of a flow lead to, and which of its cards are ever reached.

Decides what is bound to a name at each place of a flow. It mirrors what a walk binds (`walk`): a
lane that binds names of its own is left with all that was bound in it, and what was bound in one
lane of several is there only if that lane ran.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from keyturn.domain.flows.definition import Card, Flow, Start
from keyturn.domain.flows.expressions import (
    SECRETS,
    Constant,
    Expression,
    Members,
    Reference,
    references_in,
)
from keyturn.domain.flows.findings import Found, guess, listing, warning
from keyturn.domain.flows.spec import CardSpec, Input, Lane, StartKind, When
from keyturn.domain.flows.spots import Path
from keyturn.domain.flows.values import Kind

Shape: TypeAlias = "Kind | Mapping[str, Shape]"
"""What is known of a value: of what kind it is, or which members it has."""

ENDING: Final = frozenset(
    {"flow.return", "flow.return_raw", "error.return_error", "error.raise"},
)
"""Cards after which no other card of their lane runs."""
FOUND_MAX: Final = 200
_ERROR: Final[Shape] = {
    "kind": Kind.TEXT,
    "message": Kind.TEXT,
    "status": Kind.NUMBER,
    "body": Kind.ANY,
    "card": Kind.TEXT,
}
_RUN: Final[Shape] = {
    "id": Kind.TEXT,
    "started_at": Kind.TEXT,
    "flow": Kind.TEXT,
}
_RAW: Final[Shape] = {"query": Kind.ANY, "headers": Kind.OBJECT, "body": Kind.ANY}
_BOUND: Final[Mapping[str, Shape]] = {"index": Kind.NUMBER, "total": Kind.ANY, "error": _ERROR}


@dataclass(frozen=True)
class Thing:
    """What a name is bound to; ``sure`` unless the card that gives it may not have run.

    ``lacks`` are the outputs that it does not have where the card failed.
    """

    shape: Shape
    sure: bool = True
    lacks: frozenset[str] = frozenset()


Names: TypeAlias = dict[str, Thing]


@dataclass
class Reach:
    """Follow the references of one flow."""

    flow: Flow
    found: list[Found] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)
    """The names of the secrets that are referred to."""
    _ids: Mapping[str, Card] = field(default_factory=dict)
    _items: frozenset[str] = frozenset()
    _passed: set[str] = field(default_factory=set)
    _left: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._ids = {card.id: card for card in self.flow.every_card}
        self._items = frozenset(card.item for card in self._ids.values())

    def check(self) -> None:
        """Follow them all, from the first card to the last."""
        paths = dict.fromkeys(self.flow.secrets, Kind.TEXT)
        shapes: Mapping[str, Shape] = {
            "start": shape_of_start(self.flow.start),
            "run": _RUN,
            SECRETS: paths,
        }
        self._lane(
            self.flow.cards, {name: Thing(each) for name, each in shapes.items()}, ("cards",)
        )

    # --- cards ------------------------------------------------------------------------------------

    def _lane(self, cards: Sequence[Card], names: Names, path: Path) -> Names:
        """Go through cards that run one after the other; return the names that they add."""
        seen, added = dict(names), Names()
        last: Card | None = None
        for number, card in enumerate(cards, 1):
            here = (*path, number)
            if last:
                self._say(warning(here, f"is never reached: {last.spec.name} before it is the end"))
            given = self._card(card, seen, here)
            seen |= given
            added |= given
            last = card if ends(card) else None
        return added

    def _card(self, card: Card, names: Names, path: Path) -> Names:
        """Go through a card and those in it; return the names that it adds."""
        early = [one for one in card.inputs if not _waits(card.spec, one)]
        self._inputs(card, early, names, path)
        if card.item != "item":
            self._hides(card, names, path)
        inner = self._lanes(card, names, path)
        if card.on_error.give is not None:
            inner = {name: replace(each, sure=False) for name, each in inner.items()}
            error = {"error": Thing(_ERROR)}
            self._refers(card.on_error.give, names | inner | error, (*path, "on_error", "give"))
        self._passed.add(card.id)
        return inner | {card.id: _thing_of(card)}

    def _lanes(self, card: Card, names: Names, path: Path) -> Names:
        """Go through the lanes of a card; return the names that are bound after it."""
        branches: list[tuple[Sequence[Card], Names]] = []
        for number, (when, cards) in enumerate(card.cases, 1):
            at = (*path, "cases", number)
            self._refers(when, names, (*at, "when"))
            branches.append((cards, self._lane(cards, names, (*at, "then"))))
        each = _bound(card, ("item", "index"))
        for lane in card.spec.lanes:
            cards = card.lanes.get(lane.name, ())
            around = names if _is_loop(lane) or not lane.binds else names | _unsure(branches)
            bound = _bound(card, lane.binds)
            given = self._lane(cards, around | bound, (*path, lane.name))
            if lane.binds:
                self._left |= given.keys()
            if _is_loop(lane):
                each = bound | given
            else:
                branches.append((cards, Names() if lane.binds else given))
        late = [one for one in card.inputs if _waits(card.spec, one)]
        self._inputs(card, late, names | each, path)
        going_on = [given for cards, given in branches if not any(map(ends, cards))]
        return _unsure(branches) | (going_on[0] if len(going_on) == 1 else {})

    def _hides(self, card: Card, names: Names, path: Path) -> None:
        if card.item in names or card.item in self._ids:
            rule = f"{card.item} hides what is called so already"
            self._say(warning((*path, "as"), rule))

    # --- references -------------------------------------------------------------------------------

    def _inputs(self, card: Card, chosen: Sequence[str], names: Names, path: Path) -> None:
        for name in chosen:
            expression, at = card.inputs[name], (*path, "with", name)
            kind, declared = self._refers(expression, names, at), card.spec.input(name)
            if declared and not _suits(declared, kind):
                rule = f"{expression} is of the kind {kind}, and {name} of the kind {declared.kind}"
                self._say(Found(at, rule))

    def _refers(self, expression: Expression, names: Names, path: Path) -> Kind:
        """Follow the references of an expression; return the kind that the whole is of."""
        kinds = [self._follow(each, names, path) for each in references_in(expression)]
        return kinds[0] if isinstance(expression, Reference) else Kind.ANY

    def _follow(self, reference: Reference, names: Names, path: Path) -> Kind:
        """Follow one reference; return the kind of what it leads to."""
        thing, step = names.get(reference.head), next(iter(reference.path), None)
        if thing is None:
            self._say(Found(path, self._nobody(reference, names)))
            return Kind.ANY
        if reference.head == SECRETS:
            self.secrets.add(str(step))
        if not reference.optional and not thing.sure:
            rule = (
                f"{reference}: {reference.head} may not have run; write ? at its end, or refer to"
            )
            self._say(Found(path, f"{rule} it where it has"))
        elif not reference.optional and step in thing.lacks:
            rule = f"{reference}: where {reference.head} fails, its on_error gives no {step}"
            self._say(warning(path, f"{rule}; write ? at its end"))
        return self._go(reference, thing.shape, path)

    def _go(self, reference: Reference, shape: Shape, path: Path) -> Kind:
        for number, step in enumerate(reference.path):
            so_far = Reference(reference.head, reference.path[:number])
            if shape is Kind.ANY:
                return Kind.ANY
            if isinstance(shape, Kind):
                if (Kind.LIST if isinstance(step, int) else Kind.OBJECT) is not shape:
                    self._say(Found(path, f"{reference}: {so_far} is of the kind {shape}"))
                return Kind.ANY
            if step not in shape:
                known = f"it has {listing(shape)}" if shape else "it has nothing declared"
                rule = f"{reference}: {so_far} has no {step}; {known}{guess(str(step), shape)}"
                self._say(Found(path, rule))
                return Kind.ANY
            shape = shape[str(step)]
        if reference.head == SECRETS and not reference.path:
            self._say(Found(path, f"{reference}: say which secret, as in {{{{ secrets.name }}}}"))
            return Kind.ANY
        return shape if isinstance(shape, Kind) else Kind.OBJECT

    def _nobody(self, reference: Reference, names: Names) -> str:
        """Say why nothing is bound to a name."""
        head = reference.head
        if head in self._left:
            why = f"{head} lies in a lane that has ended, and is known there alone"
        elif head in self._passed:
            why = f"{head} lies in another lane"
        elif head in self._ids:
            why = f"{head} comes later"
        elif head in self._items or head in _BOUND:
            why = f"{head} is known only in the lane that it is made for"
        else:
            why = f"there is no {head}{guess(head, names)}"
        return f"{reference}: {why}"

    def _say(self, found: Found) -> None:
        if len(self.found) < FOUND_MAX:
            self.found.append(found)


def shape_of_start(start: Start) -> Shape:
    """Return what is bound to start, by what a flow is started by."""
    fields = start.fields
    match start.kind:
        case StartKind.ENDPOINT:
            groups = {name: fields.get(name, {}) for name in ("query", "headers", "body")}
            return {**groups, "method": Kind.TEXT, "raw": _RAW}
        case StartKind.SCHEDULE:
            return {"time": Kind.TEXT}
        case StartKind.EVENT:
            return {"event": Kind.ANY}
        case StartKind.HELPER:
            return {"inputs": fields.get("inputs", {}), "error": _ERROR}
        case StartKind.DELEGATED:
            return {"inputs": fields.get("inputs", {})}


def ends(card: Card) -> bool:
    """Say whether no card runs after a card of the same lane."""
    if card.on_error.give is not None:
        return False
    if card.spec.name in ENDING:
        return True
    lanes = [card.lanes.get(lane.name, ()) for lane in card.spec.lanes if not _is_loop(lane)]
    lanes += [cards for _, cards in card.cases]
    return bool(lanes) and all(any(map(ends, cards)) for cards in lanes)


def _thing_of(card: Card) -> Thing:
    outputs: dict[str, Shape] = {each.name: each.kind for each in card.spec.outputs}
    if card.spec.open and not outputs:
        outputs = dict.fromkeys(card.inputs, Kind.ANY)
    match card.on_error.give:
        case None:
            return Thing(outputs)
        case Constant(dict(given)) | Members(given):
            others = dict.fromkeys(given, Kind.ANY)
            return Thing(others | outputs, lacks=frozenset(outputs) - frozenset(given))
        case _:
            return Thing(Kind.ANY)


def _bound(card: Card, binds: tuple[str, ...]) -> Names:
    """Return what a lane binds for its cards alone, or for an input that waits for each item."""
    return {
        card.item if name == "item" else name: Thing(_BOUND.get(name, Kind.ANY)) for name in binds
    }


def _is_loop(lane: Lane) -> bool:
    return "item" in lane.binds


def _unsure(branches: Sequence[tuple[Sequence[Card], Names]]) -> Names:
    """Return the names of lanes of which nobody knows which one ran."""
    return {
        name: replace(each, sure=False) for _, given in branches for name, each in given.items()
    }


def _waits(spec: CardSpec, name: str) -> bool:
    declared = spec.input(name)
    return declared is not None and declared.when is When.EACH


def _suits(declared: Input, kind: Kind) -> bool:
    return Kind.ANY in (declared.kind, kind) or declared.kind is kind
