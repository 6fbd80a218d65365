"""Emergencies from leak reports, begun by somebody or by themselves, and the reports' end."""

import asyncio
from dataclasses import replace

import pytest
from emergency_kit import apps, begun, carry, rest, the_emergency, work
from leak_report_kit import (
    followed,
    kept,
    report,
    reported,
    scanner,
    served,
)
from notice_kit import opened_channel
from rig import Rig

from keyturn.domain.access import Caller
from keyturn.domain.errors import Refused
from keyturn.domain.leaks import State, Which
from keyturn.domain.notice import Kind, Notice
from keyturn.domain.okta import secret_hash
from keyturn.domain.rollout import Rollout, Standing
from keyturn.domain.sensitive import Sensitive
from keyturn.services import leak_closing
from keyturn.services.emergencies import abort_emergency, leave_out
from keyturn.services.emergency_plans import EmergencyDraft, EmergencyPlan, plan_emergency
from keyturn.services.leak_closing import LeakClosing, close_leak, read_leak
from keyturn.services.leaks_under_way import follow_leaks
from keyturn.services.orders import pause_turn
from keyturn.services.ports import World
from keyturn.services.rotations import view


async def test_an_emergency_from_a_report_closes_the_app_and_the_report(rig: Rig) -> None:
    """Okta refuses what has leaked, and the report says by which emergency."""
    rotation = (await rig.rotation()).rotation
    value = await served(rig)
    one = await report(rig, value=value)
    seen = await close_leak(rig.world, rig.admin, one.id, LeakClosing("it is on GitHub"))
    assert (seen.rollout.reason, seen.open) == ("it is on GitHub", 1)
    with pytest.raises(Refused, match="closes it already"):
        await close_leak(rig.world, rig.admin, one.id, LeakClosing("again"))
    assert (await followed(rig)).state is State.OPEN
    assert await rig.authenticate(value.reveal()) == 400
    await carry(rig, closed=True)
    assert await rig.authenticate(value.reveal()) == 401
    after = await followed(rig, 15)
    assert (after.state, after.emergency_id) == (State.CLOSED, seen.rollout.id)
    assert seen.rollout.name in after.ended_why
    assert after.ended_by == ""
    with pytest.raises(Refused, match="nothing to close"):
        await close_leak(rig.world, rig.admin, one.id, LeakClosing("again"))
    assert (await view(rig.world, rotation.id)).rotation.id == one.rotation_id


async def test_an_emergency_that_somebody_else_began_ends_a_report_as_well(rig: Rig) -> None:
    """It is the secret that counts, not who closes it; and whether it was reported before."""
    await rig.rotation()
    value = await served(rig)
    await report(rig, value=value, seen_in="before")
    await begun(rig)
    await work(rig)
    assert (await report(rig, value=value, seen_in="after")).which is Which.RETIRED
    await rest(rig, 10)
    await followed(rig, 3600)
    assert {each.state for each in await kept(rig)} == {State.CLOSED}
    assert {each.emergency_id for each in await kept(rig)} == {(await the_emergency(rig)).id}


async def test_an_emergency_that_was_aborted_is_not_the_last_word(rig: Rig) -> None:
    """What it had not begun to close works still, and another one may be begun."""
    await rig.rotation()
    one = await report(rig, value=await served(rig))
    seen = await close_leak(rig.world, rig.admin, one.id, LeakClosing("it is on GitHub"))
    await abort_emergency(rig.world, rig.admin, seen.rollout.id)
    assert (await followed(rig, 60)).emergency_id is None
    again = await close_leak(rig.world, rig.admin, one.id, LeakClosing("after all"))
    assert (await followed(rig, 60)).emergency_id == again.rollout.id


@pytest.mark.parametrize("ends", ["left out", "aborted"])
async def test_an_app_that_an_emergency_has_not_closed_may_be_closed_by_another(
    rig: Rig, ends: str
) -> None:
    """Its turn was begun and stood still: nothing closes it any more, and the report says so."""
    rotation = (await rig.rotation()).rotation
    one = await report(rig, value=await served(rig))
    within = LeakClosing("it is on GitHub", within_s=3600)
    seen = await close_leak(rig.world, rig.admin, one.id, within)
    await work(rig)
    await pause_turn(rig.world, rig.admin, rotation.id)
    await rest(rig, 60)
    assert {each.standing for each in await apps(rig)} == {Standing.FAILED}
    assert (await followed(rig, 60)).emergency_id == seen.rollout.id
    if ends == "aborted":
        await abort_emergency(rig.world, rig.admin, seen.rollout.id)
    else:
        await leave_out(rig.world, rig.admin, seen.rollout.id, rotation.app_id)
    await rest(rig, 60)
    assert (await read_leak(rig.world, rig.admin, one.id)).state is State.OPEN
    assert (await followed(rig, 60)).emergency_id is None
    again = await close_leak(rig.world, rig.admin, one.id, within)
    assert (await read_leak(rig.world, rig.admin, one.id)).emergency_id == again.rollout.id


async def test_a_report_of_another_secret_of_the_app_is_not_ended_by_it(rig: Rig) -> None:
    """What an earlier emergency made may leak too, and is closed by another one."""
    await rig.rotation()
    await begun(rig)
    await carry(rig)
    one = await report(rig, value=await served(rig))
    assert (await followed(rig, 3600)).state is State.OPEN
    assert (await followed(rig, 3600)).emergency_id is None
    assert (await close_leak(rig.world, rig.admin, one.id, LeakClosing("again"))).open == 1


