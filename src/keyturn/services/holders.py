"""Who still holds or needs the old secret, as far as Keyturn knows."""

from collections.abc import Sequence

from keyturn.domain.evidence import Evidence, Holder
from keyturn.domain.identity import Identity
from keyturn.domain.ids import SecretId, VersionNo
from keyturn.domain.rotation import Rotation
from keyturn.domain.secret import Receipt
from keyturn.domain.turn import Turn
from keyturn.services.dependents import list_troubled, list_unadopted, list_unproved
from keyturn.services.ports import Reading, World
from keyturn.services.records import must


async def observe(world: World, turn: Turn, secret_id: SecretId) -> Evidence:
    """Return what readers and dependents of a turn's client secret tell now."""
    version = VersionNo((turn.new and turn.new.version) or 0)
    async with world.store.reading() as tx:
        holders = await list_holders(tx, secret_id, version)
        unread = await _unread(tx, turn, secret_id)
        rotation = await must(tx.find(Rotation, id=turn.rotation_id))
        troubled = await list_troubled(tx, rotation.id, turn.entered_at)
        unproved = await list_unproved(tx, rotation.id, version)
        unadopted = await list_unadopted(tx, rotation.id, version)
    next_at = rotation.next_rotation_at
    return Evidence(tuple(holders), (*unproved, *unadopted), troubled, next_at, unread)


async def _unread(tx: Reading, turn: Turn, secret_id: SecretId) -> bool:
    """Say whether nobody was ever given what the turn replaces, or an earlier version."""
    old = (turn.old and turn.old.version) or 0
    return not any(r.first <= old for r in await tx.list(Receipt, secret_id=secret_id))


async def list_holders(tx: Reading, secret_id: SecretId, version: VersionNo) -> Sequence[Holder]:
    """List the identities that may hold a version of a secret from before this one.

    An identity that was removed reads nothing any more, and holds nothing that counts.
    """
    receipts = [r for r in await tx.list(Receipt, secret_id=secret_id) if r.version < version]
    named = [(r, await tx.find(Identity, id=r.identity_id)) for r in receipts]
    return [Holder(identity.name, r.version, r.read_at) for r, identity in named if identity]
