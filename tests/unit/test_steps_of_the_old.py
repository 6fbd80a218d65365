"""What a turn does with the old secret: one test a guard, named after what it prevents."""

from dataclasses import replace
from datetime import timedelta

import pytest
from turn_kit import APP, FOREIGN, LATER, NEW, NOW, OLD, POLICY, decide, listed, turn

from keyturn.domain.evidence import FIRST_WATCH, LOOK_AGAIN, Evidence, LogSight, Use
from keyturn.domain.ids import CredentialId, SecretHash
from keyturn.domain.okta import Credential, Probe, Status
from keyturn.domain.setback import DOUBTED
from keyturn.domain.steps import SOAK, UNANSWERED, Block, Do, Look, Seen, Sight, Wait, next_step
from keyturn.domain.turn import LOST, SETTLED, Act, Opened, Overlap, Phase, Posted, Reason, Word


class TestOverlapping:
    """Both secrets work."""

    AT = Phase.OVERLAPPING
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
        refused = replace(seen, new_probe=Probe.REJECTED, app=APP)
        step = decide(turn(Phase.OVERLAPPING), refused, LATER)
        assert isinstance(step, Block)
        assert step.reason in {*LOST, Reason.CONNECTION_CHANGED}

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

    def test_every_reason_to_wait_is_told(self) -> None:
        """People read all that the gate waits for, and what it did not get at the backstop."""
        policy = replace(POLICY, overlap=Overlap.EVIDENCE)
        seen, of = replace(self.SEEN, evidence=Evidence(unproved=("crm", "hr"))), turn(self.AT)
        told = "a dependent that has not used the new secret ({}) until 2026-11-28 12:00:00 UTC"
        both = f"{told.format('crm')}; {told.format('hr')}"
        assert next_step(of, seen, policy, LATER) == Wait(LATER + LOOK_AGAIN, both)
        opened = Do(Act.RETIRE, OLD.okta_id, Opened.BACKSTOP, both)
        assert next_step(of, seen, policy, NOW + timedelta(days=8)) == opened

    def test_turn_without_an_old_secret_ends(self) -> None:
        """A first managed secret has none to retire; what is foreign stays."""
        assert decide(turn(Phase.OVERLAPPING, old=None)) == Do(Act.FINISH)


