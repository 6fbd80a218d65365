"""What a read proves of its reader, by what the request asks and names."""

import httpx2
import pytest
from api_kit import ROTATIONS, SECRETS, House

from keyturn.domain.secret import Receipt

ONE = f"{SECRETS}/OKTA_CLIENT_SECRET"
PATHS = [ONE, "/api/v4/secrets/OKTA_CLIENT_SECRET", SECRETS, "/api/v4/secrets"]


async def read(house: House, path: str, tag: str = "", **query: str) -> httpx2.Response:
    """Read as a client that keeps what it was answered last."""
    headers = {"if-none-match": tag} if tag else {}
    return await house.http.get(path, params=house.place | query, headers=headers)


async def held(house: House) -> list[int]:
    """Return which version of the client secret each reader is taken to hold."""
    async with house.world.store.reading() as tx:
        every = await tx.list(Receipt)
    return [receipt.version for receipt in every if receipt.given == 2]


async def turned(house: House, path: str) -> str:
    """Read, turn, and return the tag of what was read before; a minute and more goes by."""
    made = await house.rotate_by_order()
    tag = (await read(house, path)).headers["etag"]
    assert (await house.http.post(f"{ROTATIONS}/{made['id']}/rotate-secrets")).status_code == 200
    house.clock.advance(61)
    return str(tag)


@pytest.mark.parametrize("path", PATHS)
async def test_lost_answers_prove_nothing(house: House, path: str) -> None:
    """A reader that goes on to name the old answer has not had the new one, however often."""
    tag = await turned(house, path)
    for _ in range(3):
        assert (await read(house, path, tag)).status_code == 200
        house.clock.advance(61)
    assert await held(house) == [1]


@pytest.mark.parametrize("path", PATHS)
async def test_answer_that_is_named_has_arrived(house: House, path: str) -> None:
    """The first 304 proves it, without a second reading a minute later."""
    new = (await read(house, path, await turned(house, path))).headers["etag"]
    assert await held(house) == [1]
    assert (await read(house, path, new)).status_code == 304
    assert await held(house) == [2]


@pytest.mark.parametrize("path", PATHS)
async def test_any_tag_is_none(house: House, path: str) -> None:
    """`*` asks for nothing that exists, and says nothing of what is held."""
    await turned(house, path)
    for _ in range(3):
        assert (await read(house, path, "*")).status_code == 304
        house.clock.advance(61)
    assert await held(house) == []


@pytest.mark.parametrize("path", PATHS)
async def test_reading_without_values_holds_nothing(house: House, path: str) -> None:
    """Who lists names and versions was not given the new value."""
    await turned(house, path)
    for _ in range(3):
        shown = await read(house, path, viewSecretValue="false")
        assert shown.status_code == 200
        house.clock.advance(61)
    assert await held(house) == []
