"""One request and one answer on the wire: how they are read and written, never what they mean."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
Header: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Request:
    """What one HTTP request said; `base_url` is the address on which it reached us."""

    method: str
    path: str
    base_url: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def url(self) -> str:
        """Return the address that was called, without its query."""
        return self.base_url + self.path

    def form(self) -> dict[str, str]:
        """Return the fields of a form body; raw spaces are taken as they are."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back, before the headers that every answer carries."""

    status: int
    body: bytes = b""
    headers: tuple[Header, ...] = ()
    content_type: str | None = None


def render_json(value: Json, status: int = 200, headers: tuple[Header, ...] = ()) -> Answer:
    """Return an answer with a compact JSON body, members in the order given."""
    body = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    return Answer(status, body, headers, "application/json")


def render_html(page: str, status: int = 200) -> Answer:
    """Return an answer with an HTML page."""
    return Answer(status, page.encode(), (), "text/html;charset=utf-8")


def parse_json(body: bytes) -> Json:
    """Return the JSON value of a body; ValueError when it is none."""
    return cast(Json, json.loads(body))


async def read_request(scope: Scope, receive: Receive) -> Request:
    """Collect one request from the server, whole body included."""
    headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
    host = headers.get("host") or "localhost"
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    return Request(
        method=scope["method"],
        path="/" + scope["path"].lstrip("/"),
        base_url=f"{scope['scheme']}://{host}",
        query=dict(query),
        headers=headers,
        body=await _read_body(receive),
    )


async def _read_body(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)


async def send_answer(send: Send, answer: Answer) -> None:
    """Send one whole answer with its true length."""
    headers = list(answer.headers)
    if answer.content_type is not None:
        headers.insert(0, ("content-type", answer.content_type))
    if answer.status != 204:
        headers.append(("content-length", str(len(answer.body))))
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    await send({"type": "http.response.body", "body": answer.body})
