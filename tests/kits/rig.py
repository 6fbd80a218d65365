"""The product over the sandbox in one process, under a clock turned by hand.

What the tests of turns stand on: real services, real Okta client, real org; no sockets, no sleep.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any

import httpx2

from keyturn.adapters.crypto import Keyring
from keyturn.adapters.okta import OktaHttpOrgs
from keyturn.domain.access import ADMIN, Caller, Holding
from keyturn.domain.connection import ApiToken, OktaConnection
from keyturn.domain.foreign import Consent
from keyturn.domain.identity import Identity
from keyturn.domain.ids import CredentialId
from keyturn.domain.okta import secret_hash
from keyturn.domain.rotation import SecretsMapping
from keyturn.domain.schedule import Schedule
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Policy, Turn
from keyturn.sandbox import Org, build_app
from keyturn.services.connections import OktaConnectionDraft, create_okta_connection
from keyturn.services.duties import DUTIES, claim_due
from keyturn.services.installation import Installed, install
from keyturn.services.journey import advance
from keyturn.services.onboarding import RotationDraft, create_rotation
from keyturn.services.ports import Limits, Store, Vitals, World
from keyturn.services.projects import Where
from keyturn.services.rotations import RotationView, view
from keyturn.services.secrets import read_secret
from keyturn.testing import FakeCarriers, FakeServers, ManualClock, MemoryStore, SeededChance

START = datetime(2026, 1, 1, 10, 0, tzinfo=UTC)
ORG_URL = "https://sandbox.okta.test"
SECRETS = "/api/v1/apps/{appId}/credentials/secrets"
PLACE = Where("example", "dev")


@dataclass
class Rig:
    """One installation, one org, one clock."""

    world: World
    org: Org
    clock: ManualClock
    admin: Caller
    connection: OktaConnection
    app_id: str
    seen: int = field(default=0)

    def draft(self, **changes: Any) -> RotationDraft:  # noqa: ANN401  fields of the draft
        """Return a rotation to create, as the documentation's sample has it."""
        plain: dict[str, Any] = {
            "name": "my-okta-rotation",
            "description": "my client secret rotation",
            "where": PLACE,
            "connection_id": self.connection.id,
            "parameter": self.app_id,
            "mapping": SecretsMapping("OKTA_CLIENT_ID", "OKTA_CLIENT_SECRET"),
            "schedule": Schedule(30, time(0, 0)),
        }
        return RotationDraft(**plain | changes)

    async def rotation(self, **changes: Any) -> RotationView:  # noqa: ANN401  as above
        """Create a rotation."""
        return await create_rotation(self.world, self.admin, self.draft(**changes))

    def consent(self, secret_id: str) -> Consent:
        """Return its owner's consent to the retirement of a credential, with the day it bears."""
        apps = self.org.apps.values()
        every = (each for app in apps for each in (*app.secrets, *app.keys))
        made = (each.created_at for each in every if each.id == secret_id)
        return Consent(CredentialId(secret_id), next(made, self.clock.now()).date())

    async def served_hash(self) -> str:
        """Return the hash of what a reader is given now."""
        read = await read_secret(self.world, self.admin, PLACE, "OKTA_CLIENT_SECRET")
        return secret_hash(read.value)

    async def tick(self) -> None:
        """Do once what the runner does at every tick."""
        for duty in DUTIES:
            await duty.discharge(self.world)
        for claim in await claim_due(self.world, owner="test", limit=10):
            await advance(self.world, claim.turn, held_since_s=claim.held_since_s)

    async def advance(self, turn: Turn, held_since_s: float) -> Turn:
        """Go on with a turn that was claimed then, as its worker."""
        return await advance(self.world, turn, held_since_s=held_since_s)

    async def authenticate(self, value: str) -> int:
        """Authenticate at the org's token endpoint by a client secret; return the status.

        The grant itself is junk, so that nothing but the client is judged.
        """
        form = {"grant_type": "refresh_token", "refresh_token": "junk", "scope": "openid"}
        transport = httpx2.ASGITransport(build_app(self.org))
        client_id = self.org.read_app(self.app_id).client_id
        async with httpx2.AsyncClient(transport=transport, base_url=ORG_URL) as http:
            answer = await http.post("/oauth2/v1/token", data=form, auth=(client_id, value))
        return answer.status_code

    async def live(self, seconds: float) -> None:
        """Let time pass as it does for a running Keyturn: a tick a day, and one at the end.

        Okta forgets an API token that nobody uses for 30 days.
        """
        while seconds > 0:
            step = min(seconds, 86_400)
            self.clock.advance(step)
            await self.tick()
            seconds -= step

    async def run(self, rotation_id: str) -> Turn:
        """Let time pass until the rotation's turn has ended or is blocked."""
        for _ in range(1000):
            turn = (await view(self.world, rotation_id)).turn
            assert turn
            if not turn.running:
                return turn
            if turn.wake_at and turn.wake_at > self.clock.now():
                self.clock.advance((turn.wake_at - self.clock.now()).total_seconds())
            await self.tick()
        raise AssertionError("the turn came to no end")

    def at_okta(self) -> list[dict[str, Any]]:
        """Return the org's own record of the app's secrets, deleted ones included."""
        apps: Any = self.org.truth()["apps"]
        secrets: list[dict[str, Any]]
        (secrets,) = (app["secrets"] for app in apps if app["id"] == self.app_id)
        return secrets

    def living(self) -> list[dict[str, Any]]:
        """Return the secrets that the app has at Okta."""
        return [secret for secret in self.at_okta() if not secret["deleted_at"]]

    def calls(self) -> list[dict[str, Any]]:
        """Return the requests that the org has received since this was last asked."""
        told: Any = self.org.requests(self.seen)
        self.seen = told["last"]
        return list(told["requests"])

    def posts(self) -> list[dict[str, Any]]:
        """Return every attempt to add a client secret so far, with the outcome."""
        told: Any = self.org.requests()
        return [r for r in told["requests"] if (r["method"], r["route"]) == ("POST", SECRETS)]


