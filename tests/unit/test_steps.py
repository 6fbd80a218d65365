"""What a turn does next until the new secret is served: one test a guard, by what it prevents."""

from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest
from turn_kit import APP, FOREIGN, LATER, NEW, NOW, OLD, POLICY, POSTED, decide, listed, turn

from keyturn.domain.evidence import Evidence
from keyturn.domain.failures import DOUBT_TRIES
from keyturn.domain.ids import CredentialId, SecretHash
from keyturn.domain.okta import AuthMethod, Credential, CredentialKind, Probe, Status
from keyturn.domain.setback import DOUBTED
from keyturn.domain.steps import (
    GUARDS,
    LONG_WAIT,
    UNANSWERED,
    UNLISTED,
    Block,
    Do,
    Look,
    Seen,
    Sight,
    Wait,
    backoff,
    legal,
    next_step,
)
from keyturn.domain.steps import LATE as LATE_CALL
from keyturn.domain.turn import MOVES, SETTLED, Act, Phase, Posted, Reason, Word


class TestPlanned:
    """Before anything is written."""

    def test_looks_at_oktas_list_first(self) -> None:
        """Nothing is written before Okta's list has been seen."""
        assert decide(turn(Phase.PLANNED)) == Look(Sight.CREDENTIALS)

    def test_foreign_second_secret_blocks_and_is_named(self) -> None:
        """A foreign secret in the second place stops the turn and is named with its id."""
        step = decide(turn(Phase.PLANNED), Seen(credentials=(listed(OLD), FOREIGN)))
        assert isinstance(step, Block)
        assert step.reason is Reason.FOREIGN_SECRET
        assert "ocsforeign" in step.detail
        assert "ocsold" not in step.detail

    def test_secret_of_unknown_value_is_not_probed(self) -> None:
        """An old secret whose value is not ours to serve proves nothing: the app is read."""
        of = turn(Phase.PLANNED, old=replace(OLD, version=None))
        assert decide(of, Seen(credentials=(listed(OLD),))) == Look(Sight.APP)

    def test_probes_the_served_secret(self) -> None:
        """A probe of the served secret tells more cheaply than a read that the app is fit."""
        assert decide(turn(Phase.PLANNED), Seen(credentials=(listed(OLD),))) == Look(
            Sight.OLD_PROBE
        )

    def test_writes_once_the_served_secret_is_accepted(self) -> None:
        """An app that accepts the served secret is fit for a turn."""
        seen = Seen(credentials=(listed(OLD),), old_probe=Probe.ACCEPTED)
        assert decide(turn(Phase.PLANNED), seen) == Do(Act.WRITE)

    def test_dead_served_secret_is_repaired_by_the_turn(self) -> None:
        """A served secret that Okta refuses does not stop the turn that replaces it."""
        seen = Seen(credentials=(), old_probe=Probe.REJECTED)
        assert decide(turn(Phase.PLANNED), seen) == Look(Sight.APP)
        assert decide(turn(Phase.PLANNED), replace(seen, app=APP)) == Do(Act.WRITE)

    @pytest.mark.parametrize(
        ("seen", "reason"),
        [
            (Seen(app_gone=True), Reason.APP_GONE),
            (Seen(app=replace(APP, status=Status.INACTIVE)), Reason.APP_INACTIVE),
            (
                Seen(app=replace(APP, auth_method=AuthMethod.PRIVATE_KEY_JWT)),
                Reason.NO_SECRET_USED,
            ),
        ],
    )
    def test_unfit_app_blocks(self, seen: Seen, reason: Reason) -> None:
        """An app that is gone, inactive or without use for a secret stops the turn."""
        seen = replace(seen, credentials=(), old_probe=Probe.REJECTED)
        step = decide(turn(Phase.PLANNED), seen)
        assert isinstance(step, Block)
        assert step.reason is reason

    def test_app_is_read_where_no_value_can_be_probed(self) -> None:
        """A first turn has no served value to probe, so the app itself is looked at."""
        first = turn(Phase.PLANNED, old=None)
        assert decide(first, Seen(credentials=())) == Look(Sight.APP)


