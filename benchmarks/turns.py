"""What turns cost: beside bare HTTP calls, beside rotations that sleep, beside Okta's rate limit.

Everything runs in this process: the sandbox without sockets, SQLite on this machine's disk, and for
the flow, which takes minutes of this machine for its hours by the clock, a store in memory.
`--json` prints JSON. `flow` is what the tests of the rate governor run too, with fewer turns.
"""

import asyncio
import json
import logging
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path
from statistics import median

import httpx2
import structlog

from keyturn.adapters.crypto import Keyring
from keyturn.adapters.okta import Governor, OktaHttpOrgs
from keyturn.adapters.storage import SqliteStore
from keyturn.domain.access import ADMIN, Caller, Holding
from keyturn.domain.connection import ApiToken, OktaConnection
from keyturn.domain.identity import Identity
from keyturn.domain.ids import RotationId, SecretId
from keyturn.domain.rotation import Rotation, SecretsMapping
from keyturn.domain.schedule import Schedule
from keyturn.domain.secret import Secret
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Policy, Turn
from keyturn.sandbox import AppDraft, Org, Settings, build_app
from keyturn.services.connections import OktaConnectionDraft, create_okta_connection
from keyturn.services.installation import Installed, install
from keyturn.services.journey import advance
from keyturn.services.onboarding import RotationDraft, create_rotation
from keyturn.services.ports import Clock, Limits, Store, World
from keyturn.services.projects import Where
from keyturn.services.turns import rotate, start_due
from keyturn.testing import ManualClock, MemoryStore, SeededChance

URL = "https://sandbox.okta.test"
START = datetime(2026, 1, 1, 10, 0, tzinfo=UTC)
AT_ONCE = 16
TICK_S = 0.5
CALL_S = 0.2
"""How long a call of the flow takes by the clock that is turned."""

CALLS_A_TURN = 5
"""Calls of the management API: list, add, list, deactivate, delete."""

APPS = "/api/v1/apps"

Makes = Callable[[Clock], Governor]


# --- the house ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class House:
    """An installation connected to an org, under one clock that is turned by hand."""

    world: World
    org: Org
    clock: ManualClock
    admin: Caller
    connection: OktaConnection

    async def rotation(self, number: int) -> Rotation:
        """Create a rotation of a new app."""
        app = self.org.create_app(AppDraft(f"app {number}"))
        draft = RotationDraft(
            f"app-{number}",
            None,
            Where("example", "dev"),
            self.connection.id,
            app.id,
            SecretsMapping(f"ID_{number}", f"SECRET_{number}"),
            Schedule(30, time_of_day(0)),
        )
        return (await create_rotation(self.world, self.admin, draft)).rotation


@asynccontextmanager
async def housed(
    store: Store, *, policy: Policy, governor: Makes = Governor
) -> AsyncIterator[House]:
    """Set up a new installation in a store, connected to an org without rate limits."""
    clock, chance = ManualClock(START), SeededChance(1)
    org = Org(1, clock.now, settings=Settings(profile="off"))
    okta = OktaHttpOrgs(
        clock,
        chance,
        transport=lambda: httpx2.ASGITransport(build_app(org)),
        governor=governor(clock),
    )
    limits = Limits(policy, overlap_floor_s=min(300, policy.overlap_s))
    vault = Keyring(bytes(32), chance.random_bytes)
    world = World(store, clock, chance, vault, okta, limits)
    installed = await install(world)
    admin = await _administrator(world)
    connection = await _connected(world, admin, org, installed)
    try:
        yield House(world, org, clock, admin, connection)
    finally:
        await okta.aclose()


async def _administrator(world: World) -> Caller:
    async with world.store.reading() as tx:
        (identity,) = await tx.list(Identity, name="administrator")
    return Caller(identity.id, identity.name, identity.organization_id, (Holding(ADMIN),))


async def _connected(world: World, admin: Caller, org: Org, installed: Installed) -> OktaConnection:
    token = ApiToken(Sensitive(org.seeded.api_token))
    draft = OktaConnectionDraft("okta", None, installed.project.id, URL, token)
    return await create_okta_connection(world, admin, draft)


@asynccontextmanager
async def on_disk() -> AsyncIterator[SqliteStore]:
    """Open a store over SQLite in a directory that is removed at the end."""
    with tempfile.TemporaryDirectory() as folder:
        store = await SqliteStore.open(Path(folder) / "keyturn.db")
        try:
            yield store
        finally:
            await store.aclose()


