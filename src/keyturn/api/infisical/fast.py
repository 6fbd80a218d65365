"""Plain reads of secrets, answered without the general machinery.

A reader that asks for the same again and again costs little more than its audit entry. Decides
which requests are plain; what is not goes on to the general routes, which would have given the same
answer, byte for byte: bodies are theirs, cut where the values belong.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl

from pydantic_core import to_json
from starlette.types import ASGIApp, Receive, Scope, Send

from keyturn.api.infisical import render
from keyturn.api.infisical.etag import copy_told, names_tag, tag_of
from keyturn.domain.errors import KeyturnError
from keyturn.domain.project import ROOT, Place
from keyturn.domain.secret import Copy, Secret, Version
from keyturn.domain.sensitive import Sensitive
from keyturn.services.ports import World
from keyturn.services.projects import Where
from keyturn.services.sealing import open_version
from keyturn.services.secrets import ReadSecret
from keyturn.services.shelves import Ask, Given, Shelves
from keyturn.wire.base import TEXT_MAX
from keyturn.wire.secrets import SecretAnswer, SecretsAnswer

OK: Final = 200
NOT_MODIFIED: Final = 304

LISTS: Final = ("/api/v3/secrets/raw", "/api/v4/secrets")
_PROJECT: Final = ("projectId", "workspaceId", "projectSlug", "workspaceSlug")
_BODY: Final = frozenset({b"content-length", b"transfer-encoding"})
_PLAIN: Final[dict[str, frozenset[str]]] = {
    "viewSecretValue": frozenset({"true", "True", ""}),
    "recursive": frozenset({"false", "False", ""}),
    "type": frozenset({"shared", ""}),
    "tagSlugs": frozenset({""}),
    "version": frozenset({""}),
}
"""What these may be for a read to be plain."""
_ANY: Final = frozenset(
    {"expandSecretReferences", "include_imports", "includeImports", "includePersonalOverrides"}
)
"""What these are plays no part where there are neither references nor imports."""


@dataclass(frozen=True)
class _Plan:
    """What a path and its query ask for."""

    route: "_Route"
    where: Where
    name: str


@dataclass(frozen=True)
class _Body:
    """An answer without its values: the pieces between them, and the tag of it all."""

    tag: str
    pieces: Sequence[bytes]


_Answer = tuple[int, Sequence[tuple[bytes, bytes]], bytes]


@dataclass(frozen=True)
class _Route:
    path: str


class FastReads:
    """Answer plain reads, and pass everything else on."""

    def __init__(self, app: ASGIApp, world: World) -> None:
        self._app: Final = app
        self._world: Final = world
        self._shelves: Final = Shelves(world, self._body, _copy_of)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        try:
            given = await self._given(scope)
            answer = self._rendered(given) if given else None
        except KeyturnError:
            answer = None  # the general way meets it too, and has words for it
        if answer is None:
            await self._app(scope, receive, send)
            return
        await _answer(send, *answer)

    def _rendered(self, given: "Given[_Body]") -> "_Answer":
        """Return the status, headers and body of an answer."""
        body = given.shelf.made
        headers = [(b"etag", body.tag.encode())]
        if names_tag(given.named, body.tag):
            return NOT_MODIFIED, headers, b""
        headers.append((b"content-type", b"application/json"))
        return OK, headers, self._filled(given)

    async def _given(self, scope: Scope) -> "Given[_Body] | None":
        """Return what the caller may be given; None for a request that is not plain."""
        if scope["type"] != "http" or scope["method"] != "GET":
            return None
        path: str = scope["path"]
        if not path.startswith(LISTS):
            return None
        plan = _plan(path, scope["query_string"])
        headers = dict(scope["headers"])
        scheme, _, token = _text(headers, b"authorization").strip().partition(" ")
        body = _BODY & headers.keys()  # some clients send one with GET; somebody has to read it
        if plan is None or body or scheme.lower() != "bearer":
            return None
        client = scope.get("client")
        address = client[0] if client else ""
        named = _text(headers, b"if-none-match")
        ask = Ask(Sensitive(token.strip()), address, plan.where, plan.name, named=named)
        given = await self._shelves.give(ask)
        if given:
            scope["route"] = plan.route
            scope["state"] |= {"caller_id": given.caller.id, "plain": True}
        return given

    def _body(self, ask: Ask, place: Place, served: Sequence[tuple[Secret, Version]]) -> _Body:
        """Render what the general route would answer, with a mark where each value belongs."""
        mark = self._world.chance.random_bytes(16).hex()
        marked = [ReadSecret(place, *pair, Sensitive(mark)) for pair in served]
        shown = tuple(render.secret(each, shown=True) for each in marked)
        answer = SecretAnswer(secret=shown[0]) if ask.name else SecretsAnswer(secrets=shown)
        return _Body(tag_of(answer), answer.model_dump_json().encode().split(to_json(mark)))

    def _filled(self, given: "Given[_Body]") -> bytes:
        project, pieces = given.shelf.place.project, given.shelf.made.pieces
        parts = [pieces[0]]
        for (_, version), piece in zip(given.shelf.served, pieces[1:], strict=True):
            parts += (to_json(open_version(self._world, project, version).reveal()), piece)
        return b"".join(parts)


def _copy_of(ask: Ask, body: _Body) -> Copy:
    return copy_told(ask.named, body.tag, shown=True)


@lru_cache(maxsize=4096)
def _plan(path: str, query: bytes) -> _Plan | None:
    """Return what is asked for, or None where it takes more than a plain read."""
    place = next(each for each in LISTS if path.startswith(each))
    name = path.removeprefix(place).strip("/")
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    given = dict(pairs)
    if len(given) != len(pairs) or not all(map(_is_plain, given.items())):
        return None
    if "/" in name or len(name) > TEXT_MAX:
        return None
    project = next(filter(None, map(given.get, _PROJECT)), None)
    environment = given.get("environment")
    if not project or not environment:
        return None
    where = Where(project, environment, given.get("secretPath") or ROOT)
    return _Plan(_Route(f"{place}/{{secret_name}}" if name else place), where, name)


def _is_plain(pair: tuple[str, str]) -> bool:
    name, value = pair
    if len(value) > TEXT_MAX:
        return False
    if name in _PLAIN:
        return value in _PLAIN[name]
    return name in _ANY or name in {*_PROJECT, "environment", "secretPath", "secretName"}


def _text(headers: dict[bytes, bytes], name: bytes) -> str:
    return headers.get(name, b"").decode("latin-1")


async def _answer(
    send: Send, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes
) -> None:
    length = [] if status == NOT_MODIFIED else [(b"content-length", b"%d" % len(body))]
    start = {"type": "http.response.start", "status": status, "headers": [*length, *headers]}
    await send(start)
    await send({"type": "http.response.body", "body": body})
