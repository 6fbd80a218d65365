"""What somebody does at Okta behind a turn: readers get what works, strangers keep theirs."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from kinds_kit import settled
from rig import PLACE, Rig

from keyturn.domain.errors import KeyturnError, Refused
from keyturn.domain.okta import CredentialKind
from keyturn.domain.secret import State, Version
from keyturn.domain.turn import Act, Phase, Reason, Turn, Word, blocked
from keyturn.sandbox import Fault
from keyturn.services.consent import retire_existing
from keyturn.services.orders import abort_turn, finish_now, reinstate_old, resume_turn
from keyturn.services.policies import PolicyChange
from keyturn.services.reports import list_turns
from keyturn.services.rotations import view
from keyturn.services.secrets import read_secret
from keyturn.services.slots import read_slots
from keyturn.services.turns import rotate

NAME = "OKTA_CLIENT_SECRET"


async def overlapping(rig: Rig, **policy: bool) -> Turn:
    """Turn a new rotation; return its turn while both secrets work."""
    rotation_id = (await rig.rotation(policy=PolicyChange(**policy))).rotation.id
    await rotate(rig.world, rig.admin, rotation_id)
    return await newest(rig, rotation_id)


async def newest(rig: Rig, rotation_id: str) -> Turn:
    """Return the newest turn of a rotation."""
    turn = (await view(rig.world, rotation_id)).turn
    assert turn
    return turn


def take_away(rig: Rig, turn: Turn, *, delete: bool = True) -> None:
    """Deactivate the new secret at Okta, as somebody else, and delete it."""
    assert turn.new
    rig.org.deactivate_secret(rig.app_id, str(turn.new.okta_id))
    if delete:
        rig.org.delete_secret(rig.app_id, str(turn.new.okta_id))


async def version(rig: Rig) -> int:
    """Return the number of the version that readers are given."""
    return (await read_secret(rig.world, rig.admin, PLACE, NAME)).version.number


async def steps(rig: Rig, rotation_id: str) -> list[str]:
    """Return what was recorded of the newest turn, in order."""
    return [s.step for s in (await list_turns(rig.world, rig.admin, rotation_id))[0].steps]


class TestLoss:
    """The new secret is gone or off, and readers are given it."""

    async def test_abort_serves_the_old_secret_again(self, rig: Rig) -> None:
        """At once, and under a number that no reader has seen; the turn says why."""
        turn = await overlapping(rig)
        take_away(rig, turn)
        await abort_turn(rig.world, rig.admin, turn.rotation_id)
        after = await rig.run(turn.rotation_id)
        assert after.phase is Phase.ROLLED_BACK
        assert [s["hash"] for s in rig.living()] == [await rig.served_hash()]
        assert await version(rig) == 3
        told = (await view(rig.world, turn.rotation_id)).rotation.last_message
        assert "given the one before it again" in str(told)
        async with rig.world.store.reading() as tx:
            kept = await tx.list(Version, hash=await rig.served_hash())
            lost = await tx.list(Version, state=State.PREVIOUS)
        assert [bool(v.sealed) for v in kept] == [False, True]
        assert not lost

    async def test_secret_that_is_served_again_is_as_old_as_it_was(self, rig: Rig) -> None:
        """Whoever judges by its age is not told that it was made just now."""
        first = await rig.rotation()
        rotation_id = first.rotation.id
        rig.clock.advance(9 * 86_400)
        await rotate(rig.world, rig.admin, rotation_id)
        take_away(rig, await newest(rig, rotation_id))
        await abort_turn(rig.world, rig.admin, rotation_id)
        assert (await rig.run(rotation_id)).phase is Phase.ROLLED_BACK
        assert await version(rig) == 3
        assert (await view(rig.world, rotation_id)).issued_at == first.issued_at
        slots = await read_slots(rig.world, rig.admin, rotation_id)
        assert slots.slots[0].created_at == first.issued_at

    async def test_repair_waits_for_no_overlap(self, rig: Rig) -> None:
        """A turn that sleeps for long is woken by the comparison; readers are served at once."""
        policy = PolicyChange(repair=True, overlap_s=20 * 86_400, backstop_s=30 * 86_400)
        rotation_id = (await rig.rotation(policy=policy)).rotation.id
        await rotate(rig.world, rig.admin, rotation_id)
        take_away(rig, await newest(rig, rotation_id))
        await rig.live(86_400)
        await rig.tick()
        assert [s["hash"] for s in rig.living()] == [await rig.served_hash()]

    async def test_repair_needs_nobody(self, rig: Rig) -> None:
        """A rotation that mends drift by itself does this too, at the latest at its next step."""
        turn = await overlapping(rig, repair=True)
        take_away(rig, turn)
        rig.clock.advance(300)
        await rig.tick()
        assert (await newest(rig, turn.rotation_id)).phase is Phase.ROLLED_BACK
        assert [s["hash"] for s in rig.living()] == [await rig.served_hash()]

    async def test_turn_issues_another_where_both_are_lost(self, rig: Rig) -> None:
        """Somebody replaced everything: a turn still leads to a secret that works."""
        turn = await overlapping(rig)
        assert turn.old
        take_away(rig, turn)
        theirs = rig.org.create_secret(rig.app_id)
        rig.org.deactivate_secret(rig.app_id, str(turn.old.okta_id))
        rig.org.delete_secret(rig.app_id, str(turn.old.okta_id))
        rig.clock.advance(300)
        assert (await rig.run(turn.rotation_id)).blocked
        await rotate(rig.world, rig.admin, turn.rotation_id)
        assert await rig.served_hash() in {s["hash"] for s in rig.living()} - {theirs.hash}

    async def test_emergency_activates_nothing_that_has_leaked(self, rig: Rig) -> None:
        """Another secret is served at once, without the old one being had back meanwhile."""
        turn = await overlapping(rig)
        rig.clock.advance(300)
        await rig.tick()
        assert (await newest(rig, turn.rotation_id)).phase is Phase.SOAKING
        assert turn.old
        old_id = str(turn.old.okta_id)
        rig.org.activate_secret(rig.app_id, old_id)
        take_away(rig, turn)
        rig.org.create_secret(rig.app_id)
        rig.org.deactivate_secret(rig.app_id, old_id)
        assert (await rig.run(turn.rotation_id)).blocked
        before = rig.org.journal.last
        await rotate(rig.world, rig.admin, turn.rotation_id, emergency=True)
        routes = [str(each["route"]) for each in rig.org.journal.list(before)]
        assert not any(each.endswith("/activate") for each in routes)
        works = {s["hash"] for s in rig.living() if s["status"] == "ACTIVE"}
        assert await rig.served_hash() in works

    async def test_emergency_by_hand_leaves_no_time_that_an_earlier_one_left(
        self, rig: Rig
    ) -> None:
        """A turn that stood still goes on, and waits for nobody."""
        turn = await overlapping(rig)
        later = rig.clock.now() + timedelta(days=1)
        given = replace(turn, word=Word.AT_ONCE, within_s=600, closes_at=later, tidies_at=later)
        async with rig.world.store.writing() as tx:
            await tx.replace(blocked(given, Reason.CALL_REFUSED, "", rig.clock.now()))
        with pytest.raises(Refused, match="goes on now"):
            await rotate(rig.world, rig.admin, turn.rotation_id, emergency=True)
        assert (await newest(rig, turn.rotation_id)).phase is Phase.FINISHED
        assert [s["hash"] for s in rig.living()] == [await rig.served_hash()]

    async def test_what_was_left_inactive_is_cleared_by_the_next_turn(self, rig: Rig) -> None:
        """It was ours and nothing needs it: it does not take the room of the next secret."""
        turn = await overlapping(rig)
        take_away(rig, turn, delete=False)
        await abort_turn(rig.world, rig.admin, turn.rotation_id)
        await rig.run(turn.rotation_id)
        assert [s["status"] for s in rig.living()] == ["ACTIVE", "INACTIVE"]
        await rotate(rig.world, rig.admin, turn.rotation_id)
        assert (await rig.run(turn.rotation_id)).phase is Phase.FINISHED
        assert Act.CLEAR in await steps(rig, turn.rotation_id)
        assert [s["hash"] for s in rig.living()] == [await rig.served_hash()]

    async def test_reinstating_serves_the_old_secret(self, rig: Rig) -> None:
        """Readers, and not only stragglers, get back what works."""
        turn = await overlapping(rig)
        rig.clock.advance(300)
        await rig.tick()
        assert turn.old
        rig.org.activate_secret(rig.app_id, str(turn.old.okta_id))
        take_away(rig, turn)
        await reinstate_old(rig.world, rig.admin, turn.rotation_id)
        await rig.tick()
        assert (await newest(rig, turn.rotation_id)).phase is Phase.ROLLED_BACK
        assert [s["hash"] for s in rig.living()] == [await rig.served_hash()]

    async def test_key_of_the_connection_falls_back(self, rig: Rig) -> None:
        """Keyturn finds back to its own old key, though it cannot ask Okta with the new one."""
        made = await settled(rig, CredentialKind.CONNECTION_KEY)
        await made.begin()
        turn = await newest(rig, made.rotation_id)
        assert turn.new
        app = rig.org.apps[made.app_id]
        kept = tuple(key for key in app.keys if key.id != turn.new.okta_id)
        rig.org.store_app(replace(app, keys=kept))
        await abort_turn(rig.world, rig.admin, made.rotation_id)
        await rig.tick()
        assert (await newest(rig, made.rotation_id)).phase is Phase.ROLLED_BACK
        await made.begin()
        assert (await rig.run(made.rotation_id)).phase is Phase.FINISHED


class TestStrangers:
    """What Keyturn cannot prove to be its own."""

    async def test_old_value_under_another_id_is_not_called_gone(self, rig: Rig) -> None:
        """An emergency does not end while the leaked value works; consent names what has it."""
        old_value = rig.org.read_app(rig.app_id).live_secrets[0].value
        turn = await overlapping(rig)
        assert turn.old
        rig.org.deactivate_secret(rig.app_id, str(turn.old.okta_id))
        rig.org.delete_secret(rig.app_id, str(turn.old.okta_id))
        back = rig.org.create_secret(rig.app_id, old_value)
        await finish_now(rig.world, rig.admin, turn.rotation_id, at_once=True)
        blocked = (await rig.run(turn.rotation_id)).blocked
        assert blocked
        assert f"{back.id} (ACTIVE, made 2026-01-01, today): the old value" in blocked.detail
        given = rig.consent(back.id)
        await retire_existing(rig.world, rig.admin, turn.rotation_id, given)
        assert (await rig.run(turn.rotation_id)).phase is Phase.FINISHED
        assert await rig.authenticate(old_value) == 401

    async def test_consent_with_another_day_changes_nothing(self, rig: Rig) -> None:
        """An id that was copied from the wrong line does not end somebody's log-ins."""
        turn = await overlapping(rig)
        await rig.run(turn.rotation_id)
        foreign = rig.org.create_secret(rig.app_id)
        rig.calls()
        given = rig.consent(foreign.id)
        wrong = replace(given, made_on=given.made_on - timedelta(days=1))
        with pytest.raises(Refused, match="nothing was changed"):
            await retire_existing(rig.world, rig.admin, turn.rotation_id, wrong)
        assert {c["method"] for c in rig.calls()} == {"GET"}
        assert not (await newest(rig, turn.rotation_id)).open

    @pytest.mark.parametrize("blind", [False, True])
    async def test_secret_made_as_ours_was_asked_for_is_left_alone(
        self, rig: Rig, *, blind: bool
    ) -> None:
        """The System Log calls it somebody else's, or is silent: the turn blocks either way."""
        made = await settled(rig, CredentialKind.API_SERVICE_SECRET)
        routes = made.routes.all
        fault = rig.org.add_fault(Fault("error-before-effect", "POST", routes, status=503))
        with pytest.raises(KeyturnError):
            await made.begin()
        if blind:
            rig.org.add_fault(Fault("error-before-effect", route="/api/v1/logs", status=403))
        rig.clock.advance(0.5)
        foreign = rig.org.create_secret(made.app_id)
        blocked = (await rig.run(made.rotation_id)).blocked
        rig.org.remove_fault(fault)
        assert blocked
        assert blocked.reason is Reason.FOREIGN_SECRET
        assert f"--made {foreign.created_at:%Y-%m-%d}" in blocked.detail
        assert [c.status for c in made.living() if c.id == foreign.id] == ["ACTIVE"]


