"""Who asks: the bearer token of a request becomes a caller, or the request ends here.

A token that is wrong or has expired is answered with 401, where Infisical says 403: clients log in
again on 401 only.
"""

from typing import Annotated, Final

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from keyturn.domain.access import Caller
from keyturn.domain.errors import Unauthenticated
from keyturn.domain.sensitive import Sensitive
from keyturn.services import logins
from keyturn.services.ports import World

_CALLER: Final = "keyturn.caller"
_BEARER = HTTPBearer(auto_error=False, description="An access token from universal auth.")


async def world_of(request: Request) -> World:
    """Return the world that the application was built on."""
    world: World = request.app.state.world
    return world


TheWorld = Annotated[World, Depends(world_of)]


def address_of(request: Request) -> str:
    """Return the IP address that a request comes from; empty where it has none."""
    return request.client.host if request.client else ""


def token_of(request: Request) -> Sensitive:
    """Return the token of a request whose caller is known."""
    return Sensitive(request.headers["authorization"].partition(" ")[2].strip())


async def admit(request: Request) -> Caller:
    """Return whom the request's token proves; it is asked once. Raises Unauthenticated."""
    known: Caller | None = request.scope.get(_CALLER)  # the scope is this request's alone
    if known:
        return known
    bearer = await _BEARER(request)
    if bearer is None:
        raise Unauthenticated
    token, world = Sensitive(bearer.credentials.strip()), await world_of(request)
    caller = await logins.authenticate(world, token, address=address_of(request))
    request.scope[_CALLER] = caller
    request.state.caller_id = caller.id
    return caller


async def caller_of(
    request: Request,
    _described: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
) -> Caller:
    """Return whom the request's token proves. Raises Unauthenticated."""
    return await admit(request)


TheCaller = Annotated[Caller, Depends(caller_of)]