@dataclass(frozen=True)
class Founded:
    """A new installation beside a fresh org, under one clock."""

    clock: ManualClock
    org: Org
    world: World
    installed: Installed


@asynccontextmanager
async def founded(
    start: datetime, policy: Policy, store: Store | None = None
) -> AsyncIterator[Founded]:
    """Set up an installation whose way to Okta leads to a fresh org in this process.

    Without a store that is new it keeps everything in memory.
    """
    clock, chance = ManualClock(start), SeededChance(1)
    org = Org(1, clock.now)
    vitals = Vitals()
    okta = OktaHttpOrgs(
        clock, chance, transport=lambda: httpx2.ASGITransport(build_app(org)), vitals=vitals
    )
    vault = Keyring(bytes(32), chance.random_bytes)
    limits = Limits(policy, lease=timedelta(seconds=60), reconcile=timedelta(days=1))
    carriers, servers = FakeCarriers(), FakeServers(clock)
    store = store or MemoryStore()
    world = World(
        store, clock, chance, vault, okta, limits, carriers=carriers, servers=servers, vitals=vitals
    )
    try:
        yield Founded(clock, org, world, await install(world))
    finally:
        await okta.aclose()


@asynccontextmanager
async def rigged() -> AsyncIterator[Rig]:
    """Set up an installation connected to a fresh org."""
    async with founded(START, Policy(overlap_s=300, soak_s=3600)) as it:
        admin = await _administrator(it.world)
        token = ApiToken(Sensitive(it.org.seeded.api_token))
        draft = OktaConnectionDraft("okta", None, it.installed.project.id, ORG_URL, token)
        connection = await create_okta_connection(it.world, admin, draft)
        app_id = it.org.seeded.web_app_id
        yield Rig(it.world, it.org, it.clock, admin, connection, app_id)


async def _administrator(world: World) -> Caller:
    async with world.store.reading() as tx:
        identity = await tx.find(Identity, name="administrator")
    assert identity is not None
    return Caller(identity.id, identity.name, identity.organization_id, (Holding(ADMIN),))
