"""What a turn does next: one test a guard, named after what it prevents."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from keyturn.domain.errors import OktaAnswer, OktaRefused, OktaThrottled, OktaUnreachable
from keyturn.domain.evidence import Evidence, LogSight, Use
from keyturn.domain.ids import (
    AppId,
    ClientId,
    CredentialId,
    RotationId,
    SecretHash,
    TurnId,
    VersionNo,
)
from keyturn.domain.okta import App, AuthMethod, Credential, Probe, Status
from keyturn.domain.steps import (
    GUARDS,
    SOAK,
    Block,
    Do,
    Look,
    Seen,
    Sight,
    Step,
    Wait,
    after_failure,
    backoff,
    next_step,
)
from keyturn.domain.turn import (
    SETTLED,
    Act,
    Held,
    Opened,
    Overlap,
    Phase,
    Policy,
    Posted,
    Reason,
    Trigger,
    Turn,
    Word,
)

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
POSTED = Posted(NOW, NOW)
LATER = NOW + timedelta(days=1)
POLICY = Policy(overlap_s=300, soak_s=3600, patience_s=600)
OLD = Held(SecretHash("old"), CredentialId("ocsold"), VersionNo(1))
NEW = Held(SecretHash("new"), CredentialId("ocsnew"), VersionNo(2))
APP = App(AppId("0oa1"), ClientId("0oa1"), "app", Status.ACTIVE, AuthMethod.CLIENT_SECRET_BASIC)


def listed(held: Held, status: Status = Status.ACTIVE) -> Credential:
    """Make what Okta lists for a secret of the turn."""
    return Credential(CredentialId(held.okta_id or "?"), held.hash, status, NOW)


FOREIGN = Credential(CredentialId("ocsforeign"), SecretHash("foreign"), Status.ACTIVE, NOW)


def turn(phase: Phase, **changes: Any) -> Turn:  # noqa: ANN401  fields of Turn
    """Make a turn in a phase."""
    plain = Turn(
        TurnId("t"), RotationId("r"), AppId("0oa1"), Trigger.MANUAL, phase, NOW, NOW, NOW, OLD, NEW
    )
    return replace(plain, **changes)


def decide(of: Turn, seen: Seen | None = None, now: datetime = NOW) -> Step:
    """Ask for the next step."""
    return next_step(of, seen or Seen(), POLICY, now)


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
        assert step == Wait(NOW + backoff(2))

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

    def test_adopted_secret_is_not_taken_back(self) -> None:
        """What Keyturn never added is somebody else's: the turn stops and says so."""
        seen = Seen(credentials=(listed(OLD), listed(NEW)), new_probe=Probe.REJECTED, app=APP)
        step = decide(turn(Phase.ISSUED), seen, LATER)
        assert isinstance(step, Block)
        assert step.reason is Reason.NEW_SECRET_REFUSED


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
        assert isinstance(decide(turn(Phase.PROMOTED), Seen(unconfirmed=("vault",))), Wait)
        assert decide(turn(Phase.PROMOTED)) == Do(Act.DELIVER)


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
        assert decide(of, seen, settled_at - timedelta(seconds=1)) == Wait(settled_at)
        assert decide(of, seen, settled_at) == Do(Act.ROLL_BACK)

    def test_verified_secret_is_not_promoted(self) -> None:
        """What Okta accepted goes back to be taken away."""
        seen = Seen(new_probe=Probe.ACCEPTED)
        assert decide(turn(Phase.VERIFIED, withdrawn_at=NOW), seen) == Do(Act.DOUBT)


