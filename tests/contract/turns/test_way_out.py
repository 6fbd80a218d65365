"""Some order leads out of every block while Okta holds a working secret of ours."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace

import pytest
from rig import Rig

from keyturn.domain.errors import KeyturnError
from keyturn.domain.turn import LOST, Phase, Reason, Turn, blocked
from keyturn.services.drift import list_findings, repair_finding
from keyturn.services.orders import (
    abort_turn,
    finish_now,
    pause_turn,
    reinstate_old,
    resume_turn,
)
from keyturn.services.rotations import view
from keyturn.services.turns import rotate

Order = Callable[[Rig, str], Awaitable[object]]


async def repair(rig: Rig, rotation_id: str) -> None:
    """Mend by hand what a comparison finds."""
    await rig.live(86_400)
    for one in await list_findings(rig.world, rig.admin, project="example"):
        await repair_finding(rig.world, rig.admin, one.finding.id)


ORDERS: dict[str, Order] = {
    "resume": lambda rig, at: resume_turn(rig.world, rig.admin, at),
    "abort": lambda rig, at: abort_turn(rig.world, rig.admin, at),
    "reinstate": lambda rig, at: reinstate_old(rig.world, rig.admin, at),
    "finish now": lambda rig, at: finish_now(rig.world, rig.admin, at),
    "turn": lambda rig, at: rotate(rig.world, rig.admin, at),
    "repair": repair,
}


async def open_turn(rig: Rig, rotation_id: str) -> Turn:
    """Return the newest turn."""
    turn = (await view(rig.world, rotation_id)).turn
    assert turn
    return turn


async def reach(rig: Rig, phase: Phase) -> str:
    """Turn until the phase is reached, and let it stand still there."""
    rotation_id = (await rig.rotation()).rotation.id
    if phase is Phase.ISSUED:
        rig.org.change_settings(propagation_s=5)
    with suppress(KeyturnError):
        await rotate(rig.world, rig.admin, rotation_id)
    if phase is Phase.SOAKING:
        rig.clock.advance(300)
        await rig.tick()
    assert (await open_turn(rig, rotation_id)).phase is phase
    await pause_turn(rig.world, rig.admin, rotation_id)
    rig.clock.advance(10)
    return rotation_id


def befall(rig: Rig, turn: Turn, fate: str) -> None:
    """Do to the new secret what an administrator may do, who helps readers with the old one."""
    assert turn.old
    assert turn.new
    if fate == "kept":
        return
    rig.org.activate_secret(rig.app_id, str(turn.old.okta_id))
    rig.org.deactivate_secret(rig.app_id, str(turn.new.okta_id))
    if fate == "deleted":
        rig.org.delete_secret(rig.app_id, str(turn.new.okta_id))


async def block(rig: Rig, rotation_id: str, reason: Reason) -> None:
    """Block the paused turn for a reason."""
    turn = replace(await open_turn(rig, rotation_id), paused_at=None)
    async with rig.world.store.writing() as tx:
        await tx.replace(blocked(turn, reason, "", rig.clock.now()))


async def is_out(rig: Rig, rotation_id: str) -> bool:
    """Say whether nothing is blocked, and readers are given what Okta accepts."""
    turn = await rig.run(rotation_id)
    active = {s["hash"] for s in rig.living() if s["status"] == "ACTIVE"}
    return turn.blocked is None and await rig.served_hash() in active


async def find_way_out(rig: Rig, rotation_id: str, orders: dict[str, Order]) -> str | None:
    """Give one order after the other until one leads out; return its name."""
    for name, order in orders.items():
        with suppress(KeyturnError):
            await order(rig, rotation_id)
        if await is_out(rig, rotation_id):
            return name
    return None


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize(
    ("phase", "fate"),
    [
        (Phase.ISSUED, "kept"),
        *(
            (phase, fate)
            for phase in (Phase.OVERLAPPING, Phase.SOAKING)
            for fate in ("kept", "off")
        ),
        (Phase.OVERLAPPING, "deleted"),
        (Phase.SOAKING, "deleted"),
    ],
)
async def test_some_order_leads_out(rig: Rig, reason: Reason, phase: Phase, fate: str) -> None:
    """Whatever stopped a turn, and whatever happened to its secret since."""
    rotation_id = await reach(rig, phase)
    befall(rig, await open_turn(rig, rotation_id), fate)
    await block(rig, rotation_id, reason)
    assert await find_way_out(rig, rotation_id, ORDERS)


@pytest.mark.parametrize("phase", [Phase.OVERLAPPING, Phase.SOAKING])
@pytest.mark.parametrize("fate", ["off", "deleted"])
@pytest.mark.parametrize("name", ["abort", "turn"])
async def test_named_order_leads_out_of_a_loss(
    rig: Rig, phase: Phase, fate: str, name: str
) -> None:
    """What the text of the block tells an operator to do is enough by itself."""
    rotation_id = await reach(rig, phase)
    befall(rig, await open_turn(rig, rotation_id), fate)
    await resume_turn(rig.world, rig.admin, rotation_id)
    turn = await rig.run(rotation_id)
    assert turn.blocked
    assert turn.blocked.reason in LOST
    assert await find_way_out(rig, rotation_id, {name: ORDERS[name]}) == name
