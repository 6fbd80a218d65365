"""What the store over SQLite keeps besides: the file, its owner, its schema, and its secrecy."""

import asyncio
import os
import sqlite3
import stat
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from anyio import run_process
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from storage_kit import AWKWARD, NOW, ORGANIZATION, RECORDS, ROTATION, TURN, add_all, found

from keyturn.adapters.storage import InUse, NewerData, SqliteStore
from keyturn.adapters.storage.engines import sqlite_engines
from keyturn.adapters.storage.store import transaction
from keyturn.adapters.storage.tables import METADATA
from keyturn.domain.audit import Attempt, ChainBroken, verify_chain
from keyturn.domain.errors import OursError, Refused, Taken
from keyturn.domain.ids import OrganizationId, RotationId, TurnId
from keyturn.domain.project import Organization
from keyturn.domain.turn import Phase, Turn

OPEN = """
import asyncio, sys
from pathlib import Path
from keyturn.adapters.storage import SqliteStore
async def main():
    await (await SqliteStore.open(Path(sys.argv[1]))).aclose()
asyncio.run(main())
"""


def changed(path: Path, statement: str) -> None:
    """Change the file behind the store's back."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


def schema(path: Path) -> set[tuple[str, str]]:
    """Return the text of everything that a file's schema holds, Alembic's own table aside."""
    query = "SELECT name, sql FROM sqlite_schema WHERE sql NOT NULL AND tbl_name <> ?"
    with closing(sqlite3.connect(path)) as connection:
        return set(connection.execute(query, ["alembic_version"]))


async def test_records_outlive_the_process(path: Path) -> None:
    """What was stored is there when the file is opened again."""
    store = await SqliteStore.open(path)
    await add_all(store)
    await store.aclose()
    store = await SqliteStore.open(path)
    for kind in {type(record) for record in RECORDS}:
        async with store.reading() as reading:
            assert await reading.list(kind) == [each for each in RECORDS if type(each) is kind]
    await store.aclose()


async def test_opening_releases_every_claimed_turn(path: Path) -> None:
    """A turn whose owner is gone is due at once under a new epoch; a sleeping one sleeps on."""
    claimed = replace(TURN, phase=Phase.ISSUED, owner="dead", epoch=7, wake_at=NOW, blocked=None)
    second = replace(ROTATION, id=RotationId("r-2"), name="second")
    stopped = replace(TURN, id=TurnId("t-2"), rotation_id=second.id, owner="dead")
    store = await SqliteStore.open(path)
    await add_all(store, *(each for each in RECORDS if each != TURN), claimed, second, stopped)
    await store.aclose()
    store = await SqliteStore.open(path)
    due = replace(claimed, owner=None, epoch=8, wake_at=claimed.entered_at)
    assert await found(store, Turn, id=TURN.id) == due
    assert await found(store, Turn, id="t-2") == replace(stopped, owner=None, epoch=1)
    await store.aclose()


async def test_opening_leaves_free_turns_alone(path: Path) -> None:
    """A turn that nobody owned keeps its epoch and the time at which it wakes."""
    store = await SqliteStore.open(path)
    await add_all(store)
    await store.aclose()
    store = await SqliteStore.open(path)
    assert await found(store, Turn, id=TURN.id) == TURN
    await store.aclose()


async def test_a_second_process_is_refused(sqlite: SqliteStore, path: Path) -> None:
    """Whoever opens a file that another process owns is told so, and does no harm to it."""
    told = await run_process([sys.executable, "-c", OPEN, str(path)], check=False)
    assert told.returncode == 1
    assert b"Another keyturn process serves" in told.stderr
    with pytest.raises(InUse, match="stop it"):
        await SqliteStore.open(path)
    await add_all(sqlite, ORGANIZATION)


@pytest.mark.slow
async def test_a_file_is_free_once_it_is_closed(path: Path) -> None:
    """The next process may open the file when the one before has closed it."""
    await (await SqliteStore.open(path)).aclose()
    told = await run_process([sys.executable, "-c", OPEN, str(path)], check=False)
    assert told.returncode == 0, told.stderr


async def test_a_file_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    """Where the data directory cannot be used, the operator is told which and why."""
    (tmp_path / "file").touch()
    with pytest.raises(Refused, match=r"keyturn\.db\.lock cannot be opened \("):
        await SqliteStore.open(tmp_path / "file" / "keyturn.db")


async def test_only_the_owner_may_read_the_files(path: Path) -> None:
    """Directory and files are private, whatever the umask, those that SQLite adds included."""
    before = os.umask(0)
    try:
        store = await SqliteStore.open(path)
    finally:
        os.umask(before)
    await add_all(store, ORGANIZATION)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert modes == dict.fromkeys(
        [f"keyturn.db{end}" for end in ("", ".lock", "-wal", "-shm")], 0o600
    )
    await store.aclose()


async def test_the_migrated_schema_is_that_of_the_tables(
    sqlite: SqliteStore, path: Path, tmp_path: Path
) -> None:
    """The revisions lead to exactly the schema that the records and the table of rules describe."""
    engine = create_engine(f"sqlite:///{tmp_path / 'model.db'}")
    METADATA.create_all(engine)
    engine.dispose()
    assert schema(path) == schema(tmp_path / "model.db")
    tables = [text.rstrip() for _, text in schema(path) if text.startswith("CREATE T")]
    assert [text for text in tables if not text.endswith("STRICT")] == [
        "CREATE TABLE sqlite_sequence(name,seq)"  # SQLite's own
    ]


async def test_data_of_a_newer_keyturn_is_refused(path: Path) -> None:
    """An older Keyturn does not touch what a newer one wrote, and gives the file up again."""
    await (await SqliteStore.open(path)).aclose()
    changed(path, "UPDATE alembic_version SET version_num = '9999'")
    for _ in range(2):
        with pytest.raises(NewerData, match="newer Keyturn"):
            await SqliteStore.open(path)


async def test_commits_are_durable_and_readers_cannot_write(path: Path) -> None:
    """Every writer's commits reach the disk; a reader's connection refuses to write."""
    await (await SqliteStore.open(path)).aclose()
    engines = sqlite_engines(path)
    settings = {"synchronous": 2, "foreign_keys": 1, "trusted_schema": 0, "journal_mode": "wal"}
    asked = [f"PRAGMA {name}" for name in settings]
    async with transaction(engines.writer) as connection:
        found = [(await connection.execute(text(each))).scalar() for each in asked]
    with engines.pen.begin() as clerk:
        assert [clerk.exec_driver_sql(each).scalar() for each in asked] == found
    assert found == [*settings.values()]
    async with transaction(engines.readers) as connection:
        with pytest.raises(DBAPIError, match="readonly"):
            await connection.execute(text("DELETE FROM turn"))
    await engines.writer.dispose()
    await engines.readers.dispose()
    engines.pen.dispose()


async def test_nobody_writes_between_a_look_and_a_write(sqlite: SqliteStore, path: Path) -> None:
    """A transaction holds the write lock from its beginning, before its first statement."""
    async with sqlite.writing():
        other = sqlite3.connect(path, timeout=0)
        with closing(other), pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")


async def test_connections_in_use_are_counted(sqlite: SqliteStore) -> None:
    """Every open transaction and snapshot counts, until it ends."""
    async with sqlite.writing(), sqlite.reading(), sqlite.reading():
        assert sqlite.connections_in_use == 3
    assert sqlite.connections_in_use == 0


async def test_due_turns_are_found_by_index(sqlite: SqliteStore, path: Path) -> None:
    """Sleeping turns cost nothing: the query for due ones reads the index of those that wake."""
    query = "EXPLAIN QUERY PLAN SELECT * FROM turn WHERE wake_at <= 1 ORDER BY wake_at, position"
    with closing(sqlite3.connect(path)) as connection:
        plans = [row[3] for row in connection.execute(query)]
    assert plans == ["SEARCH turn USING INDEX ix_turn_wake_at (wake_at<?)"]


async def test_what_leak_reports_look_for_is_found_by_index(
    sqlite: SqliteStore, path: Path
) -> None:
    """Open ones are looked at again and again, however much else there is."""
    wanted = (
        "version.hash listed_secret.hash client_registration.own_hash turn.old_hash turn.new_hash "
        "rollout_member.rotation_id leak_report.hash"
    )
    with closing(sqlite3.connect(path)) as connection:
        for table, column in (each.split(".") for each in wanted.split()):
            query = f"SELECT * FROM {table} WHERE {column} = 'x' ORDER BY position"
            [plan] = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query}")]
            assert plan.startswith(f"SEARCH {table} USING INDEX ix_{table}_{column} ")


async def test_a_change_of_the_audit_log_shows(path: Path) -> None:
    """An entry that was changed in the file breaks the chain."""
    store = await SqliteStore.open(path)
    async with store.writing() as writing:
        for subject in "abc":
            await writing.append_audit(Attempt(NOW, "me", "secrets:read", subject, allowed=True))
    await store.aclose()
    changed(path, "UPDATE audit_entry SET attempt_subject = 'x' WHERE number = 2")
    store = await SqliteStore.open(path)
    async with store.reading() as reading:
        with pytest.raises(ChainBroken, match="entry 2 "):
            verify_chain(await reading.list_audit())
    await store.aclose()


async def test_an_error_shows_no_value(sqlite: SqliteStore) -> None:
    """Neither an error nor its cause carries what was to be written."""
    marked = replace(ORGANIZATION, name="marked-value", data_key=b"marked-key")
    await add_all(sqlite, ORGANIZATION)
    with pytest.raises(Taken) as refused:
        await add_all(sqlite, marked)
    assert "marked" not in f"{refused.value}{refused.value.__cause__}"


@pytest.mark.skipif(os.geteuid() != 0, reason="nobody else may give a file away")
async def test_what_root_creates_beside_the_file_is_its_owners(path: Path) -> None:
    """A backup or another command by root locks out nobody who serves the file."""
    await (await SqliteStore.open(path)).aclose()
    path.with_name("keyturn.db.lock").unlink()
    os.chown(path, 65534, 65534)
    await (await SqliteStore.visit(path)).aclose()
    await (await SqliteStore.open(path)).aclose()
    there = {each.name: each.stat() for each in path.parent.iterdir()}
    assert {*there} >= {"keyturn.db.lock", "keyturn.db.visitors"}
    assert {(each.st_uid, each.st_gid) for each in there.values()} == {(65534, 65534)}


async def test_a_broken_file_is_told_in_our_words(path: Path) -> None:
    """A failure of the database is told with what to look at and without the statement."""
    await (await SqliteStore.open(path)).aclose()
    changed(path, "DROP TABLE organization")
    store = await SqliteStore.open(path)
    with pytest.raises(OursError, match="look at its disk") as failed:
        await found(store, Organization, name=AWKWARD)
    assert "SELECT" not in str(failed.value)
    await store.aclose()


async def test_cancelling_at_any_moment_leaves_a_sound_store(sqlite: SqliteStore) -> None:
    """Wherever a writing task is cancelled, the next one finds all or nothing, and no lock."""
    turns_of_the_loop, finished = 1, False
    while not finished:
        both = [OrganizationId(f"{turns_of_the_loop}-{end}") for end in "ab"]
        records = [replace(ORGANIZATION, id=id_) for id_ in both]
        task = asyncio.create_task(add_all(sqlite, *records))
        for _ in range(turns_of_the_loop):
            await asyncio.sleep(0)
        finished = task.done()
        task.cancel()
        await asyncio.wait([task])
        assert sqlite.connections_in_use == 0
        kept = [await found(sqlite, Organization, id=id_) for id_ in both]
        assert kept in (records, [None, None])
        turns_of_the_loop += 1 + turns_of_the_loop // 8
