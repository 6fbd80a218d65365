"""Requests to services: how the inputs of a card become one, and its answer outputs.

Decides what may stand in an address, a header and a body, so that no value of a flow ends one part
and begins another. Knows nothing of connections, and sends nothing.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, unquote, urljoin, urlsplit

from keyturn.domain.flows.failures import CardFailure, Failure, wrong_input
from keyturn.domain.flows.values import (
    Kind,
    TooLarge,
    Value,
    kind_of,
    length_of,
    parse_json,
    text_of,
)

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""The methods that change nothing (RFC 9110, 9.2.1)."""
URL_MAX: Final = 8192
DEPTH_MAX: Final = 90
"""How deep a body in JSON may be: what it is put into may not be deeper than a run can hold."""
BODY_MAX: Final = 10 * 1024 * 1024
HEADERS_MAX: Final = 64 * 1024
PARTS_MAX: Final = 1_000_000
"""How many values a body in JSON may have: each takes more than the few bytes that tell it."""
JSON_TYPE: Final = "application/json"
FORM_TYPE: Final = "application/x-www-form-urlencoded"
_URL = re.compile(
    r"(?i:(https?))://([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?([/?].*)?",
    re.DOTALL,
)
_KEPT = "/?:@!$&'()*+,;=%"
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_LINK = re.compile(r'<([^<>]{1,8192})>((?:\s*;\s*[A-Za-z*]+\s*=\s*(?:"[^"]*"|[^",;\s]*))*)')
_CHARSETS: Final = frozenset({"utf-8", "us-ascii", "iso-8859-1", "windows-1252", "utf-16"})
OF_HTTP: Final = frozenset(
    {
        *("host", "content-length", "transfer-encoding", "connection", "keep-alive", "te"),
        *("trailer", "upgrade", "expect", "proxy-authorization", "proxy-connection"),
    }
)
"""Headers that make HTTP work, and are nobody's to choose."""


@dataclass(frozen=True)
class Request:
    """What a card asks for, before anybody's authority goes with it; header names in lower case.

    ``once`` says that it changes something and cannot be told from its repetition.
    """

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    once: bool = False


# --- where to -------------------------------------------------------------------------------------


def address(url: str, query: Value = None) -> str:
    """Return where a request goes, encoded and in one spelling.

    Raises CardFailure for what is no such address, and for one whose path climbs: `..` in it comes
    of what was put together with somebody's input.
    """
    found = _URL.fullmatch(url.strip())
    if found is None or "#" in url or _CONTROL.search(url):
        raise wrong_input("url", "must be https://HOST/PATH, without a user's name or a fragment")
    scheme, host, port, rest = (part or "" for part in found.groups())
    path, mark, asked = _quoted("url", rest, safe=_KEPT).partition("?")
    if any(unquote(part) in {".", ".."} for part in path.split("/")):
        raise wrong_input("url", "must have neither . nor .. as a part of its path")
    more = encoded_query("query", query)
    joined = "&".join(part for part in (asked, more) if part)
    whole = f"{scheme}://{host}{port}".lower() + (path or "/") + (mark and "?") * (not joined)
    whole += f"?{joined}" if joined else ""
    if len(whole) > URL_MAX:
        raise wrong_input("url", f"must take at most {URL_MAX} characters, its query included")
    return whole


def origin(url: str) -> str:
    """Return scheme, host and port of an address, in one spelling."""
    parts = urlsplit(url)
    port = "" if parts.port in {None, 443 if parts.scheme == "https" else 80} else f":{parts.port}"
    return f"{parts.scheme}://{parts.hostname}{port}"


def segment(name: str, value: Value) -> str:
    """Return a value as one part of a path. Raises CardFailure for what would be another path."""
    text = value if isinstance(value, str) else ""
    if text.strip() in {"", ".", ".."} or _CONTROL.search(text):
        raise wrong_input(name, "must be an id or a name, and not empty")
    return _quoted(name, text, safe="")


def encoded_query(name: str, query: Value) -> str:
    """Return an object as a query or a form; a list is there once for each item, null not."""
    if query is None:
        return ""
    if not isinstance(query, dict):
        raise wrong_input(name, "must be an object")
    require_size(name, query, BODY_MAX if name == "body" else URL_MAX)
    pairs = (
        (key, text_of(each))
        for key, value in query.items()
        for each in (value if isinstance(value, list) else [value])
        if each is not None and _require_plain(name, each)
    )
    return "&".join(
        f"{_quoted(name, key, safe='')}={_quoted(name, text, safe='')}" for key, text in pairs
    )


def _require_plain(name: str, value: Value) -> bool:
    if kind_of(value) in {Kind.OBJECT, Kind.LIST}:
        raise wrong_input(name, "must have texts, numbers and truths in it, or lists of them")
    return True


def _quoted(name: str, text: str, *, safe: str) -> str:
    try:
        return quote(text, safe=safe)
    except UnicodeEncodeError:
        raise wrong_input(name, "has half a character in it") from None


def require_size(name: str, value: Value, most: int) -> None:
    """Raise CardFailure for an input that takes more than so many bytes."""
    try:
        length_of(value, most)
    except TooLarge:
        raise wrong_input(name, f"must take at most {most:,} bytes") from None


