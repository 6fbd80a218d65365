"""Universal auth: log a machine identity in, by JSON or by form, with or without a last slash."""

from json import JSONDecodeError

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from pydantic import JsonValue, ValidationError

from keyturn.api.authn import TheWorld
from keyturn.api.lenient import parse
from keyturn.domain.sensitive import Sensitive
from keyturn.services import identities
from keyturn.wire.login import LoggedIn, Login

router = APIRouter(prefix="/api/v1/auth/universal-auth", tags=["Login"])

_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            kind: {"schema": Login.model_json_schema()}
            for kind in ("application/json", "application/x-www-form-urlencoded")
        },
    }
}


@router.post("/login/", include_in_schema=False)
@router.post("/login", openapi_extra=_BODY)
async def log_in(request: Request, world: TheWorld) -> LoggedIn:
    """Exchange a client id and a client secret for an access token."""
    asked = await _read(request)
    logged_in = await identities.log_in(
        world, client_id=asked.client_id, client_secret=Sensitive(asked.client_secret)
    )
    return LoggedIn(
        access_token=logged_in.access_token.reveal(),
        expires_in=logged_in.expires_in_s,
        access_token_max_ttl=logged_in.max_ttl_s,
    )


async def _read(request: Request) -> Login:
    try:
        return Login.model_validate(await _fields(request))
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
