"""Where browsers come back with a consent, and where a link to consent opens.

Whoever sits there need not be known here: what a browser brings counts together with its cookie.
The API serves the same addresses where there are no pages.
"""

from typing import Final
from urllib.parse import quote

from starlette.responses import Response

from keyturn.domain.access import Verb
from keyturn.domain.errors import AddressRefused, KeyturnError, Refused, ServerError
from keyturn.domain.oauth.redirects import (
    BEGIN_PATH,
    CALLBACK_PATH,
    COOKIE,
    COOKIE_PATH,
    REAUTHORIZE_PATH,
)
from keyturn.domain.sensitive import Sensitive
from keyturn.services import authorizing
from keyturn.services.oauth_connections import ConnectionView
from keyturn.web.pages.connections import LIST, subject_of
from keyturn.web.pages.connections_authorize import NO_REFERRER, bind, granted
from keyturn.web.problems import status_of
from keyturn.web.routing import open_action, open_page
from keyturn.web.visiting import Visit

FAULTS: Final = (Refused, AddressRefused, ServerError)
BROUGHT: Final = ("state", "code", "iss", "error")


async def offer(visit: Visit) -> Response:
    """Offer to go on to the authorization server; whoever only looks at a link uses nothing up."""
    return visit.render(
        "connections/consent.html",
        headers=NO_REFERRER,
        request=visit.query.get("request", ""),
        key=visit.query.get("key", ""),
    )


async def open_link(visit: Visit) -> Response:
    """Open a link once: this browser is bound to it, and sent on to the authorization server."""
    request_id, key = (visit.said(name) or visit.query.get(name, "") for name in ("request", "key"))
    try:
        begun = await authorizing.open_link(visit.world, request_id, Sensitive(key))
    except FAULTS as error:
        return _refused(visit, error)
    away = visit.lead_away(begun.address.reveal())
    bind(visit, away, begun.binding)
    return away


async def take_answer(visit: Visit) -> Response:
    """Take what a browser brings back, and lead on to the connection, for who may see it."""
    told = {name: visit.query[name] for name in BROUGHT if name in visit.query}
    binding = Sensitive(visit.request.cookies.get(COOKIE, ""))
    try:
        view = await authorizing.complete_authorization(visit.world, told, binding=binding)
    except FAULTS as error:
        return _refused(visit, error)  # the cookie stays: anybody can send a browser here
    answer = _done(visit, view)
    answer.delete_cookie(COOKIE, path=COOKIE_PATH)
    return answer


async def lead_on(visit: Visit) -> Response:
    """Lead whoever follows a notice to the connection, where it is authorized again."""
    return visit.redirect(f"{LIST}/{quote(visit.query.get('connection', ''), safe='')}")


def _done(visit: Visit, view: ConnectionView) -> Response:
    if visit.known and subject_of(visit, view).may(Verb.READ_GRANTS):
        return visit.redirect(f"{LIST}/{view.connection.id}", granted(view))
    return visit.render("connections/consented.html", headers=NO_REFERRER, view=view, error="")


def _refused(visit: Visit, error: KeyturnError) -> Response:
    return visit.render(
        "connections/consented.html",
        headers=NO_REFERRER,
        status=status_of(error),
        view=None,
        error=error.message,
    )


ROUTES: Final = (
    open_page(BEGIN_PATH, offer),
    open_action(BEGIN_PATH, open_link),
    open_page(CALLBACK_PATH, take_answer),
    open_page(REAUTHORIZE_PATH, lead_on),
)
