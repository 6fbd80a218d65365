"""What destinations are still to be brought, and who is woken by that.

Nothing is queued: what is due is what differs between the versions that are served and those that
are confirmed. Whoever changes what is served wakes the folder's destinations in the same
transaction, for speed alone; each of them looks for itself now and then.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from keyturn.domain.destination import Delivery, Destination, State, woken
from keyturn.domain.ids import FolderId, SecretHash, SecretId
from keyturn.domain.oauth.registration import ClientRegistration, changed
from keyturn.domain.rotation import Rotation
from keyturn.domain.secret import Secret, Version
from keyturn.domain.secret import State as Served
from keyturn.domain.turn import Phase, Turn
from keyturn.services.ports import Reading, Writing


@dataclass(frozen=True)
class Piece:
    """A secret that a destination covers, the version that is served, and what was confirmed."""

    secret: Secret
    version: Version
    target: str
    confirmed: Delivery | None

    @property
    def left_out(self) -> bool:
        """Say whether it is not brought, because its value stands for other secrets."""
        return self.version.refers

    @property
    def due(self) -> bool:
        """Say whether the destination has not confirmed this version under this name."""
        had, version = self.confirmed, self.version.number
        return not self.left_out and (
            not had or (had.version, had.target) != (version, self.target)
        )


async def list_pieces(
    tx: Reading, destination: Destination, secret_ids: Collection[SecretId] | None = None
) -> Sequence[Piece]:
    """List what a destination covers, or those of some secrets."""
    folder_id = destination.folder_id
    wanted = {} if secret_ids is None else {"id": frozenset(secret_ids)}
    secrets = [
        secret
        for secret in await tx.list(Secret, folder_id=folder_id, **wanted)
        if destination.covers(secret.name)
    ]
    ids = frozenset(secret.id for secret in secrets)
    served = await tx.list(Version, secret_id=ids, state=Served.CURRENT) if ids else ()
    versions = {version.secret_id: version for version in served}
    had = {d.secret_id: d for d in await tx.list(Delivery, destination_id=destination.id)}
    return [
        Piece(each, versions[each.id], destination.target(each.name), had.get(each.id))
        for each in secrets
        if each.id in versions
    ]


async def list_unconfirmed(
    tx: Reading, folder_id: FolderId, secret_ids: Collection[SecretId]
) -> tuple[str, ...]:
    """Name the destinations that a turn waits for: they lack a version of these that is served."""
    waited_for = [each for each in await tx.list(Destination, folder_id=folder_id) if each.holds]
    return tuple(
        [
            each.name
            for each in waited_for
            if any(piece.due for piece in await list_pieces(tx, each, secret_ids))
        ]
    )


async def wake_destinations(tx: Writing, folder_id: FolderId, now: datetime) -> None:
    """Have a folder's destinations looked at soon: what is served there has changed."""
    for destination in await tx.list(Destination, folder_id=folder_id):
        if destination.state is not State.PAUSED:
            await tx.replace(woken(destination, now))


async def wake_turns(tx: Writing, folder_id: FolderId, now: datetime) -> None:
    """Have the turns of a folder that wait for destinations looked at soon, unless somebody is."""
    for rotation in await tx.list(Rotation, folder_id=folder_id):
        turn = await tx.find(Turn, rotation_id=rotation.id, ended_at=None)
        waits = turn and turn.phase is Phase.PROMOTED and turn.running and not turn.owner
        if turn and waits and turn.wake_at and turn.wake_at > now:
            await tx.replace(replace(turn, wake_at=now))


async def wake_turn_of(tx: Writing, secret_id: SecretId, now: datetime) -> None:
    """Have the turn looked at soon that has brought this secret, where it waits for something."""
    secret = await tx.find(Secret, id=secret_id)
    if secret is None or not secret.rotation_id:
        return
    turn = await tx.find(Turn, rotation_id=secret.rotation_id, ended_at=None)
    if turn and turn.running and not turn.owner and turn.wake_at and turn.wake_at > now:
        await tx.replace(replace(turn, wake_at=now))


async def wake_registrations(tx: Writing, secret_id: SecretId, now: datetime) -> None:
    """Have the registrations that use a secret proved soon: another version of it is served."""
    for each in await tx.list(ClientRegistration, secret_id=secret_id):
        await tx.replace(changed(each, now))


async def wake_copies(tx: Writing, hashes: Iterable[SecretHash | None], now: datetime) -> None:
    """Have the registrations looked at soon that have copies of secrets whose fate has changed."""
    known = frozenset(each for each in hashes if each)
    for each in await tx.list(ClientRegistration, own_hash=known) if known else ():
        await tx.replace(replace(each, look_at=now))


async def remove_destination(tx: Writing, destination: Destination) -> None:
    """Remove a destination with what it has confirmed; what it was brought stays there."""
    await tx.remove(*await tx.list(Delivery, destination_id=destination.id))
    await tx.remove(destination)
