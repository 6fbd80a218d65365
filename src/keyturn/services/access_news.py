"""Tell people when Keyturn's own access to an org comes to nothing, or works again.

Everything is told in the transaction that writes down how the access does, and once for each time
that it began to fail.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from keyturn.domain.connection import OktaConnection
from keyturn.domain.inventory import Inventory
from keyturn.domain.notice import Kind, Notice, NoticeDraft
from keyturn.domain.project import Project
from keyturn.domain.selector import Subject
from keyturn.services.notices import tell
from keyturn.services.ports import Reading, World, Writing
from keyturn.services.records import must

FAILS_FOR = timedelta(minutes=10)
"""How long access fails before that is told: what the next try mends is no news."""


async def tell_access(
    tx: Writing, world: World, before: OktaConnection, after: OktaConnection
) -> None:
    """Tell of access that has failed for a while, and of its end where that was told."""
    began, now = after.failing_since, world.clock.now()
    lasts = began is not None and now - began >= FAILS_FOR
    if began and lasts and not await _told(tx, after, Kind.ACCESS_FAILS, began):
        why = f"It has failed since {moment(began)}: {after.told}"
        await tell(tx, world, await draft_of(tx, after, Kind.ACCESS_FAILS, why))
    ended = None if began else before.failing_since
    if ended and await _told(tx, after, Kind.ACCESS_FAILS, ended):
        why = f"It had failed since {moment(ended)}."
        await tell(tx, world, await draft_of(tx, after, Kind.ACCESS_WORKS, why))


async def tell_inventory(tx: Writing, world: World, inventory: Inventory) -> None:
    """Tell once of an inventory that has not been kept up for a while."""
    since = inventory.failing_since
    lasts = since is not None and world.clock.now() - since >= FAILS_FOR
    if since is None or not lasts or not inventory.failure:
        return
    connection = await must(tx.find(OktaConnection, id=inventory.connection_id))
    if not await _told(tx, connection, Kind.INVENTORY_FAILS, since):
        why = f"It has failed since {moment(since)}: {inventory.failure}"
        draft = await draft_of(tx, connection, Kind.INVENTORY_FAILS, why)
        await tell(tx, world, replace(draft, command="keyturn inventory status"))


async def draft_of(tx: Reading, connection: OktaConnection, kind: Kind, told: str) -> NoticeDraft:
    """Return what is to be told of a connection to Okta; ``told`` is what has happened."""
    project_id = connection.project_id
    project = await tx.find(Project, id=project_id) if project_id else None
    slug = project.slug if project else ""
    return NoticeDraft(
        kind=kind,
        organization_id=connection.organization_id,
        project_id=project_id,
        subject_id=connection.id,
        subject=connection.name,
        told=told,
        of=Subject(connection=connection.name, project=slug),
        page=f"/connections/okta/{connection.id}",
        command=f"keyturn connection okta check {connection.name}",
    )


async def _told(tx: Reading, connection: OktaConnection, kind: Kind, since: datetime) -> bool:
    earlier = await tx.list(Notice, subject_id=connection.id, kind=kind)
    return any(each.created_at >= since for each in earlier)


def moment(at: datetime) -> str:
    """Return a time in words."""
    return f"{at:%Y-%m-%d %H:%M} UTC"
