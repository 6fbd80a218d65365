"""Tell people of a rollout: that it has halted, waits for an approval, or has finished."""

from collections.abc import Mapping
from types import MappingProxyType

from keyturn.domain.notice import Kind, NoticeDraft
from keyturn.domain.rollout import Rollout, State
from keyturn.services.notices import tell
from keyturn.services.ports import World, Writing

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
    if kind is None or (before and after.state is before.state):
        return
    draft = NoticeDraft(
        kind=kind,
        organization_id=after.organization_id,
        project_id=None,
        subject_id=after.id,
        subject=after.name,
        told=after.told or _told(after),
        page=f"/rollouts/{after.id}",
        command=f"keyturn rollout show {after.name}",
    )
    await tell(tx, world, draft)


def _told(rollout: Rollout) -> str:
    if rollout.state is State.AWAITING:
        return f"Wave {rollout.wave} waits for somebody's approval."
    return f"Waves that are through: {len(rollout.waves)}."
