"""When scheduled turns start, wait, are put off, missed, and left to people."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta

import pytest
from rig import START, Rig

from keyturn.domain.errors import InvalidInput
from keyturn.domain.outlook import State
from keyturn.domain.rotation import Rotation
from keyturn.domain.schedule import Schedule, checked
from keyturn.domain.turn import Phase
from keyturn.services.ports import Reading, Store, Writing
from keyturn.services.previews import preview_draft, preview_rotation
from keyturn.services.reports import list_turns
from keyturn.services.rotations import RotationChange, update_rotation, view
from keyturn.services.schedules import ScheduleChange
from keyturn.services.turns import rotate, start_due

DAILY = Schedule(1, time(0, 0))
SATURDAYS = checked(Schedule(7, time(0, 0), windows="Sa 02:00-04:00"))


def utc(text: str) -> datetime:
    """Read a moment as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


async def until(rig: Rig, at: str) -> None:
    """Let time pass without anybody working, then work once."""
    rig.clock.advance((utc(at) - rig.clock.now()).total_seconds())
    await rig.tick()


async def stands(rig: Rig, rotation: Rotation) -> tuple[State, datetime | None]:
    """Return how the schedule stands, and when the next turn starts."""
    seen = await view(rig.world, rotation.id)
    return seen.outlook.state, seen.rotation.next_rotation_at


async def change(rig: Rig, rotation: Rotation, **fields: object) -> None:
    """Change the schedule of a rotation."""
    wanted = RotationChange(schedule=ScheduleChange(**fields))  # type: ignore[arg-type]  # its fields
    await update_rotation(rig.world, rig.admin, rotation.id, wanted)


async def test_due_turn_waits_for_its_window(rig: Rig) -> None:
    """Between the due moment and the window nothing starts, and the rotation says so."""
    rotation = (await rig.rotation(schedule=SATURDAYS)).rotation
    assert (rotation.due_at, rotation.next_rotation_at) == (utc("2026-01-09"), utc("2026-01-10T02"))
    assert (await stands(rig, rotation))[0] is State.SCHEDULED
    await until(rig, "2026-01-10T01:59:59")
    assert not rig.posts()
    assert await stands(rig, rotation) == (State.WAITING, utc("2026-01-10T02"))
    await until(rig, "2026-01-10T02:00")
    assert len(rig.posts()) == 1
    assert (await stands(rig, rotation))[0] is State.TURNING


async def test_window_that_passed_unused_is_missed_and_told(rig: Rig) -> None:
    """Who was down over the window starts no turn outside it; the state says what happens next."""
    rotation = (await rig.rotation(schedule=SATURDAYS)).rotation
    await until(rig, "2026-01-10T04:00")
    assert not rig.posts()
    assert await stands(rig, rotation) == (State.MISSED, utc("2026-01-17T02"))
    why = (await view(rig.world, rotation.id)).outlook.why
    assert "2026-01-10 02:00 UTC, passed" in why
    assert "starts at 2026-01-17 02:00 UTC" in why
    await until(rig, "2026-01-17T02:00")
    assert len(rig.posts()) == 1
    assert (await stands(rig, rotation))[0] is State.TURNING


async def test_blackout_that_outlasts_the_limit_is_missed(rig: Rig) -> None:
    """A due turn that no window reaches within a week is shown as missed before its date."""
    schedule = checked(Schedule(7, time(0, 0), blackouts="2026-01-09/2026-01-31"))
    rotation = (await rig.rotation(schedule=schedule)).rotation
    await until(rig, "2026-01-12")
    assert not rig.posts()
    assert await stands(rig, rotation) == (State.MISSED, utc("2026-02-01"))
    assert "leave no time within 7 days" in (await view(rig.world, rotation.id)).outlook.why


async def test_blackout_is_honoured_when_the_turn_would_start(rig: Rig) -> None:
    """A date that was stored before the blackout is moved behind it at the start."""
    rotation = (await rig.rotation(schedule=DAILY)).rotation
    async with rig.world.store.writing() as tx:
        stored = await tx.find(Rotation, id=rotation.id)
        assert stored
        assert stored.next_rotation_at == utc("2026-01-03")
        late = checked(Schedule(1, time(0, 0), blackouts="2026-01-03T00:00/2026-01-03T06:00"))
        await tx.replace(Rotation(**vars(stored) | {"schedule": late}))
    await until(rig, "2026-01-03T05:59")
    assert not rig.posts()
    await until(rig, "2026-01-03T06:00")
    assert len(rig.posts()) == 1


