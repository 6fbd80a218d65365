"""Keep an installation: move it, rotate its root key, back it up and restore it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from keyturn import __version__
from keyturn.adapters.crypto import (
    SALT_BYTES,
    BackupFile,
    Keyring,
    Opener,
    new_backup,
    read_backup,
)
from keyturn.adapters.storage import (
    NEWEST,
    Dump,
    PostgresStore,
    SqliteStore,
    count_records,
    loading,
    move,
    moved_file,
    refuse_filled,
    snapshot,
)
from keyturn.bootstrap.opening import (
    Outside,
    open_store,
    opened,
    require_data,
    root_keys,
    url_of,
    visit_store,
    witness,
)
from keyturn.bootstrap.root_keys import KeyPlace, RootKey
from keyturn.domain.errors import Refused
from keyturn.domain.oauth.connection import Connection, in_doubt
from keyturn.domain.project import Organization
from keyturn.domain.sensitive import Sensitive
from keyturn.services.backups import (
    backed_up,
    parse_rows,
    render_key,
    render_rows,
    restored,
    verify_pieces,
)
from keyturn.services.root_key import count_data_keys, fits, opens, rewrap_data_keys
from keyturn.settings import Settings

CONFIRMED = "delivery"
"""The table of what destinations have confirmed."""


async def migrate(settings: Settings, target: Sensitive, *, plan: bool) -> Mapping[str, int]:
    """Move the installation in the data directory to an empty PostgreSQL database, or count only.

    Returns how many records of each kind there are. Raises Refused where there is no installation,
    where another process has it open, where the target is not empty or cannot be reached.
    """
    if not settings.database_file.exists():
        aside = moved_file(settings.database_file)
        if aside.exists():
            raise Refused(
                f"It was moved already: {aside} is what was left behind. Nothing was changed; "
                "set KEYTURN_DATABASE_URL to where it is now, and start Keyturn."
            )
        raise Refused(
            f"There is no installation in {settings.data_dir}: set KEYTURN_DATA_DIR to where it is."
        )
    work = count_records if plan else move
    return await work(settings.database_file, target)


@dataclass(frozen=True)
class RootKeyRotated:
    """How many data keys were rewrapped, where the root key is, and where the old one is kept."""

    data_keys: int
    place: KeyPlace
    kept: Path | None = None


async def rotate_root_key(
    settings: Settings, outside: Outside | None = None, *, plan: bool, forget_old: bool = False
) -> RootKeyRotated:
    """Make a new root key and rewrap every data key by it, or count them only.

    Whenever this dies, the installation opens: with the old key before the transaction, and after
    it with the new one, which the next opening puts in force. Raises Refused as `opened` does and
    where the environment has no other key, and RootKeyUnusable where the new key cannot be put
    where the settings want it, before anything is changed.
    """
    outside = outside or Outside()
    keys = root_keys(settings, outside)
    async with opened(settings, outside) as world:
        old = await keys.in_force(world.store)
        if plan:
            return RootKeyRotated(await count_data_keys(world), keys.place(old))
        new = await keys.prepare(old)
        keyring = Keyring(old.key, outside.chance.random_bytes)
        count = await rewrap_data_keys(world, partial(keyring.rewrapped, under=new))
        kept = keys.install(old)
    if kept and forget_old:
        kept.unlink()
        kept = None
    return RootKeyRotated(count, keys.place(RootKey(keys.wanted, new)), kept)


async def find_root_key(settings: Settings, outside: Outside | None = None) -> KeyPlace:
    """Tell where the root key in force is; the server may be running.

    Raises Refused where there is no installation, or no root key that opens it.
    """
    outside = outside or Outside()
    require_data(settings)
    keys = root_keys(settings, outside)
    store = await visit_store(settings)
    try:
        found = await keys.in_force(store)
        if not await fits(store, Keyring(found.key, outside.chance.random_bytes)):
            raise Refused("No root key is found that opens this installation.")
        return keys.place(found)
    finally:
        await store.aclose()


async def back_up(
    settings: Settings,
    path: Path,
    opener: Opener | None,
    outside: Outside | None = None,
) -> Mapping[str, int]:
    """Write everything as of one moment, the root key included, to a new sealed file.

    The server may be running. The audit entry comes first, so the backup holds it. Returns how
    many records of each kind there are; without an opener that is all. Raises Refused where there
    is no installation or the root key is not its own, and BackupUnusable where the file exists.
    """
    outside = outside or Outside()
    require_data(settings)
    store = await visit_store(settings)
    try:
        key = (await root_keys(settings, outside).in_force(store)).key
        if opener:
            await store.append_audit(backed_up(outside.clock.now(), path.name))
        async with snapshot(store) as dump:
            if not opens(Keyring(key, outside.chance.random_bytes), await _organizations(dump)):
                raise Refused("The root key does not open these data: a backup would be worthless.")
            if opener:
                await _write_backup(dump, path, opener, key=key, outside=outside)
            return dump.counts
    finally:
        await store.aclose()


async def _organizations(dump: Dump) -> Sequence[Organization]:
    found = await dump.reading.list(Organization)
    if not found:
        raise Refused("There is nothing to back up: run `keyturn init` first.")
    return found


async def _write_backup(
    dump: Dump, path: Path, opener: Opener, *, key: bytes, outside: Outside
) -> None:
    header = {
        "keyturn": __version__,
        "created": outside.clock.now().isoformat(),
        "schema": dump.schema,
        "records": dump.counts,
    }
    with new_backup(path, header, opener, salt=outside.chance.random_bytes(SALT_BYTES)) as add:
        add(render_key(key))
        async for table, rows in dump.batches():
            add(render_rows(table, rows))


async def restore(
    settings: Settings,
    path: Path,
    opener: Opener,
    outside: Outside | None = None,
    *,
    plan: bool = False,
) -> Mapping[str, int]:
    """Put everything of a backup into an empty installation, the root key included.

    What destinations had confirmed stays behind: they may have been brought something newer since,
    so that everything is brought to them again. Refresh tokens may have been used up since, and
    each connection knows that, should its server refuse one. The whole file is opened before
    anything is written, and all records come in one transaction. Returns how many records of each
    kind there are; with ``plan`` nothing is written. Raises BackupUnusable, and Refused where there
    are records, or another root key, already.
    """
    outside = outside or Outside()
    file = read_backup(path)
    _require_same_schema(file)
    key = verify_pieces(file.pieces(opener), file.counts)
    await _refuse_filled(settings)
    await root_keys(settings, outside).require_no_other(key)
    if not plan:
        await _restore(settings, file, opener, key=key, outside=outside)
    return {name: count for name, count in file.counts.items() if name != CONFIRMED}


async def _restore(
    settings: Settings, file: BackupFile, opener: Opener, *, key: bytes, outside: Outside
) -> None:
    """Write root key, records and the audit log's head; until the commit it can be done again."""
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    await root_keys(settings, outside).keep(key)
    store = await open_store(settings)
    attempt = restored(outside.clock.now(), file.path.name, str(file.header["created"]))
    try:
        rows = (piece for piece in parse_rows(file.pieces(opener)) if piece[0] != CONFIRMED)
        async with loading(store, rows, attempt) as entry:
            await witness(settings).write(entry.head)
        async with store.writing() as tx:
            await tx.replace(*map(in_doubt, await tx.list(Connection)))
    finally:
        await store.aclose()


def _require_same_schema(file: BackupFile) -> None:
    if file.header["schema"] != NEWEST:
        raise Refused(
            f"Keyturn {file.header['keyturn']} made the backup: restore it with that version."
        )


async def _refuse_filled(settings: Settings) -> None:
    """Refuse to restore over records; nothing is made where there is nothing."""
    if settings.database_url:
        await refuse_filled(PostgresStore(url_of(settings.database_url)))
    elif settings.database_file.exists():
        await refuse_filled(SqliteStore(settings.database_file))
