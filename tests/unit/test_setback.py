"""Where Okta has lost what readers are given: what is told, and what is served instead."""

from dataclasses import replace
from datetime import timedelta

import pytest
from turn_kit import APP, LATER, NEW, NOW, OLD, POLICY, decide, listed, turn

from keyturn.domain.errors import Refused
from keyturn.domain.evidence import Evidence
from keyturn.domain.ids import SecretHash
from keyturn.domain.okta import AuthMethod, Credential, CredentialKind, Probe, Status
from keyturn.domain.orders import aborted, falling_back, making_room, serves_what_is_lost
from keyturn.domain.setback import (
    DOUBTED,
    UNPROVED,
    blocked_for_loss,
    fall_back,
    is_served_and_active,
)
from keyturn.domain.sight import by_hash
from keyturn.domain.steps import Block, Do, Look, Seen, Sight, Wait, next_step
from keyturn.domain.turn import Act, Held, Phase, Policy, Reason, Turn, Word, blocked

OFF = listed(OLD, Status.INACTIVE)
REFUSED, ACCEPTED = Probe.REJECTED, Probe.ACCEPTED
UNSURE = Seen(credentials=(listed(OLD),), served=NEW.hash)
LOST = replace(UNSURE, new_probe=REFUSED, app=APP)
BOTH = Seen(credentials=(listed(OLD), listed(NEW)), served=NEW.hash)
WINDING_UP = [Phase.OVERLAPPING, Phase.RETIRED, Phase.SOAKING]
REPAIRING = replace(POLICY, repair=True)


def said(phase: Phase) -> Turn:
    """Make a turn that was told to serve the old secret again."""
    return turn(phase, word=Word.ABORT)


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (LOST, Reason.NEW_SECRET_LOST),
        (replace(LOST, credentials=(listed(NEW, Status.INACTIVE),)), Reason.NEW_SECRET_OFF),
        (replace(BOTH, served=SecretHash("x")), Reason.CONNECTION_CHANGED),
    ],
)
def test_what_became_of_the_new_secret_is_told(seen: Seen, reason: Reason) -> None:
    """Deleted, deactivated and replaced are three cases, and each says who must do what."""
    step = decide(turn(Phase.OVERLAPPING), seen, LATER)
    assert isinstance(step, Block)
    assert step.reason is reason
    assert "`keyturn turn abort`" in reason.value


@pytest.mark.parametrize("phase", WINDING_UP)
def test_old_secret_is_served_again_once_okta_accepts_it(phase: Phase) -> None:
    """Nothing is served that was not proved, here neither."""
    assert decide(said(phase)) == Look(Sight.CREDENTIALS)
    assert decide(said(phase), LOST) == Look(Sight.OLD_PROBE)
    step = decide(said(phase), replace(LOST, old_probe=ACCEPTED))
    assert isinstance(step, Do)
    assert (step.act, step.target) == (Act.FALL_BACK, None)
    assert step.why == (
        "Okta has lost client secret ocsnew, which readers were given; "
        "they are given the one before it again."
    )


@pytest.mark.parametrize("phase", WINDING_UP)
def test_old_secret_that_is_off_is_activated_first(phase: Phase) -> None:
    """The word stands until the old one is served."""
    step = decide(said(phase), replace(LOST, credentials=(OFF,)))
    assert isinstance(step, Do)
    assert (step.act, step.target, step.word) == (Act.REINSTATE, OLD.okta_id, Word.ABORT)
    assert "Okta has lost client secret ocsnew" in step.why


@pytest.mark.parametrize("phase", WINDING_UP)
def test_what_has_leaked_is_not_activated_again(phase: Phase) -> None:
    """It is served where it still works; else the turn makes way, or stops where it can only so."""
    told = turn(phase, word=Word.GIVE_WAY)
    step = decide(told, replace(LOST, old_probe=ACCEPTED))
    assert isinstance(step, Do)
    assert step.act is Act.FALL_BACK
    step = decide(told, replace(LOST, credentials=(OFF,)))
    assert isinstance(step, Do)
    assert step.act is Act.GIVE_WAY


