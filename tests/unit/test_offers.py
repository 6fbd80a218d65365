"""What is offered of a turn is what would be heeded, and the rest says why it is not."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from keyturn.domain import orders
from keyturn.domain.errors import Refused
from keyturn.domain.ids import (
    AppId,
    ClientId,
    ConnectionId,
    FolderId,
    RotationId,
    SecretHash,
    TurnId,
)
from keyturn.domain.offers import ENDING, NONE_OPEN, Order, why_not
from keyturn.domain.okta import AuthMethod
from keyturn.domain.rotation import Rotation, SecretsMapping
from keyturn.domain.schedule import Schedule
from keyturn.domain.turn import (
    ENDED,
    LOST,
    MOVES,
    Act,
    Held,
    Opened,
    Overlap,
    Phase,
    Policy,
    Posted,
    Reason,
    Trigger,
    Turn,
    Word,
    blocked,
)

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
OLD = Held(SecretHash("old"), None, None)
ROTATION = Rotation(
    id=RotationId("r"),
    folder_id=FolderId("f"),
    connection_id=ConnectionId("c"),
    name="web",
    description=None,
    parameter="0oa1",
    app_id=AppId("0oa1"),
    client_id=ClientId("0oa1"),
    auth_method=AuthMethod.CLIENT_SECRET_BASIC,
    mapping=SecretsMapping("ID", "SECRET"),
    schedule=Schedule(30, time(0, 0)),
    policy=Policy(300, 600),
    active_index=0,
    created_at=NOW,
    updated_at=NOW,
    last_attempted_at=NOW,
    last_rotated_at=NOW,
    last_turn_id=None,
    last_manual=False,
    last_message=None,
    next_rotation_at=None,
)
UNTIL_NEXT = replace(ROTATION, policy=Policy(300, 600, overlap=Overlap.UNTIL_NEXT))
GIVEN: Mapping[Order, Callable[[Turn], Turn]] = {
    Order.PAUSE: lambda turn: orders.paused(turn, NOW),
    Order.RESUME: lambda turn: orders.resumed(turn, NOW),
    Order.REINSTATE: lambda turn: orders.reinstating(turn, NOW),
    Order.FINISH_NOW: lambda turn: orders.hurried(turn, Word.FINISH, NOW),
    Order.AT_ONCE: lambda turn: orders.hurried(turn, Word.AT_ONCE, NOW),
    Order.ABORT: lambda turn: orders.aborted(turn, NOW),
}


def turn(phase: Phase, old: Held | None = OLD) -> Turn:
    """Make a turn that came into its phase just now."""
    at = (NOW, NOW, NOW)
    plain = Turn(TurnId("t"), RotationId("r"), AppId("0oa1"), Trigger.MANUAL, phase, *at, old)
    return replace(plain, posted=Posted(NOW))


GOING = [turn(phase) for phase in Phase if phase not in (Phase.BLOCKED, *ENDED)]
STOPPED = [blocked(one, Reason.APP_GONE, "", NOW) for one in GOING if Act.BLOCK in MOVES[one.phase]]
STILL = [replace(one, paused_at=NOW, wake_at=None) for one in GOING]
EVERY = [*GOING, *STOPPED, *STILL, turn(Phase.SOAKING, None), *map(turn, sorted(ENDED))]


def told(one: Turn) -> str:
    """Name a turn."""
    return f"{one.phase}{' paused' if one.paused_at else ''}{' alone' if not one.old else ''}"


@pytest.mark.parametrize("one", EVERY, ids=told)
def test_what_is_offered_is_what_would_be_heeded(one: Turn) -> None:
    """Of every turn that there can be, and of every order about it."""
    found = why_not(ROTATION, one, NOW)
    for order, give in GIVEN.items():
        try:
            give(one)
            heeded = True
        except Refused:
            heeded = False
        assert (found[order] == "") is heeded, order


@pytest.mark.parametrize("reason", [Reason.CONNECTION_CHANGED, *LOST])
def test_abort_is_offered_where_it_leads_out(reason: Reason) -> None:
    """Also of a turn that has served its secret: what its block tells to do is not refused."""
    stopped = blocked(turn(Phase.OVERLAPPING), reason, "", NOW)
    assert why_not(ROTATION, stopped, NOW)[Order.ABORT] == ""


def test_abort_that_is_not_offered_tells_when_it_helps() -> None:
    """Of a paused turn nobody knows whether Okta still has what it serves; the order asks."""
    still = replace(turn(Phase.OVERLAPPING), paused_at=NOW)
    told = why_not(ROTATION, still, NOW)[Order.ABORT]
    assert "Where Okta has lost it, `keyturn turn abort` finds that out" in told


def test_reinstating_waits_for_what_okta_has_not_confirmed() -> None:
    """Its refusal tells what to do first."""
    unsure = replace(turn(Phase.OVERLAPPING), opened=Opened.TIME)
    told = why_not(ROTATION, unsure, NOW)[Order.REINSTATE]
    assert told.startswith("Okta was asked to deactivate the old client secret")
    assert why_not(ROTATION, turn(Phase.OVERLAPPING), NOW)[Order.REINSTATE] == (
        "No client secret of it is retired."
    )


@pytest.mark.parametrize("before", [None, turn(Phase.FINISHED), turn(Phase.ROLLED_BACK)])
def test_without_an_open_turn_one_can_be_started(before: Turn | None) -> None:
    """And there is nothing else that could be ordered."""
    found = why_not(ROTATION, before, NOW)
    assert {order for order, why in found.items() if not why} == {Order.TURN, Order.EMERGENCY}
    assert found[Order.PAUSE] == NONE_OPEN


def test_a_blocked_turn_can_be_tried_again() -> None:
    """By a turn, which resumes it."""
    assert [why_not(ROTATION, one, NOW)[Order.TURN] for one in STOPPED] == [""] * len(STOPPED)


@pytest.mark.parametrize("one", [*GOING, *STILL], ids=told)
def test_one_turn_goes_on_at_a_time(one: Turn) -> None:
    """Neither a plain one nor an emergency begins beside it."""
    found = why_not(ROTATION, one, NOW)
    assert found[Order.TURN]
    assert found[Order.EMERGENCY]


def test_one_that_waits_for_the_next_makes_room_once_its_overlap_is_over() -> None:
    """In an emergency at once, because nothing is waited for then."""
    one = turn(Phase.OVERLAPPING)
    early, later = why_not(UNTIL_NEXT, one, NOW), why_not(UNTIL_NEXT, one, NOW + timedelta(hours=1))
    assert early[Order.TURN] == (
        "Both work until 2026-11-21 12:05:00 UTC at least: clients may hold the old."
    )
    assert (early[Order.EMERGENCY], later[Order.TURN]) == ("", "")
    assert why_not(UNTIL_NEXT, turn(Phase.SOAKING), NOW)[Order.TURN] == ""


def test_a_rotation_that_is_being_ended_starts_no_turn() -> None:
    """Whatever stands open."""
    found = why_not(replace(ROTATION, ending=True), STOPPED[0], NOW)
    assert (found[Order.TURN], found[Order.EMERGENCY]) == (ENDING, ENDING)
