"""Where a browser may be sent back to: this machine, or Keyturn's own address."""

import pytest
from pydantic import ValidationError

from keyturn.domain.errors import InvalidInput
from keyturn.domain.oauth.redirects import (
    callback_uri,
    loopback_uri,
    public_url,
    reauthorization_page,
)
from keyturn.settings import Settings

LOOPBACK = [
    "http://127.0.0.1:49152/callback",
    "http://127.0.0.1:1",
    "http://[::1]:65535/a/b-c_d.e~f",
]
ELSEWHERE = [
    "",
    "http://localhost:7777/callback",
    "http://127.0.0.1/callback",
    "http://127.0.0.1:0/callback",
    "http://127.0.0.1:65536/callback",
    "https://127.0.0.1:7777/callback",
    "http://127.0.0.2:7777/callback",
    "http://127.0.0.1:7777@evil.example.com/callback",
    "http://127.0.0.1:7777.evil.example.com/callback",
    "http://127.0.0.1:7777/callback?to=evil",
    "http://127.0.0.1:7777/callback#x",
    "http://127.0.0.1:7777/call back",
    "http://127.0.0.1:7777/callback\n",
    "http://[::1]:7777callback",
    "http://evil.example.com:7777/callback",
]


@pytest.mark.parametrize("uri", LOOPBACK)
def test_a_loopback_address_with_a_port_is_taken(uri: str) -> None:
    """RFC 8252, 7.3: both literals, any port."""
    assert loopback_uri(uri) == uri


@pytest.mark.parametrize("uri", ELSEWHERE)
def test_nothing_else_is_one(uri: str) -> None:
    """Not even a name that mostly leads to this machine (8.3); the refusal names the field."""
    with pytest.raises(InvalidInput, match=r"redirectUri: must be http://127\.0\.0\.1:PORT"):
        loopback_uri(uri)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("", ""),
        ("https://keyturn.example.com", "https://keyturn.example.com"),
        (" https://keyturn.example.com:8443/ ", "https://keyturn.example.com:8443"),
        ("http://localhost:8700", "http://localhost:8700"),
        ("http://127.0.0.1", "http://127.0.0.1"),
        ("http://[::1]:8700", "http://[::1]:8700"),
    ],
)
def test_a_public_address_is_an_origin(text: str, url: str) -> None:
    """What is appended to it has to be right: no slash is left at its end."""
    assert public_url(text) == url


@pytest.mark.parametrize(
    "text",
    [
        "keyturn.example.com",
        "http://keyturn.example.com",
        "https://keyturn.example.com/path",
        "https://user@keyturn.example.com",
        "https://keyturn.example.com?x",
        "https://-",
        "ftp://keyturn.example.com",
    ],
)
def test_no_code_passes_without_tls(text: str) -> None:
    """RFC 9700, 2.6: http is for this machine alone, and an address is no more than an origin."""
    with pytest.raises(ValueError, match="must be https://HOST"):
        public_url(text)


def test_where_browsers_come_back_to() -> None:
    """Nowhere, while nobody has said by which address they find Keyturn."""
    assert callback_uri("https://k.example.com") == "https://k.example.com/api/v1/oauth/callback"
    assert callback_uri("") == ""


def test_the_setting_follows_the_rule() -> None:
    """What is set wrongly is told when Keyturn starts, and not when somebody comes back."""
    assert Settings(public_url="https://k.example.com/").public_url == "https://k.example.com"
    with pytest.raises(ValidationError, match="public_url"):
        Settings(public_url="http://k.example.com")


def test_the_page_of_a_notice_names_its_connection_and_no_key() -> None:
    """It is a path: where browsers find Keyturn is known when the notice is brought."""
    assert reauthorization_page("c-1") == "/api/v1/oauth/reauthorize?connection=c-1"
