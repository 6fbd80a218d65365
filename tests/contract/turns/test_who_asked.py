"""Who asked for a turn, consented to it or ended it is on the turn's own record."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from rig import Rig

from keyturn.domain.errors import Refused
from keyturn.domain.turn import Overlap, Phase, Turn
from keyturn.sandbox import Fault
from keyturn.services.policies import PolicyChange
from keyturn.services.reports import list_turns
from keyturn.services.rotations import view
from keyturn.services.turns import rotate

UNTIL_NEXT = PolicyChange(overlap=Overlap.UNTIL_NEXT, soak_s=3600)
BY_HAND, BY_SCHEDULE = "By administrator, for the next turn.", "By the schedule, for the next turn."


async def told(rig: Rig, rotation_id: str, back: int = 0) -> Sequence[tuple[str, str]]:
    """Return what people, or the schedule, have said of a turn; so many turns back."""
    steps = (await list_turns(rig.world, rig.admin, rotation_id))[back].steps
    return [(step.step, step.detail) for step in steps if "By " in step.detail]


async def turned(rig: Rig, policy: PolicyChange) -> tuple[str, Turn]:
    """Turn a rotation once; return its id, and the turn in its overlap."""
    rotation_id = (await rig.rotation(policy=policy)).rotation.id
    seen = await rotate(rig.world, rig.admin, rotation_id)
    assert seen.turn
    assert seen.turn.phase is Phase.OVERLAPPING
    return rotation_id, seen.turn


async def test_first_turn_names_who_made_its_rotation(rig: Rig) -> None:
    """Where nothing was adopted the first secret is issued at their word."""
    made = await rig.rotation(adopt_existing=False)
    assert await told(rig, made.rotation.id) == [("turn", "By administrator.")]


@pytest.mark.parametrize("adopt_existing", [True, False])
async def test_consent_at_creation_names_who_gave_it(rig: Rig, *, adopt_existing: bool) -> None:
    """With the id and the day of what is to be retired, whether another one is adopted or not."""
    if adopt_existing:
        rig.org.create_secret(rig.app_id)
    foreign = rig.living()[0]["id"]
    consent = rig.consent(foreign)
    made = await rig.rotation(retire_existing=consent, adopt_existing=adopt_existing)
    given = f"To retire {foreign}, made {consent.made_on}. By administrator."
    assert await told(rig, made.rotation.id) == [("consent", given)]


async def test_turn_that_starts_later_names_who_asked_for_it(rig: Rig) -> None:
    """And so does the one that made room for it; who asks again is not the one who asked."""
    rotation_id, _ = await turned(rig, UNTIL_NEXT)
    await rig.live(360)
    for _ in range(2):
        with pytest.raises(Refused, match="starts by itself"):
            await rotate(rig.world, rig.admin, rotation_id)
    assert await told(rig, rotation_id) == [("turn", "By administrator."), ("finish", BY_HAND)]
    assert (await view(rig.world, rotation_id)).rotation.asked_by == "administrator"
    await rig.live(3601)
    await rig.tick()
    at = "2026-01-01 10:06:00 UTC"
    assert await told(rig, rotation_id) == [("turn", f"By administrator, at {at}.")]
    assert (await view(rig.world, rotation_id)).rotation.asked_by is None


async def test_emergency_that_starts_later_names_who_declared_it(rig: Rig) -> None:
    """Not who had asked for a plain turn before; who declares it once more is not the one."""
    rotation_id, _ = await turned(rig, UNTIL_NEXT)
    await rig.live(360)
    rig.org.add_fault(Fault("error-before-effect", "POST", "/oauth2/v1/introspect", status=503))
    for name, emergency in (("alice", False), ("bob", True), ("carol", True), ("dave", False)):
        caller = replace(rig.admin, name=name)
        with pytest.raises(Refused, match="starts by itself"):
            await rotate(rig.world, caller, rotation_id, emergency=emergency)
        rig.clock.advance(1)
    rig.org.remove_fault(None)
    for _ in range(3):
        await rig.live(60)
    at = "2026-01-01 10:06:01 UTC"
    assert await told(rig, rotation_id) == [("emergency", f"By bob, at {at}.")]


async def test_emergency_names_who_ended_the_turn_before_it(rig: Rig) -> None:
    """Its overlap was cut short by the same word."""
    rotation_id, _ = await turned(rig, UNTIL_NEXT)
    await rotate(rig.world, rig.admin, rotation_id, emergency=True)
    assert (await told(rig, rotation_id, back=1))[1:] == [("finish at once", BY_HAND)]
    assert await told(rig, rotation_id) == [("emergency", "By administrator.")]


async def test_schedule_is_named_where_it_ends_an_overlap(rig: Rig) -> None:
    """Nobody has to ask whose word had opened the gate."""
    rotation_id, _ = await turned(rig, PolicyChange(overlap=Overlap.UNTIL_NEXT, soak_s=0))
    async with rig.world.store.writing() as tx:
        rotation = (await view(rig.world, rotation_id)).rotation
        await tx.replace(replace(rotation, next_rotation_at=rig.clock.now()))
    await rig.tick()
    assert (await told(rig, rotation_id))[1:] == [("finish", BY_SCHEDULE)]


async def test_turn_that_lost_its_secret_names_who_ended_it(rig: Rig) -> None:
    """Who turns again has had the old one served first."""
    rotation_id, before = await turned(rig, PolicyChange())
    assert before.new
    rig.org.deactivate_secret(rig.app_id, str(before.new.okta_id))
    rig.org.delete_secret(rig.app_id, str(before.new.okta_id))
    rig.clock.advance(300)
    await rig.tick()
    await rotate(rig.world, rig.admin, rotation_id)
    assert (await told(rig, rotation_id, back=1))[1:] == [("abort", BY_HAND)]
    assert await told(rig, rotation_id) == [("turn", "By administrator.")]
