"""The turns of a rotation: looked at, started, and ordered about."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import PlainTextResponse, Response

from keyturn.api.authn import TheCaller, TheWorld
from keyturn.api.infisical.render import rotation_answer
from keyturn.api.lenient import LenientRoute
from keyturn.api.native.plans import plan_answer
from keyturn.api.native.slots import slots_answer
from keyturn.api.native.usage import usage_answer
from keyturn.domain.foreign import Consent
from keyturn.domain.ids import CredentialId
from keyturn.domain.sensitive import Sensitive
from keyturn.services import consent, evidence_files, orders, plans, reports, slots, turns, usage
from keyturn.wire import turns as wire
from keyturn.wire.base import Id
from keyturn.wire.plans import PlanAnswer
from keyturn.wire.rotations import AdoptExisting, RetireExisting, RotationAnswer
from keyturn.wire.slots import SlotsAnswer
from keyturn.wire.usage import UsageAnswer

of_type = APIRouter(prefix="/{rotation_id}", tags=["Turns"], route_class=LenientRoute)
of_readers = APIRouter(prefix="/{rotation_id}", tags=["Turns"], route_class=LenientRoute)


@of_type.get("/turns")
async def list_turns(
    world: TheWorld,
    caller: TheCaller,
    rotation_id: Id,
    offset: Annotated[
        int, Query(ge=0, le=wire.NUMBER_MAX, description="Leave out so many of the newest.")
    ] = 0,
    limit: Annotated[int, Query(ge=1, le=100, description="At most so many.")] = 20,
) -> wire.TurnsAnswer:
    """List the turns of a rotation with their steps, the newest first."""
    views = await reports.list_turns(world, caller, rotation_id, offset=offset, limit=limit)
    return wire.TurnsAnswer(turns=tuple(map(evidence_files.turn, views)))


@of_type.get(
    "/turns/{turn_id}/evidence",
    response_model=wire.Evidence,
    responses={200: {"content": {"text/markdown": {"schema": {"type": "string"}}}}},
)
async def read_evidence(
    world: TheWorld,
    caller: TheCaller,
    rotation_id: Id,
    turn_id: Id,
    form: Annotated[Literal["json", "markdown"], Query(alias="format")] = "json",
) -> Response | wire.Evidence:
    """Read the record of one turn as a file to keep, for programs or for people."""
    report = await reports.report_turn(world, caller, rotation_id, turn_id)
    document = evidence_files.document(report, world.clock.now())
    if form == "json":
        return document
    page = evidence_files.markdown(document, report.rotation.kind)
    return PlainTextResponse(page, media_type="text/markdown")


@of_type.get("/plan")
async def plan_turn(
    world: TheWorld,
    caller: TheCaller,
    rotation_id: Id,
    *,
    emergency: Annotated[
        bool, Query(description="Of a turn because the old secret has leaked.")
    ] = False,
) -> PlanAnswer:
    """Tell what a turn will do: each call at Okta, what it touches, and what it waits for.

    Nothing is changed. Okta is asked whether its System Log may be read only where the turn will
    read it for a connection inside Okta Workflows.
    """
    return plan_answer(await plans.plan_turn(world, caller, rotation_id, emergency=emergency))


@of_type.get("/slots")
async def read_slots(
    world: TheWorld,
    caller: TheCaller,
    rotation_id: Id,
    *,
    check_okta: Annotated[
        bool, Query(alias="checkOkta", description="Ask Okta for its list: one call.")
    ] = False,
) -> SlotsAnswer:
    """Tell which credentials the app has at Okta, and what becomes of each; never a value.

    Without a look at Okta it is told by what is on record.
    """
    return slots_answer(await slots.read_slots(world, caller, rotation_id, check_okta=check_okta))


@of_type.post("/turn")
async def start_turn(
    world: TheWorld, caller: TheCaller, rotation_id: Id, body: wire.StartTurn | None = None
) -> RotationAnswer:
    """Start a turn, or resume a blocked one, and answer once the new secret is served."""
    asked = body or wire.StartTurn()
    seen = await turns.rotate(
        world, caller, rotation_id, emergency=asked.emergency, wait=asked.wait
    )
    return rotation_answer(seen)


@of_type.post("/turn/pause")
async def pause_turn(world: TheWorld, caller: TheCaller, rotation_id: Id) -> RotationAnswer:
    """Let the open turn stand still; what is served and what Okta holds stay as they are."""
    return rotation_answer(await orders.pause_turn(world, caller, rotation_id))


@of_type.post("/turn/resume")
async def resume_turn(world: TheWorld, caller: TheCaller, rotation_id: Id) -> RotationAnswer:
    """Let a paused or blocked turn go on."""
    return rotation_answer(await orders.resume_turn(world, caller, rotation_id))


@of_type.post("/turn/abort")
async def abort_turn(world: TheWorld, caller: TheCaller, rotation_id: Id) -> RotationAnswer:
    """Take the new secret back; refused once readers were given it."""
    return rotation_answer(await orders.abort_turn(world, caller, rotation_id))


@of_type.post("/turn/reinstate")
async def reinstate_old(world: TheWorld, caller: TheCaller, rotation_id: Id) -> RotationAnswer:
    """Activate the retired secret at Okta again; the turn goes back to its overlap."""
    return rotation_answer(await orders.reinstate_old(world, caller, rotation_id))


@of_type.post("/turn/finish-now")
async def finish_now(
    world: TheWorld, caller: TheCaller, rotation_id: Id, body: wire.FinishNow | None = None
) -> RotationAnswer:
    """Cut the overlap or the soak short; destinations are not waited for any more."""
    at_once = body is not None and body.at_once
    seen = await orders.finish_now(world, caller, rotation_id, at_once=at_once)
    return rotation_answer(seen)


@of_type.post("/retire-existing")
async def retire_existing(
    world: TheWorld, caller: TheCaller, rotation_id: Id, body: RetireExisting
) -> RotationAnswer:
    """Consent to retire a client secret of the app that Keyturn did not make."""
    given = Consent(CredentialId(body.secret_id), body.made)
    view = await consent.retire_existing(world, caller, rotation_id, given)
    return rotation_answer(view)


@of_readers.post("/adopt-existing")
async def adopt_existing(
    world: TheWorld, caller: TheCaller, rotation_id: Id, body: AdoptExisting
) -> RotationAnswer:
    """Serve a client secret of the app that Keyturn did not make, in place of its own."""
    value = Sensitive(body.value) if body.value else None
    view = await consent.adopt_existing(
        world, caller, rotation_id, secret_id=body.secret_id, value=value
    )
    return rotation_answer(view)


@of_readers.get("/usage")
async def read_usage(
    world: TheWorld,
    caller: TheCaller,
    rotation_id: Id,
    *,
    check_log: Annotated[
        bool, Query(alias="checkLog", description="Ask Okta whether its System Log may be read.")
    ] = False,
) -> UsageAnswer:
    """Tell what hangs on the client secret that a turn of this rotation replaces.

    Okta is asked whether its System Log may be read only where a turn will read it for a connection
    inside Okta Workflows.
    """
    return usage_answer(await usage.usage_of_rotation(world, caller, rotation_id, log=check_log))
