"""The stage on which processes are killed: an org, an installation, apps, and who uses them.

The org answers slowly, before its effects or after them, so that a kill often falls between the
two. Sets up and decides nothing of what happens.
"""

import asyncio
import random
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from keyturn.bootstrap.opening import initialise
from keyturn.cli.rehearsal.consumer import Registration, consuming
from keyturn.cli.rehearsal.readers import Reads, WatchedApi
from keyturn.cli.rehearsal.records import Records
from keyturn.cli.rehearsal.tally import Tally
from keyturn.cli.rehearsal.victims import NURSERY, Part, Victims, bare_environment, free_port
from keyturn.client import ClientError, Identity, KeyturnApi, Place, Store
from keyturn.domain.errors import OursError
from keyturn.domain.sensitive import Sensitive
from keyturn.sandbox import AppDraft, Fault, Ready, SandboxConfig
from keyturn.sandbox import serving as serving_org
from keyturn.settings import PREFIX, Settings
from keyturn.wire.connections import CreateConnection
from keyturn.wire.rotations import CreateRotation, UpdateRotation

OVERLAP_S = 3
TTL_S = 1.0
START_LIMIT_S = 60
QUIET_LIMIT_S = 180
WORKERS = 2
SERVE, WORK = Part(("serve",)), Part(("worker",))
SCHEDULED_EVERY = 4
"""Of so many rotations one turns by its schedule alone, each minute; the others when asked."""

_QUICK = {
    "KEYTURN_HOST": "127.0.0.1",
    "KEYTURN_ALLOW_PRIVATE_ADDRESSES": "true",
    "KEYTURN_OVERLAP_S": str(OVERLAP_S),
    "KEYTURN_OVERLAP_FLOOR_S": str(OVERLAP_S),
    "KEYTURN_SOAK_S": "1",
    "KEYTURN_TICK_S": "0.1",
    "KEYTURN_LEASE_S": "3",
    "KEYTURN_OKTA_CALL_LIMIT_S": "1",
    "KEYTURN_RECONCILE_S": "10",
    "KEYTURN_LOG_LEVEL": "warning",
}

_SECRETS = "/api/v1/apps/{appId}/credentials/secrets"
_ONE = f"{_SECRETS}/{{secretId}}"
_CHANGES = (("POST", _SECRETS), ("POST", f"{_ONE}/lifecycle/deactivate"), ("DELETE", _ONE))
_SLOW = (
    Fault("delay", "GET", _SECRETS, seconds=0.1),
    *(Fault("delay-after-effect", *at, probability=0.5, seconds=0.25) for at in _CHANGES),
    *(Fault("delay", *at, probability=0.6, seconds=0.25) for at in _CHANGES),
)


@dataclass(frozen=True)
class KillPlan:
    """How often to kill at least, and for how long.

    ``database`` is empty; without one a file is made. Okta accepts a new client secret
    ``propagation_s`` after it was added. ``nursery`` are Python's arguments for the process that
    starts Keyturn's.
    """

    kills: int = 100
    minutes: float = 0.0
    apps: int = 8
    seed: int = 0
    database: Sensitive | None = None
    propagation_s: float = 0.2
    nursery: Sequence[str] = NURSERY


@dataclass(frozen=True)
class Kept:
    """One app under a rotation, and the name by which its client secret is read."""

    app_id: str
    rotation_id: str
    name: str


