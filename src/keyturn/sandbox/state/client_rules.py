"""What a client may be: kinds, grants, addresses and secrets that go together.

Pure functions on drafts, which know no org. Okta's documents say what is allowed; where they show
no text for a refusal it is ours (docs/sandbox.md lists which).
"""

import re
from typing import TYPE_CHECKING

from keyturn.sandbox import errors
from keyturn.sandbox.errors import OktaError

if TYPE_CHECKING:
    from keyturn.sandbox.state.directory import AppDraft

APPLICATION_TYPES = ("browser", "native", "service", "web")
RESPONSE_TYPES = ("code", "id_token", "token")
_IETF, _OKTA = "urn:ietf:params:oauth:grant-type:", "urn:okta:params:oauth:grant-type:"
_AUTH0, _CIBA = "http://auth0.com/oauth/grant-type/", "urn:openid:params:grant-type:ciba"
# In the order of Okta's document.
GRANT_TYPES = (
    "authorization_code",
    "client_credentials",
    "implicit",
    "interaction_code",
    "password",
    "refresh_token",
    *(_IETF + name for name in ("device_code", "jwt-bearer", "saml2-bearer", "token-exchange")),
    _CIBA,
    *(_OKTA + name for name in ("otp", "oob")),
    *(_AUTH0 + name for name in ("mfa-otp", "mfa-oob")),
)
REDIRECTING = ("authorization_code", "implicit", "interaction_code")
WITHOUT_REDIRECT = ("client_credentials", "password")
REFUSED_GRANTS: dict[str, tuple[str, ...]] = {
    "browser": WITHOUT_REDIRECT,
    "native": ("client_credentials",),
    "service": (*REDIRECTING, "password", "refresh_token", _IETF + "device_code", _CIBA),
    "web": ("password",),
}
DEFAULT_GRANTS: dict[str, tuple[str, ...]] = {
    "web": ("authorization_code", "refresh_token"),
    "service": ("client_credentials",),
}
ABSOLUTE_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^#\s]+")
CLIENT_ID = re.compile(r"[A-Za-z0-9$_.+!*'(),-]{6,100}")
RESERVED_ID = "ALL_CLIENTS"
SHORTEST_SECRET, SHORTEST_JWT_SECRET, LONGEST_SECRET = 14, 32, 100
PRINTABLE = re.compile(r"[\x20-\x7E]+")


def default_grants(application_type: str) -> tuple[str, ...]:
    """Return the grants of an app that names none."""
    return DEFAULT_GRANTS.get(application_type, ("authorization_code",))


def check_draft(draft: "AppDraft") -> None:
    """Raise the OktaError of a draft whose members do not go together, if any."""
    if draft.application_type not in APPLICATION_TYPES:
        raise _not_one_of("application_type", APPLICATION_TYPES)
    _check_grants(draft)
    _check_flow(draft)
    _check_method(draft)


def check_client_id(client_id: str) -> None:
    """Raise the OktaError of a client id that an app may not choose, if any."""
    if not CLIENT_ID.fullmatch(client_id) or client_id == RESERVED_ID:
        raise _rule("client_id", "must be 6 to 100 of the characters A-Z a-z 0-9 $-_.+!*'(),")


def check_secret_value(value: str, auth_method: str) -> None:
    """Raise the OktaError that a caller's own client secret deserves, if any."""
    if len(value) > LONGEST_SECRET:
        raise errors.secret_value("'client_secret' can't be more than '100' characters long.")
    if len(value) < SHORTEST_SECRET:
        raise errors.secret_value("'client_secret' must be at least '14' characters long.")
    if auth_method == "client_secret_jwt" and len(value) < SHORTEST_JWT_SECRET:
        raise errors.secret_value(
            "'client_secret' must be at least '32' characters long when "
            "'token_endpoint_auth_method' is 'client_secret_jwt'."
        )
    if not PRINTABLE.fullmatch(value):
        raise errors.secret_value("''client_secret'' must only contain printable ASCII: [x20-x7E]+")


def _check_grants(draft: "AppDraft") -> None:
    kind = draft.application_type
    for grant in draft.grant_types or ():
        if grant not in GRANT_TYPES:
            raise _not_one_of("grant_types", GRANT_TYPES)
        if grant in REFUSED_GRANTS[kind]:
            raise _rule(
                "grant_types", f"can't contain '{grant}' when 'application_type' is '{kind}'."
            )


def _check_flow(draft: "AppDraft") -> None:
    """Check what a log-in comes back with, and where to."""
    grants = draft.grant_types or default_grants(draft.application_type)
    if any(name not in RESPONSE_TYPES for name in draft.response_types):
        raise _not_one_of("response_types", RESPONSE_TYPES)
    if not all(ABSOLUTE_URI.fullmatch(uri) for uri in draft.redirect_uris):
        raise _rule("redirect_uris", "must be absolute URIs without a fragment.")
    if not set(grants) & set(REDIRECTING) or set(grants) & set(WITHOUT_REDIRECT):
        return
    if not draft.redirect_uris:
        raise errors.left_blank("redirect_uris")
    if not draft.response_types:
        raise errors.left_blank("response_types")
    if "authorization_code" in grants and "code" not in draft.response_types:
        raise _rule(
            "response_types",
            "must contain 'code' when 'grant_types' contains 'authorization_code'.",
        )


def _check_method(draft: "AppDraft") -> None:
    if draft.auth_method != "none":
        return
    if draft.application_type == "service":
        raise _rule(
            "token_endpoint_auth_method", "can't be 'none' when 'application_type' is 'service'."
        )
    if not draft.pkce_required:
        raise _rule("pkce_required", "must be 'true' when 'token_endpoint_auth_method' is 'none'.")


def _rule(member: str, rule: str) -> OktaError:
    return errors.validation_failed(member, f"{member}: '{member}' {rule}")


def _not_one_of(member: str, allowed: tuple[str, ...]) -> OktaError:
    return _rule(member, f"must be one of the following: [{', '.join(allowed)}].")
