"""A destination that has not confirmed holds the turn, unless policy says go on."""

import pytest
from delivery_kit import carriers, destination
from rig import Rig

from keyturn.cli.rotation import standing_of
from keyturn.domain.destination import Destination
from keyturn.domain.errors import DestinationAway
from keyturn.domain.turn import Phase, Turn
from keyturn.services.destinations import (
    DestinationChange,
    delete_destination,
    deliver_now,
    update_destination,
)
from keyturn.services.drift import list_findings
from keyturn.services.evidence_files import document
from keyturn.services.orders import abort_turn, finish_now
from keyturn.services.reports import list_turns, report_turn
from keyturn.services.rotations import view
from keyturn.services.turns import rotate

AWAY = DestinationAway("It is away.")


async def held_turn(rig: Rig, **changes: object) -> tuple[str, Destination]:
    """Turn a secret while its destination is away."""
    rotation_id = (await rig.rotation()).rotation.id
    one = await destination(rig, **changes)
    await rig.tick()
    carriers(rig).away = AWAY
    await rotate(rig.world, rig.admin, rotation_id)
    await rig.live(3600)
    return rotation_id, one


async def turn_of(rig: Rig, rotation_id: str) -> Turn:
    """Return the newest turn of a rotation."""
    turn = (await view(rig.world, rotation_id)).turn
    assert turn is not None
    return turn


async def test_the_turn_waits_and_names_what_for(rig: Rig) -> None:
    """Readers are served, the old secret lives on, and the report says who has not confirmed."""
    rotation_id, _ = await held_turn(rig)
    told = (await list_turns(rig.world, rig.admin, rotation_id))[0]
    assert (told.turn.phase, told.unconfirmed) == (Phase.PROMOTED, ("hook",))
    waits = {step.detail for step in told.steps if step.step == "wait"}
    assert waits == {"destinations that have not confirmed the new version (hook)"}
    assert {secret["status"] for secret in rig.living()} == {"ACTIVE"}


async def test_the_turn_goes_on_once_the_destination_has_it(rig: Rig) -> None:
    """The confirmation wakes the turn, and the destination has what readers are given."""
    rotation_id, _ = await held_turn(rig)
    carriers(rig).away = None
    await rig.live(900)
    assert (await turn_of(rig, rotation_id)).phase is not Phase.PROMOTED
    assert (await rig.run(rotation_id)).phase is Phase.FINISHED
    (living,) = rig.living()
    assert living["hash"] == await rig.served_hash()


async def test_a_confirmation_wakes_the_turn_at_once(rig: Rig) -> None:
    """A turn that looks again in some minutes is woken in the confirmation's own transaction."""
    rotation_id, one = await held_turn(rig)
    before = (await turn_of(rig, rotation_id)).wake_at
    assert before
    assert before > rig.clock.now()
    carriers(rig).away = None
    await deliver_now(rig.world, rig.admin, one.id)
    assert (await turn_of(rig, rotation_id)).wake_at == rig.clock.now()
    await rig.tick()
    assert (await turn_of(rig, rotation_id)).phase is Phase.OVERLAPPING


@pytest.mark.parametrize(
    "change", [DestinationChange(paused=True), DestinationChange(required=False)]
)
async def test_policy_may_say_go_on(rig: Rig, change: DestinationChange) -> None:
    """A destination that is paused, or not required any more, holds nothing."""
    rotation_id, one = await held_turn(rig)
    await update_destination(rig.world, rig.admin, one.id, change)
    await rig.tick()
    assert (await turn_of(rig, rotation_id)).phase is Phase.OVERLAPPING


async def test_a_deleted_destination_holds_nothing(rig: Rig) -> None:
    """Its turns go on at once."""
    rotation_id, one = await held_turn(rig)
    await delete_destination(rig.world, rig.admin, one.id)
    await rig.tick()
    assert (await turn_of(rig, rotation_id)).phase is Phase.OVERLAPPING


@pytest.mark.parametrize("changes", [{"required": False}, {"only": ("SOMETHING_ELSE",)}])
async def test_who_is_not_concerned_holds_nothing(rig: Rig, changes: dict[str, object]) -> None:
    """An optional destination, and one that does not cover the secret, are not waited for."""
    rotation_id, _ = await held_turn(rig, **changes)
    assert (await turn_of(rig, rotation_id)).phase is not Phase.PROMOTED


async def test_an_emergency_waits_for_no_destination(rig: Rig) -> None:
    """A secret that has leaked is closed, whoever has not got the new one."""
    rotation_id = (await rig.rotation()).rotation.id
    await destination(rig)
    carriers(rig).away = AWAY
    await rotate(rig.world, rig.admin, rotation_id, emergency=True)
    await rig.tick()
    assert (await turn_of(rig, rotation_id)).phase not in {Phase.PROMOTED, Phase.OVERLAPPING}


async def test_the_old_value_comes_back_to_the_destination(rig: Rig) -> None:
    """Where Okta loses the new secret and the old one is served again, the destination gets it."""
    rotation_id = (await rig.rotation()).rotation.id
    await destination(rig)
    await rig.tick()
    old = carriers(rig).held["OKTA_CLIENT_SECRET"]
    await rotate(rig.world, rig.admin, rotation_id)
    await rig.tick()
    assert carriers(rig).held["OKTA_CLIENT_SECRET"] != old
    turn = await turn_of(rig, rotation_id)
    assert turn.new
    rig.org.deactivate_secret(rig.app_id, str(turn.new.okta_id))
    await rig.run(rotation_id)
    await abort_turn(rig.world, rig.admin, rotation_id)
    await rig.run(rotation_id)
    await rig.tick()
    assert carriers(rig).held["OKTA_CLIENT_SECRET"] == old


async def test_an_operator_may_cut_the_wait_short(rig: Rig) -> None:
    """Who says that the turn is to finish does not wait for destinations either."""
    rotation_id, _ = await held_turn(rig)
    await finish_now(rig.world, rig.admin, rotation_id)
    assert (await rig.run(rotation_id)).phase in {Phase.SOAKING, Phase.FINISHED}


@pytest.mark.parametrize("fate", ["off", "deleted"])
async def test_a_loss_is_found_while_the_turn_waits(rig: Rig, fate: str) -> None:
    """Readers who are refused are helped by an abort, whoever has not confirmed."""
    rotation_id, _ = await held_turn(rig)
    before = await rig.served_hash()
    lost = (await turn_of(rig, rotation_id)).new
    assert lost
    rig.org.deactivate_secret(rig.app_id, str(lost.okta_id))
    if fate == "deleted":
        rig.org.delete_secret(rig.app_id, str(lost.okta_id))
    await rig.live(86_400)
    assert await list_findings(rig.world, rig.admin, project="example")
    await abort_turn(rig.world, rig.admin, rotation_id)
    await rig.live(60)
    (active,) = [each for each in rig.living() if each["status"] == "ACTIVE"]
    assert active["hash"] == await rig.served_hash() != before


async def test_the_evidence_names_what_was_waited_for(rig: Rig) -> None:
    """The record of a turn keeps it, for programs and for people."""
    rotation_id, _ = await held_turn(rig)
    turn = await turn_of(rig, rotation_id)
    report = await report_turn(rig.world, rig.admin, rotation_id, turn.id)
    told = document(report, rig.clock.now())
    assert told.waited_for == ("destinations that have not confirmed the new version (hook)",)
    assert told.turn.unconfirmed == ("hook",)
    shown = [line for line in standing_of(told.turn) if line.startswith("waits for")]
    assert shown == ["waits for    destination hook, which has not confirmed the new version"]
