"""A flow as it runs: its cards one below the other, with their lanes, and the flows it leads to."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from markupsafe import Markup

from keyturn.domain.flows.definition import Card, Flow, OnError, Start
from keyturn.domain.flows.expressions import Constant
from keyturn.domain.flows.findings import Finding, Severity
from keyturn.domain.flows.reading import NUMBERED
from keyturn.domain.flows.spec import Effect, Security, StartKind
from keyturn.domain.flows.spots import Path, way
from keyturn.web.pictures.conditions import told_of
from keyturn.web.pictures.nested import Beside, Lane, Step, draw_nested
from keyturn.web.pictures.nodes import Look, Node, Shape
from keyturn.web.pictures.tones import Tone

START: Final = "start"
"""The key of the mark of a flow's start, and of all that is wrong outside its cards."""

_CARD: Final = re.compile(r"cards\[\d+\](?:\.(?:cases\[\d+\]\.then|(?!cases\b)[a-z_]+)\[\d+\])*")
_ENDS: Final = frozenset({"flow.return", "flow.return_raw", "error.raise", "error.return_error"})
_LATER: Final = "flow.call_async"
_SECURITY: Final[Mapping[Security, str]] = {
    Security.PUBLIC: "open to anybody",
    Security.CLIENT_TOKEN: "opened by a client token",
    Security.OAUTH: "opened by an access token",
}

Leads = Callable[[str], str]


@dataclass(frozen=True)
class Mark:
    """What is to be seen at a card: how it does, and why."""

    tone: Tone
    text: str


def _nowhere(_: str) -> str:
    return ""


@dataclass(frozen=True)
class _View:
    """What is shown of a flow besides itself."""

    marks: Mapping[str, Mark]
    href: Leads
    flow_href: Leads


def marks_of(findings: Iterable[Finding]) -> dict[str, Mark]:
    """Return a mark for each card in which something was found, by the way to it."""
    found: dict[str, list[Finding]] = {}
    for each in findings:
        at = _CARD.match(each.where)
        found.setdefault(at.group() if at else START, []).append(each)
    return {at: _mark(those) for at, those in found.items()}


def _mark(findings: Sequence[Finding]) -> Mark:
    errors = [each for each in findings if each.severity is Severity.ERROR]
    first, more = (errors or findings)[0], len(findings) - 1
    told = f"{first.rule} (and {more} more)" if more else first.rule
    return Mark("bad", told) if errors else Mark("warn", told)


def draw_flow(
    picture_id: str,
    flow: Flow,
    *,
    marks: Mapping[str, Mark] = MappingProxyType({}),
    href: Leads = _nowhere,
    flow_href: Leads = _nowhere,
    title: str = "",
) -> Markup:
    """Draw a flow from its start to its end.

    ``marks`` are those of cards by the way to them (``cards[2].then[1]``) or by their ids; ``href``
    gives where a card leads by its way, ``flow_href`` where a flow does by its name.
    """
    count = sum(1 for _ in flow.every_card)
    desc = f"{_start_told(flow.start)}. Then {count} {'card' if count == 1 else 'cards'}."
    steps = steps_of(flow, marks=marks, href=href, flow_href=flow_href)
    return draw_nested(picture_id, steps, title=title or f"Flow {flow.name}", desc=desc)


def steps_of(
    flow: Flow,
    *,
    marks: Mapping[str, Mark] = MappingProxyType({}),
    href: Leads = _nowhere,
    flow_href: Leads = _nowhere,
) -> list[Step]:
    """Return the steps of a flow, as `draw_flow` draws them."""
    view = _View(marks, href, flow_href)
    mark = marks.get(START)
    start = Node(
        START,
        _start_title(flow.start),
        "start",
        mark.text if mark else _start_note(flow.start),
        mark.tone if mark else "",
        href(START),
        "pill",
    )
    steps = [Step(start, beside=[*_on_error(flow.on_error, view, START)])]
    steps += _steps(flow.cards, ("cards",), view)
    if not flow.cards or flow.cards[-1].spec.name not in _ENDS:
        steps.append(Step(Node("end", "End", shape="pill")))
    return steps


def _steps(cards: Iterable[Card], path: Path, view: _View) -> list[Step]:
    return [_step(card, (*path, number), view) for number, card in enumerate(cards, 1)]


def _step(card: Card, path: Path, view: _View) -> Step:
    at = way(path)
    mark = view.marks.get(at) or view.marks.get(card.id)
    notes = [mark.text] if mark and mark.text else [*_notes(card)]
    node = Node(
        at,
        _title(card),
        card.spec.name,
        "; ".join(notes),
        mark.tone if mark else "",
        view.href(at),
        _shape(card),
    )
    beside = [*_helper(card, view, at), *_on_error(card.on_error, view, at)]
    return Step(node, [*_lanes(card, path, view)], beside)


