"""What the store over PostgreSQL keeps besides: several processes, its schema, and its secrecy."""

import asyncio
import traceback
from dataclasses import replace
from datetime import timedelta

import pytest
from postgres_kit import Cluster
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import Engine, make_url
from storage_kit import NOW, ORGANIZATION, ROTATION, TURN, add_all, found

from keyturn.adapters.storage import NewerData, PostgresStore, engines
from keyturn.adapters.storage.awaited import AsyncEngine
from keyturn.adapters.storage.store import transaction
from keyturn.adapters.storage.tables import METADATA
from keyturn.domain.audit import Attempt, verify_chain
from keyturn.domain.errors import DatabaseAway, OursError, Refused, Taken
from keyturn.domain.ids import OrganizationId, RotationId, TurnId
from keyturn.domain.project import Organization
from keyturn.domain.rotation import Rotation
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Phase, Turn

LEASE = timedelta(seconds=60)


def name_of(database: Sensitive) -> str:
    """Return the name of a test's database."""
    return str(make_url(database.reveal()).database)


async def second(database: Sensitive) -> PostgresStore:
    """Open the database once more, as another process would."""
    return await PostgresStore.open(database)


async def test_writers_of_two_processes_take_turns(
    postgres: PostgresStore, database: Sensitive
) -> None:
    """No update is lost, and the audit log stays one chain, whoever of two stores writes."""
    other = await second(database)
    await add_all(postgres)

    async def count(store: PostgresStore) -> None:
        async with store.writing() as tx:
            rotation = await tx.find(Rotation, id=ROTATION.id)
            assert rotation
            await tx.replace(replace(rotation, active_index=rotation.active_index + 1))
            await tx.append_audit(Attempt(NOW, "me", "v", "s", allowed=True))

    await asyncio.gather(*(count(store) for store in [postgres, other] * 20))
    assert await found(postgres, Rotation, id=ROTATION.id, active_index=40)
    async with other.reading() as tx:
        entries = await tx.list_audit()
    assert len(entries) == 40
    verify_chain(entries)
    await other.aclose()


async def test_what_another_process_changes_is_a_revision_at_once(
    postgres: PostgresStore, database: Sensitive
) -> None:
    """No process relies on what it has seen before, for others change it as well."""
    other = await second(database)
    try:
        assert await postgres.revision() == 0
        async with other.writing() as tx:
            await tx.add(ORGANIZATION)
        assert [await each.revision() for each in (postgres, other)] == [1, 1]
    finally:
        await other.aclose()


async def test_no_turn_is_claimed_by_two(postgres: PostgresStore, database: Sensitive) -> None:
    """Stores that claim at the same time share the due turns out between them."""
    other = await second(database)
    await add_all(postgres)
    for number in range(30):
        rotation = replace(ROTATION, id=RotationId(f"r{number}"), name=f"r{number}")
        turn = replace(TURN, id=TurnId(f"t{number}"), rotation_id=rotation.id, wake_at=NOW)
        await add_all(postgres, rotation, replace(turn, phase=Phase.PLANNED, blocked=None))

    async def claim(store: PostgresStore, owner: str) -> list[str]:
        async with store.writing() as tx:
            return [t.id for t in await tx.claim_due(NOW, owner=owner, lease=LEASE, limit=4)]

    claims = await asyncio.gather(*(claim(s, "x") for s in [postgres, other] * 4))
    claimed = [id_ for ids in claims for id_ in ids]
    assert len(claimed) == len(set(claimed)) == 30
    await other.aclose()


async def test_opening_leaves_claimed_turns_to_their_owners(
    postgres: PostgresStore, database: Sensitive
) -> None:
    """Another worker that starts takes nothing from those that live."""
    await add_all(postgres)
    owned = replace(TURN, owner="alive", wake_at=NOW, epoch=0)
    async with postgres.writing() as tx:
        await tx.replace(owned)
    other = await second(database)
    assert await found(other, Turn, id=TURN.id) == owned
    await other.aclose()


