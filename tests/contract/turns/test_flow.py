"""Many turns that come due at once flow at the rate that Okta allows, and no call is refused."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx2
from rig import ORG_URL, Rig
from turns import flow

from keyturn.adapters.okta import Governor
from keyturn.adapters.okta.answers import Call
from keyturn.adapters.okta.governor import Slot
from keyturn.domain.budget import ROOM, Purpose
from keyturn.domain.rotation import SecretsMapping
from keyturn.domain.turn import Phase, Turn
from keyturn.sandbox import AppDraft, build_app
from keyturn.services.orders import reinstate_old
from keyturn.services.ports import TurnStep
from keyturn.services.rotations import view
from keyturn.services.turns import rotate
from keyturn.testing import MemoryStore

WINDOW_S = 61


class Unbridled(Governor):
    """A governor that lets every call go."""

    @asynccontextmanager
    async def admitted(
        self, org: str, call: Call, purpose: Purpose, until: float
    ) -> AsyncIterator[Slot]:
        """Open the way."""
        yield Slot(scout=False)


async def test_sixty_turns_flow_at_the_allowed_rate() -> None:
    """They take as long as their calls do at the limit, and a tenth more at most."""
    told = await flow(MemoryStore(), 60)
    assert (told.calls, told.refused_429) == (300, 0)
    assert told.over_bound <= 1.1


async def test_without_the_governor_calls_are_refused() -> None:
    """The org does refuse, once somebody calls it as often as there are turns."""
    assert (await flow(MemoryStore(), 30, governor=Unbridled)).refused_429 > 0


async def use_up(rig: Rig, calls: int) -> None:
    """Let something else use so many of the fifty calls in a new window, and Keyturn one more."""
    rig.clock.advance(WINDOW_S)
    transport = httpx2.ASGITransport(build_app(rig.org))
    headers = {"authorization": f"SSWS {rig.org.seeded.api_token}"}
    async with httpx2.AsyncClient(transport=transport, headers=headers) as http:
        for _ in range(calls):
            await http.get(f"{ORG_URL}/api/v1/apps?limit=1")
    app = rig.org.create_app(AppDraft("another"))
    names = SecretsMapping("ANOTHER_ID", "ANOTHER_SECRET")
    await rig.rotation(name="another", parameter=app.id, mapping=names)


async def turn_of(rig: Rig, rotation_id: str) -> Turn:
    """Return the open or last turn."""
    turn = (await view(rig.world, rotation_id)).turn
    assert turn
    return turn


def refused(rig: Rig) -> int:
    """Count the calls that the org has refused for its rate limit."""
    return sum(entry.status == 429 for entry in rig.org.journal.entries())


async def test_a_turn_that_has_not_begun_waits(rig: Rig) -> None:
    """It is no failure: nothing is asked, nothing is told, and it goes on in the next window."""
    rotation = (await rig.rotation()).rotation
    await use_up(rig, 45)
    async with rig.world.store.writing() as tx:
        await tx.replace(replace(rotation, next_rotation_at=rig.clock.now()))
    rig.calls()
    await rig.tick()
    turn, seen = await turn_of(rig, rotation.id), await view(rig.world, rotation.id)
    assert (turn.phase, turn.attempts, seen.rotation.last_message) == (Phase.PLANNED, 0, None)
    async with rig.world.store.reading() as tx:
        (step,) = await tx.list(TurnStep, turn_id=turn.id)
    assert (step.step, step.detail, rig.calls()) == ("wait", ROOM, [])
    assert turn.wake_at
    assert (turn.wake_at - rig.clock.now()).total_seconds() == WINDOW_S
    assert (await rig.run(rotation.id)).phase is Phase.FINISHED
    assert refused(rig) == 0


async def test_a_turn_under_way_waits_for_the_window(rig: Rig) -> None:
    """A call for which there is no room is made in the next window, and that is no failure."""
    rotation = (await rig.rotation()).rotation
    await rotate(rig.world, rig.admin, rotation.id)
    rig.clock.advance(300)
    await use_up(rig, 45)
    await rig.tick()
    held = await turn_of(rig, rotation.id)
    assert (held.phase, held.attempts) == (Phase.OVERLAPPING, 0)
    assert held.wake_at
    assert (held.wake_at - rig.clock.now()).total_seconds() == WINDOW_S
    rig.clock.advance(WINDOW_S)
    await rig.tick()
    assert (await turn_of(rig, rotation.id)).phase is Phase.SOAKING
    assert refused(rig) == 0


async def test_a_window_without_room_reinstates(rig: Rig) -> None:
    """The calls that are kept are enough to look and to activate the old secret."""
    rotation = (await rig.rotation()).rotation
    await rotate(rig.world, rig.admin, rotation.id)
    rig.clock.advance(300)
    await rig.tick()
    assert (await turn_of(rig, rotation.id)).phase is Phase.SOAKING
    await use_up(rig, 47)
    await reinstate_old(rig.world, rig.admin, rotation.id)
    await rig.tick()
    assert (await turn_of(rig, rotation.id)).phase is Phase.OVERLAPPING
    assert [secret["status"] for secret in rig.living()] == ["ACTIVE", "ACTIVE"]
    assert refused(rig) == 0