def test_key_that_its_connection_uses_no_more_is_not_followed_by_another() -> None:
    """Somebody has given the connection a key since the last turn: nothing is added at Okta."""
    of = turn(Phase.PLANNED, kind=CredentialKind.CONNECTION_KEY)
    seen = Seen(credentials=(listed(OLD),), served=SecretHash("other"))
    assert decide(of, seen) == Block(Reason.CONNECTION_CHANGED)
    assert decide(of, replace(seen, served=OLD.hash)) == Look(Sight.OLD_PROBE)
    assert decide(replace(of, old=None), seen) != Block(Reason.CONNECTION_CHANGED)
    assert decide(turn(Phase.PLANNED), seen) == Look(Sight.OLD_PROBE)


class TestWritten:
    """Once the value is stored, and Okta may or may not have it."""

    def test_issues_what_was_never_sent(self) -> None:
        """A value that was never sent is sent without another look."""
        assert decide(turn(Phase.WRITTEN)) == Do(Act.ISSUE)

    def test_lists_before_sending_twice(self) -> None:
        """A value that may have been sent is looked for before it is sent again."""
        assert decide(turn(Phase.WRITTEN, posted=POSTED)) == Look(Sight.CREDENTIALS)

    def test_adopts_by_hash_after_a_lost_answer(self) -> None:
        """The hash recognises our value in Okta's list."""
        seen = Seen(credentials=(listed(OLD), listed(NEW)))
        posted = turn(Phase.WRITTEN, posted=POSTED)
        assert decide(posted, seen) == Do(Act.ADOPT, CredentialId("ocsnew"))

    def test_sends_the_same_value_again_if_okta_lacks_it(self) -> None:
        """A value that never arrived is sent again."""
        seen = Seen(credentials=(listed(OLD),))
        assert decide(turn(Phase.WRITTEN, posted=POSTED), seen) == Do(Act.ISSUE)

    def test_waits_for_a_call_that_may_still_add_it_where_there_is_room_for_both(self) -> None:
        """Nothing else at Okta would keep it from being added twice; a key's name would."""
        of = turn(Phase.WRITTEN, posted=POSTED, old=None)
        unknown = Seen(credentials=(), new_probe=Probe.REJECTED)
        settled = NOW + SETTLED
        assert decide(of, unknown, settled - timedelta(seconds=1)) == Wait(settled, UNANSWERED)
        assert decide(of, unknown, settled) == Do(Act.ISSUE)
        key = replace(of, kind=CredentialKind.CLIENT_KEY)
        assert decide(key, Seen(credentials=())) == Do(Act.ISSUE)

    def test_believes_no_empty_list_while_okta_accepts_what_it_should_show(self) -> None:
        """A list is empty also for a caller whose role does not reach the app: nothing is added."""
        of, later = turn(Phase.WRITTEN, posted=POSTED), NOW + SETTLED
        assert decide(of, Seen(credentials=()), later) == Look(Sight.NEW_PROBE)
        known = Seen(credentials=(), new_probe=Probe.ACCEPTED)
        again = Wait(later + timedelta(seconds=1), UNLISTED, doubted=True)
        assert decide(of, known, later) == again

    def test_foreign_secret_that_came_first_blocks(self) -> None:
        """Somebody else took the second place in between."""
        step = decide(turn(Phase.WRITTEN, posted=POSTED), Seen(credentials=(listed(OLD), FOREIGN)))
        assert isinstance(step, Block)
        assert step.reason is Reason.FOREIGN_SECRET


