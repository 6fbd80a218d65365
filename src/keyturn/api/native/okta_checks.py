"""What an Okta org is asked of a connection when somebody wants to know now."""

from fastapi import APIRouter

from keyturn.api.authn import TheCaller, TheWorld
from keyturn.api.infisical import render
from keyturn.api.lenient import LenientRoute
from keyturn.services import connections, drift
from keyturn.wire.base import Id
from keyturn.wire.connections import ConnectionAnswer
from keyturn.wire.findings import Compared

router = APIRouter(
    prefix="/api/v1/app-connections/okta/{connection_id}",
    tags=["App connections"],
    route_class=LenientRoute,
)


@router.post("/check")
async def check(world: TheWorld, caller: TheCaller, connection_id: Id) -> ConnectionAnswer:
    """Ask the org whether it accepts the connection's credentials; nothing is changed."""
    checked = await connections.check_okta_connection(world, caller, connection_id)
    return ConnectionAnswer(app_connection=render.connection(checked))


@router.post("/compare")
async def compare(world: TheWorld, caller: TheCaller, connection_id: Id) -> Compared:
    """Compare every rotation of the connection with Okta; what has drifted is then a finding."""
    return Compared(rotations=await drift.compare_now(world, caller, connection_id))
