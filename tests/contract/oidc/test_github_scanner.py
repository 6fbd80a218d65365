"""What GitHub has signed, and how often it is asked for its keys."""

import base64
from datetime import UTC, datetime

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from leak_report_kit import KEY, KEYS_URL, GitHub, message, pem, signature

from keyturn.adapters.oidc import GitHubScanner
from keyturn.domain.errors import IssuerUnreachable, NotFound, Unauthenticated
from keyturn.jose.detached import has_signed
from keyturn.services.ports import NoScanners
from keyturn.testing import ManualClock

BODY = message("some-value")
SAMPLE = b'[{"token":"some_token","type":"some_type","url":"some_url","source":"some_source"}]'
"""GitHub's own sample, its signature, and the test key that made it (docs.github.com)."""
SAMPLE_SIGNATURE = (
    "MEUCIFLZzeK++IhS+y276SRk2Pe5LfDrfvTXu6iwKKcFGCrv"
    "AiEAhHN2kDOhy2I6eGkOFmxNkOJ+L2y8oQ9A2T9GGJo6WJY="
)
SAMPLE_KEY = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEsz9ugWDj5jK5ELBK42ynytbo38gP
HzZFI03Exwz8Lh/tCfL3YxwMdLjB+bMznsanlhK0RwcGP3IDb34kQDIo3Q==
-----END PUBLIC KEY-----"""


@pytest.fixture
def github() -> GitHub:
    """Begin with a GitHub that has one key."""
    return GitHub()


@pytest.fixture
def clock() -> ManualClock:
    """Begin at some moment."""
    return ManualClock(datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def scanner(github: GitHub, clock: ManualClock) -> GitHubScanner:
    """Reach it."""
    return GitHubScanner(KEYS_URL, clock, lambda: httpx2.MockTransport(github.answer))


def test_githubs_own_sample_is_proved() -> None:
    """A key, a message and a signature as its documentation has them; no other letter is."""
    assert has_signed(SAMPLE_KEY, SAMPLE, SAMPLE_SIGNATURE)
    assert not has_signed(SAMPLE_KEY, SAMPLE + b" ", SAMPLE_SIGNATURE)


def test_only_the_keys_of_the_right_kind_prove_anything() -> None:
    """RSA, another curve, another key, what is no key, and what is no signature."""
    curve = ec.generate_private_key(ec.SECP384R1())
    rsa = generate_private_key(65537, 2048).public_key()
    form = PublicFormat.SubjectPublicKeyInfo
    wrong = [pem(ec.generate_private_key(ec.SECP256R1())), "", "\ud800", "-----BEGIN X-----"]
    for each in (*wrong, rsa.public_bytes(Encoding.PEM, form).decode(), pem(curve)):
        assert not has_signed(each, BODY, signature(BODY))
    assert not has_signed(pem(curve), BODY, signature(BODY, curve))
    for each in ("", "?", "é", base64.b64encode(b"x").decode(), signature(BODY) + "!"):
        assert not has_signed(pem(KEY), BODY, each)


async def test_what_github_has_signed_passes(scanner: GitHubScanner, github: GitHub) -> None:
    """Its keys are asked for once for many messages."""
    for _ in range(3):
        await scanner.verify(BODY, key_id="one", signature=signature(BODY))
    assert github.asked == 1
    await scanner.aclose()


@pytest.mark.parametrize("key_id", ["", "one", "two"])
async def test_what_it_has_not_signed_does_not(scanner: GitHubScanner, key_id: str) -> None:
    """Nor what names no key, or one that it does not publish."""
    with pytest.raises(Unauthenticated):
        await scanner.verify(BODY, key_id=key_id, signature=signature(BODY + b" "))
    with pytest.raises(Unauthenticated):
        await scanner.verify(BODY, key_id=key_id, signature="")


async def test_a_new_key_is_asked_for_but_not_over_and_over(
    scanner: GitHubScanner, github: GitHub, clock: ManualClock
) -> None:
    """Whoever makes keys up has GitHub asked once in half a minute; one that it dropped is out."""
    await scanner.verify(BODY, key_id="one", signature=signature(BODY))
    for n in range(5):
        with pytest.raises(Unauthenticated):
            await scanner.verify(BODY, key_id=f"made up {n}", signature=signature(BODY))
    assert github.asked == 1
    new = github.keys["two"] = ec.generate_private_key(ec.SECP256R1())
    clock.advance(30)
    await scanner.verify(BODY, key_id="two", signature=signature(BODY, new))
    del github.keys["one"]
    clock.advance(300)
    with pytest.raises(Unauthenticated):
        await scanner.verify(BODY, key_id="one", signature=signature(BODY))
    assert github.asked == 3


async def test_an_outage_is_outlasted_for_an_hour(
    scanner: GitHubScanner, github: GitHub, clock: ManualClock
) -> None:
    """Keys that are known go on; without any, GitHub has to come again."""
    await scanner.verify(BODY, key_id="one", signature=signature(BODY))
    github.status = 503
    clock.advance(3599)
    await scanner.verify(BODY, key_id="one", signature=signature(BODY))
    clock.advance(1)
    with pytest.raises(IssuerUnreachable):
        await scanner.verify(BODY, key_id="one", signature=signature(BODY))


@pytest.mark.parametrize(
    "document",
    [
        {"public_keys": {}},
        {"public_keys": [1, {"key": "x"}, {"key_identifier": "one"}]},
        {"a": 1},
        [1],
        {"public_keys": [{"key_identifier": "one", "key": "x" * 300_000}]},
    ],
)
async def test_what_are_no_keys_proves_nothing(
    scanner: GitHubScanner, github: GitHub, document: object
) -> None:
    """Whatever GitHub, or who stands in for it, answers."""
    github.document = document
    with pytest.raises((Unauthenticated, IssuerUnreachable)):
        await scanner.verify(BODY, key_id="one", signature=signature(BODY))


async def test_without_the_setting_there_is_nothing_to_prove() -> None:
    """Whoever set this up is told which setting is missing."""
    with pytest.raises(NotFound, match="KEYTURN_GITHUB_KEYS_URL"):
        await NoScanners().verify(BODY, key_id="one", signature="x")
