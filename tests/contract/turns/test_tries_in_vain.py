"""What follows a step that came to nothing: when it is tried again, and what is told of it."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest
from meanwhile_kit import Altered
from notice_kit import kept, opened_channel
from rig import SECRETS, START, Rig
from structlog.testing import capture_logs

from keyturn.domain.errors import OktaAnswer, OktaHeld, OktaThrottled, Refused, TurnFailed
from keyturn.domain.notice import Kind
from keyturn.domain.rotation import Rotation
from keyturn.domain.schedule import Schedule
from keyturn.domain.secret import State, Version
from keyturn.domain.steps import Block
from keyturn.domain.turn import Overlap, Phase, Reason, Turn
from keyturn.sandbox import Fault
from keyturn.services.duties import claim_due
from keyturn.services.logbook import Logbook
from keyturn.services.policies import PolicyChange
from keyturn.services.ports import OktaOrg, TurnStep
from keyturn.services.rotations import view
from keyturn.services.turns import rotate

Fail = Callable[[Rig], Awaitable[str]]
DAY = timedelta(days=1)
BY_HAND = Schedule(30, time(0, 0), automatic=False)


async def turn_of(rig: Rig, rotation_id: str) -> Turn:
    """Return the newest turn."""
    turn = (await view(rig.world, rotation_id)).turn
    assert turn
    return turn


async def stored(rig: Rig, rotation_id: str) -> Rotation:
    """Return the rotation as it stands."""
    return (await view(rig.world, rotation_id)).rotation


async def due_at(rig: Rig, rotation_id: str) -> datetime:
    """Return when the next turn starts."""
    next_at = (await stored(rig, rotation_id)).next_rotation_at
    assert next_at
    return next_at


async def in_vain(rig: Rig) -> str:
    """Begin a turn that comes to nothing at first; return its rotation's id."""
    rotation_id = (await rig.rotation()).rotation.id
    with pytest.raises(TurnFailed):
        await rotate(rig.world, rig.admin, rotation_id)
    return rotation_id


async def waits(rig: Rig, rotation_id: str) -> list[int]:
    """Try again so often; return the seconds that passed before each try."""
    told = []
    for _ in range(4):
        until = (await turn_of(rig, rotation_id)).wake_at
        assert until
        told.append(round((until - rig.clock.now()).total_seconds()))
        rig.clock.advance((until - rig.clock.now()).total_seconds())
        await rig.tick()
    return told


async def unaccepted(rig: Rig) -> str:
    """Have Okta not accept the new secret yet, which is no error."""
    rig.org.change_settings(propagation_s=3600)
    return await in_vain(rig)


async def away(rig: Rig) -> str:
    """Have Okta away."""
    rig.org.add_fault(Fault("drop-before-effect", route=SECRETS, skip=1))
    return await in_vain(rig)


async def spoilt(rig: Rig) -> str:
    """Have a value that does not open any more: the fault is ours."""
    rotation_id = await unaccepted(rig)
    async with rig.world.store.writing() as tx:
        (version,) = await tx.list(Version, state=State.PENDING)
        await tx.replace(replace(version, sealed=b"spoilt"))
    rig.clock.advance(1)
    await rig.tick()
    assert "does not open" in str((await stored(rig, rotation_id)).last_message)
    return rotation_id


@pytest.mark.parametrize(
    ("fail", "seconds"),
    [(unaccepted, [1, 2, 5, 10]), (away, [1, 2, 5, 10]), (spoilt, [2, 5, 10, 30])],
)
async def test_what_is_tried_in_vain_is_tried_ever_more_rarely(
    rig: Rig, fail: Fail, seconds: list[int]
) -> None:
    """Whether Okta is asked in vain, is away, or Keyturn fails itself."""
    assert await waits(rig, await fail(rig)) == seconds


async def test_waiting_for_its_time_is_no_try_in_vain(rig: Rig) -> None:
    """However often it is looked whether an overlap is over: logged once, and no failure."""
    rotation_id = (await rig.rotation()).rotation.id
    with capture_logs() as lines:
        await rotate(rig.world, rig.admin, rotation_id)
        for _ in range(9):
            async with rig.world.store.writing() as tx:
                turn = await turn_of(rig, rotation_id)
                await tx.replace(replace(turn, wake_at=rig.clock.now()))
            await rig.tick()
    assert [line["did"] for line in lines if line["event"] == "turn"][-2:] == ["overlap", "wait"]
    rig.clock.advance(300)
    rig.org.add_fault(Fault("drop-before-effect", route=SECRETS, count=1))
    await rig.tick()
    assert (await waits(rig, rotation_id))[0] == 1


async def test_what_fails_again_is_logged_once(rig: Rig) -> None:
    """An outage of a day is one line, not one for each try."""
    with capture_logs() as lines:
        await waits(rig, await away(rig))
    assert [line["did"] for line in lines if line.get("did") == "failed"] == ["failed"]


