"""Which of the scopes asked for an app gets, and which of them a person must agree to."""

from collections.abc import Sequence

from keyturn.sandbox import errors
from keyturn.sandbox.errors import OAuthError
from keyturn.sandbox.state.records import App
from keyturn.sandbox.state.servers import SYSTEM_SCOPES, AuthorizationServer

OPENID_SCOPES = (
    "openid",
    "profile",
    "email",
    "address",
    "phone",
    "groups",
    "offline_access",
)
_ABOUT_A_PERSON = {"profile", "email", "address", "phone", "groups"}


def grant_scopes(
    app: App, asked: str, *, person: bool, server: AuthorizationServer | None = None
) -> tuple[str, ...]:
    """Return the scopes granted of those asked for, in the order asked.

    `person` tells whether somebody logs in; `server` is None for the org's own. Raises OAuthError:
    none asked for, an unknown one, or none granted.
    """
    names = tuple(dict.fromkeys(asked.split()))
    if server is not None:
        return _grant_custom(server, names, person=person)
    if not names:
        raise errors.invalid_scope("No scopes were requested.")
    if not all(name.startswith("okta.") or (person and name in OPENID_SCOPES) for name in names):
        raise not_configured()
    granted = tuple(n for n in names if n in app.granted_scopes or n in OPENID_SCOPES)
    if not granted:
        raise errors.consent_required()
    return granted


def _grant_custom(
    server: AuthorizationServer, names: tuple[str, ...], *, person: bool
) -> tuple[str, ...]:
    names = names or tuple(scope.name for scope in server.scopes if scope.default)
    if not names:
        raise errors.invalid_scope(
            "The authorization server resource does not have any configured default scopes, "
            "'scope' must be provided."
        )
    if not all(server.find_scope(name) for name in names):
        raise not_configured()
    if not person:
        _check_without_person(server, names)
    return names


def _check_without_person(server: AuthorizationServer, names: Sequence[str]) -> None:
    if set(names) & set(SYSTEM_SCOPES):
        raise errors.invalid_scope("Cannot request 'openid' scopes using client credentials.")
    asking = [s.name for s in server.scopes if s.name in names and s.consent == "REQUIRED"]
    if asking:
        raise OAuthError(
            400,
            "consent_required",
            "The following scopes require user consent and cannot be granted for the client "
            f"credentials grant type: [{', '.join(asking)}].",
        )


def not_configured() -> OAuthError:
    """Return the refusal of a scope that the server does not have."""
    return errors.invalid_scope(
        "One or more scopes are not configured for the authorization server resource."
    )


def check_openid(scopes: Sequence[str]) -> None:
    """Raise the OAuthError of scopes about a person without `openid`."""
    if _ABOUT_A_PERSON & set(scopes) and "openid" not in scopes:
        raise OAuthError(
            403,
            "access_denied",
            "Requests for ID tokens or access tokens with OpenID scopes require the 'openid' "
            "scope.",
        )


def scopes_to_consent(
    server: AuthorizationServer | None, app: App, scopes: Sequence[str], *, prompted: bool
) -> list[str]:
    """Return the scopes that a person must agree to.

    Okta decides by three things: the scope's consent type, the app's `consent_method`, and
    whether the request asked for consent by `prompt`. The org's own server never asks.
    """
    if server is None or not (prompted or app.extras.get("consent_method") == "REQUIRED"):
        return []
    return [s.name for s in server.scopes if s.name in scopes and s.consent != "IMPLICIT"]
