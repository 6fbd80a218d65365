"""Every store counts the same of the same records, and knows the same of them to be old."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from storage_kit import (
    CONNECTION,
    DESTINATION,
    GRANTED,
    LEAK,
    MEMBER,
    NOW,
    RECEIPT,
    RECORDS,
    REGISTRATION,
    REQUEST,
    ROLLOUT,
    ROTATION,
    TOKEN,
    TURN,
    VERSION,
    add_all,
)

from keyturn.adapters.storage.dues import WHEN
from keyturn.domain.destination import State as Delivering
from keyturn.domain.drift import Kind
from keyturn.domain.identity import AccessToken
from keyturn.domain.ids import LeakId, RotationId, TurnId
from keyturn.domain.leaks import LeakReport, Which
from keyturn.domain.leaks import State as Reported
from keyturn.domain.oauth.authorization import AuthorizationRequest
from keyturn.domain.oauth.lights import Light
from keyturn.domain.reasons import Reason
from keyturn.domain.rollout import ENDED
from keyturn.domain.rollout import Kind as RolloutKind
from keyturn.domain.rollout import State as RolloutState
from keyturn.domain.secret import Receipt, State
from keyturn.domain.turn import Overlap, Phase, Turn
from keyturn.services.backups import backed_up
from keyturn.services.ports import Due, Figures, Old, Record, Store
from keyturn.testing.figures import QUEUES

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
EARLIER = NOW - DAY


async def counted(store: Store, *changed: Record) -> Figures:
    """Change records, and count."""
    async with store.writing() as tx:
        await tx.replace(*changed)
    async with store.reading() as tx:
        return await tx.figures(NOW, late_before=NOW - SECOND)


async def test_one_of_each_is_counted(store: Store) -> None:
    """What there is one of is counted once, by what it is."""
    await add_all(store, *RECORDS)
    figures = await counted(store)
    assert (figures.rotations, figures.okta_connections) == (1, 1)
    assert figures.turns == {Phase.BLOCKED: 1}
    assert figures.blocked == {Reason.FOREIGN_SECRET: 1}
    assert figures.destinations == {Delivering.BLOCKED: 1}
    assert figures.connections == {Light.BROKEN: 1}
    assert figures.registrations == {REGISTRATION.light: 1}
    assert figures.findings == {Kind.SECRET_ADDED: 1}


@pytest.mark.parametrize("kind", RolloutKind)
@pytest.mark.parametrize("state", RolloutState)
async def test_apps_of_emergencies_are_counted_until_they_are_over(
    store: Store, kind: RolloutKind, state: RolloutState
) -> None:
    """By how they stand, and of emergencies that are under way alone."""
    await add_all(store, *RECORDS)
    figures = await counted(store, replace(ROLLOUT, kind=kind, state=state))
    goes_on = kind is RolloutKind.EMERGENCY and state is RolloutState.RUNNING
    assert figures.closings == ({MEMBER.standing: 1} if goes_on else {})


async def test_nothing_is_counted_where_there_is_nothing(store: Store) -> None:
    """An empty store has the figures of nothing at all."""
    async with store.reading() as tx:
        assert await tx.figures(NOW, late_before=NOW) == Figures()


async def test_times_are_told(store: Store) -> None:
    """When the next turn starts, since when the oldest waits, and when the last backup was."""
    await add_all(store, *RECORDS)
    await store.append_audit(backed_up(EARLIER, "x"))
    await store.append_audit(backed_up(NOW, "y"))
    overlapping = replace(TURN, phase=Phase.OVERLAPPING, blocked=None, entered_at=EARLIER)
    figures = await counted(store, overlapping, replace(ROTATION, next_rotation_at=NOW))
    assert figures.next_turn_at == NOW
    assert figures.overlapping_since == EARLIER
    assert figures.backed_up_at == NOW


@pytest.mark.parametrize(
    ("overlap", "changed", "told"),
    [
        (Overlap.UNTIL_NEXT, {}, False),
        (Overlap.UNTIL_NEXT, {"reinstated": 1}, True),
        (Overlap.UNTIL_NEXT, {"paused_at": NOW}, True),
        (Overlap.EVIDENCE, {}, True),
    ],
)
async def test_an_overlap_that_is_to_last_until_the_next_turn_is_not_told_of(
    store: Store, overlap: Overlap, changed: dict[str, Any], *, told: bool
) -> None:
    """Nobody is waited for, unless the old secret came back or somebody has paused the turn."""
    await add_all(store, *RECORDS)
    turn = replace(TURN, phase=Phase.OVERLAPPING, blocked=None, entered_at=EARLIER, **changed)
    policy = replace(ROTATION.policy, overlap=overlap)
    figures = await counted(store, turn, replace(ROTATION, policy=policy))
    assert figures.overlapping_since == (EARLIER if told else None)


@pytest.mark.parametrize("kind", RolloutKind)
@pytest.mark.parametrize("state", RolloutState)
async def test_rollouts_are_counted_until_they_are_over(
    store: Store, kind: RolloutKind, state: RolloutState
) -> None:
    """By where they stand; emergencies are not among them."""
    await add_all(store, *RECORDS)
    figures = await counted(store, replace(ROLLOUT, kind=kind, state=state))
    goes_on = kind is RolloutKind.WAVES and state not in ENDED
    assert figures.rollouts == ({state: 1} if goes_on else {})


async def test_leak_reports_are_counted_until_they_are_ended(store: Store) -> None:
    """By where they stand."""
    await add_all(store, *RECORDS)
    opened = replace(LEAK, state=Reported.OPEN, ended_at=None)
    assert (await counted(store, opened)).leaks == {Reported.OPEN: 1}
    ended = replace(LEAK, state=Reported.CLOSED, ended_at=NOW)
    assert (await counted(store, ended)).leaks == {}


@pytest.mark.parametrize(
    ("changed", "unattended"),
    [
        ({}, 1),
        ({"which": Which.RETIRED}, 0),
        ({"emergency_id": ROLLOUT.id}, 0),
        ({"state": Reported.UNKNOWN, "which": None}, 0),
        ({"state": Reported.CLOSED, "ended_at": NOW}, 0),
    ],
)
async def test_leak_reports_are_unattended_until_something_closes_them(
    store: Store, changed: dict[str, Any], unattended: int
) -> None:
    """What Okta refuses, what an emergency closes and what nothing here has waits for nobody."""
    await add_all(store, *RECORDS)
    found = replace(LEAK, state=Reported.OPEN, ended_at=None, emergency_id=None)
    assert (await counted(store, replace(found, **changed))).unattended == unattended


async def test_late_ones_are_counted(store: Store) -> None:
    """A turn that is to start now is not late; one that was to start before is."""
    await add_all(store, *RECORDS)
    assert (await counted(store, replace(ROTATION, next_rotation_at=NOW))).late == 0
    assert (await counted(store, replace(ROTATION, next_rotation_at=NOW - SECOND))).late == 1


async def test_troubles_are_counted(store: Store) -> None:
    """Paused turns, destinations that are tried again, and orgs that fail."""
    await add_all(store, *RECORDS)
    figures = await counted(
        store,
        replace(TURN, paused_at=NOW),
        replace(DESTINATION, state=Delivering.WAITING, attempts=3),
        replace(CONNECTION, failing_since=NOW),
    )
    assert (figures.paused, figures.tried, figures.unreached) == (1, 1, 1)


async def test_ended_turns_are_not_open(store: Store) -> None:
    """A turn that has ended is counted nowhere."""
    await add_all(store, *RECORDS)
    ended = replace(TURN, phase=Phase.ROLLED_BACK, ended_at=NOW, paused_at=NOW)
    figures = await counted(store, ended)
    assert (figures.turns, figures.blocked, figures.paused) == ({}, {}, 0)


FREE = replace(GRANTED, leased_until=None)
WAITS: dict[Due, Record] = {
    Due.TURNS: replace(TURN, wake_at=EARLIER),
    Due.ROTATIONS: replace(ROTATION, next_rotation_at=EARLIER),
    Due.CONNECTIONS: replace(CONNECTION, next_reconcile_at=EARLIER),
    Due.DESTINATIONS: replace(DESTINATION, due_at=EARLIER),
    Due.PROOFS: replace(REGISTRATION, due_at=EARLIER),
    Due.RENEWALS: replace(FREE, due_at=EARLIER),
    Due.LOOKS: replace(REGISTRATION, look_at=EARLIER),
}


@pytest.mark.parametrize("of", WAITS)
async def test_a_queue_tells_since_when_its_oldest_waits(store: Store, of: Due) -> None:
    """Since when anything is due that nobody has taken up, by queue; nothing else is told."""
    await add_all(store, *RECORDS)
    before = (await counted(store)).due_since
    assert of.name not in before
    assert (await counted(store, WAITS[of])).due_since == {**before, of.name: EARLIER}


def test_the_stores_know_the_same_queues() -> None:
    """A queue that one of them forgets would never be seen to stand still."""
    assert QUEUES.keys() == WHEN.keys()
    places = {of: {(kind, when) for kind, when in WHEN[of]} for of in WHEN}
    assert {of: {*places} for of, places in QUEUES.items()} == places


async def test_what_somebody_holds_does_not_wait(store: Store) -> None:
    """What a worker has in its hands waits for nobody."""
    await add_all(store, *RECORDS)
    held = replace(DESTINATION, due_at=EARLIER, leased_until=NOW + SECOND)
    assert Due.DESTINATIONS.name not in (await counted(store, held)).due_since


# --- what is old ----------------------------------------------------------------------------------


async def old(store: Store, kind: type[Old]) -> Sequence[Old]:
    """Return what is old by now."""
    async with store.reading() as tx:
        return await tx.list_old(kind, NOW, limit=10)


def ended(turn_id: str, **changes: object) -> Turn:
    """Return a turn that ended yesterday."""
    plain = replace(TURN, id=TurnId(turn_id), phase=Phase.FINISHED, ended_at=EARLIER, blocked=None)
    return replace(plain, **changes)  # type: ignore[arg-type]  # fields of Turn


async def test_the_newest_turn_of_a_rotation_is_never_old(store: Store) -> None:
    """Of each rotation all but the newest turn are old, once they ended long enough ago."""
    other = replace(ROTATION, id=RotationId("r-2"), name="other")
    rest = [one for one in RECORDS if not isinstance(one, Turn) and one != MEMBER]
    turns = (ended("t-1"), ended("t-2"), ended("t-3"), ended("o-1", rotation_id=other.id))
    await add_all(store, *rest, other, *turns)
    assert [turn.id for turn in await old(store, Turn)] == ["t-1", "t-2"]


async def test_the_turn_that_served_last_is_never_old(store: Store) -> None:
    """What is served now came by a turn: it stays, though later ones came to nothing."""
    rest = [one for one in RECORDS if not isinstance(one, Turn) and one != ROTATION]
    served = replace(ROTATION, last_turn_id=TurnId("t-1"))
    await add_all(store, served, *rest, ended("t-1"), ended("t-2"), ended("t-3"))
    assert [turn.id for turn in await old(store, Turn)] == ["t-2"]


@pytest.mark.parametrize("kind", RolloutKind)
async def test_what_proves_a_closing_is_never_old(store: Store, kind: RolloutKind) -> None:
    """A turn that an emergency names stays as long as that; one of another rollout does not."""
    rest = [one for one in RECORDS if not isinstance(one, Turn) and one not in (ROLLOUT, MEMBER)]
    named = (replace(ROLLOUT, kind=kind), replace(MEMBER, turn_id=TurnId("t-1")))
    await add_all(store, *rest, *named, ended("t-1"), ended("t-2"), ended("t-3"))
    found = [turn.id for turn in await old(store, Turn)]
    assert found == (["t-2"] if kind is RolloutKind.EMERGENCY else ["t-1", "t-2"])


async def test_a_turn_is_not_old_before_its_time(store: Store) -> None:
    """Neither an open turn nor one that ended just now is old."""
    rest = [one for one in RECORDS if not isinstance(one, Turn)]
    await add_all(store, *rest, ended("t-2", ended_at=NOW), ended("t-3"), TURN)
    assert [turn.id for turn in await old(store, Turn)] == ["t-3"]


async def test_a_leak_report_is_old_once_it_ended_long_ago(store: Store) -> None:
    """Neither an open one nor one that ended just now is."""
    ends = {"open": None, "now": NOW, "before": EARLIER}
    reports = [replace(LEAK, id=LeakId(name), ended_at=at) for name, at in ends.items()]
    await add_all(store, *RECORDS, *reports)
    assert [each.id for each in await old(store, LeakReport)] == ["before"]


@pytest.mark.parametrize("state", State)
async def test_a_receipt_is_old_once_its_version_is_destroyed(store: Store, state: State) -> None:
    """Who holds a version that works, or may work again, is never forgotten."""
    await add_all(store, *RECORDS)
    async with store.writing() as tx:
        await tx.replace(replace(RECEIPT, read_at=EARLIER), replace(VERSION, state=state))
    assert len(await old(store, Receipt)) == (state is State.DESTROYED)


async def test_a_receipt_is_not_old_while_its_reader_reads(store: Store) -> None:
    """Who read just now is remembered."""
    await add_all(store, *RECORDS)
    assert await old(store, Receipt) == []


async def test_a_token_is_old_once_it_can_neither_be_used_nor_renewed(store: Store) -> None:
    """An expired token that can be renewed is not old."""
    await add_all(store, *RECORDS)
    async with store.writing() as tx:
        await tx.replace(replace(TOKEN, expires_at=EARLIER))
    assert await old(store, AccessToken) == []
    async with store.writing() as tx:
        await tx.replace(replace(TOKEN, expires_at=EARLIER, renewable_until=EARLIER))
    assert [token.id for token in await old(store, AccessToken)] == [TOKEN.id]


async def test_a_request_is_old_once_nobody_can_answer_it(store: Store) -> None:
    """A request that is over is old."""
    await add_all(store, *RECORDS)
    assert await old(store, AuthorizationRequest) == []
    async with store.writing() as tx:
        await tx.replace(replace(REQUEST, ends_at=EARLIER))
    assert [request.id for request in await old(store, AuthorizationRequest)] == [REQUEST.id]


async def test_the_schema_is_known_to_fit(store: Store) -> None:
    """A store that was just opened is of this version."""
    async with store.reading() as tx:
        assert await tx.schema_fits()
