"""How connections, clients' secrets and destinations do, in words and in a tone."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from keyturn.domain.destination import State
from keyturn.domain.oauth import registration
from keyturn.domain.oauth.health import Health
from keyturn.domain.oauth.lights import Light
from keyturn.web.standing import Standing

LIGHTS: Final[Mapping[Light, Standing]] = MappingProxyType(
    {
        Light.BROKEN: Standing("Broken", "bad"),
        Light.AT_RISK: Standing("At risk", "warn"),
        Light.UNKNOWN: Standing("Not seen yet", "idle"),
        Light.HEALTHY: Standing("Healthy", "good"),
    }
)
"""In the order in which they want to be looked at."""

SECRETS: Final[Mapping[registration.Standing, Standing]] = MappingProxyType(
    {
        registration.Standing.REJECTED: Standing("Rejected", "bad"),
        registration.Standing.UNPROVED: Standing("Not proved yet", "idle"),
        registration.Standing.ACCEPTED: Standing("Accepted", "good"),
    }
)
"""The same of what a client authenticates with."""


def standing_of(one: registration.ClientRegistration, health: Health) -> Standing:
    """Return how the secret of a client stands: what is known here outruns its server's word."""
    if one.standing is not registration.Standing.REJECTED:
        if health.light is Light.BROKEN:
            return Standing("Works no more", "bad")
        if health.light is Light.AT_RISK:
            return Standing("Replaced", "warn")
    return SECRETS[one.standing]


DESTINATIONS: Final[Mapping[State, Standing]] = MappingProxyType(
    {
        State.BLOCKED: Standing("Blocked", "bad"),
        State.WAITING: Standing("On its way", "busy"),
        State.PAUSED: Standing("Paused", "idle"),
        State.CONFIRMED: Standing("Confirmed", "good"),
    }
)
"""The same of destinations."""
