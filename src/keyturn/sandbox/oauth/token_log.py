"""What the System Log says of token requests; a client secret shows as its hash only."""

from collections.abc import Sequence

from keyturn.sandbox.errors import OAuthError
from keyturn.sandbox.http import Json
from keyturn.sandbox.oauth.issuers import Issuer
from keyturn.sandbox.routing import Call
from keyturn.sandbox.state.org import Org
from keyturn.sandbox.state.parties import client_party, user_party
from keyturn.sandbox.state.records import App
from keyturn.sandbox.state.systemlog import NOBODY, Party

NAMES = {
    "access_token": "Access Token",
    "id_token": "ID Token",
    "refresh_token": "Refresh Token",
    "id_jag": "ID-JAG",
}


def tell_grants(
    org: Org, call: Call, issuer: Issuer, *, granted: Sequence[str], tokens: Sequence[Party]
) -> None:
    """Write one event for each token given out."""
    app = org.find_client(call.client_id or "")
    debug = {**_debug(call), "grantedScopes": ",".join(granted)}
    for token in tokens:
        org.tell(
            f"{issuer.events}.token.grant.{token.type}",
            _actor(app),
            token,
            message=f"OAuth2 {NAMES[token.type].lower()} is granted",
            debug=debug,
        )


def tell_refusal(org: Org, call: Call, issuer: Issuer, error: OAuthError) -> None:
    """Write that a token request failed."""
    app = org.find_client(call.client_id or "")
    org.tell(
        f"{issuer.events}.token.grant",
        _actor(app),
        result="FAILURE",
        reason=error.error,
        message="OAuth2 token request",
        debug={**_debug(call), "error": error.error, "errorDescription": error.description},
    )


def tell_reuse(org: Org, call: Call, issuer: Issuer, app: App, token: Party) -> None:
    """Write that a refresh token was used again after its successor."""
    org.tell(
        f"{issuer.events}.token.detect_reuse",
        client_party(app),
        token,
        result="FAILURE",
        reason="invalid_grant",
        message="One-time refresh token reuse",
        debug=_debug(call),
    )


def tell_revocation(org: Org, call: Call, issuer: Issuer, app: App, token: Party) -> None:
    """Write that a client revoked one of its tokens."""
    kind = f"{issuer.events}.token.revoke"
    org.tell(kind, client_party(app), token, message="OAuth2 token is revoked", debug=_debug(call))


def token_party(org: Org, kind: str, token_id: str, user_id: str | None) -> Party:
    """Return a token as the thing that is acted upon; nothing of its value shows."""
    user = org.users.get(user_id or "")
    detail: dict[str, Json] = {"subject": user_party(user).id} if user else {}
    return Party(token_id, kind, NAMES[kind], "", detail)


def _actor(app: App | None) -> Party:
    return NOBODY if app is None else client_party(app)


def _debug(call: Call) -> dict[str, Json]:
    form = call.request.form()
    said = {
        "requestUri": call.request.path,
        "clientId": call.client_id,
        "clientAuthType": call.auth_method,
        "clientSecret": call.used_hash,
        "grantType": form.get("grant_type"),
        "requestedScopes": ",".join(form.get("scope", "").split()),
    }
    return {name: value for name, value in said.items() if value}