# --- turns beside the rate limit ------------------------------------------------------------------


@dataclass(frozen=True)
class Flow:
    """How many turns took how long, and how long the calls that they need take at the limit.

    ``calls`` are those of the bucket that all of a turn's share; ``refused_429`` is by the org's
    own journal, of all calls. ``claims`` counts how often a turn was taken up.
    """

    turns: int
    took_s: float
    bound_s: float
    over_bound: float
    calls: int
    refused_429: int
    claims: int


async def flow(store: Store, turns: int, *, governor: Makes = Governor) -> Flow:
    """Let so many turns come due at once in an org of the workforce profile."""
    overlap_s = 300 if turns >= 500 else 0
    policy = Policy(overlap_s=overlap_s, soak_s=0, floor_s=overlap_s)
    async with housed(store, policy=policy, governor=governor) as house:
        due_at = START + timedelta(minutes=10)
        for number in range(turns):
            rotation = await house.rotation(number)
            async with store.writing() as tx:
                await tx.replace(replace(rotation, next_rotation_at=due_at))
        house.org.change_settings(profile="workforce")
        house.clock.advance(600)
        first, began = house.org.journal.last, house.clock.now()
        claims = await _run_to_the_end(house)
        return _told(house, turns, first, (house.clock.now() - began).total_seconds(), claims)


async def _run_to_the_end(house: House) -> int:
    """Do what the runner does, and turn the clock; return how many turns were claimed."""
    world, clock, claimed = house.world, house.clock, 0
    while True:
        await start_due(world)
        async with world.store.writing() as tx:
            due = await tx.claim_due(
                clock.now(), owner="bench", lease=world.limits.lease, limit=AT_ONCE
            )
        if not due:
            async with world.store.reading() as reading:
                waits = [turn.wake_at for turn in await reading.list(Turn, ended_at=None)]
            wakes = [at for at in waits if at]
            if not wakes:
                return claimed
            clock.advance((min(wakes) - clock.now()).total_seconds() + TICK_S)
            continue
        claimed += len(due)
        before, since_s = house.org.journal.last, clock.uptime_s()
        await asyncio.gather(*(advance(world, turn, held_since_s=since_s) for turn in due))
        clock.advance(CALL_S * (house.org.journal.last - before) / len(due))


def _told(house: House, turns: int, first: int, took_s: float, claims: int) -> Flow:
    seen = [entry for entry in house.org.journal.list() if int(str(entry["seq"])) > first]
    apps = [entry for entry in seen if str(entry["route"]).startswith(APPS)]
    bound_s = turns * CALLS_A_TURN / 50 * 60
    return Flow(
        turns=turns,
        took_s=round(took_s, 1),
        bound_s=bound_s,
        over_bound=round(took_s / bound_s, 3),
        calls=len(apps),
        refused_429=sum(entry["status"] == 429 for entry in seen),
        claims=claims,
    )


# --- a turn beside its bare calls -----------------------------------------------------------------


@dataclass(frozen=True)
class Overhead:
    """How long a turn takes, and the same calls by themselves, in milliseconds."""

    turn_ms: float
    bare_ms: float
    ratio: float
    calls: int


async def overhead(store: Store, turns: int = 30, governor: Makes = Governor) -> Overhead:
    """Time whole turns, one after the other, and then their calls by a bare HTTP client."""
    policy = Policy(overlap_s=0, soak_s=0, floor_s=0)
    async with housed(store, policy=policy, governor=governor) as house:
        rotations = [await house.rotation(number) for number in range(turns)]
        first, took_s = house.org.journal.last, []
        for rotation in rotations:
            since_s = time.perf_counter()
            await rotate(house.world, house.admin, rotation.id)
            took_s.append(time.perf_counter() - since_s)
        calls = (house.org.journal.last - first) // turns
        bare_s = [await _bare(house, rotation) for rotation in rotations]
    turn_ms, bare_ms = median(took_s) * 1000, median(bare_s) * 1000
    return Overhead(round(turn_ms, 2), round(bare_ms, 2), round(turn_ms / bare_ms, 2), calls)


