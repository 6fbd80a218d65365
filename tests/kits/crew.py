"""An installation on PostgreSQL with many rotations, and worker processes that may be struck."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from datetime import time as time_of_day
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP, SIGTERM
from typing import Any

from postgres_kit import Cluster

from keyturn.bootstrap.opening import initialise, opened
from keyturn.domain.access import ADMIN, Caller, Holding
from keyturn.domain.connection import ApiToken
from keyturn.domain.identity import Identity
from keyturn.domain.rotation import Rotation, SecretsMapping
from keyturn.domain.schedule import Schedule
from keyturn.domain.secret import Secret, State, Version
from keyturn.domain.sensitive import Sensitive
from keyturn.sandbox import AppDraft, Ready, SandboxConfig
from keyturn.sandbox import serving as sandbox_serving
from keyturn.services.connections import OktaConnectionDraft, create_okta_connection
from keyturn.services.onboarding import RotationDraft, create_rotation
from keyturn.services.ports import World
from keyturn.services.projects import Where
from keyturn.services.turns import start_due
from keyturn.settings import Settings

SECRETS = "/api/v1/apps/{appId}/credentials/secrets"
LEASE_S = 12
"""A fifth of the default: short enough to wait for, long enough for a machine with much to do."""
QUICK = {
    "KEYTURN_ALLOW_PRIVATE_ADDRESSES": "true",
    "KEYTURN_OVERLAP_S": "5",
    "KEYTURN_OVERLAP_FLOOR_S": "1",
    "KEYTURN_SOAK_S": "1",
    "KEYTURN_TICK_S": "0.2",
    "KEYTURN_LEASE_S": str(LEASE_S),
    "KEYTURN_OKTA_CALL_LIMIT_S": "4",
    "KEYTURN_CONCURRENCY": "50",
}


@dataclass
class Worker:
    """One process that works: `keyturn worker`, or another command that does."""

    process: asyncio.subprocess.Process
    log: Path

    def strike(self, signal: int) -> None:
        """Send the process a signal."""
        self.process.send_signal(signal)

    async def end(self) -> int:
        """Ask the process to stop, and return its exit code."""
        if self.process.returncode is None:
            self.strike(SIGTERM)
        return await self.process.wait()


@dataclass
class Crew:
    """The installation, the org beside it, and whoever works."""

    cluster: Cluster
    url: Sensitive
    folder: Path
    org: Ready
    settings: Settings
    workers: list[Worker] = field(default_factory=list)

    @property
    def database(self) -> str:
        """The database's name."""
        return self.url.reveal().partition("@/")[2].partition("?")[0]

    async def hire(self, engine: str, *command: str) -> Worker:
        """Start a worker, by another command than `worker` if need be; wait until it works."""
        log = self.folder / f"worker-{len(self.workers)}.log"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "keyturn", *(command or ["worker"])),
            env=os.environ
            | QUICK
            | {
                "KEYTURN_DATA_DIR": str(self.settings.data_dir),
                "KEYTURN_DATABASE_URL": self.url.reveal(),
                "KEYTURN_ENGINE": engine,
                "KEYTURN_LOG_FILE": str(log),
            },
            stdout=asyncio.subprocess.PIPE,
        )
        worker = Worker(process, log)
        self.workers.append(worker)
        assert process.stdout
        assert await process.stdout.readline(), "the worker did not start"
        return worker

    def sql(self, statement: str) -> str:
        """Ask the database behind everybody's back."""
        return self.cluster.sql(self.database, statement)

    def count(self, what: str) -> int:
        """Count rows: a table's name and what follows it."""
        return int(self.sql(f"SELECT count(*) FROM {what}"))

    async def until(
        self, true: Callable[[], bool], *, limit_s: float = 600, every_s: float = 0.2
    ) -> float:
        """Wait until something is so; return how many seconds that took.

        The limit only ends what hangs: how fast a machine is, no test may ask.
        """
        begun = time.monotonic()
        async with asyncio.timeout(limit_s):
            while not await asyncio.to_thread(true):
                await asyncio.sleep(every_s)
        return time.monotonic() - begun

    def finished(self) -> int:
        """Count the turns that came to their end."""
        return self.count("turn WHERE phase = 'FINISHED'")

    def owners(self) -> list[str]:
        """Return who holds turns now."""
        return self.sql("SELECT DISTINCT owner FROM turn WHERE owner IS NOT NULL").splitlines()

    async def freeze(self, worker: Worker, owner: str, *, holding: int) -> dict[str, int]:
        """Stop a worker while it holds so many turns; return those with their steps."""
        async with asyncio.timeout(60):
            while True:
                worker.strike(SIGSTOP)
                await asyncio.sleep(0.2)  # what it has sent arrives
                held = self.steps(f"owner = '{owner}'")
                if len(held) >= holding:
                    return held
                worker.strike(SIGCONT)
                await asyncio.sleep(0.1)

    def steps(self, which: str) -> dict[str, int]:
        """Return how many steps of turns are on record, by the turns' ids."""
        steps = "SELECT count(*) FROM turn_step WHERE turn_id = turn.id"
        rows = self.sql(f"SELECT id, ({steps}) FROM turn WHERE {which}").splitlines()
        return {id_: int(count) for id_, count in (row.split("|") for row in rows)}

    def records(self) -> str:
        """Return everything that the store holds of turns and of what was done."""
        tables = ("turn", "turn_step", "version", "rotation", "audit_entry")
        queries = (f"SELECT * FROM {table} ORDER BY position" for table in tables)
        return "\n".join(self.sql(query) for query in queries)

    def changes_at_okta(self) -> list[tuple[str, str, int]]:
        """Return every request to the org that was to change something: method, path, status."""
        told: Any = self.org.org.requests()["requests"]
        return [
            (r["method"], r["path"], r["status"])
            for r in told
            if r["method"] != "GET" and r["route"].startswith(SECRETS)
        ]


