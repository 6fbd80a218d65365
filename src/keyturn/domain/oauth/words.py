"""What failures are called, for the people who have to do something about them.

Decides whose matter each is and what helps. Takes nothing over of what a server said.
"""

from collections.abc import Mapping

from keyturn.domain.oauth.answers import Fault, NoTokens
from keyturn.domain.oauth.connection import Cause
from keyturn.domain.okta import Departure

_FAULTS: Mapping[Fault, str] = {
    Fault.CLIENT: (
        "The authorization server rejects the client's credential: give the registration the one "
        "that is valid, or have its administrator activate this one. No grant is touched by it."
    ),
    Fault.GRANT: (
        "The authorization server says that the grant is no longer valid: its author authorizes "
        "the connection again."
    ),
    Fault.SCOPE: (
        "The authorization server does not give this client a scope that was asked for: its "
        "administrator grants it, or the connection asks for less."
    ),
    Fault.REQUEST: (
        "The authorization server does not take such a request from this client: look at its "
        "grant types there, and at the addresses and parameters of the registration."
    ),
    Fault.AWAY: "The authorization server gave no good answer; it is asked again.",
    Fault.AMBIGUOUS: (
        "The authorization server refused and does not say whether the client or the grant is "
        "meant; a probe told neither. It is asked again."
    ),
    Fault.DENIED: "The authorization was denied: its author has to agree.",
    Fault.PENDING: "Nobody has decided at the other device yet.",
    Fault.SLOW_DOWN: "The authorization server is asked too often.",
    Fault.NONCE: "The authorization server goes on asking for another nonce in DPoP proofs.",
}

_CAUSES: Mapping[Cause, str] = {
    Cause.REFUSED: _FAULTS[Fault.GRANT],
    Cause.LOST_ROTATION: (
        "A renewal was answered and its answer never arrived; the refresh token before it is used "
        "up: its author authorizes the connection again."
    ),
    Cause.NO_REFRESH: (
        "The token has ended, and there is no refresh token: its author authorizes the connection "
        "again. Where the server gives refresh tokens for a scope (offline_access) or a parameter, "
        "ask for it, and this happens no more."
    ),
}


def why_failed(answer: NoTokens) -> str:
    """Say why no tokens came, and what to do."""
    return f"{_FAULTS[answer.fault]} ({answer})"


def why_rejected() -> str:
    """Say what follows from a client's credential that a proof has shown to be rejected."""
    return _FAULTS[Fault.CLIENT]


def why_author_left(who: str, left: Departure) -> str:
    """Say that who granted a connection is no longer active at Okta, and what to do."""
    return (
        f"Who authorized it{f' ({who})' if who else ''} was {left.how} at Okta on "
        f"{left.at:%Y-%m-%d %H:%M} UTC, which ends what they have granted: have a service account "
        "authorize the connection, which stays when people go."
    )


def why_lapsed(cause: Cause) -> str:
    """Say why somebody has to authorize again."""
    return _CAUSES[cause]
