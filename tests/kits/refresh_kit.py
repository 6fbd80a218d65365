"""An installation on PostgreSQL with a connection at somebody else's server, and who wants tokens.

The processes share nothing but the database, and the server's record is the judge.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from authorization_kit import Client
from rig import PLACE

from keyturn.bootstrap.opening import initialise, opened
from keyturn.domain.access import ADMIN, Caller, Holding
from keyturn.domain.identity import Identity
from keyturn.domain.oauth.connection import Connection, GrantType
from keyturn.domain.project import Project
from keyturn.domain.sensitive import Sensitive
from keyturn.services.grants import ConnectionDraft
from keyturn.services.oauth_connections import create_connection
from keyturn.services.ports import World
from keyturn.services.records import must
from keyturn.services.registrations import Credential, RegistrationDraft, create_registration
from keyturn.settings import Settings

SCRIPT = Path(__file__).with_name("refresher.py")
STARTS_S = 60


@dataclass
class Many:
    """The installation, the client at the server, and the connection that everybody wants."""

    world: World
    admin: Caller
    client: Client
    connection: Connection
    environment: dict[str, str] = field(repr=False)

    async def stored(self) -> Connection:
        """Return the connection as it stands."""
        async with self.world.store.reading() as tx:
            return await must(tx.find(Connection, id=self.connection.id))

    async def expire(self) -> None:
        """Have its access token be over for everybody."""
        async with self.world.store.writing() as tx:
            one = await must(tx.find(Connection, id=self.connection.id))
            assert one.tokens
            spent = replace(one.tokens, expires_at=one.tokens.issued_at)
            await tx.replace(replace(one, tokens=spent))

    async def end_lease(self) -> None:
        """Have the lease of whoever has it in hand be over, as it is a minute after its death."""
        async with self.world.store.writing() as tx:
            one = await must(tx.find(Connection, id=self.connection.id))
            await tx.replace(replace(one, leased_until=one.created_at))

    async def start(self, processes: int, times: int) -> Sequence[asyncio.subprocess.Process]:
        """Start processes that want tokens so many times each, and wait until all are ready."""
        started = [
            await asyncio.create_subprocess_exec(
                *(sys.executable, str(SCRIPT), self.connection.id, str(times)),
                env=os.environ | self.environment,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=1_000_000,
            )
            for _ in range(processes)
        ]
        async with asyncio.timeout(STARTS_S):
            for each in started:
                assert each.stdout
                assert await each.stdout.readline() == b"ready\n"
        return started

    @staticmethod
    def go(started: Sequence[asyncio.subprocess.Process]) -> None:
        """Have processes that are ready begin."""
        for each in started:
            assert each.stdin
            each.stdin.write(b"go\n")

    @staticmethod
    async def told(started: Sequence[asyncio.subprocess.Process]) -> list[str]:
        """Return all that the processes were given, in any order."""
        found = []
        for each in started:
            output, _ = await each.communicate()
            assert each.returncode == 0
            found += json.loads(output.splitlines()[-1])  # what is logged comes before it
        return found

    async def spent(self) -> int:
        """Return how often the server was asked to refresh, whatever it answered."""
        counts = await self.client.counts()
        asked = [number for (grant, _), number in counts.items() if grant == "refresh_token"]
        return sum(asked)


@asynccontextmanager
async def wanted_by_many(database: Sensitive, folder: Path, client: Client) -> AsyncIterator[Many]:
    """Set up an installation with one connection that somebody has granted at a server."""
    environment = {
        "KEYTURN_DATA_DIR": str(folder / "data"),
        "KEYTURN_DATABASE_URL": database.reveal(),
        "KEYTURN_ALLOW_PRIVATE_ADDRESSES": "true",
        "KEYTURN_LOG_FILE": str(folder / "log"),
    }
    values = {name.removeprefix("KEYTURN_").lower(): told for name, told in environment.items()}
    settings = Settings.model_validate(values)
    await initialise(settings)
    token = (await client.tokens())["refresh_token"]
    async with opened(settings) as world:
        admin = await administrator(world)
        one = await connected(world, admin, client, token)
        yield Many(world, admin, client, one, environment)


async def administrator(world: World) -> Caller:
    """Return who may do everything."""
    async with world.store.reading() as tx:
        identity = await must(tx.find(Identity, name="administrator"))
    return Caller(identity.id, identity.name, identity.organization_id, (Holding(ADMIN),))


async def connected(world: World, admin: Caller, client: Client, token: str) -> Connection:
    """Create a connection by a refresh token, at a server that says of itself how to ask it."""
    async with world.store.reading() as tx:
        (project,) = await tx.list(Project)
    credential = Credential(client.client_id, Sensitive(client.secret))
    draft = RegistrationDraft(
        "peer",
        replace(PLACE, project=project.id),
        credential,
        issuer=str(client.server.metadata["issuer"]),
    )
    registration = (await create_registration(world, admin, draft)).registration
    given = {"refresh_token": Sensitive(token)}
    wanted = ConnectionDraft("everybody", registration.id, GrantType.REFRESH, (), given=given)
    return (await create_connection(world, admin, wanted)).connection
