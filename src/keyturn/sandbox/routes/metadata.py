"""What an authorization server says of itself: discovery and keys; not rate limited."""

from keyturn.sandbox import errors
from keyturn.sandbox.errors import OAuthError, OktaError
from keyturn.sandbox.http import Answer, Json, render_json
from keyturn.sandbox.oauth.asking import RESPONSE_MODES
from keyturn.sandbox.oauth.issuers import CUSTOM_PATH, Issuer, endpoint, issuer_of
from keyturn.sandbox.oauth.jose import ASYMMETRIC
from keyturn.sandbox.oauth.scopes import OPENID_SCOPES
from keyturn.sandbox.routes.token import grants_of
from keyturn.sandbox.routing import Call, Route
from keyturn.sandbox.state.keys import render_public
from keyturn.sandbox.state.org import Org
from keyturn.sandbox.state.records import AUTH_METHODS

ACCESS_CLAIMS = ("ver", "jti", "iss", "aud", "iat", "exp", "cid", "uid", "scp", "sub")
ID_CLAIMS = (
    "iss",
    "ver",
    "sub",
    "aud",
    "iat",
    "exp",
    "jti",
    "auth_time",
    "amr",
    "idp",
    "nonce",
    "name",
    "preferred_username",
    "given_name",
    "family_name",
    "email",
    "email_verified",
    "at_hash",
)


def read_openid(org: Org, call: Call) -> Answer:
    """Answer with the metadata of OpenID Connect Discovery."""
    _check_client(org, call)
    issuer = _find_issuer(org, call)
    extra: dict[str, Json] = {
        "userinfo_endpoint": f"{issuer.endpoints}/userinfo",
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": list(ID_CLAIMS),
    }
    return render_json({**_metadata(issuer), **extra})


def read_oauth(org: Org, call: Call) -> Answer:
    """Answer with the metadata of RFC 8414, which only custom servers publish."""
    _check_client(org, call)
    metadata = _metadata(_find_issuer(org, call))
    return render_json({**metadata, "claims_supported": list(ACCESS_CLAIMS)})


def list_keys(org: Org, call: Call) -> Answer:
    """Answer with the public key that verifies a server's tokens."""
    issuer_of(org, call)
    return render_json({"keys": [render_public(org.keys.signing)]})


def _check_client(org: Org, call: Call) -> None:
    """Raise the OktaError of a `client_id` that names nobody; it may be left out."""
    client_id = call.request.query.get("client_id")
    if client_id is not None and org.find_client(client_id) is None:
        raise OktaError(400, "invalid_client", "Invalid value for 'client_id' parameter.")


def _find_issuer(org: Org, call: Call) -> Issuer:
    """Return the server; one that does not exist is not found, as other resources are not."""
    try:
        return issuer_of(org, call)
    except OAuthError as error:
        raise errors.not_found(call.params["asId"], "AuthorizationServer") from error


def _metadata(issuer: Issuer) -> dict[str, Json]:
    server, methods = issuer.endpoints, list(AUTH_METHODS)
    return {
        "issuer": issuer.url,
        "authorization_endpoint": f"{server}/authorize",
        "token_endpoint": f"{server}/token",
        "jwks_uri": f"{server}/keys",
        "response_types_supported": ["code"],
        "response_modes_supported": list(RESPONSE_MODES),
        "grant_types_supported": list(grants_of(issuer)),
        "subject_types_supported": ["public"],
        "scopes_supported": _scopes(issuer),
        "token_endpoint_auth_methods_supported": methods,
        "code_challenge_methods_supported": ["S256"],
        "introspection_endpoint": f"{server}/introspect",
        "introspection_endpoint_auth_methods_supported": methods,
        "revocation_endpoint": f"{server}/revoke",
        "revocation_endpoint_auth_methods_supported": methods,
        "end_session_endpoint": f"{server}/logout",
        "request_parameter_supported": False,
        "device_authorization_endpoint": f"{server}/device/authorize",
        "pushed_authorization_request_endpoint": f"{server}/par",
        "dpop_signing_alg_values_supported": list(ASYMMETRIC),
    }


def _scopes(issuer: Issuer) -> list[Json]:
    if issuer.server is None:
        return list(OPENID_SCOPES)
    return [scope.name for scope in issuer.server.scopes if scope.published]


WELL_KNOWN = CUSTOM_PATH + "/.well-known"
ROUTES = (
    Route("GET", "/.well-known/openid-configuration", read_openid, "oauth", None),
    Route("GET", f"{WELL_KNOWN}/openid-configuration", read_openid, "oauth", None),
    Route("GET", f"{WELL_KNOWN}/oauth-authorization-server", read_oauth, "oauth", None),
    *endpoint("GET", "keys", list_keys, None),
)
