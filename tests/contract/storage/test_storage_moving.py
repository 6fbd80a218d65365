"""Everything moves from SQLite to PostgreSQL, or nothing does."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from postgres_kit import Cluster
from sqlalchemy.engine import make_url
from storage_kit import NOW, ORGANIZATION, RECORDS, TURN, add_all, found

from keyturn.adapters.storage import (
    InUse,
    PostgresStore,
    SqliteStore,
    count_records,
    move,
)
from keyturn.adapters.storage.files import unvisited
from keyturn.adapters.storage.tables import METADATA
from keyturn.domain.audit import Attempt, verify_chain
from keyturn.domain.errors import DatabaseAway, OursError, Refused
from keyturn.domain.flows.run import Run
from keyturn.domain.ids import OrganizationId, RunId
from keyturn.domain.project import Organization
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Phase, Turn

ORDER = [OrganizationId(name) for name in ("z", "m", "a")]


async def fill(path: Path) -> None:
    """Store one record of each kind, some in an order of their own, and an audit log."""
    store = await SqliteStore.open(path)
    await add_all(store, *(replace(ORGANIZATION, id=id_) for id_ in ORDER), *RECORDS)
    async with store.writing() as tx:
        await tx.remove(replace(ORGANIZATION, id=ORDER[1]))
        for number in range(1100):
            await tx.append_audit(Attempt(NOW, "me", "v", f"subject {number}", allowed=True))
    await store.aclose()


@pytest.fixture
async def filled(path: Path) -> Path:
    """Give a file with records."""
    await fill(path)
    return path


async def test_everything_arrives_in_its_order(filled: Path, database: Sensitive) -> None:
    """Every record is there as it was, in the order of its coming, and new ones follow."""
    counts = await move(filled, database)
    assert counts["organization"] == 3
    assert counts["audit_entry"] == 1100
    store = await PostgresStore.open(database)
    for record in RECORDS[1:]:
        async with store.reading() as tx:
            assert list(await tx.list(type(record))) == [record]
    await add_all(store, replace(ORGANIZATION, id=OrganizationId("b")))
    async with store.writing() as tx:
        assert [each.id for each in await tx.list(Organization)] == ["z", "a", "o-1", "b"]
        await tx.append_audit(Attempt(NOW, "me", "v", "after", allowed=True))
        verify_chain(await tx.list_audit(limit=2000))
    await store.aclose()


async def test_claimed_turns_are_released(path: Path, database: Sensitive) -> None:
    """A turn whose worker is gone with the old process goes on under a new epoch."""
    claimed = replace(TURN, phase=Phase.ISSUED, owner="gone", epoch=7, wake_at=NOW, blocked=None)
    store = await SqliteStore.open(path)
    await add_all(store, *(claimed if each is TURN else each for each in RECORDS))
    await store.aclose()
    await move(path, database)
    moved = await PostgresStore.open(database)
    assert await found(moved, Turn, id=TURN.id) == replace(claimed, owner=None, epoch=8)
    await moved.aclose()


async def test_the_file_is_kept_aside(filled: Path, database: Sensitive) -> None:
    """Nobody goes on with the old file by mistake, and it is whole where it is kept."""
    await move(filled, database)
    assert not filled.exists()
    store = await SqliteStore.open(filled.with_name("keyturn.db.moved"))
    assert await found(store, Organization, id=ORGANIZATION.id) == ORGANIZATION
    await store.aclose()


async def test_a_plan_counts_and_changes_nothing(
    filled: Path, database: Sensitive, cluster: Cluster
) -> None:
    """The counts of the plan are those of the move; neither side is touched by it."""
    before = filled.read_bytes()
    planned = await count_records(filled, database)
    assert filled.read_bytes() == before
    name = str(make_url(database.reveal()).database)
    assert cluster.sql(name, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == "0"
    assert await move(filled, database) == planned
    assert set(planned) == set(METADATA.tables)


async def test_a_target_with_records_is_refused(filled: Path, database: Sensitive) -> None:
    """Two installations are never mixed: neither is changed."""
    there = await PostgresStore.open(database)
    await add_all(there, replace(ORGANIZATION, id=OrganizationId("theirs")))
    for work in (move, count_records):
        with pytest.raises(Refused, match="not empty"):
            await work(filled, database)
    async with there.reading() as tx:
        assert [each.id for each in await tx.list(Organization)] == ["theirs"]
    assert filled.exists()
    await there.aclose()


async def test_a_source_in_use_is_refused(filled: Path, database: Sensitive) -> None:
    """While Keyturn serves the file, it cannot be moved away under it."""
    store = await SqliteStore.open(filled)
    for work in (move, count_records):
        with pytest.raises(InUse, match="stop it"):
            await work(filled, database)
    await store.aclose()


async def test_a_source_that_somebody_looks_at_is_refused(
    filled: Path, database: Sensitive
) -> None:
    """What a backup notes there would not arrive: neither begins while the other goes on."""
    store = await SqliteStore.visit(filled)
    for work in (move, count_records):
        with pytest.raises(InUse, match="looked at"):
            await work(filled, database)
    await store.aclose()
    with unvisited(filled), pytest.raises(InUse, match="is being moved"):
        await SqliteStore.visit(filled)
    await move(filled, database)
    with pytest.raises(Refused, match="any more"):
        await SqliteStore.visit(filled)
    assert not filled.exists()


async def test_a_source_that_another_program_reads_is_refused(
    path: Path, database: Sensitive
) -> None:
    """What is not in the file itself would be lost with its name; its turns stay in their hands."""
    store = await SqliteStore.open(path)
    await add_all(store, *(replace(TURN, owner="x") if each is TURN else each for each in RECORDS))
    await store.aclose()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM turn").fetchall()
        with pytest.raises(Refused, match="Another program reads"):
            await move(path, database)
        other.execute("ROLLBACK")  # else it would see them as they were
        assert other.execute("SELECT owner, epoch FROM turn").fetchall() == [("x", TURN.epoch)]
    await move(path, database)
    assert sorted(each.name for each in path.parent.iterdir()) == [
        "keyturn.db.lock",
        "keyturn.db.moved",
        "keyturn.db.visitors",
    ]


async def test_a_source_that_is_no_database_is_told_of(path: Path, database: Sensitive) -> None:
    """In our words, by the plan and by the move."""
    path.parent.mkdir()
    path.write_text("no database " * 100)
    for work in (move, count_records):
        with pytest.raises(DatabaseAway, match="file is not a database"):
            await work(path, database)


async def test_an_earlier_source_is_never_written_over(filled: Path, database: Sensitive) -> None:
    """The file of an earlier move may be all that is left of it."""
    aside = filled.with_name("keyturn.db.moved")
    aside.write_text("earlier")
    for work in (move, count_records):
        with pytest.raises(Refused, match="put it elsewhere first"):
            await work(filled, database)
    assert (aside.read_text(), filled.exists()) == ("earlier", True)


@pytest.mark.parametrize(
    ("theirs", "named"),
    [
        (["connection (id int)"], "connection"),
        (["orders (id int)"], "orders"),
        (["alembic_version AS SELECT 'ab12cd34' AS version_num"], "alembic_version"),
        (["alembic_version AS SELECT '0001' AS version_num", "orders (id int)"], "alembic_version"),
    ],
    ids=["by a name of ours", "by another", "with a revision", "with a revision of ours"],
)
async def test_a_table_of_another_program_is_refused(
    filled: Path, database: Sensitive, cluster: Cluster, theirs: list[str], named: str
) -> None:
    """Also by the plan, and also where it is empty: it is not Keyturn's, and nothing is added."""
    name = str(make_url(database.reveal()).database)
    for table in theirs:
        cluster.sql(name, f"CREATE TABLE {table}")
    for work in (count_records, move):
        with pytest.raises(Refused, match=f"table {named} that is not Keyturn's. Nothing was"):
            await work(filled, database)
    count = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
    assert cluster.sql(name, count) == str(len(theirs))


