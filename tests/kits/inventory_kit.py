"""An inventory of the sandbox's org, read under a clock that is turned by hand."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx2
from rig import ORG_URL, Rig

from keyturn.adapters.okta import OktaHttpOrgs
from keyturn.domain.connection import OktaConnection, ServiceApp
from keyturn.domain.inventory import Inventory, ListedApp, ListedSecret, Stage
from keyturn.domain.sensitive import Sensitive
from keyturn.sandbox import Org, build_app
from keyturn.sandbox.state.directory import AppDraft
from keyturn.services.connections import OktaConnectionDraft, create_okta_connection
from keyturn.services.inventory import begin_inventory
from keyturn.services.inventory_keeping import keep_due
from keyturn.services.ports import World

PUBLIC: dict[str, Any] = {
    "auth_method": "none",
    "application_type": "browser",
    "pkce_required": True,
}
Shows = Callable[[list[Any]], list[Any]]
"""What is left of a page of apps."""

KEYED: dict[str, Any] = {"auth_method": "private_key_jwt", "application_type": "service"}


def populate(org: Org, count: int, label: str = "app-{:05}") -> list[str]:
    """Make so many apps with a client secret each, as somebody at the console; return their ids."""
    return [org.create_app(AppDraft(label.format(n))).id for n in range(count)]


async def by_service_app(rig: Rig) -> OktaConnection:
    """Connect the org by its service app, whose role reaches everything."""
    credentials = rig.org.credentials()
    key = Sensitive(json.dumps(credentials["service_private_jwk"]))
    access = ServiceApp(str(credentials["service_client_id"]), key)
    draft = OktaConnectionDraft("service", None, None, ORG_URL, access)
    return await create_okta_connection(rig.world, rig.admin, draft)


async def begin(rig: Rig, connection: str = "", *, whole: bool = False) -> None:
    """Ask for the inventory."""
    await begin_inventory(rig.world, rig.admin, connection, whole=whole)


async def keep(rig: Rig, *, most: int = 5000) -> Inventory:
    """Let time pass until the inventory is fresh or has failed, and return it."""
    for _ in range(most):
        kept = await the_inventory(rig.world)
        if kept.stage is Stage.FRESH and not _due(rig, kept):
            return kept
        if kept.failure and not _due(rig, kept):
            return kept
        if kept.due_at and kept.due_at > rig.clock.now():
            rig.clock.advance((kept.due_at - rig.clock.now()).total_seconds())
        await keep_due(rig.world)
    raise AssertionError("the inventory comes to no end")


def _due(rig: Rig, kept: Inventory) -> bool:
    return kept.due_at is not None and kept.due_at <= rig.clock.now()


async def read_whole(rig: Rig) -> Inventory:
    """Ask for an inventory, and let time pass until it is there."""
    await begin(rig, whole=True)
    return await keep(rig)


async def the_inventory(world: World) -> Inventory:
    """Return the one inventory."""
    async with world.store.reading() as tx:
        [kept] = await tx.list(Inventory)
    return kept


async def listed(world: World) -> dict[str, ListedApp]:
    """Return the apps on record by id, those that are gone as well."""
    async with world.store.reading() as tx:
        return {app.app_id: app for app in await tx.list(ListedApp)}


async def secrets(world: World) -> list[ListedSecret]:
    """Return the client secrets on record."""
    async with world.store.reading() as tx:
        return list(await tx.list(ListedSecret))


def throttled(org: Org) -> int:
    """Count the calls that the org refused for its rate limits, by its own record."""
    return sum(event.type == "system.org.rate_limit.violation" for event in org.system_log.events())


def calls_of(rig: Rig) -> list[str]:
    """Return what the org was asked since this was last asked: method and route."""
    return [f"{each['method']} {each['route']}" for each in rig.calls()]


def seen_through(rig: Rig, shows: Shows) -> Rig:
    """Have the list of apps come as somebody sees it whose role does not reach all of them."""
    app = httpx2.ASGITransport(build_app(rig.org))
    orgs = OktaHttpOrgs(rig.clock, rig.world.chance, transport=lambda: Narrowed(app, shows))
    return replace(rig, world=replace(rig.world, okta=orgs))


class Narrowed(httpx2.AsyncBaseTransport):
    """A way to the org by which lists of apps show only some of them."""

    def __init__(self, way: httpx2.AsyncBaseTransport, shows: Shows) -> None:
        self._way = way
        self._shows = shows

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Pass a request on, and leave out of a list what is not to be seen."""
        answer = await self._way.handle_async_request(request)
        if request.method != "GET" or request.url.path != "/api/v1/apps":
            return answer
        await answer.aread()
        if answer.status_code != 200:
            return answer
        headers = [each for each in answer.headers.multi_items() if each[0] != "content-length"]
        return httpx2.Response(200, headers=headers, json=self._shows(answer.json()))
