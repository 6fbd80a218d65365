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
from keyturn.wire import connections as wire
from keyturn.wire.base import TEXT_MAX, Id, Text
from keyturn.wire.connections import (
    AvailableConnectionsAnswer,
    ConnectionAnswer,
    ConnectionsAnswer,
    CreateConnection,
    UpdateConnection,
)

router = APIRouter(
    prefix="/api/v1/app-connections/okta", tags=["App connections"], route_class=LenientRoute
)

OfProject = Annotated[str | None, Query(alias="projectId", max_length=TEXT_MAX)]


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
        credentials=_credentials(body.credentials, body.method),
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


@router.get("/connection-name/{connection_name}")
async def read_okta_connection_by_name(
    world: TheWorld, caller: TheCaller, connection_name: Text
) -> ConnectionAnswer:
    """Read one connection by its name."""
    stored = await connections.read_okta_connection_by_name(world, caller, connection_name)
    return ConnectionAnswer(app_connection=render.connection(stored))


@router.patch("/{connection_id}")
async def update_okta_connection(
    world: TheWorld, caller: TheCaller, connection_id: Id, body: UpdateConnection
) -> ConnectionAnswer:
    """Change a connection; new credentials are stored once Okta has accepted them."""
    change = _change(body)
    stored = await connections.update_okta_connection(world, caller, connection_id, change)
    return ConnectionAnswer(app_connection=render.connection(stored))


@router.delete("/{connection_id}")
async def delete_okta_connection(
    world: TheWorld, caller: TheCaller, connection_id: Id
) -> ConnectionAnswer:
    """Delete a connection that no rotation uses."""
    gone = await connections.delete_okta_connection(world, caller, connection_id)
    return ConnectionAnswer(app_connection=render.connection(gone))


def _change(body: UpdateConnection) -> connections.OktaConnectionChange:
    """Read what is to change; an address comes with credentials, so none kept goes elsewhere."""
    given = body.credentials
    return connections.OktaConnectionChange(
        name=body.name,
        description=body.description,
        described="description" in body.model_fields_set,
        instance_url=given.instance_url if given else None,
        credentials=_credentials(given, _method(given)) if given else None,
    )


def _method(given: wire.OktaCredentials) -> wire.Method:
    return "oauth-service-app" if given.client_id or given.private_key else "api-token"


def _credentials(given: wire.OktaCredentials, method: wire.Method) -> OktaCredentials:
    if method == "api-token":
        return ApiToken(Sensitive(_needed(given.api_token, "apiToken")))
    return ServiceApp(
        client_id=_needed(given.client_id, "clientId"),
        private_jwk=Sensitive(_needed(given.private_key, "privateKey")),
    )


def _needed(given: str | None, field: str) -> str:
    if given is None:
        raise InvalidInput(FieldProblem(("credentials", field), "Required"))
    return given
