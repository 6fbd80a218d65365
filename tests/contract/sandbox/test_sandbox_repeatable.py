"""The same seed, requests and clock give the same bytes."""

import pytest
from sandbox_kit import World

pytestmark = pytest.mark.anyio


async def history(seed: int) -> list[tuple[int, bytes, list[tuple[str, str]]]]:
    """Return everything that a fixed sequence of management calls is answered."""
    world, answers = World(seed), []
    async with world.http:
        for method, path in (
            ("GET", "/api/v1/users/me"),
            ("GET", "/api/v1/apps?limit=1"),
            ("POST", world.secrets_path),
            ("GET", world.secrets_path),
            ("POST", world.secrets_path),
            ("GET", f"{world.secrets_path}/unknown"),
        ):
            answer = await world.admin(method, path)
            answers.append((answer.status_code, answer.content, answer.headers.multi_items()))
            world.clock.advance(1)
    return answers


async def test_same_seed_same_bytes() -> None:
    """Two orgs of one seed answer alike, ids, values and headers included."""
    assert await history(3) == await history(3)


async def test_other_seed_other_values() -> None:
    """Another seed makes other ids and secrets."""
    assert await history(3) != await history(4)


async def test_reset_begins_the_same_history() -> None:
    """An org reset to its seed has the credentials it began with."""
    world = World(5)
    began = world.org.credentials()
    await world.make_secret()
    world.org.reset(5)
    assert world.org.credentials() == began
    await world.http.aclose()
