"""The lights of health: of a connection, and of the secret that a client authenticates with."""

from enum import StrEnum


class Light(StrEnum):
    """How a connection does, the worst first."""

    BROKEN = "broken"
    """Requests fail now."""
    AT_RISK = "at_risk"
    """Requests work now, and will not for long, or not all of them do."""
    UNKNOWN = "unknown"
    """Nothing has been seen of it yet."""
    HEALTHY = "healthy"
    """It was used or renewed with what it uses now, and nothing speaks against the next time."""


TROUBLES = frozenset({Light.BROKEN, Light.AT_RISK})
