"""What is old of the audit log goes to files, and what is left still proves itself."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rig import Rig, rigged

from keyturn.adapters.crypto import Opener
from keyturn.adapters.runner import EmbeddedRunner
from keyturn.adapters.storage import SqliteStore
from keyturn.adapters.system.archive import FileArchive
from keyturn.bootstrap.keeping import back_up, restore
from keyturn.bootstrap.opening import Outside, opened
from keyturn.domain.audit import ARCHIVED, Attempt, AuditEntry, AuditFilter, Head
from keyturn.domain.errors import InvalidInput, OursError, Refused
from keyturn.domain.sensitive import Sensitive
from keyturn.services import audit
from keyturn.services.audit import export_entries, note_head, verify_audit
from keyturn.services.audit_retention import AT_ONCE, archive_old
from keyturn.services.ports import Witness, World, Writing
from keyturn.settings import Settings
from keyturn.testing import ManualClock, MemoryStore

KEPT = timedelta(days=30)
DAY_S = 86_400


class Noted:
    """A witness in memory."""

    def __init__(self) -> None:
        self.head: Head | None = None

    async def read(self) -> Head | None:
        """Return what was noted last."""
        return self.head

    async def write(self, head: Head) -> None:
        """Note it."""
        self.head = head


@pytest.fixture(params=["memory", pytest.param("sqlite", marks=pytest.mark.slow)])
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    """Give a rig that keeps its audit log for a month, and files in a folder."""
    async with rigged() as it:
        if request.param == "sqlite":
            store = await SqliteStore.open(tmp_path / "keyturn.db")
            it.world = replace(it.world, store=store)
        limits = replace(it.world.limits, keep_audit=KEPT)
        archive = FileArchive(tmp_path / "audit")
        it.world = replace(it.world, limits=limits, archive=archive, witness=Noted())
        yield it
        if request.param == "sqlite":
            await store.aclose()


async def did(rig: Rig, count: int, what: str = "something") -> None:
    """Have so many things done now, and the log's head noted."""
    async with rig.world.store.writing() as tx:
        for n in range(count):
            subject = f"{what} {n}"
            await tx.append_audit(Attempt(rig.clock.now(), "me", "do", subject, allowed=True))
    await note_head(rig.world)


async def stored(rig: Rig) -> Sequence[AuditEntry]:
    """Return what the database has."""
    async with rig.world.store.reading() as tx:
        return await tx.list_audit(limit=100_000)


def lines(folder: Path) -> list[str]:
    """Return all lines of all files, in the order of their names."""
    files = sorted((folder / "audit").glob("*.jsonl"))
    return [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]


async def problem(rig: Rig) -> str | None:
    """Verify the log as an operator does."""
    return (await verify_audit(rig.world, rig.admin)).problem


async def test_what_is_old_goes_to_a_file_and_the_rest_verifies(rig: Rig, tmp_path: Path) -> None:
    """Nothing before its time, a day's at once; files and database together are the whole log."""
    await did(rig, 5, "old")
    rig.clock.advance(29 * DAY_S)
    await did(rig, 3, "new")
    assert await archive_old(rig.world) == 0
    whole = [entry.number for entry in await stored(rig)]
    rig.clock.advance(2.5 * DAY_S)
    moved = await archive_old(rig.world)
    assert moved == len(lines(tmp_path)) == whole[-1] - 3
    assert (await stored(rig))[0].number == moved
    assert await problem(rig) is None
    left = await export_entries(rig.world, rig.admin, AuditFilter())
    exported = [each.number async for each in left]
    files = [json.loads(line)["number"] for line in lines(tmp_path)]
    assert [*files, *exported[1:]] == [*range(1, exported[-1] + 1)]
    assert oct((tmp_path / "audit").stat().st_mode)[-3:] == "700"
    assert {oct(each.stat().st_mode)[-3:] for each in (tmp_path / "audit").iterdir()} == {"600"}


