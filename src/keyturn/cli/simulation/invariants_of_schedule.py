"""What must always hold of the schedule: what is due starts, then and not before.

Asked and numbered as in `invariants`. When a daily turn is due is worked out anew from the zone.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from keyturn.cli.simulation.events import Commit
from keyturn.cli.simulation.invariants import Wrong
from keyturn.cli.simulation.kept import Kept
from keyturn.cli.simulation.ledger import Ledger
from keyturn.domain.rotation import Rotation
from keyturn.domain.turn import Trigger
from keyturn.services.duties import Doing

SOON = timedelta(minutes=30)
"""Within so much of calm time what is due has started."""


def a_daily_turn_is_due_at_its_time_of_day(ledger: Ledger, commit: Commit) -> Wrong:
    """4: what is due daily is due when the clock on the wall says so, in summer and in winter."""
    now = ledger.world.clock.now()
    for rotation in (each for each in commit.changed if isinstance(each, Rotation)):
        due_at, at = rotation.due_at, rotation.schedule.at
        if at is None or due_at is None or due_at <= now:
            continue
        wall = due_at.astimezone(ZoneInfo(rotation.schedule.zone)).replace(tzinfo=None)
        if wall.time() != at and not _left_out(datetime.combine(wall, at), rotation):
            yield f"{rotation.name} is due at {wall}, in its zone, and not at {at}"


def _left_out(wall: datetime, rotation: Rotation) -> bool:
    """Say whether the clocks go forward past this time: what is due then comes right after it."""
    zone = ZoneInfo(rotation.schedule.zone)
    there = wall.replace(tzinfo=zone).astimezone(UTC).astimezone(zone)
    return there.replace(tzinfo=None) != wall


def nothing_starts_before_it_is_due(ledger: Ledger, commit: Commit) -> Wrong:
    """4: the schedule begins no turn before its time."""
    for turn, was in commit.turns:
        kept = ledger.kept.get(turn.app_id)
        if was or kept is None or turn.trigger is not Trigger.SCHEDULED:
            continue
        due_at = _before(kept, commit).next_rotation_at
        if due_at is None or due_at > ledger.world.clock.now():
            yield f"turn {turn.id} was begun by the schedule, which says {due_at}"


def what_comes_due_begins(ledger: Ledger, commit: Commit) -> Wrong:
    """9: what was due is put off by the schedule only as a turn of it begins, or is open."""
    now = ledger.world.clock.now()
    if commit.work is None or commit.work.what != Doing.STARTING:
        return
    for rotation, kept in _rotations(ledger, commit):
        due_at, next_at = _before(kept, commit).next_rotation_at, rotation.next_rotation_at
        moved = due_at is not None and due_at <= now and next_at != due_at
        if moved and not ledger.open_turns(kept.app_id):
            yield f"{rotation.name} was due at {due_at}, and no turn of it began"


def what_is_due_has_begun(ledger: Ledger, kept: Kept, calm_s: float) -> Wrong:
    """9: what is due begins within half an hour in which nothing went wrong and no turn is open."""
    due_at, late = kept.orders[-1][1].next_rotation_at, ledger.world.clock.now() - SOON
    turns = [turn for turn in ledger.turns.values() if turn.app_id == kept.app_id]
    busy = any(turn.ended_at is None or turn.ended_at > late for turn in turns)
    if due_at and due_at < late and not busy and calm_s > SOON.total_seconds():
        yield f"app {kept.app_id} is due since {due_at}, and nothing has begun"


def _rotations(ledger: Ledger, commit: Commit) -> Iterator[tuple[Rotation, Kept]]:
    for each in commit.changed:
        if isinstance(each, Rotation) and each.app_id in ledger.kept:
            yield each, ledger.kept[each.app_id]


def _before(kept: Kept, commit: Commit) -> Rotation:
    """Return a rotation as it was before a transaction that is noted already."""
    return next(
        o for _, o in reversed(kept.orders) if all(o is not each for each in commit.changed)
    )


OF_COMMITS: Sequence[Callable[[Ledger, Commit], Wrong]] = (
    a_daily_turn_is_due_at_its_time_of_day,
    nothing_starts_before_it_is_due,
    what_comes_due_begins,
)
