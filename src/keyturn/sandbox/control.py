"""The control port: what a test may see and do that no client of Okta can.

Never shows a clear client secret, except of one it has just made itself.
"""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import cast

from starlette.types import ASGIApp, Receive, Scope, Send

from keyturn.sandbox.directory import SOMEBODY_ELSE, AppDraft, Settings
from keyturn.sandbox.errors import OAuthError, OktaError
from keyturn.sandbox.faults import Fault
from keyturn.sandbox.http import (
    Answer,
    Json,
    Request,
    parse_json,
    read_request,
    render_json,
    send_answer,
)
from keyturn.sandbox.journal import CONSOLE, Entry
from keyturn.sandbox.org import REDIRECT_URI, Org
from keyturn.sandbox.records import AUTH_METHODS, App, Secret
from keyturn.sandbox.routing import Router

Body = Mapping[str, Json]
Params = Mapping[str, str]
Operation = Callable[[Org, Request, Params, Body], Json]


class BadRequest(ValueError):
    """The body of a control request names something unknown."""


@dataclass(frozen=True, slots=True)
class ControlRoute:
    """One operation of the control port."""

    method: str
    pattern: str
    operation: Operation


def build_control(org: Org, token: str) -> ASGIApp:
    """Return the ASGI application of the control port; every call must carry the token."""
    expected = f"Bearer {token}".encode()

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError("the control port speaks only HTTP")
        request = await read_request(scope, receive)
        given = request.headers.get("authorization", "").encode()
        if hmac.compare_digest(given, expected):
            await send_answer(send, _answer(org, request))
        else:
            await send_answer(send, _problem(401, "the control token is missing or wrong"))

    return serve


def _answer(org: Org, request: Request) -> Answer:
    match = ROUTER.match(request.method, request.path)
    if match.route is None:
        return _problem(405 if match.pattern else 404, "no such control operation")
    try:
        body = parse_json(request.body) if request.body else {}
        if not isinstance(body, dict):
            raise BadRequest("the body must be a JSON object")
        answer = render_json(match.route.operation(org, request, match.params, body))
        if request.path.startswith("/apps"):
            _record(org, request, match.pattern or "")
        return answer
    except OktaError as error:
        return error.render(org.mint.issue_error_id())
    except OAuthError as error:
        return error.render()
    except (ValueError, TypeError) as error:
        return _problem(400, str(error))


