"""What an emergency leaves out: it was not closed, and nothing says that it was."""

import pytest
from emergency_kit import apps, begun, carry, planned, rest, work
from inventory_kit import populate
from rig import Rig
from rollout_kit import add_rotations

from keyturn.domain.errors import InvalidInput
from keyturn.domain.ids import RotationId
from keyturn.domain.rollout import Standing, State
from keyturn.services import emergency_files
from keyturn.services.emergencies import (
    EmergencyView,
    abort_emergency,
    leave_out,
    list_closings,
    read_emergency,
)
from keyturn.services.emergency_evidence import report_emergency
from keyturn.services.orders import pause_turn, resume_turn
from keyturn.services.rotations import view
from keyturn.services.turns import rotate


async def held_up(rig: Rig) -> tuple[EmergencyView, RotationId]:
    """Begin an emergency of two apps, one of which has a turn that somebody has paused."""
    held, _ = await add_rotations(rig, 2)
    await rotate(rig.world, rig.admin, held)
    await pause_turn(rig.world, rig.admin, held)
    seen = await begun(rig)
    await rest(rig, 60)
    return seen, held


async def app_of(rig: Rig, rotation_id: RotationId) -> str:
    """Return the id of the app of a rotation."""
    return str((await view(rig.world, rotation_id)).rotation.app_id)


async def evidence(rig: Rig, seen: EmergencyView) -> str:
    """Return the record of an emergency as a page."""
    report = await report_emergency(rig.world, rig.admin, seen.rollout.id)
    return emergency_files.markdown(emergency_files.document(report, rig.clock.now()))


async def test_an_app_that_was_left_out_is_never_told_as_closed(rig: Rig) -> None:
    """Its old secret may still work: the count, the file and its row say so after the end."""
    seen, held = await held_up(rig)
    app_id = await app_of(rig, held)
    await leave_out(rig.world, rig.admin, seen.rollout.id, app_id)
    assert (await carry(rig)).state is State.FINISHED
    after = await read_emergency(rig.world, rig.admin, seen.rollout.id)
    assert (after.open, after.left, after.closed, after.going) == (1, 1, 1, 0)
    assert emergency_files.emergency(after).open == 1
    page = await evidence(rig, seen)
    assert "| **old secret may still work** | 1 app |" in page
    assert "| **closed** | 1 of 2 apps |" in page
    [row] = [line for line in page.splitlines() if app_id in line and line.startswith("| ")]
    assert "| NOT CLOSED by this |" in row
    assert "NOT CLOSED. Somebody has paused its turn. |" in row


async def test_what_another_closes_later_is_not_told_as_open_for_ever(rig: Rig) -> None:
    """Whether the one that has left it out still goes on or is over."""
    seen, held = await held_up(rig)
    app_id = await app_of(rig, held)
    await leave_out(rig.world, rig.admin, seen.rollout.id, app_id)
    await carry(rig)
    await resume_turn(rig.world, rig.admin, held)
    other = await begun(rig, apps=[app_id])
    await carry(rig)
    after = await read_emergency(rig.world, rig.admin, seen.rollout.id)
    assert (after.open, after.left) == (0, 0)
    page = await list_closings(rig.world, rig.admin, seen.rollout.id, standing=Standing.SKIPPED)
    assert [each.told for each in page.members] == [
        f"Emergency {other.rollout.name} has closed it."
    ]


async def test_an_aborted_emergency_gives_no_advice_of_one_that_goes_on(rig: Rig) -> None:
    """That a turn is paused is told; resuming it lets nothing go on that is over."""
    seen, _ = await held_up(rig)
    stored = {each.told for each in await apps(rig)}
    assert any("lets the emergency go on" in told for told in stored)
    await abort_emergency(rig.world, rig.admin, seen.rollout.id)
    page = await list_closings(rig.world, rig.admin, seen.rollout.id, standing=Standing.FAILED)
    assert [each.told for each in page.members] == ["NOT CLOSED. Somebody has paused its turn."]
    text = await evidence(rig, seen)
    assert "lets the emergency" not in text
    assert "| **state** | aborted. Aborted by" in text


async def test_an_aborted_emergency_promises_nothing_of_apps_it_did_not_begin(rig: Rig) -> None:
    """What was begun comes to its end; the rest is not closed by it, not now and not later."""
    await add_rotations(rig, 6)
    rig.clock.advance(120)
    seen = await begun(rig)
    await work(rig)
    await abort_emergency(rig.world, rig.admin, seen.rollout.id)
    await carry(rig)
    left = [each.app_id for each in await apps(rig) if each.begun_at is None]
    text = await evidence(rig, seen)
    rows = [line for line in text.splitlines() if "NOT CLOSED by this" in line]
    assert 0 < len(left) < 6
    assert [row.split(" | ")[1] for row in rows] == left
    assert "not yet" not in "".join(rows)


async def test_a_public_secret_of_an_app_that_is_not_meant_is_refused(rig: Rig) -> None:
    """It is told at its field, and never left aside in silence."""
    first, second = await add_rotations(rig, 2)
    [meant, other] = [await app_of(rig, each) for each in (first, second)]
    with pytest.raises(InvalidInput, match=f"{other}: not among the apps") as refused:
        await planned(rig, apps=[meant], leaked=[meant, other])
    assert refused.value.problems[0].field == ("leaked",)
    populate(rig.org, 1, "kept-by-nobody")
    with pytest.raises(InvalidInput, match="nobody-knows: not among the apps"):
        await planned(rig, leaked=["nobody-knows"])
    assert len((await planned(rig, apps=[meant], leaked=[meant])).members) == 1
