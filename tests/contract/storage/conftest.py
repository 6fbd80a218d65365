"""Fixtures for the contract of a store: its tests run on the fake, on SQLite and on PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from keyturn.adapters.storage import PostgresStore, SqliteStore
from keyturn.adapters.storage.store import SqlStore
from keyturn.domain.sensitive import Sensitive
from keyturn.services.ports import Store
from keyturn.testing import MemoryStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Name a database file in a data directory that is not there yet."""
    return tmp_path / "data" / "keyturn.db"


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Make an empty database, once: the schema takes longer than most tests."""
    path = tmp_path_factory.mktemp("empty") / "keyturn.db"

    async def make() -> None:
        await (await SqliteStore.open(path)).aclose()

    asyncio.run(make())
    return path.read_bytes()


@pytest.fixture
async def sqlite(path: Path, empty: bytes) -> AsyncIterator[SqliteStore]:
    """Open a store over SQLite; a test leaves no connection behind."""
    path.parent.mkdir(mode=0o700)
    path.write_bytes(empty)
    store = await SqliteStore.open(path)
    yield store
    assert store.connections_in_use == 0
    await store.aclose()


@pytest.fixture
async def postgres(database: Sensitive) -> AsyncIterator[PostgresStore]:
    """Open a store over PostgreSQL; a test leaves no connection behind."""
    store = await PostgresStore.open(database)
    yield store
    assert store.connections_in_use == 0
    await store.aclose()


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def store(request: pytest.FixtureRequest) -> Store:
    """Give a store of each kind."""
    if request.param == "memory":
        return MemoryStore()
    made: SqlStore = request.getfixturevalue(request.param)
    return made
