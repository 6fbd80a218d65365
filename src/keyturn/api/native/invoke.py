"""Endpoints of flows: requests in, answers out, and refusals exactly as OAuth has them.

Decides by one table how each refusal looks (RFC 6750, 3; RFC 9449, 7.1). What a flow answers is
shown as it is, except for what would speak for this server: it opens no page and sets no cookie.
"""

import json
from collections.abc import Mapping
from math import ceil
from types import MappingProxyType
from typing import Final

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse, Response

from keyturn.api.authn import TheWorld, address_of
from keyturn.domain.errors import Busy, IssuerUnreachable, NotFound, TooManyAttempts
from keyturn.domain.flows.bearers import Fault, TokenRefused
from keyturn.domain.flows.describing import methods_of
from keyturn.domain.flows.intake import Invocation, Unfit
from keyturn.domain.flows.possession import ALGORITHMS
from keyturn.domain.flows.reading import METHODS
from keyturn.domain.flows.walk import Response as Answered
from keyturn.services import invoking
from keyturn.services.ports import World
from keyturn.wire.problem import PermissionProblem, Problem

router = APIRouter(prefix="/api/flo/{alias}", tags=["Flows"])

REALM: Final = 'realm="keyturn"'
ALGS: Final = f'algs="{" ".join(ALGORITHMS)}"'
RUN: Final = "x-keyturn-run"
AWAY_S: Final = 5
OWN: Final = frozenset(
    {
        "access-control-allow-credentials",
        "alt-svc",
        "clear-site-data",
        "connection",
        "content-length",
        "content-security-policy",
        "date",
        "keep-alive",
        "nel",
        "refresh",
        "report-to",
        "reporting-endpoints",
        "server",
        "service-worker-allowed",
        "set-cookie",
        "strict-transport-security",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "www-authenticate",
        "x-content-type-options",
        "x-request-id",
        RUN,
    }
)
"""Headers that are this server's, or the connection's, whatever a flow says."""
SAFE: Final = {"content-security-policy": "sandbox", "x-content-type-options": "nosniff"}
WITHOUT_BODY: Final = frozenset({204, 205, 304})

STATUSES: Final[Mapping[Fault, int]] = MappingProxyType(
    {
        Fault.CLIENT_TOKEN: 401,
        Fault.NO_TOKEN: 401,
        Fault.INVALID_REQUEST: 400,
        Fault.INVALID_TOKEN: 401,
        Fault.INVALID_PROOF: 401,
        Fault.SCOPE: 403,
        Fault.CLIENT: 403,
    }
)
_ANYTHING: Final = {"schema": {"description": "What the flow answers."}}
_ANSWERS: Final[dict[int | str, dict[str, object]]] = {
    200: {"description": "What the flow answers.", "content": {"application/json": _ANYTHING}},
    **{status: {} for status in (400, 401, 403, 404, 413, 429, 503, 504)},
}


def server_of(request: Request) -> str:
    """Return where this server is reached: where browsers find it, else where it was asked."""
    public: str = request.app.state.public_url
    return public.rstrip("/") or str(request.base_url).rstrip("/")


@router.get("/invoke", response_class=Response, responses=_ANSWERS)
async def invoke_by_get(world: TheWorld, request: Request, alias: str) -> Response:
    """Invoke a flow at its endpoint."""
    return await _opened(world, request, alias)


@router.post("/invoke", response_class=Response, responses=_ANSWERS)
async def invoke_by_post(world: TheWorld, request: Request, alias: str) -> Response:
    """Invoke a flow at its endpoint, with a body."""
    return await _opened(world, request, alias)


@router.get("/openapi.json", response_class=Response, responses=_ANSWERS)
async def describe(world: TheWorld, request: Request, alias: str) -> Response:
    """Describe a flow's endpoint in OpenAPI, to whoever may invoke it."""
    asked = _asked(request)
    try:
        admitted = await invoking.admit_invocation(world, alias, asked)
    except _REFUSALS as refusal:
        return _refused(request, refusal)
    path = request.url.path.removesuffix("openapi.json") + "invoke"
    told = invoking.describe_endpoint(admitted, server=server_of(request), path=path)
    return JSONResponse(told)


async def other_method(request: Request) -> Response:
    """Refuse a method that no endpoint takes, whether or not there is one."""
    raise HTTPException(405, "An endpoint takes GET and POST.", {"Allow": ", ".join(METHODS)})


router.add_api_route(
    "/invoke",
    other_method,
    methods=["HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT"],
    include_in_schema=False,
)


