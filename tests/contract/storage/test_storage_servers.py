"""What the store over PostgreSQL asks of its server, and does about processes that stand still."""

import asyncio
import sys
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
from postgres_kit import Cluster
from sqlalchemy import text
from sqlalchemy.engine import make_url
from storage_kit import NOW, ORGANIZATION, add_all
from structlog.testing import capture_logs

from keyturn.adapters.runner.schema import create_queue
from keyturn.adapters.storage import PostgresStore, engines
from keyturn.domain.audit import Attempt
from keyturn.domain.errors import Refused
from keyturn.domain.sensitive import Sensitive


def name_of(database: Sensitive) -> str:
    """Return the name of a test's database."""
    return str(make_url(database.reveal()).database)


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
async def test_a_database_that_cannot_keep_every_text_is_refused(
    cluster: Cluster, encoding: str
) -> None:
    """It says so before anything is written, and how to make one that can."""
    name = f"of-{encoding.lower()}"
    how = f"ENCODING '{encoding}' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
    cluster.sql("postgres", f'CREATE DATABASE "{name}" {how}')
    with pytest.raises(Refused, match=f"has the encoding {encoding}.*'UTF8'"):
        await PostgresStore.open(Sensitive(f"postgresql://keyturn@/{name}?host={cluster.folder}"))
    cluster.drop_database(name)


async def test_several_hosts_are_named_in_the_query(database: Sensitive, cluster: Cluster) -> None:
    """The one that answers is used, by the store and by the queue; other ways are refused."""
    nowhere = f"host=/nowhere,{cluster.folder}&port=5432,5432"
    several = Sensitive(f"postgresql://keyturn@/{name_of(database)}?{nowhere}")
    store = await PostgresStore.open(several)
    await add_all(store, ORGANIZATION)
    await store.aclose()
    await create_queue(several)
    with pytest.raises(Refused, match=r"\?host=one,two&port=5432,5432"):
        await PostgresStore.open(Sensitive("postgresql://me@one:5432,two:5432/database"))


async def test_a_process_has_as_many_connections_as_the_docs_say(
    postgres: PostgresStore, database: Sensitive, cluster: Cluster
) -> None:
    """Eight that read, one that looks how far it has come, and two that write."""
    count = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{name_of(database)}'"
    await postgres.append_audit(Attempt(NOW, "me", "v", "s", allowed=True))
    await postgres.revision()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(postgres.writing())
        for _ in range(engines.READERS):
            await stack.enter_async_context(postgres.reading())
        assert cluster.sql("postgres", count) == "11"


LOADED = """
import asyncio, sys
from keyturn.adapters.storage import PostgresStore, postgres
from keyturn.domain.sensitive import Sensitive
upgrade = postgres.upgrade
def told(connection):
    print("alembic" in sys.modules)
    upgrade(connection)
postgres.upgrade = told
async def main():
    for _ in range(2):
        await (await PostgresStore.open(Sensitive(sys.argv[1]))).aclose()
asyncio.run(main())
"""


async def test_what_an_upgrade_needs_is_loaded_before_the_lock_is_taken(
    database: Sensitive,
) -> None:
    """On a busy machine that takes longer than a transaction may idle."""
    pipe = asyncio.subprocess.PIPE
    line = (sys.executable, "-c", LOADED, database.reveal())
    told, _ = await (await asyncio.create_subprocess_exec(*line, stdout=pipe)).communicate()
    assert told.split() == [b"True", b"True"]


FROZEN = """
import asyncio, os, signal, sys
from sqlalchemy import text
from keyturn.adapters.storage import PostgresStore
from keyturn.domain.sensitive import Sensitive
async def main():
    store = await PostgresStore.open(Sensitive(sys.argv[1]))
    async with store.writing() as tx:
        await tx.latest_audit()
        asyncio.get_running_loop().call_later(1, os.kill, os.getpid(), signal.SIGSTOP)
        rows = "SELECT repeat('x', 100000) FROM generate_series(1, 100000)"
        await tx._connection.execute(text(rows))
asyncio.run(main())
"""


async def test_who_is_frozen_while_rows_are_sent_to_it_gives_the_lock_up(
    database: Sensitive, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the server it does not idle: the next who waits in vain ends its hold, and goes on."""
    monkeypatch.setattr(engines, "_SESSION", (*engines._SESSION[:1], "SET lock_timeout = '1s'"))  # noqa: SLF001
    monkeypatch.setattr(engines, "_PG_WRITER", replace(engines._PG_WRITER, setup=engines._SESSION))  # noqa: SLF001
    monkeypatch.setattr(engines, "_END_FROZEN", engines._END_FROZEN.bindparams(frozen_s=1))  # noqa: SLF001
    store = await PostgresStore.open(database)
    holder = "SELECT wait_event FROM pg_stat_activity JOIN pg_locks USING (pid) WHERE "
    holder += f"datname = '{name_of(database)}' AND locktype = 'advisory' AND granted"
    frozen = await asyncio.create_subprocess_exec(sys.executable, "-c", FROZEN, database.reveal())
    try:
        async with asyncio.timeout(60):
            while cluster.sql("postgres", holder) != "ClientWrite":
                await asyncio.sleep(0.1)
        with capture_logs() as lines:
            await asyncio.sleep(1.5)
            await add_all(store, ORGANIZATION)
        assert [line["event"] for line in lines] == ["ended a frozen hold of the write lock"]
    finally:
        frozen.kill()
        await frozen.wait()
        await store.aclose()


async def test_who_is_at_work_keeps_the_lock(
    postgres: PostgresStore, database: Sensitive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is ended whom the server keeps busy, however long that takes."""
    monkeypatch.setattr(engines, "_END_FROZEN", engines._END_FROZEN.bindparams(frozen_s=0))  # noqa: SLF001
    other = await PostgresStore.open(database)
    async with postgres.writing() as busy:
        working = asyncio.create_task(
            busy._connection.execute(text("SELECT pg_sleep(1)"))  # type: ignore[attr-defined]  # noqa: SLF001
        )
        await asyncio.sleep(0.3)
        ended = await asyncio.to_thread(_ended_by, other)
        await working
        await busy.add(ORGANIZATION)
    await other.aclose()
    assert not ended


def _ended_by(store: PostgresStore) -> bool:
    """Have a store look for who is frozen, as one does that waited in vain."""
    with store.lens.connect() as connection:
        return engines._end_frozen(connection)  # noqa: SLF001
