"""OAuth connections: kept, used, and authorized by somebody who sits elsewhere."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request

from keyturn.api.authn import TheCaller, TheWorld
from keyturn.api.description import ASKS_A_SERVER
from keyturn.api.lenient import LenientRoute
from keyturn.api.native.oauth_callback import link_of, public_url_of
from keyturn.api.native.usage import usage_answer
from keyturn.domain.oauth.authorization import AuthorizationRequest
from keyturn.domain.oauth.connection import GrantType
from keyturn.domain.oauth.health import Health
from keyturn.domain.oauth.redirects import callback_uri, loopback_uri
from keyturn.domain.sensitive import Sensitive
from keyturn.services import aliases, authorizing, devices, oauth_connections, usage
from keyturn.services.grants import ConnectionDraft
from keyturn.services.oauth_connections import ConnectionChange, ConnectionView, Pass, Wanted
from keyturn.services.ports import World
from keyturn.services.projects import Where
from keyturn.wire import oauth_connections as wire
from keyturn.wire.base import Id, Text
from keyturn.wire.usage import UsageAnswer

router = APIRouter(prefix="/api/v1/connections", tags=["Connections"], route_class=LenientRoute)


@router.post("", responses=ASKS_A_SERVER)
async def create_connection(
    world: TheWorld, caller: TheCaller, body: wire.CreateOAuthConnection
) -> wire.OAuthConnectionAnswer:
    """Create a connection; one that needs nobody's consent has its first tokens at once."""
    draft = ConnectionDraft(
        name=body.name,
        registration_id=body.registration_id,
        grant_type=GrantType(body.grant_type),
        scopes=body.scopes,
        given=_given(body.given),
        source=body.source or "",
        description=body.description,
    )
    return await _one(world, await oauth_connections.create_connection(world, caller, draft))


@router.get("")
async def list_connections(
    world: TheWorld, caller: TheCaller, project_id: Annotated[Text, Query(alias="projectId")]
) -> wire.OAuthConnectionsAnswer:
    """List the connections of a project, how each does, and when it will fail."""
    found = await oauth_connections.list_connections(world, caller, project=project_id)
    return wire.OAuthConnectionsAnswer(connections=await _every(world, found))


@router.get("/{connection_id}")
async def read_connection(
    world: TheWorld, caller: TheCaller, connection_id: Id
) -> wire.OAuthConnectionAnswer:
    """Read one connection; its tokens are never shown here."""
    return await _one(world, await oauth_connections.read_connection(world, caller, connection_id))


@router.patch("/{connection_id}", responses=ASKS_A_SERVER)
async def update_connection(
    world: TheWorld, caller: TheCaller, connection_id: Id, body: wire.UpdateOAuthConnection
) -> wire.OAuthConnectionAnswer:
    """Change a connection; other scopes are asked for when it is authorized next.

    What its grant is given anew is tried at once.
    """
    change = ConnectionChange(body.name, body.description, body.scopes, _given(body.given))
    return await _one(
        world, await oauth_connections.update_connection(world, caller, connection_id, change)
    )


@router.delete("/{connection_id}")
async def delete_connection(
    world: TheWorld,
    caller: TheCaller,
    connection_id: Id,
    *,
    force: Annotated[bool, Query(description="Remove the aliases that lead to it, too.")] = False,
) -> wire.OAuthConnectionAnswer:
    """Give a grant up: its tokens are revoked, as far as the server can, and it is removed."""
    gone = await oauth_connections.delete_connection(world, caller, connection_id, force=force)
    return await _one(world, gone)


@router.get("/{connection_id}/usage")
async def read_usage(world: TheWorld, caller: TheCaller, connection_id: Id) -> UsageAnswer:
    """Tell what a connection hangs on, and what hangs on it."""
    return usage_answer(await usage.usage_of_connection(world, caller, connection_id))


@router.post("/{connection_id}/token", responses=ASKS_A_SERVER)
async def authorize_request(
    world: TheWorld, caller: TheCaller, connection_id: Id, body: wire.WantedToken | None = None
) -> wire.AuthorizedRequest:
    """Give the headers that authorize a request now; tokens are renewed where they have to be."""
    wanted = _wanted(body or wire.WantedToken())
    return _headers(await oauth_connections.authorize_request(world, caller, connection_id, wanted))


@router.post("/token", responses=ASKS_A_SERVER)
async def authorize_named_request(
    world: TheWorld, caller: TheCaller, body: wire.WantedTokenByName
) -> wire.AuthorizedRequest:
    """Give the headers that authorize a request now, of a connection by an alias or its name."""
    where = Where(body.project_id, body.environment, body.secret_path)
    return _headers(
        await aliases.authorize_named_request(world, caller, where, body.name, _wanted(body))
    )


def _given(told: Mapping[str, str]) -> Mapping[str, Sensitive]:
    return {name: Sensitive(value) for name, value in told.items()}


def _wanted(body: wire.WantedToken) -> Wanted:
    return Wanted(body.refused, body.method or "GET", body.url or "", body.nonce)