@asynccontextmanager
async def crewed(
    cluster: Cluster, url: Sensitive, folder: Path, *, rotations: int, started: bool = False
) -> AsyncIterator[Crew]:
    """Set up an installation whose rotations are all due at once, or whose turns have started.

    Nobody works yet.
    """
    ports = SandboxConfig(http_port=0, https_port=0, control_port=0, profile="off")
    values = {name.removeprefix("KEYTURN_").lower(): value for name, value in QUICK.items()}
    settings = Settings.model_validate(
        values | {"data_dir": folder / "data", "database_url": url.reveal()}
    )
    await initialise(settings)
    async with sandbox_serving(ports) as org:
        crew = Crew(cluster, url, folder, org, settings)
        async with opened(settings) as world:
            await create_rotations(world, org, rotations)
            while started and await start_due(world):
                pass
        try:
            yield crew
        finally:
            for worker in crew.workers:
                if worker.process.returncode is None:
                    worker.strike(SIGKILL)
                await worker.process.wait()


async def create_rotations(world: World, org: Ready, count: int) -> None:
    """Create so many rotations, each with an app of its own, due now."""
    async with world.store.reading() as tx:
        identity = await tx.find(Identity, name="administrator")
    assert identity
    admin = Caller(identity.id, identity.name, identity.organization_id, (Holding(ADMIN),))
    token = ApiToken(Sensitive(str(org.as_json()["ssws_token"])))
    draft = OktaConnectionDraft("okta", None, None, org.http_url, token)
    connection = await create_okta_connection(world, admin, draft)
    for number in range(count):
        app = org.org.create_app(AppDraft(f"app {number}"))
        await create_rotation(
            world,
            admin,
            RotationDraft(
                name=f"rotation-{number}",
                description=None,
                where=Where("example", "dev"),
                connection_id=connection.id,
                parameter=app.id,
                mapping=SecretsMapping(f"ID_{number}", f"SECRET_{number}"),
                schedule=Schedule(30, time_of_day(0, 0)),
            ),
        )
    async with world.store.writing() as tx:
        for rotation in await tx.list(Rotation):
            await tx.replace(replace(rotation, next_rotation_at=datetime.now(UTC)))


async def wrongs(crew: Crew) -> list[str]:
    """List what the org's own record holds against a run in which each app was turned once."""
    truth: Any = crew.org.org.truth()["apps"]
    apps = {app["id"]: app["secrets"] for app in truth}
    posts = [path for method, path, status in crew.changes_at_okta() if status == 201]
    found = []
    async with opened(crew.settings) as world, world.store.reading() as tx:
        for rotation in await tx.list(Rotation):
            secret = await tx.find(
                Secret, rotation_id=rotation.id, name=rotation.mapping.client_secret
            )
            assert secret
            served = await tx.find(Version, secret_id=secret.id, state=State.CURRENT)
            living = [s for s in apps[rotation.app_id] if not s["deleted_at"]]
            if served is None or [(s["hash"], s["status"]) for s in living] != [
                (served.hash, "ACTIVE")
            ]:
                found.append(f"{rotation.name}: what is served is not the one secret left")
            posted = sum(f"/{rotation.app_id}/" in path for path in posts)
            if posted != 1 or len(apps[rotation.app_id]) != 2:
                found.append(f"{rotation.name}: {posted} secrets were added")
    return found