async def test_it_goes_on_month_after_month(rig: Rig, tmp_path: Path) -> None:
    """Each file begins behind the one before, and the log verifies by the newest entry of all."""
    for _ in range(4):
        await did(rig, 10)
        rig.clock.advance(32 * DAY_S)
        await note_head(rig.world)
        assert await archive_old(rig.world) >= 10
        assert await problem(rig) is None
    assert len(list((tmp_path / "audit").iterdir())) == 4
    numbers = [json.loads(line)["number"] for line in lines(tmp_path)]
    assert numbers == [*range(1, len(numbers) + 1)]
    told = [each for each in await stored(rig) if each.attempt.verb == ARCHIVED]
    assert told[-1].attempt.detail.endswith(".jsonl")


async def test_nothing_goes_while_all_is_kept(rig: Rig, tmp_path: Path) -> None:
    """Without the setting the log is kept for ever."""
    rig.world = replace(rig.world, limits=replace(rig.world.limits, keep_audit=timedelta()))
    await did(rig, 5)
    rig.clock.advance(9999 * DAY_S)
    assert await archive_old(rig.world) == 0
    assert not (tmp_path / "audit").exists()


async def test_a_log_that_was_cut_by_hand_shows(rig: Rig) -> None:
    """Entries that are gone without a word of it are missing."""
    await did(rig, 10)
    async with rig.world.store.writing() as tx:
        await tx.prune_audit(before=5)
    assert await problem(rig) == "Audit entries 1 to 4 are missing."


async def test_a_log_that_was_cut_behind_what_was_moved_shows(rig: Rig) -> None:
    """What one entry tells of excuses nothing else."""
    await did(rig, 10)
    rig.clock.advance(40 * DAY_S)
    assert await archive_old(rig.world) > 0
    await did(rig, 10)
    async with rig.world.store.writing() as tx:
        await tx.prune_audit(before=(await stored(rig))[-1].number - 5)
    assert "are missing" in str(await problem(rig))


async def test_a_log_that_does_not_hold_is_left_as_it_is(rig: Rig, tmp_path: Path) -> None:
    """What proves that it was cut is not tidied away."""
    await did(rig, 10)
    async with rig.world.store.writing() as tx:
        await tx.prune_audit(before=3)
    rig.clock.advance(40 * DAY_S)
    assert await archive_old(rig.world) == 0
    assert lines(tmp_path) == []


async def test_files_come_first(rig: Rig) -> None:
    """Where they cannot be written nothing is forgotten."""
    await did(rig, 5)
    before = await stored(rig)

    class Full:
        async def write(self, name: str, content: bytes) -> None:
            """Fail."""
            raise OursError(f"{name}: the disk is full.")

    rig.world = replace(rig.world, archive=Full())
    rig.clock.advance(40 * DAY_S)
    with pytest.raises(OursError, match="full"):
        await archive_old(rig.world)
    assert await stored(rig) == before


async def test_a_file_never_loses_an_entry(tmp_path: Path) -> None:
    """One that a crash has left is made longer; after a restore, others would have its name."""
    archive, file = FileArchive(tmp_path / "audit"), tmp_path / "audit" / "a.jsonl"
    await archive.write("a.jsonl", b"1\n2\n")
    await archive.write("a.jsonl", b"1\n2\n3\n")
    for other in (b"1\n2\n", b"1\n2\n4\n5\n"):
        with pytest.raises(OursError, match="has other entries"):
            await archive.write("a.jsonl", other)
    assert file.read_bytes() == b"1\n2\n3\n"


async def test_a_head_that_was_moved_is_not_taken_for_held(rig: Rig) -> None:
    """The log has nothing any more to hold it against: whoever noted it is told where it is."""
    await did(rig, 5)
    noted = (await stored(rig))[1].head
    rig.clock.advance(40 * DAY_S)
    assert (await verify_audit(rig.world, rig.admin, noted=noted)).problem is None
    await archive_old(rig.world)
    with pytest.raises(InvalidInput, match="moved to a file"):
        await verify_audit(rig.world, rig.admin, noted=noted)


