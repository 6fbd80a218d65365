"""Products that are broken on purpose, one guard each, to prove that the judge would see it.

Each is the real product with something bent around it: the store that it writes to, the clock that
it reads, the vault that it opens values with, or its way to Okta.
"""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx2

from keyturn.cli.simulation.stage import Sabotage
from keyturn.domain.budget import Purpose
from keyturn.domain.connection import OktaConnection, OktaCredentials
from keyturn.domain.destination import Destination
from keyturn.domain.oauth.answers import Reply
from keyturn.domain.oauth.connection import Connection
from keyturn.domain.oauth.provider import RequestType
from keyturn.domain.oauth.registration import ClientRegistration
from keyturn.domain.secret import State, Version
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Phase, Turn
from keyturn.services.ports import Client, Recorded, TurnStep, World


class Bent:
    """Something with some of its methods replaced."""

    def __init__(self, inner: Any, **bent: Any) -> None:  # noqa: ANN401  anything at all
        self._inner = inner
        self.__dict__.update(bent)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  as above
        return getattr(self._inner, name)


class BentStore:
    """A store whose transactions are bent."""

    def __init__(self, store: Any, bend: Callable[[Any], Any], *, reads: bool = False) -> None:  # noqa: ANN401
        self._store = store
        self._bend = bend
        self._reads = reads

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Any]:
        """Open a snapshot."""
        async with self._store.reading() as tx:
            yield self._bend(tx) if self._reads else tx

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Any]:
        """Open a transaction."""
        async with self._store.writing() as tx:
            yield self._bend(tx)

    async def append_audit(self, attempt: Any) -> Recorded:  # noqa: ANN401
        """Append one audit entry."""
        async with self.writing() as tx:
            return Recorded(await tx.append_audit(attempt), await tx.revision())


def bent_store(bend: Callable[[Any], Any], *, reads: bool = False) -> Sabotage:
    """Return a product over a bent store."""
    return Sabotage(world=lambda w: replace(w, store=BentStore(w.store, bend, reads=reads)))


class BentWay(httpx2.AsyncBaseTransport):
    """A way to Okta on which somebody else acts too."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, act: Any) -> None:  # noqa: ANN401
        self._inner = inner
        self._act = act

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Carry a call as the bend wants it."""
        return await self._act(self._inner.handle_async_request, request)


def bent_way(act: Any) -> Sabotage:  # noqa: ANN401
    """Return a product with a bent way to Okta."""
    return Sabotage(way=lambda way: BentWay(way, act))


def again(request: httpx2.Request, method: str = "", path: str = "") -> httpx2.Request:
    """Return the same call, or one to another path, by the same caller."""
    url = request.url.copy_with(path=path, query=None) if path else request.url
    kept = ("authorization", "content-type", "accept", "dpop")
    headers = {k: v for k, v in request.headers.items() if k in kept}
    content = b"" if path else request.content
    return httpx2.Request(method or request.method, url, headers=headers, content=content)


def answer(status: int, body: object) -> httpx2.Response:
    """Return an answer as Okta would give it."""
    return httpx2.Response(status, json=body)


def adds(request: httpx2.Request) -> bool:
    """Say whether a call adds a client secret."""
    return request.method == "POST" and request.url.path.endswith("/credentials/secrets")


# --- what is bent -------------------------------------------------------------------------------


async def _trust(send: Any, request: httpx2.Request) -> httpx2.Response:  # noqa: ANN401
    if request.url.path == "/oauth2/v1/introspect":
        return answer(200, {"active": False})
    return await send(request)


async def _other_value(send: Any, request: httpx2.Request) -> httpx2.Response:  # noqa: ANN401
    if adds(request):
        body = {"client_secret": "x" * 64, "status": "ACTIVE"}
        other = httpx2.Request("POST", request.url, headers=again(request).headers, json=body)
        del other.headers["content-length"]
        return await send(other)
    return await send(request)


async def _twice(send: Any, request: httpx2.Request) -> httpx2.Response:  # noqa: ANN401
    if adds(request):
        listed = json.loads(await (await send(again(request, "GET", request.url.path))).aread())
        await send(again(request))
        for each in listed:
            await _remove(send, request, each["id"])
    return await send(request)


async def _remove(send: Any, request: httpx2.Request, secret_id: str) -> None:  # noqa: ANN401
    path = f"{request.url.path}/{secret_id}"
    await send(again(request, "POST", f"{path}/lifecycle/deactivate"))
    await send(again(request, "DELETE", path))


async def _greedy(send: Any, request: httpx2.Request) -> httpx2.Response:  # noqa: ANN401
    response = await send(request)
    if request.method == "GET" and request.url.path.endswith("/credentials/secrets"):
        for each in json.loads(await response.aread())[1:]:
            await _remove(send, request, each["id"])
    return response


