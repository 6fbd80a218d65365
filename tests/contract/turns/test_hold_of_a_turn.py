"""How long a worker holds a turn: every write renews the lease, and only its own hold ends."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from rig import SECRETS, Rig

from keyturn.domain.errors import Fenced
from keyturn.domain.turn import Act, Phase, Turn
from keyturn.sandbox import Fault
from keyturn.services.duties import Claim, claim_due
from keyturn.services.logbook import Logbook
from keyturn.services.orders import pause_turn
from keyturn.services.ports import Reading, Store, Writing
from keyturn.services.rotations import view
from keyturn.services.turns import claimed, rotate

Write = Callable[[Logbook], Awaitable[object]]
Take = Callable[[Rig], Awaitable[Turn]]


async def overlapping(rig: Rig) -> str:
    """Turn a new rotation; return its id once its overlap is over."""
    rotation_id = (await rig.rotation()).rotation.id
    await rotate(rig.world, rig.admin, rotation_id)
    rig.clock.advance(300)
    return rotation_id


async def turn_of(rig: Rig, rotation_id: str) -> Turn:
    """Return the turn as it is stored."""
    turn = (await view(rig.world, rotation_id)).turn
    assert turn
    return turn


async def claim(rig: Rig) -> list[Claim]:
    """Claim what is due as the one worker there is."""
    return list(await claim_due(rig.world, owner="test", limit=10))


async def seen(_tx: Reading) -> None:
    """Look at nothing."""


@pytest.mark.parametrize(
    "write",
    [
        lambda book: book.note(replace(book.turn, reinstated=1)),
        lambda book: book.move(book.turn, Act.RETIRE),
        lambda book: book.intend(book.turn, "deactivate the old client secret", "ocs1", seen),
        lambda book: book.renew(),
    ],
    ids=["note", "move", "intent", "renewal"],
)
async def test_what_is_written_down_renews_the_lease(rig: Rig, write: Write) -> None:
    """Nobody else may take the turn for as long as its worker believes that it may change Okta."""
    await overlapping(rig)
    (held,) = await claim(rig)
    book = Logbook(rig.world, held.turn, held.held_since_s)
    rig.clock.advance(39)
    await write(book)
    rig.clock.advance(40)
    book.refuse_late()
    assert await claim(rig) == []
    rig.clock.advance(20)
    with pytest.raises(Fenced):
        book.refuse_late()
    assert [each.turn.id for each in await claim(rig)] == [held.turn.id]


async def of_worker(rig: Rig) -> Turn:
    """Have the same worker claim the turn again."""
    return (await claim(rig))[0].turn


async def of_request(rig: Rig) -> Turn:
    """Have a request take the turn up, which it does without a new epoch."""
    async with rig.world.store.writing() as tx:
        (turn,) = await tx.list(Turn)
        await tx.replace(held := claimed(rig.world, turn))
    return held


@pytest.mark.parametrize("take", [of_worker, of_request])
async def test_worker_gives_back_no_hold_but_its_own(rig: Rig, take: Take) -> None:
    """Its lease has run out over a slow answer, and the turn is held anew."""
    rotation_id = await overlapping(rig)
    again: list[Turn] = []

    async def slow(_seconds: float) -> None:
        rig.clock.advance(61)
        again.append(await take(rig))

    rig.org.sleep = slow
    rig.org.add_fault(Fault("delay", "GET", SECRETS, seconds=61, count=1))
    await rig.tick()
    assert [await turn_of(rig, rotation_id)] == again
    assert (await rig.advance(again[0], rig.clock.uptime_s())).phase is Phase.SOAKING


async def test_turn_that_was_paused_under_its_worker_is_due_to_nobody(rig: Rig) -> None:
    """The worker that finds it so gives it back, and wakes it not."""
    rotation_id = await overlapping(rig)
    (held,) = await claim(rig)
    await pause_turn(rig.world, rig.admin, rotation_id)
    await rig.advance(held.turn, held.held_since_s)
    left = await turn_of(rig, rotation_id)
    assert (left.owner, left.wake_at) == (None, None)


@dataclass
class Slow:
    """A store whose commits are durable half a minute before that is known."""

    rig: Rig
    store: Store

    def reading(self) -> AbstractAsyncContextManager[Reading]:
        """Look as ever."""
        return self.store.reading()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Writing]:
        """Write, and wait for the answer."""
        async with self.store.writing() as tx:
            yield tx
        self.rig.clock.advance(30)


async def test_lease_counts_from_before_the_write_that_renewed_it(rig: Rig) -> None:
    """Others see when it ends, however late its worker hears that it was written."""
    await overlapping(rig)
    (held,) = await claim(rig)
    slow: Any = Slow(rig, rig.world.store)  # a store in miniature
    world = replace(rig.world, store=slow)
    book = Logbook(world, held.turn, held.held_since_s)
    await book.note(held.turn)
    rig.clock.advance(10)
    book.refuse_late()
    rig.clock.advance(1)
    with pytest.raises(Fenced):
        book.refuse_late()
