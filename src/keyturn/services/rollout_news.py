"""Tell people of a rollout: that it has halted, waits for an approval, or has finished."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from keyturn.domain.notice import Kind, NoticeDraft
from keyturn.domain.rollout import Member, Rollout, Standing, State
from keyturn.domain.rotation import Rotation
from keyturn.services.notices import anybody_hears, tell
from keyturn.services.ports import Reading, World, Writing
from keyturn.services.turn_news import draft_of

KINDS: Mapping[State, Kind] = MappingProxyType(
    {
        State.HALTED: Kind.ROLLOUT_HALTED,
        State.AWAITING: Kind.ROLLOUT_AWAITS,
        State.FINISHED: Kind.ROLLOUT_FINISHED,
    }
)
"""What is told of a rollout that comes into a state."""


async def tell_rollout(tx: Writing, world: World, before: Rollout | None, after: Rollout) -> None:
    """Tell of what has become of a rollout, where that is news; ``before`` is None of a new one."""
    kind = KINDS.get(after.state)
    if kind is None or (before and after.state is before.state) or not await anybody_hears(tx):
        return
    draft = NoticeDraft(
        kind=kind,
        organization_id=after.organization_id,
        project_id=None,
        subject_id=after.id,
        subject=after.name,
        told=_told(after),
        page=f"/rollouts/{after.id}",
        command=f"keyturn rollout show {after.name}",
    )
    if wrong := await _failed_first(tx, after):
        of = await draft_of(tx, world, wrong, kind, draft.told)
        draft = replace(draft, project_id=of.project_id, of=of.of)
    await tell(tx, world, draft)


async def _failed_first(tx: Reading, rollout: Rollout) -> Rotation | None:
    """Return the rotation that a halt is of, so that those are told who hear of that."""
    if rollout.state is not State.HALTED:
        return None
    failed = await tx.list(Member, rollout_id=rollout.id, standing=Standing.FAILED)
    first = min(failed, key=lambda each: each.number)
    return await tx.find(Rotation, id=first.rotation_id)


def _told(rollout: Rollout) -> str:
    if rollout.state is State.AWAITING:
        return f"Wave {rollout.wave} waits for somebody's approval."
    if rollout.state is State.FINISHED:
        return f"Waves that are over: {len(rollout.waves)}. {rollout.told}".rstrip()
    return rollout.told
