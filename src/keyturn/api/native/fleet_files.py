"""Fleet files: planned, applied, and written of what there is."""

import json

from fastapi import APIRouter
from pydantic import JsonValue

from keyturn.api.authn import TheCaller, TheWorld
from keyturn.api.lenient import LenientRoute
from keyturn.domain.fleetfile.items import Change, Item
from keyturn.domain.sensitive import Sensitive
from keyturn.services import fleet_files
from keyturn.services.fleet_calls import Cost
from keyturn.services.fleet_files import Application, FleetOrder
from keyturn.wire import fleet_files as wire

router = APIRouter(prefix="/api/v1/fleet", tags=["Fleet files"], route_class=LenientRoute)


@router.post("/plan")
async def plan_fleet(
    world: TheWorld, caller: TheCaller, body: wire.PlanFleet
) -> wire.FleetPlanAnswer:
    """Plan what a fleet file asks for; nothing is changed, and Okta is not asked."""
    plan = await fleet_files.plan_fleet(world, caller, FleetOrder(body.text, body.prune))
    return wire.FleetPlanAnswer(
        changes=tuple(map(_planned, plan.changes, plan.costs)),
        left=tuple(map(_item, plan.left)),
        notes=tuple(plan.notes),
        references=tuple(plan.references),
        calls=plan.calls,
        seconds=plan.lasts_s,
        plan_hash=plan.plan_hash,
    )


@router.post("/apply")
async def apply_fleet(
    world: TheWorld, caller: TheCaller, body: wire.ApplyFleet
) -> wire.FleetAppliedAnswer:
    """Do the first changes of a plan that was looked at; ask again for what is left."""
    credentials = {name: Sensitive(value) for name, value in body.credential.items()}
    how = Application(body.plan_hash, credentials, body.most, body.keep_going, body.pass_over)
    order = FleetOrder(body.text, body.prune)
    applied = await fleet_files.apply_fleet(world, caller, order, how)
    return wire.FleetAppliedAnswer(
        done=tuple(map(_change, applied.done)),
        failed=tuple(map(_failure, applied.failed)),
        left=len(applied.left),
        plan_hash=applied.plan_hash,
    )


@router.get("/export")
async def export_fleet(world: TheWorld, caller: TheCaller) -> wire.FleetFileAnswer:
    """Write what there is as a fleet file that changes nothing; no value is in it."""
    return wire.FleetFileAnswer(text=await fleet_files.export_fleet(world, caller))


@router.get("/schema")
async def read_schema(world: TheWorld, caller: TheCaller) -> dict[str, object]:
    """Read the JSON Schema of fleet files."""
    return dict(await fleet_files.read_schema(world, caller))


def _change(told: Change) -> wire.FleetChange:
    fields = tuple(
        wire.FleetField(name=each.name, before=_json(each.before), after=_json(each.after))
        for each in told.fields
    )
    return wire.FleetChange(
        action=told.action.value,
        kind=told.item.kind.value,
        name=told.item.name,
        line=told.item.line,
        fields=fields,
    )


def _json(told: object) -> JsonValue:
    """Return what is said of a thing as JSON has it: a list for a tuple, however deep."""
    found: JsonValue = json.loads(json.dumps(told))
    return found


def _planned(told: Change, cost: Cost) -> wire.PlannedFleetChange:
    return wire.PlannedFleetChange(
        **dict(_change(told)),
        org=cost.org,
        app=cost.app,
        label=cost.label,
        calls=tuple(
            wire.FleetCall(method=each.method, path=each.path, told=each.told, second=each.at_s)
            for each in cost.calls
        ),
        second=cost.ends_s,
    )


def _item(told: Item) -> wire.FleetItem:
    return wire.FleetItem(kind=told.kind.value, name=told.name)


def _failure(told: fleet_files.Failed) -> wire.FleetFailure:
    return wire.FleetFailure(
        change=_change(told.change), why=told.why, retry_after_seconds=told.retry_after_s
    )
