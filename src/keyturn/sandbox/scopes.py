"""Which of the scopes asked for an app gets."""

from keyturn.sandbox import errors
from keyturn.sandbox.records import App

OPENID_SCOPES = (
    "openid",
    "profile",
    "email",
    "address",
    "phone",
    "groups",
    "offline_access",
)


def grant_scopes(app: App, asked: str, *, person: bool) -> tuple[str, ...]:
    """Return the scopes granted of those asked for, in the order asked.

    `okta.` scopes need a grant to the app; those of OpenID Connect need a person. Raises
    OAuthError: none asked for, an unknown one, or none granted.
    """
    names = tuple(dict.fromkeys(asked.split()))
    if not names:
        raise errors.invalid_scope("No scopes were requested.")
    if not all(name.startswith("okta.") or (person and name in OPENID_SCOPES) for name in names):
        raise errors.invalid_scope(
            "One or more scopes are not configured for the authorization server resource."
        )
    granted = tuple(n for n in names if n in app.granted_scopes or n in OPENID_SCOPES)
    if not granted:
        raise errors.consent_required()
    return granted
