"""A turn asked for where the last one was aborted, and came no further."""

from datetime import time

import pytest
from rig import SECRETS, Rig

from keyturn.domain.errors import Refused, TurnFailed
from keyturn.domain.schedule import Schedule
from keyturn.domain.turn import Phase, Reason, Turn, Word
from keyturn.sandbox import Fault
from keyturn.services.drift import compare_now
from keyturn.services.orders import abort_turn
from keyturn.services.policies import PolicyChange
from keyturn.services.reports import list_turns
from keyturn.services.rotations import view
from keyturn.services.turns import rotate, unserved

PROBES = "/oauth2/v1/introspect"
DEACTIVATE = f"{SECRETS}/{{secretId}}/lifecycle/deactivate"


async def aborted(rig: Rig) -> str:
    """Abort a turn whose new secret Okta does not accept yet; return its rotation's id."""
    rotation_id = (await rig.rotation()).rotation.id
    rig.org.change_settings(propagation_s=3600)
    with pytest.raises(TurnFailed):
        await rotate(rig.world, rig.admin, rotation_id)
    await abort_turn(rig.world, rig.admin, rotation_id)
    rig.org.change_settings(propagation_s=0)
    return rotation_id


def refuse(rig: Rig) -> None:
    """Have Okta refuse to list the app's secrets."""
    rig.org.add_fault(Fault("error-before-effect", "GET", SECRETS, status=403))


async def stuck(rig: Rig) -> str:
    """Abort a turn and let it be blocked on its way back; Okta lists again."""
    rotation_id = await aborted(rig)
    refuse(rig)
    await rig.tick()
    rig.org.remove_fault(None)
    assert (await newest(rig, rotation_id)).blocked
    return rotation_id


async def newest(rig: Rig, rotation_id: str) -> Turn:
    """Return the open or last turn."""
    turn = (await view(rig.world, rotation_id)).turn
    assert turn
    return turn


@pytest.mark.parametrize("emergency", [False, True])
async def test_another_secret_is_issued_by_the_one_request(rig: Rig, *, emergency: bool) -> None:
    """What was being taken back is, first; who wanted that is on record."""
    old, rotation_id = rig.at_okta()[0]["hash"], await stuck(rig)
    await rotate(rig.world, rig.admin, rotation_id, emergency=emergency)
    before = (await list_turns(rig.world, rig.admin, rotation_id))[1]
    assert before.turn.phase is Phase.ROLLED_BACK
    told = [step.detail for step in before.steps if step.step == "resume"]
    assert told == ["By administrator, for the next turn."]
    *others, served = (secret["hash"] for secret in rig.living())
    assert served == await rig.served_hash() != old
    assert others == ([] if emergency else [old])


async def test_one_that_stays_blocked_is_told(rig: Rig) -> None:
    """An emergency does not make another turn of it, and nothing is tried twice."""
    rotation_id = await stuck(rig)
    refuse(rig)
    with pytest.raises(TurnFailed, match="Okta refuses Keyturn's own access"):
        await rotate(rig.world, rig.admin, rotation_id, emergency=True)
    assert (await newest(rig, rotation_id)).word is Word.ABORT


async def test_who_waits_for_a_turn_is_told_of_its_abort(rig: Rig) -> None:
    """Whoever had asked for it hears that somebody has taken it back."""
    rotation_id = await aborted(rig)
    assert (await rig.run(rotation_id)).phase is Phase.ROLLED_BACK
    failed = await unserved(rig.world, await view(rig.world, rotation_id))
    assert failed.message == "Somebody has aborted the turn: no new client secret is served."


async def test_emergency_that_serves_says_no_such_thing(rig: Rig) -> None:
    """Where only the end of the old one is refused, the new one is served already."""
    rotation_id = (await rig.rotation()).rotation.id
    rig.org.add_fault(Fault("error-before-effect", "POST", DEACTIVATE, status=403))
    with pytest.raises(TurnFailed) as failed:
        await rotate(rig.world, rig.admin, rotation_id, emergency=True)
    assert "until a new one is served" not in failed.value.message


async def test_emergency_that_comes_to_nothing_says_what_still_works(rig: Rig) -> None:
    """Who believed the leak closed would not close it."""
    rotation_id = (await rig.rotation()).rotation.id
    refuse(rig)
    rig.org.add_fault(Fault("error-before-effect", "POST", SECRETS, status=403))
    with pytest.raises(TurnFailed, match=r"client secret that has leaked works on until a new one"):
        await rotate(rig.world, rig.admin, rotation_id, emergency=True)


async def cut_off(rig: Rig, **policy: bool) -> str:
    """Abort a turn whose new secret is all that Okta accepts; return its rotation's id."""
    by_hand = Schedule(90, time(0, 0), automatic=False)
    made = await rig.rotation(policy=PolicyChange(**policy), schedule=by_hand)
    rotation_id, (old,) = made.rotation.id, rig.living()
    unproved = rig.org.add_fault(Fault("error-before-effect", "POST", PROBES, skip=1))
    with pytest.raises(TurnFailed):
        await rotate(rig.world, rig.admin, rotation_id)
    rig.org.remove_fault(unproved)
    rig.org.deactivate_secret(rig.app_id, old["id"])
    rig.org.delete_secret(rig.app_id, old["id"])
    await abort_turn(rig.world, rig.admin, rotation_id)
    turn = await rig.run(rotation_id)
    assert turn.blocked
    assert turn.blocked.reason is Reason.NEW_SECRET_ONLY
    return rotation_id


async def test_new_secret_that_is_all_okta_accepts_is_served_after_all(rig: Rig) -> None:
    """An abort whose way back somebody has cut off leads nowhere else: readers get what works."""
    rotation_id = await cut_off(rig)
    with pytest.raises(Refused, match="may still arrive at Okta"):
        await rotate(rig.world, rig.admin, rotation_id)
    rig.clock.advance(60)
    await rotate(rig.world, rig.admin, rotation_id)
    assert (await rig.run(rotation_id)).phase is Phase.FINISHED
    assert [s["hash"] for s in rig.living()] == [await rig.served_hash()]


async def test_policy_of_repair_has_it_served_as_well(rig: Rig) -> None:
    """Readers are refused until then: nobody has to say what only one thing can mend."""
    rotation_id = await cut_off(rig, repair=True)
    rig.clock.advance(59)
    await compare_now(rig.world, rig.admin, rig.connection.id)
    assert (await newest(rig, rotation_id)).blocked  # what takes it back may still arrive
    rig.clock.advance(1)
    await compare_now(rig.world, rig.admin, rig.connection.id)
    assert (await rig.run(rotation_id)).phase is Phase.FINISHED
    assert [s["hash"] for s in rig.living()] == [await rig.served_hash()]
    told = (await list_turns(rig.world, rig.admin, rotation_id))[0].steps
    assert [step.detail for step in told if step.step == "keep"] == ["By drift."]