async def _bare(house: House, rotation: Rotation) -> float:
    """Return the seconds that the calls of a quiet turn take by themselves."""
    transport = httpx2.ASGITransport(build_app(house.org))
    secrets = f"{URL}{APPS}/{rotation.app_id}/credentials/secrets"
    headers = {"authorization": f"SSWS {house.org.seeded.api_token}"}
    async with httpx2.AsyncClient(transport=transport, headers=headers) as http:
        since_s = time.perf_counter()
        (old,) = (await http.get(secrets)).json()
        new = (await http.post(secrets, json={})).json()
        for value in (old, new, new):
            pair = (rotation.client_id, value["client_secret"])
            await http.post(f"{URL}/oauth2/v1/introspect", data={"token": "junk"}, auth=pair)
        await http.get(secrets)
        await http.post(f"{secrets}/{old['id']}/lifecycle/deactivate")
        (await http.delete(f"{secrets}/{old['id']}")).raise_for_status()
        return time.perf_counter() - since_s


# --- due rotations among many ---------------------------------------------------------------------


@dataclass(frozen=True)
class Due:
    """How long it takes to find and start what is due, and to claim it, in milliseconds."""

    rotations: int
    due: int
    find_ms: float
    start_ms: float
    claim_ms: float


async def due(store: Store, rotations: int, wanted: int = 100) -> Due:
    """Start and claim the turns that are due among so many rotations."""
    async with housed(store, policy=Policy(overlap_s=300, soak_s=0)) as house:
        await _fill(house, rotations, wanted)
        world, now = house.world, house.clock.now()
        async with store.reading() as tx:
            await tx.list_due_rotations(now, limit=1)
        since_s = time.perf_counter()
        async with store.reading() as tx:
            found = await tx.list_due_rotations(now, limit=wanted)
        found_s = time.perf_counter()
        started = await start_due(world)
        started_s = time.perf_counter()
        async with store.writing() as writing:
            claimed = await writing.claim_due(
                now, owner="x", lease=world.limits.lease, limit=wanted
            )
        claimed_s = time.perf_counter()
    if not len(found) == started == len(claimed) == wanted:
        sys.exit(f"{len(found)} found, {started} started, {len(claimed)} claimed")
    spans = (found_s - since_s, started_s - found_s, claimed_s - started_s)
    return Due(rotations, wanted, *(round(span * 1000, 1) for span in spans))


async def _fill(house: House, rotations: int, wanted: int) -> None:
    """Store copies of one rotation with its secrets; the first so many are due."""
    pattern = await house.rotation(0)
    async with house.world.store.reading() as tx:
        patterns = await tx.list(Secret, rotation_id=pattern.id)
    now = house.clock.now()
    later = now + timedelta(days=30)
    for start in range(1, rotations, 1000):
        async with house.world.store.writing() as writing:
            for number in range(start, min(start + 1000, rotations)):
                at = now if number <= wanted else later
                await writing.add(*_copies(pattern, patterns, number, at))


def _copies(
    pattern: Rotation, secrets: Sequence[Secret], number: int, at: datetime
) -> list[Rotation | Secret]:
    """Return a rotation with its secrets, whose turn starts then."""
    names = SecretsMapping(f"ID_{number}", f"SECRET_{number}")
    rotation_id = RotationId(f"r-{number}")
    rotation = replace(
        pattern, id=rotation_id, name=f"r-{number}", mapping=names, next_rotation_at=at
    )
    named = {pattern.mapping.client_id: names.client_id}
    copies: list[Rotation | Secret] = [
        replace(
            secret,
            id=SecretId(f"{number}-{secret.id}"),
            name=named.get(secret.name, names.client_secret),
            rotation_id=rotation_id,
        )
        for secret in secrets
    ]
    return [rotation, *copies]


# --- all of it ------------------------------------------------------------------------------------


async def measure(turns: int) -> dict[str, list[dict[str, object]]]:
    """Measure everything."""
    async with on_disk() as store:
        beside_bare = await overhead(store)
    among: list[Due] = []
    for rotations in (1_000, 100_000):
        async with on_disk() as store:
            among.append(await due(store, rotations))
    at_the_limit = await flow(MemoryStore(), turns)
    return {
        "overhead": [asdict(beside_bare)],
        "due": [asdict(each) for each in among],
        "flow": [asdict(at_the_limit)],
    }


def main() -> None:
    """Measure and print; a number is how many turns come due at once (1,000)."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    told = asyncio.run(measure(*numbers or [1000]))
    if "--json" in sys.argv:
        print(json.dumps(told))
        return
    for name, figures in told.items():
        for each in figures:
            print(name, *(f"{key}={value}" for key, value in each.items()))


if __name__ == "__main__":
    main()
