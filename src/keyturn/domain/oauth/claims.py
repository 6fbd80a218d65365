"""What an ID token has to say before it is believed (OpenID Connect Core 1.0, 3.1.3.7).

Decides on claims whose signature has been proved. An ID token tells who granted a connection, or
who logs in, and nothing else: it is never sent anywhere.
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from keyturn.domain.errors import Refused
from keyturn.domain.sensitive import Sensitive

SKEW = timedelta(seconds=60)
SUBJECT_MAX = 255
AGE_MAX = timedelta(minutes=10)
"""An ID token answers a code that was just issued."""


@dataclass(frozen=True)
class Expected:
    """What this ID token was asked for: by whom, of whom, with which nonce, beside which token.

    With ``since``, somebody has to have proved who they are after that.
    """

    issuer: str
    client_id: str
    nonce: str
    access: Sensitive = field(repr=False)
    since: datetime | None = None


@dataclass(frozen=True)
class Subject:
    """Whom an ID token is about: ``id`` is its ``sub``, ``shown`` is what people know them by."""

    id: str = ""
    shown: str = ""


NOBODY = Subject()
"""Who granted something where no ID token tells."""


def subject_of(claims: Mapping[str, object], expected: Expected, now: datetime) -> Subject:
    """Return whom an ID token is about. Raises Refused where a claim does not hold."""
    require_made_for(claims, expected, now)
    own_id = fit_to_show(claims.get("sub"))
    return Subject(own_id, fit_to_show(claims.get("email")) or own_id)


def require_made_for(claims: Mapping[str, object], expected: Expected, now: datetime) -> None:
    """Raise Refused, which names the claim, for an ID token that was made for something else."""
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    checks = (
        (claims.get("iss") == expected.issuer, "iss"),
        (expected.client_id in audiences, "aud"),
        (claims.get("azp", expected.client_id) == expected.client_id, "azp"),
        (len(audiences) == 1 or "azp" in claims, "azp"),
        (_at(claims.get("exp"), now - SKEW, None), "exp"),
        (_at(claims.get("iat"), now - AGE_MAX, now + SKEW), "iat"),
        (claims.get("nonce") == expected.nonce, "nonce"),
        (claims.get("at_hash") in (None, *_half_hashes(expected.access)), "at_hash"),
        (_proved_since(claims, expected.since), "auth_time"),
    )
    wrong = next((claim for holds, claim in checks if not holds), None)
    if wrong:
        raise Refused(
            f"The ID token that came with the tokens was not made for this: its {wrong} does not "
            "fit. Nothing was kept; look at the registration's issuer and client id."
        )


def fit_to_show(told: object) -> str:
    """Return what a claim says, or nothing for what is no short text."""
    fits = isinstance(told, str) and len(told) <= SUBJECT_MAX and told.isprintable()
    return str(told) if fits else ""


def _proved_since(claims: Mapping[str, object], since: datetime | None) -> bool:
    """Say whether somebody proved who they are since then, where that is wanted (3.1.2.1)."""
    return since is None or _at(claims.get("auth_time"), since - SKEW, None)


def _at(told: object, after: datetime, before: datetime | None) -> bool:
    """Say whether a moment lies after one and, where it is given, before another."""
    if not isinstance(told, int | float):
        return False
    try:
        moment = datetime.fromtimestamp(told, UTC)
    except (ValueError, OverflowError, OSError):
        return False
    return moment > after and (before is None or moment < before)


def _half_hashes(token: Sensitive) -> Iterator[str]:
    """Return the left halves of a token's hashes (3.1.3.6); the signature's says which it is."""
    for algorithm in (hashlib.sha256, hashlib.sha384, hashlib.sha512):
        digest = algorithm(token.reveal().encode()).digest()
        yield urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
