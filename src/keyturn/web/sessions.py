"""Who is logged in at a browser, and whether a form comes from one of our own pages.

The session is an access token in a cookie that scripts cannot read. A form carries a token made of
the session's, another text each time (so that its compressed length tells nothing), and it has to
come from where the page came from.
"""

import base64
import hashlib
import hmac
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from keyturn.domain.errors import Forbidden
from keyturn.domain.sensitive import Sensitive

FIELD: Final = "form_token"
STRANGE: Final = (
    "This form does not come from a page of this log-in, so nothing was done. "
    "Load the page again and send it from there."
)
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


def require_own_form(request: Request, token: str, session: Sensitive | None) -> None:
    """Raise Forbidden for a form that no page of this session has sent."""
    require_own_site(request)
    if session is None or not hmac.compare_digest(_unpadded(token), _proof(session)):
        raise Forbidden(STRANGE)


def require_own_site(request: Request) -> None:
    """Raise Forbidden for a form of another site, by what the browser says of it.

    Every browser of today tells the site (Fetch Metadata). The origin, which is kept back by a page
    that hides where people come from, is asked where that is not told.
    """
    site, host = request.headers.get("sec-fetch-site"), request.headers.get("host", "")
    origin = request.headers.get("origin", f"https://{host}")
    ours = site == "same-origin" if site else origin.partition("://")[2] == host
    if not ours:
        raise Forbidden(STRANGE)


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