class TestIssued:
    """Okta has the new secret; readers do not."""

    def test_is_proved_before_it_is_served(self) -> None:
        """The only way on is a probe that Okta accepts."""
        assert decide(turn(Phase.ISSUED, posted=POSTED)) == Look(Sight.NEW_PROBE)
        assert decide(turn(Phase.ISSUED, posted=POSTED), Seen(new_probe=Probe.ACCEPTED)) == Do(
            Act.VERIFY
        )

    def test_waits_for_propagation(self) -> None:
        """A refusal within the time of patience is taken for propagation."""
        step = decide(turn(Phase.ISSUED, attempts=2), Seen(new_probe=Probe.REJECTED))
        assert step == Wait(NOW + backoff(2), tried=True)

    def test_is_withdrawn_after_patience_ends(self) -> None:
        """A secret that is never accepted is deactivated, then deleted."""
        seen = Seen(new_probe=Probe.REJECTED)
        assert decide(turn(Phase.ISSUED, posted=POSTED), seen, LATER) == Look(Sight.APP)
        seen = replace(seen, app=APP)
        assert decide(turn(Phase.ISSUED, posted=POSTED), seen, LATER) == Look(Sight.CREDENTIALS)
        both = replace(seen, credentials=(listed(OLD), listed(NEW)))
        assert decide(turn(Phase.ISSUED, posted=POSTED), both, LATER) == Do(
            Act.WITHDRAW, NEW.okta_id
        )
        off = replace(seen, credentials=(listed(OLD), listed(NEW, Status.INACTIVE)))
        assert decide(turn(Phase.ISSUED, posted=POSTED), off, LATER) == Do(
            Act.ROLL_BACK, NEW.okta_id
        )
        gone = replace(seen, credentials=(listed(OLD),))
        assert decide(turn(Phase.ISSUED, posted=POSTED), gone, LATER) == Do(
            Act.ROLL_BACK, NEW.okta_id
        )

    def test_patience_ends_on_time(self) -> None:
        """At the last second of patience the turn waits; then it looks why it is refused."""
        seen, ends_at = Seen(new_probe=Probe.REJECTED), NOW + timedelta(seconds=POLICY.patience_s)
        of = turn(Phase.ISSUED, posted=POSTED)
        assert isinstance(decide(of, seen, ends_at - timedelta(seconds=1)), Wait)
        assert decide(of, seen, ends_at) == Look(Sight.APP)

    def test_unfit_app_is_told_from_a_refused_secret(self) -> None:
        """A new secret that an inactive app cannot use is not blamed on the secret."""
        seen = Seen(new_probe=Probe.REJECTED, app=replace(APP, status=Status.INACTIVE))
        step = decide(turn(Phase.ISSUED, posted=POSTED), seen, LATER)
        assert isinstance(step, Block)
        assert step.reason is Reason.APP_INACTIVE

    def test_withdrawn_secret_is_never_verified(self) -> None:
        """What Okta was once asked to deactivate is not served, whatever a probe says."""
        seen = Seen(new_probe=Probe.ACCEPTED, credentials=(listed(OLD), listed(NEW)))
        assert decide(turn(Phase.ISSUED, posted=POSTED, withdrawn_at=NOW), seen) == Do(
            Act.WITHDRAW, NEW.okta_id
        )

    def test_last_active_secret_is_never_withdrawn(self) -> None:
        """Where no other secret is ACTIVE, nothing is taken away."""
        seen = Seen(
            new_probe=Probe.REJECTED,
            app=APP,
            credentials=(listed(OLD, Status.INACTIVE), listed(NEW)),
        )
        step = decide(turn(Phase.ISSUED, posted=POSTED), seen, LATER)
        assert step == Block(Reason.NEW_SECRET_REFUSED)
        aborted = turn(Phase.ISSUED, posted=POSTED, withdrawn_at=NOW)
        assert decide(aborted, seen) == Block(Reason.NEW_SECRET_ONLY)

    def test_adopted_secret_is_not_taken_back(self) -> None:
        """What Keyturn never added is somebody else's: the turn stops and says so."""
        seen = Seen(credentials=(listed(OLD), listed(NEW)), new_probe=Probe.REJECTED, app=APP)
        assert decide(turn(Phase.ISSUED), seen, LATER) == Block(Reason.ADOPTED_REFUSED)


