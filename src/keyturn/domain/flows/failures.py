"""What can go wrong in a run, by the kinds that a flow can catch.

Decides the kinds and who is to blame. A failure carries what people need and no secret.
"""

from dataclasses import dataclass
from enum import StrEnum

from keyturn.domain.flows.values import Value


class Failure(StrEnum):
    """Kinds of failures of a card."""

    CONNECTION = "connection_error"
    """The connection of the card is missing, not authorized, or has no token now."""
    SCOPE = "insufficient_scope"
    """The connection was not granted what the card needs."""
    FORBIDDEN = "forbidden"
    """The flow may not do this here."""
    HTTP = "http_error"
    """The service answered that it did not do it."""
    NETWORK = "network_error"
    """There was no answer, or an address where Keyturn does not go."""
    UNKNOWN_OUTCOME = "unknown_outcome"
    """A request that changes something was sent, and nobody knows what came of it."""
    INPUT = "invalid_input"
    """A card was given what it cannot take."""
    MISSING = "not_found"
    """What was referred to is not there."""
    PARSE = "parse_error"
    """A text is not in the form that the card reads."""
    TIMEOUT = "timeout"
    """The card took longer than it may."""
    USER = "user_error"
    """The flow says so itself."""
    LIMIT = "limit_exceeded"
    """The run takes more than it may; no card catches it."""
    DEFECT = "defect"
    """Keyturn itself."""


@dataclass
class CardFailure(Exception):
    """A card came to no good end.

    ``status`` is the HTTP status where a service answered, ``body`` what it said, ``retry_after_s``
    how long it asks to be left alone. ``card`` is the id of the card that failed.
    """

    kind: Failure
    message: str
    status: int | None = None
    body: Value = None
    retry_after_s: float | None = None
    card: str = ""

    def __post_init__(self) -> None:
        super().__init__(self.message)

    @property
    def as_value(self) -> dict[str, Value]:
        """Return what a flow is given of it."""
        return {
            "kind": self.kind.value,
            "message": self.message,
            "status": self.status,
            "body": self.body,
            "card": self.card,
        }


def wrong_input(name: str, rule: str) -> CardFailure:
    """Return the failure of a card whose input breaks a rule."""
    return CardFailure(Failure.INPUT, f"{name}: {rule}")
