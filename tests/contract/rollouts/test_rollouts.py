"""Rollouts in waves: who turns when, what halts them, and what is seen of them."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from rig import Rig
from rollout_kit import (
    add_drift,
    add_rotation,
    add_rotations,
    after_a_step,
    carry,
    dead_served,
    draft,
    members,
    planned,
    standings,
    started,
    the_rollout,
)

from keyturn.domain.access import VIEWER, Caller, Holding, Verb
from keyturn.domain.errors import Forbidden, InvalidInput, NotFound, Refused, Taken
from keyturn.domain.identity import Membership
from keyturn.domain.rollout import Member, Rollout, Standing, State
from keyturn.domain.turn import Overlap, Phase, Turn
from keyturn.sandbox import Fault
from keyturn.services.ending import delete_rotation
from keyturn.services.orders import pause_turn
from keyturn.services.policies import PolicyChange
from keyturn.services.rollout_plans import plan_rollout
from keyturn.services.rollouts import (
    Wanted,
    abort_rollout,
    approve_rollout,
    claim_look,
    continue_rollout,
    list_members,
    list_rollouts,
    read_rollout,
    start_rollout,
)
from keyturn.services.turns import rotate


async def fill(rig: Rig, app_id: str) -> str:
    """Add a client secret as somebody else, so that a turn has no room; return its id."""
    return rig.org.create_secret(app_id).id


async def halted(rig: Rig) -> tuple[Rollout, Member, str]:
    """Return a rollout that has halted in its second wave, the failed one, and what is in the way.

    Six rotations in three waves of two.
    """
    await add_rotations(rig, 6)
    view = await started(rig, "2", "2", "rest")
    bad = (await members(rig))[2]
    foreign = await fill(rig, bad.app_id)
    rollout = await carry(rig, until=lambda one: one.state is State.HALTED)
    assert rollout.id == view.rollout.id
    return rollout, (await members(rig))[2], foreign


class TestPlan:
    """What would be done, before anything is."""

    async def test_a_plan_names_everyone_once_and_changes_nothing(self, rig: Rig) -> None:
        """Waves, reasons, calls and time are told; no call is made and nothing is written."""
        await add_rotations(rig, 5)
        rig.calls()
        plan = await planned(rig, "1", "50%")
        assert [(each.number, each.wave) for each in plan.members] == [
            (1, 1),
            (2, 2),
            (3, 2),
            (4, 2),
            (5, 3),
        ]
        assert plan.draft.waves == ("1", "50%", "rest")
        assert plan.calls == 25
        assert plan.lasts_s > 3 * 3900
        assert not rig.calls()
        async with rig.world.store.reading() as tx:
            assert not await tx.list(Rollout)
            assert not await tx.list(Turn)

    async def test_a_plan_has_a_hash_of_all_that_it_says(self, rig: Rig) -> None:
        """The same plan has the same; another wave, reason or rotation makes another."""
        await add_rotations(rig, 2)
        first = await planned(rig, "1")
        assert (await planned(rig, "1")).plan_hash == first.plan_hash
        others = [await planned(rig, "2"), await planned(rig, "1", reason="leak")]
        await add_rotation(rig, "one-more", rig.app_id)
        others.append(await planned(rig, "1"))
        assert first.plan_hash not in {each.plan_hash for each in others}

    async def test_a_selector_picks_by_what_is_known(self, rig: Rig) -> None:
        """Those that it does not fit are no members; one that fits nothing is an error."""
        await add_rotations(rig, 3)
        plan = await planned(rig, selector="rotation=app-0001")
        assert [each.candidate.subject.rotation for each in plan.members] == ["app-0001"]
        with pytest.raises(InvalidInput, match="fits no rotation"):
            await planned(rig, selector="rotation=nothing")

    @pytest.mark.parametrize("wave", ["0", "101%", "half", "nobody=x", ""])
    async def test_a_wave_that_is_none_is_refused(self, rig: Rig, wave: str) -> None:
        """The error names the waves and what they may be."""
        await add_rotations(rig, 1)
        with pytest.raises(InvalidInput, match="waves"):
            await planned(rig, wave)

    async def test_nobody_plans_what_they_may_not_turn(self, rig: Rig) -> None:
        """Who may edit rollouts and not rotate is told which rotations they may not turn."""
        await add_rotations(rig, 1)
        some = replace(VIEWER.grants[0], verbs=VIEWER.verbs | {Verb.EDIT_ROLLOUTS})
        role = replace(VIEWER, grants=(some,))
        caller = Caller("i", "machine", rig.admin.organization_id, (Holding(role),))
        with pytest.raises(Forbidden, match="app-0000"):
            await plan_rollout(rig.world, caller, draft())

    async def test_a_plan_that_has_changed_is_not_started(self, rig: Rig) -> None:
        """What was shown is what is started, or nothing."""
        await add_rotations(rig, 1)
        plan = await planned(rig)
        await add_rotation(rig, "one-more", rig.app_id)
        with pytest.raises(Refused, match="plan has changed"):
            await start_rollout(rig.world, rig.admin, plan.draft, plan.plan_hash)
        async with rig.world.store.reading() as tx:
            assert not await tx.list(Rollout)

    async def test_a_name_is_given_once(self, rig: Rig) -> None:
        """A second rollout of the same name is refused."""
        await add_rotations(rig, 1)
        await started(rig)
        with pytest.raises(Taken):
            await started(rig)


class TestWaves:
    """How a rollout goes from wave to wave."""

    async def test_a_wave_begins_when_the_one_before_is_finished(self, rig: Rig) -> None:
        """While one is under way nobody of a later one turns; in the end all have turned."""
        await add_rotations(rig, 4)
        await started(rig, "1", "2", "rest")
        seen = set()
        while (await the_rollout(rig)).state is State.RUNNING:
            turning = {
                n
                for n, s in (await standings(rig)).items()
                if Standing.TURNING in s or Standing.CLOSED in s
            }
            seen.add(frozenset(turning))
            await carry(rig, until=after_a_step())
        assert all(len(each) <= 1 for each in seen)
        assert {Standing.DONE} == {each.standing for each in await members(rig)}
        assert (await the_rollout(rig)).state is State.FINISHED
        assert not await dead_served(rig)

    async def test_a_wave_may_begin_while_both_secrets_work(self, rig: Rig) -> None:
        """By `overlapping` the next begins before the old secrets are gone."""
        await add_rotations(rig, 2)
        await started(rig, "1", go_on_at=Phase.OVERLAPPING)
        await carry(rig, until=lambda one: one.wave == 2)
        assert (await standings(rig))[1] == {Standing.TURNING}
        assert (await carry(rig)).state is State.FINISHED

    async def test_another_turn_under_way_is_waited_for(self, rig: Rig) -> None:
        """Its own turn follows the one that somebody has started."""
        (rotation_id,) = await add_rotations(rig, 1)
        await rotate(rig.world, rig.admin, rotation_id)
        await started(rig)
        assert (await carry(rig)).state is State.FINISHED
        async with rig.world.store.reading() as tx:
            assert len(await tx.list(Turn, rotation_id=rotation_id)) == 2

    async def test_an_overlap_until_the_next_turn_keeps_no_wave_waiting(self, rig: Rig) -> None:
        """It makes room for its turn, which is done once it is served; the gate is asked once."""
        policy = PolicyChange(overlap=Overlap.UNTIL_NEXT)
        rotation_id = await add_rotation(rig, "pay", rig.app_id, policy=policy)
        await rotate(rig.world, rig.admin, rotation_id)
        await started(rig)
        rollout = await carry(rig, until=lambda one: one.state is State.FINISHED)
        assert rollout.state is State.FINISHED
        [member] = await members(rig)
        assert member.told == "The new secret is served; both work until the turn after this one."
        async with rig.world.store.reading() as tx:
            turns = await tx.list(Turn, rotation_id=rotation_id)
            asked = [e for e in await tx.list_audit() if "(rollout spring)" in e.attempt.subject]
        assert [each.phase for each in turns] == [Phase.FINISHED, Phase.OVERLAPPING]
        assert len(asked) <= 2

    async def test_who_cannot_turn_any_more_is_left_out(self, rig: Rig) -> None:
        """A rotation that was deleted, and one whose turn was paused, are skipped with the why."""
        gone, paused, fine = await add_rotations(rig, 3)
        await rotate(rig.world, rig.admin, paused)
        await pause_turn(rig.world, rig.admin, paused)
        await started(rig)
        await delete_rotation(rig.world, rig.admin, gone, delete_secrets=True, revoke=False)
        assert (await carry(rig)).state is State.FINISHED
        told = {each.rotation_id: (each.standing, each.told) for each in await members(rig)}
        assert told[gone] == (Standing.SKIPPED, "The rotation is not there any more.")
        assert told[paused] == (Standing.SKIPPED, "Somebody has paused its turn.")
        assert told[fine][0] is Standing.DONE

    async def test_it_turns_in_the_name_of_who_started_it(self, rig: Rig) -> None:
        """Who may not turn any more when a wave begins stops the rollout there."""
        await add_rotations(rig, 2)
        await started(rig, "1", "rest")
        await carry(rig, until=after_a_step())
        async with rig.world.store.writing() as tx:
            for each in await tx.list(Membership, identity_id=rig.admin.id):
                await tx.replace(replace(each, role="viewer"))
        rollout = await carry(rig)
        assert rollout.state is State.HALTED
        assert "may not secret-rotation:rotate-secrets" in rollout.told


class TestHalt:
    """What goes wrong in a wave keeps the others from it."""

    async def test_a_blocked_turn_halts_the_rollout(self, rig: Rig) -> None:
        """The wave before is through, the one after does not begin, and what is served works."""
        rollout, bad, _ = await halted(rig)
        assert bad.standing is Standing.FAILED
        assert bad.name in rollout.told
        await carry(rig)
        found = await standings(rig)
        assert found[1] == {Standing.DONE}
        assert found[2] == {Standing.FAILED, Standing.DONE}
        assert found[3] == {Standing.WAITING}
        assert not await dead_served(rig)

    async def test_it_goes_on_once_it_is_mended(self, rig: Rig) -> None:
        """The one that failed gets another turn, and the rest follow."""
        rollout, bad, foreign = await halted(rig)
        rig.org.deactivate_secret(bad.app_id, foreign)
        rig.org.delete_secret(bad.app_id, foreign)
        await continue_rollout(rig.world, rig.admin, rollout.id)
        assert (await carry(rig)).state is State.FINISHED
        assert {each.standing for each in await members(rig)} == {Standing.DONE}

    async def test_one_that_failed_can_be_left_out(self, rig: Rig) -> None:
        """By its number; who left it out is on record."""
        rollout, bad, _ = await halted(rig)
        await continue_rollout(rig.world, rig.admin, rollout.id, skip=[bad.number])
        assert (await carry(rig)).state is State.FINISHED
        after = (await members(rig))[bad.number - 1]
        assert after.standing is Standing.SKIPPED
        assert after.told.startswith("Left out by administrator.")

    async def test_only_who_failed_or_waits_can_be_left_out(self, rig: Rig) -> None:
        """A number of another changes nothing."""
        rollout, *_ = await halted(rig)
        with pytest.raises(InvalidInput, match="1 is none"):
            await continue_rollout(rig.world, rig.admin, rollout.id, skip=[1])
        assert (await the_rollout(rig)).state is State.HALTED

    async def test_drift_halts_it(self, rig: Rig) -> None:
        """What is found to differ at Okta in a rotation that has turned stops the next wave."""
        await add_rotations(rig, 2)
        await started(rig, "1", "rest")
        await carry(rig, until=lambda one: one.wave == 2)
        await add_drift(rig, (await members(rig))[0])
        rollout = await carry(rig)
        assert rollout.state is State.HALTED
        assert "Okta differs from the record: A secret." in rollout.told

    async def test_nothing_goes_on_that_has_not_halted(self, rig: Rig) -> None:
        """The error says where it stands and what can be done."""
        await add_rotations(rig, 1)
        view = await started(rig)
        with pytest.raises(Refused, match=r"is running: there is nothing to .* Possible: abort\."):
            await continue_rollout(rig.world, rig.admin, view.rollout.id)


class TestAbort:
    """A rollout that is ended before its end."""

    async def test_nothing_more_starts(self, rig: Rig) -> None:
        """What turns goes on to its end; the others are left as they are."""
        await add_rotations(rig, 4)
        view = await started(rig, "2", "rest")
        await carry(rig, until=after_a_step())
        await abort_rollout(rig.world, rig.admin, view.rollout.id)
        assert (await carry(rig)).state is State.ABANDONED
        assert await standings(rig) == {1: {Standing.DONE}, 2: {Standing.WAITING}}

    async def test_turns_that_nobody_is_served_can_be_taken_back(self, rig: Rig) -> None:
        """The secrets served before work on, and no other is left at Okta."""
        await add_rotations(rig, 2)
        outage = rig.org.add_fault(Fault("drop-before-effect"))
        view = await started(rig)
        await carry(rig, until=after_a_step())
        await abort_rollout(rig.world, rig.admin, view.rollout.id, abort_turns=True)
        rig.org.remove_fault(outage)
        assert (await carry(rig)).state is State.ABANDONED
        assert {each.standing for each in await members(rig)} == {Standing.FAILED}
        assert not await dead_served(rig)


class TestSight:
    """Who sees what of rollouts."""

    async def test_a_rollout_is_seen_with_its_waves(self, rig: Rig) -> None:
        """A list, one, and its members by standing, each with the phase of its turn."""
        await add_rotations(rig, 3)
        rollout_id = (await started(rig, "1")).rollout.id
        await carry(rig, until=after_a_step())
        seen = await read_rollout(rig.world, rig.admin, rollout_id)
        assert seen.counts == {1: {Standing.TURNING: 1}, 2: {Standing.WAITING: 2}}
        assert [one.name for one in await list_rollouts(rig.world, rig.admin)] == ["spring"]
        waiting = Standing.WAITING
        page = await list_members(rig.world, rig.admin, rollout_id, Wanted(waiting), limit=1)
        assert (page.total, [each.number for each, _ in page.members]) == (2, [2])
        turning = await list_members(rig.world, rig.admin, rollout_id, Wanted(Standing.TURNING))
        assert turning.members[0][1] is not None

    async def test_nobody_learns_of_rollouts_without_a_role(self, rig: Rig) -> None:
        """Every way is closed, also to one that is not there."""
        await add_rotations(rig, 1)
        rollout_id = (await started(rig, approvals=True)).rollout.id
        nobody = Caller("i", "machine", rig.admin.organization_id, ())
        for one in (rollout_id, "none"):
            with pytest.raises(Forbidden, match=one):
                await read_rollout(rig.world, nobody, one)
            with pytest.raises(Forbidden):
                await abort_rollout(rig.world, nobody, one)
            with pytest.raises(Forbidden):
                await approve_rollout(rig.world, nobody, one, wave=1, plan_hash="")
            with pytest.raises(Forbidden):
                await continue_rollout(rig.world, nobody, one)
        with pytest.raises(NotFound):
            await read_rollout(rig.world, rig.admin, "none")


async def test_one_worker_looks_at_a_time(rig: Rig) -> None:
    """Of two that come together one is told to go on; the next look comes after the pace."""
    await add_rotations(rig, 1)
    rollout = (await started(rig)).rollout
    pace = timedelta(seconds=5)
    rig.clock.advance(5)
    come = [claim_look(rig.world, rollout.id, pace) for _ in range(2)]
    assert sorted(await asyncio.gather(*come)) == [False, True]
    rig.clock.advance(5)
    assert await claim_look(rig.world, rollout.id, pace)
