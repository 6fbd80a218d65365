"""One request and one answer on the wire: how they are read and written, never what they mean."""

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias, cast
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
Header: TypeAlias = tuple[str, str]
RawHeader: TypeAlias = tuple[bytes, bytes]

DEEPEST = 64
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


@dataclass(frozen=True, slots=True)
class Request:
    """What one HTTP request said; `base_url` is the address on which it reached us."""

    method: str
    path: str
    base_url: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    client_ip: str = "127.0.0.1"
    query_repeats: bool = False

    @property
    def url(self) -> str:
        """Return the address that was called, without its query."""
        return self.base_url + self.path

    def form(self) -> dict[str, str]:
        """Return the fields of a form body; raw spaces are taken as they are."""
        return dict(_parse_form(self.body))

    def repeats_field(self) -> bool:
        """Tell whether the query or the form names a field twice (RFC 6749 section 3.1)."""
        return self.query_repeats or len(self.form()) < len(_parse_form(self.body))


@lru_cache(maxsize=8)
def _parse_form(body: bytes) -> Sequence[tuple[str, str]]:
    # Who calls, how it proves itself and what it wants are read from one form one after another.
    return parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)


@dataclass(frozen=True, slots=True)
class Errand:
    """What must be waited for outside the org before a request can be answered, and the answer."""

    wait: Callable[[], Awaitable[str | None]]
    finish: Callable[[str | None], "Answer"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back, before the headers that every answer carries.

    With an errand it is not the answer yet, but only its headers are.
    """

    status: int
    body: bytes = b""
    headers: tuple[Header, ...] = ()
    content_type: str | None = None
    errand: Errand | None = None


def render_json(value: Json, status: int = 200, headers: tuple[Header, ...] = ()) -> Answer:
    """Return an answer with a compact JSON body, members in the order given."""
    return Answer(status, _encode(value).encode(), headers, "application/json")


def render_html(page: str, status: int = 200) -> Answer:
    """Return an answer with an HTML page."""
    return Answer(status, page.encode(), (), "text/html;charset=utf-8")


def parse_json(body: bytes) -> Json:
    """Return the JSON value of a body; ValueError when it is none that could be sent back.

    Refused are numbers that JSON does not have, half characters, and what is nested too deeply.
    """
    try:
        value = cast(Json, json.loads(body))
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    _check_depth(value)
    return value


def _check_depth(value: Json) -> None:
    layer: list[Json] = [value]
    for _ in range(DEEPEST):
        layer = [item for held in layer for item in _items(held)]
        if not layer:
            return
    raise ValueError("nested too deeply")


def _items(value: Json) -> Iterable[Json]:
    if isinstance(value, dict):
        return cast("Iterable[Json]", value.values())
    return value if isinstance(value, list) else ()


class HungUp(Exception):
    """Whoever asked was gone before the request was there in whole: nothing was asked."""


async def read_request(scope: Scope, receive: Receive) -> Request:
    """Collect one request from the server, whole body included. Raises HungUp."""
    headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
    host = headers.get("host") or "localhost"
    raw_query = scope["query_string"]
    query = parse_qsl(raw_query.decode("latin-1"), keep_blank_values=True) if raw_query else ()
    return Request(
        method=scope["method"],
        path="/" + scope["path"].lstrip("/"),
        base_url=f"{scope['scheme']}://{host}",
        query=(fields := dict(query)),
        headers=headers,
        body=await _read_body(receive),
        client_ip=(scope.get("client") or ("127.0.0.1",))[0],
        query_repeats=len(fields) < len(query),
    )


async def _read_body(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise HungUp
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)


async def send_answer(send: Send, answer: Answer, common: Sequence[RawHeader] = ()) -> None:
    """Send one whole answer with its true length; `common` are headers already on the wire."""
    await send_head(send, answer, common)
    await send({"type": "http.response.body", "body": answer.body})


async def send_head(send: Send, answer: Answer, common: Sequence[RawHeader] = ()) -> None:
    """Send status and headers of an answer, the length of its whole body among them."""
    raw: list[RawHeader] = []
    if answer.content_type is not None:
        raw.append((b"content-type", answer.content_type.encode("latin-1")))
    raw += [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    raw += common
    if answer.status != 204:
        raw.append((b"content-length", b"%d" % len(answer.body)))
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
