"""An emergency closes an app by two calls: what probes prove, and where it is listed after all."""

from dataclasses import replace
from datetime import timedelta

import pytest
from turn_kit import NEW, NOW, OLD, POLICY, POSTED, decide, listed, turn

from keyturn.domain.closing import ACTIVE_AGAIN, OTHERS_FIRST, STILL_ACCEPTED
from keyturn.domain.evidence import LOOK_SOON, Evidence, Holder
from keyturn.domain.ids import CredentialId, SecretHash, VersionNo
from keyturn.domain.okta import CredentialKind, Probe, Status
from keyturn.domain.orders import hurried, resumed
from keyturn.domain.setback import KEEP_CLOSED
from keyturn.domain.steps import Block, Do, Look, Seen, Sight, Wait
from keyturn.domain.turn import SETTLED, Act, Held, Opened, Phase, Reason, Turn, Word, blocked

SURE = NOW + SETTLED
LATER = timedelta(days=30)
CLOSES = NOW + timedelta(minutes=5)
ACCEPTED = Seen(old_probe=Probe.ACCEPTED, new_probe=Probe.ACCEPTED, served=NEW.hash)


def urgent(phase: Phase, **changes: object) -> Turn:
    """Make a turn of an emergency."""
    return turn(phase, word=Word.AT_ONCE, **changes)


LISTED = {
    "no emergency": turn(Phase.PLANNED),
    "told to finish": turn(Phase.PLANNED, word=Word.FINISH),
    "a value that is not ours": urgent(Phase.PLANNED, old=Held(OLD.hash, OLD.okta_id, None)),
    "an id that is not known": urgent(Phase.PLANNED, old=Held(OLD.hash, None, OLD.version)),
    "no old one": urgent(Phase.PLANNED, old=None),
    "a value of Okta's": urgent(Phase.PLANNED, kind=CredentialKind.API_SERVICE_SECRET),
    "one of fifty keys": urgent(Phase.PLANNED, kind=CredentialKind.CLIENT_KEY),
}


class TestBeginning:
    """Okta says itself where there is no room."""

    def test_old_one_that_works_is_word_enough(self) -> None:
        """The app is there, ACTIVE, and uses a client secret: nothing is listed."""
        assert decide(urgent(Phase.PLANNED)) == Look(Sight.OLD_PROBE)
        seen = Seen(old_probe=Probe.ACCEPTED)
        assert decide(urgent(Phase.PLANNED), seen) == Do(Act.WRITE)
        assert decide(urgent(Phase.WRITTEN), Seen()) == Do(Act.ISSUE)

    def test_old_one_that_is_refused_is_looked_into(self) -> None:
        """What Okta refuses already may be an app that is gone."""
        seen = Seen(old_probe=Probe.REJECTED)
        assert decide(urgent(Phase.PLANNED), seen) == Look(Sight.CREDENTIALS)

    @pytest.mark.parametrize("of", LISTED.values(), ids=LISTED)
    def test_everything_else_is_listed(self, of: Turn) -> None:
        """Where two probes do not tell all there is, Okta is asked for its list."""
        assert decide(of) == Look(Sight.CREDENTIALS)

    def test_call_that_may_have_been_made_is_looked_for(self) -> None:
        """After a lost answer the list comes first, in an emergency as well."""
        assert decide(urgent(Phase.WRITTEN, posted=POSTED)) == Look(Sight.CREDENTIALS)


