"""Emergencies where something else goes on: refusals, rotations that end, turns that stop."""

import pytest
from emergency_kit import (
    active,
    apps,
    begun,
    carry,
    draft,
    planned,
    rest,
    served,
    standings,
    the_emergency,
)
from org_kit import register
from rig import Rig
from rollout_kit import add_rotations

from keyturn.domain.access import Caller, Grant, Holding, Role, Verb
from keyturn.domain.errors import Forbidden, Refused
from keyturn.domain.oauth.connection import GrantType
from keyturn.domain.oauth.consumers import Adoption
from keyturn.domain.rollout import Standing, State
from keyturn.domain.turn import Phase
from keyturn.sandbox import Fault
from keyturn.services.consumers import ConsumerDraft, create_consumer
from keyturn.services.emergencies_under_way import carry_emergencies
from keyturn.services.emergency_plans import plan_emergency
from keyturn.services.ending import delete_rotation
from keyturn.services.grants import ConnectionDraft
from keyturn.services.oauth_connections import create_connection
from keyturn.services.orders import pause_turn
from keyturn.services.registrations import Credential
from keyturn.services.rotations import view
from keyturn.services.turns import rotate

TOKENS = "/api/v1/apps/{appId}/tokens"


async def test_tokens_are_revoked_once_okta_answers(rig: Rig) -> None:
    """A failure is no end, and keeps no other app waiting: it is tried again a minute later."""
    await add_rotations(rig, 2)
    rig.org.add_fault(Fault("error-before-effect", "DELETE", TOKENS, count=1))
    await begun(rig, revoke=True)
    await rest(rig, 30)
    first, second = await apps(rig)
    assert first.told.startswith("Refresh tokens NOT REVOKED.")
    assert first.revoked_at is None
    assert second.revoked_at
    assert (await the_emergency(rig)).state is State.RUNNING
    assert (await carry(rig)).state is State.FINISHED
    first, _ = await apps(rig)
    assert first.revoked_at
    assert not first.told


async def test_a_rotation_that_has_ended_is_left_out(rig: Rig) -> None:
    """Its app is nobody's here any more; the others are closed."""
    first, _ = await add_rotations(rig, 2)
    await begun(rig, revoke=True)
    await delete_rotation(rig.world, rig.admin, first, delete_secrets=True, revoke=False)
    assert (await carry(rig)).state is State.FINISHED
    assert await standings(rig) == {Standing.SKIPPED, Standing.DONE}


async def test_an_earlier_turn_that_has_stopped_is_told(rig: Rig) -> None:
    """It is told once to end at once; where it stops again the app is said not to be closed."""
    [rotation_id] = await add_rotations(rig, 1)
    seen = await rotate(rig.world, rig.admin, rotation_id)
    assert seen.turn
    assert seen.turn.new
    app_id, new_id = seen.rotation.app_id, str(seen.turn.new.okta_id)
    rig.org.deactivate_secret(app_id, new_id)
    rig.org.delete_secret(app_id, new_id)
    await begun(rig)
    await rest(rig, 300)
    [member] = await apps(rig)
    assert member.standing is Standing.FAILED
    assert member.told.startswith("NOT CLOSED. An earlier turn is blocked")
    turn = (await view(rig.world, rotation_id)).turn
    assert turn
    assert turn.phase is Phase.BLOCKED


@pytest.mark.parametrize("after", [0, 10])
async def test_a_later_emergency_puts_off_no_earlier_one(rig: Rig, after: float) -> None:
    """It may leave consumers more time: whoever began the first has promised otherwise."""
    [rotation_id] = await add_rotations(rig, 1)
    old = await served(rig, rotation_id)
    app_id = (await view(rig.world, rotation_id)).rotation.app_id
    await begun(rig, within_s=60)
    await carry_emergencies(rig.world)
    await rest(rig, after)
    await begun(rig, within_s=3600, revoke=True)
    await rest(rig, 75 - after)
    assert old not in active(rig, app_id)
    assert (await carry(rig)).state is State.FINISHED


async def test_only_who_may_turn_every_one_may_close_them(rig: Rig) -> None:
    """Who may not is told which ones."""
    await add_rotations(rig, 1)
    verbs = frozenset({Verb.EDIT_ROLLOUTS, Verb.READ_ROTATIONS, Verb.READ_ROLLOUTS})
    role = Role("planner", "Planner", (Grant(verbs),))
    caller = Caller("planner", "Planner", rig.admin.organization_id, (Holding(role),))
    with pytest.raises(Forbidden, match="app-0000"):
        await plan_emergency(rig.world, caller, draft())


async def test_who_needs_a_hand_has_no_time_whatever_is_left(rig: Rig) -> None:
    """A consumer that has to be restarted is named; what a connection was granted is judged."""
    rotation = (await rig.rotation()).rotation
    registration = await register(rig, Credential(rotation=rotation.name))
    granted = ConnectionDraft("person", registration, GrantType.CODE, scopes=("okta.users.manage",))
    await create_connection(rig.world, rig.admin, granted)
    consumer = ConsumerDraft("nightly-job", Adoption.RESTART)
    await create_consumer(rig.world, rig.admin, registration, consumer)
    [one] = (await planned(rig, within_s=300)).members
    assert one.without_time == ["consumer nightly-job"]
    assert "may change things in Okta" in one.exposure.why
    [one] = (await planned(rig)).members
    assert len(one.without_time) == 3


async def test_what_is_being_closed_is_not_closed_twice(rig: Rig) -> None:
    """A second press, or a second person, is told of the first; who wants more is let through."""
    first, _ = await add_rotations(rig, 2)
    app_id = (await view(rig.world, first)).rotation.app_id
    one = await begun(rig, within_s=600)
    for same in ({"within_s": 600}, {"within_s": 900}, {"apps": [app_id], "within_s": 600}):
        with pytest.raises(Refused, match=one.rollout.name):
            await begun(rig, **same)
    sooner = await begun(rig, apps=[app_id], within_s=0)
    assert sooner.rollout.name == f"{one.rollout.name}-2"
    assert (await begun(rig, within_s=600, revoke=True)).rollout.name == f"{one.rollout.name}-3"
    rig.clock.advance(60)
    assert not (await begun(rig)).rollout.name.startswith(one.rollout.name)


async def test_what_goes_on_once_it_is_resumed_is_not_begun_twice(rig: Rig) -> None:
    """An app whose turn somebody has paused is to be closed by the emergency all the same."""
    [rotation_id] = await add_rotations(rig, 1)
    await rotate(rig.world, rig.admin, rotation_id)
    await pause_turn(rig.world, rig.admin, rotation_id)
    await begun(rig)
    await rest(rig, 60)
    with pytest.raises(Refused, match="closes these apps already"):
        await begun(rig)


async def test_what_was_closed_may_be_closed_again(rig: Rig) -> None:
    """The next secret may leak as well."""
    await add_rotations(rig, 1)
    await begun(rig)
    await carry(rig)
    await begun(rig)
    assert (await carry(rig)).state is State.FINISHED