async def test_opening_at_the_same_time_makes_one_schema(database: Sensitive) -> None:
    """Processes that start together on an empty database do not fall over each other."""
    stores = await asyncio.gather(*(second(database) for _ in range(4)))
    await add_all(stores[0])
    assert await found(stores[3], Organization, id=ORGANIZATION.id) == ORGANIZATION
    for store in stores:
        await store.aclose()


def described(engine: Engine, schema: str) -> object:
    """Describe the tables of a schema: columns, rules and indexes."""
    with engine.connect() as connection:
        look = inspect(connection)
        names = [name for name in look.get_table_names(schema) if name != "alembic_version"]
        return {
            name: (
                [
                    (c["name"], str(c["type"]), c["nullable"])
                    for c in look.get_columns(name, schema)
                ],
                look.get_pk_constraint(name, schema)["name"],
                sorted(str(u["name"]) for u in look.get_unique_constraints(name, schema)),
                sorted(
                    (str(k["name"]), k["constrained_columns"], str(k["options"]))
                    for k in look.get_foreign_keys(name, schema)
                ),
                sorted(
                    (str(i["name"]), i["column_names"], i["unique"], str(i["dialect_options"]))
                    for i in look.get_indexes(name, schema)
                ),
            )
            for name in names
        }


async def test_the_migrated_schema_is_that_of_the_tables(
    postgres: PostgresStore, database: Sensitive, cluster: Cluster
) -> None:
    """The revisions lead to exactly the schema that the records and the table of rules describe."""
    engine = create_engine(make_url(database.reveal()).set(drivername="postgresql+psycopg"))
    cluster.sql(name_of(database), "CREATE SCHEMA model")
    for index in (each for table in METADATA.sorted_tables for each in table.indexes):
        index.dialect_kwargs["postgresql_where"] = index.dialect_options["sqlite"]["where"]
    METADATA.create_all(engine.execution_options(schema_translate_map={None: "model"}))
    migrated = described(engine, "public")
    assert migrated == described(engine, "model")
    assert len(migrated) == len(METADATA.tables)  # type: ignore[arg-type]
    engine.dispose()


