"""The same seed, requests and clock give the same bytes, tokens and keys included."""

import httpx2
import pytest
from sandbox_kit import World
from sandbox_oauth_kit import Client, make_client

pytestmark = pytest.mark.anyio

Answers = list[tuple[int, bytes, list[tuple[str, str]]]]
SCOPES = "openid email profile offline_access"
ISSUED = ("access_token", "refresh_token", "id_token", "client_secret", "n", "kid")


async def history(seed: int) -> list[httpx2.Response]:
    """Return all that an org of this seed is answered in a fixed sequence of calls."""
    world, answers = World(seed), []

    async def keep(answer: httpx2.Response) -> None:
        await answer.aread()
        answers.append(answer)
        world.clock.advance(1)

    world.http.event_hooks["response"].append(keep)
    async with world.http:
        await manage(world)
        for server in (None, "default"):
            await use_tokens(world, make_client(world, server))
        await world.admin("GET", "/api/v1/logs")
    return answers


async def manage(world: World) -> None:
    """Call the management API, by API token and by a service app's access token."""
    for method, path in (
        ("GET", "/api/v1/users/me"),
        ("GET", "/api/v1/apps?limit=1"),
        ("POST", world.secrets_path),
        ("GET", world.secrets_path),
        ("POST", world.secrets_path),
        ("GET", f"{world.secrets_path}/unknown"),
    ):
        await world.admin(method, path)
    token = (await world.service_token()).json()["access_token"]
    await world.http.get("/api/v1/apps", headers={"authorization": f"Bearer {token}"})


async def use_tokens(world: World, client: Client) -> None:
    """Log a person in at an authorization server, refresh, and ask what the tokens are."""
    tokens = await client.tokens(scope=SCOPES)
    await client.refresh(tokens["refresh_token"])
    await client.post("introspect", token=tokens["access_token"])
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    await world.http.get(f"{client.root}/userinfo", headers=bearer)
    await world.http.get(f"{client.root}/keys")


def as_bytes(answers: list[httpx2.Response]) -> Answers:
    """Return what went over the wire."""
    return [(a.status_code, a.content, a.headers.multi_items()) for a in answers]


def issued(answers: list[httpx2.Response]) -> set[str]:
    """Return every token, client secret and key in the answers."""
    bodies = [a.json() for a in answers if a.headers.get("content-type") == "application/json"]
    flat = [item for body in bodies for item in (body if isinstance(body, list) else [body])]
    flat += [key for body in flat for key in body.get("keys", [])]
    return {body[name] for body in flat for name in ISSUED if name in body}


async def test_same_seed_same_bytes() -> None:
    """Two orgs of one seed answer alike: ids, secrets, tokens, keys, log and headers."""
    answers = await history(3)
    assert len(issued(answers)) > 12
    assert as_bytes(answers) == as_bytes(await history(3))


async def test_other_seed_other_values() -> None:
    """Another seed makes other ids, and not one token, client secret or key is the same."""
    one, other = await history(3), await history(4)
    assert as_bytes(one) != as_bytes(other)
    assert issued(one) & issued(other) == set()


async def test_reset_begins_the_same_history() -> None:
    """An org reset to its seed has the credentials and keys it began with."""
    world = World(5)
    began = world.org.credentials()
    await world.make_secret()
    world.org.reset(6)
    assert world.org.credentials()["service_private_jwk"] != began["service_private_jwk"]
    world.org.reset(5)
    assert world.org.credentials() == began
    await world.http.aclose()