async def test_a_log_of_which_some_is_moved_while_it_is_verified_is_whole(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What went to a file between two looks at it is not missing."""
    await did(rig, 10)
    rig.clock.advance(40 * DAY_S)
    verify, moved = audit._verify, list[int]()  # noqa: SLF001  between its two looks

    async def late(world: World, heads: Sequence[Head], last: AuditEntry | None) -> None:
        if not moved:
            moved.append(await archive_old(world))
        await verify(world, heads, last)

    monkeypatch.setattr(audit, "_verify", late)
    assert await problem(rig) is None
    assert moved[0] > 0


async def test_what_was_not_noted_yet_stays(rig: Rig) -> None:
    """The head that this server has noted last stays, so that the log can be held against it."""
    await did(rig, 5)
    witness: Witness = rig.world.witness
    noted = await witness.read()
    assert noted
    async with rig.world.store.writing() as tx:
        await tx.append_audit(Attempt(rig.clock.now(), "me", "do", "later", allowed=True))
    rig.clock.advance(40 * DAY_S)
    await archive_old(rig.world)
    assert (await stored(rig))[0].head == noted
    await note_head(rig.world)
    assert await problem(rig) is None


async def test_a_server_that_was_away_meanwhile_is_told_what_to_do(
    rig: Rig, capsys: pytest.CaptureFixture[str]
) -> None:
    """What it has noted was moved by another one: nothing is wrong with the log, and it says so."""
    await did(rig, 5)
    away, rig.world = rig.world, replace(rig.world, witness=Noted())
    await did(rig, 5)
    rig.clock.advance(40 * DAY_S)
    await archive_old(rig.world)
    noted = await away.witness.read()
    capsys.readouterr()
    await note_head(away)
    told = capsys.readouterr().out
    assert "audit log begins later" in told
    assert "audit verify" in told
    assert await away.witness.read() == noted
    assert (await verify_audit(away, rig.admin)).problem is None


async def test_an_export_that_lacks_what_was_moved_meanwhile_stops(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody takes what has a gap for the whole log."""
    monkeypatch.setattr(audit, "PAGE", 2)
    await did(rig, 10)
    rig.clock.advance(40 * DAY_S)
    entries = await export_entries(rig.world, rig.admin, AuditFilter())
    seen = [await anext(entries) for _ in range(2)]
    await archive_old(rig.world)
    with pytest.raises(Refused, match=r"entries 3 to \d+ were moved"):
        seen += [each async for each in entries]
    assert len(seen) == 2


@pytest.mark.parametrize("alone", [False, True])
async def test_the_entry_that_stayed_behind_is_held_by_its_hash_too(
    rig: Rig,
    alone: bool,  # noqa: FBT001
) -> None:
    """Whoever changes what it says is found; also where a file has no other entry."""
    await did(rig, 10)
    rig.clock.advance(40 * DAY_S)
    assert await archive_old(rig.world) > 1
    if alone:
        await note_head(rig.world)
        rig.clock.advance(40 * DAY_S)
        assert await archive_old(rig.world) == 1
    assert await problem(rig) is None
    store = rig.world.store
    if isinstance(store, MemoryStore):
        backup = store.backup()
        first, *rest = backup.audit
        changed = replace(first, attempt=replace(first.attempt, actor="nobody"))
        store.restore(replace(backup, audit=(changed, *rest)))
        assert "does not follow" in str(await problem(rig))


async def test_the_first_entry_alone_stays(rig: Rig, tmp_path: Path) -> None:
    """It would be what the others are tied to, and be moved again and again."""
    world = replace(rig.world, store=MemoryStore())
    await world.store.append_audit(Attempt(rig.clock.now(), "me", "do", "it", allowed=True))
    rig.clock.advance(40 * DAY_S)
    await world.store.append_audit(Attempt(rig.clock.now(), "me", "do", "more", allowed=True))
    await note_head(world)
    assert await archive_old(world) == 0
    assert lines(tmp_path) == []


class WatchedStore(MemoryStore):
    """A store that knows how many audit entries were read at once while nobody else could write."""

    most = 0

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Writing]:  # type: ignore[override]
        """Open a transaction."""
        async with super().writing() as tx:
            seen: Any = tx
            listed = tx.list_audit

            async def counted(*, limit: int) -> Sequence[AuditEntry]:
                found = await listed(limit=limit)
                self.most = max(self.most, len(found))
                return found

            seen.list_audit = counted
            yield seen