class TestVerified:
    """Okta has accepted the new secret; readers do not have it yet."""

    def test_is_served_on_a_fresh_word_only(self) -> None:
        """A process that was away asks Okta once more, and goes back if the answer has changed."""
        assert decide(turn(Phase.VERIFIED)) == Look(Sight.NEW_PROBE)
        accepted = Seen(new_probe=Probe.ACCEPTED)
        assert decide(turn(Phase.VERIFIED), accepted) == Do(Act.PROMOTE)
        refused_now = Seen(new_probe=Probe.REJECTED)
        assert decide(turn(Phase.VERIFIED), refused_now) == Do(Act.DOUBT)


class TestPromoted:
    """Readers have the new secret."""

    def test_undelivered_destination_holds_the_turn(self) -> None:
        """Nothing goes on while a destination does not have the new version."""
        lacking = Seen(unconfirmed=("vault", "cluster"))
        why = "destinations that have not confirmed the new version (vault, cluster)"
        wait = Wait(NOW + backoff(2), why, tried=True)
        assert decide(turn(Phase.PROMOTED, attempts=2), lacking) == wait
        for word in (Word.AT_ONCE, Word.FINISH):
            assert decide(turn(Phase.PROMOTED, word=word), lacking) == Do(Act.DELIVER)
        assert decide(turn(Phase.PROMOTED)) == Do(Act.DELIVER)

    def test_a_list_that_cannot_be_right_is_looked_at_again(self) -> None:
        """Nobody is blamed for what Okta accepts."""
        unlisted = Seen(unconfirmed=("crm",), credentials=(listed(OLD),), served=NEW.hash)
        works = replace(unlisted, new_probe=Probe.ACCEPTED)
        again = Wait(LATER + timedelta(seconds=1), DOUBTED, doubted=True)
        assert decide(turn(Phase.PROMOTED), works, LATER) == again

    @pytest.mark.parametrize("word", [Word.ABORT, Word.GIVE_WAY])
    def test_whoever_takes_back_has_not_said_that_nobody_is_waited_for(self, word: Word) -> None:
        """Where the new one works after all, the destinations get it before the old one goes."""
        of = turn(Phase.PROMOTED, word=word, attempts=2)
        lacking = Seen(unconfirmed=("vault",), credentials=(listed(OLD),), served=NEW.hash)
        assert decide(of, lacking) == Look(Sight.NEW_PROBE)
        works = decide(of, replace(lacking, new_probe=Probe.ACCEPTED))
        assert isinstance(works, Wait)
        assert "vault" in works.why
        lost = replace(lacking, new_probe=Probe.REJECTED, app=APP, old_probe=Probe.ACCEPTED)
        step = decide(of, lost)
        assert isinstance(step, Do)
        assert step.act is Act.FALL_BACK

    def test_a_long_wait_asks_whether_the_new_one_is_still_there(self) -> None:
        """What Okta has lost nobody can ever prove; a short wait costs no call."""
        lacking, of = Seen(unconfirmed=("crm",)), turn(Phase.PROMOTED)
        almost = NOW + LONG_WAIT - timedelta(seconds=1)
        assert isinstance(decide(of, lacking, almost), Wait)
        assert decide(of, lacking, NOW + LONG_WAIT) == Look(Sight.CREDENTIALS)

    def test_what_is_still_served_and_taken_is_waited_for(self) -> None:
        """Okta's list is no reason to go on without those who lack what is served."""
        both = (listed(OLD), listed(NEW))
        there = Seen(unconfirmed=("crm",), credentials=both, served=NEW.hash)
        assert isinstance(decide(turn(Phase.PROMOTED), there, LATER), Wait)

    def test_what_okta_has_lost_meanwhile_is_not_waited_for(self) -> None:
        """Without a policy of repair the turn stops, loudly."""
        off = (listed(OLD), listed(NEW, Status.INACTIVE))
        unsure = Seen(unconfirmed=("crm",), credentials=off, served=NEW.hash)
        assert decide(turn(Phase.PROMOTED), unsure, LATER) == Look(Sight.NEW_PROBE)
        lost = replace(unsure, new_probe=Probe.REJECTED, app=APP)
        step = decide(turn(Phase.PROMOTED), lost, LATER)
        assert isinstance(step, Block)
        assert step.reason is Reason.NEW_SECRET_OFF

    @pytest.mark.parametrize(
        ("old", "act"),
        [
            ((listed(OLD),), Act.FALL_BACK),
            ((listed(OLD, Status.INACTIVE),), Act.REINSTATE),
            ((), Act.GIVE_WAY),
        ],
    )
    def test_what_okta_has_lost_meanwhile_is_mended(
        self, old: tuple[Credential, ...], act: Act
    ) -> None:
        """Where the policy is to repair, the old one is served again if Okta has it still."""
        unsure = Seen(unconfirmed=("crm",), credentials=old, served=NEW.hash, app=APP)
        told = Probe.ACCEPTED if old else Probe.REJECTED
        lost = replace(unsure, new_probe=Probe.REJECTED, old_probe=told)
        mending = replace(POLICY, repair=True)
        step = next_step(turn(Phase.PROMOTED), lost, mending, LATER)
        assert isinstance(step, Do)
        assert step.act is act

    def test_what_is_lost_early_is_found_by_a_long_wait(self) -> None:
        """Before that nothing is decided by the list."""
        lost = Seen(unconfirmed=("crm",), credentials=(listed(OLD),), served=NEW.hash)
        assert isinstance(decide(turn(Phase.PROMOTED), lost), Wait)