@pytest.mark.parametrize(
    "error",
    [OktaHeld("look", retry_after_s=60), OktaThrottled("look", OktaAnswer(429), retry_after_s=60)],
    ids=["held back", "refused"],
)
async def test_turn_that_the_rate_limit_keeps_from_beginning_is_told_of_once(
    rig: Rig, error: OktaThrottled
) -> None:
    """A quarter of an hour without room, by what Keyturn keeps free or by Okta's own word."""
    await opened_channel(rig)
    rotation_id = (await rig.rotation()).rotation.id

    def alter(org: OktaOrg) -> None:
        def refuse(*_: object) -> None:
            raise error

        vars(org)["credentials_of"] = refuse

    rig.world = replace(rig.world, okta=Altered(rig.world.okta, alter))
    with pytest.raises(TurnFailed):
        await rotate(rig.world, rig.admin, rotation_id)
    told = []
    for _ in range(30):
        rig.clock.advance(60)
        await rig.tick()
        told.append([each.kind for each in await kept(rig)].count(Kind.DEFERRED))
    assert told == [0] * 14 + [1] * 16


async def test_turn_that_is_not_served_yet_has_failed_until_it_is(rig: Rig) -> None:
    """Until then the next try is a day later, and not an interval."""
    rig.org.change_settings(propagation_s=10**6)
    rotation_id = (await rig.rotation(schedule=Schedule(30, time(0, 0)))).rotation.id
    first = await due_at(rig, rotation_id)
    await rig.live((first - START).total_seconds())
    assert (await turn_of(rig, rotation_id)).phase is Phase.ISSUED
    assert (await stored(rig, rotation_id)).failures == 1
    assert await due_at(rig, rotation_id) == first + DAY


async def test_rotation_whose_turn_was_taken_back_is_tried_tomorrow(rig: Rig) -> None:
    """Okta never accepted the new secret: that is a failure, by hand too."""
    rig.org.change_settings(propagation_s=10**6)
    rotation_id = await in_vain(rig)
    assert (await rig.run(rotation_id)).phase is Phase.ROLLED_BACK
    assert await due_at(rig, rotation_id) - rig.clock.now() <= DAY


async def test_turn_that_was_asked_for_waits_for_a_blocked_one(rig: Rig) -> None:
    """It is due once that has ended: a blocked one is not tried again at each tick."""
    policy = PolicyChange(overlap=Overlap.UNTIL_NEXT, soak_s=3600)
    rotation_id = (await rig.rotation(policy=policy)).rotation.id
    await rotate(rig.world, rig.admin, rotation_id)
    await rig.live(360)
    with pytest.raises(Refused, match="starts by itself"):
        await rotate(rig.world, rig.admin, rotation_id)
    turn = await turn_of(rig, rotation_id)
    assert turn.old
    assert turn.new
    rig.org.activate_secret(rig.app_id, str(turn.old.okta_id))
    rig.org.deactivate_secret(rig.app_id, str(turn.new.okta_id))
    blocked = (await rig.run(rotation_id)).blocked
    assert blocked
    assert blocked.reason is Reason.NEW_SECRET_OFF
    assert await due_at(rig, rotation_id) > rig.clock.now() + DAY / 2


async def test_last_attempt_is_when_it_was_known_what_came_of_it(rig: Rig) -> None:
    """A turn that is served is one, whatever follows; so is each that fails, also as before."""
    rotation_id = (await rig.rotation(schedule=BY_HAND)).rotation.id
    rig.clock.advance(60)
    await rotate(rig.world, rig.admin, rotation_id)
    served_at = rig.clock.now()
    assert (await rig.run(rotation_id)).phase is Phase.FINISHED
    assert (await stored(rig, rotation_id)).last_attempted_at == served_at
    rig.org.create_secret(rig.app_id)
    for _ in range(2):
        rig.clock.advance(60)
        with pytest.raises(TurnFailed):
            await rotate(rig.world, rig.admin, rotation_id)
        assert (await stored(rig, rotation_id)).last_attempted_at == rig.clock.now()


async def test_message_is_as_long_as_clients_of_infisical_allow(rig: Rig) -> None:
    """Whatever Okta has to say: the record has the whole of it."""
    rotation_id = (await rig.rotation()).rotation.id
    await rotate(rig.world, rig.admin, rotation_id)
    rig.clock.advance(300)
    (held,) = await claim_due(rig.world, owner="test", limit=1)
    book = Logbook(rig.world, held.turn, held.held_since_s)
    await book.stop(Block(Reason.CALL_REFUSED, "x" * 2000))
    assert len(str((await stored(rig, rotation_id)).last_message)) == 1024
    async with rig.world.store.reading() as tx:
        last = (await tx.list(TurnStep, turn_id=held.turn.id))[-1]
    assert "x" * 2000 in last.detail
