"""An installation moves to PostgreSQL in the middle of its turns, and they end there."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
from rig import ORG_URL, PLACE, SECRETS, START, Rig

from keyturn.adapters.storage import PostgresStore
from keyturn.bootstrap.keeping import back_up
from keyturn.bootstrap.opening import Outside, initialise, opened
from keyturn.domain.access import ADMIN, Caller, Holding
from keyturn.domain.audit import AuditEntry, verify_chain
from keyturn.domain.connection import ApiToken
from keyturn.domain.errors import Refused, TurnFailed
from keyturn.domain.identity import Identity
from keyturn.domain.okta import secret_hash
from keyturn.domain.rotation import SecretsMapping
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Phase, Turn
from keyturn.sandbox import AppDraft, Fault, Org, build_app
from keyturn.services.connections import OktaConnectionDraft, create_okta_connection
from keyturn.services.secrets import read_secret
from keyturn.services.turns import rotate
from keyturn.settings import Settings
from keyturn.testing import ManualClock, SeededChance

pytestmark = pytest.mark.slow


@dataclass
class House:
    """One org and one clock, and an installation that may be opened again and again."""

    clock: ManualClock
    org: Org
    folder: Path
    turns: list[Turn] = field(default_factory=list)
    audit: list[AuditEntry] = field(default_factory=list)

    @property
    def outside(self) -> Outside:
        """The world around the installation."""
        app = build_app(self.org)
        return Outside(self.clock, SeededChance(1), lambda: httpx2.ASGITransport(app))

    def settings(self, database: Sensitive | None = None) -> Settings:
        """Name the data directory, and the database where there is one."""
        url = database.reveal() if database else None
        return Settings.model_validate({"data_dir": self.folder / "data", "database_url": url})

    @asynccontextmanager
    async def open(self, database: Sensitive | None = None) -> AsyncIterator[Rig]:
        """Open the installation as its administrator."""
        async with opened(self.settings(database), self.outside) as world:
            async with world.store.reading() as tx:
                identity = await tx.find(Identity, name="administrator")
            assert identity
            admin = Caller(identity.id, identity.name, identity.organization_id, (Holding(ADMIN),))
            rig: Any = Rig(world, self.org, self.clock, admin, None, "")  # type: ignore[arg-type]
            yield rig


@pytest.fixture
async def house(tmp_path: Path) -> House:
    """Set up an installation on SQLite with a turn in each of several phases."""
    clock = ManualClock(START)
    it = House(clock, Org(1, clock.now), tmp_path)
    await initialise(it.settings(), it.outside)
    async with it.open() as rig:
        await begin_turns(rig)
        it.turns, it.audit = await told(rig)
    return it


async def begin_turns(rig: Rig) -> None:
    """Bring turns into the phases written, overlapping and soaking, and one into dead hands."""
    token = ApiToken(Sensitive(rig.org.seeded.api_token))
    draft = OktaConnectionDraft("okta", None, None, ORG_URL, token)
    rig.connection = await create_okta_connection(rig.world, rig.admin, draft)
    ids = [await rotation(rig, name) for name in ("SOAKING", "OVERLAPPING", "WRITTEN", "HELD")]
    await rotate(rig.world, rig.admin, ids[0])
    rig.clock.advance(600)
    await rig.tick()
    await rotate(rig.world, rig.admin, ids[1])
    await rotate(rig.world, rig.admin, ids[3])
    rig.org.add_fault(Fault("drop-after-effect", "POST", SECRETS, count=1))
    with pytest.raises(TurnFailed):
        await rotate(rig.world, rig.admin, ids[2])
    async with rig.world.store.writing() as tx:
        later, lease = rig.clock.now() + timedelta(days=1), rig.world.limits.lease
        await tx.claim_due(later, owner="dead", lease=lease, limit=2)


async def rotation(rig: Rig, name: str) -> str:
    """Create a rotation with an app of its own."""
    app = rig.org.create_app(AppDraft(name))
    mapping = SecretsMapping(f"ID_{name}", f"SECRET_{name}")
    made = await rig.rotation(name=name.lower(), parameter=app.id, mapping=mapping)
    return str(made.rotation.id)


async def told(rig: Rig) -> tuple[list[Turn], list[AuditEntry]]:
    """Return every turn and every audit entry."""
    async with rig.world.store.reading() as tx:
        return list(await tx.list(Turn)), list(await tx.list_audit())


def migrating(house: House, database: Sensitive, *more: str) -> subprocess.Popen[str]:
    """Start the command."""
    env = os.environ | {"KEYTURN_DATABASE_URL": database.reveal()}
    line = [sys.executable, "-m", "keyturn", "migrate", "--data-dir", str(house.folder / "data")]
    pipe = subprocess.PIPE
    return subprocess.Popen([*line, *more], env=env, stdout=pipe, stderr=pipe, text=True)


def migrate(house: House, database: Sensitive, *more: str) -> str:
    """Run the command and return what it printed."""
    with migrating(house, database, *more) as process:
        out, err = process.communicate()
    assert process.returncode == 0, err
    return out


async def test_turns_in_flight_end_on_postgresql(house: House, database: Sensitive) -> None:
    """Whatever a turn was about when the installation moved, it is finished, and once."""
    assert "dead" in {turn.owner for turn in house.turns}
    assert {turn.phase for turn in house.turns} >= {Phase.WRITTEN, Phase.OVERLAPPING, Phase.SOAKING}
    planned = migrate(house, database, "--plan")
    moved = migrate(house, database)
    assert planned.splitlines()[:-2] == moved.splitlines()[:-2]
    async with house.open(database) as rig:
        there, log = await told(rig)
        assert [(t.id, t.phase, t.new, t.old) for t in there] == [
            (t.id, t.phase, t.new, t.old) for t in house.turns
        ]
        assert log == house.audit
        for turn in there:
            assert (await rig.run(turn.rotation_id)).phase is Phase.FINISHED
        verify_chain((await told(rig))[1])
        await assert_whole(rig, [turn.app_id for turn in there])


async def assert_whole(rig: Rig, apps: list[str]) -> None:
    """Judge by the org: one secret is left of each app, it is served, and none was added twice."""
    for app, name in zip(apps, ("SOAKING", "OVERLAPPING", "HELD", "WRITTEN"), strict=True):
        rig.app_id = app
        read = await read_secret(rig.world, rig.admin, PLACE, f"SECRET_{name}")
        [left] = rig.living()
        assert left["status"] == "ACTIVE"
        assert left["hash"] == secret_hash(read.value)
        assert len(rig.at_okta()) == 2


async def test_a_backup_waits_until_all_is_moved(house: House, database: Sensitive) -> None:
    """What it notes of itself would stay behind; it is refused, and nothing else happens."""
    async with locked(database, "turn") as watch:
        with migrating(house, database) as process:
            await stopped_at(watch, "turn", process)
            settings, backup = house.settings(), house.folder / "it.backup"
            with pytest.raises(Refused, match="is being moved"):
                await back_up(settings, backup, None, house.outside)
            await watch.rollback()
            process.communicate()
    async with house.open(database) as rig:
        assert (await told(rig))[1] == house.audit


async def test_the_old_file_is_not_opened_any_more(house: House, database: Sensitive) -> None:
    """After the move the data directory holds no installation, only the root key and a copy."""
    migrate(house, database)
    assert {path.name for path in (house.folder / "data").iterdir()} >= {
        "root.key",
        "keyturn.db.moved",
    }
    with pytest.raises(Refused, match="no installation"):
        async with house.open():
            pass


@asynccontextmanager
async def locked(database: Sensitive, table: str) -> AsyncIterator[psycopg.AsyncConnection]:
    """Let nobody write to a table of the target, which is empty, while the block lasts."""
    await (await PostgresStore.open(database)).aclose()
    async with await psycopg.AsyncConnection.connect(database.reveal()) as connection:
        await connection.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE")
        yield connection


async def kill_in_the_copy(house: House, database: Sensitive) -> None:
    """Kill the command while it stands still before the table of turns, half of the copy done."""
    async with locked(database, "turn") as watch:
        with migrating(house, database) as process:
            await stopped_at(watch, "turn", process)
            process.kill()


async def stopped_at(
    watch: psycopg.AsyncConnection, table: str, process: subprocess.Popen[str]
) -> None:
    """Wait until the command stands still before a table."""
    waiting = f"SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = '{table}'::regclass"
    while not (await (await watch.execute(waiting)).fetchone() or [0])[0]:
        assert process.poll() is None, process.communicate()[1]
        await asyncio.sleep(0.02)


async def test_killed_in_the_middle_of_the_copy(house: House, database: Sensitive) -> None:
    """Nothing is at the target and all is at the source; the second attempt moves it."""
    await kill_in_the_copy(house, database)
    assert not (house.folder / "data" / "keyturn.db.moved").exists()
    async with house.open() as rig:
        here, log = await told(rig)
        assert [(t.id, t.phase, t.new, t.old) for t in here] == [
            (t.id, t.phase, t.new, t.old) for t in house.turns
        ]
        assert log == house.audit
    migrate(house, database)
    async with house.open(database) as rig:
        assert await told(rig) == (here, log)
