"""Which claims of an ID token are believed: each is looked at, and one that fails is named."""

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from keyturn.domain.errors import Refused
from keyturn.domain.oauth.claims import Expected, Subject, subject_of
from keyturn.domain.sensitive import Sensitive

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
AT = NOW.timestamp()
# The left half of this token's SHA-384 ends with an X: only padding is taken away.
EXPECTED = Expected("https://as.example", "id", "a-nonce", Sensitive("token-11"))
GOOD: dict[str, object] = {
    "iss": "https://as.example",
    "aud": "id",
    "sub": "00u1",
    "exp": int(AT) + 300,
    "iat": int(AT),
    "nonce": "a-nonce",
}


def half(algorithm: str, token: bytes = b"token-11") -> str:
    """Return the left half of a hash, as ``at_hash`` has it."""
    digest = hashlib.new(algorithm, token).digest()
    return urlsafe_b64encode(digest[: len(digest) // 2]).decode().rstrip("=")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"aud": ["id"]},
        {"azp": "id"},
        {"aud": ["other", "id"], "azp": "id"},
        {"exp": AT - 59.5},
        {"iat": AT + 59.5},
        {"iat": AT - 599.5},
        {"at_hash": half("sha256")},
        {"at_hash": half("sha384")},
        {"at_hash": half("sha512")},
    ],
)
def test_a_token_that_was_made_for_this_is_believed(changes: dict[str, object]) -> None:
    """Clocks a minute apart will do, and a hash of the access token of any size (3.1.3.6)."""
    assert subject_of(GOOD | changes, EXPECTED, NOW) == Subject("00u1", "00u1")


@pytest.mark.parametrize(
    ("changes", "claim"),
    [
        ({"iss": "https://as.example/"}, "iss"),
        ({"iss": None}, "iss"),
        ({"aud": "other"}, "aud"),
        ({"aud": None}, "aud"),
        ({"aud": []}, "aud"),
        ({"aud": {"id": 1}}, "aud"),
        ({"azp": "other"}, "azp"),
        ({"azp": None}, "azp"),
        ({"aud": ["id", "other"]}, "azp"),
        ({"exp": AT - 60}, "exp"),
        ({"exp": None}, "exp"),
        ({"exp": str(AT + 60)}, "exp"),
        ({"exp": True}, "exp"),
        ({"exp": float("nan")}, "exp"),
        ({"exp": 10**400}, "exp"),
        ({"exp": float("inf")}, "exp"),
        ({"exp": 1e15}, "exp"),
        ({"iat": AT + 60}, "iat"),
        ({"iat": AT - 600}, "iat"),
        ({"iat": None}, "iat"),
        ({"nonce": "another"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"at_hash": half("sha256", b"another")}, "at_hash"),
        ({"at_hash": half("md5")}, "at_hash"),
        ({"at_hash": ""}, "at_hash"),
        ({"at_hash": []}, "at_hash"),
    ],
)
def test_a_claim_that_does_not_hold_is_named(changes: dict[str, object], claim: str) -> None:
    """Nothing is kept of a token made for another client, server, time or answer (3.1.3.7)."""
    with pytest.raises(Refused) as refused:
        subject_of(GOOD | changes, EXPECTED, NOW)
    assert refused.value.message == (
        f"The ID token that came with the tokens was not made for this: its {claim} does not fit. "
        "Nothing was kept; look at the registration's issuer and client id."
    )


@pytest.mark.parametrize("at", [AT - 59.5, AT, AT + 30])
def test_who_has_just_proved_themselves_is_believed(at: float) -> None:
    """Where that is wanted, within a minute that clocks may be apart (3.1.2.1)."""
    wanted = replace(EXPECTED, since=NOW)
    assert subject_of(GOOD | {"auth_time": at}, wanted, NOW) == Subject("00u1", "00u1")


@pytest.mark.parametrize("at", [AT - 60, 0, True, None, "now", float("nan"), 10**400])
def test_who_proved_themselves_before_is_not(at: object) -> None:
    """What a server remembers of somebody is no proof of who sits there now."""
    wanted = replace(EXPECTED, since=NOW)
    with pytest.raises(Refused, match="its auth_time does not fit"):
        subject_of(GOOD | {"auth_time": at}, wanted, NOW)
    assert subject_of(GOOD | {"auth_time": at}, EXPECTED, NOW).id == "00u1"


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"email": "a@example.com"}, "a@example.com"),
        ({"email": ""}, "00u1"),
        ({"sub": None}, ""),
        ({"sub": "s" * 255}, "s" * 255),
        ({"sub": "s" * 256}, ""),
        ({"email": 7}, "00u1"),
        ({"email": "a\x00b"}, "00u1"),
        ({"email": "\ud800", "sub": ["x"]}, ""),
    ],
)
def test_somebody_is_called_by_what_people_know(changes: dict[str, object], shown: str) -> None:
    """The address where there is one, and the id otherwise."""
    assert subject_of(GOOD | changes, EXPECTED, NOW).shown == shown


@pytest.mark.parametrize(
    ("changes", "own_id"),
    [({"email": "a@example.com"}, "00u1"), ({"sub": 7}, ""), ({"sub": ""}, "")],
)
def test_somebody_is_known_again_by_an_id_alone(changes: dict[str, object], own_id: str) -> None:
    """Addresses are given away and changed; ``sub`` is never anybody else's (OIDC Core, 5.7)."""
    assert subject_of(GOOD | changes, EXPECTED, NOW).id == own_id


def test_the_access_token_is_in_no_repr() -> None:
    """It stands beside the claims only to be hashed."""
    assert "token-11" not in repr(EXPECTED)
