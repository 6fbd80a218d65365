"""An emergency closes an app by two calls: what probes prove, and where it is listed after all."""

from dataclasses import replace
from datetime import timedelta

import pytest
from turn_kit import APP, FOREIGN, NEW, NOW, OLD, POLICY, POSTED, decide, listed, turn

from keyturn.domain.closing import (
    ACTIVE_AGAIN,
    OTHERS_FIRST,
    STILL_ACCEPTED,
    target_by_probes,
)
from keyturn.domain.evidence import LOOK_SOON, Cause, Evidence, Holder, Waiting, still_given
from keyturn.domain.ids import CredentialId, SecretHash, VersionNo
from keyturn.domain.okta import CredentialKind, Probe, Status
from keyturn.domain.orders import hurried, paused, resumed
from keyturn.domain.setback import DOUBTED, KEEP_CLOSED
from keyturn.domain.steps import UNCONFIRMED, Block, Do, Look, Seen, Sight, Wait, backoff
from keyturn.domain.turn import (
    SETTLED,
    Act,
    Held,
    Opened,
    Phase,
    Reason,
    Turn,
    Word,
    moved,
)

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

    def test_list_that_is_at_hand_decides(self) -> None:
        """A place that is seen to be taken is not asked for, though the old one works."""
        seen = Seen(old_probe=Probe.ACCEPTED, credentials=(listed(OLD), FOREIGN))
        step = decide(urgent(Phase.PLANNED), seen)
        assert isinstance(step, Block)
        assert step.reason is Reason.FOREIGN_SECRET

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

    def test_nothing_is_deactivated_without_a_new_one(self) -> None:
        """A turn that serves nothing of its own has nothing to take the old one's place."""
        assert target_by_probes(urgent(Phase.OVERLAPPING, new=None), ACCEPTED) is None

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
    WHY = "; ".join(
        str(Waiting(cause, who, CLOSES))
        for cause, who in (
            (Cause.READER, "crm, version 1 read 2026-11-21 12:00 UTC"),
            (Cause.DEPENDENT, "billing"),
        )
    )

    def test_consumers_that_need_the_old_one_have_time(self) -> None:
        """The gate stays shut while somebody holds the old one, and is looked at soon again."""
        of = urgent(Phase.OVERLAPPING, closes_at=CLOSES)
        assert decide(of) == Look(Sight.EVIDENCE)
        seen = Seen(evidence=self.HELD)
        assert decide(of, seen) == Wait(NOW + LOOK_SOON, self.WHY)
        assert decide(of, seen, CLOSES - timedelta(seconds=1)) == Wait(CLOSES, self.WHY)

    def test_time_begins_when_the_new_one_is_served(self) -> None:
        """Until then no deadline runs; one that leaves no time has none, and others keep theirs."""
        of = urgent(Phase.VERIFIED, within_s=300)
        assert moved(of, Act.DOUBT, NOW).closes_at is None
        served = moved(of, Act.PROMOTE, NOW)
        assert served.closes_at == NOW + timedelta(seconds=300)
        second = moved(replace(of, within_s=1), Act.PROMOTE, NOW)
        assert second.closes_at == NOW + timedelta(seconds=1)
        assert moved(served, Act.DELIVER, CLOSES).closes_at == served.closes_at
        assert moved(replace(of, within_s=0), Act.PROMOTE, NOW).closes_at is None

    def test_calm_after_a_pause_keeps_the_time(self) -> None:
        """Whoever hurries it again after it was served finds until when consumers have time."""
        of = paused(urgent(Phase.VERIFIED, within_s=300), NOW)
        served = moved(resumed(of, NOW), Act.PROMOTE, NOW)
        assert (served.word, served.closes_at) == (None, NOW + timedelta(seconds=300))

    def test_who_had_no_time_is_named(self) -> None:
        """When it is over the old one goes all the same, and the record says whose it was."""
        of = urgent(Phase.OVERLAPPING, closes_at=CLOSES)
        step = decide(of, replace(ACCEPTED, evidence=self.HELD), CLOSES)
        assert step == Do(Act.RETIRE, OLD.okta_id, Opened.WORD, self.WHY)

    def test_nobody_is_waited_for_who_needs_nothing(self) -> None:
        """Evidence opens the gate before the time is over."""
        of = urgent(Phase.OVERLAPPING, closes_at=CLOSES)
        step = decide(of, replace(ACCEPTED, evidence=Evidence()))
        assert step == Do(Act.RETIRE, OLD.okta_id, Opened.EVIDENCE)

    def test_users_that_nobody_knows_have_time_too(self) -> None:
        """Where nobody has read the old one here, who uses it is not known."""
        of = urgent(Phase.OVERLAPPING, closes_at=CLOSES)
        told = Wait(NOW + LOOK_SOON, str(Waiting(Cause.UNREAD, until=CLOSES)))
        assert decide(of, Seen(evidence=Evidence(unread=True))) == told

    def test_destinations_have_time_too(self) -> None:
        """What is still being brought is waited for until then, not longer."""
        of = urgent(Phase.PROMOTED, closes_at=CLOSES)
        seen = Seen(unconfirmed=("vault",))
        late = CLOSES - timedelta(milliseconds=1)
        assert isinstance(decide(of, seen), Wait)
        assert getattr(decide(of, seen, late), "until", None) == CLOSES
        assert decide(of, seen, CLOSES) == Do(Act.DELIVER)
        assert decide(replace(of, closes_at=None), seen) == Do(Act.DELIVER)
        resumed_since = Wait(late + backoff(0), f"{UNCONFIRMED} (vault)", tried=True)
        assert decide(replace(of, word=None), seen, late) == resumed_since

    @pytest.mark.parametrize("word", [None, *Word])
    def test_time_is_an_emergencys_alone(self, word: Word | None) -> None:
        """What is left of it says nothing once another word has been given."""
        of = turn(Phase.OVERLAPPING, word=word, closes_at=CLOSES)
        assert still_given(of, NOW) is (word is Word.AT_ONCE)
        assert not still_given(of, CLOSES)
        assert not still_given(replace(of, closes_at=None), NOW)

    def test_said_once_more_it_leaves_nobody_any_time(self) -> None:
        """An operator who repeats "at once" means it; "finish" changes nothing of an emergency."""
        of = urgent(Phase.OVERLAPPING, closes_at=CLOSES, tidies_at=CLOSES)
        again = hurried(of, Word.AT_ONCE, NOW)
        assert (again.word, again.closes_at, again.tidies_at) == (Word.AT_ONCE, None, None)
        finish = hurried(of, Word.FINISH, NOW)
        assert (finish.word, finish.closes_at) == (Word.AT_ONCE, CLOSES)

    def test_calm_after_a_pause_knows_no_deadline(self) -> None:
        """A turn that was paused goes on as any other: the old one works for its overlap."""
        of = urgent(Phase.OVERLAPPING, closes_at=CLOSES)
        calm = resumed(paused(of, NOW), NOW)
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
        tried = replace(self.OF, attempts=2)
        assert decide(tried, seen) == Wait(NOW + backoff(2), STILL_ACCEPTED, tried=True)
        off = replace(seen, credentials=(listed(OLD, Status.INACTIVE), listed(NEW)))
        assert decide(tried, off, SURE) == Wait(SURE + backoff(2), STILL_ACCEPTED, tried=True)
        over = decide(self.OF, off, NOW + timedelta(seconds=POLICY.patience_s))
        assert over == Block(Reason.OLD_SECRET_CHANGED, "Okta still accepts it.")

    def test_what_somebody_has_activated_again_is_deactivated_again(self) -> None:
        """Okta's list tells that it is ACTIVE, once our own call has had its time."""
        seen = Seen(old_probe=Probe.ACCEPTED, served=NEW.hash)
        assert isinstance(decide(self.OF, seen), Wait)
        assert decide(self.OF, seen, SURE) == Look(Sight.CREDENTIALS)
        both = replace(seen, credentials=(listed(OLD), listed(NEW)))
        assert decide(self.OF, both, SURE) == Do(Act.RETIRE, OLD.okta_id, Opened.WORD, ACTIVE_AGAIN)

    def test_nothing_else_is_deactivated(self) -> None:
        """What the turn has not recorded is somebody else's, whatever its value: it is named."""
        seen = Seen(old_probe=Probe.ACCEPTED, served=NEW.hash, credentials=(listed(NEW),))
        assert decide(self.OF, seen, SURE) == Wait(SURE + backoff(0), STILL_ACCEPTED, tried=True)
        other = replace(listed(OLD), id=CredentialId("ocsother"))
        step = decide(self.OF, replace(seen, credentials=(other, listed(NEW))), SURE)
        assert isinstance(step, Block)
        assert step.reason is Reason.FOREIGN_SECRET
        assert "ocsother" in step.detail
        assert "Remove it at Okta" in step.detail
        assert "reinstate" not in step.detail

    def test_the_last_one_that_works_is_left(self) -> None:
        """Where Okta has lost the new one somebody has to look, and is not told to go back."""
        unsure = Seen(old_probe=Probe.ACCEPTED, served=NEW.hash, credentials=(listed(OLD),))
        assert decide(self.OF, unsure, SURE) == Look(Sight.NEW_PROBE)
        works = replace(unsure, new_probe=Probe.ACCEPTED)
        assert decide(self.OF, works, SURE) == Wait(SURE + backoff(0), DOUBTED, doubted=True)
        lost = replace(unsure, new_probe=Probe.REJECTED, app=APP)
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
        assert decide(replace(self.OF, old=None)) == Look(Sight.NEW_PROBE)

    def test_only_an_emergency_is_proved(self) -> None:
        """Elsewhere nobody has to know at once whether Okta refuses the old one."""
        assert decide(replace(self.OF, word=Word.FINISH)) == Look(Sight.EVIDENCE)

    def test_other_apps_are_closed_first(self) -> None:
        """A deletion waits for its hour, and only in an emergency."""
        seen = Seen(old_probe=Probe.REJECTED, new_probe=Probe.ACCEPTED)
        of = replace(self.OF, tidies_at=CLOSES)
        assert decide(of, seen) == Wait(CLOSES, OTHERS_FIRST)
        assert decide(of, seen, CLOSES) == Do(Act.DELETE, OLD.okta_id)
        assert decide(replace(of, tidies_at=None), seen) == Do(Act.DELETE, OLD.okta_id)
        calm = replace(of, word=Word.FINISH)
        assert decide(calm, replace(seen, evidence=Evidence())) == Do(Act.DELETE, OLD.okta_id)
