"""When the calls of a turn were made, on its record."""

from datetime import timedelta

from rig import START, Rig

from keyturn.domain.steps import Wait
from keyturn.services.logbook import Logbook
from keyturn.services.ports import OktaCall, TurnStep
from keyturn.services.rotations import view
from keyturn.services.turns import rotate


async def test_calls_are_dated_when_they_ended(rig: Rig) -> None:
    """A call is not dated by the commit that came some time after it."""
    rotation_id = (await rig.rotation()).rotation.id
    await rotate(rig.world, rig.admin, rotation_id)
    turn = (await view(rig.world, rotation_id)).turn
    assert turn
    book = Logbook(rig.world, turn, held_since_s=rig.clock.uptime_s())
    for request_id in ("req1", "req2"):
        rig.clock.advance(7)
        book.hear(OktaCall("list the client secrets", 200, request_id))
    rig.clock.advance(7)
    await book.stop(Wait(START + timedelta(hours=1), "something"))
    async with rig.world.store.reading() as tx:
        steps = (await tx.list(TurnStep, turn_id=turn.id))[-3:]
    assert [step.request_id for step in steps] == ["req1", "req2", ""]
    assert [(step.at - START).total_seconds() for step in steps] == [7, 14, 21]
    assert [step.number for step in steps] == list(range(steps[0].number, steps[0].number + 3))