class TestClosing:
    """The recorded old one goes where both are accepted: there is no third."""

    def test_two_that_are_accepted_are_the_two(self) -> None:
        """Both probes are asked for, and then the recorded id is deactivated unseen."""
        of = urgent(Phase.OVERLAPPING)
        assert decide(of) == Look(Sight.NEW_PROBE)
        assert decide(of, replace(ACCEPTED, old_probe=None)) == Look(Sight.OLD_PROBE)
        assert decide(of, ACCEPTED) == Do(Act.RETIRE, OLD.okta_id, Opened.WORD)

    @pytest.mark.parametrize(
        "seen",
        [
            replace(ACCEPTED, old_probe=Probe.REJECTED),
            replace(ACCEPTED, new_probe=Probe.REJECTED),
            replace(ACCEPTED, served=SecretHash("other")),
        ],
        ids=["old refused", "new refused", "not served"],
    )
    def test_any_doubt_is_looked_into(self, seen: Seen) -> None:
        """A probe that says otherwise, or another version that is served, leads to the list."""
        assert decide(urgent(Phase.OVERLAPPING), seen) == Look(Sight.CREDENTIALS)

    def test_deactivation_that_was_tried_is_looked_into(self) -> None:
        """An id that Okta did not know is not tried for ever: the value may be under another."""
        tried = urgent(Phase.OVERLAPPING, opened=Opened.WORD)
        assert decide(tried, ACCEPTED) == Look(Sight.CREDENTIALS)

    def test_what_was_listed_counts(self) -> None:
        """With a list at hand the list decides."""
        moved = replace(listed(OLD), id=CredentialId("ocsother"))
        seen = replace(ACCEPTED, credentials=(moved, listed(NEW)))
        step = decide(urgent(Phase.OVERLAPPING), seen)
        assert isinstance(step, Block)
        assert step.reason is Reason.FOREIGN_SECRET


class TestDeadline:
    """Consumers have time until then, and no longer."""

    HELD = Evidence(holders=(Holder("crm", VersionNo(1), NOW),), unproved=("billing",))

    def test_consumers_that_need_the_old_one_have_time(self) -> None:
        """The gate stays shut while somebody holds the old one, and is looked at soon again."""
        of = urgent(Phase.OVERLAPPING, closes_at=CLOSES)
        assert decide(of) == Look(Sight.EVIDENCE)
        step = decide(of, Seen(evidence=self.HELD))
        assert isinstance(step, Wait)
        assert step.until == NOW + LOOK_SOON
        assert "crm" in step.why
        assert "billing" in step.why
        last = decide(of, Seen(evidence=self.HELD), CLOSES - timedelta(seconds=1))
        assert isinstance(last, Wait)
        assert last.until == CLOSES

    def test_who_had_no_time_is_named(self) -> None:
        """When it is over the old one goes all the same, and the record says whose it was."""
        of = urgent(Phase.OVERLAPPING, closes_at=CLOSES)
        step = decide(of, replace(ACCEPTED, evidence=self.HELD), CLOSES)
        assert isinstance(step, Do)
        assert (step.act, step.opened) == (Act.RETIRE, Opened.WORD)
        assert "crm" in step.why
        assert "billing" in step.why

    def test_nobody_is_waited_for_who_needs_nothing(self) -> None:
        """Evidence opens the gate before the time is over."""
        of = urgent(Phase.OVERLAPPING, closes_at=CLOSES)
        step = decide(of, replace(ACCEPTED, evidence=Evidence()))
        assert step == Do(Act.RETIRE, OLD.okta_id, Opened.EVIDENCE)

    def test_users_that_nobody_knows_have_time_too(self) -> None:
        """Where nobody has read the old one here, who uses it is not known."""
        of = urgent(Phase.OVERLAPPING, closes_at=CLOSES)
        assert isinstance(decide(of, Seen(evidence=Evidence(unread=True))), Wait)

    def test_destinations_have_time_too(self) -> None:
        """What is still being brought is waited for until then, not longer."""
        of = urgent(Phase.PROMOTED, closes_at=CLOSES)
        seen = Seen(unconfirmed=("vault",))
        late = CLOSES - timedelta(milliseconds=1)
        assert isinstance(decide(of, seen), Wait)
        assert getattr(decide(of, seen, late), "until", None) == CLOSES
        assert decide(of, seen, CLOSES) == Do(Act.DELIVER)
        assert decide(replace(of, closes_at=None), seen) == Do(Act.DELIVER)

    def test_said_once_more_it_leaves_nobody_any_time(self) -> None:
        """An operator who repeats "at once" means it; "finish" changes nothing of an emergency."""
        of = urgent(Phase.OVERLAPPING, closes_at=CLOSES, tidies_at=CLOSES)
        again = hurried(of, Word.AT_ONCE, NOW)
        assert (again.word, again.closes_at, again.tidies_at) == (Word.AT_ONCE, None, None)
        finish = hurried(of, Word.FINISH, NOW)
        assert (finish.word, finish.closes_at) == (Word.AT_ONCE, CLOSES)

    def test_calm_after_a_standstill_knows_no_deadline(self) -> None:
        """A turn that was blocked goes on as any other: the old one works for its overlap."""
        of = urgent(Phase.OVERLAPPING, closes_at=CLOSES)
        calm = resumed(blocked(of, Reason.FOREIGN_SECRET, "", NOW), NOW)
        step = decide(calm, ACCEPTED, CLOSES - timedelta(seconds=1))
        assert isinstance(step, Wait)


