"""What tokens of connections cost: beside a route that does nothing, and beside a bare refresh.

A token that needs no renewal is asked for over loopback, as `reads.py` asks for secrets, and of the
service in this process. Everything else runs in this process: SQLite on this machine's disk, a
clock that is turned by hand, and an authorization server without sockets that gives another
refresh token each time. `--json` prints JSON.
"""

import asyncio
import json
import logging
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path
from statistics import median

import httpx2
import structlog
import uvloop
from reads import BARE, CONNECTIONS, SECONDS, ask, raw, started, yardstick_ms
from starlette.types import Receive, Scope, Send
from turns import START, on_disk

from keyturn.adapters.crypto import Keyring
from keyturn.adapters.oauth import HttpAuthorizationServers
from keyturn.adapters.okta import OktaHttpOrgs
from keyturn.bootstrap.opening import initialise, opened
from keyturn.domain.access import ADMIN, Caller, Holding
from keyturn.domain.identity import Identity
from keyturn.domain.ids import OAuthConnectionId
from keyturn.domain.oauth.connection import Connection, GrantType
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Policy
from keyturn.services.credentials import Credential
from keyturn.services.grants import ConnectionDraft
from keyturn.services.installation import install
from keyturn.services.oauth_connections import authorize_request, create_connection
from keyturn.services.ports import Limits, Store, World
from keyturn.services.projects import Where
from keyturn.services.registrations import RegistrationDraft, create_registration
from keyturn.settings import Settings
from keyturn.testing import ManualClock, SeededChance
from keyturn.testing.asgi import AppTransport

PLACE = Where("example", "dev")
AT = "https://as.example.com"
CLIENT, SECRET = "client-1", "a client secret"
LASTS_S = 3600
ROUNDS = 40
DUE = 50
CALLERS = (1, 8)


