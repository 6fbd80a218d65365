"""Which path leads to which page, who may come, and what becomes of an error."""

from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from keyturn.domain.errors import KeyturnError, Unauthenticated
from keyturn.web import sessions
from keyturn.web.problems import problem
from keyturn.web.visiting import Visit, visit_of

Handler = Callable[[Visit], Awaitable[Response]]

LOG_IN: Final = "/log-in"
FIELDS_MAX: Final = 2_000


def page(path: str, handler: Handler) -> Route:
    """Lead to a page for whoever is logged in; others log in first, and come back."""

    async def shown(visit: Visit) -> Response:
        try:
            await visit.log_in()
        except Unauthenticated:
            return _to_log_in(visit)
        return await handler(visit)

    return _route(path, "GET", shown, handler)


def action(path: str, handler: Handler) -> Route:
    """Lead to what a form does, for whoever is logged in and sent it from a page of ours."""

    async def done(visit: Visit) -> Response:
        try:
            await visit.log_in()
        except Unauthenticated:
            return _to_log_in(visit)
        visit.form = await visit.request.form(max_fields=FIELDS_MAX, max_files=1)
        try:
            sessions.require_own_form(visit.request, visit.said(sessions.FIELD), visit.session)
            return await handler(visit)
        finally:
            await visit.form.close()  # a file that came with it

    return _route(path, "POST", done, handler)


def open_page(path: str, handler: Handler) -> Route:
    """Lead to a page for anybody; who is logged in is known."""

    async def shown(visit: Visit) -> Response:
        try:
            await visit.log_in()
        except Unauthenticated:
            visit.session = None
        return await handler(visit)

    return _route(path, "GET", shown, handler)


def open_action(path: str, handler: Handler) -> Route:
    """Lead to what a form of ours does for anybody who sends it from our own site."""

    async def done(visit: Visit) -> Response:
        sessions.require_own_site(visit.request)
        visit.form = await visit.request.form(max_fields=FIELDS_MAX, max_files=0)
        return await handler(visit)

    return _route(path, "POST", done, handler)


def _route(path: str, method: str, answered: Handler, handler: Handler) -> Route:
    async def endpoint(request: Request) -> Response:
        visit = visit_of(request)
        try:
            return await answered(visit)
        except KeyturnError as error:
            return problem(visit, error)

    return Route(path, endpoint, methods=[method], name=f"{handler.__module__}.{handler.__name__}")


def _to_log_in(visit: Visit) -> Response:
    """Send to log in; what was to be shown is shown afterwards, what was to be done is not done."""
    url = visit.request.url
    back = f"{visit.path}?{url.query}" if url.query else visit.path
    if visit.request.method == "POST":
        told = "You were logged out, so nothing was done. Log in, and send it again."
        return visit.redirect(LOG_IN, told)
    return visit.redirect(LOG_IN if back == "/" else f"{LOG_IN}?after={quote(back)}")
