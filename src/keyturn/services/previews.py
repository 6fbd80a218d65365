"""Tell when turns will start: of a rotation as it stands, and of a schedule that is none yet."""

from collections.abc import Sequence
from dataclasses import dataclass

from keyturn.domain.access import Caller, Verb
from keyturn.domain.outlook import Outlook, far_off
from keyturn.domain.schedule import LastTurn, Schedule, Slot, preview
from keyturn.services.ports import World
from keyturn.services.rotations import admit, view
from keyturn.services.schedules import DEFAULT, ScheduleChange, changed_schedule


@dataclass(frozen=True)
class Preview:
    """The next dates under a schedule, and how it stands where a rotation has it."""

    schedule: Schedule
    slots: Sequence[Slot]
    outlook: Outlook | None = None

    @property
    def warning(self) -> str:
        """Say which of the dates windows and blackouts put off for long, if any."""
        return next((told for told in map(far_off, self.slots) if told), "")


async def preview_rotation(
    world: World, caller: Caller, rotation_id: str, *, count: int
) -> Preview:
    """List a rotation's next dates, the first as it stands. Raises NotFound, Forbidden.

    The dates after the first hold if every turn is served at once. There are none where no turn
    starts by itself.
    """
    await admit(world, caller, Verb.READ_ROTATIONS, rotation_id)
    seen = await view(world, rotation_id)
    rotation, stands = seen.rotation, seen.outlook
    if rotation.next_rotation_at is None:
        return Preview(rotation.schedule, (), stands)
    first = Slot(rotation.due_at or rotation.next_rotation_at, rotation.next_rotation_at)
    last = LastTurn(first.starts_at, due_at=first.due_at)
    rest = preview(rotation.schedule, last, count - 1, rotation.id)
    return Preview(rotation.schedule, (first, *rest), stands)


def preview_draft(world: World, change: ScheduleChange, *, count: int) -> Preview:
    """List the next dates of a rotation that would be created now; nothing is stored.

    Its id, which decides its place in the stagger, is not known yet. Raises InvalidInput.
    """
    now = world.clock.now()
    schedule = changed_schedule(DEFAULT, change, now)
    return Preview(schedule, preview(schedule, LastTurn(now, manual=True), count))
