"""Connections of a world's apps: the services that use them, and the persons who authorize them.

Knows nothing of turns. Whether a grant had to be given anew because of the product is for the
invariants to say.
"""

import asyncio
from collections.abc import Sequence
from random import Random
from urllib.parse import parse_qsl, urlsplit

from keyturn.cli.simulation.consumers import OFFLINE, SCOPE, rest
from keyturn.cli.simulation.kinds import REDIRECT_URI
from keyturn.cli.simulation.parts import Part
from keyturn.cli.simulation.people import agree
from keyturn.cli.simulation.processes import Died
from keyturn.cli.simulation.stage import ORG_URL, PLACE, Cast, Stage, Station
from keyturn.domain.errors import KeyturnError
from keyturn.domain.oauth.connection import Connection, GrantType, State
from keyturn.domain.oauth.connectors import OKTA
from keyturn.sandbox.principals import is_good
from keyturn.services.authorizing import begin_authorization, complete_authorization
from keyturn.services.credentials import Credential
from keyturn.services.grants import ConnectionDraft
from keyturn.services.oauth_connections import (
    AS_IT_IS,
    Pass,
    Wanted,
    authorize_request,
    create_connection,
)
from keyturn.services.ports import World
from keyturn.services.registrations import RegistrationDraft, create_registration

SERVER = "default"
BASE = f"{ORG_URL}/oauth2/{SERVER}/v1"
CUSTOM = {
    "endpoints": {
        "authorization": f"{BASE}/authorize",
        "token": f"{BASE}/token",
        "introspection": f"{BASE}/introspect",
        "revocation": f"{BASE}/revoke",
    }
}
"""The org's own server gives an app nothing for itself that authenticates by a client secret."""
UNAUTHORIZED = (State.NEW, State.LAPSED)
DOUBTED = 0.2
"""How often a service says that its resource did not take the token."""
TRIES = 40
AGAIN_S = 60.0


async def connect(stage: Stage, part: Part, cast: Cast) -> Sequence[str]:
    """Register an app as the client that its part wants; return its connections, authorized."""
    client = part.client
    if client is None:
        return ()
    draft = RegistrationDraft(
        part.name,
        PLACE,
        Credential(rotation=part.name),
        OKTA.name,
        provider=CUSTOM if client.mints else None,
        domain=ORG_URL.removeprefix("https://"),
    )
    made = (await create_registration(stage.bare, stage.admin, draft)).registration
    cast.kept.registration_id, cast.kept.proved = made.id, {*cast.kept.served}
    wanted = [(f"{part.name}-{n}", GrantType.CODE, OFFLINE) for n in range(client.persons)]
    wanted += [(f"{part.name}-itself", GrantType.CLIENT_CREDENTIALS, SCOPE)] * client.mints
    return [
        await _create(stage, cast, ConnectionDraft(name, made.id, grant, (scope,)))
        for name, grant, scope in wanted
    ]


async def _create(stage: Stage, cast: Cast, draft: ConnectionDraft) -> str:
    made = (await create_connection(stage.bare, stage.admin, draft)).connection
    if made.grant_type is GrantType.CODE:
        await authorize(stage, stage.bare, cast, made)
    stage.judge.note_connection(find(stage, made.id))
    return made.id


async def authorize(stage: Stage, world: World, cast: Cast, connection: Connection) -> None:
    """Have a person agree to what a connection is for, in a browser that nobody sees."""
    begun = await begin_authorization(world, stage.admin, connection.id, redirect_uri=REDIRECT_URI)
    address = urlsplit(begun.address.reveal())
    asked = dict(parse_qsl(address.query))
    server = SERVER if f"/{SERVER}/" in address.path else None
    code = agree(stage.org, cast.client_id, asked, server)
    told = {"state": asked["state"], "code": code}
    await complete_authorization(world, told, binding=begun.binding)


def find(stage: Stage, connection_id: str) -> Connection:
    """Find a connection as it is stored now."""
    every = stage.store.backup().list(Connection)
    return next(each for each in every if each.id == connection_id)


class Service:
    """Something that uses a connection now and then, and asks its person when that has lapsed."""

    def __init__(
        self, stage: Stage, station: Station, cast: Cast, connection_id: str, chance: Random
    ) -> None:
        self._stage = stage
        self._station = station
        self._cast = cast
        self._id = connection_id
        self._chance = chance
        self._rung = asyncio.Event()
        stage.judge.news[cast.app_id].append(self._rung.set)

    @property
    def connection(self) -> Connection:
        """Return its connection as it is stored now."""
        return find(self._stage, self._id)

    async def run(self) -> None:
        """Want a token for ever."""
        while True:
            await rest(self._rung, self._chance)
            doubts = self._chance.random() < DOUBTED
            tokens = self.connection.tokens if doubts else None
            await self._ask(Wanted(tokens.number) if tokens else AS_IT_IS)

    async def require_token(self) -> None:
        """Want a token that the org takes, and tell whether it came within a reasonable time."""
        wanted = AS_IT_IS
        for _ in range(TRIES):
            got = await self._ask(wanted)
            if got and self._is_taken(got):
                self._stage.judge.hear_token(self.connection, good=True)
                return
            wanted = Wanted(got.number) if got else AS_IT_IS
            await asyncio.sleep(AGAIN_S)
        self._stage.judge.hear_token(self.connection, good=False)

    async def _ask(self, wanted: Wanted) -> Pass | None:
        """Ask the process that serves the API; None where it gives nothing."""
        judge, name = self._stage.judge, self.connection.name
        try:
            return await self._station.process.run("token", self._authorize(wanted))
        except Died:
            judge.note(name, "is given nothing: the process died")
        except KeyturnError as error:
            judge.note(name, "is given nothing:", error.message)
            judge.search(iter([error.message]))
        except Exception as error:  # noqa: BLE001  what the API would answer with 500
            judge.hear_unforeseen(f"token of {name}", error)
        return None

    async def _authorize(self, wanted: Wanted) -> Pass:
        stage, connection = self._stage, self.connection
        if connection.state in UNAUTHORIZED and connection.grant_type is GrantType.CODE:
            await authorize(stage, self._station.world, self._cast, connection)
        given = await authorize_request(self._station.world, stage.admin, self._id, wanted)
        stage.judge.counts["tokens given"] += 1
        return given

    def _is_taken(self, given: Pass) -> bool:
        """Say whether the org takes the token, as a resource would ask it."""
        org, value = self._stage.org, given.headers["Authorization"].reveal()
        token = org.tokens.find_access(value.partition(" ")[2])
        return token is not None and is_good(org, token)