@pytest.mark.parametrize("phase", [Phase.OVERLAPPING, Phase.SOAKING])
def test_repair_activates_nothing_that_has_leaked(phase: Phase) -> None:
    """An emergency of a rotation that mends drift by itself stops, and says what to do."""
    seen = replace(LOST, credentials=(OFF,), old_probe=REFUSED)
    step = next_step(turn(phase, word=Word.AT_ONCE), seen, REPAIRING, LATER)
    assert isinstance(step, Block)
    assert step.reason is Reason.NEW_SECRET_LOST
    assert "do NOT have it served again" in step.detail
    calm = next_step(turn(phase), replace(seen, evidence=Evidence()), REPAIRING, LATER)
    assert isinstance(calm, Do)
    assert calm.act is Act.REINSTATE


@pytest.mark.parametrize(
    ("old", "seen"),
    [
        (OLD, replace(LOST, credentials=(), old_probe=REFUSED)),
        (replace(OLD, version=None), LOST),
        (None, LOST),
        (OLD, replace(LOST, old_probe=REFUSED)),
    ],
    ids=["gone", "not ours to serve", "none", "refused"],
)
def test_turn_gives_way_where_nothing_can_be_served(old: Held | None, seen: Seen) -> None:
    """Where the old secret cannot help either, the next turn may begin."""
    step = decide(turn(Phase.SOAKING, old=old, word=Word.ABORT), seen)
    assert isinstance(step, Do)
    assert step.act is Act.GIVE_WAY
    assert "ocsnew" in step.why


def test_old_secret_that_no_list_shows_is_asked_for() -> None:
    """An empty list is no word on the old one either: nothing that works is destroyed for it."""
    empty = replace(LOST, credentials=())
    assert decide(said(Phase.OVERLAPPING), empty) == Look(Sight.OLD_PROBE)
    step = decide(said(Phase.OVERLAPPING), replace(empty, old_probe=ACCEPTED))
    assert isinstance(step, Do)
    assert step.act is Act.FALL_BACK


def test_what_was_to_be_retired_may_be_served_instead() -> None:
    """A stranger's secret is no way back by itself; its owner is told how it may be one."""
    of = turn(Phase.OVERLAPPING, old=replace(OLD, version=None), word=Word.ABORT)
    lost = "Okta has lost client secret ocsnew, which readers were given."
    adopt = "`keyturn rotation adopt-existing r ocsold` serves what was to be retired."
    assert decide(of, LOST) == Do(Act.GIVE_WAY, why=f"{lost} {adopt}")
    for gone in ((OFF,), ()):
        assert decide(of, replace(LOST, credentials=gone)) == Do(Act.GIVE_WAY, why=lost)
    none = f"{lost[:-1]}, and does not have the one before it either."
    assert decide(replace(of, old=None), LOST) == Do(Act.GIVE_WAY, why=none)
    unlisted = replace(of, kind=CredentialKind.CONNECTION_KEY)
    key = fall_back(unlisted, replace(LOST, credentials=None), NOW)
    assert key == Do(Act.GIVE_WAY, why=lost.replace("client secret", "client key"))


def test_new_secret_that_works_is_not_taken_back() -> None:
    """Somebody may have mended it since the word was given: then the turn goes on as it was."""
    assert decide(said(Phase.OVERLAPPING), BOTH) == Look(Sight.NEW_PROBE)
    works = replace(BOTH, new_probe=ACCEPTED, evidence=Evidence())
    assert fall_back(said(Phase.OVERLAPPING), works, NOW) is None
    assert isinstance(decide(said(Phase.OVERLAPPING), works), Wait)
    assert isinstance(decide(said(Phase.SOAKING), works), Wait)


def test_app_that_accepts_nobody_is_not_taken_for_a_loss() -> None:
    """Where the app is off, a listed secret is refused for that, and nothing is changed.

    Where it is not, list or probe is about to change: none that is ACTIVE is given up for that.
    """
    seen = replace(BOTH, new_probe=REFUSED)
    assert decide(said(Phase.SOAKING), seen) == Look(Sight.APP)
    step = decide(said(Phase.SOAKING), replace(seen, app=replace(APP, status=Status.INACTIVE)))
    assert isinstance(step, Block)
    assert step.reason is Reason.APP_INACTIVE
    wait = Wait(NOW + timedelta(seconds=1), UNPROVED, tried=True)
    assert decide(said(Phase.SOAKING), replace(seen, app=APP)) == wait


