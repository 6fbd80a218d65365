"""The consumer: instances of one application that use an Okta app's client secret all the time.

Each reads the secret by its name from Keyturn, logs a person in, refreshes and introspects. The
pace keeps below the org's rate limits for as long as one likes: a request that is refused for
its rate would be counted as failed, as every other one.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from urllib.parse import parse_qs, urlsplit

import httpx2

from keyturn.cli.rehearsal.tally import Tally
from keyturn.client import ClientError, Secret

SERVER = "/oauth2/v1"
INSTANCES = 8
BEAT_S = 0.2
"""One request a beat from each instance: 40 a second, and 16 at each of Okta's buckets."""


@dataclass(frozen=True)
class Registration:
    """What a developer is told once: where the org is, the app's client id, who may log in."""

    org_url: str
    trust: ssl.SSLContext
    client_id: str
    redirect_uri: str
    login: str
    password: str = field(repr=False)


class Refused(Exception):
    """Okta did not give what this request should have been given; it is counted."""


class Instance:
    """One instance: a log-in, an introspection, a refresh and an introspection, over and over."""

    def __init__(
        self, of: Registration, http: httpx2.AsyncClient, secret: Secret, tally: Tally
    ) -> None:
        self._of, self._http, self._secret, self._tally = of, http, secret, tally

    async def work(self, stop: asyncio.Event, *, after_s: float) -> None:
        """Work until told to stop; a failure ends one round, and the next begins."""
        await _pause(stop, after_s)
        for round_no in count():
            try:
                await self._round(stop, f"state-{round_no}")
            except (Refused, ClientError, httpx2.TransportError):
                await _pause(stop, BEAT_S)
            if stop.is_set():
                return

    async def _round(self, stop: asyncio.Event, state: str) -> None:
        code = await self._log_in(state)
        await _pause(stop, BEAT_S)
        grant = {"grant_type": "authorization_code", "code": code}
        tokens = await self._tokens("code", grant | {"redirect_uri": self._of.redirect_uri})
        await _pause(stop, BEAT_S)
        await self._introspect(tokens["access_token"])
        await _pause(stop, BEAT_S)
        grant = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        tokens = await self._tokens("refresh", grant)
        await _pause(stop, BEAT_S)
        await self._introspect(tokens["access_token"])
        await _pause(stop, BEAT_S)

    async def _log_in(self, state: str) -> str:
        form = {
            "client_id": self._of.client_id,
            "redirect_uri": self._of.redirect_uri,
            "response_type": "code",
            "scope": "openid offline_access",
            "state": state,
            "login": self._of.login,
            "password": self._of.password,
        }
        answer = await self._send("log-in", "/authorize", form, 302)
        query = parse_qs(urlsplit(answer.headers.get("location", "")).query)
        if query.get("state") != [state] or "code" not in query:
            self._tally.failed["log-in"] += 1
            raise Refused("log-in")
        return query["code"][0]

    async def _tokens(self, kind: str, grant: dict[str, str]) -> dict[str, str]:
        answer = await self._send(kind, "/token", grant, 200, secret=await self._secret())
        tokens: dict[str, str] = answer.json()
        return tokens

    async def _introspect(self, token: str) -> None:
        form = {"token": token}
        answer = await self._send(
            "introspect", "/introspect", form, 200, secret=await self._secret()
        )
        if answer.json().get("active") is not True:
            self._tally.failed["introspect"] += 1
            raise Refused("introspect")

    async def _send(
        self, kind: str, path: str, form: dict[str, str], due: int, *, secret: str | None = None
    ) -> httpx2.Response:
        """Send one request and count it; anything but the status that is due has failed."""
        ok = False
        try:
            auth = httpx2.BasicAuth(self._of.client_id, secret) if secret else httpx2.Auth()
            answer = await self._http.post(SERVER + path, data=form, auth=auth)
            ok = answer.status_code == due
        finally:
            self._tally.count(kind, ok=ok)
        if not ok:
            raise Refused(kind)
        return answer


@asynccontextmanager
async def consuming(of: Registration, secrets: list[Secret], tally: Tally) -> AsyncIterator[None]:
    """Keep one instance for each secret at work until the block ends."""
    stop = asyncio.Event()
    async with httpx2.AsyncClient(base_url=of.org_url, verify=of.trust, trust_env=False) as http:
        instances = [Instance(of, http, secret, tally) for secret in secrets]
        apart_s = BEAT_S / len(instances)
        work = (one.work(stop, after_s=i * apart_s) for i, one in enumerate(instances))
        tasks = [asyncio.create_task(one) for one in work]
        try:
            yield
        finally:
            stop.set()
            await asyncio.gather(*tasks)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
