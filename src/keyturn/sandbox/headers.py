"""The headers that every answer of the org carries, as they were recorded; nothing of its body."""

from datetime import datetime
from email.utils import formatdate
from functools import lru_cache

from keyturn.sandbox.http import Answer, RawHeader

NO_CACHE: tuple[RawHeader, ...] = (
    (b"cache-control", b"no-cache, no-store"),
    (b"pragma", b"no-cache"),
    (b"expires", b"0"),
)
DAY_S = 86_400
SERVER = (b"server", b"nginx")
TRANSPORT_SECURITY = (b"strict-transport-security", b"max-age=315360000; includeSubDomains")
NO_SNIFF = (b"x-content-type-options", b"nosniff")
SAME_ORIGIN = (b"x-frame-options", b"SAMEORIGIN")
POLICY = (
    "default-src 'self' *.oktacdn.com; connect-src 'self' *.oktacdn.com; "
    "script-src 'unsafe-inline' 'unsafe-eval' 'self' *.oktacdn.com; "
    "style-src 'unsafe-inline' 'self' *.oktacdn.com; "
    "img-src 'self' *.oktacdn.com data: blob:; font-src data: 'self' *.oktacdn.com; "
    "frame-ancestors 'self'"
)
# Machines get them too; the sandbox's own pages go without, for they are not Okta's.
FOR_BROWSERS: tuple[RawHeader, ...] = (
    (b"accept-ch", b"Sec-CH-UA-Platform-Version"),
    (b"content-security-policy", POLICY.encode()),
)


def render_headers(answer: Answer, request_id: str, date: datetime) -> list[RawHeader]:
    """Return the headers of one answer; a 429 tells nothing of caching.

    The session cookie follows the request's id, and with it the seed: no session is behind it.
    """
    raw_id = request_id.encode()
    headers: list[RawHeader] = [
        (b"date", _render_date(int(date.timestamp()))),
        SERVER,
        (b"x-okta-request-id", raw_id),
        TRANSPORT_SECURITY,
        SAME_ORIGIN if answer.status == 204 else NO_SNIFF,
    ]
    if answer.status != 429:
        headers += NO_CACHE
    if not _is_for_people(answer):
        cookie = b"JSESSIONID=%b; Path=/; Secure; HttpOnly" % raw_id[::-1].upper()
        headers.append((b"set-cookie", cookie))
        headers += FOR_BROWSERS
    return headers


def _is_for_people(answer: Answer) -> bool:
    page = answer.content_type is not None and answer.content_type.startswith("text/html")
    return page or 300 <= answer.status < 400


def _render_date(second: int) -> bytes:
    day, left = divmod(second, DAY_S)
    return b"%b%02d:%02d:%02d GMT" % (_render_day(day), left // 3600, left // 60 % 60, left % 60)


@lru_cache(maxsize=8)
def _render_day(day: int) -> bytes:
    return formatdate(day * DAY_S, usegmt=True)[: -len("00:00:00 GMT")].encode()
