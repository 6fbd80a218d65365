"""Which path leads to which page, who may come, and what becomes of an error."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from keyturn.domain.errors import KeyturnError, Unauthenticated
from keyturn.web import sessions
from keyturn.web.ended import keep_form, lead_to_log_in
from keyturn.web.problems import problem
from keyturn.web.sent import Done, digest_of
from keyturn.web.visiting import Visit, visit_of

Handler = Callable[[Visit], Awaitable[Response]]

FIELDS_MAX: Final = 2_000


def page(path: str, handler: Handler) -> Route:
    """Lead to a page for whoever is logged in; others log in first, and come back."""

    async def shown(visit: Visit) -> Response:
        try:
            await visit.log_in()
        except Unauthenticated:
            return lead_to_log_in(visit)
        return await handler(visit)

    return _route(path, "GET", shown, handler)


def action(path: str, handler: Handler) -> Route:
    """Lead to what a form does, for whoever is logged in and sent it from a page of ours."""

    async def done(visit: Visit) -> Response:
        sessions.require_own_site(visit.request, visit.house.public_url)
        visit.form = await visit.request.form(max_fields=FIELDS_MAX, max_files=1)
        try:
            return await _done_once(visit, handler)
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
        sessions.require_own_site(visit.request, visit.house.public_url)
        visit.form = await visit.request.form(max_fields=FIELDS_MAX, max_files=0)
        return await handler(visit)

    return _route(path, "POST", done, handler)


async def _done_once(visit: Visit, handler: Handler) -> Response:
    """Do what a form asks for, unless it was sent before: then answer with what came of that."""
    form, sent = await _form_of(visit), visit.house.sent
    try:
        await visit.log_in()
    except Unauthenticated:
        visit.session = None
        return await sent.find_way(form) or keep_form(visit)
    if not sessions.is_proof(visit.said(sessions.FIELD), visit.session):
        return keep_form(visit)
    came = await sent.once(form, partial(handler, visit))
    if isinstance(came, Done):
        return visit.render("sent.html", leads_to=came.leads_to)
    return came


async def _form_of(visit: Visit) -> bytes:
    """Return what tells the form from all others: who sends it where, and all that it says."""
    texts: list[str | bytes] = [visit.session.reveal() if visit.session else ""]
    texts.append(str(visit.request.url))
    for name, value in visit.form.multi_items():
        texts += [name, value if isinstance(value, str) else await value.read()]
        if not isinstance(value, str):
            await value.seek(0)
    return digest_of(texts)


def _route(path: str, method: str, answered: Handler, handler: Handler) -> Route:
    async def endpoint(request: Request) -> Response:
        visit = visit_of(request)
        try:
            return await answered(visit)
        except KeyturnError as error:
            return problem(visit, error)

    return Route(path, endpoint, methods=[method], name=f"{handler.__module__}.{handler.__name__}")
