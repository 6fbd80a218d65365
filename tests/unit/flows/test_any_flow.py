"""Whatever flow is accepted, its runs come to an end within what they may take."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from card_kit import OF_KIND
from flow_files import as_text
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from keyturn.domain.flows.catalogue import CARDS
from keyturn.domain.flows.checking import examine
from keyturn.domain.flows.definition import Flow
from keyturn.domain.flows.failures import CardFailure, Failure
from keyturn.domain.flows.findings import Severity
from keyturn.domain.flows.spec import CardSpec, Input, When
from keyturn.domain.flows.values import Kind, Value, seen
from keyturn.domain.flows.walk import Act, Allowance, Ask, Compute, End, Load, Sent, Walk

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LITTLE = Allowance(steps=300, memory_bytes=200_000, helpers=20, depth=3)
ASKS_MAX = 5 * LITTLE.steps
"""A card asks for itself, for a retry and for a sleep; nothing asks more often for long."""
CHOSEN = [
    name
    for name, spec in sorted(CARDS.items())
    if spec.run or (spec.steer and spec.family != "keyturn") or name == "date.now"
]
LOOPS = [name for name in CHOSEN if any("item" in lane.binds for lane in CARDS[name].lanes)]
Known = tuple[tuple[str, Kind], ...]


def _plain(value: Any) -> bool:  # noqa: ANN401  JSON
    """Say whether a value can stand in a file."""
    if isinstance(value, dict):
        return all(_plain(name) for name in value) and all(map(_plain, value.values()))
    if isinstance(value, list):
        return all(map(_plain, value))
    if isinstance(value, str):
        return "{{" not in value and all(" " <= each <= "~" for each in value)
    return not isinstance(value, int | float) or abs(value) < 10**15


CONSTANTS = {kind: values.filter(_plain) for kind, values in OF_KIND.items()}
CONDITIONS = st.booleans() | st.just({"left": "{{ start.inputs.n? }}", "is": "not null"})


@st.composite
def flows(draw: st.DrawFn) -> str:
    """Make a flow of cards that compute and steer, whose inputs often are what came before."""
    cards = _lane(draw, (("start.inputs.n", Kind.NUMBER), ("start.inputs.l", Kind.LIST)), 0)
    head = {"flow": "some", "start": {"kind": "helper", "inputs": {"n": "number", "l": "list"}}}
    return as_text({**head, "cards": cards})


def _lane(draw: st.DrawFn, known: Known, depth: int) -> list[dict[str, Any]]:
    cards: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 4 if depth < 2 else 1))):
        names = [*CHOSEN, *LOOPS * 5] if depth < 2 else ["flow.comment", "text.to_upper"]
        spec = CARDS[draw(st.sampled_from(names))]
        card = _card(draw, spec, known, depth) | {"id": f"c{depth}x{number}{len(known)}"}
        cards.append(card)
        known += tuple((f"{card['id']}.{each.name}", each.kind) for each in spec.outputs)
    return cards


def _card(draw: st.DrawFn, spec: CardSpec, known: Known, depth: int) -> dict[str, Any]:
    wanted = [one for one in spec.inputs if one.required or draw(st.booleans())]
    inner = (*known, ("item", Kind.ANY), ("index", Kind.NUMBER))
    card: dict[str, Any] = {"card": spec.name, "with": {}}
    for one in wanted:
        here = inner if one.when is When.EACH else known
        card["with"][one.name] = draw(_given(one, here))
    for lane in spec.lanes:
        around = inner if "item" in lane.binds else known
        card[lane.name] = _lane(draw, around, depth + 1)
    if spec.cases:
        card["cases"] = [{"when": draw(CONDITIONS), "then": _lane(draw, known, depth + 1)}]
    if draw(st.booleans()):
        card["on_error"] = {"give": {each.name: None for each in spec.outputs}}
    return card


def _given(one: Input, known: Known) -> st.SearchStrategy[Any]:
    """Make an input: a value, or more often something of its kind that there is already."""
    if one.name == "flow":
        return st.just("other")
    if one.condition:
        return CONDITIONS
    if one.options:
        return st.sampled_from(one.options)
    fitting = [path for path, kind in known if Kind.ANY in (kind, one.kind) or kind is one.kind]
    constant = CONSTANTS[one.kind]
    if one.secret or not fitting:
        return constant
    found = st.sampled_from(fitting).map(lambda path: f"{{{{ {path}? }}}}")
    return found | found | constant


def accepted(text: str) -> Flow:
    """Return the flow of a text in which nothing is wrong."""
    found, flow = examine(text)
    assume(flow is not None and all(each.severity is not Severity.ERROR for each in found))
    assert flow
    return flow


def run(flow: Flow, start: Value) -> tuple[End, Walk, int]:
    """Run a flow by what it asks, as often as it asks."""
    walk, asks = Walk(LITTLE, lambda: NOW), 0
    course = walk.course(flow, seen(start), run=seen({"id": "r"}))
    try:
        ask = next(course)
        while asks <= ASKS_MAX:
            asks += 1
            try:
                ask = course.send(_told(flow, ask))
            except CardFailure as failure:
                ask = course.throw(failure)
    except StopIteration as stop:
        return stop.value, walk, asks
    raise AssertionError("the run comes to no end")


def _told(flow: Flow, ask: Ask) -> Sent:
    match ask:
        case Compute(work):
            return work()
        case Load():
            return flow
        case Act():
            return seen({"date": "2026-01-01T00:00:00Z", "epoch_s": 1_767_225_600})
        case _:
            return None


GIVEN: Sequence[Value] = (
    {"inputs": {"n": 7, "l": [*range(40)]}},
    {"inputs": {"n": 10**6, "l": [{"a": ["x" * 100] * 5, "key": str(n)} for n in range(150)]}},
)


def ends(text: str) -> None:
    """Run what is accepted; it ends, and has taken no more than it may."""
    flow = accepted(text)
    for start in GIVEN:
        end, walk, _ = run(flow, start)
        assert walk.done <= LITTLE.steps + 1
        over = walk.bytes > LITTLE.memory_bytes
        assert not over or (end.failure and end.failure.kind is Failure.LIMIT)


@settings(max_examples=40, deadline=None, suppress_health_check=[*HealthCheck])
@given(flows())
def test_any_flow_that_is_accepted_comes_to_an_end(text: str) -> None:
    """Cards and inputs of any sort, inside each other, with what came before."""
    ends(text)


@pytest.mark.slow
@settings(max_examples=1500, deadline=None, suppress_health_check=[*HealthCheck])
@given(flows())
def test_any_more_flows_come_to_an_end(text: str) -> None:
    """The same for as many as there is time for."""
    ends(text)


def test_most_flows_that_are_made_here_are_accepted() -> None:
    """A test that looks at none would say nothing."""
    seen_of = {"made": 0, "accepted": 0}

    @settings(max_examples=40, deadline=None, database=None, suppress_health_check=[*HealthCheck])
    @given(flows())
    def count(text: str) -> None:
        found, _ = examine(text)
        seen_of["made"] += 1
        seen_of["accepted"] += all(each.severity is not Severity.ERROR for each in found)

    count()
    assert seen_of["accepted"] * 3 >= seen_of["made"], seen_of