def _record(org: Org, request: Request, pattern: str) -> None:
    """Put a change made at the console into the journal, beside those made through the API."""
    org.journal.record(
        Entry(
            at=org.now(),
            method=request.method,
            route=CONSOLE + pattern,
            path=CONSOLE + request.path,
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


# --- looking ----------------------------------------------------------------------------------


def _truth(org: Org, request: Request, params: Params, body: Body) -> Json:
    return org.truth()


def _requests(org: Org, request: Request, params: Params, body: Body) -> Json:
    return org.requests(int(request.query.get("after", "0")))


def _counts(org: Org, request: Request, params: Params, body: Body) -> Json:
    return org.counts()


def _list_faults(org: Org, request: Request, params: Params, body: Body) -> Json:
    return {"faults": org.list_faults()}


def _settings(org: Org, request: Request, params: Params, body: Body) -> Json:
    return asdict(org.settings)


# --- the whole org ----------------------------------------------------------------------------


def _add_fault(org: Org, request: Request, params: Params, body: Body) -> Json:
    fault = Fault(**body)  # type: ignore[arg-type]  # unknown members raise TypeError, a 400
    return {"id": org.add_fault(fault)}


def _remove_faults(org: Org, request: Request, params: Params, body: Body) -> Json:
    org.remove_fault(params.get("faultId"))
    return {}


def _change_settings(org: Org, request: Request, params: Params, body: Body) -> Json:
    unknown = body.keys() - set(Settings.__slots__)
    if unknown:
        raise BadRequest(f"unknown settings: {sorted(unknown)}")
    return asdict(org.change_settings(**body))  # type: ignore[arg-type]  # values are checked there


def _reset(org: Org, request: Request, params: Params, body: Body) -> Json:
    seed = body.get("seed", 0)
    if not isinstance(seed, int):
        raise BadRequest("seed must be an integer")
    org.reset(seed)
    return org.credentials()


# --- somebody else at the console ---------------------------------------------------------------


def _create_app(org: Org, request: Request, params: Params, body: Body) -> Json:
    unknown = body.keys() - DRAFT_MEMBERS.keys()
    if unknown:
        raise BadRequest(f"unknown members: {sorted(unknown)}; known: {sorted(DRAFT_MEMBERS)}")
    given = {name: DRAFT_MEMBERS[name](value) for name, value in body.items() if value is not None}
    defaults: dict[str, object] = {"label": "Unnamed app", "redirect_uris": (REDIRECT_URI,)}
    draft = AppDraft(**(defaults | given))  # type: ignore[arg-type]  # typed by DRAFT_MEMBERS
    return _render_app(org.create_app(draft), reveal=True)


def _create_secret(org: Org, request: Request, params: Params, body: Body) -> Json:
    value = body.get("client_secret")
    status = "INACTIVE" if body.get("status") == "INACTIVE" else "ACTIVE"
    text = None if value is None else str(value)
    secret = org.create_secret(params["appId"], text, status=status)  # type: ignore[arg-type]
    return _render_secret(secret, reveal=True)


def _change_secret(org: Org, request: Request, params: Params, body: Body) -> Json:
    changes = {
        "activate": org.activate_secret,
        "deactivate": org.deactivate_secret,
        "delete": org.delete_secret,
    }
    if params["change"] not in changes:
        raise BadRequest(f"changes of a secret: {[*changes]}")
    return _render_secret(changes[params["change"]](params["appId"], params["secretId"]))


def _change_app(org: Org, request: Request, params: Params, body: Body) -> Json:
    app_id, change = params["appId"], params["change"]
    changes: dict[str, Callable[[], App]] = {
        "activate": lambda: org.activate_app(app_id),
        "deactivate": lambda: org.deactivate_app(app_id),
        "delete": lambda: org.delete_app(app_id),
        "auth-method": lambda: org.change_auth_method(
            app_id, _auth_method(body.get("auth_method"))
        ),
        "dpop": lambda: org.change_dpop(app_id, bound=body.get("bound") is not False),
        "redirect-uris": lambda: org.change_redirect_uris(
            app_id, _texts(body.get("redirect_uris"))
        ),
    }
    if change not in changes:
        raise BadRequest(f"changes of an app: {[*changes]}")
    return _render_app(changes[change]())


def _auth_method(method: Json) -> str:
    if method not in AUTH_METHODS:
        raise BadRequest(f"auth_method is one of {[*AUTH_METHODS]}")
    return str(method)


def _texts(value: Json) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise BadRequest("a list of strings is wanted")
    return tuple(str(item) for item in value)


def _keys(value: Json) -> tuple[Body, ...]:
    if not isinstance(value, list) or not all(isinstance(key, dict) for key in value):
        raise BadRequest("jwks is a list of JWKs")
    return tuple(cast("list[Body]", value))


def _generated(count: Json) -> tuple[None, ...]:
    if not isinstance(count, int):
        raise BadRequest("secrets is the number of client secrets to make")
    return (None,) * count


DRAFT_MEMBERS: dict[str, Callable[[Json], object]] = {
    "label": str,
    "client_id": str,
    "auth_method": _auth_method,
    "application_type": str,
    "admin_role": str,
    "grant_types": _texts,
    "response_types": _texts,
    "redirect_uris": _texts,
    "granted_scopes": _texts,
    "pkce_required": bool,
    "dpop_bound": bool,
    "jwks": _keys,
    "secrets": _generated,
}


def _render_app(app: App, *, reveal: bool = False) -> Json:
    return {
        "id": app.id,
        "client_id": app.client_id,
        "label": app.label,
        "status": app.status,
        "auth_method": app.auth_method,
        "redirect_uris": list(app.redirect_uris),
        "secrets": [_render_secret(secret, reveal=reveal) for secret in app.live_secrets],
    }


def _render_secret(secret: Secret, *, reveal: bool = False) -> Json:
    shown = {"client_secret": secret.value} if reveal else {}
    return {"id": secret.id, **shown, "hash": secret.hash, "status": secret.status}


ROUTER: Router[ControlRoute] = Router(
    (
        ControlRoute("GET", "/truth", _truth),
        ControlRoute("GET", "/requests", _requests),
        ControlRoute("GET", "/counts", _counts),
        ControlRoute("GET", "/faults", _list_faults),
        ControlRoute("POST", "/faults", _add_fault),
        ControlRoute("DELETE", "/faults", _remove_faults),
        ControlRoute("DELETE", "/faults/{faultId}", _remove_faults),
        ControlRoute("GET", "/settings", _settings),
        ControlRoute("POST", "/settings", _change_settings),
        ControlRoute("POST", "/reset", _reset),
        ControlRoute("POST", "/apps", _create_app),
        ControlRoute("POST", "/apps/{appId}/secrets", _create_secret),
        ControlRoute("POST", "/apps/{appId}/secrets/{secretId}/{change}", _change_secret),
        ControlRoute("POST", "/apps/{appId}/{change}", _change_app),
    )
)