class TestWords:
    """What is said of a turn, and for how long."""

    @pytest.mark.parametrize("resumes", [resume_turn, rotate])
    async def test_emergency_that_was_blocked_is_one_still(
        self, rig: Rig, resumes: Callable[..., Awaitable[object]]
    ) -> None:
        """Who resumes it closes what has leaked; who asks for a plain turn has an overlap."""
        rotation_id = (await rig.rotation()).rotation.id
        foreign = rig.org.create_secret(rig.app_id)
        with pytest.raises(KeyturnError):
            await rotate(rig.world, rig.admin, rotation_id, emergency=True)
        assert (await newest(rig, rotation_id)).word is Word.AT_ONCE
        rig.org.deactivate_secret(rig.app_id, foreign.id)
        rig.org.delete_secret(rig.app_id, foreign.id)
        await resumes(rig.world, rig.admin, rotation_id)
        await rig.tick()
        there = Phase.SOAKING if resumes is resume_turn else Phase.OVERLAPPING
        assert (await newest(rig, rotation_id)).phase is there
        old = "INACTIVE" if resumes is resume_turn else "ACTIVE"
        assert [s["status"] for s in rig.living()] == [old, "ACTIVE"]

    async def test_operators_own_decision_is_no_failure(self, rig: Rig) -> None:
        """After a reinstatement by order, and an abort, the rotation tells of nothing wrong."""
        turn = await overlapping(rig)
        rig.clock.advance(300)
        await rig.tick()
        await reinstate_old(rig.world, rig.admin, turn.rotation_id)
        await rig.tick()
        assert (await view(rig.world, turn.rotation_id)).rotation.last_message is None

    async def test_aborted_turn_takes_its_message_along(self, rig: Rig) -> None:
        """What blocked a turn that was given up is no news any more."""
        rotation_id = (await rig.rotation()).rotation.id
        rig.org.create_secret(rig.app_id)
        with pytest.raises(KeyturnError):
            await rotate(rig.world, rig.admin, rotation_id)
        assert (await view(rig.world, rotation_id)).rotation.failed
        await abort_turn(rig.world, rig.admin, rotation_id)
        assert not (await view(rig.world, rotation_id)).rotation.failed

    async def test_who_finds_a_turn_under_way_is_told_how_to_cut_it_short(self, rig: Rig) -> None:
        """In an emergency nobody has to guess the command."""
        turn = await overlapping(rig)
        with pytest.raises(Refused, match="`keyturn turn finish-now --at-once` where"):
            await rotate(rig.world, rig.admin, turn.rotation_id, emergency=True)
