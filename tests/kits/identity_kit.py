"""What the tests of identities share: logging in from somewhere, and changing what is stored."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx2
from api_kit import Body, House, problem

from keyturn.api.app import build_api
from keyturn.domain.identity import (
    AccessToken,
    AuthMethod,
    ClientSecret,
    Membership,
    TokenRules,
    UniversalAuth,
)
from keyturn.domain.ids import ProjectId
from keyturn.services.identities import new_access_token, new_client_secret, new_identity

LOGIN = "/api/v1/auth/universal-auth/login"
RENEW = "/api/v1/auth/token/renew"
REVOKE = "/api/v1/auth/token/revoke"
SOMETHING = "/api/v1/projects/example"
IDENTITIES = "/api/v1/identities"
UNIVERSAL = "/api/v1/auth/universal-auth/identities"
TOKEN_AUTH = "/api/v1/auth/token-auth"

Held = tuple[str, ProjectId | None]
"""A role's slug, and the project in which it is held, None for all."""


def credentials(house: House, **changes: str) -> dict[str, str]:
    """Return what the machine identity of a new installation logs in with."""
    secret = house.installed.client_secret.reveal()
    return {"clientId": house.installed.client_id, "clientSecret": secret} | changes


async def log_in(house: House, **changes: str) -> httpx2.Response:
    """Log the machine identity in."""
    return await house.http.post(LOGIN, json=credentials(house, **changes))


async def token_of(house: House) -> str:
    """Return a new token of the machine identity."""
    token: str = (await log_in(house)).json()["accessToken"]
    return token


async def use(house: House, token: str) -> int:
    """Ask for something with a token, and return the status."""
    return (await house.http.get(SOMETHING, headers=bearer(token))).status_code


def bearer(token: str) -> dict[str, str]:
    """Return the header that carries a token."""
    return {"authorization": f"Bearer {token}"}


@asynccontextmanager
async def coming_from(house: House, address: str) -> AsyncIterator[House]:
    """Reach the house from an IP address."""
    transport = httpx2.ASGITransport(build_api(house.world, version="0"), client=(address, 1))
    async with httpx2.AsyncClient(
        transport=transport, base_url="https://keyturn.example.com", headers=house.http.headers
    ) as http:
        yield replace(house, http=http)


async def auth_of(house: House) -> UniversalAuth:
    """Return by what the machine identity logs in."""
    async with house.world.store.reading() as tx:
        found = await tx.find(UniversalAuth, client_id=house.installed.client_id)
    assert found
    return found


async def configure(house: House, **changes: object) -> None:
    """Change the rules by which the machine identity logs in."""
    changed = replace(await auth_of(house), **changes)
    async with house.world.store.writing() as tx:
        await tx.replace(changed)


async def another_secret(house: House, **asked: int) -> str:
    """Give the machine identity one more client secret."""
    identity_id = house.installed.identity.id
    record, value = new_client_secret(house.world, identity_id, **asked)
    async with house.world.store.writing() as tx:
        await tx.add(record)
    return value.reveal()


async def change_secrets(house: House, **changes: object) -> None:
    """Change every client secret."""
    async with house.world.store.writing() as tx:
        await tx.replace(*(replace(each, **changes) for each in await tx.list(ClientSecret)))


async def tokens_stored(house: House) -> int:
    """Count the machine identity's tokens in the store."""
    async with house.world.store.reading() as tx:
        return len(await tx.list(AccessToken, identity_id=house.installed.identity.id))


async def newcomer(
    house: House, *held: Held, name: str = "newcomer", by: AuthMethod = AuthMethod.TOKEN
) -> tuple[str, str]:
    """Add an identity that holds roles; return its id and a token of its own, got so."""
    world, home = house.world, house.installed.organization.id
    identity = new_identity(world, name, home)
    token, value = new_access_token(world, identity.id, by, TokenRules())
    members = [
        Membership(world.chance.uuid(), identity.id, role, project, world.clock.now())
        for role, project in held
    ]
    async with world.store.writing() as tx:
        await tx.add(identity, token, *members)
    return identity.id, value.reveal()


@asynccontextmanager
async def holding(house: House, *held: Held) -> AsyncIterator[House]:
    """Reach the house as somebody who holds these roles."""
    _, token = await newcomer(house, *held, name="holder")
    transport = httpx2.ASGITransport(build_api(house.world, version="0"))
    async with httpx2.AsyncClient(
        transport=transport, base_url="https://keyturn.example.com", headers=bearer(token)
    ) as http:
        yield replace(house, http=http)


async def ask(house: House, method: str, path: str, body: object = None) -> Body:
    """Ask, and return the answer, which is to be a good one."""
    answer = await house.http.request(method, path, json=body)
    assert answer.status_code == 200, answer.text
    told: Body = answer.json()
    return told


async def refused(house: House, method: str, path: str, body: object = None) -> tuple[int, str]:
    """Ask, and return status and name of the refusal."""
    return problem(await house.http.request(method, path, json=body))


def at(told: object, *steps: str | int) -> Any:  # noqa: ANN401  JSON
    """Return what lies inside an answer."""
    found: Any = told
    for step in steps:
        found = found[step]
    return found
