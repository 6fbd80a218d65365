"""Which events are in a change, and which flows hear of them."""

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from turn_kit import turn

from keyturn.domain.flows.events import Own, delivered, fits, of_turn, run_id_of
from keyturn.domain.flows.reading import FlowRefused, read_flow
from keyturn.domain.ids import FlowId
from keyturn.domain.turn import Blocked, Phase, Reason

FLOW = "flow: x\nstart: {}\ncards: []\n"
OKTA = "{kind: event, source: okta, events: [user.lifecycle.deactivate]}"


def problems(start: str) -> list[str]:
    """Return what is wrong with a flow that starts like this."""
    try:
        read_flow(FLOW.format(start))
    except FlowRefused as error:
        return [f"{each.where}: {each.rule}" for each in error.problems]
    return []


@pytest.mark.parametrize(
    ("start", "told"),
    [
        (OKTA, []),
        (OKTA.replace("okta", "keyturn"), [f"start.events[1]: must be one of {', '.join(Own)}"]),
        ("{kind: event, source: okta}", ["start: events must be there"]),
        ("{kind: event, events: [a.b]}", ["start: source must be there"]),
        ("{kind: event, source: x, events: [a.b]}", ["start.source: must be one of okta, keyturn"]),
    ],
)
def test_what_a_flow_may_listen_for(start: str, told: list[str]) -> None:
    """It says whose events and which; Keyturn's own have names, Okta's a form."""
    assert problems(start) == told


@pytest.mark.parametrize("told", ["user", "user.*", "user lifecycle.a", "a." + "b" * 128, ""])
def test_a_type_has_a_form(told: str) -> None:
    """Words with points between them, as Okta has them; there are no patterns."""
    (only,) = problems(f'{{kind: event, source: okta, events: ["{told}"]}}')
    assert "must be the type of an event" in only


def test_only_what_is_listened_for_fits() -> None:
    """By its type, whole."""
    start = read_flow(FLOW.format(OKTA)).start
    assert fits(start, {"eventType": "user.lifecycle.deactivate"})
    assert not fits(start, {"eventType": "user.lifecycle.deactivate.x"})
    assert not fits(start, {})


@pytest.mark.parametrize(
    ("before", "after", "events"),
    [
        (Phase.VERIFIED, Phase.PROMOTED, (Own.TURN_SERVED,)),
        (Phase.SOAKING, Phase.FINISHED, (Own.TURN_FINISHED,)),
        (Phase.ISSUED, Phase.ROLLED_BACK, (Own.TURN_ROLLED_BACK,)),
        (Phase.BLOCKED, Phase.ROLLED_BACK, (Own.TURN_ROLLED_BACK,)),
        (Phase.OVERLAPPING, Phase.BLOCKED, (Own.TURN_BLOCKED,)),
        (Phase.BLOCKED, Phase.PROMOTED, ()),
        (Phase.PROMOTED, Phase.PROMOTED, ()),
        (Phase.PLANNED, Phase.WRITTEN, ()),
    ],
)
def test_the_events_of_a_turn(before: Phase, after: Phase, events: tuple[Own, ...]) -> None:
    """What people would be told of; that a blocked turn goes on is none."""
    assert of_turn(turn(before), turn(after)) == events


def test_a_secret_that_comes_back_is_an_event() -> None:
    """Whichever phase the turn goes to, and together with what else there is."""
    soaking, again = turn(Phase.SOAKING), turn(Phase.OVERLAPPING, reinstated=1)
    assert of_turn(soaking, again) == (Own.TURN_REINSTATED,)
    why = Blocked(Reason.VALUE_NOT_KEPT, "", Phase.OVERLAPPING)
    stopped = replace(again, phase=Phase.BLOCKED, blocked=why)
    assert of_turn(soaking, stopped) == (Own.TURN_REINSTATED, Own.TURN_BLOCKED)


@given(st.recursive(st.none() | st.text(), st.lists, max_leaves=5))
def test_a_delivery_is_known_by_its_form(odd: Any) -> None:  # noqa: ANN401  JSON
    """Anything else is none."""
    for told in (odd, {"data": odd}, {"data": {"events": [odd]}}):
        assert delivered(told) is None
    assert delivered({"data": {"events": [{"eventType": "a.b"}]}}) == [{"eventType": "a.b"}]


def test_an_event_is_known_again() -> None:
    """By its uuid, or else by all that it says; for each flow it is another."""
    one, other = FlowId("one"), FlowId("other")
    first = run_id_of(one, {"uuid": "u", "published": "1"})
    assert (
        first == run_id_of(one, {"uuid": "u", "published": "2"}) != run_id_of(other, {"uuid": "u"})
    )
    assert run_id_of(one, {"a": 1, "b": 2}) == run_id_of(one, {"b": 2, "a": 1})
    assert run_id_of(one, {"a": 1}) != run_id_of(one, {"a": 2})
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", first)
