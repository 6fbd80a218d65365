"""Where an authorization server may send a browser back to.

Decides on two kinds of addresses: one on which a command on the browser's own machine listens, and
Keyturn's own. An authorization code passes nowhere without TLS but inside one machine (RFC 9700,
2.6).
"""

import re

from keyturn.domain.errors import FieldProblem, InvalidInput

CALLBACK_PATH = "/api/v1/oauth/callback"
BEGIN_PATH = "/api/v1/oauth/begin"
REAUTHORIZE_PATH = "/api/v1/oauth/reauthorize"
OF_BROWSERS = (BEGIN_PATH, CALLBACK_PATH, REAUTHORIZE_PATH)
"""The addresses that only people's browsers are sent to."""

COOKIE = "keyturn_oauth"
"""Holds what nobody but the browser that was sent away knows, until it comes back."""
COOKIE_PATH = "/api/v1/oauth"

_PORT = r":([0-9]{1,5})"
_LOOPBACK = rf"http://(127\.0\.0\.1|\[::1\]){_PORT}(/[A-Za-z0-9._~/-]*)?"
_HOST = r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?"
_PUBLIC = rf"https://{_HOST}({_PORT})?|http://(localhost|127\.0\.0\.1|\[::1\])({_PORT})?"


def loopback_uri(text: str) -> str:
    """Return an address on which somebody listens for the answer (RFC 8252, 7.3).

    ``localhost`` is none: it may lead elsewhere (8.3). Raises InvalidInput.
    """
    found = re.fullmatch(_LOOPBACK, text)
    if found is None or not 0 < int(found[2]) < 2**16:
        rule = "must be http://127.0.0.1:PORT/PATH or http://[::1]:PORT/PATH, where you listen"
        raise InvalidInput(FieldProblem(("redirectUri",), rule))
    return text


def public_url(text: str) -> str:
    """Return the address by which browsers reach Keyturn, without a slash at its end.

    Raises ValueError.
    """
    url = text.strip().rstrip("/")
    if url and not re.fullmatch(_PUBLIC, url):
        raise ValueError("must be https://HOST or https://HOST:PORT; http on this machine alone")
    return url


def callback_uri(public: str) -> str:
    """Return where browsers come back to Keyturn itself; empty where nobody said how."""
    return public and public + CALLBACK_PATH


def reauthorization_page(connection_id: str) -> str:
    """Return the path of the page that says how somebody is asked again; it opens nothing."""
    return f"{REAUTHORIZE_PATH}?connection={connection_id}"