def _title(card: Card) -> str:
    """Return what a card is called; one without an id, by what it does."""
    if not NUMBERED.fullmatch(card.id):
        return card.id
    return card.note or card.spec.name.partition(".")[2].replace("_", " ").capitalize()


def _notes(card: Card) -> Iterator[str]:
    if "when" in card.inputs and not card.lanes:
        yield f"if {told_of(card.inputs['when'])}"
    if "message" in card.inputs:
        yield told_of(card.inputs["message"])
    if "duration" in card.inputs:
        yield " ".join(
            told_of(card.inputs[each]) for each in ("duration", "unit") if each in card.inputs
        )
    if card.connection:
        yield f"on {card.connection}"
    if card.retry:
        yield f"tried again up to {card.retry.times} times"
    if card.on_error.give:
        yield "goes on with what is given if it fails"


def _shape(card: Card) -> Shape:
    if card.spec.name in _ENDS:
        return "pill"
    if _named(card):
        return "part"
    steers = card.spec.effect is Effect.CONTROL and (card.spec.lanes or card.spec.cases)
    return "choice" if steers or "when" in card.inputs else "box"


# --- lanes ---------------------------------------------------------------------------------------


def _lanes(card: Card, path: Path, view: _View) -> Iterator[Lane]:
    """Give the lanes of a card, and those that it could have and has not: there it just goes on."""
    for number, (when, cards) in enumerate(card.cases, 1):
        steps = _steps(cards, (*path, "cases", number, "then"), view)
        yield Lane(f"{'else ' * (number > 1)}if {told_of(when)}", steps)
    for declared in card.spec.lanes if card.lanes or card.cases else ():
        cards = card.lanes.get(declared.name, ())
        again = "item" in declared.binds
        sign = _sign(card, declared.name)
        yield Lane(
            sign if cards else f"{sign}: goes on",
            _steps(cards, (*path, declared.name), view),
            again,
            "warn" if declared.name == "catch" else "",
        )


def _sign(card: Card, lane: str) -> str:
    match lane:
        case "then":
            return f"if {told_of(card.inputs['when'])}"
        case "else":
            return "otherwise"
        case "catch":
            return "if a card fails"
        case "do":
            listed = f" of {told_of(card.inputs['list'])}" if "list" in card.inputs else ""
            return f"↻ for each {card.item}{listed}"
        case _:
            return lane


# --- other flows ---------------------------------------------------------------------------------


def _named(card: Card) -> str:
    """Return the name of the flow that a card runs, where it stands in the file."""
    declared, given = card.spec.input("flow"), card.inputs.get("flow")
    written = declared and declared.written and isinstance(given, Constant)
    return str(given.value) if written and isinstance(given, Constant) else ""


def _helper(card: Card, view: _View, at: str) -> Iterator[Beside]:
    name = _named(card)
    if name:
        label = "starts" if card.spec.name == _LATER else "runs"
        yield Beside(_flow(name, view, f"{at}.flow"), Look(label))


def _on_error(on_error: OnError, view: _View, at: str) -> Iterator[Beside]:
    if on_error.run:
        node = _flow(on_error.run, view, f"{at}.on_error")
        yield Beside(node, Look("if it fails", "bad", dashed=True))


def _flow(name: str, view: _View, at: str) -> Node:
    return Node(at, name, "flow", href=view.flow_href(name), shape="part")


# --- the start -----------------------------------------------------------------------------------


def _start_title(start: Start) -> str:
    match start.kind:
        case StartKind.ENDPOINT:
            return "A request"
        case StartKind.SCHEDULE:
            return "A schedule"
        case StartKind.EVENT:
            return f"An event of {str(start.settings.get('source', '')).capitalize()}"
        case StartKind.HELPER:
            return "Another flow"
        case StartKind.DELEGATED:
            return "Somebody, by hand"


def _start_note(start: Start) -> str:
    match start.kind:
        case StartKind.ENDPOINT:
            return _SECURITY[start.security]
        case StartKind.SCHEDULE:
            told = (start.settings.get(name) for name in ("every", "cron", "zone"))
            return " ".join(str(each) for each in told if each)
        case StartKind.EVENT:
            events = start.settings.get("events")
            return ", ".join(map(str, events)) if isinstance(events, list) else ""
        case _:
            inputs = start.fields.get("inputs", {})
            return f"given {', '.join(inputs)}" if inputs else ""


def _start_told(start: Start) -> str:
    note = _start_note(start)
    return f"{_start_title(start)} starts it{f', {note}' if note else ''}"