class TestProof:
    """Okta has to refuse the old one before an emergency is done with an app."""

    OF = urgent(Phase.SOAKING)

    def test_closure_is_proved_by_a_probe(self) -> None:
        """Nothing is deleted, and nothing called closed, before that probe."""
        assert decide(self.OF) == Look(Sight.OLD_PROBE)
        assert decide(self.OF, Seen(old_probe=Probe.REJECTED)) == Look(Sight.NEW_PROBE)

    def test_okta_has_time_to_refuse(self) -> None:
        """What was deactivated may be accepted a little longer."""
        seen = Seen(old_probe=Probe.ACCEPTED)
        step = decide(self.OF, seen)
        assert isinstance(step, Wait)
        assert step.why == STILL_ACCEPTED
        off = replace(seen, credentials=(listed(OLD, Status.INACTIVE), listed(NEW)))
        assert isinstance(decide(self.OF, off, SURE), Wait)
        over = decide(self.OF, off, NOW + timedelta(seconds=POLICY.patience_s))
        assert isinstance(over, Block)
        assert over.reason is Reason.OLD_SECRET_CHANGED

    def test_what_somebody_has_activated_again_is_deactivated_again(self) -> None:
        """Okta's list tells that it is ACTIVE, once our own call has had its time."""
        seen = Seen(old_probe=Probe.ACCEPTED, served=NEW.hash)
        assert isinstance(decide(self.OF, seen), Wait)
        assert decide(self.OF, seen, SURE) == Look(Sight.CREDENTIALS)
        both = replace(seen, credentials=(listed(OLD), listed(NEW)))
        assert decide(self.OF, both, SURE) == Do(Act.RETIRE, OLD.okta_id, Opened.WORD, ACTIVE_AGAIN)

    def test_the_last_one_that_works_is_left(self) -> None:
        """Where Okta has lost the new one somebody has to look, and is not told to go back."""
        lost = Seen(old_probe=Probe.ACCEPTED, served=NEW.hash, credentials=(listed(OLD),))
        step = decide(self.OF, lost, SURE)
        assert isinstance(step, Block)
        assert step.reason is Reason.NEW_SECRET_LOST
        assert KEEP_CLOSED in step.detail
        calm = replace(self.OF, word=None, phase=Phase.OVERLAPPING)
        assert KEEP_CLOSED not in getattr(decide(calm, lost, SURE + LATER), "detail", "")

    def test_what_was_not_ours_to_read_cannot_be_probed(self) -> None:
        """An earlier owner's secret is deleted as it was: nobody here knows its value."""
        foreign = replace(self.OF, old=Held(OLD.hash, OLD.okta_id, None))
        assert decide(foreign) == Look(Sight.NEW_PROBE)

    def test_other_apps_are_closed_first(self) -> None:
        """A deletion waits for its hour, and only in an emergency."""
        seen = Seen(old_probe=Probe.REJECTED, new_probe=Probe.ACCEPTED)
        of = replace(self.OF, tidies_at=CLOSES)
        assert decide(of, seen) == Wait(CLOSES, OTHERS_FIRST)
        assert decide(of, seen, CLOSES) == Do(Act.DELETE, OLD.okta_id)
        assert decide(replace(of, tidies_at=None), seen) == Do(Act.DELETE, OLD.okta_id)
