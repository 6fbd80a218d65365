"""Registrations and connections made over HTTP, at the org's own authorization server."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx2
from api_kit import ORG_URL, PUBLIC_URL, Body, House
from browser_kit import PERSON, Browser
from identity_kit import ask
from sandbox_oauth_kit import DEVICE_CODE

from keyturn.api.app import build_api
from keyturn.sandbox import build_app
from keyturn.sandbox.state.directory import AppDraft
from keyturn.sandbox.state.records import App

REGISTRATIONS = "/api/v1/client-registrations"
CONNECTIONS = "/api/v1/connections"
ALIASES = "/api/v1/connection-aliases"
COMPLETE = f"{CONNECTIONS}/authorize/complete"
LISTENING = "http://127.0.0.1:7777/callback"
CALLBACK = f"{PUBLIC_URL}/api/v1/oauth/callback"
ACTIVATE = f"{ORG_URL}/activate"
DOMAIN = "org.example.com"
PERSONS = AppDraft(
    label="Persons",
    grant_types=("authorization_code", "refresh_token", DEVICE_CODE),
    redirect_uris=(LISTENING, CALLBACK),
)
ISSUER = f"{ORG_URL}/oauth2/default"
ROBOTS = AppDraft(
    label="Robots",
    application_type="service",
    grant_types=("client_credentials",),
    secrets=("canary-secret-of-the-robots",),
)
HEADER: Body = {"scheme": "header", "clientId": "X-Api-Key", "clientSecret": "canary-api-key"}


def order(app: App | None = None, **changes: object) -> Body:
    """Return the body that creates a registration: of an app at the org, or of a header."""
    plain: Body = {"name": "crm", "projectId": "example", "environment": "dev"}
    if app is None:
        return plain | HEADER | changes
    secret = app.live_secrets[0].value
    of_app: Body = {"connector": "okta", "domain": DOMAIN, "clientId": app.client_id}
    return plain | of_app | {"clientSecret": secret} | changes


def domain_of(house: House) -> str:
    """Return the domain of the house's org."""
    url = str(inner(house.connection(), "credentials")["instanceUrl"])
    return url.partition("://")[2]


async def register(house: House, draft: AppDraft | None = PERSONS, **changes: object) -> Body:
    """Create a registration, and its app where there is one."""
    app = house.org.create_app(draft) if draft else None
    there = {"domain": domain_of(house)} if app else {}
    told = await ask(house, "POST", REGISTRATIONS, order(app, **there | changes))
    return inner(told, "registration")


async def connect(house: House, registration: Body, **changes: object) -> Body:
    """Create a connection."""
    plain: Body = {
        "name": "people",
        "registrationId": registration["id"],
        "grantType": "authorization_code",
        "scopes": ["openid", "offline_access"],
    }
    return inner(await ask(house, "POST", CONNECTIONS, plain | changes), "connection")


async def robot(house: House) -> Body:
    """Create a connection that needs nobody, at an issuer that says how it is spoken to."""
    server = f"{ORG_URL}/api/v1/authorizationServers/default/scopes"
    headers = {"authorization": f"SSWS {house.org.seeded.api_token}"}
    transport = httpx2.ASGITransport(build_app(house.org))
    async with httpx2.AsyncClient(transport=transport) as http:
        made = await http.post(server, json={"name": "read"}, headers=headers)
    assert made.is_success, made.text
    there: Body = {"connector": "api", "domain": None, "issuer": ISSUER}
    registration = await register(house, ROBOTS, name="robots", **there)
    grant = "client_credentials"
    return await connect(house, registration, name="robot", grantType=grant, scopes=["read"])


def inner(told: Body, name: str) -> Body:
    """Return an object of an answer."""
    found = told[name]
    assert isinstance(found, dict)
    return found


def person(house: House) -> Mapping[str, str]:
    """Return what the seeded person types and presses."""
    user = house.org.users[house.org.seeded.user_id]
    return {**PERSON, "login": user.login, "password": user.password}


@asynccontextmanager
async def browsing(house: House) -> AsyncIterator[Browser]:
    """Give the seeded person a browser, in which both the org and this server can be reached."""
    api = build_api(house.world, version="0", public_url=PUBLIC_URL)
    ways = {
        ORG_URL: httpx2.ASGITransport(build_app(house.org)),
        PUBLIC_URL: httpx2.ASGITransport(api),
    }
    nowhere = httpx2.MockTransport(lambda _: httpx2.Response(502))
    async with httpx2.AsyncClient(transport=nowhere, mounts=ways) as http:
        yield Browser(http, person(house))


async def authorize(house: House, connection: Body) -> Body:
    """Have the seeded person authorize a connection for a command that listens."""
    at = f"{CONNECTIONS}/{connection['id']}/authorize"
    begun = await ask(house, "POST", at, {"redirectUri": LISTENING})
    async with browsing(house) as browser:
        back = await browser.visit(str(begun["address"]), until=LISTENING)
    told = {"binding": begun["binding"], "parameters": dict(httpx2.URL(back).params)}
    return inner(await ask(nobody(house), "POST", COMPLETE, told), "connection")


async def decide(house: House, begun: Body, decision: str = "approve") -> None:
    """Have the seeded person decide at the org's page for codes of devices."""
    form = {**person(house), "user_code": begun["userCode"], "decision": decision}
    transport = httpx2.ASGITransport(build_app(house.org))
    async with httpx2.AsyncClient(transport=transport) as http:
        assert (await http.post(ACTIVATE, data=form)).status_code == 200


def nobody(house: House) -> House:
    """Return the house as somebody without a token reaches it."""
    http = httpx2.AsyncClient(
        transport=house.http._transport,  # noqa: SLF001  the same server, another caller
        base_url=house.http.base_url,
    )
    return replace(house, http=http)