async def test_after_downtime_one_turn_catches_up(rig: Rig) -> None:
    """Three weeks without anybody working end in one turn, not in forty."""
    rotation = (await rig.rotation(schedule=checked(Schedule(1, time(0, 0), every="12h")))).rotation
    await until(rig, "2026-01-22T10:00")
    assert (await rig.run(rotation.id)).phase is Phase.FINISHED
    assert len(rig.posts()) == 1
    assert (await stands(rig, rotation))[1] == utc("2026-01-22T22:00")


async def test_delays_by_windows_do_not_add_up(rig: Rig) -> None:
    """What was due at 23:00 and waited past midnight is due at 23:00 again, a day on."""
    schedule = checked(Schedule(1, time(23, 0), windows="02:00-04:00"))
    rotation = (await rig.rotation(schedule=schedule)).rotation
    starts = []
    for _ in range(3):
        seen = (await view(rig.world, rotation.id)).rotation
        assert seen.next_rotation_at
        starts.append(seen.next_rotation_at)
        await until(rig, f"{seen.next_rotation_at:%Y-%m-%dT%H:%M:%S}")
        await rig.run(rotation.id)
    assert starts == [utc("2026-01-03T02") + timedelta(days=i) for i in range(3)]


async def test_preview_tells_what_then_happens(rig: Rig) -> None:
    """The dates that are listed are those at which turns are started."""
    schedule = checked(Schedule(1, time(0, 0), cron="30 2 * * sat", zone="Europe/Berlin"))
    rotation = (await rig.rotation(schedule=schedule)).rotation
    listed = await preview_rotation(rig.world, rig.admin, rotation.id, count=3)
    for slot in listed.slots:
        await until(rig, f"{slot.starts_at - timedelta(seconds=1):%Y-%m-%dT%H:%M:%S}")
        before = len(rig.posts())
        await until(rig, f"{slot.starts_at:%Y-%m-%dT%H:%M:%S}")
        assert len(rig.posts()) == before + 1
        await rig.run(rotation.id)


async def failing(rig: Rig, **fields: object) -> Rotation:
    """Create a daily rotation whose turns are blocked by a foreign secret."""
    schedule = Schedule(1, time(0, 0), **fields)  # type: ignore[arg-type]  # its fields
    rotation = (await rig.rotation(schedule=schedule)).rotation
    rig.org.create_secret(rig.app_id, None)
    return rotation


async def starts(rig: Rig, rotation: Rotation) -> list[str]:
    """Let time pass until no turn starts any more; return the dates on which one did."""
    dates = []
    for _ in range(20):
        seen = (await view(rig.world, rotation.id)).rotation
        if seen.next_rotation_at is None:
            return dates
        dates.append(f"{seen.next_rotation_at:%m-%d}")
        await until(rig, f"{seen.next_rotation_at:%Y-%m-%dT%H:%M:%S}")
    return dates


async def test_turns_that_keep_failing_back_off_and_end_in_quarantine(rig: Rig) -> None:
    """Five starts without success, further and further apart, and then none by itself."""
    rotation = await failing(rig)
    assert await starts(rig, rotation) == ["01-03", "01-04", "01-05", "01-07", "01-11"]
    assert await stands(rig, rotation) == (State.QUARANTINED, None)
    await until(rig, "2026-12-31")
    assert len(await list_turns(rig.world, rig.admin, rotation.id)) == 1
    why = (await view(rig.world, rotation.id)).outlook.why
    assert why.startswith("Turns in a row without a good end: 5.")


@pytest.mark.parametrize("ours", [{}, {"stagger_s": 0}])
async def test_change_calls_for_no_try_before_its_time(rig: Rig, ours: dict[str, object]) -> None:
    """What is sent back as it was read moves no next try, and a new schedule none to earlier."""
    rotation = await failing(rig, stagger_s=60)
    for day in ("2026-01-03T00:01", "2026-01-04T00:01", "2026-01-05T00:01"):
        await until(rig, day)
    before = (await view(rig.world, rotation.id)).rotation
    assert before.due_at == utc("2026-01-07")
    rig.clock.advance(300)
    await change(rig, rotation, automatic=True, interval_days=1, rotate_at=time(0, 0), **ours)
    await rig.tick()
    after = (await view(rig.world, rotation.id)).rotation
    assert (after.failures, after.due_at) == (3, before.due_at)
    assert ours or after.next_rotation_at == before.next_rotation_at