class TestOverlapping:
    """Both secrets work."""

    SEEN = Seen(credentials=(listed(OLD), listed(NEW)), served=NEW.hash)

    def test_gate_stays_shut_for_the_overlap(self) -> None:
        """The old secret is not even looked at before the overlap is over."""
        gate_at = NOW + timedelta(seconds=POLICY.overlap_s)
        waiting = decide(turn(Phase.OVERLAPPING), self.SEEN, gate_at - timedelta(seconds=1))
        assert isinstance(waiting, Wait)
        assert waiting.until == gate_at
        assert "overlap" in waiting.why
        assert decide(turn(Phase.OVERLAPPING), Seen(), gate_at) == Look(Sight.CREDENTIALS)

    def test_retires_the_recorded_old_secret(self) -> None:
        """What is retired is the secret whose id and hash were recorded."""
        step = decide(turn(Phase.OVERLAPPING), self.SEEN, LATER)
        assert step == Do(Act.RETIRE, CredentialId("ocsold"), Opened.TIME)

    @pytest.mark.parametrize(
        "seen",
        [
            replace(SEEN, credentials=(listed(OLD),)),
            replace(SEEN, credentials=(listed(OLD), listed(NEW, Status.INACTIVE))),
            replace(SEEN, served=OLD.hash),
            replace(SEEN, credentials=(listed(OLD), replace(listed(NEW), hash=SecretHash("x")))),
        ],
        ids=["gone", "inactive", "not served", "changed"],
    )
    def test_new_secret_must_work_and_be_served(self, seen: Seen) -> None:
        """The old secret stays where the new one is not ACTIVE, ours and served."""
        step = decide(turn(Phase.OVERLAPPING), seen, LATER)
        assert isinstance(step, Block)
        assert step.reason is Reason.NEW_SECRET_LOST

    def test_old_id_with_another_hash_is_not_retired(self) -> None:
        """A recorded id that carries another hash is not our old secret."""
        swapped = replace(listed(OLD), hash=SecretHash("other"))
        step = decide(
            turn(Phase.OVERLAPPING), replace(self.SEEN, credentials=(swapped, listed(NEW))), LATER
        )
        assert isinstance(step, Block)
        assert step.reason is Reason.FOREIGN_SECRET

    @pytest.mark.parametrize("others", [(), (listed(OLD, Status.INACTIVE),)])
    def test_old_secret_that_is_out_already_needs_no_call(
        self, others: tuple[Credential, ...]
    ) -> None:
        """An old secret that somebody removed or deactivated is retired without a call."""
        seen = replace(self.SEEN, credentials=(*others, listed(NEW)))
        assert decide(turn(Phase.OVERLAPPING), seen, LATER) == Do(Act.RETIRE, opened=Opened.TIME)

    def test_looks_for_evidence_where_the_policy_asks_for_it(self) -> None:
        """Our own records are asked before Okta's log is, and both before Okta's list."""
        policy, of = replace(POLICY, overlap=Overlap.EVIDENCE, log=True), turn(Phase.OVERLAPPING)
        assert next_step(of, Seen(), policy, LATER) == Look(Sight.EVIDENCE)
        seen = Seen(evidence=Evidence())
        assert next_step(of, seen, policy, LATER) == Look(Sight.LOG)
        seen = replace(seen, log=LogSight())
        assert next_step(of, seen, policy, LATER) == Look(Sight.CREDENTIALS)

    def test_old_secret_in_use_at_the_backstop_blocks(self) -> None:
        """One that had to be reinstated is not retired again because time has passed."""
        of, much_later = turn(Phase.OVERLAPPING, reinstated=1), NOW + timedelta(days=30)
        step = decide(of, self.SEEN, much_later)
        assert isinstance(step, Block)
        assert step.reason is Reason.OLD_SECRET_USED

    def test_turn_without_an_old_secret_ends(self) -> None:
        """A first managed secret has none to retire; what is foreign stays."""
        assert decide(turn(Phase.OVERLAPPING, old=None)) == Do(Act.FINISH)


