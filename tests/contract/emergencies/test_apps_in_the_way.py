"""Apps that an emergency cannot close by itself: what is told of them, and the ways out."""

from dataclasses import replace
from datetime import timedelta

import pytest
from emergency_kit import (
    active,
    apps,
    begun,
    carry,
    planned,
    rest,
    served,
)
from inventory_kit import populate
from rig import PLACE, Rig
from rollout_kit import add_rotation, add_rotations

from keyturn.domain.attention import About, Severity
from keyturn.domain.attention import Kind as Need
from keyturn.domain.budget import Shares
from keyturn.domain.closing import ACTIVE_AGAIN
from keyturn.domain.emergency import PAUSED, STANDS_STILL
from keyturn.domain.errors import Refused
from keyturn.domain.ids import RotationId
from keyturn.domain.rollout import Member, Standing, State
from keyturn.domain.turn import Phase
from keyturn.sandbox import Fault
from keyturn.services.drift import compare_now
from keyturn.services.duties import claim_due
from keyturn.services.emergencies import (
    abort_emergency,
    leave_out,
    list_closings,
    retry_emergency,
)
from keyturn.services.emergencies_under_way import carry_emergencies
from keyturn.services.fleet import read_fleet
from keyturn.services.journey import advance
from keyturn.services.orders import pause_turn, resume_turn
from keyturn.services.policies import PolicyChange
from keyturn.services.ports import TurnStep
from keyturn.services.rotations import view
from keyturn.services.secrets import read_secret
from keyturn.services.turns import rotate

SECRET = "/api/v1/apps/{appId}/credentials/secrets/{secretId}"


async def the_app(rig: Rig) -> Member:
    """Return the one app of the emergency."""
    [found] = await apps(rig)
    return found


async def test_a_deactivated_app_can_be_left_out(rig: Rig) -> None:
    """Okta accepts nothing of it: nobody has to open what has leaked to end an emergency."""
    [rotation_id] = await add_rotations(rig, 1)
    app_id = (await view(rig.world, rotation_id)).rotation.app_id
    rig.org.deactivate_app(app_id)
    seen = await begun(rig)
    with pytest.raises(Refused, match="has no app"):
        await leave_out(rig.world, rig.admin, seen.rollout.id, app_id)
    await rest(rig, 60)
    assert (await the_app(rig)).standing is Standing.INACTIVE
    with pytest.raises(Refused, match="has no app other"):
        await leave_out(rig.world, rig.admin, seen.rollout.id, "other")
    after = await leave_out(rig.world, rig.admin, seen.rollout.id, app_id)
    assert (after.open, after.closed) == (1, 0)
    assert (await carry(rig)).state is State.FINISHED
    member = await the_app(rig)
    assert (member.standing, member.closed_at) == (Standing.SKIPPED, None)
    assert member.told.startswith(f"Left out by {rig.admin.name}. Okta accepts nothing of the app")
    assert "keyturn emergency" not in member.told


async def test_what_another_emergency_has_closed_is_said_of_an_aborted_one(rig: Rig) -> None:
    """Nothing is told as not closed for ever."""
    first, second = await add_rotations(rig, 2)
    app_id = (await view(rig.world, first)).rotation.app_id
    rig.org.deactivate_app(app_id)
    seen = await begun(rig)
    await rest(rig, 60)
    await abort_emergency(rig.world, rig.admin, seen.rollout.id)
    await rest(rig, 600)
    rig.org.activate_app(app_id)
    again = await begun(rig)
    await carry(rig)
    page = await list_closings(rig.world, rig.admin, seen.rollout.id)
    told = {each.rotation_id: (each.standing, each.told) for each in page.members}
    assert told[first] == (Standing.SKIPPED, f"Emergency {again.rollout.name} has closed it.")
    assert told[second][0] is Standing.DONE


async def test_an_old_secret_that_comes_back_is_deactivated_again(rig: Rig) -> None:
    """Nothing that Okta accepts is told as closed, whoever has activated it."""
    [rotation_id] = await add_rotations(rig, 1)
    old = await served(rig, rotation_id)
    app_id = (await view(rig.world, rotation_id)).rotation.app_id
    rig.org.add_fault(Fault("error-before-effect", "DELETE", SECRET, count=4))
    await begun(rig)
    await rest(rig, 8)
    first = (await the_app(rig)).closed_at
    assert first
    turn = (await view(rig.world, rotation_id)).turn
    assert turn
    assert turn.old
    rig.org.activate_secret(app_id, str(turn.old.okta_id))
    assert old in active(rig, app_id)
    assert (await carry(rig)).state is State.FINISHED
    closed_at = (await the_app(rig)).closed_at
    assert closed_at
    assert closed_at > first
    assert old not in active(rig, app_id)
    async with rig.world.store.reading() as tx:
        steps = await tx.list(TurnStep, turn_id=turn.id)
    assert [each for each in steps if each.detail.endswith(ACTIVE_AGAIN)]


async def test_a_retry_closes_what_somebody_has_opened(rig: Rig) -> None:
    """Where the new secret is lost nobody is told to have the leaked one served again."""
    [rotation_id] = await add_rotations(rig, 1)
    app_id = (await view(rig.world, rotation_id)).rotation.app_id
    await begun(rig, within_s=300)
    await rest(rig, 10)
    turn = (await view(rig.world, rotation_id)).turn
    assert turn
    assert turn.new
    rig.org.deactivate_secret(app_id, str(turn.new.okta_id))
    await rest(rig, 400)
    member = await the_app(rig)
    assert member.standing is Standing.FAILED
    assert "do NOT have it served again" in member.told
    assert "turn abort" not in member.told
    rig.org.activate_secret(app_id, str(turn.new.okta_id))
    await retry_emergency(rig.world, rig.admin, member.rollout_id)
    assert (await carry(rig)).state is State.FINISHED
    assert active(rig, app_id) == {await served(rig, rotation_id)}


