"""Presets: how well-known services are spoken to, as their documentation says.

Decides which document stands for which service, and what its connections take for tokens that
last. Nothing here was tried against the services themselves; what their documentation leaves open
is left out.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from keyturn.domain.errors import FieldProblem, InvalidInput

TENANT = "{tenant}"
_TENANT = r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?"
_POST = {"auth": "client_secret_post"}
_UNPROVED_REVOCATION = {"authOn": {"revoke": "none"}}
"""It takes a token from anybody, so that it proves no secret either."""


@dataclass(frozen=True)
class Preset:
    """A service: its document, what it takes for tokens that last, and where that is written."""

    document: Mapping[str, object]
    lasting: str
    source: str

    @property
    def of_a_tenant(self) -> bool:
        """Say whether its addresses name a tenant."""
        return any(TENANT in url for url in _endpoints(self.document).values())


def _at(base: str, **paths: str) -> Mapping[str, str]:
    return {name: path if ":" in path else base + path for name, path in paths.items()}


def _always(**parameters: str) -> list[Mapping[str, str]]:
    """Return parameters that go along whenever somebody is asked."""
    return [
        {"on": "authorize", "in": "query", "name": name, "value": value}
        for name, value in parameters.items()
    ]


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "atlassian": Preset(
            _POST
            | {
                "endpoints": _at(
                    "https://auth.atlassian.com", authorization="/authorize", token="/oauth/token"
                ),
                "pkce": False,
                "extras": _always(audience="api.atlassian.com", prompt="consent"),
            },
            "the scope offline_access",
            "https://developer.atlassian.com/cloud/jira/platform/oauth-2-3lo-apps",
        ),
        "github": Preset(
            _POST
            | {
                "endpoints": _at(
                    "https://github.com/login",
                    authorization="/oauth/authorize",
                    token="/oauth/access_token",
                    deviceAuthorization="/device/code",
                ),
                "scopeDelimiter": ",",
                "checkUrl": "https://api.github.com/user",
            },
            "nothing: an OAuth app's last until revoked, and a GitHub app's are refreshed",
            "https://docs.github.com/en/apps/oauth-apps/building-oauth-apps",
        ),
        "gitlab": Preset(
            _POST
            | {
                "issuer": "https://gitlab.com",
                "endpoints": _at(
                    "https://gitlab.com/oauth",
                    authorization="/authorize",
                    token="/token",
                    deviceAuthorization="/authorize_device",
                    revocation="/revoke",
                    introspection="/introspect",
                    userinfo="/userinfo",
                    jwks="/discovery/keys",
                ),
            },
            "nothing",
            "https://docs.gitlab.com/api/oauth2/",
        ),
        "google": Preset(
            _POST
            | _UNPROVED_REVOCATION
            | {
                "issuer": "https://accounts.google.com",
                "endpoints": _at(
                    "https://oauth2.googleapis.com",
                    authorization="https://accounts.google.com/o/oauth2/v2/auth",
                    token="/token",
                    deviceAuthorization="/device/code",
                    revocation="/revoke",
                    userinfo="https://openidconnect.googleapis.com/v1/userinfo",
                    jwks="https://www.googleapis.com/oauth2/v3/certs",
                ),
                # Without consent anew, a second authorization brings no refresh token.
                "extras": _always(access_type="offline", prompt="consent"),
            },
            "nothing: access_type=offline is asked for",
            "https://developers.google.com/identity/protocols/oauth2/web-server",
        ),
        "microsoft": Preset(
            # No issuer: what a tenant's tokens name is its id, whatever it is called here.
            _POST
            | {
                "endpoints": _at(
                    f"https://login.microsoftonline.com/{TENANT}",
                    authorization="/oauth2/v2.0/authorize",
                    token="/oauth2/v2.0/token",
                    deviceAuthorization="/oauth2/v2.0/devicecode",
                    userinfo="https://graph.microsoft.com/oidc/userinfo",
                    jwks="/discovery/v2.0/keys",
                ),
            },
            "the scope offline_access",
            "https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow",
        ),
        "salesforce": Preset(
            _POST
            | _UNPROVED_REVOCATION
            | {
                "endpoints": _at(
                    "https://login.salesforce.com/services/oauth2",
                    authorization="/authorize",
                    token="/token",
                    revocation="/revoke",
                    introspection="/introspect",
                    userinfo="/userinfo",
                    jwks="https://login.salesforce.com/id/keys",
                ),
            },
            "the scope refresh_token",
            "https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_endpoints.htm",
        ),
        "slack": Preset(
            {
                "endpoints": _at(
                    "https://slack.com",
                    authorization="/oauth/v2/authorize",
                    token="/api/oauth.v2.access",
                ),
                "scopeDelimiter": ",",
                # Slack takes a challenge from apps that are switched to public clients alone.
                "pkce": False,
            },
            "token rotation, switched on in the app; others last until revoked",
            "https://docs.slack.dev/authentication/installing-with-oauth",
        ),
    }
)
"""The services by name."""


def preset_document(name: str, tenant: str = "") -> Mapping[str, object]:
    """Return the document of a service; ``tenant`` is whose directory it is, where it has many.

    Raises InvalidInput for a service that is not known, and for a tenant that cannot be meant.
    """
    preset = PRESETS.get(name)
    if preset is None:
        raise _wrong("preset", f"must be one of {', '.join(PRESETS)}")
    if not preset.of_a_tenant:
        if tenant:
            raise _wrong("tenant", f"is nothing that {name} takes")
        return preset.document
    if not re.fullmatch(_TENANT, tenant):
        rule = "must be the directory's id or domain, or common, organizations or consumers"
        raise _wrong("tenant", rule)
    endpoints = _endpoints(preset.document).items()
    named = {member: url.replace(TENANT, tenant) for member, url in endpoints}
    return {**preset.document, "endpoints": named}


def _endpoints(document: Mapping[str, object]) -> Mapping[str, str]:
    told = document["endpoints"]
    return told if isinstance(told, Mapping) else {}


def _wrong(field: str, rule: str) -> InvalidInput:
    return InvalidInput(FieldProblem((field,), rule))