class TestSoaking:
    """The old secret is off and can still come back."""

    CLEAN = Seen(evidence=Evidence(), new_probe=Probe.ACCEPTED)
    OVER_AT = NOW + timedelta(seconds=POLICY.soak_s)

    def test_nothing_is_deleted_before_the_soak_is_over(self) -> None:
        """Deleting waits for the whole soak, with a look now and then."""
        just_before = self.OVER_AT - timedelta(seconds=1)
        assert decide(turn(Phase.SOAKING)) == Wait(NOW + timedelta(minutes=1), SOAK)
        assert decide(turn(Phase.SOAKING), self.CLEAN, just_before) == Wait(self.OVER_AT, SOAK)
        step = decide(turn(Phase.SOAKING), self.CLEAN, self.OVER_AT)
        assert step == Do(Act.DELETE, OLD.okta_id)

    @pytest.mark.parametrize(
        "seen",
        [
            Seen(evidence=Evidence(troubled=("connection crm",))),
            Seen(evidence=Evidence(), log=LogSight((Use(LATER, "192.0.2.1", accepted=False),))),
        ],
        ids=["dependent", "log"],
    )
    def test_trouble_brings_the_old_secret_back(self, seen: Seen) -> None:
        """Whoever fails without the old secret gets it back, even when the soak is over."""
        assert decide(turn(Phase.SOAKING), seen, LATER) == Look(Sight.CREDENTIALS)
        listing = replace(seen, credentials=(listed(OLD, Status.INACTIVE), listed(NEW)))
        step = decide(turn(Phase.SOAKING), listing, LATER)
        assert isinstance(step, Do)
        assert (step.act, step.target) == (Act.REINSTATE, OLD.okta_id)
        assert step.why

    def test_log_is_read_only_where_something_is_in_doubt(self) -> None:
        """Evidence that opened the gate spares the calls; time that did, does not."""
        policy, seen = replace(POLICY, log=True), Seen(evidence=Evidence())
        by_time, by_evidence = (
            next_step(turn(Phase.SOAKING, opened=opened), seen, policy, LATER)
            for opened in (Opened.TIME, Opened.EVIDENCE)
        )
        assert (by_time, by_evidence) == (Look(Sight.LOG), Look(Sight.NEW_PROBE))

    @pytest.mark.parametrize("phase", [Phase.RETIRED, Phase.SOAKING])
    def test_operator_brings_the_old_secret_back(self, phase: Phase) -> None:
        """The operator's word is heeded at once, and an old secret that is gone is told."""
        of, seen = turn(phase, word=Word.REINSTATE), Seen(credentials=(listed(OLD), listed(NEW)))
        assert decide(of) == Look(Sight.CREDENTIALS)
        assert decide(of, seen) == Do(Act.REINSTATE, OLD.okta_id)
        gone = decide(of, Seen(credentials=(listed(NEW),)))
        assert isinstance(gone, Block)
        assert gone.reason is Reason.OLD_SECRET_GONE

    @pytest.mark.parametrize("word", [Word.FINISH, Word.AT_ONCE])
    def test_word_ends_the_soak(self, word: Word) -> None:
        """Somebody who knows better need not wait; the new secret is still probed first."""
        of = turn(Phase.SOAKING, word=word)
        seen = replace(self.CLEAN, new_probe=None)
        later = NOW + timedelta(minutes=2)
        assert decide(of, seen, later) == Look(Sight.NEW_PROBE)
        assert decide(of, self.CLEAN, later) == Do(Act.DELETE, OLD.okta_id)

    def test_emergency_brings_nothing_back(self) -> None:
        """A leaked secret stays off whoever is in trouble without it."""
        seen = Seen(evidence=Evidence(troubled=("crm",)), new_probe=Probe.ACCEPTED)
        of = turn(Phase.SOAKING, word=Word.AT_ONCE)
        assert decide(of, seen) == Do(Act.DELETE, OLD.okta_id)

    def test_old_secret_stays_if_the_new_one_is_refused(self) -> None:
        """Okta's fresh word that the served secret works comes before the old one is deleted."""
        unprobed = replace(self.CLEAN, new_probe=None)
        assert decide(turn(Phase.SOAKING), unprobed, LATER) == Look(Sight.NEW_PROBE)
        refused = replace(self.CLEAN, new_probe=Probe.REJECTED)
        step = decide(turn(Phase.SOAKING), refused, LATER)
        assert isinstance(step, Block)
        assert step.reason is Reason.NEW_SECRET_LOST


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


def refused(status: int, *causes: str, summary: str = "no") -> OktaRefused:
    """Make a refusal of Okta."""
    return OktaRefused("x", OktaAnswer(status, code="E0000001", summary=summary, causes=causes))


@pytest.mark.parametrize(
    ("phase", "error", "reason"),
    [
        (Phase.PLANNED, refused(401), Reason.ACCESS_REFUSED),
        (Phase.WRITTEN, refused(403), Reason.ACCESS_REFUSED),
        (Phase.WRITTEN, refused(404), Reason.APP_GONE),
        (Phase.WRITTEN, refused(400), Reason.CALL_REFUSED),
        (Phase.SOAKING, refused(400), Reason.OLD_SECRET_CHANGED),
    ],
)
def test_lasting_refusals_block(phase: Phase, error: OktaRefused, reason: Reason) -> None:
    """An answer that will be the same tomorrow blocks, and says who must act."""
    step = after_failure(turn(phase), error, NOW)
    assert isinstance(step, Block)
    assert step.reason is reason


@pytest.mark.parametrize(
    "cause",
    [
        "You have reached the maximum number of client secrets per client.",
        "You've reached the maximum number of client secrets per client.",
    ],
)
def test_full_app_is_looked_at_again(cause: str) -> None:
    """Both wordings of "maximum" lead to another look, because the second may be ours."""
    step = after_failure(turn(Phase.WRITTEN, posted=POSTED), refused(400, cause), NOW)
    assert step == Wait(NOW + backoff(0))


def test_secret_that_vanished_is_looked_at_again() -> None:
    """A 404 about the secret is no 404 about the app."""
    gone = refused(404, summary="Not found: Resource not found: x (OAuth2ClientSecretMediated)")
    assert isinstance(after_failure(turn(Phase.OVERLAPPING), gone, NOW), Wait)


def test_rate_limit_is_waited_out() -> None:
    """A turn comes back when the window does, not before."""
    error = OktaThrottled("x", OktaAnswer(429), retry_after_s=42)
    assert after_failure(turn(Phase.WRITTEN), error, NOW) == Wait(NOW + timedelta(seconds=42))


def test_silence_is_waited_out_with_growing_patience() -> None:
    """No answer never blocks a turn; the pauses grow to five minutes and stay there."""
    error = OktaUnreachable("x", "time-out", effect_possible=True)
    pauses = [after_failure(turn(Phase.WRITTEN, attempts=n), error, NOW) for n in range(12)]
    waits = [p.until - NOW for p in pauses if isinstance(p, Wait)]
    assert len(waits) == 12
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(minutes=5)