def test_old_key_of_a_connection_is_probed_whatever_a_list_says() -> None:
    """A call that activates it would have to be made with the key that Okta refuses."""
    of = replace(said(Phase.OVERLAPPING), kind=CredentialKind.CONNECTION_KEY)
    off = replace(LOST, credentials=(OFF, listed(NEW)))
    assert fall_back(of, off, NOW) == Look(Sight.OLD_PROBE)


@pytest.mark.parametrize("phase", [Phase.OVERLAPPING, Phase.SOAKING])
def test_repair_needs_no_word(phase: Phase) -> None:
    """A rotation that mends drift by itself serves the old secret again; no other does."""
    seen = replace(LOST, evidence=Evidence(), old_probe=ACCEPTED)
    step = next_step(turn(phase), seen, REPAIRING, LATER)
    assert isinstance(step, Do)
    assert step.act is Act.FALL_BACK
    assert isinstance(decide(turn(phase), seen, LATER), Block)


def test_refused_secret_that_is_listed_is_no_loss() -> None:
    """At the end of the soak a refusal is looked into before anybody is blamed."""
    seen = replace(BOTH, new_probe=REFUSED, evidence=Evidence())
    assert decide(turn(Phase.SOAKING), seen, LATER) == Look(Sight.APP)
    step = decide(turn(Phase.SOAKING), replace(seen, app=APP), LATER)
    assert step == Block(Reason.NEW_SECRET_REFUSED)


def test_reinstating_goes_on_to_serve_where_the_new_one_is_lost() -> None:
    """An active old secret helps no reader while readers are given a dead one."""
    of = turn(Phase.SOAKING, word=Word.REINSTATE)
    lost = replace(LOST, credentials=(OFF,))
    both = replace(BOTH, credentials=(OFF, listed(NEW)))
    assert decide(of, lost) == Do(Act.REINSTATE, OLD.okta_id, word=Word.ABORT)
    assert decide(of, both) == Do(Act.REINSTATE, OLD.okta_id)
    nothing = decide(of, replace(LOST, credentials=()))
    assert isinstance(nothing, Block)
    assert nothing.reason is Reason.NEW_SECRET_LOST


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (Seen(), Look(Sight.NEW_PROBE)),
        (Seen(new_probe=ACCEPTED, served=NEW.hash), None),
        (Seen(new_probe=REFUSED, served=NEW.hash), Look(Sight.OLD_PROBE)),
    ],
)
def test_key_of_a_connection_is_judged_without_a_list(seen: Seen, expected: object) -> None:
    """Keyturn cannot list while its own key is dead."""
    of = turn(Phase.OVERLAPPING, kind=CredentialKind.CONNECTION_KEY, word=Word.ABORT)
    assert fall_back(of, seen, NOW) == expected
    changed = fall_back(of, Seen(new_probe=ACCEPTED, served=SecretHash("x")), NOW)
    assert changed == Do(Act.GIVE_WAY, why="Something else is in use by now.")
    dead = fall_back(of, Seen(new_probe=REFUSED, old_probe=ACCEPTED, served=NEW.hash), NOW)
    assert isinstance(dead, Do)
    assert dead.act is Act.FALL_BACK


def test_key_that_is_lost_is_told_though_the_app_cannot_be_seen() -> None:
    """Without its key Keyturn cannot look at the app; with neither key it has to ask for it."""
    of = turn(Phase.OVERLAPPING, kind=CredentialKind.CONNECTION_KEY)
    lost = Seen(credentials=(listed(OLD),), served=NEW.hash, new_probe=REFUSED)
    step = decide(of, lost, LATER)
    assert isinstance(step, Block)
    assert step.reason is Reason.NEW_SECRET_LOST
    neither = replace(lost, old_probe=REFUSED)
    assert fall_back(replace(of, word=Word.ABORT), neither, NOW) == Look(Sight.APP)


def test_secret_that_is_listed_and_off_is_lost() -> None:
    """Where Okta refuses it and its list says why, nothing is waited for."""
    off = replace(LOST, credentials=(listed(OLD), listed(NEW, Status.INACTIVE)))
    assert decide(said(Phase.SOAKING), off) == Look(Sight.OLD_PROBE)


def test_same_value_under_another_id_is_no_loss() -> None:
    """Readers' value works: by which id Okta calls it is no matter."""
    again = Credential(listed(OLD).id, NEW.hash, Status.ACTIVE, NOW)
    seen = Seen(credentials=(listed(OLD), again), served=NEW.hash)
    assert isinstance(decide(turn(Phase.OVERLAPPING), seen, LATER), Do)


