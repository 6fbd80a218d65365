"""Where Okta's event hooks deliver: the challenge of an endpoint, and events that start flows.

Knows how Okta shows the flow's client token: as the whole of a header of its own choice, which its
console calls ``Authorization``.
"""

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Header, Request, Response

from keyturn.api.authn import TheWorld, address_of
from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.domain.flows.intake import TOKEN_HEADER
from keyturn.domain.flows.values import Value, parse_json
from keyturn.domain.sensitive import Sensitive
from keyturn.services import hooks
from keyturn.wire.base import Wire

router = APIRouter(prefix="/api/flo-events/{alias}", tags=["Flows"])

SCHEMES: Final = ("bearer ",)
_REFUSALS: Final[dict[int | str, dict[str, object]]] = {
    status: {} for status in (400, 401, 404, 413, 429)
}


class Verification(Wire):
    """The challenge, as it came."""

    verification: str


@router.get("", responses=_REFUSALS)
async def verify_endpoint(
    world: TheWorld,
    request: Request,
    alias: str,
    challenge: Annotated[str, Header(alias="x-okta-verification-challenge", max_length=1024)],
) -> Verification:
    """Repeat the challenge by which Okta finds out whose address this is."""
    await hooks.admit_delivery(world, alias, _tokens(request), address=address_of(request))
    return Verification(verification=challenge)


@router.post("", status_code=204, response_class=Response, responses=_REFUSALS)
async def take_events(world: TheWorld, request: Request, alias: str) -> Response:
    """Start the flow once for each event of a delivery that it listens for."""
    view = await hooks.admit_delivery(world, alias, _tokens(request), address=address_of(request))
    await hooks.start_delivered(world, view, _parsed(await request.body()))
    return Response(status_code=204)


def _tokens(request: Request) -> Sequence[Sensitive]:
    """Return what may be the client token: a whole header, or what follows a scheme."""
    shown = [*request.headers.getlist("authorization"), *request.headers.getlist(TOKEN_HEADER)]
    bare = [each[len(s) :] for each in shown for s in SCHEMES if each.lower().startswith(s)]
    return [Sensitive(each.strip()) for each in (*shown, *bare)]


def _parsed(body: bytes) -> Value:
    try:
        told = parse_json(body)
    except (ValueError, RecursionError):
        raise InvalidInput(FieldProblem(("body",), "must be JSON")) from None
    return told
