"""Two addresses that browsers are sent to: where a link opens, and where an answer comes back.

What comes of it is a page, for whoever sits there. Nothing of what a browser brought is in it or in
a log, and it loads nothing.
"""

from collections.abc import Mapping
from html import escape
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Cookie, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from keyturn.api import problems
from keyturn.api.authn import TheWorld
from keyturn.api.description import PAGE, PAGE_INSTEAD
from keyturn.domain.errors import AddressRefused, Refused, ServerError
from keyturn.domain.oauth.authorization import LIFETIME
from keyturn.domain.oauth.redirects import BEGIN_PATH, CALLBACK_PATH, COOKIE, COOKIE_PATH
from keyturn.domain.sensitive import Sensitive
from keyturn.services import authorizing
from keyturn.services.authorizing import Begun
from keyturn.services.oauth_connections import ConnectionView
from keyturn.wire.base import Id
from keyturn.wire.oauth_connections import PARAMETER_MAX

router = APIRouter(tags=["Connections"])

ON_TO_ANOTHER: Final = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"
"""Browsers hold a form to `form-action` on the way that it is redirected, too."""
HEADERS: Final = {
    "Content-Security-Policy": f"{ON_TO_ANOTHER}; form-action 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

Told = Annotated[str | None, Query(max_length=PARAMETER_MAX)]


def public_url_of(request: Request) -> str:
    """Return the address by which browsers reach this server; empty where nobody has set it."""
    url: str = request.app.state.public_url
    return url


def link_of(request: Request, begun: Begun) -> str:
    """Return the link that begins for whoever opens it."""
    query = urlencode({"request": begun.request.id, "key": begun.binding.reveal()})
    return f"{public_url_of(request)}{BEGIN_PATH}?{query}"


@router.get(BEGIN_PATH, response_class=HTMLResponse, responses=PAGE)
async def offer_link(
    request_id: Annotated[Id, Query(alias="request")],
    key: Annotated[str, Query(max_length=PARAMETER_MAX)],
) -> Response:
    """Offer to go on to the authorization server; whoever only looks at a link uses nothing up."""
    action = escape(f"{BEGIN_PATH}?{urlencode({'request': request_id, 'key': key})}")
    button = f'<form method="post" action="{action}"><button>Go on</button></form>'
    return page(
        "Authorize a connection",
        "You are asked to authorize a connection of Keyturn, once, in this browser.",
        more=button,
        headers=HEADERS | {"Content-Security-Policy": ON_TO_ANOTHER},
    )


@router.post(
    BEGIN_PATH,
    status_code=303,
    response_class=RedirectResponse,
    responses={303: {"description": "On to the authorization server."}, **PAGE_INSTEAD},
)
async def open_link(
    request: Request,
    world: TheWorld,
    request_id: Annotated[Id, Query(alias="request")],
    key: Annotated[str, Query(max_length=PARAMETER_MAX)],
) -> Response:
    """Open a link once: this browser is bound to it, and sent on to the authorization server."""
    try:
        begun = await authorizing.open_link(world, request_id, Sensitive(key))
    except (Refused, AddressRefused, ServerError) as error:
        return _failed(error)
    answer = RedirectResponse(begun.address.reveal(), 303, HEADERS)
    answer.set_cookie(
        COOKIE,
        begun.binding.reveal(),
        max_age=int(LIFETIME.total_seconds()),
        path=COOKIE_PATH,
        secure=public_url_of(request).startswith("https://"),
        httponly=True,
        samesite="lax",
    )
    return answer


@router.get(CALLBACK_PATH, response_class=HTMLResponse, responses={**PAGE, **PAGE_INSTEAD})
async def take_answer(
    world: TheWorld,
    state: Told = None,
    code: Told = None,
    iss: Told = None,
    error: Told = None,
    keyturn_oauth: Annotated[str, Cookie(max_length=PARAMETER_MAX)] = "",
) -> Response:
    """Take what a browser brings back, and tell whoever sits there what came of it."""
    given = {"state": state, "code": code, "iss": iss, "error": error}
    told = {name: value for name, value in given.items() if value is not None}
    binding = Sensitive(keyturn_oauth)
    try:
        view = await authorizing.complete_authorization(world, told, binding=binding)
    except (Refused, AddressRefused, ServerError) as refused:
        return _failed(refused)  # the cookie stays: anybody can send a browser here with nonsense
    answer = _done(view)
    answer.delete_cookie(COOKIE, path=COOKIE_PATH)
    return answer


def _done(view: ConnectionView) -> HTMLResponse:
    granted, lacking = view.connection.granted, view.lacking
    told = [f"The connection {view.connection.name} in {view.place} is authorized."]
    if granted:
        told.append(f"Granted: {', '.join(granted)}.")
    if lacking:
        told.append(
            f"Not granted: {', '.join(lacking)}. Grant them at the server, then authorize again."
        )
    return page("Authorized", *told, "You can close this window.")


def _failed(error: Refused | AddressRefused | ServerError) -> HTMLResponse:
    return page("Not authorized", error.message, status=problems.status_of(error))


def page(
    title: str,
    *paragraphs: str,
    status: int = 200,
    more: str = "",
    headers: Mapping[str, str] = HEADERS,
) -> HTMLResponse:
    """Render a page that says something and loads nothing; ``more`` is HTML of our own."""
    told = "".join(f"<p>{escape(each)}</p>" for each in paragraphs)
    head = f'<meta charset="utf-8"><title>{escape(title)}: Keyturn</title>'
    page = f'<!doctype html><html lang="en">{head}<h1>{escape(title)}</h1>{told}{more}</html>'
    return HTMLResponse(page, status, {**headers})
