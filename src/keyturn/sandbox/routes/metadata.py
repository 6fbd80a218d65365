"""What the authorization server says of itself: discovery and keys; not rate limited."""

from keyturn.sandbox.http import Answer, Json, render_json
from keyturn.sandbox.jose import ASYMMETRIC
from keyturn.sandbox.keys import render_public
from keyturn.sandbox.org import Org
from keyturn.sandbox.routes.token import GRANTS
from keyturn.sandbox.routing import Call, Route
from keyturn.sandbox.scopes import OPENID_SCOPES

CLIENT_AUTH: list[Json] = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]
CLAIMS: list[Json] = [
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
]


def read_configuration(org: Org, call: Call) -> Answer:
    """Answer with the metadata of the org's authorization server (OpenID Connect Discovery)."""
    issuer = call.request.base_url
    server = f"{issuer}/oauth2/v1"
    return render_json(
        {
            "issuer": issuer,
            "authorization_endpoint": f"{server}/authorize",
            "token_endpoint": f"{server}/token",
            "userinfo_endpoint": f"{server}/userinfo",
            "jwks_uri": f"{server}/keys",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": list(GRANTS),
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": list(OPENID_SCOPES),
            "token_endpoint_auth_methods_supported": CLIENT_AUTH,
            "claims_supported": CLAIMS,
            "code_challenge_methods_supported": ["S256"],
            "introspection_endpoint": f"{server}/introspect",
            "introspection_endpoint_auth_methods_supported": CLIENT_AUTH,
            "revocation_endpoint": f"{server}/revoke",
            "revocation_endpoint_auth_methods_supported": CLIENT_AUTH,
            "request_parameter_supported": False,
            "dpop_signing_alg_values_supported": list(ASYMMETRIC),
        }
    )


def list_keys(org: Org, call: Call) -> Answer:
    """Answer with the public key that verifies this org's tokens."""
    return render_json({"keys": [render_public(org.keys.signing)]})


ROUTES = (
    Route("GET", "/.well-known/openid-configuration", read_configuration, "oauth", None),
    Route("GET", "/oauth2/v1/keys", list_keys, "oauth", None),
)