async def test_nobody_waits_while_entries_are_read(rig: Rig) -> None:
    """A process that is frozen in that holds up no other; what it moves is what was there."""
    rig.world = replace(rig.world, store=WatchedStore())
    await did(rig, 10)
    rig.clock.advance(40 * DAY_S)
    assert await archive_old(rig.world) == 10
    assert isinstance(rig.world.store, WatchedStore)
    assert rig.world.store.most == 1


async def test_of_two_workers_one_moves(rig: Rig, tmp_path: Path) -> None:
    """Whoever finds that another was there first leaves it at that."""
    await did(rig, 10)
    rig.clock.advance(40 * DAY_S)
    there = len(await stored(rig))
    assert sorted(await asyncio.gather(*(archive_old(rig.world) for _ in range(2)))) == [0, there]
    assert len(lines(tmp_path)) == there
    assert await problem(rig) is None


@pytest.mark.slow
async def test_much_goes_in_several_files(rig: Rig, tmp_path: Path) -> None:
    """So many at a time, so that nobody waits for long."""
    await did(rig, AT_ONCE + 10)
    rig.clock.advance(40 * DAY_S)
    assert await archive_old(rig.world) > AT_ONCE
    assert len(list((tmp_path / "audit").iterdir())) == 2
    assert await problem(rig) is None


async def test_a_running_worker_does_it_by_itself(rig: Rig, tmp_path: Path) -> None:
    """Once an hour, as everything that is old is forgotten."""
    await did(rig, 5)
    rig.clock.advance(40 * DAY_S)
    async with EmbeddedRunner(rig.world, tick_s=3600, concurrency=1):
        while not lines(tmp_path):
            await asyncio.sleep(0)


async def test_a_backup_of_a_log_of_which_some_was_moved_comes_back(
    new: Settings, tmp_path: Path
) -> None:
    """It proves itself there as well; one that was cut does not arrive."""
    settings = Settings(data_dir=new.data_dir, database_url=None, keep_audit_days=30)
    key = Opener("key file", Sensitive(base64.b64encode(bytes(32)).decode()))
    clock, back = ManualClock(datetime.now(UTC) + 2 * KEPT), tmp_path / "back"
    async with opened(settings, Outside(clock)) as world:
        for n in range(5):
            old = Attempt(clock.now() - 2 * KEPT, "me", "do", f"old {n}", allowed=True)
            await world.store.append_audit(old)
        await note_head(world)
        assert await archive_old(world) > 0
    await back_up(settings, tmp_path / "it.backup", key, Outside(clock))
    there = Settings(data_dir=back, database_url=None)
    await restore(there, tmp_path / "it.backup", key, Outside(clock))
    async with opened(there, Outside(clock)) as world, world.store.writing() as tx:
        assert (await tx.list_audit(limit=1))[0].number > 1
        await tx.prune_audit(before=((await tx.list_audit(limit=2))[1]).number)
    await back_up(there, tmp_path / "cut.backup", key, Outside(clock))
    nowhere = Settings(data_dir=tmp_path / "nowhere", database_url=None)
    with pytest.raises(OursError, match="are missing"):
        await restore(nowhere, tmp_path / "cut.backup", key, Outside(clock))
