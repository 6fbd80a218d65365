"""What the API's tests share: an installation in memory, and the sandbox org that it turns."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import httpx2
from rig import founded

from keyturn.adapters.oauth import HttpAuthorizationServers
from keyturn.api.app import build_api
from keyturn.domain.turn import Policy
from keyturn.sandbox import Org, build_app
from keyturn.services.installation import Installed
from keyturn.services.ports import Store, World
from keyturn.testing import ManualClock

ORG_URL = "https://org.example.com"
PUBLIC_URL = "https://keyturn.example.com"
CONNECTIONS = "/api/v1/app-connections/okta"
ROTATIONS = "/api/v2/secret-rotations/okta-client-secret"
SECRETS = "/api/v3/secrets/raw"
NO_ID = "3c90c3cc-0d44-4b50-8888-8dd25736052a"

Body = dict[str, object]

_TOLD: list[Any] = []


@dataclass(frozen=True)
class House:
    """An installation, the org beside it, and a client that is logged in as administrator."""

    clock: ManualClock
    org: Org
    world: World
    installed: Installed
    http: httpx2.AsyncClient

    @property
    def app_id(self) -> str:
        """Return the id of the org's web app, which has one client secret."""
        return self.org.seeded.web_app_id

    @property
    def place(self) -> dict[str, str]:
        """Return a place as most clients spell it."""
        return {"workspaceId": self.installed.project.id, "environment": "dev"}

    def connection(self, **changes: object) -> Body:
        """Return the body that creates a connection to the org."""
        credentials = {"instanceUrl": ORG_URL, "apiToken": self.org.seeded.api_token}
        made = {"name": "my-okta", "method": "api-token", "credentials": credentials}
        return {**made, **changes}

    def order(self, connection_id: str, **changes: object) -> Body:
        """Return the body of the documented sample request, for what exists here."""
        sample: Body = {
            "name": "my-okta-rotation",
            "projectId": self.installed.project.id,
            "description": "my client secret rotation",
            "connectionId": connection_id,
            "environment": "dev",
            "secretPath": "/",
            "isAutoRotationEnabled": True,
            "rotationInterval": 30,
            "rotateAtUtc": {"hours": 0, "minutes": 0},
            "parameters": {"clientId": self.app_id},
            "secretsMapping": {
                "clientId": "OKTA_CLIENT_ID",
                "clientSecret": "OKTA_CLIENT_SECRET",
            },
        }
        return sample | changes

    async def connect(self) -> str:
        """Create a connection and return its id."""
        answer = await self.http.post(CONNECTIONS, json=self.connection())
        made: str = answer.json()["appConnection"]["id"]
        return made

    async def rotate_by_order(self, **changes: object) -> Body:
        """Create a connection and a rotation, and return the rotation."""
        order = self.order(await self.connect(), **changes)
        answer = await self.http.post(ROTATIONS, json=order)
        made: Body = answer.json()["secretRotation"]
        return made

    async def served(self, name: str = "OKTA_CLIENT_SECRET") -> str:
        """Return what a reader gets under a name."""
        answer = await self.http.get(f"{SECRETS}/{name}", params=self.place)
        value: str = answer.json()["secret"]["secretValue"]
        return value


@asynccontextmanager
async def open_house(store: Store | None = None) -> AsyncIterator[House]:
    """Set up a new installation and an org, which is an authorization server too, by one clock.

    Without a store that is new it is one in memory.
    """
    start, policy = datetime(2026, 3, 1, 12, tzinfo=UTC), Policy(overlap_s=300, soak_s=300)
    async with founded(start, policy, store) as it:
        way = httpx2.ASGITransport(build_app(it.org))
        servers = HttpAuthorizationServers(it.clock, it.world.chance, lambda _: way)
        world = replace(it.world, servers=servers)
        transport = httpx2.ASGITransport(build_api(world, version="0", public_url=PUBLIC_URL))
        bearer = {"authorization": f"Bearer {it.installed.admin_token.reveal()}"}
        async with httpx2.AsyncClient(
            transport=transport, base_url=PUBLIC_URL, headers=bearer
        ) as http:
            yield House(it.clock, it.org, world, it.installed, http)


def description(world: World) -> Any:  # noqa: ANN401  JSON
    """Return what ``/openapi.json`` tells of any house, made once: it takes a second."""
    if not _TOLD:
        _TOLD.append(build_api(world, version="0").openapi())
    return _TOLD[0]


def problem(answer: httpx2.Response) -> tuple[int, str]:
    """Return status and name of an error, after checking the shape of its body."""
    body = answer.json()
    assert body["statusCode"] == answer.status_code
    assert body["reqId"] == answer.headers["x-request-id"]
    assert body["message"]
    return answer.status_code, body["error"]


def issues(answer: httpx2.Response) -> list[str]:
    """Return the dotted paths of the fields that a 422 complains of."""
    assert problem(answer) == (422, "ValidationFailure")
    found = answer.json()["message"]
    assert all(set(one) == {"code", "path", "message"} for one in found)
    return [".".join(map(str, one["path"])) for one in found]