def test_order_is_for_what_is_served() -> None:
    """Only a turn that serves its secret can lose it; a blocked one goes on for it."""
    stuck = blocked(turn(Phase.SOAKING), Reason.NEW_SECRET_LOST, "", NOW)
    assert serves_what_is_lost(stuck)
    assert not serves_what_is_lost(blocked(turn(Phase.SOAKING), Reason.CALL_REFUSED, "", NOW))
    assert falling_back(stuck, LATER) == falling_back(stuck, LATER, leaked=False)
    for leaked, word in ((False, Word.ABORT), (True, Word.GIVE_WAY)):
        after = falling_back(stuck, LATER, leaked=leaked)
        assert (after.phase, after.word, after.blocked) == (Phase.SOAKING, word, None)
    with pytest.raises(Refused, match=r": it serves nothing that could be lost\. "):
        falling_back(turn(Phase.ISSUED), NOW)
    with pytest.raises(Refused, match="so it stays"):
        aborted(stuck, NOW)


def test_word_that_was_not_heeded_leaves_room_for_the_next_turn() -> None:
    """A loss that was mended before it was seen does not keep two secrets for ever."""
    assert making_room(said(Phase.OVERLAPPING), NOW).word is Word.FINISH


DOUBTFUL = [(), (listed(OLD),), (listed(OLD), listed(NEW, Status.INACTIVE))]


@pytest.mark.parametrize("listed_now", DOUBTFUL, ids=["empty", "without it", "off"])
@pytest.mark.parametrize("policy", [POLICY, REPAIRING], ids=["told", "mended"])
def test_no_list_is_believed_while_okta_accepts_what_is_served(
    listed_now: tuple[Credential, ...], policy: Policy
) -> None:
    """It may be old, or empty for want of a role: nothing that works is given up for it."""
    seen = replace(UNSURE, credentials=listed_now)
    works = replace(seen, new_probe=ACCEPTED)
    wait = Wait(LATER + timedelta(seconds=2), DOUBTED, doubted=True)
    of = turn(Phase.OVERLAPPING, doubts=1)
    assert next_step(of, seen, policy, LATER) == Look(Sight.NEW_PROBE)
    assert next_step(of, works, policy, LATER) == wait
    back = turn(Phase.SOAKING, word=Word.REINSTATE, old=None, doubts=1)
    assert next_step(back, works, policy, LATER) == wait
    assert isinstance(next_step(said(Phase.OVERLAPPING), works, policy, NOW), Wait)


@pytest.mark.parametrize("phase", [Phase.OVERLAPPING, Phase.SOAKING])
def test_app_that_has_switched_is_no_loss_of_ours(phase: Phase) -> None:
    """Okta deletes the client secrets of an app that is switched to keys: its owner must act."""
    seen = replace(LOST, credentials=(), evidence=Evidence(), app=None)
    assert decide(turn(phase), seen, LATER) == Look(Sight.APP)
    assert decide(said(phase), seen, LATER) == Look(Sight.APP)
    keys = replace(APP, auth_method=AuthMethod.PRIVATE_KEY_JWT)
    for of in (turn(phase), said(phase)):
        step = decide(of, replace(seen, app=keys), LATER)
        assert isinstance(step, Block)
        assert step.reason is Reason.NO_SECRET_USED


def test_what_nobody_has_looked_at_is_not_there() -> None:
    """Without Okta's list no credential counts as ACTIVE."""
    unseen = Seen(served=NEW.hash)
    assert not is_served_and_active(turn(Phase.OVERLAPPING), unseen)
    assert blocked_for_loss(turn(Phase.OVERLAPPING), unseen).reason is Reason.NEW_SECRET_LOST


def test_only_what_was_served_can_be_lost() -> None:
    """A turn without a new credential has no setback."""
    with pytest.raises(ValueError, match=r"^a turn that is overlapping has a new credential$"):
        fall_back(turn(Phase.OVERLAPPING, new=None), LOST, NOW)


def test_of_two_credentials_of_one_value_the_active_one_counts() -> None:
    """Okta accepts the value whichever of the two it looks at."""
    off, active = listed(NEW, Status.INACTIVE), replace(listed(NEW), id=listed(OLD).id)
    assert by_hash((off, active), NEW.hash) == active
    assert by_hash((off,), NEW.hash) == off
