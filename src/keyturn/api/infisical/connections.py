"""App connections to Okta orgs."""

from typing import Annotated

from fastapi import APIRouter, Query

from keyturn.api.authn import TheCaller, TheWorld
from keyturn.api.infisical import render
from keyturn.api.lenient import LenientRoute
from keyturn.domain.connection import ApiToken, OktaCredentials, ServiceApp
from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.domain.sensitive import Sensitive
from keyturn.services import connections
from keyturn.wire.base import Id
from keyturn.wire.connections import (
    AvailableConnectionsAnswer,
    ConnectionAnswer,
    ConnectionsAnswer,
    CreateConnection,
)

router = APIRouter(
    prefix="/api/v1/app-connections/okta", tags=["App connections"], route_class=LenientRoute
)

OfProject = Annotated[str | None, Query(alias="projectId")]


@router.post("")
async def create_okta_connection(
    world: TheWorld, caller: TheCaller, body: CreateConnection
) -> ConnectionAnswer:
    """Create a connection, once Okta has accepted its credentials."""
    draft = connections.OktaConnectionDraft(
        name=body.name,
        description=body.description,
        project_id=body.project_id,
        instance_url=body.credentials.instance_url,
        credentials=_credentials(body),
    )
    stored = await connections.create_okta_connection(world, caller, draft)
    return ConnectionAnswer(app_connection=render.connection(stored))


@router.get("")
async def list_okta_connections(
    world: TheWorld, caller: TheCaller, project_id: OfProject = None
) -> ConnectionsAnswer:
    """List the connections of a project and those of the organization."""
    found = await connections.list_okta_connections(world, caller, project_id=project_id or None)
    return ConnectionsAnswer(app_connections=tuple(map(render.connection, found)))


@router.get("/available")
async def list_available_okta_connections(
    world: TheWorld, caller: TheCaller, project_id: OfProject = None
) -> AvailableConnectionsAnswer:
    """List the connections that the caller may use, by name."""
    found = await connections.list_okta_connections(world, caller, project_id=project_id or None)
    return AvailableConnectionsAnswer(app_connections=tuple(map(render.connection_ref, found)))


@router.get("/{connection_id}")
async def read_okta_connection(
    world: TheWorld, caller: TheCaller, connection_id: Id
) -> ConnectionAnswer:
    """Read one connection."""
    stored = await connections.read_okta_connection(world, caller, connection_id)
    return ConnectionAnswer(app_connection=render.connection(stored))


def _credentials(body: CreateConnection) -> OktaCredentials:
    given = body.credentials
    if body.method == "api-token":
        return ApiToken(Sensitive(_needed(given.api_token, "apiToken")))
    return ServiceApp(
        client_id=_needed(given.client_id, "clientId"),
        private_jwk=Sensitive(_needed(given.private_key, "privateKey")),
    )


def _needed(given: str | None, field: str) -> str:
    if given is None:
        raise InvalidInput(FieldProblem(("credentials", field), "Required"))
    return given
