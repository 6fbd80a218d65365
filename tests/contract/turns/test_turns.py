"""Turns against the sandbox, judged by the sandbox."""

from dataclasses import replace

import pytest
from rig import PLACE, SECRETS, START, Rig

from keyturn.domain.errors import NotFound, Refused, TurnFailed
from keyturn.domain.turn import Phase, Reason
from keyturn.sandbox import Fault
from keyturn.services.consent import retire_existing
from keyturn.services.reports import list_turns
from keyturn.services.rotations import view
from keyturn.services.secrets import read_secret
from keyturn.services.turns import rotate


async def test_adoption_changes_nothing_at_okta(rig: Rig) -> None:
    """Creating a rotation serves the secret that the app has, and only reads at Okta."""
    rig.calls()
    before = rig.at_okta()
    await rig.rotation()
    assert {call["method"] for call in rig.calls() if "/api/" in call["route"]} == {"GET"}
    assert [s["hash"] for s in rig.at_okta()] == [s["hash"] for s in before]
    assert await rig.served_hash() == before[0]["hash"]


async def test_a_turn_ends_with_one_secret_that_is_served(rig: Rig) -> None:
    """After a turn Okta has one ACTIVE secret, new, and readers are given it."""
    old = rig.at_okta()[0]["hash"]
    rotation = (await rig.rotation()).rotation
    await rotate(rig.world, rig.admin, rotation.id)
    turn = await rig.run(rotation.id)
    assert turn.phase is Phase.FINISHED
    (only,) = rig.living()
    assert only["status"] == "ACTIVE"
    assert only["hash"] == await rig.served_hash() != old


async def test_quiet_turn_costs_five_management_calls(rig: Rig) -> None:
    """List, add, list, deactivate, delete: nothing more when nothing is in doubt."""
    rotation = (await rig.rotation()).rotation
    rig.calls()
    await rotate(rig.world, rig.admin, rotation.id)
    await rig.run(rotation.id)
    made = [(c["method"], c["status"]) for c in rig.calls() if c["route"].startswith("/api/v1/")]
    assert made == [("GET", 200), ("POST", 201), ("GET", 200), ("POST", 200), ("DELETE", 204)]


async def test_both_secrets_work_during_the_whole_overlap(rig: Rig) -> None:
    """The old secret stays ACTIVE until the overlap is over, the new one is served at once."""
    rotation = (await rig.rotation()).rotation
    await rotate(rig.world, rig.admin, rotation.id)
    assert [s["status"] for s in rig.living()] == ["ACTIVE", "ACTIVE"]
    assert await rig.served_hash() == rig.living()[1]["hash"]
    rig.clock.advance(299)
    await rig.tick()
    assert [s["status"] for s in rig.living()] == ["ACTIVE", "ACTIVE"]
    rig.clock.advance(1)
    await rig.tick()
    assert [s["status"] for s in rig.living()] == ["INACTIVE", "ACTIVE"]


async def test_old_secret_can_come_back_during_the_soak(rig: Rig) -> None:
    """Between retire and delete the old secret is INACTIVE, not gone."""
    rotation = (await rig.rotation()).rotation
    await rotate(rig.world, rig.admin, rotation.id)
    rig.clock.advance(300)
    await rig.tick()
    rig.clock.advance(3599)
    await rig.tick()
    assert len(rig.living()) == 2
    rig.clock.advance(1)
    await rig.tick()
    assert len(rig.living()) == 1


async def test_second_turn_inside_the_first_is_refused(rig: Rig) -> None:
    """A turn asked for while one is under way is refused, and nothing changes."""
    rotation = (await rig.rotation()).rotation
    await rotate(rig.world, rig.admin, rotation.id)
    with pytest.raises(Refused, match="under way"):
        await rotate(rig.world, rig.admin, rotation.id)
    assert len(rig.posts()) == 1


async def test_scheduled_turn_starts_when_it_is_due(rig: Rig) -> None:
    """The schedule starts a turn at its date and not before."""
    rotation = (await rig.rotation()).rotation
    due_at = rotation.next_rotation_at
    assert due_at is not None
    await rig.live((due_at - START).total_seconds() - 1)
    assert not rig.posts()
    rig.clock.advance(1)
    await rig.tick()
    assert len(rig.posts()) == 1
    await rig.run(rotation.id)
    after = (await view(rig.world, rotation.id)).rotation
    assert after.next_rotation_at
    assert (after.next_rotation_at - due_at).days == 30


async def test_lost_answer_is_found_by_its_hash(rig: Rig) -> None:
    """A POST whose answer was lost is recognised in Okta's list; it is not sent twice."""
    rotation = (await rig.rotation()).rotation
    rig.org.add_fault(Fault("drop-after-effect", "POST", SECRETS, count=1))
    with pytest.raises(TurnFailed, match=r"the connection broke .* It goes on by itself"):
        await rotate(rig.world, rig.admin, rotation.id)
    turn = await rig.run(rotation.id)
    assert turn.phase is Phase.FINISHED
    assert len(rig.posts()) == 1
    assert len(rig.living()) == 1