class TestAborted:
    """Somebody has decided that the new secret shall not be."""

    def test_nothing_new_is_posted_and_what_arrived_is_found(self) -> None:
        """A value that Okta has after all is adopted, so that it can be taken back by its id."""
        of = turn(Phase.WRITTEN, posted=POSTED, withdrawn_at=NOW)
        assert decide(of) == Look(Sight.CREDENTIALS)
        assert decide(of, Seen(credentials=(listed(OLD), listed(NEW)))) == Do(
            Act.ADOPT, NEW.okta_id
        )

    def test_a_call_under_way_is_waited_for(self) -> None:
        """The turn ends only when an addition can no longer arrive."""
        of, seen = (
            turn(Phase.WRITTEN, posted=POSTED, withdrawn_at=NOW),
            Seen(credentials=(listed(OLD),)),
        )
        settled_at = NOW + SETTLED
        assert decide(of, seen, settled_at - timedelta(seconds=1)) == Wait(settled_at, LATE_CALL)
        assert decide(of, seen, settled_at) == Look(Sight.NEW_PROBE)
        refused = replace(seen, new_probe=Probe.REJECTED)
        assert decide(of, refused, settled_at) == Do(Act.ROLL_BACK)

    @pytest.mark.parametrize("listed_now", [(), (listed(OLD),)])
    def test_what_okta_accepts_is_not_given_up(self, listed_now: tuple[Credential, ...]) -> None:
        """A list that does not show it may be old; one that never does is for people."""
        of = turn(Phase.WRITTEN, posted=POSTED, withdrawn_at=NOW)
        seen = Seen(credentials=listed_now, new_probe=Probe.ACCEPTED)
        again = Wait(LATER + timedelta(seconds=1), UNLISTED, doubted=True)
        assert decide(of, seen, LATER) == again
        last = replace(of, doubts=DOUBT_TRIES - 1)
        assert isinstance(decide(last, seen, LATER), Wait)
        step = decide(replace(of, doubts=DOUBT_TRIES), seen, LATER)
        assert isinstance(step, Block)
        assert step.reason is Reason.ACCESS_REFUSED
        assert step.detail == (
            "Okta accepts the new client secret, and its list does not show it as ACTIVE. "
            "Does the connection's role reach the app?"
        )

    @pytest.mark.parametrize("listed_now", [(), (listed(NEW, Status.INACTIVE),)])
    def test_place_is_kept_while_a_call_may_still_add_it_again(
        self, listed_now: tuple[Credential, ...]
    ) -> None:
        """A call without an answer that arrives late finds no room for what was taken back."""
        of = turn(Phase.ISSUED, posted=Posted(NOW, unsure_at=NOW), withdrawn_at=NOW)
        seen = Seen(credentials=(listed(OLD), *listed_now))
        settled = NOW + SETTLED
        early = decide(of, seen, settled - timedelta(seconds=1))
        assert early == Wait(settled, UNANSWERED)
        assert decide(of, seen, settled) == Do(Act.ROLL_BACK, NEW.okta_id)
        answered = replace(of, posted=Posted(NOW))
        assert decide(answered, seen, NOW) == Do(Act.ROLL_BACK, NEW.okta_id)

    def test_verified_secret_is_not_promoted(self) -> None:
        """What Okta accepted goes back to be taken away."""
        seen = Seen(new_probe=Probe.ACCEPTED)
        assert decide(turn(Phase.VERIFIED, withdrawn_at=NOW), seen) == Do(Act.DOUBT)