@dataclass
class KillStage:
    """Everything that a rehearsal of kills stands on."""

    org: Ready
    records: Records
    victims: Victims
    api: KeyturnApi
    operator: Identity = field(repr=False)
    place: Place
    kept: list[Kept] = field(default_factory=list)

    async def until_ready(self) -> None:
        """Wait until every process that lives works. Raises OursError where one does not."""
        with suppress(TimeoutError):
            async with asyncio.timeout(START_LIMIT_S):
                while not all(victim.ready for victim in self.victims.alive):  # noqa: ASYNC110  others'
                    await asyncio.sleep(0.02)
                return
        raise OursError("A process of Keyturn's has not started.")

    async def set_up(self, apps: int) -> None:
        """Connect the org, and put so many of its apps under a rotation each."""
        body = {
            "name": "sandbox",
            "method": "api-token",
            "projectId": self.place.project,
            "credentials": {
                "instanceUrl": self.org.http_url,
                "apiToken": self.org.org.seeded.api_token,
            },
        }
        connection = await self.api.create_connection(CreateConnection.model_validate(body))
        self.kept = [await self._keep(connection.id, number) for number in range(apps)]
        for fault in _SLOW:
            self.org.org.add_fault(fault)

    async def _keep(self, connection_id: str, number: int) -> Kept:
        uris = self.org.org.read_app(self.org.org.seeded.web_app_id).redirect_uris
        app = self.org.org.create_app(AppDraft(f"app {number}", redirect_uris=uris))
        name = f"OKTA_CLIENT_SECRET_{number}"
        scheduled = number % SCHEDULED_EVERY == 0
        body = {
            "name": f"rotation-{number}",
            "projectId": self.place.project,
            "connectionId": connection_id,
            "environment": self.place.environment,
            "secretPath": self.place.path,
            "rotationInterval": 30,
            "schedule": {"cron": "* * * * *"} if scheduled else None,
            "parameters": {"clientId": app.client_id},
            "secretsMapping": {"clientId": f"OKTA_CLIENT_ID_{number}", "clientSecret": name},
        }
        rotation = await self.api.create_rotation(CreateRotation.model_validate(body))
        return Kept(app.id, rotation.id, name)

    @asynccontextmanager
    async def consumers(self, tally: Tally, reads: Reads) -> AsyncIterator[None]:
        """Keep the demonstration's consumer at work on every app until the block ends."""
        user = self.org.org.users[self.org.org.seeded.user_id]
        trust = ssl.create_default_context(cafile=str(self.org.ca_file))
        async with AsyncExitStack() as stack:
            api = WatchedApi(self.api.url, self.operator, tally, reads)
            store = Store(await stack.enter_async_context(api), self.place, ttl_s=TTL_S)
            for kept in self.kept:
                app = self.org.org.read_app(kept.app_id)
                of = Registration(
                    self.org.http_url,
                    trust,
                    app.client_id,
                    app.redirect_uris[0],
                    user.login,
                    user.password,
                )
                await stack.enter_async_context(consuming(of, [store.secret(kept.name)], tally))
            yield

    @asynccontextmanager
    async def turning(self, chance: random.Random) -> AsyncIterator[None]:
        """Ask for turn after turn of every rotation until the block ends, then of none."""
        asked = [k for i, k in enumerate(self.kept) if i % SCHEDULED_EVERY]
        tasks = [asyncio.create_task(self._turn(k, random.Random(chance.random()))) for k in asked]  # noqa: S311  seeded
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _turn(self, kept: Kept, chance: random.Random) -> None:
        while True:
            with suppress(ClientError):  # one is under way, or the server was killed over it
                await self.api.rotate(kept.rotation_id)
            await asyncio.sleep(chance.uniform(0.5, 2.5))

    async def until_quiet(self) -> None:
        """Let no turn start any more, and wait until none is under way."""
        manual = UpdateRotation(is_auto_rotation_enabled=False)
        for kept in self.kept:
            await self.api.update_rotation(kept.rotation_id, manual)
        with suppress(TimeoutError):
            async with asyncio.timeout(QUIET_LIMIT_S):
                while await self._under_way():  # noqa: ASYNC110  others'
                    await asyncio.sleep(0.5)

    async def _under_way(self) -> bool:
        rotations = await self.api.list_rotations(self.place.project)
        return any(each.schedule.state in ("turning", "waiting") for each in rotations)


@asynccontextmanager
async def killable(folder: Path, plan: KillPlan) -> AsyncIterator[KillStage]:
    """Set the stage, with its processes at work. Raises Refused where the database is in use."""
    port = free_port()
    env = _QUICK | {
        "KEYTURN_DATA_DIR": str(folder / "data"),
        "KEYTURN_PORT": str(port),
        "KEYTURN_LOG_FILE": str(folder / "keyturn.log"),
    }
    if plan.database:
        env["KEYTURN_DATABASE_URL"] = plan.database.reveal()
    settings = _settings(env)
    installed = await initialise(settings)
    operator = Identity(installed.client_id, installed.client_secret.reveal())
    config = SandboxConfig(
        http_port=0, https_port=0, control_port=0, profile="off", propagation_s=plan.propagation_s
    )
    async with AsyncExitStack() as stack:
        victims = Victims(folder, bare_environment() | env)
        records = Records(settings.database_file, plan.database)
        stack.push_async_callback(records.aclose)
        stage = KillStage(
            org=await stack.enter_async_context(serving_org(config)),
            records=records,
            victims=victims,
            api=await stack.enter_async_context(KeyturnApi(f"http://127.0.0.1:{port}", operator)),
            operator=operator,
            place=Place(installed.project.id, "dev"),
        )
        await stack.enter_async_context(victims.nursed(plan.nursery))
        for part in (SERVE, *[WORK] * (WORKERS if plan.database else 0)):
            await victims.start(part)
        await stage.until_ready()
        yield stage


def _settings(env: Mapping[str, str]) -> Settings:
    """Return what a process with this environment reads, whatever this one's is."""
    fields = {name.removeprefix(PREFIX).lower(): value for name, value in env.items()}
    unset = dict.fromkeys(("database_url", "root_key_file", "root_key", "old_root_key", "kms_key"))
    return Settings.model_validate(unset | fields)
