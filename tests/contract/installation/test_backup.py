"""A backup holds everything of one moment, and comes back into an empty place as a whole."""

import asyncio
import base64
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from shutil import copytree

import pytest
from click.testing import CliRunner, Result
from storage_kit import GRANTED, ORGANIZATION, RECORDS, add_all

from keyturn.adapters.crypto import (
    BackupUnusable,
    Keyring,
    Opener,
    read_backup,
    read_root_key,
    write_root_key,
)
from keyturn.adapters.storage import PostgresStore, SqliteStore
from keyturn.adapters.system import SystemChance
from keyturn.adapters.system.witness import FileWitness
from keyturn.bootstrap.keeping import back_up, restore
from keyturn.bootstrap.opening import initialise, opened
from keyturn.cli.main import cli
from keyturn.domain.audit import verify_chain
from keyturn.domain.destination import Delivery
from keyturn.domain.errors import OursError, Refused
from keyturn.domain.oauth.connection import Connection, Tokens, in_doubt
from keyturn.domain.sensitive import Sensitive
from keyturn.services.ports import Store
from keyturn.settings import Settings

KEY = Opener("key file", Sensitive(base64.b64encode(bytes(range(32))).decode()))
OTHER = Opener("key file", Sensitive(base64.b64encode(bytes(32)).decode()))
AT = datetime(2026, 11, 21, tzinfo=UTC)
RENEWABLE = replace(
    GRANTED,
    id="oc-2",
    name="renewable",
    tokens=Tokens(1, b"t", "Bearer", renewable=True, issued_at=AT, expires_at=AT, version=1),
)
WORDS = "correct horse battery staple"


async def fill(settings: Settings) -> None:
    """Add a record of every kind."""
    async with opened(settings) as world:
        vault = Keyring(read_root_key(settings.key_file), SystemChance().random_bytes)
        ours = replace(ORGANIZATION, data_key=vault.new_data_key(ORGANIZATION.id))
        others = (each for each in RECORDS if each is not ORGANIZATION)
        await add_all(world.store, ours, *others, RENEWABLE)


