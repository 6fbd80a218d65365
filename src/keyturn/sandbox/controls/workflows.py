"""Somebody at the console of Okta Workflows: connections made anew, and reauthorized.

The sandbox has no Workflows. What such a connection leaves at the org is here: the event of its
being touched, which only says that somebody tried, and, where it is given a client secret, the
token request by which it uses that.
"""

from base64 import b64encode
from typing import cast
from urllib.parse import quote, urlencode

from keyturn.sandbox.controls.operation import (
    BadRequest,
    Body,
    Operation,
    Params,
    read_text,
    read_texts,
    read_word,
    refuse_unknown,
)
from keyturn.sandbox.errors import OAuthError
from keyturn.sandbox.http import Json, Request, parse_json
from keyturn.sandbox.routes.token import issue_tokens
from keyturn.sandbox.routing import Call
from keyturn.sandbox.state.org import Org
from keyturn.sandbox.state.parties import user_party
from keyturn.sandbox.state.records import App, User
from keyturn.sandbox.state.systemlog import Party
from keyturn.sandbox.state.tokens import Code

TOKEN_PATH = "/oauth2/v1/token"
CHANGES = ("create", "reauthorize")
RESULTS = ("SUCCESS", "FAILURE")
SCOPES = ("openid", "offline_access")
MEMBERS = ("name", "change", "result", "user_id", "client_id", "client_secret", "scopes")


def _touch(org: Org, request: Request, params: Params, body: Body) -> Json:
    refuse_unknown(body, *MEMBERS)
    user = org.people.find(read_text(body, "user_id", org.seeded.user_id))
    if user is None:
        raise BadRequest("user_id: there is no such person")
    app = org.find_client(read_text(body, "client_id")) if "client_secret" in body else None
    if "client_secret" in body and app is None:
        raise BadRequest("client_id: there is no such client")
    change, name = read_word(body, "change", CHANGES, "create"), read_text(body, "name")
    result = read_word(body, "result", RESULTS, "SUCCESS")
    _tell(org, user, f"workflows.user.connection.{change}", name, result)
    return _authorize(org, request, body, app, user) if app else {"granted": False}


def _tell(org: Org, user: User, kind: str, name: str, result: str) -> None:
    """Write who touched a connection: the person, the service, and the connection."""
    service = Party("okta", "WorkflowsConnector", "Okta", "okta")
    touched = Party(org.mint.issue_id("wfc"), "WorkflowsConnection", name, name)
    person = user_party(user)
    org.tell(kind, person, person, service, touched, result=result)


def _authorize(org: Org, request: Request, body: Body, app: App, user: User) -> Json:
    """Have a person consent, and the code redeemed with the secret as any client redeems one."""
    redirect_uri = app.redirect_uris[0] if app.redirect_uris else ""
    scopes = read_texts(body, "scopes") if "scopes" in body else SCOPES
    code = Code(
        value=org.mint.issue_token(),
        client_id=app.client_id,
        user_id=user.id,
        redirect_uri=redirect_uri,
        scopes=scopes,
        nonce=None,
        challenge=None,
        issued_at=org.now(),
        login_at=org.now(),
        family=org.mint.issue_id("fam"),
    )
    org.tokens.store_code(code)
    form = {"grant_type": "authorization_code", "code": code.value, "redirect_uri": redirect_uri}
    call = Call(
        _token_request(request, app, read_text(body, "client_secret"), form), {}, TOKEN_PATH
    )
    try:
        with org.calling(call, org.mint.issue_request_id()):
            answer = issue_tokens(org, call)
    except OAuthError as error:
        return {"granted": False, "error": error.error}
    told = cast("dict[str, Json]", parse_json(answer.body))
    return {"granted": True, "refresh_token": told.get("refresh_token")}


def _token_request(request: Request, app: App, secret: str, form: dict[str, str]) -> Request:
    headers = {"user-agent": "okta-workflows", "content-type": "application/x-www-form-urlencoded"}
    if app.auth_method == "client_secret_basic":
        pair = f"{quote(app.client_id, safe='')}:{quote(secret, safe='')}"
        headers["authorization"] = "Basic " + b64encode(pair.encode()).decode()
    else:
        form |= {"client_id": app.client_id, "client_secret": secret}
    return Request(
        "POST", TOKEN_PATH, request.base_url, {}, headers, urlencode(form).encode(), "127.0.0.1"
    )


OPERATIONS = (
    Operation(
        "POST",
        "/workflows-connections",
        _touch,
        "Have a person `create` or `reauthorize` (`change`) the connection `name` inside Okta "
        "Workflows: writes the event; with `client_id` and `client_secret` it is granted tokens, "
        "or refused.",
    ),
)
