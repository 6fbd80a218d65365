"""Connections inside Okta Workflows: what Okta's System Log tells of those that a turn waits for.

They keep a copy of the client secret that no API changes. What is seen is noted with the consumer
that each of them is told of as, where people read it; what it means is decided in the domain.
"""

from collections.abc import Sequence
from datetime import datetime

from keyturn.domain.errors import OktaError, OktaRefused, OktaThrottled
from keyturn.domain.ids import RotationId, SecretHash
from keyturn.domain.oauth.consumers import Consumer, judged
from keyturn.domain.oauth.workflows import Lack, Standing, WorkflowsLog, judge
from keyturn.domain.rotation import Rotation
from keyturn.domain.turn import CLOCKS_DIFFER
from keyturn.services.connections import open_org
from keyturn.services.dependents import list_registrations
from keyturn.services.desk import Desk, promised
from keyturn.services.ports import Reading, World
from keyturn.services.records import must

NOTHING = SecretHash("none")
"""What no client secret has for its hash."""


async def look_for_workflows(desk: Desk) -> None:
    """See which connections inside Okta Workflows have the new secret, and note it.

    Okta is asked only where one is waited for, and the policy has its log read. Raises OktaError,
    but not for a log that may not be read.
    """
    if not (desk.turn.rules.logged and desk.rotation.policy.log):
        return
    version = (desk.turn.new and desk.turn.new.version) or 0
    async with desk.world.store.reading() as tx:
        every = await list_workflows(tx, desk.rotation.id)
        rotation = await must(tx.find(Rotation, id=desk.rotation.id))
    if not any(each.waits_for(version) for each in every):
        return
    log = await _read(desk, rotation.last_rotated_at - CLOCKS_DIFFER)
    await _note(desk.world, every, version, log)


async def list_workflows(tx: Reading, rotation_id: RotationId) -> Sequence[Consumer]:
    """List the consumers of a rotation's secret that are connections inside Okta Workflows."""
    registrations = frozenset(each.id for each in await list_registrations(tx, rotation_id))
    every = await tx.list(Consumer, registration_id=registrations) if registrations else ()
    return [each for each in every if each.workflows]


async def is_log_readable(world: World, rotation: Rotation) -> bool | None:
    """Ask Okta whether the System Log may be read, in one call; None where it gave no answer."""
    async with world.store.reading() as tx:
        org = await open_org(tx, world, rotation.connection_id, lambda call: None)
    try:
        await org.read_workflows(NOTHING, NOTHING, since=world.clock.now())
    except OktaError as error:
        refused = isinstance(error, OktaRefused) and not isinstance(error, OktaThrottled)
        return False if refused else None
    return True


async def _read(desk: Desk, since: datetime) -> WorkflowsLog | None:
    """Read the log; None where Keyturn may not."""
    new, old = promised(desk.turn.new).hash, promised(desk.turn.old).hash
    try:
        return await (await desk.org()).read_workflows(new, old, since=since)
    except OktaThrottled:
        raise
    except OktaRefused:
        return None


async def _note(
    world: World, every: Sequence[Consumer], version: int, log: WorkflowsLog | None
) -> None:
    waited = {each.workflows or "" for each in every if each.confirmed < version}
    unseen = dict.fromkeys(waited, Standing(lack=Lack.UNSEEN))
    told = {each.workflows or "" for each in every}
    standings = unseen if log is None else judge(log, told, waited)
    async with world.store.writing() as tx:
        for each in every:
            stored = await tx.find(Consumer, id=each.id)
            standing = standings.get(each.workflows or "")
            after = judged(stored, version, standing) if stored and standing else stored
            if after and after != stored:
                await tx.replace(after)