async def test_data_of_a_newer_keyturn_is_refused(database: Sensitive, cluster: Cluster) -> None:
    """An older Keyturn does not touch what a newer one wrote."""
    await (await second(database)).aclose()
    cluster.sql(name_of(database), "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(NewerData, match="newer Keyturn"):
        await second(database)


async def shown(engine: AsyncEngine, *settings: str) -> list[object]:
    """Return what is in force on a connection of an engine."""
    async with transaction(engine) as connection:
        return [(await connection.execute(text(f"SHOW {name}"))).scalar() for name in settings]


async def test_commits_are_durable_and_readers_cannot_write(
    postgres: PostgresStore, database: Sensitive, cluster: Cluster
) -> None:
    """A writer's commits reach the disk whatever the server's default; a reader cannot write."""
    name = name_of(database)
    cluster.sql(name, f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    other = await second(database)
    isolation, durable = "transaction_isolation", "synchronous_commit"
    assert await shown(other.writer, durable, isolation) == ["on", "read committed"]
    assert await shown(other.readers, isolation) == ["repeatable read"]
    with pytest.raises(DatabaseAway, match="SQLSTATE 25006"):
        async with transaction(other.readers) as connection:
            await connection.execute(text("DELETE FROM turn"))
    await other.aclose()


async def test_an_error_shows_no_value(postgres: PostgresStore) -> None:
    """Neither an error nor its traceback carries what was to be written."""
    mark = f"a {40 + 2} value"
    marked = replace(ORGANIZATION, name=mark, id=OrganizationId(f"id {mark}"))
    await add_all(postgres, marked)
    for id_ in (marked.id, None):
        with pytest.raises(OursError if id_ is None else Taken) as refused:
            await add_all(postgres, replace(marked, id=id_))  # type: ignore[arg-type]
        assert mark not in "".join(traceback.format_exception(refused.value))


async def test_a_password_is_never_told() -> None:
    """A database that cannot be reached, and a URL that is none, are told without the password."""
    mark = f"a-{40 + 2}-password"
    for url in (f"postgresql://me:{mark}@127.0.0.1:1/db", f"postgresql://{mark}@[", f"x://{mark}"):
        with pytest.raises(Refused, match=r"cannot be reached|is none|must begin") as refused:
            await PostgresStore.open(Sensitive(url))
        assert mark not in "".join(traceback.format_exception(refused.value))


async def test_the_database_may_go_and_come_back(cluster: Cluster, postgres: PostgresStore) -> None:
    """While PostgreSQL is away errors are ours; when it is back, the same store works on."""
    await add_all(postgres, ORGANIZATION)
    cluster.stop("immediate")
    try:
        for _ in range(2):
            with pytest.raises(DatabaseAway, match=r"no connection|SQLSTATE 57P"):
                await found(postgres, Organization, id=ORGANIZATION.id)
            with pytest.raises(DatabaseAway, match="look at it"):
                await add_all(postgres, ORGANIZATION)
    finally:
        cluster.start()
    assert await found(postgres, Organization, id=ORGANIZATION.id) == ORGANIZATION
    await add_all(postgres, replace(ORGANIZATION, id=OrganizationId("o-2")))


async def test_a_connection_that_was_closed_at_rest_is_replaced(
    cluster: Cluster, postgres: PostgresStore, database: Sensitive
) -> None:
    """Nobody who reads or writes is told that the server has closed what nobody was using."""
    await add_all(postgres, ORGANIZATION)
    await asyncio.gather(*(found(postgres, Organization, id="o-1") for _ in range(9)))
    name = name_of(database)
    others = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    cluster.sql("postgres", others)
    assert await found(postgres, Organization, id=ORGANIZATION.id) == ORGANIZATION
    await add_all(postgres, replace(ORGANIZATION, id=OrganizationId("o-2")))
    await asyncio.gather(*(found(postgres, Organization, id="o-1") for _ in range(9)))


async def test_a_statement_that_fails_ends_its_transaction(postgres: PostgresStore) -> None:
    """PostgreSQL gives a transaction up without a word at its end; whoever goes on is told."""
    nameless = replace(ORGANIZATION, id=None)  # type: ignore[arg-type]
    with pytest.raises(OursError, match="whole transaction"):  # noqa: PT012  all of it fails
        async with postgres.writing() as tx:
            await tx.add(ORGANIZATION)
            with pytest.raises(OursError, match="does not fit"):
                await tx.add(nameless)
    assert await found(postgres, Organization, id=ORGANIZATION.id) is None


async def test_a_lost_connection_undoes_its_transaction(
    cluster: Cluster, postgres: PostgresStore, database: Sensitive
) -> None:
    """Whoever loses the connection in a transaction is told, and nothing of it stands."""
    name = name_of(database)
    others = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    with pytest.raises(DatabaseAway):  # noqa: PT012  the whole transaction fails
        async with postgres.writing() as tx:
            await tx.add(ORGANIZATION)
            cluster.sql("postgres", others)
            await tx.list(Organization)
    assert await found(postgres, Organization, id=ORGANIZATION.id) is None


async def test_a_frozen_writer_gives_the_lock_up(
    postgres: PostgresStore, database: Sensitive
) -> None:
    """A transaction that idles too long is ended by the server, and the next writer goes on."""
    [stuck] = await shown(postgres.writer, "idle_in_transaction_session_timeout")
    [patience] = await shown(postgres.writer, "lock_timeout")
    assert (stuck, patience) == (f"{engines.STUCK_S}s", f"{engines.PATIENCE_S}s")
    assert engines.STUCK_S < engines.PATIENCE_S
    other = await second(database)
    with pytest.raises(DatabaseAway):  # noqa: PT012  the whole transaction fails
        async with postgres.writing() as frozen:
            await frozen.add(ORGANIZATION)
            sooner = "SET idle_in_transaction_session_timeout = '100ms'"
            await frozen._connection.execute(text(sooner))  # type: ignore[attr-defined]  # noqa: SLF001
            await asyncio.wait_for(add_all(other, ORGANIZATION), 10)
            await frozen.list(Organization)
    await other.aclose()