async def _hasty_with_keys(send: Any, request: httpx2.Request) -> httpx2.Response:  # noqa: ANN401
    path = request.url.path
    adds_key = request.method == "POST" and path.endswith("/credentials/jwks")
    listed = await send(again(request, "GET", path)) if adds_key else None
    response = await send(request)
    for each in json.loads(await listed.aread()) if listed else ():
        await send(again(request, "POST", f"{path}/{each['id']}/lifecycle/deactivate"))
    return response


async def _hammer(send: Any, request: httpx2.Request) -> httpx2.Response:  # noqa: ANN401
    if request.method == "GET" and request.url.path.endswith("/credentials/secrets"):
        for _ in range(25):
            await send(again(request))
    return await send(request)


async def _foolish(send: Any, request: httpx2.Request) -> httpx2.Response:  # noqa: ANN401
    raise ValueError("a mistake of ours")


def _early(tx: Any) -> Any:  # noqa: ANN401
    async def put(*records: Any) -> None:  # noqa: ANN401
        await tx.replace(*map(_backdated, records))

    return Bent(tx, replace=put)


def _hasty(tx: Any) -> Any:  # noqa: ANN401
    async def put(*records: Any) -> None:  # noqa: ANN401
        given = {"closes_at": None, "within_s": 0}
        await tx.replace(*[replace(r, **given) if isinstance(r, Turn) else r for r in records])

    return Bent(tx, replace=put)


def _backdated(record: Any) -> Any:  # noqa: ANN401
    """Forget when the overlap began, by our clock and by when Okta was asked."""
    if isinstance(record, Turn) and record.phase is Phase.OVERLAPPING:
        return replace(record, entered_at=record.entered_at - timedelta(days=1), posted=None)
    return record


def _destroying(tx: Any) -> Any:  # noqa: ANN401
    async def put(*records: Any) -> None:  # noqa: ANN401
        lost = [
            replace(r, sealed=None) if isinstance(r, Version) and r.state is State.CURRENT else r
            for r in records
        ]
        await tx.replace(*lost)

    return Bent(tx, replace=put)


def _set_in_its_ways(tx: Any) -> Any:  # noqa: ANN401
    async def put(*records: Any) -> None:  # noqa: ANN401
        await tx.replace(*[await _as_before(tx, record) for record in records])

    return Bent(tx, replace=put)


async def _as_before(tx: Any, record: Any) -> Any:  # noqa: ANN401
    stored = (
        await tx.find(type(record), id=record.id) if isinstance(record, OktaConnection) else None
    )
    return replace(record, sealed=stored.sealed) if stored else record


def _unfenced() -> Callable[[Any], Any]:
    written: dict[str, Turn] = {}

    def bend(tx: Any) -> Any:  # noqa: ANN401
        async def put(*records: Any) -> None:  # noqa: ANN401
            for record in records:
                if isinstance(record, Turn):
                    stored = await tx.find(Turn, id=record.id)
                    written[record.id] = record
                    record = replace(record, epoch=stored.epoch)  # noqa: PLW2901
                await tx.replace(record)

        async def find(kind: Any, **where: Any) -> Any:  # noqa: ANN401
            if kind is Turn and tuple(where) == ("id",) and where["id"] in written:
                return written[where["id"]]
            return await tx.find(kind, **where)

        return Bent(tx, replace=put, find=find)

    return bend


def _unrecorded(tx: Any) -> Any:  # noqa: ANN401
    async def append_audit(attempt: Any) -> None:  # noqa: ANN401
        return None

    return Bent(tx, append_audit=append_audit)


def _blind(tx: Any) -> Any:  # noqa: ANN401
    async def listed(kind: Any, **where: Any) -> Any:  # noqa: ANN401
        return () if kind is Destination else await tx.list(kind, **where)

    return Bent(tx, list=listed)


def _idle(world: World) -> World:
    async def deliver(kind: Any, errand: Any) -> str:  # noqa: ANN401
        return "in memory"

    return replace(world, carriers=Bent(world.carriers, deliver=deliver))


def _asleep(tx: Any) -> Any:  # noqa: ANN401
    async def claim_due(now: Any, **more: Any) -> list[Turn]:  # noqa: ANN401
        return []

    return Bent(tx, claim_due=claim_due)


def _talkative(world: World) -> World:
    said = [""]

    def opened(data_key: bytes, scope: str, place: str, sealed: bytes) -> Any:  # noqa: ANN401
        value = world.vault.open(data_key, scope, place, sealed)
        said[0] = value.reveal()
        return value

    def bend(tx: Any) -> Any:  # noqa: ANN401
        async def add(*records: Any) -> None:  # noqa: ANN401
            told = [
                replace(r, detail=f"it was {said[0]}") if isinstance(r, TurnStep) else r
                for r in records
            ]
            await tx.add(*told)

        return Bent(tx, add=add)

    return replace(world, vault=Bent(world.vault, open=opened), store=BentStore(world.store, bend))