def _headers(found: Pass) -> wire.AuthorizedRequest:
    return wire.AuthorizedRequest(
        headers={name: value.reveal() for name, value in found.headers.items()},
        number=found.number,
        expires_at=found.expires_at,
        scopes=found.scopes,
    )


# --- somebody authorizes it -----------------------------------------------------------------------


@router.post("/{connection_id}/authorize", responses=ASKS_A_SERVER)
async def begin_authorization(
    world: TheWorld, caller: TheCaller, connection_id: Id, body: wire.AuthorizeConnection
) -> wire.Authorization:
    """Begin to ask somebody whose browser comes back to the caller's own machine (RFC 8252)."""
    back = loopback_uri(body.redirect_uri)
    begun = await authorizing.begin_authorization(world, caller, connection_id, redirect_uri=back)
    return wire.Authorization(
        request_id=begun.request.id,
        address=begun.address.reveal(),
        binding=begun.binding.reveal(),
        ungranted=begun.ungranted,
        ends_at=begun.request.ends_at,
    )


@router.post("/{connection_id}/authorize/link", responses=ASKS_A_SERVER)
async def make_link(
    request: Request, world: TheWorld, caller: TheCaller, connection_id: Id
) -> wire.AuthorizationLink:
    """Make a link that opens once; whose browser opens it is asked, and comes back here."""
    back = callback_uri(public_url_of(request))
    begun = await authorizing.begin_authorization(world, caller, connection_id, redirect_uri=back)
    return wire.AuthorizationLink(
        link=link_of(request, begun), ungranted=begun.ungranted, ends_at=begun.request.ends_at
    )


@router.post("/authorize/complete", responses=ASKS_A_SERVER)
async def complete_authorization(
    world: TheWorld, body: wire.CompleteAuthorization
) -> wire.OAuthConnectionAnswer:
    """Bring an answer that a browser brought; no token is asked for, ``binding`` is the proof."""
    told = body.parameters.model_dump(exclude_none=True)
    binding = Sensitive(body.binding)
    return await _one(world, await authorizing.complete_authorization(world, told, binding=binding))


@router.post("/{connection_id}/device", responses=ASKS_A_SERVER)
async def begin_device(
    world: TheWorld, caller: TheCaller, connection_id: Id
) -> wire.DeviceAuthorization:
    """Have the server make a code that somebody enters at another device (RFC 8628)."""
    begun = await devices.begin_device(world, caller, connection_id)
    return wire.DeviceAuthorization(
        request_id=begun.request.id,
        user_code=begun.start.user_code,
        address=begun.start.address,
        complete=begun.start.complete,
        interval_s=begun.request.interval_s,
        ends_at=begun.request.ends_at,
    )


@router.post("/{connection_id}/device/{request_id}", responses=ASKS_A_SERVER)
async def ask_device(
    world: TheWorld, caller: TheCaller, connection_id: Id, request_id: Id
) -> wire.DeviceAnswer:
    """Ask what somebody has decided at the other device; asked too soon, nobody is asked."""
    found = await devices.ask_device(world, caller, connection_id, request_id)
    if isinstance(found, AuthorizationRequest):
        return wire.DeviceAnswer(waiting=True, interval_s=found.interval_s)
    (shown,) = await _every(world, [found])
    return wire.DeviceAnswer(waiting=False, connection=shown)


# --- as it is shown -------------------------------------------------------------------------------


async def _one(world: World, view: ConnectionView) -> wire.OAuthConnectionAnswer:
    (shown,) = await _every(world, [view])
    return wire.OAuthConnectionAnswer(connection=shown)


async def _every(world: World, views: Sequence[ConnectionView]) -> tuple[wire.OAuthConnection, ...]:
    health = await usage.list_health(world, views)
    return tuple(map(_shown, views, health))


def _shown(view: ConnectionView, health: Health) -> wire.OAuthConnection:
    stored, place, tokens = view.connection, view.place, view.connection.tokens
    return wire.OAuthConnection(
        id=stored.id,
        name=stored.name,
        registration_id=stored.registration_id,
        registration_name=view.registration.name,
        project_id=place.project.id,
        environment=place.environment.slug,
        secret_path=place.folder.path,
        description=stored.description,
        grant_type=stored.grant_type.value,
        scopes=stored.scopes,
        granted=stored.granted,
        lacking=view.lacking,
        subject=stored.subject,
        source=stored.source_id,
        aliases=tuple(view.aliases),
        light=health.light.value,
        reasons=health.reasons,
        fails_at=health.fails_at,
        state=stored.state.value,
        cause=stored.cause.value if stored.cause else None,
        message=stored.told,
        authorized_at=stored.authorized_at,
        expires_at=tokens.expires_at if tokens else None,
        renewed_at=stored.renewed_at,
        used_at=stored.used_at,
        next_renewal_at=stored.due_at,
        created_at=stored.created_at,
        updated_at=stored.updated_at,
    )
