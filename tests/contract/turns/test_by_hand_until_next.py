"""A turn asked for by hand while the last one waits for the next: it is the next one."""

from dataclasses import replace

import pytest
from rig import SECRETS, Rig

from keyturn.domain.errors import Refused
from keyturn.domain.orders import making_room
from keyturn.domain.schedule import Schedule
from keyturn.domain.turn import Overlap, Phase, Trigger, Turn, Word
from keyturn.sandbox import Fault
from keyturn.services.orders import reinstate_old
from keyturn.services.policies import PolicyChange
from keyturn.services.reports import list_turns
from keyturn.services.rotations import view
from keyturn.services.turns import rotate


async def waiting(rig: Rig, *, soak_s: int, by_hand: bool = False) -> str:
    """Turn once, until-next; return the rotation's id a minute past the shortest overlap."""
    policy = PolicyChange(overlap=Overlap.UNTIL_NEXT, soak_s=soak_s)
    changes = {"schedule": Schedule(30, rig.clock.now().time(), automatic=False)} if by_hand else {}
    rotation = (await rig.rotation(policy=policy, **changes)).rotation
    await rotate(rig.world, rig.admin, rotation.id)
    await rig.live(360)
    return rotation.id


async def open_turn(rig: Rig, rotation_id: str) -> Turn:
    """Return the newest turn."""
    turn = (await view(rig.world, rotation_id)).turn
    assert turn
    return turn


async def test_turn_by_hand_ends_the_overlap_that_waits_for_it(rig: Rig) -> None:
    """Without a soak the new secret is served by the same request, as Infisical's users expect."""
    rotation_id = await waiting(rig, soak_s=0)
    before = await rig.served_hash()
    seen = await rotate(rig.world, rig.admin, rotation_id)
    assert seen.turn
    assert seen.turn.phase is Phase.OVERLAPPING
    assert await rig.served_hash() != before
    assert [s["status"] for s in rig.living()] == ["ACTIVE", "ACTIVE"]


@pytest.mark.parametrize("by_hand", [False, True])
async def test_turn_by_hand_starts_when_the_soak_is_over(rig: Rig, *, by_hand: bool) -> None:
    """Nothing is deleted before its soak; the turn that was asked for begins by itself then."""
    rotation_id = await waiting(rig, soak_s=3600, by_hand=by_hand)
    with pytest.raises(Refused, match="starts by itself"):
        await rotate(rig.world, rig.admin, rotation_id)
    assert [s["status"] for s in rig.living()] == ["INACTIVE", "ACTIVE"]
    assert "asked for" in (await view(rig.world, rotation_id)).outlook.why
    await rig.live(3000)
    assert len(rig.posts()) == 1
    await rig.live(601)
    await rig.tick()
    turns = await list_turns(rig.world, rig.admin, rotation_id)
    assert [t.turn.phase for t in turns] == [Phase.OVERLAPPING, Phase.FINISHED]
    assert turns[0].turn.trigger is Trigger.MANUAL
    await rig.live(7200)
    assert len(rig.posts()) == 2


async def test_turn_that_was_asked_for_needs_no_window(rig: Rig) -> None:
    """People turn when they say so, booked or not; the schedule's own dates stay as they are."""
    rotation_id = await waiting(rig, soak_s=3600)
    async with rig.world.store.writing() as tx:
        rotation = (await view(rig.world, rotation_id)).rotation
        schedule = replace(rotation.schedule, blackouts="2026-01-01/2026-01-03")
        await tx.replace(replace(rotation, schedule=schedule))
    with pytest.raises(Refused):
        await rotate(rig.world, rig.admin, rotation_id)
    await rig.live(3600)
    await rig.tick()
    assert len(rig.posts()) == 2
    assert (await view(rig.world, rotation_id)).rotation.failures == 0


async def test_word_that_was_given_stays(rig: Rig) -> None:
    """The next date does not slow down a turn that somebody has told to end at once."""
    rotation_id = await waiting(rig, soak_s=3600)
    at_once = replace(await open_turn(rig, rotation_id), word=Word.AT_ONCE)
    assert making_room(at_once, rig.clock.now()) == at_once


async def test_asked_twice_is_done_once(rig: Rig) -> None:
    """Who asks again in the soak is told the same, and gets one turn."""
    rotation_id = await waiting(rig, soak_s=3600)
    for _ in range(2):
        with pytest.raises(Refused, match="starts by itself"):
            await rotate(rig.world, rig.admin, rotation_id)
    await rig.live(3600)
    await rig.live(3600)
    assert len(rig.posts()) == 2
    assert (await view(rig.world, rotation_id)).rotation.asked_at is None


