"""Tell people when Keyturn's own access to an org comes to nothing, works again, or ends soon.

Everything is told in the transaction that writes down how the access does, and once for each time
that it began to fail.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from keyturn.domain.connection import Method, OktaConnection
from keyturn.domain.inventory import Inventory
from keyturn.domain.notice import Kind, Notice, NoticeDraft
from keyturn.domain.project import Project
from keyturn.domain.selector import Subject
from keyturn.services.notices import anybody_hears, tell
from keyturn.services.ports import Reading, World, Writing
from keyturn.services.records import must

FAILS_FOR = timedelta(minutes=10)
"""How long access fails before that is told: what the next try mends is no news."""
UNUSED_MAX = timedelta(days=30)
"""After so long without a use Okta forgets an API token (help.okta.com, "API token management")."""
WARNED_BEFORE = timedelta(days=7)


async def tell_access(
    tx: Writing, world: World, before: OktaConnection, after: OktaConnection
) -> None:
    """Tell of access that has failed for a while, and of its end where that was told."""
    began, now = after.failing_since, world.clock.now()
    lasts = began is not None and now - began >= FAILS_FOR
    if began and lasts and not await _told(tx, after, Kind.ACCESS_FAILS, began):
        why = f"It has failed since {_at(began)}: {after.told}"
        await tell(tx, world, await draft_of(tx, after, Kind.ACCESS_FAILS, why))
    ended = None if began else before.failing_since
    if ended and await _told(tx, after, Kind.ACCESS_FAILS, ended):
        why = f"It had failed since {_at(ended)}."
        await tell(tx, world, await draft_of(tx, after, Kind.ACCESS_WORKS, why))


async def tell_expiring(world: World, connection: OktaConnection) -> None:
    """Tell once of an API token that nothing has used for so long that Okta will forget it."""
    used_at = connection.reconciled_at or connection.created_at
    ends_at = used_at + UNUSED_MAX
    if connection.method is not Method.API_TOKEN:
        return
    if world.clock.now() < ends_at - WARNED_BEFORE:
        return
    async with world.store.writing() as tx:
        if not await anybody_hears(tx):
            return
        if await _told(tx, connection, Kind.ACCESS_EXPIRES, used_at):
            return
        why = (
            f"No comparison has used the API token of this connection since {_at(used_at)}, and "
            "Okta forgets one that is not used for 30 days."
        )
        draft = await draft_of(tx, connection, Kind.ACCESS_EXPIRES, why)
        subject = f"The API token of {connection.name}"
        await tell(tx, world, replace(draft, subject=subject, comes_at=ends_at))


async def tell_inventory(tx: Writing, world: World, inventory: Inventory) -> None:
    """Tell once of an inventory that has not been kept up for a while."""
    since = inventory.failing_since
    if since is None or world.clock.now() - since < FAILS_FOR:
        return
    connection = await must(tx.find(OktaConnection, id=inventory.connection_id))
    if not await _told(tx, connection, Kind.INVENTORY_FAILS, since):
        why = f"It has failed since {_at(since)}: {inventory.failure}"
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


def _at(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
