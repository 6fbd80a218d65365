"""Tell people of an emergency: which app it could not close, and that it is over.

Each is told in the transaction in which it happens. That an app is closed is told by its turn.
"""

from collections.abc import Sequence
from dataclasses import replace

from keyturn.domain.emergency import is_stuck
from keyturn.domain.notice import Kind, NoticeDraft
from keyturn.domain.rollout import Member, Rollout, Standing
from keyturn.domain.rotation import Rotation
from keyturn.services.notices import anybody_hears, tell
from keyturn.services.ports import World, Writing
from keyturn.services.records import must
from keyturn.services.turn_news import draft_of

LATE = "Not known to have had the new one by then:"
"""How what is told of a member begins, where somebody had no time."""
NAMED_MAX = 5
"""As many apps are named whose consumers had no time; the evidence has them all."""


async def tell_stuck(
    tx: Writing, world: World, rollout: Rollout, before: Member, after: Member
) -> None:
    """Tell of an app that is not closed, and will not be by itself, once each time it stops."""
    if is_stuck(before) or not is_stuck(after) or not await anybody_hears(tx):
        return
    rotation = await must(tx.find(Rotation, id=after.rotation_id))
    draft = await draft_of(tx, world, rotation, Kind.NOT_CLOSED, after.told)
    command = f"keyturn emergency apps {rollout.name} --standing {after.standing}"
    await tell(tx, world, replace(draft, page=_page(rollout), command=command))


async def tell_over(tx: Writing, world: World, rollout: Rollout, members: Sequence[Member]) -> None:
    """Tell how an emergency has ended: how many apps are closed, and who had no time."""
    await tell(
        tx,
        world,
        NoticeDraft(
            kind=Kind.EMERGENCY_FINISHED,
            organization_id=rollout.organization_id,
            project_id=None,
            subject_id=rollout.id,
            subject=rollout.name,
            told=" ".join(filter(None, (rollout.told, _count(members), _late(members)))),
            page=_page(rollout),
            command=f"keyturn emergency evidence {rollout.name}",
        ),
    )


def _count(members: Sequence[Member]) -> str:
    closed = sum(each.closed_at is not None for each in members)
    under_way = sum(each.standing is Standing.TURNING for each in members if each.closed_at is None)
    left = len(members) - closed - under_way
    going = f", {under_way} on their way" if under_way else ""
    return f"{closed} of {len(members)} apps are closed{going}, {left} are not."


def _late(members: Sequence[Member]) -> str:
    late = [each for each in members if each.told.startswith(LATE)]
    if not late:
        return ""
    names = ", ".join(
        f"{each.name} ({each.told.removeprefix(LATE).strip(' .')})" for each in late[:NAMED_MAX]
    )
    more = f", and {len(late) - NAMED_MAX} more" if len(late) > NAMED_MAX else ""
    return f"Without the new secret when theirs was closed: {names}{more}."


def _page(rollout: Rollout) -> str:
    return f"/emergencies/{rollout.id}"
