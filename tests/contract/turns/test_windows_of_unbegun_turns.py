"""A scheduled turn that was planned in time and did not begin in time waits for the next window."""

from datetime import UTC, datetime, time

from rig import SECRETS, Rig

from keyturn.domain.outlook import State
from keyturn.domain.rotation import Rotation
from keyturn.domain.schedule import Schedule, checked
from keyturn.domain.turn import Phase, Trigger
from keyturn.sandbox import Fault
from keyturn.services.orders import resume_turn
from keyturn.services.rotations import RotationView, view
from keyturn.services.turns import rotate, start_due

NINE = checked(Schedule(1, time(9, 0), windows="09:00-10:00"))


def utc(text: str) -> datetime:
    """Read a moment as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def forward(rig: Rig, at: str) -> None:
    """Let time pass without anybody working."""
    rig.clock.advance((utc(at) - rig.clock.now()).total_seconds())


async def made(rig: Rig, schedule: Schedule = NINE) -> Rotation:
    """Create a rotation that is due on 3 January at nine."""
    rotation = (await rig.rotation(schedule=schedule)).rotation
    assert rotation.next_rotation_at == utc("2026-01-03T09:00")
    return rotation


async def seen(rig: Rig, rotation: Rotation) -> RotationView:
    """Return the rotation as it stands."""
    return await view(rig.world, rotation.id)


async def test_process_that_was_away_starts_nothing_at_night(rig: Rig) -> None:
    """Planned at nine, taken up at six in the evening: put off, and counted as no failure."""
    rotation = await made(rig)
    forward(rig, "2026-01-03T09:00")
    assert await start_due(rig.world) == 1
    forward(rig, "2026-01-03T18:00")
    await rig.tick()
    assert not rig.posts()
    stands = await seen(rig, rotation)
    assert stands.turn
    assert stands.turn.phase is Phase.ROLLED_BACK
    assert (stands.outlook.state, stands.rotation.failures) == (State.MISSED, 0)
    assert stands.rotation.next_rotation_at == utc("2026-01-04T09:00")
    forward(rig, "2026-01-04T09:00")
    await rig.tick()
    assert len(rig.posts()) == 1


async def test_org_that_was_away_until_a_blackout_begins(rig: Rig) -> None:
    """What could not begin before the blackout begins after it."""
    blackout = "2026-01-03T09:30/2026-01-05T00:00"
    rotation = await made(rig, checked(Schedule(1, time(9, 0), blackouts=blackout)))
    forward(rig, "2026-01-03T09:00")
    fault = rig.org.add_fault(Fault("drop-before-effect", route=SECRETS))
    await rig.tick()
    rig.org.remove_fault(fault)
    forward(rig, "2026-01-03T09:31")
    await rig.tick()
    assert not rig.posts()
    assert (await seen(rig, rotation)).rotation.next_rotation_at == utc("2026-01-05T00:00")


async def test_turn_that_has_begun_goes_on(rig: Rig) -> None:
    """Once the value is written, the end of the window changes nothing."""
    rotation = await made(rig)
    forward(rig, "2026-01-03T09:59")
    fault = rig.org.add_fault(Fault("drop-before-effect", "POST", SECRETS))
    await rig.tick()
    rig.org.remove_fault(fault)
    forward(rig, "2026-01-03T10:05")
    await rig.tick()
    assert (await seen(rig, rotation)).turn
    assert [post["outcome"] for post in rig.posts()][-1] == "ok"


async def blocked_by_foreign(rig: Rig, rotation: Rotation) -> None:
    """Have the scheduled turn blocked by a foreign secret, which is then removed at night."""
    foreign = rig.org.create_secret(rig.app_id)
    forward(rig, "2026-01-03T09:00")
    await rig.tick()
    assert (await seen(rig, rotation)).outlook.state is State.BLOCKED
    rig.org.deactivate_secret(rig.app_id, foreign.id)
    rig.org.delete_secret(rig.app_id, foreign.id)
    forward(rig, "2026-01-03T20:00")


async def test_who_turns_by_hand_waits_for_no_window(rig: Rig) -> None:
    """The blocked turn that is resumed so is theirs from then on."""
    rotation = await made(rig)
    await blocked_by_foreign(rig, rotation)
    turned = await rotate(rig.world, rig.admin, rotation.id)
    assert turned.turn
    assert (turned.turn.phase, turned.turn.trigger) == (Phase.OVERLAPPING, Trigger.MANUAL)


async def test_who_resumes_by_hand_waits_for_no_window(rig: Rig) -> None:
    """`keyturn turn resume` is somebody's word too."""
    rotation = await made(rig)
    await blocked_by_foreign(rig, rotation)
    await resume_turn(rig.world, rig.admin, rotation.id)
    await rig.tick()
    assert len(rig.posts()) == 1


async def test_schedule_that_resumes_waits_for_its_window(rig: Rig) -> None:
    """The next try of a blocked turn starts in a window, and begins in one."""
    rotation = await made(rig)
    await blocked_by_foreign(rig, rotation)
    await rig.tick()
    assert not rig.posts()
    forward(rig, "2026-01-04T09:00")
    await rig.tick()
    assert len(rig.posts()) == 1
    assert (await seen(rig, rotation)).rotation.last_rotated_at > utc("2026-01-04")
