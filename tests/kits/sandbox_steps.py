"""Steps that lead to a refusal: calls of the management API, and changes by hand."""

from collections.abc import Awaitable, Callable

import httpx2
from sandbox_kit import World

from keyturn.sandbox import Keys
from keyturn.sandbox.state.keys import render_public

OTHER = Keys.of_seed(7).service
Step = Callable[[World], Awaitable[httpx2.Response | None]]


def names(world: World) -> dict[str, str]:
    """Return what the paths of the table name."""
    secrets = world.org.read_app(world.app_id).live_secrets or (None,)
    made = world.org.list_integrations()
    return {
        "app": world.app_id,
        "service": world.org.seeded.service_app_id,
        "client": world.service_client_id,
        "oldest": secrets[0].id if secrets[0] else "",
        "newest": secrets[-1].id if secrets[-1] else "",
        "key": world.org.read_app(world.org.seeded.service_app_id).keys[-1].id,
        "device": world.org.devices.list()[0].id,
        "user": world.org.seeded.user_id,
        "integration": made[0].id if made else "",
        "second": made[0].live_secrets[-1].id if made else "",
    }


def call(method: str, path: str, body: object = None, **content: bytes) -> Step:
    """Call with the org's API token."""

    async def step(world: World) -> httpx2.Response:
        return await world.admin(method, path.format(**names(world)), body, **content)

    return step


def get(path: str) -> Step:
    """Read."""
    return call("GET", path)


def post(path: str, body: object = None, **content: bytes) -> Step:
    """Make something, or take a step of its life."""
    return call("POST", path, body, **content)


def bare(path: str, authorization: str = "", **headers: str) -> Step:
    """Read with other credentials than the API token, which is `{token}`, or with none."""

    async def step(world: World) -> httpx2.Response:
        credentials = authorization.format(token=world.org.seeded.api_token)
        given = {"authorization": credentials, **headers} if authorization else headers
        return await world.http.get(path, headers=given)

    return step


def as_service(method: str, path: str, scope: str, body: object = None) -> Step:
    """Call with an access token of the service app."""

    async def step(world: World) -> httpx2.Response:
        token = (await world.service_token(scope)).json()["access_token"]
        headers = {"authorization": f"Bearer {token}"}
        url = path.format(**names(world))
        return await world.http.request(method, url, json=body, headers=headers)

    return step


def by_hand(change: Callable[[World], object]) -> Step:
    """Change the org as somebody at its console, or its settings."""

    async def step(world: World) -> None:
        change(world)

    return step


def key(**changes: object) -> dict[str, object]:
    """Return a public key with changes; None leaves a member out."""
    members = {**render_public(OTHER), "kid": "other", **changes}
    return {name: value for name, value in members.items() if value is not None}


async def spend(world: World) -> None:
    """Use up what one caller may ask for in a minute."""
    world.org.change_settings(profile="free")
    for _ in range(10):
        await world.admin("GET", "/api/v1/apps")
