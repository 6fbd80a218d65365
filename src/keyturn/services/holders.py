"""Who still holds or needs the old secret, as far as Keyturn knows."""

from collections.abc import Sequence

from keyturn.domain.evidence import Evidence, Holder
from keyturn.domain.identity import Identity
from keyturn.domain.ids import SecretId, VersionNo
from keyturn.domain.rotation import Rotation
from keyturn.domain.secret import Receipt
from keyturn.domain.turn import Turn
from keyturn.services.dependents import (
    list_registrations,
    list_troubled,
    list_unadopted,
    list_unproved,
)
from keyturn.services.ports import Reading, World
from keyturn.services.records import must


async def observe(world: World, turn: Turn, secret_id: SecretId) -> Evidence:
    """Return what readers and dependents of a turn's client secret tell now."""
    version = VersionNo((turn.new and turn.new.version) or 0)
    async with world.store.reading() as tx:
        receipts = await tx.list(Receipt, secret_id=secret_id)
        holders = await _holders(tx, receipts, version)
        rotation = await must(tx.find(Rotation, id=turn.rotation_id))
        registrations = await list_registrations(tx, rotation.id)
        unproved = await list_unproved(tx, registrations, version)
        unadopted = await list_unadopted(tx, registrations, version)
    troubled = list_troubled(registrations, turn.entered_at)
    unread = not any(receipt.first <= _old_version(turn) for receipt in receipts)
    next_at = rotation.next_rotation_at
    return Evidence(tuple(holders), (*unproved, *unadopted), troubled, next_at, unread)


def _old_version(turn: Turn) -> int:
    """Return what the turn replaces: whoever was given it, or an earlier one, has read."""
    return (turn.old and turn.old.version) or 0


async def _holders(
    tx: Reading, receipts: Sequence[Receipt], version: VersionNo
) -> Sequence[Holder]:
    """List the identities that may hold a version from before this one.

    An identity that was removed reads nothing any more, and holds nothing that counts.
    """
    older = [receipt for receipt in receipts if receipt.version < version]
    ids = frozenset(receipt.identity_id for receipt in older)
    names = {each.id: each.name for each in await tx.list(Identity, id=ids)} if ids else {}
    told = ((names.get(each.identity_id), each) for each in older)
    return [Holder(name, each.version, each.read_at) for name, each in told if name is not None]
