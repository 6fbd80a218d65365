"""Probes: whether the process lives and can do its work; nobody is asked who they are."""

import asyncio
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from api_kit import ORG_URL, House
from sqlalchemy import text

from keyturn.adapters.crypto import Keyring
from keyturn.adapters.runner import EmbeddedRunner
from keyturn.adapters.storage import SqliteStore
from keyturn.adapters.storage.store import transaction
from keyturn.adapters.system.looplag import watching_lag
from keyturn.api.app import build_api
from keyturn.api.operations import build_operations
from keyturn.domain.errors import DatabaseAway
from keyturn.services.ports import Vitals, World
from keyturn.testing import MemoryStore

Answer = tuple[int, dict[str, str]]
WELL = {"database": "", "schema": "", "rootKey": "", "runner": ""}


class AwayStore(MemoryStore):
    """A store whose database is away."""

    def reading(self) -> object:  # type: ignore[override]
        """Fail."""
        raise DatabaseAway


async def asked(world: World, path: str) -> httpx2.Response:
    """Ask the server and the door of its own; both answer alike."""
    answers = []
    for app in (build_api(world, version="0"), build_operations(world, version="0")):
        way = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=way, base_url=ORG_URL) as http:
            answers.append(await http.get(path))
    first, second = answers
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    return first


async def ready(world: World) -> Answer:
    """Ask whether it is ready; return the status and why not, by what was looked at."""
    answer = await asked(replace(world, vitals=world.vitals), "/readyz")
    told = answer.json()
    checks = {one["name"]: one["why"] for one in told["checks"]}
    assert all(one["ok"] is not bool(one["why"]) for one in told["checks"])
    assert told["status"] == ("ready" if answer.status_code == 200 else "not ready")
    world.vitals.ready = None
    return answer.status_code, checks


async def test_a_house_that_is_well_is_ready(house: House) -> None:
    """All that is looked at is well."""
    assert await ready(house.world) == (200, WELL)


async def test_a_database_that_is_away_makes_it_unready_and_not_dead(house: House) -> None:
    """It gets no requests then; that is no reason to start it anew."""
    world = replace(house.world, store=AwayStore())
    status, checks = await ready(world)
    assert (status, checks) == (503, {"database": "The database does not answer."})
    assert (await asked(world, "/healthz")).json() == {"status": "ok"}


async def test_a_key_that_does_not_fit_makes_it_unready(house: House) -> None:
    """Another root key opens nothing here."""
    vault = Keyring(bytes(31) + b"x", house.world.chance.random_bytes)
    status, checks = await ready(replace(house.world, vault=vault))
    why = "The root key of this process does not open the data keys."
    assert (status, checks) == (503, {**WELL, "rootKey": why})


async def test_data_of_another_version_make_it_unready(house: House, tmp_path: Path) -> None:
    """After another version has changed the schema, this one gets no requests."""
    store = await SqliteStore.open(tmp_path / "keyturn.db")
    try:
        async with transaction(store.writer) as connection:
            await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        status, checks = await ready(replace(house.world, store=store))
    finally:
        await store.aclose()
    assert (status, checks["schema"]) == (
        503,
        "The data are of another version of Keyturn than this process.",
    )


async def test_a_runner_that_looks_no_more_makes_it_unready(house: House) -> None:
    """One that has found nothing for half a minute is not taken for alive, nor one that stops."""
    runner = EmbeddedRunner(house.world, tick_s=3600, concurrency=1)
    async with runner:
        while house.world.vitals.found_at_s is None:
            await asyncio.sleep(0)
        assert await ready(house.world) == (200, WELL)
        house.clock.advance(31)
        status, checks = await ready(house.world)
        assert status == 503
        assert checks["runner"].startswith("The runner has not looked")
    assert await ready(house.world) == (503, {**WELL, "runner": "The process is being stopped."})


async def test_probes_cost_one_look_a_second(house: House) -> None:
    """Strangers that ask again and again make nothing of it."""
    await asked(house.world, "/readyz")
    away = replace(house.world, store=AwayStore())
    assert (await asked(away, "/readyz")).status_code == 200
    house.clock.advance(1)
    assert (await asked(away, "/readyz")).status_code == 503


async def test_the_door_of_its_own_shows_nothing_else(house: House) -> None:
    """Neither the API nor a page is behind it."""
    way = httpx2.ASGITransport(build_operations(house.world, version="0"))
    async with httpx2.AsyncClient(transport=way, base_url=ORG_URL) as http:
        for path in ("/", "/api/status", "/api/v1/workspace", "/openapi.json"):
            assert (await http.get(path)).status_code == 404


@pytest.mark.parametrize("path", ["/metrics", "/readyz", "/healthz"])
async def test_pages_do_not_stand_before_it(house: House, path: str) -> None:
    """With pages beside the API these paths are the API's."""

    async def pages(*_: object) -> None:
        raise AssertionError

    way = httpx2.ASGITransport(build_api(house.world, version="0", pages=pages))
    async with httpx2.AsyncClient(transport=way, base_url=ORG_URL) as http:
        assert (await http.get(path)).status_code in {200, 401}


async def test_a_loop_that_stands_still_is_noticed() -> None:
    """What blocks the event loop is measured by how late it comes back."""
    vitals = Vitals()
    async with watching_lag(vitals, every_s=0.001):
        loop = asyncio.get_running_loop()
        await asyncio.sleep(0.002)
        until = loop.time() + 0.05
        while loop.time() < until:
            pass
        await asyncio.sleep(0.01)
    assert vitals.lag_s > 0.02
