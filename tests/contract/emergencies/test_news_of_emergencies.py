"""What people are told of emergencies: which app is not closed, and how it ended."""

from dataclasses import replace

from emergency_kit import apps, begun, carry, rest
from notice_kit import PUBLIC, kept, opened_channel
from rig import PLACE, Rig
from rollout_kit import add_rotations

from keyturn.domain.notice import Kind, Notice
from keyturn.domain.notice_words import title_of
from keyturn.services.emergencies import abort_emergency, retry_emergency
from keyturn.services.orders import pause_turn
from keyturn.services.secrets import read_secret
from keyturn.services.turns import rotate
from keyturn.testing import FakeNotifier


async def hearing(rig: Rig) -> None:
    """Have somebody who hears of emergencies."""
    limits = replace(rig.world.limits, public_url=PUBLIC)
    rig.world = replace(rig.world, notifier=FakeNotifier(), limits=limits)
    await opened_channel(rig, kinds=(Kind.NOT_CLOSED.value, Kind.EMERGENCY_FINISHED.value))


async def told(rig: Rig, kind: Kind) -> list[Notice]:
    """Return what was told of a kind."""
    return [each for each in await kept(rig) if each.kind is kind]


async def stopped(rig: Rig) -> str:
    """Have an emergency of two apps, one of which has a turn that fails; return its rotation."""
    first, _ = await add_rotations(rig, 2)
    seen = await rotate(rig.world, rig.admin, first)
    assert seen.turn
    assert seen.turn.new
    app_id, new_id = seen.rotation.app_id, str(seen.turn.new.okta_id)
    rig.org.deactivate_secret(app_id, new_id)
    rig.org.delete_secret(app_id, new_id)
    await begun(rig)
    await rest(rig, 300)
    return first


async def test_an_app_that_is_not_closed_is_told_once(rig: Rig) -> None:
    """With why, at its own project, and urgently; the other app is no news."""
    await hearing(rig)
    rotation_id = await stopped(rig)
    await rest(rig, 300)
    [one] = await told(rig, Kind.NOT_CLOSED)
    assert one.subject_id == rotation_id
    assert one.told.startswith("NOT CLOSED. An earlier turn is blocked")
    assert one.project_id
    assert "NOT CLOSED" in title_of(one)
    assert one.page.startswith("/emergencies/")
    assert one.command.endswith("--standing failed")
    assert await told(rig, Kind.EMERGENCY_FINISHED) == []


async def test_an_app_that_stops_again_is_told_again(rig: Rig) -> None:
    """Each try that fails was one."""
    await hearing(rig)
    await stopped(rig)
    [member, _] = await apps(rig)
    await retry_emergency(rig.world, rig.admin, member.rollout_id)
    await rest(rig, 300)
    assert len(await told(rig, Kind.NOT_CLOSED)) == 2


async def test_a_paused_turn_is_told_once(rig: Rig) -> None:
    """The emergency waits for who has paused it, who has to know."""
    await hearing(rig)
    [rotation_id] = await add_rotations(rig, 1)
    await rotate(rig.world, rig.admin, rotation_id)
    await pause_turn(rig.world, rig.admin, rotation_id)
    await begun(rig)
    await rest(rig, 120)
    [one] = await told(rig, Kind.NOT_CLOSED)
    assert "keyturn turn resume" in one.told
    assert one.command.endswith("--standing failed")


async def test_the_end_tells_how_many_are_closed_and_who_had_no_time(rig: Rig) -> None:
    """A reader that has not read again is named, by the app that it reads of."""
    await hearing(rig)
    await add_rotations(rig, 2)
    await read_secret(rig.world, rig.admin, PLACE, "app-0000-secret")
    await begun(rig)
    await carry(rig)
    [one] = await told(rig, Kind.EMERGENCY_FINISHED)
    first, _ = await apps(rig)
    assert one.told == (
        "2 of 2 apps are closed, 0 are not. Without the new secret when theirs was closed: "
        f"{first.name} (reader administrator)."
    )
    assert one.page.startswith("/emergencies/")


async def test_an_aborted_emergency_tells_what_is_not_closed(rig: Rig) -> None:
    """Who aborts it leaves apps open: the others hear of it at once."""
    await hearing(rig)
    await add_rotations(rig, 3)
    seen = await begun(rig)
    await abort_emergency(rig.world, rig.admin, seen.rollout.id)
    await rest(rig, 60)
    [one] = await told(rig, Kind.EMERGENCY_FINISHED)
    assert one.told == f"Aborted by {rig.admin.name}. 0 of 3 apps are closed, 3 are not."
