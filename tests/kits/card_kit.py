"""Cards that are run on their own, and their examples."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from typing import Any

from flow_files import example_flows
from hypothesis import strategies as st

from keyturn.domain.flows.catalogue import CARDS
from keyturn.domain.flows.failures import CardFailure
from keyturn.domain.flows.reading import read_flow
from keyturn.domain.flows.spec import CardSpec, Input
from keyturn.domain.flows.values import MASK, Kind, Masked, Value, seen
from keyturn.domain.flows.walk import Allowance, Ask, Course, Load, Open, Sent, Walk

SECRET = "Jefe"
"""What every secret of an example is; the key of the second example of RFC 4231."""
HELPER = """\
flow: helper
start: {kind: helper, inputs: {name: text}}
cards: [{card: flow.return, with: {greeting: Hello Ada}}]
"""
RUN: Mapping[str, Value] = {"id": "run-1", "flow": "example"}
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def computed(name: str, **given: Value) -> Mapping[str, Value]:
    """Run a card that computes, with these inputs."""
    run = CARDS[name].run
    assert run
    return run(given)


def refusal(name: str, **given: Value) -> str:
    """Return what a card that computes says of inputs that it refuses, after the kind."""
    try:
        outputs = computed(name, **given)
    except CardFailure as failure:
        return f"{failure.kind}: {failure.message}"
    raise AssertionError(f"{name} gave {outputs}")


def computing() -> list[CardSpec]:
    """Return the cards that compute, by name."""
    return [CARDS[name] for name in sorted(CARDS) if CARDS[name].run]


def outputs_of_example(spec: CardSpec) -> Value:
    """Run the example of a card that asks nobody, and return what the card gave."""
    walk = Walk(Allowance(), lambda: NOON)
    course = walk.course(read_flow(example_flows()[spec.name]), seen({}), run=seen({**RUN}))
    _go(course)
    return next(step.outputs for step in reversed(walk.steps) if step.card == spec.name)


def _go(course: Course) -> None:
    with suppress(StopIteration):
        ask = next(course)
        while True:
            ask = course.send(_told(ask))


def _told(ask: Ask) -> Sent:
    match ask:
        case Open(names=names):
            return seen(dict.fromkeys(names, SECRET))
        case Load():
            return read_flow(HELPER)
        case _:
            return None


def covers(value: Any, view: Any) -> bool:  # noqa: ANN401  JSON
    """Say whether a view shows a value as it is, but for what it hides whole."""
    if isinstance(view, Masked):
        return True
    match value, view:
        case dict(), dict():
            return value.keys() == view.keys() and all(covers(value[k], view[k]) for k in value)
        case list(), list():
            return len(value) == len(view) and all(map(covers, value, view))
        case _:
            return type(value) is type(view) and value == view


# --- inputs of every sort -------------------------------------------------------------------------

_ODD = ("", " ", "a", "A,b", "é😀", "\ud800", "\0", "=", "%zz", "+", "[", "[1]", "{}", "1e9", "-0")
_DATES = (
    "2026-11-21T09:30:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-12:00",
    "2026-W47-6",
    "YYYY-MM-DD HH:mm:ss.SSS ZZ [x]",
    "Europe/Berlin",
    "Europe",
)
TEXTS = st.sampled_from((*_ODD, *_DATES, "profile.emails.0", "http://[::1", "a=1&a=2")) | st.text(
    st.characters(exclude_categories=()), max_size=8
)
NUMBERS = (
    st.sampled_from((0, 1, -1, 2, 0.5, -0.0, 10**18, 2**53, 1e308, 5e-324, 10**400))
    | st.integers(-99, 99)
    | st.floats(allow_nan=False, allow_infinity=False)
)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
NAMES = st.sampled_from(("key", "value", "a", "0", "")) | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=8,
)
OF_KIND: Mapping[Kind, st.SearchStrategy[Any]] = {
    Kind.TEXT: TEXTS,
    Kind.NUMBER: NUMBERS,
    Kind.BOOLEAN: st.booleans(),
    Kind.OBJECT: st.dictionaries(NAMES, VALUES, max_size=4),
    Kind.LIST: st.lists(VALUES, max_size=4)
    | st.lists(st.dictionaries(st.sampled_from(("key", "value", "a")), VALUES, max_size=3))
    | st.lists(st.lists(VALUES, max_size=3), max_size=3)
    | st.lists(NUMBERS, max_size=4)
    | st.lists(TEXTS, max_size=4),
    Kind.ANY: VALUES,
}


def inputs_of(spec: CardSpec) -> st.SearchStrategy[dict[str, Any]]:
    """Make inputs of the kinds that a card declares, its example's among them."""
    return _inputs_of(spec.name)


@cache
def _inputs_of(name: str) -> st.SearchStrategy[dict[str, Any]]:
    spec = CARDS[name]
    shown = _shown(spec)
    parts = {each.name: _given_for(each, shown) for each in spec.inputs}
    needed = {each.name: parts.pop(each.name) for each in spec.inputs if each.required}
    if spec.open:
        parts |= {"a": VALUES, "b": VALUES}
    return st.fixed_dictionaries(needed, optional=parts)


def _given_for(one: Input, shown: Mapping[str, Value]) -> st.SearchStrategy[Any]:
    if one.options:
        return st.sampled_from(one.options)
    made = OF_KIND[one.kind] | (st.nothing() if one.required else st.none())
    return made | st.just(shown[one.name]) if one.name in shown else made


def _shown(spec: CardSpec) -> Mapping[str, Any]:
    example: Mapping[str, Any] = spec.example
    cards = example.get("cards", [example])
    return next(card["with"] for card in cards if card["card"] == spec.name)


def hidden_in(value: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401  JSON
    """Make views of a value, in which parts are hidden whole."""
    match value:
        case dict() if value:
            parts = st.tuples(*map(hidden_in, value.values()))
            part = parts.map(lambda found: dict(zip(value, found, strict=True)))
        case list() if value:
            part = st.tuples(*map(hidden_in, value)).map(list)
        case _:
            part = st.just(value)
    return part | st.just(MASK)