async def test_what_is_sent_back_as_it_was_read_misses_nothing_and_moves_nothing(rig: Rig) -> None:
    """A turn stays missed, and comes when it was to come, also where starts are spread."""
    rotation = (await rig.rotation(schedule=SATURDAYS)).rotation
    await until(rig, "2026-01-10T04:00")
    await change(rig, rotation, automatic=True, interval_days=7, rotate_at=time(0, 0))
    assert await stands(rig, rotation) == (State.MISSED, utc("2026-01-17T02"))
    assert (await view(rig.world, rotation.id)).rotation.due_at == utc("2026-01-09")


@pytest.mark.parametrize("ours", [{}, {"quarantine_after": 7}])
async def test_change_moves_no_start_that_is_spread(rig: Rig, ours: dict[str, object]) -> None:
    """Between the due moment and the start a change puts nothing off that it does not concern."""
    spread = replace(DAILY, stagger_s=86_400)
    rotation = (await rig.rotation(schedule=spread)).rotation
    starts_at = rotation.next_rotation_at
    assert starts_at
    rig.clock.advance((starts_at - timedelta(minutes=5) - rig.clock.now()).total_seconds())
    await change(rig, rotation, automatic=True, interval_days=1, rotate_at=time(0, 0), **ours)
    assert (await stands(rig, rotation))[1] == starts_at


async def test_only_a_turn_by_hand_ends_a_quarantine(rig: Rig) -> None:
    """Changing the schedule does not; a turn that is served does, and the schedule goes on."""
    rotation = await failing(rig, quarantine_after=2)
    assert len(await starts(rig, rotation)) == 2
    await change(rig, rotation, rotate_at=time(1, 0))
    assert await stands(rig, rotation) == (State.QUARANTINED, None)
    foreign = rig.living()[1]["id"]
    rig.org.deactivate_secret(rig.app_id, foreign)
    rig.org.delete_secret(rig.app_id, foreign)
    await rotate(rig.world, rig.admin, rotation.id)
    await rig.run(rotation.id)
    state, next_at = await stands(rig, rotation)
    assert state is State.SCHEDULED
    assert next_at
    assert (await view(rig.world, rotation.id)).rotation.failures == 0


async def test_quarantine_can_be_switched_off(rig: Rig) -> None:
    """With a limit of 0 the tries go on for ever, a week apart at most."""
    rotation = await failing(rig, quarantine_after=0)
    assert len(await starts(rig, rotation)) == 20
    assert (await stands(rig, rotation))[0] is State.BLOCKED


async def test_success_forgets_earlier_failures(rig: Rig) -> None:
    """Failures count in a row only."""
    rotation = await failing(rig, quarantine_after=3)
    await until(rig, "2026-01-03")
    await until(rig, "2026-01-04")
    foreign = rig.living()[1]["id"]
    rig.org.deactivate_secret(rig.app_id, foreign)
    rig.org.delete_secret(rig.app_id, foreign)
    assert (await view(rig.world, rotation.id)).rotation.failures == 2
    await until(rig, "2026-01-05")
    assert (await view(rig.world, rotation.id)).rotation.failures == 0


@pytest.mark.parametrize("fields", [{"automatic": False}, {"blackouts": "2026-01-03"}])
async def test_change_takes_effect_on_a_turn_that_is_queued(
    rig: Rig, fields: dict[str, object]
) -> None:
    """A scheduled turn that has not begun ends where the new schedule forbids it; no failure."""
    rotation = (await rig.rotation(schedule=DAILY)).rotation
    rig.clock.advance((utc("2026-01-03") - START).total_seconds())
    assert await start_due(rig.world) == 1
    await change(rig, rotation, **fields)
    await rig.tick()
    seen = await view(rig.world, rotation.id)
    assert seen.turn
    assert seen.turn.phase is Phase.ROLLED_BACK
    assert not rig.posts()
    assert seen.rotation.failures == 0
    assert seen.rotation.next_rotation_at == (None if "automatic" in fields else utc("2026-01-04"))