async def test_shortest_overlap_is_kept(rig: Rig) -> None:
    """Before clients' caches have run out the turn by hand is refused, and told until when."""
    policy = PolicyChange(overlap=Overlap.UNTIL_NEXT)
    rotation = (await rig.rotation(policy=policy)).rotation
    await rotate(rig.world, rig.admin, rotation.id)
    await rig.live(299)
    with pytest.raises(Refused, match="2026-01-01 10:05:00 UTC"):
        await rotate(rig.world, rig.admin, rotation.id)
    assert (await open_turn(rig, rotation.id)).word is None


async def test_emergency_waits_for_nothing(rig: Rig) -> None:
    """A leak does not wait for the overlap or the soak of the turn before."""
    policy = PolicyChange(overlap=Overlap.UNTIL_NEXT)
    rotation = (await rig.rotation(policy=policy)).rotation
    await rotate(rig.world, rig.admin, rotation.id)
    served = await rig.served_hash()
    await rotate(rig.world, rig.admin, rotation.id, emergency=True)
    await rig.run(rotation.id)
    (left,) = rig.living()
    assert left["hash"] != served


async def test_emergency_that_starts_later_is_one(rig: Rig) -> None:
    """Where Okta does not answer now, what has leaked is closed when it does."""
    rotation_id, leaked = await waiting(rig, soak_s=3600), await rig.served_hash()
    rig.org.add_fault(Fault("drop-before-effect", "GET", SECRETS))
    rig.org.add_fault(
        Fault("drop-before-effect", "POST", f"{SECRETS}/{{secretId}}/lifecycle/deactivate")
    )
    with pytest.raises(Refused, match="starts by itself"):
        await rotate(rig.world, rig.admin, rotation_id, emergency=True)
    with pytest.raises(Refused, match="starts by itself"):
        await rotate(rig.world, rig.admin, rotation_id)
    rig.org.remove_fault(None)
    await rig.live(600)
    await rig.tick()
    assert leaked not in [secret["hash"] for secret in rig.living()]
    newest = (await list_turns(rig.world, rig.admin, rotation_id))[0]
    assert (newest.turn.phase, newest.turn.word) == (Phase.FINISHED, Word.AT_ONCE)
    assert newest.steps[0].step == "emergency"
    assert not (await view(rig.world, rotation_id)).rotation.asked_emergency


@pytest.mark.parametrize("due", [False, True])
async def test_reinstated_secret_gives_no_room_by_itself(rig: Rig, *, due: bool) -> None:
    """Somebody uses it: neither the next date nor a turn by hand retires it, only a word does."""
    rotation_id = await waiting(rig, soak_s=3600)
    with pytest.raises(Refused):
        await rotate(rig.world, rig.admin, rotation_id)
    await reinstate_old(rig.world, rig.admin, rotation_id)
    await rig.tick()
    if due:
        await rig.live(2 * 3600)
        async with rig.world.store.writing() as tx:
            rotation = (await view(rig.world, rotation_id)).rotation
            await tx.replace(replace(rotation, next_rotation_at=rig.clock.now()))
        await rig.tick()
    else:
        with pytest.raises(Refused, match="finish-now"):
            await rotate(rig.world, rig.admin, rotation_id)
    assert [s["status"] for s in rig.living()] == ["ACTIVE", "ACTIVE"]


async def test_worker_that_holds_the_turn_is_not_overtaken(rig: Rig) -> None:
    """A call of its may be on the way to Okta: its lease is waited for, and then room is made."""
    rotation_id = await waiting(rig, soak_s=0)
    async with rig.world.store.writing() as tx:
        turn = replace(await open_turn(rig, rotation_id), wake_at=rig.clock.now())
        await tx.replace(turn)
    async with rig.world.store.writing() as tx:
        lease = rig.world.limits.lease
        (held,) = await tx.claim_due(rig.clock.now(), owner="w", lease=lease, limit=1)
    with pytest.raises(Refused, match="starts by itself"):
        await rotate(rig.world, rig.admin, rotation_id)
    assert (await open_turn(rig, rotation_id)).wake_at == held.wake_at
    assert [s["status"] for s in rig.living()] == ["ACTIVE", "ACTIVE"]
    await rig.live(61)
    await rig.tick()
    assert len(rig.posts()) == 2
