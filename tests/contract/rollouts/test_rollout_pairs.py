"""Preview before Production: who waits for whom, and what opens nothing."""

from dataclasses import replace

from rig import Rig
from rollout_kit import (
    add_pair,
    after_a_step,
    carry,
    members,
    planned,
    standings,
    started,
    the_rollout,
)

from keyturn.domain.drift import Finding, Kind
from keyturn.domain.rollout import Standing, State
from keyturn.domain.turn import Turn
from keyturn.services.orders import pause_turn
from keyturn.services.rollout_plans import WHILE_PAUSED
from keyturn.services.rollouts import Wanted, abort_rollout, continue_rollout, list_members
from keyturn.services.turns import rotate


async def test_a_plan_warns_of_what_is_on_record(rig: Rig) -> None:
    """A turn that stands still, what has drifted, and a Preview that the rollout leaves out."""
    tried, real = await add_pair(rig)
    await rotate(rig.world, rig.admin, tried)
    await pause_turn(rig.world, rig.admin, tried)
    now = rig.clock.now()
    async with rig.world.store.writing() as tx:
        await tx.add(Finding("f", real, Kind.APP_DEACTIVATED, "", "It is.", now))
    gone = Kind.APP_DEACTIVATED.value
    assert (await planned(rig)).warnings == {tried: [WHILE_PAUSED], real: [gone]}
    alone = await planned(rig, selector="environment=dev")
    told = "Nothing is tried before it in a Preview org: this rollout leaves out "
    assert alone.warnings == {real: [gone, f"{told}example/staging/:pay."]}
    one = (await started(rig, selector="environment=dev")).rollout
    page = await list_members(rig.world, rig.admin, one.id)
    assert page.warnings == alone.warnings


async def test_a_wave_is_listed_with_its_warnings_while_it_waits(rig: Rig) -> None:
    """By its number; of who has turned nothing is warned, nor once the rollout has ended."""
    tried, real = await add_pair(rig)
    one = (await started(rig, "preview", "rest", approvals=True)).rollout
    await rotate(rig.world, rig.admin, tried)
    await pause_turn(rig.world, rig.admin, tried)
    first, second, none = [
        await list_members(rig.world, rig.admin, one.id, Wanted(wave=wave)) for wave in (1, 2, 3)
    ]
    assert [[each.rotation_id for each, _ in page.members] for page in (first, second)] == [
        [tried],
        [real],
    ]
    assert (first.warnings, second.warnings, none.total) == ({tried: [WHILE_PAUSED]}, {}, 0)
    member, _ = await members(rig)
    async with rig.world.store.writing() as tx:
        await tx.replace(replace(member, standing=Standing.DONE))
    assert (await list_members(rig.world, rig.admin, one.id)).warnings == {}
    async with rig.world.store.writing() as tx:
        await tx.replace(member)
    await abort_rollout(rig.world, rig.admin, one.id)
    assert (await list_members(rig.world, rig.admin, one.id)).warnings == {}


async def test_production_waits_for_its_preview(rig: Rig) -> None:
    """The one in a Preview org goes first, though its wave comes later."""
    tried, real = await add_pair(rig)
    await started(rig, "environment=dev", "rest")
    first, then = await members(rig)
    assert (first.rotation_id, then.rotation_id) == (tried, real)
    assert (then.behind, then.wave) == (first.number, first.wave)
    while (await the_rollout(rig)).state is State.RUNNING:
        first, then = await members(rig)
        assert first.standing is Standing.DONE or then.standing is Standing.WAITING
        await carry(rig, until=after_a_step())
    assert (await standings(rig)) == {2: {Standing.DONE}}


async def test_who_waits_for_what_is_left_out_is_left_out_with_it(rig: Rig) -> None:
    """A paused Preview, and one that failed and is skipped, open nothing to Production."""
    tried, real = await add_pair(rig)
    await rotate(rig.world, rig.admin, tried)
    await pause_turn(rig.world, rig.admin, tried)
    await started(rig, "preview", "rest")
    assert (await carry(rig)).state is State.FINISHED
    told = {each.rotation_id: (each.standing, each.told) for each in await members(rig)}
    why = "Number 1, example/staging/:pay, was left out, so that nothing was tried before it."
    assert told[real] == (Standing.SKIPPED, why)
    async with rig.world.store.reading() as tx:
        assert not await tx.list(Turn, rotation_id=real)


async def test_a_failed_preview_that_is_skipped_opens_nothing(rig: Rig) -> None:
    """Whoever leaves it out has its Production left out, in a later wave as well."""
    _, real = await add_pair(rig)
    await started(rig, "preview", "rest")
    rig.org.create_secret((await members(rig))[0].app_id)
    rollout = await carry(rig, until=lambda one: one.state is State.HALTED)
    await continue_rollout(rig.world, rig.admin, rollout.id, skip=[1])
    assert (await carry(rig)).state is State.FINISHED
    assert {each.standing for each in await members(rig)} == {Standing.SKIPPED}
    async with rig.world.store.reading() as tx:
        assert not await tx.list(Turn, rotation_id=real)