@pytest.mark.parametrize(
    ("phase", "act"),
    [
        (Phase.DELIVERED, Act.OVERLAP),
        (Phase.RETIRED, Act.SOAK),
    ],
)
def test_phases_with_one_way_on(phase: Phase, act: Act) -> None:
    """Some phases need nothing more than to be recorded."""
    assert decide(turn(phase)) == Do(act)


@pytest.mark.parametrize("phase", [Phase.FINISHED, Phase.ROLLED_BACK, Phase.BLOCKED])
def test_no_step_follows_an_end(phase: Phase) -> None:
    """Asking an ended or blocked turn for its next step is a defect of whoever asks."""
    assert phase not in GUARDS
    with pytest.raises(ValueError, match="no next step"):
        decide(turn(phase))


def test_turn_without_a_new_credential_is_a_defect() -> None:
    """From the moment that the value is written a turn has a new credential."""
    of = turn(Phase.ISSUED, new=None, posted=POSTED, withdrawn_at=NOW)
    with pytest.raises(ValueError, match=r"^a turn that is issued has a new credential$"):
        decide(of, Seen(credentials=(listed(OLD),)))


def test_illegal_move_is_never_begun() -> None:
    """A guard that were wrong is stopped before anything is done at Okta."""
    assert legal(Do(Act.DELETE), Phase.SOAKING) == Do(Act.DELETE)
    with pytest.raises(ValueError, match=r"^delete is no move of a turn that is overlapping$"):
        legal(Do(Act.DELETE), Phase.OVERLAPPING)


@pytest.mark.parametrize("phase", GUARDS)
def test_every_step_is_a_legal_move(phase: Phase) -> None:
    """Whatever was seen, no guard decides what the table of moves does not hold."""
    listings = ((), (listed(OLD),), (listed(OLD), listed(NEW)), (listed(OLD), FOREIGN))
    every = product((OLD, None), (None, *Word), (None, NOW), listings, Probe, (NOW, LATER))
    for old, word, withdrawn_at, listing, new_probe, now in every:
        of = turn(phase, old=old, word=word, withdrawn_at=withdrawn_at, posted=POSTED)
        seen = Seen(
            served=NEW.hash,
            credentials=listing,
            app=APP,
            old_probe=Probe.REJECTED,
            new_probe=new_probe,
            evidence=Evidence(),
        )
        step = decide(of, seen, now)
        assert not isinstance(step, Do) or step.act in MOVES[phase]
