"""The servers that a client can be registered at, and what a form asks of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from keyturn.domain.oauth.presets import PRESETS
from keyturn.domain.oauth.registration import Scheme

GIT: Final = "git"


@dataclass(frozen=True)
class Way:
    """One of the servers that a client may be known at: how it is called, and what it needs."""

    title: str
    hint: str
    scheme: Scheme = Scheme.OAUTH
    connector: str = "api"
    preset: str = ""
    needs: tuple[str, ...] = ()
    names: tuple[str, str] = ("Client id", "Client secret")


def _title(preset: str) -> str:
    """Return how a service writes itself."""
    if preset.startswith(GIT):
        return GIT.capitalize() + preset.removeprefix(GIT).capitalize()
    return preset.capitalize()


_NEEDS_DOMAIN: Final = ("domain",)
OF_PRESETS: Final[Mapping[str, Way]] = MappingProxyType(
    {
        name: Way(
            _title(name),
            f"For tokens that last it takes {preset.lasting}.",
            preset=name,
            needs=("tenant", "issuer") if preset.of_a_tenant else ("issuer",),
        )
        for name, preset in PRESETS.items()
    }
)
WAYS: Final[Mapping[str, Way]] = MappingProxyType(
    {
        "okta": Way(
            "Okta",
            "Users, groups, apps and logs of an org, as the Okta connector of Workflows.",
            connector="okta",
            needs=_NEEDS_DOMAIN,
        ),
        "okta-devices": Way(
            "Okta Devices",
            "The devices of an org.",
            connector="okta-devices",
            needs=_NEEDS_DOMAIN,
        ),
        **OF_PRESETS,
        "issuer": Way(
            "A server that describes itself",
            "By its issuer: OpenID Connect or RFC 8414 say the rest.",
            needs=("issuer", "foreign"),
        ),
        "document": Way(
            "Any other server",
            "By a document that says where it is asked what, and how.",
            needs=("provider",),
        ),
        "basic": Way(
            "User name and password",
            "Without OAuth: requests carry a Basic header.",
            Scheme.BASIC,
            names=("User name", "Password"),
        ),
        "header": Way(
            "A header",
            "Without OAuth: requests carry an API key in a header.",
            Scheme.HEADER,
            names=("Name of the header", "Its value"),
        ),
        "none": Way("Nothing", "Requests go out as they are.", Scheme.NONE),
    }
)
"""The servers by the word that an address has for them."""

NAMED: Final = tuple(kind for kind, way in WAYS.items() if way.needs == _NEEDS_DOMAIN or way.preset)
"""The services that are known by name."""