async def _opened(world: World, request: Request, alias: str) -> Response:
    asked = _asked(request)
    try:
        admitted = await invoking.admit_invocation(world, alias, asked)
        methods = methods_of(admitted.view.flow)
        if request.method not in methods:
            told = f"The flow takes {', '.join(methods)}."
            raise HTTPException(405, told, {"Allow": ", ".join(methods)})
        whole = _asked(request, await request.body())
        invoked = await invoking.invoke(world, admitted, whole)
    except _REFUSALS as refusal:
        return _refused(request, refusal)
    if invoked.response is None:
        why = f"The flow has not answered in time; its run {invoked.run.id} goes on."
        return _problem(request, 504, "GatewayTimeout", why, {RUN: invoked.run.id})
    return _answer(invoked.response, invoked.run.id)


def _asked(request: Request, body: bytes = b"") -> Invocation:
    headers = [
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw
    ]
    return Invocation(
        method=request.method,
        url=server_of(request) + request.url.path,
        query=tuple(request.query_params.multi_items()),
        headers=tuple((name.lower(), value) for name, value in headers),
        body=body,
        address=address_of(request),
    )


# --- answers --------------------------------------------------------------------------------------


def _answer(told: Answered, run_id: str) -> Response:
    """Render what a flow answers: a text as it is, and anything else as JSON."""
    own = {name.lower(): value for name, value in told.headers.items() if _is_header(name, value)}
    headers = {name: value for name, value in own.items() if name not in OWN} | SAFE
    value, kind = told.body.value, "application/json"
    if told.raw and (isinstance(value, str) or value is None):
        content, kind = value or "", "text/plain; charset=utf-8"
    else:
        content = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    headers = {"content-type": kind} | headers | {RUN: run_id}
    body = b"" if told.status in WITHOUT_BODY else content.encode(errors="replace")
    return Response(body, told.status, headers)


def _is_header(name: str, value: str) -> bool:
    """Say whether a header can be sent (RFC 9110, 5.1 and 5.5)."""
    token = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
    return token and all(" " <= each <= "~" for each in value)


# --- refusals -------------------------------------------------------------------------------------

_REFUSALS = (NotFound, TokenRefused, TooManyAttempts, IssuerUnreachable, Busy, Unfit)
Refusal = NotFound | TokenRefused | TooManyAttempts | IssuerUnreachable | Busy | Unfit


def _refused(request: Request, refusal: Refusal) -> Response:
    told = refusal.message
    match refusal:
        case NotFound():
            return _problem(request, 404, "NotFound", told)
        case TokenRefused(fault=fault):
            return _problem(request, STATUSES[fault], fault, told, _challenge(refusal))
        case TooManyAttempts(retry_after_s=wait_s):
            headers = {"Retry-After": str(ceil(wait_s))}
            return _problem(request, 429, "RateLimitExceeded", told, headers)
        case Busy(retry_after_s=wait_s):
            headers = {"Retry-After": str(ceil(wait_s))}
            return _problem(request, 503, "ServiceUnavailable", told, headers)
        case IssuerUnreachable():
            headers = {"Retry-After": str(AWAY_S)}
            return _problem(request, 503, "ServiceUnavailable", told, headers)
        case Unfit():
            return _problem(request, 400, "BadRequest", told)


def _challenge(refusal: TokenRefused) -> dict[str, str]:
    """Return what the refusal of a token asks for.

    Who shows no token is told no error; whoever shows one is answered in its scheme.
    """
    plain, bound = f"Bearer {REALM}", f"DPoP {ALGS}"
    match refusal.fault:
        case Fault.CLIENT_TOKEN:
            told = f"ClientToken {REALM}"
        case Fault.CLIENT:
            return {}
        case Fault.NO_TOKEN:
            told = f"{plain}, {bound}"
        case fault:
            error = f'error="{fault}", error_description="{refusal.message}"'
            if fault is Fault.SCOPE:
                error += f', scope="{refusal.scope}"'
            if refusal.scheme == "DPoP":
                told = f"DPoP {error}, {ALGS}"
            else:
                told = f"{plain}, {error}, {bound}"
    return {"WWW-Authenticate": told}


def _problem(
    request: Request, status: int, name: str, why: str, headers: dict[str, str] | None = None
) -> Response:
    shape = PermissionProblem if status == 403 else Problem
    body = shape(req_id=request.state.request_id, status_code=status, message=why, error=name)
    return Response(body.model_dump_json(), status, headers, media_type="application/json")
