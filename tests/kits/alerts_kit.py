"""What makes each alert fire: a house is brought to where its condition is true."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta

import httpx2
from api_kit import ORG_URL, ROTATIONS, House
from okta_kit import reply
from storage_kit import (
    DESTINATION,
    FINDING,
    GRANTED,
    MEMBER,
    REGISTRATION,
    ROLLOUT,
)

from keyturn.adapters.okta import OktaHttpOrgs
from keyturn.adapters.runner import EmbeddedRunner
from keyturn.api.app import build_api
from keyturn.domain.channel_kinds import ChannelKind
from keyturn.domain.channels import Channel
from keyturn.domain.connection import ApiToken, OktaConnection
from keyturn.domain.destination import State as Delivering
from keyturn.domain.drift import Kind
from keyturn.domain.errors import DatabaseAway, KeyturnError
from keyturn.domain.ids import ChannelId
from keyturn.domain.inventory import Inventory, Stage
from keyturn.domain.oauth.lights import Light
from keyturn.domain.project import Folder
from keyturn.domain.rollout import Kind as Purpose
from keyturn.domain.rollout import Standing, State
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Blocked, Phase, Reason, Turn
from keyturn.services.backups import backed_up
from keyturn.services.compliance_reports import report_due
from keyturn.services.drift import reconcile_due
from keyturn.services.ports import Record, World
from keyturn.testing import MemoryStore

Arrange = Callable[[House], Awaitable[World | None]]
FIRING: dict[str, Arrange] = {}


def firing(arrange: Arrange) -> Arrange:
    """Remember what makes the alert of this name fire."""
    FIRING["".join(part.capitalize() for part in arrange.__name__.split("_"))] = arrange
    return arrange


class AwayStore(MemoryStore):
    """A store whose database is away."""

    def reading(self) -> object:  # type: ignore[override]
        """Fail."""
        raise DatabaseAway


class BrokenStore(MemoryStore):
    """A store that fails as nobody foresaw."""

    def reading(self) -> object:  # type: ignore[override]
        """Fail."""
        raise RuntimeError


async def put(house: House, *records: Record) -> None:
    """Add records, in the folder and the organization there are."""
    async with house.world.store.writing() as tx:
        folder = (await tx.list(Folder))[0]
        there = {"folder_id": folder.id, "organization_id": house.installed.organization.id}
        await tx.add(*(_placed(one, there) for one in records))


def _placed(record: Record, there: Mapping[str, object]) -> Record:
    return replace(record, **{name: at for name, at in there.items() if hasattr(record, name)})  # type: ignore[arg-type]


async def turned(house: House) -> Turn:
    """Create a rotation, turn it once, and return the turn, which overlaps."""
    made = await house.rotate_by_order()
    await house.http.post(f"{ROTATIONS}/{made['id']}/rotate-secrets")
    async with house.world.store.reading() as tx:
        [turn] = await tx.list(Turn)
    assert turn.phase is Phase.OVERLAPPING
    return turn


async def block(house: House, reason: Reason) -> None:
    """Let a turn stand still."""
    turn = await turned(house)
    stuck = Blocked(reason, "", turn.phase)
    async with house.world.store.writing() as tx:
        await tx.replace(replace(turn, phase=Phase.BLOCKED, blocked=stuck, wake_at=None))


async def find(house: House, kind: Kind) -> None:
    """Let something have drifted."""
    turn = await turned(house)
    async with house.world.store.writing() as tx:
        await tx.add(replace(FINDING, rotation_id=turn.rotation_id, kind=kind))


async def call(house: House, count: int, *answers: httpx2.Response) -> World:
    """Ask an org that answers so, or not at all; return a world that knows its rate limits."""
    left = [*answers]

    def answer(_: httpx2.Request) -> httpx2.Response:
        if not left:
            raise httpx2.ReadError("gone")
        return left.pop(0)

    world = house.world
    okta = OktaHttpOrgs(
        world.clock,
        world.chance,
        transport=lambda: httpx2.MockTransport(answer),
        vitals=world.vitals,
    )
    org = okta.open(ORG_URL, ApiToken(Sensitive("t")), journal=lambda _: None)
    for _ in range(count):
        try:
            await org.find_app("0oa1")
        except KeyturnError:
            continue
    return replace(world, okta=okta)


@firing
async def keyturn_database_away(house: House) -> World | None:
    """Take the database away."""
    return replace(house.world, store=AwayStore())


@firing
async def keyturn_worker_failures(house: House) -> World | None:
    """Let a worker run into it."""
    world = replace(house.world, store=BrokenStore())
    async with EmbeddedRunner(world, tick_s=0.001, concurrency=1):
        while not any(label == "looking for what is due" for _, label in world.vitals.counts):
            await asyncio.sleep(0)
    return None


@firing
async def keyturn_server_errors(house: House) -> World | None:
    """Run into an error of our own, six times."""
    broken = build_api(replace(house.world, store=BrokenStore()), version="0")
    way = httpx2.ASGITransport(broken, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=way, base_url=ORG_URL) as http:
        for _ in range(6):
            await http.get("/api/v1/workspace", headers={"authorization": "Bearer x"})
    return None


@firing
async def keyturn_event_loop_blocked(house: House) -> World | None:
    """Note what a loop notes that stood still for two seconds."""
    house.world.vitals.lagged(2.0)
    return None


@firing
async def keyturn_served_secret_refused(house: House) -> World | None:
    """Lose the new secret at Okta."""
    return await block(house, Reason.NEW_SECRET_LOST)


@firing
async def keyturn_served_secret_changed(house: House) -> World | None:
    """Let somebody remove the served secret."""
    return await find(house, Kind.SECRET_REMOVED)


async def emergency(house: House, standing: Standing) -> None:
    """Let an emergency that is not over have an app that stands so."""
    turn, running = await turned(house), replace(ROLLOUT, state=State.RUNNING)
    app = replace(MEMBER, rotation_id=turn.rotation_id, turn_id=turn.id, standing=standing)
    await put(house, running, app)


@firing
async def keyturn_emergency_not_closed(house: House) -> World | None:
    """Let an emergency have an app that it could not close."""
    return await emergency(house, Standing.FAILED)


@firing
async def keyturn_emergency_slow(house: House) -> World | None:
    """Let an emergency have an app that waits."""
    return await emergency(house, Standing.WAITING)


@firing
async def keyturn_leak_unattended(house: House) -> World | None:
    """Report what readers are given as leaked, and do no more."""
    await house.rotate_by_order()
    one = {"value": await house.served(), "where": "a public repository"}
    answer = await house.http.post("/api/v1/leaks", json={"reports": [one]})
    assert answer.status_code == 200, answer.text
    return None


@firing
async def keyturn_turns_blocked(house: House) -> World | None:
    """Deactivate the app, and ask for a turn."""
    made = await house.rotate_by_order()
    house.org.deactivate_app(house.app_id)
    await house.http.post(f"{ROTATIONS}/{made['id']}/rotate-secrets")
    return None


@firing
async def keyturn_rollout_halted(house: House) -> World | None:
    """Let a rollout in waves stand still."""
    await put(house, replace(ROLLOUT, kind=Purpose.WAVES, state=State.HALTED))
    return None


@firing
async def keyturn_rotations_overdue(house: House) -> World | None:
    """Let the time of a turn pass, and nobody start it."""
    await house.rotate_by_order()
    house.clock.advance(timedelta(days=60).total_seconds())
    return None


@firing
async def keyturn_due_lag(house: House) -> World | None:
    """Let a turn come due, and nobody take it up."""
    await turned(house)
    house.clock.advance(1000)
    return None


@firing
async def keyturn_overlap_long(house: House) -> World | None:
    """Leave a turn in its overlap."""
    await turned(house)
    house.clock.advance(timedelta(days=15).total_seconds())
    return None


@firing
async def keyturn_drift(house: House) -> World | None:
    """Let somebody add a secret."""
    return await find(house, Kind.SECRET_ADDED)


@firing
async def keyturn_okta_access(house: House) -> World | None:
    """Give a connection a token that Okta refuses, and compare."""
    await house.rotate_by_order()
    async with house.world.store.writing() as tx:
        [one] = await tx.list(OktaConnection)
        await tx.replace(replace(one, next_reconcile_at=house.clock.now()))
    world = await call(house, 0)
    await reconcile_due(world)
    return None


@firing
async def keyturn_okta_unanswered(house: House) -> World | None:
    """Ask an Okta that is not there."""
    await call(house, 11)
    return None


@firing
async def keyturn_okta_throttled(house: House) -> World | None:
    """Ask an Okta that has had enough."""
    await call(house, 1, reply(429, {"errorCode": "E0000047"}))
    return None


@firing
async def keyturn_okta_budget_low(house: House) -> World | None:
    """Use all there is but what is kept back, of a bucket that is no small one."""
    now = house.clock.now()
    headers = {
        "x_rate_limit_limit": "500",
        "x_rate_limit_remaining": "21",
        "x_rate_limit_reset": str(int(now.timestamp()) + 50),
        "date": now.strftime("%a, %d %b %Y %H:%M:%S GMT"),
    }
    page = reply(200, [], **headers)
    world = await call(house, 0, page)
    org = world.okta.open(ORG_URL, ApiToken(Sensitive("t")), journal=lambda _: None)
    await org.list_apps("a", most=1)
    return world


@firing
async def keyturn_destinations_failing(house: House) -> World | None:
    """Let a store refuse what it is brought."""
    await put(house, replace(DESTINATION, state=Delivering.BLOCKED))
    return None


@firing
async def keyturn_connections_broken(house: House) -> World | None:
    """Let a connection fail."""
    await put(house, REGISTRATION, replace(GRANTED, light=Light.BROKEN))
    return None


@firing
async def keyturn_client_secret_rejected(house: House) -> World | None:
    """Let a server reject the secret of a client."""
    await put(house, replace(REGISTRATION, light=Light.BROKEN))
    return None


@firing
async def keyturn_channels_failing(house: House) -> World | None:
    """Let notices not arrive."""
    home, now = house.installed.organization.id, house.clock.now()
    one = Channel(ChannelId("ch-1"), home, None, "ops", ChannelKind.SLACK, (), now, now)
    await put(house, replace(one, failing_since=now))
    return None


@firing
async def keyturn_inventory_failing(house: House) -> World | None:
    """Let an inventory stand still."""
    await house.rotate_by_order()
    async with house.world.store.reading() as tx:
        [one] = await tx.list(OktaConnection)
    now = house.clock.now()
    await put(house, Inventory(one.id, Stage.LISTING, now, failing_since=now))
    return None


async def report_compliance(house: House) -> None:
    """Ask something of all apps, and report how they do."""
    policy = {"name": "all", "maxAgeDays": 90}
    answer = await house.http.post("/api/v1/compliance/policies", json=policy)
    assert answer.status_code == 200, answer.text
    assert await report_due(house.world) == 1


@firing
async def keyturn_compliance_evidence_old(house: House) -> World | None:
    """Report compliance, and not again in the night that follows."""
    await report_compliance(house)
    house.clock.advance(timedelta(hours=26).total_seconds())
    return None


@firing
async def keyturn_backup_old(house: House) -> World | None:
    """Make a backup, and no other for three days."""
    await house.world.store.append_audit(backed_up(house.clock.now(), "x.ktb"))
    house.clock.advance(timedelta(days=3).total_seconds())
    return None