async def test_readers_that_read_rarely_are_named(rig: Rig) -> None:
    """Whoever has not read for longer than there is time may not make it."""
    await add_rotations(rig, 1)
    await read_secret(rig.world, rig.admin, PLACE, "app-0000-secret")
    rig.clock.advance(100)
    [one] = (await planned(rig, within_s=60)).members
    assert one.without_time == []
    rig.clock.advance(100)
    [one] = (await planned(rig, within_s=60)).members
    assert one.without_time[0].startswith("reader administrator (may not make it: last read ")
    [one] = (await planned(rig, within_s=3600)).members
    assert one.without_time == []


async def paused(rig: Rig, rotation_id: RotationId) -> None:
    """Start a turn and pause it."""
    await rotate(rig.world, rig.admin, rotation_id)
    await pause_turn(rig.world, rig.admin, rotation_id)


async def test_an_app_whose_turn_is_paused_can_be_left_out(rig: Rig) -> None:
    """It is not closed, and stands so; the fleet says so as well."""
    [rotation_id] = await add_rotations(rig, 1)
    await paused(rig, rotation_id)
    seen = await begun(rig)
    await rest(rig, 60)
    fleet = await read_fleet(rig.world, rig.admin)
    [concern] = [each for each in fleet.attention if each.about is About.EMERGENCY]
    assert (concern.severity, concern.kind) == (Severity.URGENT, Need.NOT_CLOSED)
    member = await the_app(rig)
    after = await leave_out(rig.world, rig.admin, seen.rollout.id, member.app_id)
    assert after.counts == {Standing.SKIPPED: 1}
    assert (await carry(rig)).state is State.FINISHED


async def test_what_waits_for_a_turn_takes_no_room_from_others(rig: Rig) -> None:
    """However few are started at a time, and whatever stands before them."""
    first, second = await add_rotations(rig, 2)
    await paused(rig, first)
    limits = replace(rig.world.limits, shares=Shares(ceiling=1))
    rig.world = replace(rig.world, limits=limits)
    app_id = (await view(rig.world, first)).rotation.app_id
    await begun(rig, leaked=(app_id,))
    await rest(rig, 30)
    stands = {each.rotation_id: each.standing for each in await apps(rig)}
    assert stands == {first: Standing.FAILED, second: Standing.DONE}


@pytest.mark.parametrize("within_s", [0, 600])
async def test_a_turn_that_somebody_resumes_hurries_again(rig: Rig, within_s: int) -> None:
    """Whatever its overlap is, before it has served anybody and after that."""
    [app_id] = populate(rig.org, 1, "app-{:04}")
    slow = PolicyChange(overlap_s=14 * 86_400, backstop_s=30 * 86_400)
    rotation_id = await add_rotation(rig, "app-0000", app_id, policy=slow)
    await begun(rig, within_s=within_s)
    await (rest(rig, 30) if within_s else carry_emergencies(rig.world))
    await pause_turn(rig.world, rig.admin, rotation_id)
    await rest(rig, 120)
    assert (await the_app(rig)).told == STANDS_STILL
    await resume_turn(rig.world, rig.admin, rotation_id)
    resumed_at = rig.clock.now()
    await carry(rig)
    member = await the_app(rig)
    assert member.standing is Standing.DONE
    assert member.closed_at
    assert member.closed_at < resumed_at + timedelta(seconds=within_s + 90)
    async with rig.world.store.reading() as tx:
        steps = await tx.list(TurnStep, turn_id=member.turn_id)
    assert [each.step for each in steps if each.step == "emergency"] == ["emergency"] * 2


async def test_consumers_keep_their_time_where_somebody_resumes(rig: Rig) -> None:
    """Though the new one is served while nothing hurries: until then it is the emergency's."""
    [rotation_id] = await add_rotations(rig, 1)
    await read_secret(rig.world, rig.admin, PLACE, "app-0000-secret")
    app_id = (await view(rig.world, rotation_id)).rotation.app_id
    old = await served(rig, rotation_id)
    await begun(rig, within_s=250)
    await carry_emergencies(rig.world)
    await pause_turn(rig.world, rig.admin, rotation_id)
    await resume_turn(rig.world, rig.admin, rotation_id)
    [claim] = await claim_due(rig.world, owner="test", limit=1)
    await advance(rig.world, claim.turn, held_since_s=claim.held_since_s)
    assert await served(rig, rotation_id) != old
    await rest(rig, 240)
    assert old in active(rig, app_id)
    await rest(rig, 30)
    assert old not in active(rig, app_id)


async def test_the_plan_tells_what_is_in_the_way(rig: Rig) -> None:
    """What is on record already: a paused turn, a blocked one, an app that is deactivated."""
    free, held, blocked, off = await add_rotations(rig, 4)
    await paused(rig, held)
    seen = await rotate(rig.world, rig.admin, blocked)
    assert seen.turn
    assert seen.turn.new
    rig.org.deactivate_secret(seen.rotation.app_id, str(seen.turn.new.okta_id))
    rig.org.deactivate_app((await view(rig.world, off)).rotation.app_id)
    await compare_now(rig.world, rig.admin, (await view(rig.world, off)).rotation.connection_id)
    await rest(rig, 4000)
    turn = (await view(rig.world, blocked)).turn
    assert turn
    assert turn.phase is Phase.BLOCKED
    told = {each.candidate.rotation_id: each.obstacles for each in (await planned(rig)).members}
    assert told[free] == []
    assert told[held] == [PAUSED]
    assert told[blocked][0].startswith("Its turn is blocked: ")
    assert told[off][0].startswith("The app is deactivated at Okta.")
