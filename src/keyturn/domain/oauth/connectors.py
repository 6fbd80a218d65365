"""Connectors: what a registration is made from, for services that are known.

Decides the settings that each takes, the document that follows from them, and which scopes are
asked for by itself.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from keyturn.domain.errors import FieldProblem, InvalidInput

AUTOMATIC = ("openid", "profile", "email", "phone", "address", "groups", "offline_access")
"""The scopes that the Okta Workflows OAuth app has without a grant; revoking one breaks it.

Source: Okta's guidance for its Okta and Okta Devices connectors.
"""
_DOMAIN = r"(?=.{4,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+"
_PORT = r"(:[0-9]{1,5})?"
_LOCAL = rf"(localhost|127\.0\.0\.1){_PORT}"
_OKTA_HOSTS = ("okta.com", "okta-emea.com", "oktapreview.com", "okta-gov.com")


@dataclass(frozen=True)
class Connector:
    """A service that is known: ``scopes`` are those that all of its cards need.

    ``automatic`` are scopes that are there without a grant, of which none may be missing.
    """

    name: str
    title: str
    scopes: tuple[str, ...] = ()
    automatic: tuple[str, ...] = ()

    @property
    def granted_by_hand(self) -> tuple[str, ...]:
        """Return the scopes that somebody has to grant to the client first."""
        return tuple(each for each in self.scopes if each not in self.automatic)


OKTA = Connector(
    "okta",
    "Okta",
    (
        *AUTOMATIC,
        "okta.apps.manage",
        "okta.apps.read",
        "okta.groups.manage",
        "okta.groups.read",
        "okta.logs.read",
        "okta.sessions.manage",
        "okta.users.manage",
        "okta.users.read",
    ),
    AUTOMATIC,
)
"""Okta's connector asks for more by now; which, Okta's pages say differently over time."""
OKTA_DEVICES = Connector(
    "okta-devices",
    "Okta Devices",
    (*AUTOMATIC, "okta.devices.manage", "okta.devices.read"),
    AUTOMATIC,
)
API = Connector("api", "API Connector")

OF_OKTA = frozenset({OKTA.name, OKTA_DEVICES.name})
"""The connectors whose authorization server is an org's."""
ORG_TOKENS = "/oauth2/v1/token"
"""Where an org's own authorization server gives tokens; a custom one's path has its id in it."""

CONNECTORS: Mapping[str, Connector] = MappingProxyType(
    {each.name: each for each in (OKTA, OKTA_DEVICES, API)}
)


def okta_document(domain: str) -> Mapping[str, object]:
    """Return the document of an org's own authorization server, by its domain.

    That is the domain alone, as Okta's connectors want it: no scheme, no path, and not the admin
    console's. Raises InvalidInput, which says what to enter instead.
    """
    host = _domain(domain)
    # Only the sandbox is on this machine; whether it may be called is the guard's matter.
    base = f"{'http' if re.fullmatch(_LOCAL, host) else 'https'}://{host}"
    at = f"{base}{ORG_TOKENS.removesuffix('/token')}"
    return {
        "issuer": base,
        "endpoints": {
            "authorization": f"{at}/authorize",
            "token": f"{at}/token",
            "pushedAuthorization": f"{at}/par",
            "deviceAuthorization": f"{at}/device/authorize",
            "revocation": f"{at}/revoke",
            "introspection": f"{at}/introspect",
            "userinfo": f"{at}/userinfo",
            "jwks": f"{at}/keys",
        },
        "revokeReplaced": True,
    }


def _domain(text: str) -> str:
    domain = text.strip().lower()
    if "/" in domain:
        raise _wrong("must be the domain alone, such as example.okta.com: no scheme, no path")
    if not re.fullmatch(rf"{_DOMAIN}{_PORT}|{_LOCAL}", domain):
        raise _wrong("must be a domain such as example.okta.com, or the org's custom domain")
    first, _, rest = domain.partition(".")
    if first.endswith("-admin"):
        org = f"{first.removesuffix('-admin')}.{rest}"
        raise _wrong(f"must be that of the org, not of its admin console: {org}")
    if domain in _OKTA_HOSTS:
        raise _wrong(f"must be the org's own, such as example.{domain}")
    return domain


def _wrong(rule: str) -> InvalidInput:
    return InvalidInput(FieldProblem(("domain",), rule))


def missing(wanted: tuple[str, ...], granted: tuple[str, ...]) -> tuple[str, ...]:
    """Return the scopes that are wanted and were not granted.

    ``offline_access`` and ``openid`` ask for a token each, and not every server answers with them:
    whether they were granted shows in the tokens.
    """
    known = {*granted, "offline_access", "openid"}
    return tuple(each for each in wanted if each not in known)
