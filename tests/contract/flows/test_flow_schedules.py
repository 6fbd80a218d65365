"""What workers do for flows at every tick: start what is scheduled, forget what is old."""

from dataclasses import replace
from datetime import timedelta

import pytest
from flow_kit import FlowRig, flow_rig

from keyturn.domain.errors import InvalidInput
from keyturn.domain.flows.run import Cause, Run
from keyturn.services.flow_duties import forget_old_runs, start_due_flows
from keyturn.services.flows import FlowView, switch_flow
from keyturn.services.run_history import list_runs

pytestmark = pytest.mark.anyio

HOURLY = 'flow: hourly\nstart: {kind: schedule, cron: "0 * * * *"}\n'
TOLD = "cards:\n- {card: flow.return, with: {at: '{{ start.time }}'}}\n"
HOUR_S = 3600


async def started(rig: FlowRig, view: FlowView) -> list[Run]:
    """Return the runs of a flow, the oldest first."""
    found = await list_runs(rig.world, rig.admin, view.saved.id)
    return [each.run for each in reversed(found)]


async def test_a_flow_starts_at_each_of_its_times() -> None:
    """Once each, however often somebody looks, and is told which time it is."""
    async with flow_rig() as rig:
        view = await rig.save(TOLD, HOURLY)
        assert await start_due_flows(rig.world) == 0
        for _ in range(2):
            rig.clock.advance(HOUR_S)
            assert [await start_due_flows(rig.world) for _ in range(2)] == [1, 0]
        runs = await started(rig, view)
        told = [(await rig.result(run)).body.value for run in runs]
    assert [run.cause for run in runs] == [Cause.SCHEDULED] * 2
    assert told == [{"at": f"2026-01-01T{hour}:00:00+00:00"} for hour in (11, 12)]


async def test_what_was_missed_is_started_once() -> None:
    """After a day without a worker there is one run, and the next time is ahead."""
    async with flow_rig() as rig:
        view = await rig.save(TOLD, HOURLY)
        rig.clock.advance(24 * HOUR_S + 60)
        assert [await start_due_flows(rig.world) for _ in range(2)] == [1, 0]
        assert len(await started(rig, view)) == 1


async def test_what_is_switched_off_does_not_start() -> None:
    """Switched on again, it starts at its next time and not at those that have passed."""
    async with flow_rig() as rig:
        view = await rig.save(TOLD, HOURLY)
        await switch_flow(rig.world, rig.admin, view.saved.id, enabled=False)
        rig.clock.advance(5 * HOUR_S)
        assert await start_due_flows(rig.world) == 0
        await switch_flow(rig.world, rig.admin, view.saved.id, enabled=True)
        assert await start_due_flows(rig.world) == 0
        rig.clock.advance(HOUR_S)
        assert await start_due_flows(rig.world) == 1


async def test_a_new_version_starts_by_its_own_schedule() -> None:
    """The dates of the version before are forgotten."""
    async with flow_rig() as rig:
        await rig.save(TOLD, HOURLY)
        await rig.save(TOLD, HOURLY.replace("0 * * * *", "0 0 * * *"))
        rig.clock.advance(2 * HOUR_S)
        assert await start_due_flows(rig.world) == 0


async def test_a_flow_that_cannot_be_read_keeps_no_other_waiting() -> None:
    """It is not tried again until somebody saves it anew."""
    async with flow_rig() as rig:
        broken = await rig.save(TOLD, HOURLY.replace("hourly", "broken"))
        await rig.save(TOLD, HOURLY)
        async with rig.world.store.writing() as tx:
            await tx.replace(replace(broken.version, source="flow: of another age"))
        rig.clock.advance(HOUR_S)
        assert [await start_due_flows(rig.world) for _ in range(2)] == [1, 0]


@pytest.mark.parametrize("start", ['cron: "61 * * * *"', "zone: UTC", 'every: "0 minutes"'])
async def test_a_schedule_that_is_none_is_refused(start: str) -> None:
    """Nothing is saved of it."""
    async with flow_rig() as rig:
        with pytest.raises(InvalidInput):
            await rig.save(TOLD, f"flow: never\nstart: {{kind: schedule, {start}}}\n")


async def test_old_runs_are_forgotten_with_all_that_is_kept_of_them() -> None:
    """Those that go on are kept however old they are."""
    waits = "cards:\n- {card: flow.wait_for, with: {duration: 30, unit: days}}\n"
    async with flow_rig() as rig:
        ended = await rig.start(await rig.save(TOLD.replace("start.time", "run.id")))
        await rig.end(ended)
        going = await rig.start(await rig.save(waits, "flow: waits\nstart: {kind: helper}\n"))
        await rig.work()
        rig.clock.advance(timedelta(days=29).total_seconds())
        assert await forget_old_runs(rig.world) == 0
        rig.clock.advance(timedelta(days=2).total_seconds())
        assert [await forget_old_runs(rig.world) for _ in range(2)] == [1, 0]
        async with rig.world.store.reading() as tx:
            assert [run.id for run in await tx.list(Run)] == [going.id]
