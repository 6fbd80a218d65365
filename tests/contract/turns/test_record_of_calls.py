"""What is on the record of a turn: calls and when they were made, who decided what, and why."""

from datetime import timedelta

import pytest
from rig import SECRETS, START, Rig

from keyturn.domain.errors import TurnFailed
from keyturn.domain.steps import Wait
from keyturn.domain.turn import Phase, Turn
from keyturn.sandbox import Fault
from keyturn.services.consent import adopt_existing
from keyturn.services.logbook import Logbook
from keyturn.services.orders import abort_turn
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


async def steps_of(rig: Rig, rotation_id: str) -> list[list[tuple[str, str]]]:
    """Return what is on record of each turn of a rotation, by what was done and how it went."""
    async with rig.world.store.reading() as tx:
        turns = await tx.list(Turn, rotation_id=rotation_id)
        every = [await tx.list(TurnStep, turn_id=turn.id) for turn in turns]
    return [[(step.step, step.detail) for step in steps] for steps in every]


@pytest.mark.parametrize("what", ["turn", "emergency"])
async def test_who_started_a_turn_is_on_its_record(rig: Rig, what: str) -> None:
    """The first line of a turn that somebody asked for says so, and who it was."""
    rotation_id = (await rig.rotation()).rotation.id
    await rotate(rig.world, rig.admin, rotation_id, emergency=what == "emergency")
    (*_, steps) = await steps_of(rig, rotation_id)
    assert steps[0] == (what, "By administrator.")


async def test_who_consented_is_on_record_and_why_a_turn_was_given_up(rig: Rig) -> None:
    """The turn that made room says why it ended, the one that came of it who had wanted it."""
    rotation_id = (await rig.rotation()).rotation.id
    foreign = rig.org.create_secret(rig.app_id)
    with pytest.raises(TurnFailed, match="Foreign"):
        await rotate(rig.world, rig.admin, rotation_id)
    await adopt_existing(rig.world, rig.admin, rotation_id, secret_id=foreign.id, value=None)
    *_, given_up, adopting = await steps_of(rig, rotation_id)
    why = "Its owner has decided about the secret that blocked it."
    assert given_up[-1] == ("give up", why)
    assert adopting[0] == ("consent", f"To adopt {foreign.id}. By administrator.")


async def test_every_call_that_may_have_changed_something_is_on_record(rig: Rig) -> None:
    """The same failure is told once, but each POST that was sent stands there."""
    rotation_id = (await rig.rotation()).rotation.id
    rig.org.add_fault(Fault("drop-before-effect", "POST", SECRETS, count=3))
    with pytest.raises(TurnFailed):
        await rotate(rig.world, rig.admin, rotation_id)
    await rig.run(rotation_id)
    (*_, steps) = await steps_of(rig, rotation_id)
    assert steps.count(("add a client secret", "HTTP 0")) == 3
    assert len([told for told, _ in steps if told == "failed"]) == 1


async def test_a_turn_that_was_taken_back_leaves_the_schedule_alone(rig: Rig) -> None:
    """An abort is no failure: the rotation is due when it was, and counts none."""
    before = (await rig.rotation()).rotation
    rig.org.change_settings(propagation_s=3600)
    with pytest.raises(TurnFailed):
        await rotate(rig.world, rig.admin, before.id)
    await abort_turn(rig.world, rig.admin, before.id)
    assert (await rig.run(before.id)).phase is Phase.ROLLED_BACK
    after = (await view(rig.world, before.id)).rotation
    assert after.next_rotation_at == before.next_rotation_at
    assert after.failures == before.failures