async def test_who_asks_where_the_rate_limit_has_no_room_is_told_so(rig: Rig) -> None:
    """What an earlier turn failed for is not told instead; this one starts by itself."""
    rig.org.change_settings(profile="free")
    rotation = (await rig.rotation()).rotation
    for _ in range(2):
        await rotate(rig.world, rig.admin, rotation.id, emergency=True)
    before = (await view(rig.world, rotation.id)).rotation
    async with rig.world.store.writing() as tx:
        await tx.replace(replace(before, last_message="An earlier turn failed."))
    with pytest.raises(TurnFailed, match=r"waits for room in Okta's rate limit\. It goes on by"):
        await rotate(rig.world, rig.admin, rotation.id)


@pytest.mark.parametrize("kind", ["drop-before-effect", "error-before-effect", "html"])
async def test_post_that_never_arrived_is_sent_again_with_the_same_value(
    rig: Rig, kind: str
) -> None:
    """A POST without effect is repeated with the value that is stored, after a look."""
    rotation = (await rig.rotation()).rotation
    rig.org.add_fault(Fault(kind, "POST", SECRETS, count=1))  # type: ignore[arg-type]  # a literal
    with pytest.raises(TurnFailed):
        await rotate(rig.world, rig.admin, rotation.id)
    written = (await view(rig.world, rotation.id)).turn
    assert (await rig.run(rotation.id)).phase is Phase.FINISHED
    assert written
    assert written.new
    assert [s["hash"] for s in rig.living()] == [written.new.hash]
    assert len(rig.at_okta()) == 2


async def test_slow_propagation_is_waited_for(rig: Rig) -> None:
    """A new secret that Okta does not accept yet is not served yet."""
    rotation = (await rig.rotation()).rotation
    served = await rig.served_hash()
    rig.org.change_settings(propagation_s=20)
    with pytest.raises(TurnFailed, match="waits for Okta to accept the new client secret"):
        await rotate(rig.world, rig.admin, rotation.id)
    assert await rig.served_hash() == served
    assert (await rig.run(rotation.id)).phase is Phase.FINISHED


async def test_secret_that_is_never_accepted_is_taken_back(rig: Rig) -> None:
    """After ten minutes of refusal the new secret is removed; it was never served."""
    rotation = (await rig.rotation()).rotation
    served = await rig.served_hash()
    rig.org.change_settings(propagation_s=10**6)
    with pytest.raises(TurnFailed):
        await rotate(rig.world, rig.admin, rotation.id)
    turn = await rig.run(rotation.id)
    assert turn.phase is Phase.ROLLED_BACK
    assert [s["hash"] for s in rig.living()] == [served]
    assert "taken back" in ((await view(rig.world, rotation.id)).rotation.last_message or "")


async def test_foreign_secret_blocks_and_is_not_touched(rig: Rig) -> None:
    """A secret that somebody else added stops the turn; once it is gone the turn resumes."""
    rotation = (await rig.rotation()).rotation
    foreign = rig.org.create_secret(rig.app_id, None)
    with pytest.raises(TurnFailed, match=foreign.id) as told:
        await rotate(rig.world, rig.admin, rotation.id)
    assert "goes on by itself" not in told.value.message
    assert (await rig.run(rotation.id)).phase is Phase.BLOCKED
    assert [s["status"] for s in rig.living()] == ["ACTIVE", "ACTIVE"]
    rig.org.deactivate_secret(rig.app_id, foreign.id)
    rig.org.delete_secret(rig.app_id, foreign.id)
    await rotate(rig.world, rig.admin, rotation.id)
    assert (await rig.run(rotation.id)).phase is Phase.FINISHED


async def test_foreign_secret_is_retired_by_consent(rig: Rig) -> None:
    """A named foreign secret goes the way of an old one; the served one stays."""
    rotation = (await rig.rotation()).rotation
    foreign = rig.org.create_secret(rig.app_id, None)
    served = await rig.served_hash()
    with pytest.raises(Refused):
        await retire_existing(rig.world, rig.admin, rotation.id, rig.consent("ocsunknown"))
    await retire_existing(rig.world, rig.admin, rotation.id, rig.consent(foreign.id))
    assert (await rig.run(rotation.id)).phase is Phase.FINISHED
    assert [s["hash"] for s in rig.living()] == [served] == [await rig.served_hash()]


async def test_served_secret_cannot_be_consented_away(rig: Rig) -> None:
    """Consent is for foreign secrets; the one that readers use is not one."""
    rotation = (await rig.rotation()).rotation
    served = rig.living()[0]["id"]
    with pytest.raises(Refused):
        await retire_existing(rig.world, rig.admin, rotation.id, rig.consent(served))


