"""What there is to judge of an organization: its policies, its apps and its orgs, as on record.

Asks Okta for one thing only: what Keyturn's own access was granted there.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import structlog

from keyturn.domain.budget import Purpose
from keyturn.domain.compliance import CompliancePolicy, PolicyException
from keyturn.domain.connection import Method, OktaConnection
from keyturn.domain.errors import KeyturnError, NotFound, OktaThrottled
from keyturn.domain.ids import OrganizationId, RotationId
from keyturn.domain.inventory import Inventory
from keyturn.domain.judging import Judged, Verdict, judge
from keyturn.domain.judging_orgs import AccessSight, OrgSight
from keyturn.domain.selector import Subject
from keyturn.domain.turn import Turn
from keyturn.services.connections import open_org
from keyturn.services.inventory_sights import InventorySights
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


FRESH_S: Final = 10.0
"""As long as a judgement may be told as it was: what it counts are days."""


async def look(
    tx: Reading,
    world: World,
    organization_id: OrganizationId,
    sights: InventorySights | None = None,
) -> Sight:
    """Look at everything of an organization that is judged."""
    of_all = {"organization_id": organization_id}
    connections = await tx.list(OktaConnection, **of_all)
    near = frozenset(each.id for each in connections)
    read = {each.connection_id: each for each in await tx.list(Inventory, connection_id=near)}
    seen = {each.connection_id: each for each in await tx.list(AccessSight, connection_id=near)}
    look_at = sights.look if sights else list_inventoried
    apps = await look_at(tx, world, organization_id)
    turns = {each.rotation_id: each for each in await tx.list(Turn, ended_at=None)}
    unread: Mapping[str, list[datetime]] = defaultdict(list)
    for each in apps:
        if each.app.unread_since:
            unread[each.app.connection_id].append(each.app.unread_since)
    return Sight(
        organization_id=organization_id,
        policies=await tx.list(CompliancePolicy, **of_all),
        exceptions=await tx.list(PolicyException, **of_all),
        apps=[_judged(each, turns) for each in apps],
        orgs=[
            OrgSight(each, read.get(each.id), seen.get(each.id), unread[each.id])
            for each in connections
        ],
    )


async def list_excusable(
    tx: Reading, world: World, organization_id: OrganizationId
) -> Sequence[Subject]:
    """Return what a selector picks those apps by that have a client secret which Okta accepts."""
    apps = (_judged(each, {}) for each in await list_inventoried(tx, world, organization_id))
    return [each.subject for each in apps if each.in_use and each.active]


class ComplianceSights:
    """What compliance came to last, judged once for all who look.

    It is judged anew once anything that it is told by has moved, or else every few seconds.
    """

    def __init__(self) -> None:
        self.apps: Final = InventorySights()
        self._seen: Final[dict[OrganizationId, _Judgement]] = {}
        self._one_by_one: Final = asyncio.Lock()

    async def judged(
        self, world: World, organization_id: OrganizationId
    ) -> tuple[Sight, Verdict, datetime]:
        """Return what is judged of an organization, how, and when that was."""
        async with self._one_by_one:
            last, at_s = self._seen.get(organization_id), world.clock.uptime_s()
            async with world.store.reading() as tx:
                mark = await tx.revision(), await tx.listed()
                if last and last.mark == mark and at_s < last.at_s + FRESH_S:
                    return last.sight, last.verdict, last.at
                sight = await look(tx, world, organization_id, self.apps)
            now = world.clock.now()
            verdict = await sight.judge(now)
            self._seen[organization_id] = _Judgement(sight, verdict, now, mark, at_s)
            return sight, verdict, now


@dataclass(frozen=True)
class _Judgement:
    """What was judged, after which changes, and when."""

    sight: Sight
    verdict: Verdict
    at: datetime
    mark: object
    at_s: float


def _judged(each: InventoriedApp, turns: Mapping[RotationId, Turn]) -> Judged:
    rotation_id = each.kept.rotation.id if each.kept else None
    turn = turns.get(rotation_id) if rotation_id else None
    return Judged(each.app, each.listed_secrets, each.subject, rotation_id, turn)


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