class TestSoaking:
    """The old secret is off and can still come back."""

    CLEAN = Seen(evidence=Evidence(), new_probe=Probe.ACCEPTED)
    CLOSED = replace(CLEAN, old_probe=Probe.REJECTED)
    OVER_AT = NOW + timedelta(seconds=POLICY.soak_s)

    def test_nothing_is_deleted_before_the_soak_is_over(self) -> None:
        """Deleting waits for the whole soak, with a look now and then."""
        just_before = self.OVER_AT - timedelta(seconds=1)
        assert decide(turn(Phase.SOAKING)) == Wait(NOW + timedelta(minutes=1), SOAK)
        assert decide(turn(Phase.SOAKING), self.CLEAN, just_before) == Wait(self.OVER_AT, SOAK)
        step = decide(turn(Phase.SOAKING), self.CLEAN, self.OVER_AT)
        assert step == Do(Act.DELETE, OLD.okta_id)

    def test_nobody_is_forgotten_when_the_old_secret_goes(self) -> None:
        """The first watch, and every one after it, asks who is in trouble."""
        first_at = NOW + FIRST_WATCH
        assert isinstance(decide(turn(Phase.SOAKING), now=first_at - timedelta(seconds=1)), Wait)
        assert decide(turn(Phase.SOAKING), now=first_at) == Look(Sight.EVIDENCE)
        assert decide(turn(Phase.SOAKING), now=LATER) == Look(Sight.EVIDENCE)

    def test_refusal_while_the_call_was_under_way_is_trouble(self) -> None:
        """Okta may have deactivated the old secret up to a call's time before it is on record."""
        of = turn(Phase.SOAKING)
        without_old = {"credentials": (listed(NEW),), "served": NEW.hash}
        uses = [Use(NOW - SETTLED + timedelta(seconds=s), "ci", accepted=False) for s in (-1, 0)]
        told = [
            decide(of, replace(self.CLEAN, log=LogSight((use,)), **without_old), LATER)
            for use in uses
        ]
        assert told == [
            Do(Act.DELETE, OLD.okta_id),
            Block(Reason.OLD_SECRET_GONE, "Okta refused ci at 2026-11-21 11:59:00 UTC"),
        ]

    def test_everybody_in_trouble_is_named(self) -> None:
        """The step that brings the old secret back says for whom, each once."""
        refused = LogSight((Use(NOW, "ci", accepted=False), Use(NOW, "ci", accepted=False)))
        seen = Seen(evidence=Evidence(troubled=("crm",)), log=refused, served=NEW.hash)
        seen = replace(seen, credentials=(listed(OLD), listed(NEW)))
        why = "crm is in trouble; Okta refused ci at 2026-11-21 12:00:00 UTC"
        step = decide(turn(Phase.SOAKING), seen, LATER)
        assert step == Do(Act.REINSTATE, OLD.okta_id, why=why)

    def test_not_everybody_can_be_named(self) -> None:
        """A log that is full of refusals fills no record."""
        uses = [Use(NOW + timedelta(seconds=s), f"h{s % 12}", accepted=False) for s in range(600)]
        seen = Seen(evidence=Evidence(), log=LogSight(tuple(uses)), served=NEW.hash)
        seen = replace(seen, credentials=(listed(OLD), listed(NEW)))
        step = decide(turn(Phase.SOAKING), seen, LATER)
        assert isinstance(step, Do)
        assert step.why.count("Okta refused h") == 10
        assert step.why.endswith("; and 2 more")
        ten = replace(seen, log=LogSight(tuple(uses[:10])))
        assert "more" not in getattr(decide(turn(Phase.SOAKING), ten, LATER), "why", "more")

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
        read = replace(seen, log=LogSight())
        step = next_step(turn(Phase.SOAKING, opened=Opened.TIME), read, policy, LATER)
        assert step == Look(Sight.NEW_PROBE)

    @pytest.mark.parametrize("phase", [Phase.RETIRED, Phase.SOAKING])
    def test_operator_brings_the_old_secret_back(self, phase: Phase) -> None:
        """The operator's word is heeded at once, and an old secret that is gone is told."""
        of, both = turn(phase, word=Word.REINSTATE), (listed(OLD), listed(NEW))
        assert decide(of) == Look(Sight.CREDENTIALS)
        seen = Seen(credentials=both, served=NEW.hash)
        assert decide(of, seen) == Do(Act.REINSTATE, OLD.okta_id)
        gone = decide(of, Seen(credentials=(listed(NEW),), served=NEW.hash))
        assert isinstance(gone, Block)
        assert gone.reason is Reason.OLD_SECRET_GONE

    def test_word_ends_a_soak_that_nothing_can_be_brought_back_from(self) -> None:
        """Who is refused has been told of, and the old one is gone: the next refusal stops none."""
        troubled = replace(
            self.CLEAN,
            evidence=Evidence(troubled=("crm",)),
            credentials=(listed(NEW),),
            served=NEW.hash,
        )
        step = decide(turn(Phase.SOAKING), troubled, LATER)
        assert step == Block(Reason.OLD_SECRET_GONE, "crm is in trouble")
        finishing = turn(Phase.SOAKING, word=Word.FINISH)
        assert decide(finishing, troubled, LATER) == Do(Act.DELETE, OLD.okta_id)
        unlisted = replace(troubled, credentials=())
        again = Wait(LATER + timedelta(seconds=1), DOUBTED, doubted=True)
        assert decide(finishing, unlisted, LATER) == again
        lost = decide(finishing, replace(unlisted, new_probe=Probe.REJECTED, app=APP), LATER)
        assert isinstance(lost, Block)
        assert lost.reason is Reason.NEW_SECRET_LOST
        there = replace(troubled, credentials=(listed(OLD, Status.INACTIVE), listed(NEW)))
        back = decide(finishing, there, LATER)
        assert isinstance(back, Do)
        assert back.act is Act.REINSTATE
        given_another = replace(unlisted, served=SecretHash("another"))
        changed = decide(finishing, given_another, LATER)
        assert isinstance(changed, Block)
        assert changed.reason is Reason.CONNECTION_CHANGED

    @pytest.mark.parametrize("word", [Word.FINISH, Word.AT_ONCE])
    def test_word_ends_the_soak(self, word: Word) -> None:
        """Somebody who knows better need not wait; the new secret is still probed first."""
        of = turn(Phase.SOAKING, word=word)
        seen = replace(self.CLEAN, new_probe=None)
        later = NOW + timedelta(minutes=2)
        assert decide(of, replace(seen, old_probe=Probe.REJECTED), later) == Look(Sight.NEW_PROBE)
        assert decide(of, self.CLOSED, later) == Do(Act.DELETE, OLD.okta_id)

    @pytest.mark.parametrize("word", [None, Word.FINISH, Word.AT_ONCE])
    def test_old_secret_keeps_its_place_while_a_call_may_still_add_the_new_one(
        self, word: Word | None
    ) -> None:
        """A call without an answer that arrives late finds no room to add it a second time."""
        of = turn(Phase.SOAKING, word=word, posted=Posted(LATER, unsure_at=LATER))
        settled = LATER + SETTLED
        early = decide(of, self.CLOSED, settled - timedelta(seconds=1))
        assert early == Wait(settled, UNANSWERED)
        assert decide(of, self.CLOSED, settled) == Do(Act.DELETE, OLD.okta_id)
        answered = replace(of, posted=Posted(LATER))
        assert decide(answered, self.CLOSED, LATER) == Do(Act.DELETE, OLD.okta_id)

    def test_emergency_brings_nothing_back(self) -> None:
        """A leaked secret stays off whoever is in trouble without it."""
        seen = replace(self.CLOSED, evidence=Evidence(troubled=("crm",)))
        of = turn(Phase.SOAKING, word=Word.AT_ONCE)
        assert decide(of, seen) == Do(Act.DELETE, OLD.okta_id)

    def test_old_secret_stays_if_the_new_one_is_refused(self) -> None:
        """Okta's fresh word that the served secret works comes before the old one is deleted."""
        unprobed = replace(self.CLEAN, new_probe=None)
        assert decide(turn(Phase.SOAKING), unprobed, LATER) == Look(Sight.NEW_PROBE)
        refused = replace(self.CLEAN, new_probe=Probe.REJECTED)
        assert decide(turn(Phase.SOAKING), refused, LATER) == Look(Sight.CREDENTIALS)
        gone = replace(refused, credentials=(listed(OLD),), served=NEW.hash, app=APP)
        step = decide(turn(Phase.SOAKING), gone, LATER)
        assert isinstance(step, Block)
        assert step.reason is Reason.NEW_SECRET_LOST

    @pytest.mark.parametrize("phase", [Phase.RETIRED, Phase.SOAKING])
    def test_turn_without_an_old_secret_has_none_to_bring_back(self, phase: Phase) -> None:
        """Nothing of Okta's list is activated for a turn that recorded no old secret."""
        of = turn(phase, old=None, word=Word.REINSTATE)
        seen = Seen(credentials=(FOREIGN, listed(NEW)), served=NEW.hash)
        assert decide(of, seen) == Block(Reason.OLD_SECRET_GONE)

    def test_turn_without_an_old_secret_has_none_to_delete(self) -> None:
        """Nothing of Okta's list is deleted for a turn that recorded no old secret."""
        assert decide(turn(Phase.SOAKING, old=None), self.CLEAN, LATER) == Do(Act.DELETE)