async def test_first_secret_is_issued_beside_an_unadopted_one(rig: Rig) -> None:
    """Without adoption the app gets a second secret, and its own is left alone."""
    theirs = rig.living()[0]["hash"]
    rotation = (await rig.rotation(adopt_existing=False)).rotation
    assert await rig.served_hash() != theirs
    assert (await rig.run(rotation.id)).phase is Phase.FINISHED
    assert [s["status"] for s in rig.living()] == ["ACTIVE", "ACTIVE"]


async def test_first_secret_replaces_an_unadopted_one_by_consent(rig: Rig) -> None:
    """Named in the same request, the earlier secret is retired after the overlap."""
    theirs = rig.living()[0]
    view_ = await rig.rotation(adopt_existing=False, retire_existing=rig.consent(theirs["id"]))
    assert len(rig.living()) == 2
    assert (await rig.run(view_.rotation.id)).phase is Phase.FINISHED
    assert [s["hash"] for s in rig.living()] == [await rig.served_hash()]


async def test_refused_access_blocks_and_names_who_must_act(rig: Rig) -> None:
    """Rights that were taken away block the turn; the served secret works on."""
    rotation = (await rig.rotation()).rotation
    rig.org.api_tokens.clear()
    with pytest.raises(TurnFailed, match="Okta administrator"):
        await rotate(rig.world, rig.admin, rotation.id)
    turn = (await view(rig.world, rotation.id)).turn
    assert turn
    assert turn.blocked
    assert turn.blocked.reason is Reason.ACCESS_REFUSED


async def test_new_secret_deactivated_by_somebody_keeps_the_old_one(rig: Rig) -> None:
    """The old secret is not retired while the new one does not work."""
    rotation = (await rig.rotation()).rotation
    await rotate(rig.world, rig.admin, rotation.id)
    new = rig.living()[1]["id"]
    rig.org.deactivate_secret(rig.app_id, new)
    assert (await rig.run(rotation.id)).phase is Phase.BLOCKED
    assert [s["status"] for s in rig.living()] == ["ACTIVE", "INACTIVE"]


async def test_soaking_secret_that_somebody_activated_is_not_deleted(rig: Rig) -> None:
    """Somebody who activates the old secret again needs it: the turn stops."""
    rotation = (await rig.rotation()).rotation
    old = rig.living()[0]["id"]
    await rotate(rig.world, rig.admin, rotation.id)
    rig.clock.advance(300)
    await rig.tick()
    rig.org.activate_secret(rig.app_id, old)
    turn = await rig.run(rotation.id)
    assert turn.blocked
    assert turn.blocked.reason is Reason.OLD_SECRET_CHANGED
    assert len(rig.living()) == 2


async def test_deleted_app_blocks(rig: Rig) -> None:
    """An app that is gone at Okta blocks the turn and says so."""
    rotation = (await rig.rotation()).rotation
    rig.org.deactivate_app(rig.app_id)
    rig.org.delete_app(rig.app_id)
    with pytest.raises(TurnFailed, match="does not know the app"):
        await rotate(rig.world, rig.admin, rotation.id)


async def test_zombie_whose_lease_is_spent_sends_nothing(rig: Rig) -> None:
    """A worker that was frozen past two thirds of its lease leaves Okta alone."""
    rotation = (await rig.rotation()).rotation

    class Frozen:
        """A clock whose worker sleeps whenever it has written something down."""

        now = staticmethod(rig.clock.now)

        def uptime_s(self) -> float:
            rig.clock.advance(41)
            return rig.clock.uptime_s()

    with pytest.raises(TurnFailed):
        await rotate(replace(rig.world, clock=Frozen()), rig.admin, rotation.id)
    assert not rig.posts()
    assert (await rig.run(rotation.id)).phase is Phase.FINISHED


async def test_steps_are_recorded_with_oktas_request_ids(rig: Rig) -> None:
    """Every call to Okta is in the record of its turn, with the id that Okta's support asks for."""
    rotation = (await rig.rotation()).rotation
    await rotate(rig.world, rig.admin, rotation.id)
    await rig.run(rotation.id)
    (turn,) = await list_turns(rig.world, rig.admin, rotation.id)
    calls = [step for step in turn.steps if step.detail.startswith("HTTP")]
    assert len(calls) == 8
    assert all(step.request_id for step in calls)
    assert [s.number for s in turn.steps] == list(range(1, len(turn.steps) + 1))


async def test_earlier_versions_lose_their_values(rig: Rig) -> None:
    """A version is readable until its secret is deleted at Okta, and destroyed then."""
    rotation = (await rig.rotation()).rotation
    await rotate(rig.world, rig.admin, rotation.id)
    name = "OKTA_CLIENT_SECRET"
    first = await read_secret(rig.world, rig.admin, PLACE, name, version=1)
    assert first.version.hash == rig.at_okta()[0]["hash"]
    await rig.run(rotation.id)
    with pytest.raises(NotFound, match="no version 1"):
        await read_secret(rig.world, rig.admin, PLACE, name, version=1)
