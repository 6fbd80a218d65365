"""Close what was found of a credential once readers are given another."""

from dataclasses import replace

from keyturn.domain.drift import PROPOSED, Finding, Repair
from keyturn.domain.turn import Held, Turn
from keyturn.services.ports import World, Writing
from keyturn.services.rotations import current_rotation


async def close_unserved(tx: Writing, world: World, turn: Turn, served: Held) -> None:
    """Close the findings that a turn leaves without a subject by what it serves from now on.

    Those are of what was served before, and of what is served now as somebody else's. Okta is
    looked at again then: nobody has compared what it has of the other one.
    """
    told = await tx.list(Finding, rotation_id=turn.rotation_id, closed_at=None)
    over = [
        each
        for each in told
        if PROPOSED[each.kind] is not Repair.BY_HAND or each.subject == served.okta_id
    ]
    now, by = world.clock.now(), f"turn {turn.id}"
    await tx.replace(*(replace(each, closed_at=now, closed_by=by) for each in over))
    if over:
        rotation = await current_rotation(tx, turn.rotation_id)
        await tx.replace(replace(rotation, checked_at=None))
