"""What there is to judge of an organization: its policies, its apps and its orgs, as on record.

Asks Okta for one thing only: what Keyturn's own access was granted there.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from keyturn.domain.budget import Purpose
from keyturn.domain.compliance import CompliancePolicy, PolicyException
from keyturn.domain.connection import Method, OktaConnection
from keyturn.domain.errors import KeyturnError, NotFound, OktaThrottled
from keyturn.domain.ids import OrganizationId
from keyturn.domain.inventory import Inventory
from keyturn.domain.judging import Judged, Verdict, judge
from keyturn.domain.judging_orgs import AccessSight, OrgSight
from keyturn.domain.selector import Subject
from keyturn.services.connections import open_org
from keyturn.services.inventory_views import InventoriedApp, list_inventoried
from keyturn.services.ports import Reading, World

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Sight:
    """All that a verdict is made of."""

    organization_id: OrganizationId
    policies: Sequence[CompliancePolicy]
    exceptions: Sequence[PolicyException]
    apps: Sequence[Judged]
    orgs: Sequence[OrgSight]

    async def judge(self, now: datetime) -> Verdict:
        """Judge it, beside whatever else this process does: thousands of apps take a while."""
        return await asyncio.to_thread(
            judge, self.policies, self.exceptions, self.apps, self.orgs, now
        )


async def look(tx: Reading, world: World, organization_id: OrganizationId) -> Sight:
    """Look at everything of an organization that is judged."""
    of_all = {"organization_id": organization_id}
    connections = await tx.list(OktaConnection, **of_all)
    near = frozenset(each.id for each in connections)
    read = {each.connection_id: each for each in await tx.list(Inventory, connection_id=near)}
    seen = {each.connection_id: each for each in await tx.list(AccessSight, connection_id=near)}
    apps = await list_inventoried(tx, world, organization_id)
    unread = Counter(each.app.connection_id for each in apps if each.app.told)
    return Sight(
        organization_id=organization_id,
        policies=await tx.list(CompliancePolicy, **of_all),
        exceptions=await tx.list(PolicyException, **of_all),
        apps=[_judged(each) for each in apps],
        orgs=[
            OrgSight(each, read.get(each.id), seen.get(each.id), unread[each.id])
            for each in connections
        ],
    )


def _judged(each: InventoriedApp) -> Judged:
    rotation_id = each.kept.rotation.id if each.kept else None
    return Judged(each.app, each.listed_secrets, each.subject, rotation_id)


def subjects_of(verdict: Verdict) -> Mapping[str, Subject]:
    """Return what a selector picks each finding by, by the finding's id."""
    apps = {(one.app.connection_id, one.app.app_id): one.subject for one, _ in verdict.applied}
    return {
        each.id: apps[each.connection_id, each.app_id]
        if each.app_id
        else Subject(connection=each.connection)
        for each in verdict.findings
    }


async def look_at_accesses(world: World, organization_id: OrganizationId) -> None:
    """Ask each org what Keyturn's service app was granted there; what fails is noted as such.

    Where the rate limit has no room, what was seen last stays.
    """
    async with world.store.reading() as tx:
        of_apps = {"organization_id": organization_id, "method": Method.SERVICE_APP}
        connections = await tx.list(OktaConnection, **of_apps)
    for each in connections:
        try:
            await _note(world, each, await _list_scopes(world, each), "")
        except OktaThrottled as error:
            log.info("access not looked at", connection=each.id, why=error.message)
        except KeyturnError as error:
            await _note(world, each, (), error.message)


async def _list_scopes(world: World, connection: OktaConnection) -> tuple[str, ...]:
    async with world.store.reading() as tx:
        slowly = Purpose.BACKGROUND
        org = await open_org(tx, world, connection.id, lambda call: None, slowly)
    app = await org.find_app(connection.client_id or "")
    if app is None:
        raise NotFound("Okta does not show it its own app.")
    return tuple(sorted(await org.list_granted_scopes(app.id)))


async def _note(
    world: World, connection: OktaConnection, scopes: tuple[str, ...], failure: str
) -> None:
    now = world.clock.now()
    async with world.store.writing() as tx:
        if not await tx.find(OktaConnection, id=connection.id):
            return
        before = await tx.find(AccessSight, connection_id=connection.id)
        if before is None:
            await tx.add(AccessSight(connection.id, scopes, now, now, failure))
            return
        same = (before.scopes, not before.failure) == (scopes, not failure)
        since = before.since if same else now
        after = replace(before, scopes=scopes, failure=failure, since=since, seen_at=now)
        await tx.replace(after)
