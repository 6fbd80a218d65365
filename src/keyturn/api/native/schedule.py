"""The next dates of a rotation, and of a schedule before there is a rotation."""

from typing import Annotated

from fastapi import APIRouter, Query

from keyturn.api.authn import TheCaller, TheWorld
from keyturn.api.lenient import LenientRoute
from keyturn.api.scheduling import asked_of_draft
from keyturn.services import previews
from keyturn.services.previews import Preview
from keyturn.services.schedules import with_calendar_read
from keyturn.wire import schedules as wire
from keyturn.wire.base import Id

of_type = APIRouter(tags=["Schedule"], route_class=LenientRoute)
of_readers = APIRouter(tags=["Schedule"], route_class=LenientRoute)

Count = Annotated[int, Query(ge=1, le=wire.DATES_MAX)]


@of_type.get("/{rotation_id}/preview")
async def preview_rotation(
    world: TheWorld, caller: TheCaller, rotation_id: Id, count: Count = 10
) -> wire.PreviewAnswer:
    """List a rotation's next dates; those after the first hold if every turn succeeds at once."""
    found = await previews.preview_rotation(world, caller, rotation_id, count=count)
    return _answer(found)


@of_readers.post("/preview")
async def preview_draft(
    world: TheWorld, caller: TheCaller, body: wire.ScheduleDraft, count: Count = 10
) -> wire.PreviewAnswer:
    """List the next dates of a rotation that would be created now; nothing is stored."""
    change = await with_calendar_read(asked_of_draft(body), world.clock.now())
    return _answer(previews.preview_draft(world, change, count=count))


def _answer(found: Preview) -> wire.PreviewAnswer:
    stands = found.outlook
    return wire.PreviewAnswer(
        time_zone=found.schedule.zone,
        state=stands.state.value if stands else None,
        why=stands.why if stands else "",
        warning=found.warning,
        dates=tuple(
            wire.PlannedTurn(due_at=slot.due_at, starts_at=slot.starts_at) for slot in found.slots
        ),
    )
