"""Who stands still in the middle of a repair does not activate what may have been retired since."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import replace

import pytest
from rig import Rig

from keyturn.domain.audit import Attempt
from keyturn.domain.drift import Kind
from keyturn.domain.errors import Refused
from keyturn.services.drift import compare_now, list_findings, repair_finding
from keyturn.services.ports import Reading, Recorded, Store, Writing
from keyturn.services.rotations import view
from keyturn.services.turns import rotate
from keyturn.testing import ManualClock


class StandingStill:
    """A store whose process stands still once the intent to activate something is durable."""

    def __init__(self, store: Store, clock: ManualClock, for_s: float) -> None:
        self._store = store
        self._clock = clock
        self._for_s = for_s

    def reading(self) -> AbstractAsyncContextManager[Reading]:
        """Open a snapshot."""
        return self._store.reading()

    async def append_audit(self, attempt: Attempt) -> Recorded:
        """Append one audit entry."""
        return await self._store.append_audit(attempt)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Writing]:
        """Open a transaction."""
        async with self._store.writing() as tx:
            known = len(await tx.list_audit())
            yield tx
            told = [entry.attempt.verb for entry in await tx.list_audit(after=known)]
        if any(verb.startswith("activate") for verb in told):
            self._clock.advance(self._for_s)


@pytest.mark.parametrize(("for_s", "status"), [(30, "ACTIVE"), (90, "INACTIVE")])
async def test_a_repair_that_comes_late_is_not_made(rig: Rig, for_s: float, status: str) -> None:
    """What was served a lease ago may be retired by now: it is left as it is."""
    await rig.rotation()
    await rig.live(86_400)
    served = rig.living()[0]["id"]
    rig.org.create_secret(rig.app_id)
    rig.org.deactivate_secret(rig.app_id, served)
    await rig.live(86_400)
    told = await list_findings(rig.world, rig.admin, project="example")
    finding = next(f.finding for f in told if f.finding.kind is Kind.SECRET_DEACTIVATED)
    still = StandingStill(rig.world.store, rig.clock, for_s)
    with suppress(Refused):
        await repair_finding(replace(rig.world, store=still), rig.admin, finding.id)
    assert rig.living()[0]["status"] == status


async def test_repair_that_is_not_made_holds_no_turn(rig: Rig) -> None:
    """The turn that was kept from workers for it comes due when it would have."""
    rotation_id = (await rig.rotation()).rotation.id
    await rotate(rig.world, rig.admin, rotation_id)
    before = (await view(rig.world, rotation_id)).turn
    assert before
    assert before.new
    assert before.running
    rig.org.deactivate_secret(rig.app_id, str(before.new.okta_id))
    await compare_now(rig.world, rig.admin, rig.connection.id)
    (found,) = await list_findings(rig.world, rig.admin, project="example")
    still = StandingStill(rig.world.store, rig.clock, 90)
    with pytest.raises(Refused, match="Too long ago"):
        await repair_finding(replace(rig.world, store=still), rig.admin, found.finding.id)
    assert (await view(rig.world, rotation_id)).turn == before
