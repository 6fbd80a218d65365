"""Who is logged in at a browser, and whether a form comes from one of our own pages.

The session is an access token in a cookie that scripts cannot read. A form carries a token made of
the session's, another text each time (so that its compressed length tells nothing), and it has to
come from where the page came from.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from keyturn.domain.errors import Forbidden
from keyturn.domain.sensitive import Sensitive

FIELD: Final = "form_token"
STRANGE: Final = (
    "This form does not come from a page of this log-in, so nothing was done. "
    "Load the page again and send it from there."
)
PORTS: Final[Mapping[str, int]] = MappingProxyType({"http": 80, "https": 443})
_BYTES: Final = 32


def cookie_name(*, secure: bool) -> str:
    """Return the name of the session's cookie; by TLS one that no other host can set."""
    return "__Host-keyturn" if secure else "keyturn"


def session_of(request: Request, *, secure: bool) -> Sensitive | None:
    """Return the token that a browser brings, if any."""
    found = request.cookies.get(cookie_name(secure=secure), "")
    return Sensitive(found) if found else None


def keep(answer: Response, token: Sensitive, *, lasts_s: int, secure: bool) -> None:
    """Have the browser keep a session; other sites' links lead to it, their forms do not."""
    answer.set_cookie(
        cookie_name(secure=secure),
        token.reveal(),
        max_age=lasts_s,
        path="/",
        secure=secure,
        httponly=True,
        samesite="lax",
    )


def forget(answer: Response, *, secure: bool) -> None:
    """Have the browser forget its session."""
    name = cookie_name(secure=secure)
    answer.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="lax")


def form_token(session: Sensitive, pad: bytes) -> str:
    """Return a text that only a page of this session can carry; ``pad`` is 32 random bytes."""
    hidden = bytes(one ^ other for one, other in zip(pad, _proof(session), strict=True))
    return base64.urlsafe_b64encode(pad + hidden).decode()


def is_proof(token: str, session: Sensitive | None) -> bool:
    """Say whether a form's token is one that only a page of this session has."""
    return session is not None and hmac.compare_digest(_unpadded(token), _proof(session))


def require_own_site(request: Request, public_url: str) -> None:
    """Raise Forbidden for a form of another site, by what the browser says of it.

    ``public_url`` is where browsers find us. What says nothing at all is no browser of today.
    """
    told = "sec-fetch-site" in request.headers or "origin" in request.headers
    if told and not comes_from_here(request, public_url):
        raise Forbidden(STRANGE)


def comes_from_here(request: Request, public_url: str) -> bool:
    """Say whether the browser says that a form comes from our own site.

    Every browser of today tells the site (Fetch Metadata), but to a server that it trusts alone: by
    TLS, or at home. The origin, which is kept back by a page that hides where people come from, is
    asked where that is not told: it is that of ``public_url``, or the host that was asked for; a
    proxy may have put another there.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin", "")
    if site:
        return site == "same-origin"
    if origin.partition("://")[2] == request.headers.get("host", ""):
        return bool(origin)
    found = _origin(origin)
    return found is not None and found == _origin(public_url)


def _origin(url: str) -> tuple[str, str, int | None] | None:
    """Return an address as origins are told apart (RFC 6454, 4 and 5); None where it has none."""
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS.get(parts.scheme)
    except ValueError:
        return None
    return (parts.scheme, parts.hostname, port) if parts.hostname else None


def _proof(session: Sensitive) -> bytes:
    return hashlib.sha256(b"form of " + session.reveal().encode()).digest()


def _unpadded(text: str) -> bytes:
    try:
        found = base64.urlsafe_b64decode(text.encode())
    except ValueError:
        return b""
    if len(found) != 2 * _BYTES:
        return b""
    return bytes(one ^ other for one, other in zip(found[:_BYTES], found[_BYTES:], strict=True))
