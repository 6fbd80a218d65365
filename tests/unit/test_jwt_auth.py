"""Which claims prove an identity: each is looked at, and nothing to look at is a no."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from keyturn.domain.errors import InvalidInput, Unauthenticated
from keyturn.domain.identity import AuthMethod
from keyturn.domain.ids import IdentityId
from keyturn.domain.jwt_auth import JwtAuth, KeySource, checked_checks, checked_source

NOW = datetime(2026, 1, 1, tzinfo=UTC)
AT = int(NOW.timestamp())
AUTH = JwtAuth(
    IdentityId("i"),
    AuthMethod.OIDC,
    KeySource("https://issuer", jwks_url="https://issuer/keys"),
    NOW,
    audiences=("keyturn", "other"),
    subject="repo:org/*:ref:refs/heads/main",
    claims=("environment", "prod", "environment", "staging", "/kubernetes.io/namespace", "app-*"),
)
GOOD: dict[str, object] = {
    "iss": "https://issuer",
    "aud": "keyturn",
    "sub": "repo:org/app:ref:refs/heads/main",
    "exp": AT + 60,
    "nbf": AT,
    "iat": AT,
    "environment": "prod",
    "kubernetes.io": {"namespace": "app-1"},
}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"aud": ["x", "other"]},
        {"environment": ["dev", "staging"]},
        {"exp": AT - 29},
        {"nbf": AT + 30},
        {"nbf": None, "iat": None},
        {"exp": AT + 0.5},
    ],
)
def test_a_token_that_says_all_that_is_asked_is_good(changes: dict[str, object]) -> None:
    """One audience of several, one value of several, and clocks half a minute apart will do."""
    AUTH.require(GOOD | changes, NOW)


@pytest.mark.parametrize(
    ("changes", "claim"),
    [
        ({"iss": "https://issuer/"}, "iss"),
        ({"iss": None}, "iss"),
        ({"aud": "someone"}, "aud"),
        ({"aud": ["keyturn2"]}, "aud"),
        ({"aud": None}, "aud"),
        ({"aud": 1}, "aud"),
        ({"sub": "repo:org/app:ref:refs/heads/main2"}, "sub"),
        ({"sub": "repo:org2/app:ref:refs/heads/main"}, "sub"),
        ({"sub": None}, "sub"),
        ({"environment": "dev"}, "environment"),
        ({"environment": None}, "environment"),
        ({"environment": []}, "environment"),
        ({"environment": {"prod": "prod"}}, "environment"),
        ({"kubernetes.io": {"namespace": "web"}}, "/kubernetes.io/namespace"),
        ({"kubernetes.io": "app-1"}, "/kubernetes.io/namespace"),
        ({"exp": "tomorrow"}, "exp"),
        ({"exp": True}, "exp"),
        ({"exp": float("nan")}, "exp"),
        ({"exp": 10**400}, "exp"),
        ({"nbf": float("nan")}, "nbf"),
    ],
)
def test_a_claim_that_does_not_fit_is_named(changes: dict[str, object], claim: str) -> None:
    """Each is refused alone, with its name and without its value."""
    with pytest.raises(Unauthenticated, match=f"The claim {claim} of the JWT"):
        AUTH.require(GOOD | changes, NOW)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"exp": AT - 30}, "expired"),
        ({"exp": None}, "expired"),
        ({"nbf": AT + 31}, "future"),
        ({"iat": AT + 31}, "future"),
    ],
)
def test_a_token_is_of_now(changes: dict[str, object], why: str) -> None:
    """A token without an end, past it, or from the future is refused."""
    with pytest.raises(Unauthenticated, match=why):
        AUTH.require(GOOD | changes, NOW)


def test_nothing_to_check_lets_nobody_in() -> None:
    """An identity without audience, subject and claims cannot be logged in to, nor made."""
    empty = replace(AUTH, audiences=(), subject="", claims=())
    with pytest.raises(Unauthenticated, match="asks for nothing"):
        empty.require(GOOD, NOW)
    with pytest.raises(InvalidInput):
        checked_checks(empty)
    with pytest.raises(Unauthenticated, match="asks for nothing"):
        replace(AUTH, keys=KeySource("")).require(GOOD | {"iss": ""}, NOW)


@pytest.mark.parametrize(
    ("pattern", "fits", "misses"),
    [
        ("a", ["a"], ["", "b", "aa"]),
        ("a*", ["a", "ab", "a*"], ["", "ba"]),
        ("*a", ["a", "ba"], ["ab"]),
        ("*", ["", "x"], []),
        ("a*a", ["aa", "aba"], ["a", "ab"]),
        ("a*b*c", ["abc", "axbxc", "abcbc"], ["ac", "acb"]),
        ("*ab*ba*", ["abba", "xabxbax"], ["aba", "baab"]),
        ("1", ["1", 1], [True, 1.0, None]),
        ("true", ["true", True], [1]),
        ("None", ["None"], [None]),
        ("[a]", ["[a]"], ["a"]),
    ],
)
def test_patterns(pattern: str, fits: list[object], misses: list[object]) -> None:
    """A star stands for any text, and everything else is itself."""
    auth = replace(AUTH, claims=("x", pattern))
    for found in fits:
        auth.require(GOOD | {"x": found}, NOW)
    for found in misses:
        with pytest.raises(Unauthenticated):
            auth.require(GOOD | {"x": found}, NOW)


@pytest.mark.parametrize(
    "source",
    [
        KeySource("i"),
        KeySource("i", "https://a", "https://b"),
        KeySource("i", jwks_url="https://b", public_keys=("pem",)),
        KeySource("", jwks_url="https://b"),
        KeySource("i" * 256, jwks_url="https://b"),
        KeySource("i", public_keys=("x" * 8193,)),
    ],
)
def test_keys_come_from_one_source(source: KeySource) -> None:
    """None, several, or no issuer: the caller is told which field."""
    with pytest.raises(InvalidInput):
        checked_source(source)


@pytest.mark.parametrize(
    "changes",
    [{"claims": ("a", "")}, {"audiences": ("",)}, {"subject": "x" * 256}, {"claims": ("a",) * 102}],
)
def test_what_is_asked_of_claims_has_bounds(changes: dict[str, object]) -> None:
    """Neither empty names nor endless tables are kept."""
    with pytest.raises(InvalidInput):
        checked_checks(replace(AUTH, **changes))
