"""Log a machine identity in (universal auth), renew its token, and revoke it: by JSON or by form.

Who holds a token may renew and revoke it: it proves itself, and no other need be shown.
"""

from json import JSONDecodeError
from typing import TypeVar

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from pydantic import JsonValue, ValidationError

from keyturn.api.authn import TheWorld, address_of
from keyturn.api.description import COUNTS_ATTEMPTS
from keyturn.api.lenient import parse
from keyturn.domain.sensitive import Sensitive
from keyturn.services import logins
from keyturn.wire.base import Wire
from keyturn.wire.login import LoggedIn, Login, Revoked, TokenGiven

router = APIRouter(prefix="/api/v1/auth", tags=["Login"])

W = TypeVar("W", bound=Wire)


def body_of(shape: type[Wire]) -> dict[str, object]:
    """Describe a body that is read as JSON or as a form."""
    content = {
        kind: {"schema": shape.model_json_schema()}
        for kind in ("application/json", "application/x-www-form-urlencoded")
    }
    return {"requestBody": {"required": True, "content": content}}


@router.post("/universal-auth/login", openapi_extra=body_of(Login), responses=COUNTS_ATTEMPTS)
async def log_in(request: Request, world: TheWorld) -> LoggedIn:
    """Exchange a client id and a client secret for an access token."""
    asked = await read_body(request, Login)
    secret, address = Sensitive(asked.client_secret), address_of(request)
    logged_in = await logins.log_in(
        world, client_id=asked.client_id, client_secret=secret, address=address
    )
    return shown(logged_in)


@router.post("/token/renew", openapi_extra=body_of(TokenGiven))
async def renew_token(request: Request, world: TheWorld) -> LoggedIn:
    """Lengthen the life of an access token, up to its longest."""
    given = await read_body(request, TokenGiven)
    token, address = Sensitive(given.access_token), address_of(request)
    return shown(await logins.renew(world, token, address=address))


@router.post("/token/revoke", openapi_extra=body_of(TokenGiven))
async def revoke_token(request: Request, world: TheWorld) -> Revoked:
    """End an access token; one that is not good any more is no error."""
    given = await read_body(request, TokenGiven)
    await logins.revoke(world, Sensitive(given.access_token))
    return Revoked()


def shown(logged_in: logins.LoggedIn) -> LoggedIn:
    """Render a new or renewed token."""
    return LoggedIn(
        access_token=logged_in.access_token.reveal(),
        expires_in=logged_in.expires_in_s,
        access_token_max_ttl=logged_in.max_ttl_s,
    )


async def read_body(request: Request, shape: type[W]) -> W:
    """Read the body in a shape. Raises RequestValidationError for what does not fit."""
    try:
        return shape.model_validate(await _fields(request))
    except ValidationError as error:
        found = error.errors(include_input=False, include_context=False, include_url=False)
        raise RequestValidationError(
            [{**one, "loc": ("body", *one["loc"])} for one in found]
        ) from None


async def _fields(request: Request) -> JsonValue:
    if "form" in request.headers.get("content-type", ""):
        form = await request.form()
        return {name: value for name, value in form.items() if isinstance(value, str)}
    try:
        return parse(await request.body())
    except JSONDecodeError:
        return None
