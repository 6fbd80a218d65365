"""What reads leave behind, and what their absence means for the old secret."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace

from rig import Rig

from keyturn.domain.audit import Attempt
from keyturn.domain.evidence import Cause, Shut
from keyturn.domain.secret import Receipt
from keyturn.domain.turn import Opened, Overlap, Phase
from keyturn.services.generated_credentials import read_generated_credentials
from keyturn.services.policies import PolicyChange
from keyturn.services.ports import Reading, Recorded, Writing
from keyturn.services.reports import list_turns
from keyturn.services.turns import rotate

BY_EVIDENCE = PolicyChange(overlap=Overlap.EVIDENCE, backstop_s=86_400)


class FreezingOnce:
    """A store whose process stands still for ten minutes once a read is noted."""

    def __init__(self, rig: Rig) -> None:
        self._store, self._rig, self._written = rig.world.store, rig, 0

    def reading(self) -> AbstractAsyncContextManager[Reading]:
        """Open a snapshot."""
        return self._store.reading()

    async def append_audit(self, attempt: Attempt) -> Recorded:
        """Append one audit entry."""
        return await self._store.append_audit(attempt)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Writing]:
        """Open a transaction; the first is the receipt."""
        async with self._store.writing() as tx:
            yield tx
        self._written += 1
        if self._written == 1:
            self._rig.clock.advance(600)


async def turned(rig: Rig, policy: PolicyChange = BY_EVIDENCE) -> str:
    """Create a rotation, turn it, and let the shortest overlap pass."""
    rotation_id = (await rig.rotation(policy=policy)).rotation.id
    await rotate(rig.world, rig.admin, rotation_id)
    await rig.live(301)
    return rotation_id


async def receipts(rig: Rig) -> list[tuple[int, int, int]]:
    """Return of each receipt what was given first, what is held at least, what was given last."""
    async with rig.world.store.reading() as tx:
        return [(r.first, r.version, r.given) for r in await tx.list(Receipt)]


async def test_consumer_that_never_read_here_is_not_cut_off(rig: Rig) -> None:
    """It goes on with the adopted secret until the backstop, and the gate says why."""
    adopted = rig.org.read_app(rig.app_id).live_secrets[0].value
    rotation_id = await turned(rig)
    told = (await list_turns(rig.world, rig.admin, rotation_id))[0]
    assert isinstance(told.gate, Shut)
    assert [waiting.cause for waiting in told.gate.waiting] == [Cause.UNREAD]
    await rig.live(80_000)
    assert await rig.authenticate(adopted) != 401
    turn = await rig.run(rotation_id)
    assert (turn.phase, turn.opened) == (Phase.FINISHED, Opened.BACKSTOP)


async def test_reader_of_the_new_version_alone_proves_nothing_of_the_old(rig: Rig) -> None:
    """Who came later says nothing of who was there before."""
    rotation_id = (await rig.rotation(policy=BY_EVIDENCE)).rotation.id
    await rotate(rig.world, rig.admin, rotation_id)
    for _ in range(3):
        rig.clock.advance(60)
        await rig.served_hash()
    await rig.live(600)
    (told,) = await list_turns(rig.world, rig.admin, rotation_id)
    assert told.turn.phase is Phase.OVERLAPPING


async def test_one_read_that_stood_still_is_no_second_one(rig: Rig) -> None:
    """A process that looked again for the same reader may have lost both answers in one."""
    rotation_id = (await rig.rotation(policy=BY_EVIDENCE)).rotation.id
    await rig.served_hash()
    await rotate(rig.world, rig.admin, rotation_id)
    healthy = rig.world
    rig.world = replace(healthy, store=FreezingOnce(rig))
    await rig.served_hash()
    rig.world = healthy
    assert await receipts(rig) == [(1, 1, 2)]
    await rig.served_hash()
    assert await receipts(rig) == [(1, 2, 2)]


async def test_quiet_log_stands_in_for_readers(rig: Rig) -> None:
    """Where Okta's log is read, its silence from the overlap on is evidence."""
    rotation_id = await turned(rig, replace(BY_EVIDENCE, log=True, quiet_s=3600))
    await rig.live(3600)
    assert (await list_turns(rig.world, rig.admin, rotation_id))[0].turn.phase is Phase.SOAKING


async def test_who_is_shown_every_working_pair_holds_it(rig: Rig) -> None:
    """Generated credentials are read too: the version in hand keeps the old secret alive."""
    rotation_id = (await rig.rotation(policy=BY_EVIDENCE)).rotation.id
    await read_generated_credentials(rig.world, rig.admin, rotation_id)
    assert await receipts(rig) == [(1, 1, 1)]
    await rotate(rig.world, rig.admin, rotation_id)
    await rig.live(600)
    (told,) = await list_turns(rig.world, rig.admin, rotation_id)
    assert isinstance(told.gate, Shut)
    assert [waiting.cause for waiting in told.gate.waiting] == [Cause.READER]
    await read_generated_credentials(rig.world, rig.admin, rotation_id)
    assert await receipts(rig) == [(1, 1, 2)]
