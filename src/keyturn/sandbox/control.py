"""The control port: what a test may see and do that no client of Okta can.

Decides who is let in and which org is meant; what can be done is in `controls`, how it looks to a
person in `page`. Never shows a clear client secret, except of one it has just made itself, and in
a snapshot.
"""

import hmac

from starlette.types import ASGIApp, Receive, Scope, Send

from keyturn.sandbox.controls import ROUTER
from keyturn.sandbox.controls.operation import BadRequest
from keyturn.sandbox.errors import OAuthError, OktaError
from keyturn.sandbox.fleet import FIRST, Fleet
from keyturn.sandbox.http import (
    Answer,
    HungUp,
    Json,
    Request,
    parse_json,
    read_request,
    render_json,
    send_answer,
)
from keyturn.sandbox.journal import CONSOLE, Entry
from keyturn.sandbox.pages.status import StatusPage
from keyturn.sandbox.state.directory import SOMEBODY_ELSE
from keyturn.sandbox.state.org import Org

PREFIX = "/orgs/"
# Everything that somebody else at the console may change; the rest is the tester's own.
CHANGES = ("/apps", "/users", "/devices", "/api-tokens", "/tokens", "/workflows-connections")


def build_control(orgs: Org | Fleet, token: str) -> ASGIApp:
    """Return the ASGI application of the control port; every call must carry the token.

    Paths that name no org (`/orgs/{name}/...`) mean the first one.
    """
    fleet = orgs if isinstance(orgs, Fleet) else Fleet({FIRST: orgs})
    page = StatusPage(fleet, token)
    expected = f"Bearer {token}".encode()

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError("the control port speaks only HTTP")
        try:
            request = await read_request(scope, receive)
        except HungUp:
            return
        given = request.headers.get("authorization", "").encode()
        if hmac.compare_digest(given, expected):
            await send_answer(send, _answer(fleet, request))
        elif page.answers(request):
            await send_answer(send, page.answer(request))
        else:
            await send_answer(send, _problem(401, "the control token is missing or wrong"))

    return serve


def _answer(fleet: Fleet, request: Request) -> Answer:
    if (request.method, request.path) == ("GET", "/orgs"):
        return render_json({"orgs": [*fleet]})
    name, path = split_path(request.path)
    org = fleet.first if name is None else fleet.get(name)
    if org is None:
        return _problem(404, f"no such org; there are {', '.join(fleet)}")
    match = ROUTER.match(request.method, path)
    if match.route is None:
        return _problem(405 if match.pattern else 404, "no such control operation")
    try:
        value = match.route.perform(org, request, match.params, _read_body(request))
    except OktaError as error:
        return error.render(org.mint.issue_error_id())
    except OAuthError as error:
        return error.render()
    except (ValueError, TypeError) as error:
        return _problem(400, str(error))
    if request.method != "GET" and path.startswith(CHANGES):
        _record(org, request, path, match.route.pattern)
    return render_json(value)


def split_path(path: str) -> tuple[str | None, str]:
    """Return the org that a path names, if any, and what is left of the path."""
    if not path.startswith(PREFIX):
        return None, path
    name, slash, rest = path.removeprefix(PREFIX).partition("/")
    return name, slash + rest


def _read_body(request: Request) -> dict[str, Json]:
    body = parse_json(request.body) if request.body else {}
    if not isinstance(body, dict):
        raise BadRequest("the body must be a JSON object")
    return body


def _record(org: Org, request: Request, path: str, pattern: str) -> None:
    """Put a change made at the console into the journal, beside those made through the API."""
    org.journal.record(
        Entry(
            at=org.now(),
            method=request.method,
            route=CONSOLE + pattern,
            path=CONSOLE + path,
            status=200,
            principal=SOMEBODY_ELSE,
            client_id=None,
            secret_id=None,
            outcome="ok",
            fault=None,
        )
    )


def _problem(status: int, reason: str) -> Answer:
    return render_json({"error": reason}, status)