# --- with what ------------------------------------------------------------------------------------


def headers_of(given: Value) -> Mapping[str, str]:
    """Return headers by their names in lower case. Raises CardFailure."""
    read: dict[str, str] = {}
    if given is not None and not isinstance(given, dict):
        raise wrong_input("headers", "must be texts by name")
    require_size("headers", given, HEADERS_MAX)
    for name, value in (given or {}).items():
        text, lower = text_of(value).strip(), name.lower()
        if not _HEADER_NAME.fullmatch(name) or kind_of(value) in {Kind.OBJECT, Kind.LIST}:
            raise wrong_input("headers", "must be texts by the names of headers")
        if _CONTROL.search(text) or not _has_whole_characters(text):
            raise wrong_input("headers", "must be of one line each")
        if lower in OF_HTTP or lower in read:
            raise wrong_input("headers", "must not have what makes HTTP work, nor a name twice")
        if value is not None:
            read[lower] = text
    return read


def with_body(headers: Mapping[str, str], body: Value) -> tuple[Mapping[str, str], bytes]:
    """Return headers and body of what is sent: as JSON, or what the header content-type says.

    A form is an object (as token endpoints take it); of any other type, the body is a text.
    """
    if body is None:
        return headers, b""
    require_size("body", body, BODY_MAX)
    kind = headers.get("content-type", JSON_TYPE)
    named = {**headers, "content-type": kind}
    main = kind.partition(";")[0].strip().lower()
    if main == FORM_TYPE and isinstance(body, dict):
        return named, encoded_query("body", body).encode()
    if is_json(main):
        return named, _json_of(body)
    if isinstance(body, str):
        return named, _text_of(body)
    raise wrong_input("body", "must be a text where content-type names neither JSON nor a form")


def is_json(kind: str) -> bool:
    """Say whether a media type is JSON's (RFC 6839, 3.1)."""
    main = kind.partition(";")[0].strip().lower()
    return main == JSON_TYPE or main.endswith("+json")


def _json_of(body: Value) -> bytes:
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        raise wrong_input("body", "cannot be written as JSON") from None


def as_bytes(body: Value) -> bytes:
    """Return a text as it is sent. Raises CardFailure."""
    require_size("body", body, BODY_MAX)
    if body is None or isinstance(body, str):
        return _text_of(body or "")
    raise wrong_input("body", "must be a text")


def _text_of(body: str) -> bytes:
    if not _has_whole_characters(body):
        raise wrong_input("body", "has half a character in it")
    return body.encode()


# --- what came ------------------------------------------------------------------------------------


def parsed(body: bytes, kind: str) -> Value:
    """Return a body as JSON where it is told and is some, and otherwise as a text.

    What has more values than a flow can handle, or deeper ones, stays a text.
    """
    text = as_text(body, kind)
    if not is_json(kind) or not text.strip() or sum(map(text.count, ",[{")) > PARTS_MAX:
        return text or None
    try:
        value = parse_json(text)
    except (ValueError, RecursionError):
        return text
    return text if is_deep(value) or _has_halves(text, value) else value


def as_text(body: bytes, kind: str) -> str:
    """Return a body as a text, by the character set that is named; what is none of it goes."""
    told = re.search(r"charset\s*=\s*\"?([A-Za-z0-9-]{1,20})", kind)
    named = told[1].lower() if told else "utf-8"
    return body.decode(named if named in _CHARSETS else "utf-8", "replace").removeprefix("\ufeff")


def _has_halves(text: str, value: Value) -> bool:
    """Say whether half a character is in what was read; it can come of an escape alone."""
    told = json.dumps(value, ensure_ascii=False) if "\\ud" in text.lower() else ""
    return not _has_whole_characters(told)


def _has_whole_characters(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_deep(value: Value) -> bool:
    """Say whether a value is nested deeper than `DEPTH_MAX`."""
    layer: list[Value] = [value]
    for _ in range(DEPTH_MAX):
        layer = [part for held in layer for part in _parts(held)]
        if not layer:
            return False
    return True


def _parts(value: Value) -> Sequence[Value]:
    if isinstance(value, dict):
        return [*value.values()]
    return value if isinstance(value, list) else []


def next_page(links: Sequence[str], url: str) -> str | None:
    """Return where the next page of a list is (RFC 8288), None after the last one.

    Raises CardFailure where that is on another host: whoever answers must not lead the connection's
    token elsewhere.
    """
    for target, relations in _links(links):
        if "next" in relations:
            leads = address(urljoin(url, target))
            if origin(leads) != origin(url):
                told = "The next page is on another host than the first one."
                raise CardFailure(Failure.HTTP, told)
            return leads
    return None


def _links(lines: Sequence[str]) -> Iterator[tuple[str, Sequence[str]]]:
    for line in lines:
        for target, parameters in _LINK.findall(line[: 10 * URL_MAX]):
            told = re.search(r';\s*rel\s*=\s*(?:"([^"]*)"|([^",;\s]*))', parameters, re.IGNORECASE)
            yield target, (told[1] or told[2] or "").lower().split() if told else ()
