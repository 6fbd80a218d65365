"""A server with pages beside a sandbox org, both by the org's clock, for a real browser."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
from playwright.async_api import Page
from server_kit import site

from keyturn.bootstrap.opening import Outside
from keyturn.bootstrap.sandboxed import OrgClock, OrgControls
from keyturn.bootstrap.serving import serving
from keyturn.sandbox import Ready
from keyturn.services.installation import Installed
from keyturn.settings import Settings

EMAIL = "ada@example.com"
PASSWORD = "correct horse battery staple"
LOG_IN = "log-in"


@dataclass(frozen=True)
class Site:
    """A server, the org beside it, and the way to its API as administrator."""

    url: str
    org: Ready
    installed: Installed
    http: httpx2.AsyncClient

    async def log_in(self, page: Page) -> None:
        """Log the administrator in at a browser."""
        await page.goto("/log-in")
        await page.get_by_label("E-mail address").fill(EMAIL)
        await page.get_by_label("Password", exact=True).fill(PASSWORD)
        await page.get_by_role("button", name="Log in", exact=True).click()
        await page.wait_for_url("**/")

    async def connect(self) -> str:
        """Connect to the org, and return the connection's id."""
        token = self.org.org.seeded.api_token
        credentials = {"instanceUrl": self.org.http_url, "apiToken": token}
        body = {"name": "acme", "method": "api-token", "credentials": credentials}
        answer = await self.http.post("/api/v1/app-connections/okta", json=body)
        assert answer.status_code == 200, answer.text
        made: str = answer.json()["appConnection"]["id"]
        return made

    async def rotate(self, connection_id: str, name: str = "checkout") -> str:
        """Put the org's web app under a rotation, and return the rotation's id."""
        body = {
            "name": name,
            "projectId": self.installed.project.id,
            "connectionId": connection_id,
            "environment": "dev",
            "secretPath": "/",
            "isAutoRotationEnabled": True,
            "rotationInterval": 30,
            "rotateAtUtc": {"hours": 0, "minutes": 0},
            "parameters": {"clientId": self.org.org.seeded.web_app_id},
            "secretsMapping": {"clientId": "OKTA_CLIENT_ID", "clientSecret": "OKTA_CLIENT_SECRET"},
        }
        answer = await self.http.post("/api/v2/secret-rotations/okta-client-secret", json=body)
        assert answer.status_code == 200, answer.text
        made: str = answer.json()["secretRotation"]["id"]
        return made

    async def begin(self, nouns: str, **wanted: object) -> str:
        """Begin a rollout or an emergency as it is planned, and return the path of its page."""
        plan = (await self.http.post(f"/api/v1/{nouns}/plan", json=wanted)).json()["plan"]
        body = {**wanted, "planHash": plan["planHash"]}
        answer = await self.http.post(f"/api/v1/{nouns}", json=body)
        assert answer.status_code == 200, answer.text
        (made,) = answer.json().values()
        return f"/{nouns}/{made['id']}"


@asynccontextmanager
async def open_site(folder: Path, *, groups: str = "", **settings: str) -> AsyncIterator[Site]:
    """Serve a new installation in this loop, at an address that browsers come back to.

    With ``groups`` (as KEYTURN_LOGIN_GROUPS) people log in at the org, by the registration LOG_IN.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    told = {"KEYTURN_PORT": str(port), "KEYTURN_PUBLIC_URL": url, **settings}
    async with site(folder, **told) as it:
        values = {name.removeprefix("KEYTURN_").lower(): v for name, v in it.settings.items()}
        if groups:
            values["login_groups"] = groups
            values["login_issuer"] = it.org.http_url
            values["login_registration"] = f"{it.installed.project.slug}/dev/:{LOG_IN}"
        outside = Outside(OrgClock(it.org.org), sandbox=OrgControls(it.org))
        async with serving(Settings.model_validate(values), outside), it.client(url) as http:
            person = {"email": EMAIL, "password": PASSWORD, "role": "admin"}
            answer = await http.post("/api/v1/people", json=person)
            assert answer.status_code == 200, answer.text
            yield Site(url, it.org, it.installed, http)
