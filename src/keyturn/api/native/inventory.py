"""The inventory of connected orgs: every app, its client secrets, and how it is kept."""

from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Path, Query

from keyturn.api.authn import TheCaller, TheWorld
from keyturn.api.lenient import LenientRoute
from keyturn.domain.inventory import OwnerRule
from keyturn.domain.inventory_totals import AgeBand, Narrowing, Totals
from keyturn.domain.okta import Status
from keyturn.domain.selector import parse_selector
from keyturn.services import inventory
from keyturn.services.inventory import InventoryState
from keyturn.services.inventory_views import InventoriedApp, InventoriedSecret
from keyturn.wire import inventory as wire
from keyturn.wire.apps import AppRotation
from keyturn.wire.base import TEXT_MAX

router = APIRouter(prefix="/api/v1/inventory", tags=["Inventory"], route_class=LenientRoute)

Connection = Annotated[str, Path(max_length=TEXT_MAX)]
"""A connection's id or name."""


@router.get("")
async def list_inventories(world: TheWorld, caller: TheCaller) -> wire.InventoriesAnswer:
    """Tell how the inventory of each connection's org stands."""
    found = await inventory.list_inventories(world, caller)
    return wire.InventoriesAnswer(inventories=tuple(map(_state, found)))


@router.post("")
async def begin_inventory(
    world: TheWorld, caller: TheCaller, body: wire.TakeInventory
) -> wire.InventoriesAnswer:
    """Have the inventory of an org, or of every org, brought up to date.

    It is read by the workers, as Okta's rate limit lets them: this answers at once. A full reading
    that is under way goes on where it is.
    """
    begun = await inventory.begin_inventory(world, caller, body.connection or "", whole=body.whole)
    return wire.InventoriesAnswer(inventories=tuple(map(_state, begun)))


@router.get("/apps")
async def list_inventory(
    world: TheWorld, caller: TheCaller, query: Annotated[wire.InventoryQuery, Query()]
) -> wire.InventoryAppsAnswer:
    """List the apps that a selector picks, as they are on record: Okta is not asked."""
    wanted = parse_selector(query.selector)
    narrowing = Narrowing(
        query.managed,
        query.foreign,
        AgeBand(query.age) if query.age else None,
        Status(query.status) if query.status else None,
    )
    page = slice(query.offset, query.offset + query.limit)
    found = await inventory.list_inventory(world, caller, wanted, narrowing=narrowing, page=page)
    return wire.InventoryAppsAnswer(
        at=found.at,
        apps=tuple(map(_app, found.apps)),
        totals=_totals(found.totals),
        inventories=tuple(map(_state, found.states)),
    )


@router.get("/owners")
async def list_owners(world: TheWorld, caller: TheCaller) -> wire.OwnersAnswer:
    """List by which labels apps are whose."""
    return _owners(await inventory.list_owners(world, caller))


@router.put("/owners")
async def replace_owners(
    world: TheWorld, caller: TheCaller, body: wire.ReplaceOwners
) -> wire.OwnersAnswer:
    """Have apps be whose these rules say, and no others."""
    lines = [(rule.pattern, rule.owner) for rule in body.rules]
    return _owners(await inventory.replace_owners(world, caller, lines))


@router.delete("/{connection}")
async def forget_inventory(
    world: TheWorld, caller: TheCaller, connection: Connection
) -> wire.ForgottenAnswer:
    """Forget the inventory of a connection's org, and keep it no longer; Okta is left as it is."""
    await inventory.forget_inventory(world, caller, connection)
    return wire.ForgottenAnswer(connection=connection)


def _state(state: InventoryState) -> wire.InventoryState:
    kept = state.inventory
    return wire.InventoryState(
        connection_id=state.connection.id,
        connection=state.connection.name,
        org=state.connection.instance_url,
        through=state.through.name if state.through else None,
        stage=kept.stage.value if kept else None,
        begun_at=kept.begun_at if kept else None,
        apps=state.count.apps,
        unread=state.count.unread,
        listed=kept.listed if kept else 0,
        others=kept.others if kept else 0,
        wanted=kept.wanted if kept else 0,
        read=kept.read if kept else 0,
        refused=kept.refused if kept else 0,
        changed=len(kept.pending) if kept else 0,
        calls=kept.calls if kept else 0,
        per_minute=kept.per_minute if kept else 0,
        left_seconds=state.left_s,
        completed_at=kept.completed_at if kept else None,
        known_until=kept.log_read_at if kept else None,
        uses_known_since=kept.uses_since if kept else None,
        groups_read_at=kept.groups_read_at if kept else None,
        groups_told=kept.groups_told if kept else "",
        due_at=kept.due_at if kept else None,
        failure=kept.failure if kept else "",
        failing_since=kept.failing_since if kept else None,
    )


def _app(one: InventoriedApp) -> wire.InventoryApp:
    app, kept = one.app, one.kept
    return wire.InventoryApp(
        connection=one.connection.name,
        app_id=app.app_id,
        client_id=app.client_id,
        label=app.label,
        status=app.status.value,
        auth_method=app.auth_method,
        application_type=app.application_type,
        grant_types=app.grant_types,
        groups=app.groups,
        owner=one.owner,
        created_at=app.created_at,
        listed_at=app.listed_at,
        read_at=None if app.unread else app.read_at,
        told=app.told,
        public=app.public,
        uses_keys=app.uses_keys,
        managed=one.managed,
        rotation=AppRotation(id=kept.rotation.id, name=kept.rotation.name, place=str(kept.place))
        if kept
        else None,
        secrets=tuple(map(_secret, one.secrets)),
    )


def _secret(one: InventoriedSecret) -> wire.InventorySecret:
    secret = one.listed
    return wire.InventorySecret(
        id=secret.okta_id,
        status=secret.status.value,
        created_at=secret.created_at,
        length=secret.length,
        used_at=secret.used_at,
        known=one.known,
    )


def _totals(totals: Totals) -> wire.InventoryTotals:
    return wire.InventoryTotals(
        apps=totals.apps,
        managed=totals.managed,
        public=totals.public,
        with_keys=totals.with_keys,
        unread=totals.unread,
        secrets=totals.secrets,
        active=totals.active,
        foreign=totals.foreign,
        ages={band.value: count for band, count in totals.ages.items()},
        oldest_at=totals.oldest_at,
    )


def _owners(rules: Iterable[OwnerRule]) -> wire.OwnersAnswer:
    told = (wire.OwnerRule(pattern=rule.pattern, owner=rule.owner) for rule in rules)
    return wire.OwnersAnswer(rules=tuple(told))
