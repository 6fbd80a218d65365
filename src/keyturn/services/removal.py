"""Remove records that belong together; nothing at Okta changes."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from keyturn.domain.destination import Delivery, Destination
from keyturn.domain.drift import Finding
from keyturn.domain.errors import Refused
from keyturn.domain.flows.run import FlowVersion, Run, RunAnswer, RunPage, SavedFlow
from keyturn.domain.flows.tables import FlowTable
from keyturn.domain.ids import ConnectionId
from keyturn.domain.inventory import Inventory
from keyturn.domain.judging_orgs import AccessSight
from keyturn.domain.oauth.authorization import AuthorizationRequest
from keyturn.domain.oauth.connection import Connection
from keyturn.domain.oauth.consumers import Alias, Consumer
from keyturn.domain.oauth.registration import ClientRegistration
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
    """Remove a secret with all its versions, and who read or was brought them.

    A client registration that refers to it stays, and says so when it is used.
    """
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


async def remove_registrations(tx: Writing, registrations: Sequence[ClientRegistration]) -> None:
    """Remove client registrations with all connections of theirs, and who uses their secrets."""
    ids = frozenset(each.id for each in registrations)
    await remove_connections(tx, await tx.list(Connection, registration_id=ids))
    await tx.remove(*await tx.list(Consumer, registration_id=ids))
    await tx.remove(*registrations)


async def remove_connections(tx: Writing, connections: Sequence[Connection]) -> None:
    """Remove connections with what was asked for them, and the aliases that lead to them.

    Aliases that once did stay, without the way back, and so do connections that exchanged their
    tokens, without a source.
    """
    ids = frozenset(each.id for each in connections)
    await tx.remove(*await tx.list(AuthorizationRequest, connection_id=ids))
    await tx.remove(*await tx.list(Alias, connection_id=ids))
    for alias in await tx.list(Alias, previous_id=ids):
        await tx.replace(replace(alias, previous_id=None))
    for connection in await tx.list(Connection, source_id=ids):
        await tx.replace(replace(connection, source_id=None))
    await tx.remove(*connections)


async def remove_flow(tx: Writing, flow: SavedFlow) -> None:
    """Remove a flow with its versions and its history."""
    await forget_runs(tx, await tx.list(Run, flow_id=flow.id))
    await tx.remove(*await tx.list(FlowVersion, flow_id=flow.id), flow)


async def forget_runs(tx: Writing, runs: Iterable[Run]) -> None:
    """Remove runs with all that is kept of them."""
    for run in runs:
        pages = await tx.list(RunPage, run_id=run.id)
        await tx.remove(*pages, *await tx.list(RunAnswer, run_id=run.id), run)


async def remove_table(tx: Writing, table: FlowTable) -> None:
    """Remove a table that flows keep, with all its rows."""
    await tx.clear_rows(table.id)
    await tx.remove(table)


async def remove_inventory(tx: Writing, connection_id: ConnectionId) -> None:
    """Remove what is known of the apps of a connection's org, so that it is not kept any more."""
    await tx.forget_listed(connection_id)
    await tx.remove(*await tx.list(Inventory, connection_id=connection_id))
    await tx.remove(*await tx.list(AccessSight, connection_id=connection_id))


async def remove_folders(tx: Writing, folders: Sequence[Folder]) -> None:
    """Remove folders with all that is in them, and what they import or are imported by.

    That is secrets, destinations, client registrations, connections, aliases, flows
    and their tables. Raises Refused while a rotation keeps something in one of them.
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
    await remove_registrations(tx, await tx.list(ClientRegistration, folder_id=ids))
    await remove_connections(tx, await tx.list(Connection, folder_id=ids))
    await tx.remove(*await tx.list(Alias, folder_id=ids))
    for flow in await tx.list(SavedFlow, folder_id=ids):
        await remove_flow(tx, flow)
    for table in await tx.list(FlowTable, folder_id=ids):
        await remove_table(tx, table)
    await tx.remove(*folders)