async def test_queued_turn_that_is_forbidden_now_starts_when_it_may(rig: Rig) -> None:
    """It never began, so the new schedule has no failure to wait for."""
    rotation = (await rig.rotation(schedule=DAILY)).rotation
    rig.clock.advance((utc("2026-01-03") - START).total_seconds())
    await start_due(rig.world)
    await change(rig, rotation, windows="06:00-07:00")
    assert await stands(rig, rotation) == (State.WAITING, utc("2026-01-03T06"))
    await until(rig, "2026-01-03T06:00")
    assert len(rig.posts()) == 1


async def test_queued_turn_survives_a_change_that_allows_it(rig: Rig) -> None:
    """Without a reason against it the turn that was due is begun."""
    rotation = (await rig.rotation(schedule=DAILY)).rotation
    rig.clock.advance((utc("2026-01-03") - START).total_seconds())
    await start_due(rig.world)
    await change(rig, rotation, windows="00:00-01:00")
    await rig.tick()
    assert len(rig.posts()) == 1


async def test_what_an_older_client_sends_back_changes_nothing_of_ours(rig: Rig) -> None:
    """The interval and time as they were read leave every, cron and at; others take their place."""
    schedule = checked(Schedule(182, time(0, 0), every="6mo", at=time(2, 30), zone="Asia/Tokyo"))
    rotation = (await rig.rotation(schedule=schedule)).rotation
    await change(rig, rotation, automatic=True, interval_days=182, rotate_at=time(0, 0))
    assert (await view(rig.world, rotation.id)).rotation.schedule == schedule
    await change(rig, rotation, interval_days=30, rotate_at=time(1, 0))
    kept = (await view(rig.world, rotation.id)).rotation.schedule
    assert (kept.every, kept.at, kept.interval_days) == ("", None, 30)


async def test_last_of_every_and_cron_holds_and_an_empty_text_takes_away(rig: Rig) -> None:
    """One replaces the other; without both the interval in days is back."""
    rotation = (await rig.rotation(schedule=checked(Schedule(30, time(), every="12h")))).rotation
    await change(rig, rotation, cron="0 3 * * *", zone="Asia/Tokyo", windows="02:00-05:00")
    kept = (await view(rig.world, rotation.id)).rotation.schedule
    assert (kept.every, kept.cron) == ("", "0 3 * * *")
    await change(rig, rotation, cron="", zone="", windows="")
    kept = (await view(rig.world, rotation.id)).rotation.schedule
    assert (kept.every, kept.cron, kept.zone, kept.windows) == ("", "", "UTC", "")


async def test_draft_is_previewed_from_now(rig: Rig) -> None:
    """A schedule without a rotation counts from now, and odd ones are refused."""
    found = preview_draft(rig.world, ScheduleChange(every="1mo"), count=2)
    assert [slot.starts_at for slot in found.slots] == [utc("2026-02-01"), utc("2026-03-01")]
    with pytest.raises(InvalidInput, match=r"schedule\.at"):
        preview_draft(rig.world, ScheduleChange(at="noon"), count=2)


async def test_shorter_interval_is_due_now_and_nothing_was_missed(rig: Rig) -> None:
    """Windows of a new schedule that lay before the change are no missed ones."""
    rotation = (await rig.rotation()).rotation
    await until(rig, "2026-01-20")
    await change(rig, rotation, interval_days=7, windows="Sa 02:00-04:00")
    await rig.tick()
    assert await stands(rig, rotation) == (State.WAITING, utc("2026-01-24T02"))
    assert (await view(rig.world, rotation.id)).rotation.due_at == utc("2026-01-20")


@dataclass
class Between:
    """A store after whose first look something else happens."""

    store: Store
    then: Callable[[], Awaitable[None]] | None

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Reading]:
        """Look, then let it happen once."""
        async with self.store.reading() as tx:
            yield tx
        then, self.then = self.then, None
        if then:
            await then()

    def writing(self) -> AbstractAsyncContextManager[Writing]:
        """Write as ever."""
        return self.store.writing()


async def test_schedule_that_was_switched_off_meanwhile_starts_nothing(rig: Rig) -> None:
    """Between the look for what is due and the start, the last word counts."""
    rotation = (await rig.rotation(schedule=DAILY)).rotation
    rig.clock.advance((utc("2026-01-03") - START).total_seconds())

    async def switch_off() -> None:
        await change(rig, rotation, automatic=False)

    assert await start_due(replace(rig.world, store=Between(rig.world.store, switch_off))) == 0
    assert (await view(rig.world, rotation.id)).turn is None