async def test_a_value_may_close_its_app_by_itself(rig: Rig) -> None:
    """Where that is set up, whoever brings the value of a served secret begins the emergency."""
    rig.world = replace(rig.world, limits=replace(rig.world.limits, leak_closes=True))
    await rig.rotation()
    value = await served(rig)
    await reported(rig, scanner(rig), hash=secret_hash(value), seen_in="only a hash")
    await reported(rig, scanner(rig), prefix=value, seen_in="only a beginning")
    await followed(rig)
    async with rig.world.store.reading() as tx:
        assert await tx.list(Rollout) == []
    await reported(rig, scanner(rig), value=value)
    await reported(rig, scanner(rig), value=value, seen_in="another place")
    await followed(rig)
    assert (await the_emergency(rig)).creator == "Leak reports"
    await carry(rig, closed=True)
    await followed(rig, 3600)
    assert {each.state for each in await kept(rig)} == {State.CLOSED}
    async with rig.world.store.reading() as tx:
        assert len(await tx.list(Rollout)) == 1


@pytest.mark.parametrize("first", ["hash", "nothing"])
async def test_a_value_that_comes_late_closes_its_app_too(rig: Rig, first: str) -> None:
    """Whoever brings it says no more than what was reported by its hash, or before it was ours."""
    rig.world = replace(rig.world, limits=replace(rig.world.limits, leak_closes=True))
    if first == "hash":
        await rig.rotation()
        value = await served(rig)
        await reported(rig, scanner(rig), hash=secret_hash(value))
    else:
        value = Sensitive(rig.org.apps[rig.app_id].secrets[0].value)
        await reported(rig, scanner(rig), value=value)
        await rig.rotation()
    again = await report(rig, value=value)
    assert (again.state, again.which) == (State.OPEN, Which.CURRENT)
    await followed(rig)
    assert len(await kept(rig)) == 1
    assert (await the_emergency(rig)).creator == "Leak reports"


async def test_two_workers_begin_one_emergency(rig: Rig) -> None:
    """Of one report, and of two of a secret; a dead worker's link is found, and nobody told."""
    await opened_channel(rig, "hook")
    rig.world = replace(rig.world, limits=replace(rig.world.limits, leak_closes=True))
    await rig.rotation()
    value = await served(rig)
    await reported(rig, scanner(rig), value=value)
    await reported(rig, scanner(rig), value=value, seen_in="another place")
    await asyncio.gather(*[follow_leaks(rig.world) for _ in range(3)])
    begun_by = await the_emergency(rig)
    one = (await kept(rig))[-1]
    async with rig.world.store.writing() as tx:
        await tx.replace(replace(one, emergency_id=None, closes=True))  # it died before that
    assert (await followed(rig, 15)).emergency_id == begun_by.id
    async with rig.world.store.reading() as tx:
        assert len(await tx.list(Rollout)) == 1
        assert len(await tx.list(Notice, kind=Kind.LEAKED)) == 1


async def test_who_was_slower_begins_no_second_emergency(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that begins while another is planned closes it: nobody is told that nothing does."""
    await opened_channel(rig, "hook")
    rig.world = replace(rig.world, limits=replace(rig.world.limits, leak_closes=True))
    await rig.rotation()
    await reported(rig, scanner(rig), value=await served(rig))

    async def late(world: World, caller: Caller, draft: EmergencyDraft) -> EmergencyPlan:
        await begun(rig)
        return await plan_emergency(world, caller, draft)

    monkeypatch.setattr(leak_closing, "plan_emergency", late)
    await followed(rig)
    one = await followed(rig, 15)
    assert (one.emergency_id, one.closes) == ((await the_emergency(rig)).id, False)
    async with rig.world.store.reading() as tx:
        assert len(await tx.list(Rollout)) == 1
        assert len(await tx.list(Notice, kind=Kind.LEAKED)) == 1


async def test_a_secret_that_somebody_closes_already_is_not_closed_again(rig: Rig) -> None:
    """Nor before the report has been looked at; who asks is told by which emergency."""
    await rig.rotation()
    one = await report(rig, value=await served(rig))
    seen = await begun(rig)
    with pytest.raises(Refused, match=f"{seen.rollout.name} closes it already"):
        await close_leak(rig.world, rig.admin, one.id, LeakClosing("again"))
    async with rig.world.store.reading() as tx:
        assert len(await tx.list(Rollout)) == 1


async def test_what_cannot_be_closed_by_itself_is_left_to_people(rig: Rig) -> None:
    """A rotation that is being deleted is in no emergency: that is tried once, and told."""
    await opened_channel(rig, "hook")
    rig.world = replace(rig.world, limits=replace(rig.world.limits, leak_closes=True))
    rotation = (await rig.rotation()).rotation
    value = await served(rig)
    await reported(rig, scanner(rig), value=value)
    await reported(rig, scanner(rig), value=value, seen_in="another place")
    async with rig.world.store.writing() as tx:
        await tx.replace(replace(rotation, ending=True))
    one = await followed(rig)
    assert (one.state, one.closes) == (State.OPEN, False)
    await followed(rig, 60)
    async with rig.world.store.reading() as tx:
        first, second = [each.told for each in await tx.list(Notice, kind=Kind.LEAKED)]
    assert "NOT CLOSED" not in first
    assert "NOT CLOSED by itself" in second
    assert "no rotation" in second
