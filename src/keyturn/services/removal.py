"""Remove records that belong together; nothing at Okta changes."""

from collections.abc import Sequence

from keyturn.domain.destination import Delivery, Destination
from keyturn.domain.drift import Finding
from keyturn.domain.errors import Refused
from keyturn.domain.project import Folder, SecretImport
from keyturn.domain.rotation import Rotation
from keyturn.domain.secret import Receipt, Secret, Version
from keyturn.domain.turn import Turn
from keyturn.services.outbox import remove_destination
from keyturn.services.ports import TurnStep, Writing
from keyturn.services.records import must


async def remove_rotation(tx: Writing, rotation: Rotation) -> None:
    """Remove a rotation with the record of its turns; the audit log keeps what was done."""
    for turn in await tx.list(Turn, rotation_id=rotation.id):
        await tx.remove(*await tx.list(TurnStep, turn_id=turn.id))
        await tx.remove(turn)
    await tx.remove(*await tx.list(Finding, rotation_id=rotation.id))
    await tx.remove(rotation)


async def remove_secret(tx: Writing, secret: Secret) -> None:
    """Remove a secret with all its versions, and who read or was brought them."""
    await tx.remove(*await tx.list(Delivery, secret_id=secret.id))
    await tx.remove(*await tx.list(Receipt, secret_id=secret.id))
    await tx.remove(*await tx.list(Version, secret_id=secret.id))
    await tx.remove(secret)


async def remove_whole(tx: Writing, rotation: Rotation) -> None:
    """Remove a rotation of a connection's key with all it kept, and the folder made for it."""
    for secret in await tx.list(Secret, rotation_id=rotation.id):
        await remove_secret(tx, secret)
    folder = await must(tx.find(Folder, id=rotation.folder_id))
    await remove_rotation(tx, rotation)
    await tx.remove(folder)


async def remove_folders(tx: Writing, folders: Sequence[Folder]) -> None:
    """Remove folders with their secrets and destinations, and what they import or are imported by.

    Raises Refused while a rotation keeps something in one of them.
    """
    ids = frozenset(folder.id for folder in folders)
    kept = await tx.list(Rotation, folder_id=ids)
    if kept:
        raise Refused(
            f"The rotation {kept[0].name} keeps secrets in there: delete the rotation first."
        )
    await tx.remove(*await tx.list(SecretImport, folder_id=ids))
    await tx.remove(*await tx.list(SecretImport, source_id=ids))
    for secret in await tx.list(Secret, folder_id=ids):
        await remove_secret(tx, secret)
    for destination in await tx.list(Destination, folder_id=ids):
        await remove_destination(tx, destination)
    await tx.remove(*folders)
