"""What a store promises of audit entries that stand alone, and of revisions of what is served."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import event
from storage_kit import (
    FINDING,
    IDENTITY,
    LATER,
    NOW,
    ORGANIZATION,
    RECORDS,
    ROTATION,
    SECRET,
    TOKEN,
    TURN,
    VERSION,
    add_all,
)

from keyturn.adapters.storage import SqliteStore
from keyturn.domain.audit import Attempt, AuditFilter, verify_chain
from keyturn.domain.errors import DatabaseAway
from keyturn.services.ports import LISTED, SERVED, STANDING, Store


def attempt(number: int) -> Attempt:
    """Return an attempt like no other."""
    return Attempt(NOW, "somebody", "secrets:read", f"secret {number}", allowed=True)


async def revision_of(store: Store) -> int:
    """Return the revision that a snapshot sees, which is also what the store tells."""
    async with store.reading() as tx:
        seen = await tx.revision()
    assert seen == await store.revision()
    return seen


async def test_entries_that_are_asked_for_together_are_one_chain(store: Store) -> None:
    """Each caller is told its own entry, and together they are the chain that is stored."""
    told = await asyncio.gather(*(store.append_audit(attempt(number)) for number in range(40)))
    assert [each.entry.attempt for each in told] == [attempt(number) for number in range(40)]
    async with store.reading() as tx:
        listed = await tx.list_audit()
    verify_chain(listed)
    assert listed == [each.entry for each in told]


async def test_entries_and_transactions_take_turns(store: Store) -> None:
    """The chain holds where entries come from transactions and alone, all at once."""

    async def in_a_transaction(number: int) -> None:
        async with store.writing() as tx:
            await asyncio.sleep(0)
            await tx.append_audit(attempt(number))

    alone = [store.append_audit(attempt(number)) for number in range(20)]
    await asyncio.gather(*alone, *(in_a_transaction(number) for number in range(20, 40)))
    async with store.reading() as tx:
        listed = await tx.list_audit()
    verify_chain(listed)
    assert len(listed) == 40


async def test_who_asks_together_shares_a_commit(sqlite: SqliteStore) -> None:
    """A thousand entries cost a few transactions, not a thousand."""
    commits: list[object] = []
    event.listen(sqlite.pen, "commit", commits.append)
    await asyncio.gather(*(sqlite.append_audit(attempt(number)) for number in range(1000)))
    assert len(commits) <= 4


async def test_who_gives_up_waiting_leaves_an_entry(sqlite: SqliteStore) -> None:
    """A caller that is cancelled takes nobody along, and what it attempted is on record."""
    tasks = [asyncio.create_task(sqlite.append_audit(attempt(number))) for number in range(3)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert tasks[0].cancelled()
    assert [(await task).entry.number for task in tasks[1:]] == [2, 3]


async def test_a_database_that_fails_is_told_to_everybody_who_waits(sqlite: SqliteStore) -> None:
    """Nobody is left waiting for a commit that failed, and the next one works."""
    async with sqlite.writing() as tx:
        failing = [asyncio.create_task(sqlite.append_audit(attempt(n))) for n in range(3)]
        await asyncio.sleep(0.05)
        sqlite.pen.dispose()
        event.listen(sqlite.pen, "begin", fail := _failing())
        await tx.revision()
    results = await asyncio.gather(*failing, return_exceptions=True)
    assert [type(each) for each in results] == [DatabaseAway] * 3
    event.remove(sqlite.pen, "begin", fail)
    assert (await sqlite.append_audit(attempt(4))).entry.number == 1


def _failing() -> object:
    def fail(connection: object) -> None:
        connection.exec_driver_sql("SELECT * FROM a_table_that_is_not_there")  # type: ignore[attr-defined]

    return fail


async def test_who_asks_together_shares_a_look(sqlite: SqliteStore) -> None:
    """A thousand who ask how far the store has come cost a few looks, not a thousand."""
    looks: list[object] = []
    event.listen(sqlite.lens, "begin", looks.append)
    assert await asyncio.gather(*(sqlite.revision() for _ in range(1000))) == [0] * 1000
    assert len(looks) <= 2


async def test_a_look_sees_what_was_there_when_it_was_asked_for(sqlite: SqliteStore) -> None:
    """Whoever asks while another's look is under way is told of what was written since."""
    looking = asyncio.create_task(sqlite.revision())
    await asyncio.sleep(0)
    await add_all(sqlite)
    assert await sqlite.revision() == 1
    assert await looking in {0, 1}


async def test_a_look_holds_until_somebody_may_change_something(sqlite: SqliteStore) -> None:
    """Of a file that is ours alone it is known what is in it; never while somebody writes."""
    looks: list[object] = []
    event.listen(sqlite.lens, "begin", looks.append)
    looking = asyncio.create_task(sqlite.revision())
    await asyncio.sleep(0)
    async with sqlite.writing() as tx:
        assert await looking == 0
        assert [await sqlite.revision() for _ in range(2)] == [0, 0]
        await tx.add(ORGANIZATION)
    assert len(looks) == 3
    assert [await sqlite.revision() for _ in range(3)] == [1, 1, 1]
    await sqlite.append_audit(attempt(1))
    assert await sqlite.revision() == 1
    assert len(looks) == 4