def _comparing(bend: Callable[[Any], Any]) -> Sabotage:
    """Return a product that does something else where it compares with Okta."""

    def world(world: World) -> World:
        def opened(*where: Any, purpose: Any = Purpose.FINISHING, **more: Any) -> Any:  # noqa: ANN401
            org = world.okta.open(*where, purpose=purpose, **more)
            if purpose is not Purpose.BACKGROUND:
                return org
            return Bent(org, credentials_of=lambda *of: bend(org.credentials_of(*of)))

        return replace(world, okta=Bent(world.okta, open=opened))

    return Sabotage(world=world)


def _tidied(credentials: Any) -> Any:  # noqa: ANN401
    async def listed() -> Any:  # noqa: ANN401
        first, *others = await credentials.list()
        for other in others:
            await credentials.deactivate(other.id)
            await credentials.delete(other.id)
        return (first,)

    return Bent(credentials, list=listed)


def _awoken(credentials: Any) -> Any:  # noqa: ANN401
    async def listed() -> Any:  # noqa: ANN401
        found = await credentials.list()
        for each in found:
            await credentials.activate(each.id)
        return found

    return Bent(credentials, list=listed)


def _timeless(world: World) -> World:
    return replace(world, clock=Bent(world.clock, uptime_s=lambda: 1e12))


def _clientless(tx: Any) -> Any:  # noqa: ANN401
    async def listed(kind: Any, **where: Any) -> Any:  # noqa: ANN401
        using = kind is ClientRegistration and "secret_id" in where
        return () if using else await tx.list(kind, **where)

    return Bent(tx, list=listed)


def _asking(bend: Callable[[Any, Client, RequestType], Any]) -> Sabotage:
    """Return a product whose clients ask authorization servers as the bend wants it.

    That returns another client, or the answer.
    """

    def world(world: World) -> World:
        async def ask(client: Client, request: RequestType, members: Any) -> Reply:  # noqa: ANN401
            told = bend(client, request)
            if isinstance(told, Reply):
                return told
            return await world.servers.ask(told, request, members)

        return replace(world, servers=Bent(world.servers, ask=ask))

    return Sabotage(world=world)


def _unproved(client: Client, request: RequestType) -> Client | Reply:
    worthless = Reply(200, "application/json", b'{"active": false}')
    return worthless if request is RequestType.INTROSPECT else client


def _gives_up(client: Client, request: RequestType) -> Client | Reply:
    return client if request is RequestType.INTROSPECT else Reply(503)


def _forgetful(tx: Any) -> Any:  # noqa: ANN401
    async def put(*records: Any) -> None:  # noqa: ANN401
        await tx.replace(*[await _forgotten(tx, record) for record in records])

    return Bent(tx, replace=put)


async def _forgotten(tx: Any, record: Any) -> Any:  # noqa: ANN401
    """Keep the tokens that were there, as if they lasted as long as the new ones."""
    stored = await tx.find(Connection, id=record.id) if isinstance(record, Connection) else None
    if stored is None or not (stored.tokens and record.tokens and record.tokens.renewable):
        return record
    lasting = replace(stored.tokens, expires_at=record.tokens.expires_at)
    return replace(record, tokens=lasting)


ends_the_old_key_first = bent_way(_hasty_with_keys)
keeps_its_old_key = bent_store(_set_in_its_ways)
trusts_every_secret = bent_way(_trust)
sends_another_value = bent_way(_other_value)
adds_twice = bent_way(_twice)
removes_foreign_secrets = bent_way(_greedy)
hammers_okta = bent_way(_hammer)
makes_mistakes = bent_way(_foolish)
retires_early = bent_store(_early)
leaves_nobody_time = bent_store(_hasty)
sees_no_destinations = bent_store(_blind, reads=True)
sees_no_clients = bent_store(_clientless, reads=True)
proves_nothing = _asking(_unproved)
gives_up_asking = _asking(_gives_up)
forgets_refresh_tokens = bent_store(_forgetful)
brings_nothing = Sabotage(world=_idle)
destroys_what_is_served = bent_store(_destroying)
keeps_no_record = bent_store(_unrecorded)
never_wakes = bent_store(_asleep)
repairs_what_is_foreign = _comparing(_tidied)
activates_whatever_it_finds = _comparing(_awoken)
shares_no_window = Sabotage(pool=lambda pool, process: None)
talks = Sabotage(world=_talkative)
ignores_time = Sabotage(world=_timeless)


def goes_on_with(secrets: list[Sensitive]) -> Sabotage:
    """Return a product whose clients use for ever the first of these client secrets."""
    return _asking(lambda client, request: replace(client, secret=secrets[0]))


def logs_in_for_ever_with(credentials: list[OktaCredentials]) -> Sabotage:
    """Return a product that logs in at the org by the first of these, whatever it keeps."""

    def world(world: World) -> World:
        def opened(url: str, _: OktaCredentials, **more: Any) -> Any:  # noqa: ANN401
            return world.okta.open(url, credentials[0], **more)

        return replace(world, okta=Bent(world.okta, open=opened))

    return Sabotage(world=world)


def ignores_the_fence() -> Sabotage:
    """Return a product that writes to turns which it has lost."""
    bend = _unfenced()
    return bent_store(bend)