class Issuer:
    """An authorization server that grants whatever is asked, and counts how often it was."""

    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request with new tokens."""
        await receive()
        self.asked += 1
        tokens = {
            "access_token": f"access-{self.asked}",
            "refresh_token": f"refresh-{self.asked}",
            "token_type": "Bearer",
            "expires_in": LASTS_S,
        }
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(tokens).encode()})


async def connected(world: World) -> tuple[Caller, Connection]:
    """Create a connection by a refresh token; return who may do everything, too."""
    async with world.store.reading() as tx:
        (identity,) = await tx.list(Identity, name="administrator")
    admin = Caller(identity.id, identity.name, identity.organization_id, (Holding(ADMIN),))
    provider = {"issuer": AT, "endpoints": {"token": f"{AT}/token"}}
    credential = Credential(CLIENT, Sensitive(SECRET))
    draft = RegistrationDraft("crm", PLACE, credential, provider=provider)
    registration = (await create_registration(world, admin, draft)).registration
    given = {"refresh_token": Sensitive("refresh-0")}
    wanted = ConnectionDraft("people", registration.id, GrantType.REFRESH, ("read",), given=given)
    return admin, (await create_connection(world, admin, wanted)).connection


@dataclass(frozen=True)
class House:
    """An installation with one connection, under a clock that is turned by hand."""

    world: World
    issuer: Issuer
    clock: ManualClock
    admin: Caller
    connection: Connection

    async def use(self) -> None:
        """Ask for what authorizes a request now."""
        await authorize_request(self.world, self.admin, self.connection.id)


@asynccontextmanager
async def housed(store: Store) -> AsyncIterator[House]:
    """Set up a new installation in a store, with a connection at an issuer."""
    clock, chance, issuer = ManualClock(START), SeededChance(1), Issuer()
    servers = HttpAuthorizationServers(clock, chance, lambda _: AppTransport(issuer))
    okta = OktaHttpOrgs(clock, chance, transport=lambda: AppTransport(issuer))
    vault = Keyring(bytes(32), chance.random_bytes)
    world = World(
        store, clock, chance, vault, okta, Limits(Policy(overlap_s=300, soak_s=0)), servers=servers
    )
    await install(world)
    try:
        yield House(world, issuer, clock, *(await connected(world)))
    finally:
        await servers.aclose()
        await okta.aclose()


# --- tokens that need no renewal ------------------------------------------------------------------


@dataclass(frozen=True)
class Rate:
    """How often a second it was told what authorizes a request, beside the bare handler."""

    name: str
    per_second: int
    of_bare: float


async def asked_of_service(work: Callable[[], Awaitable[None]]) -> float:
    """Return how often a second work is done that as many do at once as ask over loopback."""
    done, until_s = 0, time.perf_counter() + SECONDS

    async def go_on() -> None:
        nonlocal done
        while time.perf_counter() < until_s:
            await work()
            done += 1

    await asyncio.gather(*(go_on() for _ in range(CONNECTIONS)))
    return done / SECONDS


async def service_rate() -> float:
    """Return how often a second the service tells what authorizes a request."""
    async with on_disk() as store, housed(store) as house:
        return await asked_of_service(house.use)


async def prepared(settings: Settings) -> bytes:
    """Set up what `keyturn serve` will open; return the request for a token."""
    installed = await initialise(settings)
    async with opened(settings) as world:
        issuer = Issuer()
        servers = HttpAuthorizationServers(
            world.clock, world.chance, lambda _: AppTransport(issuer)
        )
        _, connection = await connected(replace(world, servers=servers))
        await servers.aclose()
    bearer = {"authorization": f"Bearer {installed.admin_token.reveal()}", "content-length": "0"}
    return raw(f"/api/v1/connections/{connection.id}/token", bearer, method="POST")


@contextmanager
def keyturn() -> Iterator[tuple[str, bytes]]:
    """Start the product with one connection; give its address, and the request."""
    with tempfile.TemporaryDirectory() as folder:
        request = asyncio.run(
            prepared(Settings.model_validate({"data_dir": Path(folder) / "data"}))
        )
        env = {"KEYTURN_DATA_DIR": f"{folder}/data", "KEYTURN_LOG_FILE": f"{folder}/log"}
        with started([sys.executable, "-m", "keyturn", "serve", "--port", "0"], env) as (url, _):
            yield url, request


def rates() -> list[Rate]:
    """Measure the bare handler, the route and the service."""
    with started([sys.executable, "-c", BARE]) as (url, _):
        limit, _ = uvloop.run(ask(url, raw("/", {})))
    with keyturn() as (url, request):
        rate, _ = uvloop.run(ask(url, request))
    found = {"bare handler": limit, "route": rate, "service": uvloop.run(service_rate())}
    return [Rate(name, round(each), round(each / limit, 4)) for name, each in found.items()]


# --- whoever waits at expiry ----------------------------------------------------------------------


@dataclass(frozen=True)
class Expiry:
    """How long callers wait who find a token expired, and a bare refresh, in milliseconds.

    ``refreshes`` is how often the server was asked for each expiry.
    """

    callers: int
    refreshes: float
    waited_ms: float
    bare_ms: float
    ratio: float


async def expiry(store: Store) -> list[Expiry]:
    """Time a bare renewal and those who wait for one, in turn: all share what the machine gives."""
    waited_s: dict[int, list[float]] = {callers: [] for callers in CALLERS}
    bare_s, asked = [], dict.fromkeys(CALLERS, 0)
    async with housed(store) as house:
        await house.use()
        for _ in range(ROUNDS):
            bare_s.append(await _bare(house.issuer))
            for callers, took_s in waited_s.items():
                house.clock.advance(LASTS_S)
                before, since_s = house.issuer.asked, time.perf_counter()
                await asyncio.gather(*(house.use() for _ in range(callers)))
                took_s.append(time.perf_counter() - since_s)
                asked[callers] += house.issuer.asked - before
    bare_ms = median(bare_s) * 1000
    return [_expiry(callers, asked[callers], waited_s[callers], bare_ms) for callers in CALLERS]


def _expiry(callers: int, asked: int, waited_s: list[float], bare_ms: float) -> Expiry:
    waited_ms = median(waited_s) * 1000
    ratio = round(waited_ms / bare_ms, 1)
    return Expiry(callers, asked / ROUNDS, round(waited_ms, 1), round(bare_ms, 2), ratio)


async def _bare(issuer: Issuer) -> float:
    """Return the seconds that a refresh takes by itself."""
    form = {"grant_type": "refresh_token", "refresh_token": "refresh-0"}
    async with httpx2.AsyncClient(transport=AppTransport(issuer), auth=(CLIENT, SECRET)) as http:
        since_s = time.perf_counter()
        (await http.post(f"{AT}/token", data=form)).raise_for_status()
        return time.perf_counter() - since_s


# --- due renewals among many ----------------------------------------------------------------------


@dataclass(frozen=True)
class Due:
    """How long it takes to find the connections that are due, in milliseconds."""

    connections: int
    due: int
    find_ms: float


async def due(*among: tuple[Store, int]) -> list[Due]:
    """Find what is due among so many connections, in one store and in the other in turn."""
    found_s: list[list[float]] = [[] for _ in among]
    for store, connections in among:
        async with housed(store) as house:
            await _fill(house, connections)
    for _ in range(ROUNDS):
        for (store, _), took_s in zip(among, found_s, strict=True):
            since_s = time.perf_counter()
            async with store.reading() as tx:
                found = await tx.list_due_renewals(START, limit=2 * DUE)
            took_s.append(time.perf_counter() - since_s)
            if len(found) != DUE:
                sys.exit(f"{len(found)} found")
    figures = zip(among, found_s, strict=True)
    return [Due(many, DUE, round(median(took_s) * 1000, 2)) for (_, many), took_s in figures]


async def _fill(house: House, connections: int) -> None:
    """Store copies of the connection; the first so many are due."""
    now, later = house.clock.now(), house.clock.now() + timedelta(days=30)
    async with house.world.store.writing() as tx:
        for number in range(1, connections):
            made = OAuthConnectionId(f"c-{number}")
            at = now if number <= DUE else later
            await tx.add(replace(house.connection, id=made, name=made, due_at=at))


# --- all of it ------------------------------------------------------------------------------------


async def beside() -> dict[str, list[dict[str, object]]]:
    """Measure what is compared within this process."""
    async with on_disk() as store:
        waits = await expiry(store)
    async with on_disk() as few, on_disk() as many:
        among = await due((few, 100), (many, 10_000))
    return {"expiry": [asdict(each) for each in waits], "due": [asdict(each) for each in among]}


def main() -> None:
    """Measure and print."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    before_ms = yardstick_ms()
    told = {"rates": [asdict(each) for each in rates()]} | asyncio.run(beside())
    told["fixed work"] = [{"ms": round(each)} for each in (before_ms, yardstick_ms())]
    if "--json" in sys.argv:
        print(json.dumps(told))
        return
    for name, figures in told.items():
        for each in figures:
            print(name, *(f"{key}={value}" for key, value in each.items()))


if __name__ == "__main__":
    main()
