"""What every store keeps for whoever runs turns: due ones, claims and the fence; and the audit."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from storage_kit import NOW, ROTATION, TURN, add_all, found

from keyturn.domain.audit import Attempt, verify_chain
from keyturn.domain.errors import Fenced
from keyturn.domain.ids import RotationId, TurnId
from keyturn.domain.rotation import Rotation
from keyturn.domain.turn import Phase, Turn
from keyturn.services.ports import Store

LEASE = timedelta(seconds=60)
SECOND = timedelta(seconds=1)


def turn(name: str, wake_at: datetime | None) -> tuple[Rotation, Turn]:
    """Return a turn that wakes then, with a rotation of its own."""
    rotation = replace(ROTATION, id=RotationId(f"r-{name}"), name=name)
    asleep = replace(TURN, id=TurnId(name), rotation_id=rotation.id, wake_at=wake_at, blocked=None)
    return rotation, replace(asleep, phase=Phase.PLANNED)


@pytest.fixture
async def due(store: Store) -> Store:
    """A store with turns b, c and a due in this order, one due later and one asleep."""
    turns = {"c": NOW - SECOND, "a": NOW, "b": NOW - 2 * SECOND, "later": NOW + SECOND, "z": None}
    await add_all(store)
    for name, wake_at in turns.items():
        await add_all(store, *turn(name, wake_at))
    return store


async def claim(store: Store, now: datetime, *, owner: str = "me", limit: int = 9) -> list[Turn]:
    """Claim in a transaction of its own."""
    async with store.writing() as writing:
        return list(await writing.claim_due(now, owner=owner, lease=LEASE, limit=limit))


async def test_due_turns_are_claimed_oldest_first(due: Store) -> None:
    """A claim takes the longest due, as many as asked for, and leaves the rest to the next."""
    assert [each.id for each in await claim(due, NOW, limit=2)] == ["b", "c"]
    assert [each.id for each in await claim(due, NOW, limit=2)] == ["a"]
    assert await claim(due, NOW) == []


async def test_a_claim_names_its_owner_and_raises_the_fence(due: Store) -> None:
    """A claimed turn is stored as it is returned: owner, next epoch, due at the lease's end."""
    [claimed] = await claim(due, NOW, owner="worker", limit=1)
    before = turn("b", NOW - 2 * SECOND)[1]
    assert claimed == replace(before, owner="worker", epoch=1, wake_at=NOW + LEASE)
    assert await found(due, Turn, id="b") == claimed


async def test_a_turn_comes_due_again_when_its_lease_ends(due: Store) -> None:
    """Where an owner died, the next claim after the lease takes the turn over."""
    await claim(due, NOW)
    again = await claim(due, NOW + LEASE, owner="other")
    assert {each.id: each.epoch for each in again} == {"a": 2, "b": 2, "c": 2, "later": 1}


async def test_whoever_was_overtaken_writes_nothing(due: Store) -> None:
    """A worker whose turn was claimed since is fenced out, with all of its transaction."""
    [mine] = await claim(due, NOW, limit=1)
    await claim(due, NOW + LEASE, owner="other")

    async def write() -> None:
        async with due.writing() as writing:
            await writing.replace(replace(ROTATION, name="written by the overtaken"))
            await writing.replace(replace(mine, phase=Phase.WRITTEN))

    with pytest.raises(Fenced):
        await write()
    assert await found(due, Rotation, id=ROTATION.id) == ROTATION
    assert await found(due, Turn, id=mine.id, phase=Phase.WRITTEN) is None


async def test_whoever_holds_the_turn_writes_again_and_again(due: Store) -> None:
    """A turn is replaced under the epoch of its claim as often as its owner likes."""
    [mine] = await claim(due, NOW, limit=1)
    for phase in (Phase.WRITTEN, Phase.ISSUED):
        async with due.writing() as writing:
            await writing.replace(replace(mine, phase=phase))
    assert await found(due, Turn, id=mine.id, phase=Phase.ISSUED, epoch=1)


async def test_due_rotations_are_listed_oldest_first(store: Store) -> None:
    """Rotations whose time has come are listed by it; those without a time never are."""
    await add_all(store)
    for name, seconds in (("late", -1), ("now", 0), ("older", -5), ("tomorrow", 1)):
        at = NOW + seconds * SECOND
        id_ = RotationId(name)
        await add_all(store, replace(ROTATION, id=id_, name=name, next_rotation_at=at))
    async with store.reading() as reading:
        listed = await reading.list_due_rotations(NOW, limit=9)
        first = await reading.list_due_rotations(NOW, limit=1)
    assert [each.id for each in listed] == ["older", "late", "now"]
    assert list(first) == list(listed[:1])


def attempt(number: int) -> Attempt:
    """Return an attempt like no other."""
    return Attempt(NOW, "somebody", "secrets:read", f"secret {number} é", allowed=number % 2 == 0)


async def test_the_audit_log_is_a_chain(store: Store) -> None:
    """Entries of several transactions follow from each other and are listed by number."""
    entries = []
    for first in (1, 3):
        async with store.writing() as writing:
            entries += [await writing.append_audit(attempt(first + more)) for more in (0, 1)]
    async with store.reading() as reading:
        listed = await reading.list_audit()
        assert listed == entries
        assert await reading.list_audit(after=2) == entries[2:]
        assert await reading.list_audit(after=1, limit=1) == listed[1:2]
    verify_chain(listed)
    assert [each.attempt for each in listed] == [attempt(number) for number in (1, 2, 3, 4)]


async def test_an_undone_audit_entry_leaves_no_gap(store: Store) -> None:
    """The next entry takes the place of one whose transaction was undone."""

    async def fail() -> None:
        async with store.writing() as writing:
            await writing.append_audit(attempt(1))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with store.writing() as writing:
        assert (await writing.append_audit(attempt(2))).number == 1
