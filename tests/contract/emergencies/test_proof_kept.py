"""What proves that an emergency has closed apps is kept as long as the emergency is."""

from datetime import timedelta

from emergency_kit import begun, carry, rest, the_emergency
from rig import Rig
from rollout_kit import add_rotations

from keyturn.services import emergency_files
from keyturn.services.emergency_evidence import report_emergency
from keyturn.services.ending import delete_rotation
from keyturn.services.retention import forget_old
from keyturn.services.turns import rotate
from keyturn.wire.emergencies import EmergencyEvidence

A_YEAR_S = timedelta(days=401).total_seconds()


async def evidence(rig: Rig) -> EmergencyEvidence:
    """Return the record of the newest emergency."""
    report = await report_emergency(rig.world, rig.admin, (await the_emergency(rig)).id)
    return emergency_files.document(report, rig.clock.now())


async def closed(rig: Rig, rotation_id: str) -> None:
    """Close a rotation's app, and turn it once more after that."""
    await begun(rig)
    await carry(rig)
    await rotate(rig.world, rig.admin, rotation_id)
    await rest(rig, 86_400)


async def test_the_proof_outlives_the_turns(rig: Rig) -> None:
    """Turns are forgotten in the end, but those whose answers prove something."""
    [rotation_id] = await add_rotations(rig, 1)
    await closed(rig, rotation_id)
    before = (await evidence(rig)).apps
    assert before[0].refused
    rig.clock.advance(A_YEAR_S)
    await forget_old(rig.world)
    assert (await evidence(rig)).apps == before


async def test_what_went_with_its_rotation_is_said_to_be_gone(rig: Rig) -> None:
    """It was closed, and nobody can tell by which answers any more: that is not "not yet"."""
    [rotation_id] = await add_rotations(rig, 1)
    await closed(rig, rotation_id)
    await delete_rotation(rig.world, rig.admin, rotation_id, delete_secrets=True, revoke=False)
    told = await evidence(rig)
    [app] = told.apps
    assert (app.closed_at is not None, app.on_record, app.refused) == (True, False, None)
    [row] = [line for line in emergency_files.markdown(told).splitlines() if app.app_id in line]
    assert row.count("not on record any more") == 3
    assert "not yet" not in row


async def test_what_was_left_out_is_not_told_as_to_come(rig: Rig) -> None:
    """Its rotation has ended before it was begun: this emergency never closes it."""
    [rotation_id, _] = await add_rotations(rig, 2)
    await begun(rig)
    await delete_rotation(rig.world, rig.admin, rotation_id, delete_secrets=True, revoke=False)
    await carry(rig)
    told = await evidence(rig)
    [app] = [each for each in told.apps if each.standing == "skipped"]
    [row] = [line for line in emergency_files.markdown(told).splitlines() if app.app_id in line]
    assert row.count("not by this") == 3
    assert "not yet" not in row