async def test_who_gives_up_a_look_takes_nobody_along(sqlite: SqliteStore) -> None:
    """A caller that is cancelled leaves the look to the others."""
    tasks = [asyncio.create_task(sqlite.revision()) for _ in range(3)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    assert await asyncio.gather(*tasks[1:]) == [0, 0]
    assert tasks[0].cancelled()


async def test_a_look_that_fails_is_told_to_everybody(sqlite: SqliteStore) -> None:
    """A database that is away is no revision, and the next look works."""
    event.listen(sqlite.lens, "begin", fail := _failing())
    results = await asyncio.gather(*(sqlite.revision() for _ in range(3)), return_exceptions=True)
    assert [type(each) for each in results] == [DatabaseAway] * 3
    event.remove(sqlite.lens, "begin", fail)
    assert await sqlite.revision() == 0


@pytest.mark.parametrize(
    "wanted",
    [
        AuditFilter(actor="somebody"),
        AuditFilter(actor="nobody"),
        AuditFilter(verb="secrets:read", subject="SECRET 1"),
        AuditFilter(subject="%"),
        AuditFilter(subject="_"),
        AuditFilter(allowed=True),
        AuditFilter(since=NOW, until=LATER),
        AuditFilter(until=NOW),
    ],
)
async def test_entries_are_chosen_as_the_domain_does(store: Store, wanted: AuditFilter) -> None:
    """Every store finds the entries that the filter says fit, page by page."""
    entries = [(await store.append_audit(attempt(number))).entry for number in range(9, 12)]
    odd = replace(attempt(0), actor="other", subject="100%_", allowed=False, at=LATER)
    entries.append((await store.append_audit(odd)).entry)
    fit = [entry for entry in entries if wanted.fits(entry.attempt)]
    async with store.reading() as tx:
        assert await tx.list_audit(wanted=wanted) == fit
        assert (
            await tx.list_audit(wanted=wanted, after=2, limit=1)
            == [entry for entry in fit if entry.number > 2][:1]
        )
        newest = [*reversed(fit)]
        assert await tx.list_newest_audit(wanted=wanted, limit=9) == newest
        assert (
            await tx.list_newest_audit(wanted=wanted, before=4, limit=1)
            == [entry for entry in newest if entry.number < 4][:1]
        )
        assert await tx.latest_audit() == entries[-1]


async def test_what_readers_are_given_has_a_revision(store: Store) -> None:
    """It is 0 in an empty store and goes up by one with each transaction that changes it."""
    assert await revision_of(store) == 0
    await add_all(store)
    assert await revision_of(store) == 1
    for number, record in enumerate((ORGANIZATION, IDENTITY, TOKEN, SECRET, VERSION), 2):
        async with store.writing() as tx:
            await tx.replace(record)
        assert await revision_of(store) == number
    async with store.writing() as tx:
        await tx.remove(TOKEN)
        await tx.append_audit(attempt(1))
    assert (await store.append_audit(attempt(2))).revision == 7


async def test_other_changes_make_no_revision(store: Store) -> None:
    """What no reader's answer depends on leaves it alone, and so does a token that is issued."""
    await add_all(store)
    async with store.writing() as tx:
        await tx.add(replace(TOKEN, id="other", hash=b"other"))
        await tx.replace(
            TURN, *(each for each in RECORDS if type(each) not in SERVED | {type(TURN)})
        )
    assert await revision_of(store) == 1


async def test_an_undone_change_makes_no_revision(store: Store) -> None:
    """A transaction that fails leaves the revision as it was."""
    await add_all(store)

    async def fail() -> None:
        async with store.writing() as tx:
            await tx.remove(TOKEN)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await revision_of(store) == 1


async def test_a_snapshot_keeps_its_revision(store: Store) -> None:
    """What a snapshot sees, and the revision it tells, belong together."""
    await add_all(store)
    async with store.reading() as tx:
        assert await tx.revision() == 1
        async with store.writing() as other:
            await other.remove(TOKEN)
        assert await tx.revision() == 1
    assert await revision_of(store) == 2


async def standing_of(store: Store) -> int:
    """Return how often how rotations stand has changed."""
    async with store.reading() as tx:
        return await tx.standing()


async def test_how_rotations_stand_is_counted_beside_what_is_served(store: Store) -> None:
    """Each transaction that changes it counts once, whether or not it changes what is served."""
    assert await standing_of(store) == 0
    await add_all(store)
    for number, record in enumerate((ROTATION, TURN, FINDING), 2):
        async with store.writing() as tx:
            await tx.replace(record)
        assert (await standing_of(store), await revision_of(store)) == (number, 1)
    async with store.writing() as tx:
        await tx.replace(TURN, SECRET)
        assert await tx.standing() == 4
    assert (await standing_of(store), await revision_of(store)) == (5, 2)
    async with store.writing() as tx:
        await tx.remove(FINDING)
    assert await standing_of(store) == 6


async def test_what_is_known_of_apps_is_counted_by_itself(store: Store) -> None:
    """Each kind that it is told by counts, and turns that go on do not."""
    await add_all(store)
    async with store.reading() as tx:
        before = await tx.listed()
    known = [each for each in RECORDS if type(each) in LISTED]
    assert {type(each) for each in known} == LISTED
    for record in (*known, TURN, FINDING):
        async with store.writing() as tx:
            await tx.replace(record)
    async with store.reading() as tx:
        assert await tx.listed() == before + len(known)


async def test_other_changes_leave_it_that_nothing_has_moved(store: Store) -> None:
    """Neither a record of another kind counts, nor an audit entry, nor what is undone."""
    await add_all(store)
    async with store.writing() as tx:
        await tx.replace(*(each for each in RECORDS if type(each) not in STANDING))
        await tx.append_audit(attempt(1))

    async def fail() -> None:
        async with store.writing() as tx:
            await tx.replace(TURN)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await standing_of(store) == 1
