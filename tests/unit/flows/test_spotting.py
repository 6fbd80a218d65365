"""Keys and tokens are seen in a text, and never shown."""

import random
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.domain.flows.spotting import find_keys, looks_secret

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmVk"


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN PRIVATE KEY-----",
        'key: "-----BEGIN RSA PRIVATE KEY-----\\nMII"',
        f"# {JWT}",
        "Authorization: SSWS 00abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN",
        "authorization: bearer abcdefghijklmnop",
        "key: 9f86d081884c7d659a2feaa0c55ad015",
        "key: qL8mB0v/T2kX9rWcYz4+HsN6uJ1eGdPa",
        "url: https://a.test/keys/qL8mB0vT2kX9rWcYz4HsN6uJ1eGdPaQ3",
        "x-api-key: sk_live_abcdEFGH",
        "key: AKIAABCDEFGHIJKLMNOP",
        "url: https://user:passw0rd@a.test/",
    ],
)
def test_keys_are_found(text: str) -> None:
    """Whatever form they have; what is said of it holds nothing of it."""
    (found,) = find_keys(f"flow: a\n{text}\n")
    assert found.line == 2
    assert not any(word in found.rule for word in text.split() if len(word) > 5)


@pytest.mark.parametrize(
    "text",
    [
        "url: https://example.okta.com/api/v1/apps/0oa1Ab2Cd3Ef4Gh5Ij6k/credentials/secrets",
        "id: 6f1c2f0e-8f4f-4a64-9f6d-2d8e35c1a5a1",
        "scope: okta.users.manage okta.devices.read",
        "note: a_very_long_name_of_a_card_that_does_nothing_but_compute",
        'headers: {Authorization: "Bearer {{ secrets.token }}"}',
        "description: Takes a Bearer token",
        "url: https://{{ start.query.user }}:{{ secrets.key }}@a.test/",
        "url: https://a.test:8443/b@c",
        "line: ----------------------------------------------------------",
        "number: 00000000000000000000000000000000",
    ],
)
def test_other_texts_are_left_alone(text: str) -> None:
    """Names, ids and addresses are no keys."""
    assert not looks_secret(text)


def test_random_keys_are_found() -> None:
    """Keys of 16 bytes are seen in base 16, and nearly all of 32 bytes in base 64."""
    keys = [random.Random(seed).randbytes(32) for seed in range(500)]
    assert all(looks_secret(f"key: {key[:16].hex()}") for key in keys)
    missed = [key for key in keys if not looks_secret(f"key: {b64encode(key).decode()}")]
    assert len(missed) < 5


@given(st.text(max_size=60))
def test_any_text_can_be_searched(text: str) -> None:
    """The lines of what is found are lines of the text."""
    assert all(
        1 <= each.line <= text.count("\n") + text.count("\r") + 1 for each in find_keys(text)
    )


def test_many_keys_are_told_up_to_a_number() -> None:
    """A file full of keys is not listed whole."""
    assert len(find_keys(f"{JWT}\n" * 1000)) == 50
