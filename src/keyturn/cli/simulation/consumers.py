"""Those who use the client secrets: each reads by its habit, and logs in with what it holds.

Knows nothing of turns. Whether a refusal was due to the product is for the invariants to say.
"""

import asyncio
import json
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from urllib.parse import urlencode

import httpx2

from keyturn.cli.simulation.events import Login
from keyturn.cli.simulation.kept import Reader
from keyturn.cli.simulation.kinds import REDIRECT_URI, Claim
from keyturn.cli.simulation.people import agree
from keyturn.cli.simulation.processes import Died
from keyturn.cli.simulation.stage import ORG_URL, PLACE, Cast, Stage, Station
from keyturn.domain.access import Caller
from keyturn.domain.errors import KeyturnError, NotFound
from keyturn.services.secrets import read_secret

SCOPE = "api:read"
OFFLINE = "offline_access"
ASKED = {"redirect_uri": REDIRECT_URI, "scope": OFFLINE}


class Habit(StrEnum):
    """How often somebody reads the secret."""

    EACH_USE = "reads at each use"
    HOURLY = "keeps it for an hour"
    ONCE = "never reads again"
    FLAPS = "goes back to what it read before"


class Grant(StrEnum):
    """How somebody uses the secret."""

    INTROSPECTION = "introspection"
    CLIENT_CREDENTIALS = "client credentials at a custom server"
    CODE = "authorization code, then refresh"


async def rest(rung: asyncio.Event, chance: Random) -> None:
    """Rest for hours, or come soon after something has changed."""
    rung.clear()
    try:
        async with asyncio.timeout(chance.uniform(3600, 12 * 3600)):
            await rung.wait()
    except TimeoutError:
        return
    await asyncio.sleep(chance.choice((1.0, 60.0, 299.0, 900.0, 3599.0)))


@dataclass
class Held:
    """A value that was read, which version it is, and when that was."""

    value: str
    version: int
    read_s: float


class Consumer:
    """One machine that uses one app's client secret."""

    def __init__(self, stage: Stage, station: Station, cast: Cast, chance: Random) -> None:
        self._stage = stage
        self._station = station
        self._cast = cast
        self._chance = chance
        self.habit = chance.choice(list(Habit))
        self.grant = chance.choice(
            [Grant.INTROSPECTION, Grant.INTROSPECTION, Grant.CLIENT_CREDENTIALS]
            + [Grant.CODE] * cast.kept.props.logs_in
        )
        self._held: list[Held] = []
        self._refresh = ""
        self._rung = asyncio.Event()
        stage.judge.news[cast.app_id].append(self._rung.set)

    async def run(self, name: str) -> None:
        """Read and log in for ever."""
        caller, reader = await self._stage.make_reader(name, self._cast.app_id)
        while True:
            await rest(self._rung, self._chance)
            try:
                await self._station.process.run("read", self._read_by_habit(caller, reader))
            except Died:
                reader.lost += 1
                continue
            except KeyturnError as error:
                reader.lost += 1
                self._stage.judge.search(iter([error.message]))
                self._stage.judge.note(name, "reads nothing:", error.message)
            if self._held:
                await self._log_in(name)

    async def _read_by_habit(self, caller: Caller, reader: Reader) -> None:
        now_s, held = self._stage.clock.uptime_s(), self._held
        fresh = bool(held) and now_s - held[-1].read_s < 3600
        if held and (self.habit is Habit.ONCE or (self.habit is Habit.HOURLY and fresh)):
            return
        judge = self._stage.judge
        since = judge.audit_length()
        read = await read_secret(self._station.world, caller, PLACE, self._cast.name)
        value, number = read.value.reveal(), read.version.number
        judge.hear_read(reader, self._cast.kept, number, value, since)
        self._held = [*held[-1:], Held(value, number, self._stage.clock.uptime_s())]
        await self._read_client_id(caller, reader)

    async def _read_client_id(self, caller: Caller, reader: Reader) -> None:
        """Read by which name to log in; who is given a secret is given that as well."""
        judge, kept = self._stage.judge, self._cast.kept
        since, name = judge.audit_length(), kept.names.client_id
        try:
            read = await read_secret(self._station.world, caller, PLACE, name)
        except NotFound:
            judge.hear_client_id(reader, kept, "", since)
        else:
            judge.hear_client_id(reader, kept, read.value.reveal(), since)

    async def _log_in(self, name: str) -> None:
        flaps = self.habit is Habit.FLAPS and len(self._held) > 1 and self._chance.random() < 0.5
        held = self._held[0] if flaps else self._held[-1]
        journal = self._stage.org.journal
        response = await self._send(held.value)
        entry = next(reversed([*journal.entries()][-1:]))
        if entry.fault or response.status_code in (429, 500):
            return
        refused = response.status_code == 401 and b"invalid_client" in response.content
        age_s = self._stage.clock.uptime_s() - held.read_s
        login = Login(name, self._cast.kept, held.version, age_s, not refused)
        self._stage.judge.hear_login(login)

    async def _send(self, value: str) -> httpx2.Response:
        path, form = self._ask()
        url, number = ORG_URL + path, str(self._chance.getrandbits(64))
        claim = Claim(self._cast.client_id, value, url, self._stage.org.now(), number)
        proof, members = self._cast.kept.props.prove(claim)
        request = httpx2.Request(
            "POST",
            url,
            headers={
                **proof,
                "Content-Type": "application/x-www-form-urlencoded",
                "Accept": "application/json",
            },
            content=urlencode(form | members).encode(),
        )
        try:
            response = await self._stage.transport.handle_async_request(request)
            await response.aread()
        except httpx2.TransportError:
            return httpx2.Response(500)
        if self.grant is Grant.CODE and response.status_code == 200:
            self._refresh = find_refresh_token(response)
        return response

    def _ask(self) -> tuple[str, dict[str, str]]:
        if self.grant is Grant.CLIENT_CREDENTIALS:
            form = {"grant_type": "client_credentials", "scope": SCOPE}
            return "/oauth2/default/v1/token", form
        if self.grant is Grant.INTROSPECTION:
            return "/oauth2/v1/introspect", {"token": "a-consumer-asks"}
        if self._refresh:
            return "/oauth2/v1/token", {
                "grant_type": "refresh_token",
                "refresh_token": self._refresh,
            }
        return "/oauth2/v1/token", {
            "grant_type": "authorization_code",
            "code": agree(self._stage.org, self._cast.client_id, ASKED),
            "redirect_uri": REDIRECT_URI,
        }


def find_refresh_token(response: httpx2.Response) -> str:
    """Return the refresh token that came; after half an answer there is none, and a new log-in."""
    try:
        return str(json.loads(response.content).get("refresh_token", ""))
    except ValueError:
        return ""