@pytest.fixture(scope="module")
def filled(set_up: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fill an installation on SQLite, of which tests take copies."""
    folder = copytree(set_up, tmp_path_factory.mktemp("filled") / "data")
    asyncio.run(fill(Settings(data_dir=folder, database_url=None)))
    return folder


@pytest.fixture(scope="module")
def backed_up(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Back one up; the folder has the installation as it is then, and the file beside it."""
    folder = tmp_path_factory.mktemp("backed-up")
    settings = Settings(data_dir=copytree(filled, folder / "data"), database_url=None)
    asyncio.run(back_up(settings, folder / "it.backup", KEY))
    return folder


@pytest.fixture
def settings(filled: Path, tmp_path: Path) -> Settings:
    """Give an installation on SQLite, with a record of every kind."""
    return Settings(data_dir=copytree(filled, tmp_path / "data"), database_url=None)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Settings:
    """Name a new machine."""
    return Settings(data_dir=tmp_path / "new" / "data", database_url=None)


@pytest.fixture
def file(settings: Settings, backed_up: Path, tmp_path: Path) -> Path:
    """Give a backup of the installation, which knows of it."""
    copytree(backed_up, tmp_path, dirs_exist_ok=True)
    return tmp_path / "it.backup"


async def everything(store: Store) -> list[object]:
    """Return every record in its order, of all kinds but those that a restore does not trust."""
    kinds = dict.fromkeys(
        type(each) for each in RECORDS if not isinstance(each, Delivery | Connection)
    )
    async with store.reading() as tx:
        return [each for kind in kinds for each in await tx.list(kind)]


async def _connections(store: Store) -> Sequence[Connection]:
    async with store.reading() as tx:
        return await tx.list(Connection)


async def _confirmed(store: Store) -> Sequence[Delivery]:
    async with store.reading() as tx:
        return await tx.list(Delivery)


async def test_everything_comes_back(file: Path, settings: Settings, elsewhere: Settings) -> None:
    """Records, order, audit log and root key are as they were; the restore is on record."""
    counts = await restore(elsewhere, file, KEY)
    assert read_root_key(elsewhere.key_file) == read_root_key(settings.key_file)
    async with opened(settings) as here, opened(elsewhere) as there:
        assert await everything(there.store) == await everything(here.store)
        assert [len(await _confirmed(each.store)) for each in (here, there)] == [1, 0]
        granted = await _connections(here.store)
        assert await _connections(there.store) == [in_doubt(each) for each in granted]
        assert await _connections(there.store) != granted
        async with here.store.reading() as before, there.store.reading() as after:
            log, restored = await before.list_audit(), await after.list_audit()
    verify_chain(restored)
    assert [entry.attempt.verb for entry in restored][-2:] == ["backup:create", "backup:restore"]
    assert restored[:-1] == log
    assert counts["audit_entry"] == len(log)
    assert "delivery" not in counts
    head = await FileWitness(elsewhere.data_dir / "audit.head").read()
    assert head == restored[-1].head


@pytest.mark.slow
async def test_through_postgresql_and_back(
    file: Path, settings: Settings, elsewhere: Settings, database: Sensitive, tmp_path: Path
) -> None:
    """A backup of one database comes back into the other, every cell as it was."""
    there = elsewhere.model_copy(
        update={"database_url": Settings(database_url=database.reveal()).database_url}
    )
    await restore(there, file, KEY)
    store = await PostgresStore.open(database)
    moved = await everything(store)
    await store.aclose()
    await back_up(there, tmp_path / "second.backup", KEY)
    back = Settings(data_dir=tmp_path / "third", database_url=None)
    await restore(back, tmp_path / "second.backup", KEY)
    async with opened(settings) as first, opened(back) as third:
        assert await everything(third.store) == moved == await everything(first.store)


async def test_a_server_goes_on_while_it_is_backed_up(settings: Settings, tmp_path: Path) -> None:
    """Beside the process that owns the file a snapshot is taken; turns stay in its hands."""
    async with opened(settings) as world:
        before = await everything(world.store)
        await back_up(settings, tmp_path / "online.backup", KEY)
        assert await everything(world.store) == before
        async with world.store.reading() as tx:
            latest = await tx.latest_audit()
            verify_chain(await tx.list_audit())
    assert latest
    assert latest.attempt.verb == "backup:create"


async def test_a_backup_shows_nothing(file: Path, settings: Settings) -> None:
    """Neither the root key nor any record is in the file in clear."""
    text = file.read_bytes()
    assert settings.key_file.read_bytes().strip() not in text
    assert b"administrator" not in text
    assert read_root_key(settings.key_file) not in text


@pytest.mark.parametrize("broken", ["cut", "changed", "wrong key"])
async def test_what_does_not_open_writes_nothing(
    file: Path, elsewhere: Settings, broken: str
) -> None:
    """A file that was cut or changed, or another key, is refused before anything is there."""
    whole = file.read_bytes()
    other = bytes([whole[-9] ^ 1])
    text = {"cut": whole[:-9], "changed": whole[:-9] + other + whole[-8:]}.get(broken, whole)
    file.write_bytes(text)
    with pytest.raises(BackupUnusable):
        await restore(elsewhere, file, OTHER if broken == "wrong key" else KEY)
    assert not elsewhere.data_dir.exists()


@pytest.mark.slow
async def test_a_filled_place_is_left_as_it_is(file: Path, elsewhere: Settings) -> None:
    """Two installations are never mixed, and no root key is put in the place of another."""
    await initialise(elsewhere)
    key = elsewhere.key_file.read_bytes()
    with pytest.raises(Refused, match="not empty"):
        await restore(elsewhere, file, KEY)
    elsewhere.database_file.unlink()
    with pytest.raises(Refused, match="another root key"):
        await restore(elsewhere, file, KEY)
    assert elsewhere.key_file.read_bytes() == key
    assert not elsewhere.database_file.exists()


async def test_a_restore_that_died_can_be_given_again(
    file: Path, settings: Settings, elsewhere: Settings
) -> None:
    """Root key, empty database and a head that is ahead of it are in nobody's way."""
    elsewhere.data_dir.mkdir(parents=True)
    elsewhere.key_file.write_bytes(settings.key_file.read_bytes())
    elsewhere.key_file.chmod(0o600)
    await (await SqliteStore.open(elsewhere.database_file)).aclose()
    (elsewhere.data_dir / "audit.head").write_text(f"99:{'0' * 64}\n")
    await restore(elsewhere, file, KEY)
    async with opened(elsewhere) as world, world.store.reading() as tx:
        latest = await tx.latest_audit()
    assert latest
    assert await FileWitness(elsewhere.data_dir / "audit.head").read() == latest.head


async def test_a_broken_audit_log_is_not_restored(
    settings: Settings, elsewhere: Settings, tmp_path: Path
) -> None:
    """What does not verify does not arrive, and nothing else does."""
    await back_up(settings, tmp_path / "first.backup", KEY)
    with closing(sqlite3.connect(settings.database_file)) as connection, connection:
        connection.execute("UPDATE audit_entry SET attempt_subject = 'x' WHERE number = 1")
    await back_up(settings, tmp_path / "broken.backup", KEY)
    with pytest.raises(OursError, match="Audit entry 1 "):
        await restore(elsewhere, tmp_path / "broken.backup", KEY)
    await restore(elsewhere, tmp_path / "first.backup", KEY)


async def test_a_key_that_is_not_its_own_is_not_backed_up(
    settings: Settings, tmp_path: Path
) -> None:
    """A backup that nobody could use is not made."""
    settings.key_file.write_text(base64.b64encode(bytes(32)).decode())
    with pytest.raises(Refused, match="root key"):
        await back_up(settings, tmp_path / "it.backup", KEY)
    assert not (tmp_path / "it.backup").exists()


async def test_another_schema_is_refused(file: Path, elsewhere: Settings) -> None:
    """What another version wrote is that version's to restore."""
    with closing(sqlite3.connect(file.parent / "data" / "keyturn.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Refused, match="another version"):
        await back_up(Settings(data_dir=file.parent / "data"), file.with_name("new.backup"), KEY)


def keyturn(*words: str, passphrase: str = WORDS) -> Result:
    """Run a command with a passphrase in the environment."""
    return CliRunner(env={"KEYTURN_BACKUP_PASSPHRASE": passphrase}).invoke(cli, words)


@pytest.mark.slow
def test_the_commands_and_a_new_machine(tmp_path: Path) -> None:
    """The file and the passphrase are enough; neither key nor passphrase is ever printed."""
    old, new, file = (str(tmp_path / name) for name in ("old", "new", "it.backup"))
    keyturn("init", "--data-dir", old)
    done = [
        keyturn("backup", file, "--plan", "--data-dir", old),
        keyturn("backup", file, "--data-dir", old),
        keyturn("restore", file, "--plan", "--data-dir", new),
        keyturn("restore", file, "--json", "--data-dir", new),
    ]
    assert [each.exit_code for each in done] == [0] * 4
    assert "Nothing was written" in done[0].output
    assert read_backup(Path(file)).counts["project"] == 1
    assert read_root_key(tmp_path / "new" / "root.key") == read_root_key(tmp_path / "old/root.key")
    printed = "".join(each.output for each in done)
    assert WORDS not in printed
    assert (tmp_path / "old" / "root.key").read_text().strip() not in printed


@pytest.mark.slow
def test_a_short_and_a_wrong_passphrase_are_refused(tmp_path: Path) -> None:
    """A passphrase that is guessed in a day seals nothing, and a wrong one opens nothing."""
    old, file = str(tmp_path / "old"), str(tmp_path / "it.backup")
    keyturn("init", "--data-dir", old)
    short = keyturn("backup", file, "--data-dir", old, passphrase="short")
    assert short.exit_code == 1
    assert "12 characters" in short.output
    assert not Path(file).exists()
    keyturn("backup", file, "--data-dir", old)
    wrong = keyturn("restore", file, "--data-dir", str(tmp_path / "new"), passphrase=WORDS[:-1])
    assert wrong.exit_code == 1
    assert not (tmp_path / "new").exists()


async def test_an_empty_database_has_nothing_to_back_up(tmp_path: Path) -> None:
    """A set-up that never was, or never ended, is told and makes no file."""
    settings = Settings(data_dir=tmp_path / "data", database_url=None)
    write_root_key(settings.key_file, bytes(32))
    settings.database_file.touch()
    with pytest.raises(Refused, match="keyturn init"):
        await back_up(settings, tmp_path / "it.backup", KEY)
    await (await SqliteStore.open(settings.database_file)).aclose()
    with pytest.raises(Refused, match="keyturn init"):
        await back_up(settings, tmp_path / "it.backup", KEY)
    assert not (tmp_path / "it.backup").exists()