async def test_a_table_of_another_program_beside_ours_is_refused(
    filled: Path, database: Sensitive, cluster: Cluster
) -> None:
    """A schema of ours without records does not make the database Keyturn's own."""
    await (await PostgresStore.open(database)).aclose()
    cluster.sql(str(make_url(database.reveal()).database), "CREATE TABLE orders (id int)")
    for work in (count_records, move):
        with pytest.raises(Refused, match="table orders that is not Keyturn's"):
            await work(filled, database)


async def test_a_refusal_has_changed_nothing(path: Path, database: Sensitive) -> None:
    """Turns in their workers' hands stay there where the target is found to be of no use."""
    held = replace(TURN, phase=Phase.ISSUED, owner="alive", wake_at=NOW, blocked=None)
    store = await SqliteStore.open(path)
    await add_all(store, *(held if each is TURN else each for each in RECORDS))
    await store.aclose()
    there = await PostgresStore.open(database)
    await add_all(there, replace(ORGANIZATION, id=OrganizationId("theirs")))
    await there.aclose()
    with pytest.raises(Refused, match="Nothing was changed"):
        await move(path, database)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT owner FROM turn").fetchall() == [("alive",)]


async def test_positions_of_removed_runs_are_not_given_again(
    path: Path, database: Sensitive
) -> None:
    """Who follows runs has heard of them, and would not hear of new ones with their numbers."""
    [run] = (each for each in RECORDS if isinstance(each, Run))
    more = [replace(run, id=RunId(f"more-{n}")) for n in range(3)]
    store = await SqliteStore.open(path)
    await add_all(store, *RECORDS, *more)
    async with store.writing() as tx:
        known = await tx.run_mark()
        await tx.remove(*more)
    await store.aclose()
    await move(path, database)
    there = await PostgresStore.open(database)
    await add_all(there, replace(run, id=RunId("new")))
    async with there.reading() as tx:
        assert [each.id for each in await tx.list_begun_runs(known.begun, limit=9)] == ["new"]
    await there.aclose()


async def test_a_broken_audit_log_is_not_moved(filled: Path, database: Sensitive) -> None:
    """What does not verify stays where it is, and the target stays empty."""
    with closing(sqlite3.connect(filled)) as connection, connection:
        connection.execute("UPDATE audit_entry SET attempt_subject = 'x' WHERE number = 700")
    with pytest.raises(OursError, match="Audit entry 700 "):
        await move(filled, database)
    assert filled.exists()
    there = await PostgresStore.open(database)
    assert await found(there, Organization, id=ORGANIZATION.id) is None
    await there.aclose()


async def test_a_change_on_the_way_is_noticed(
    filled: Path, database: Sensitive, cluster: Cluster
) -> None:
    """Where the target does not keep what it is given, nothing is moved."""
    await (await PostgresStore.open(database)).aclose()
    name = str(make_url(database.reveal()).database)
    spoil = "BEGIN NEW.attempt_detail := 'spoilt'; RETURN NEW; END"
    cluster.sql(name, f"CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $${spoil}$$")
    of = "BEFORE INSERT ON audit_entry FOR EACH ROW EXECUTE FUNCTION spoil()"
    cluster.sql(name, f"CREATE TRIGGER spoil {of}")
    with pytest.raises(OursError, match="audit_entry did not arrive as it was"):
        await move(filled, database)
    assert filled.exists()
    assert cluster.sql(name, "SELECT count(*) FROM organization") == "0"
