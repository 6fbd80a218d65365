"""When the old secret may be retired, and why not yet: one test a rule of the gate."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from keyturn.domain.evidence import (
    LOOK_AGAIN,
    UNDATED,
    Cause,
    Evidence,
    Gate,
    Holder,
    LogSight,
    Open,
    Shut,
    Unseen,
    Use,
    Waiting,
    decide_gate,
    next_watch_at,
    watched,
)
from keyturn.domain.ids import AppId, RotationId, TurnId, VersionNo
from keyturn.domain.turn import Opened, Overlap, Phase, Policy, Trigger, Turn, Word

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
FIXED = Policy(overlap_s=3600, soak_s=7200, floor_s=300, backstop_s=86_400, quiet_s=1800)
BY_EVIDENCE = replace(FIXED, overlap=Overlap.EVIDENCE)
WITH_LOG = replace(BY_EVIDENCE, log=True)
HOLDER = Evidence(holders=(Holder("ci", VersionNo(1), NOW),))


def at(seconds: int) -> datetime:
    """Return a moment so many seconds after the overlap began."""
    return NOW + timedelta(seconds=seconds)


def turn(**changes: Any) -> Turn:  # noqa: ANN401  fields of Turn
    """Make a turn whose overlap begins now."""
    phase = Phase.OVERLAPPING
    plain = Turn(TurnId("t"), RotationId("r"), AppId("a"), Trigger.MANUAL, phase, NOW, NOW, NOW)
    return replace(plain, **changes)


def gate(
    policy: Policy,
    seconds: int,
    evidence: Evidence | None = None,
    log: LogSight | None = None,
    of: Turn | None = None,
) -> Gate:
    """Ask the gate so many seconds after the overlap began."""
    return decide_gate(of or turn(), policy, at(seconds), evidence, log)


def use(seconds: int, *, accepted: bool = True) -> LogSight:
    """Return a log with one use of the old secret."""
    return LogSight((Use(at(seconds), "192.0.2.7, curl/8", accepted),))


def test_fixed_overlap_opens_by_time_alone() -> None:
    """The policy without evidence asks nobody."""
    shut = gate(FIXED, 3599)
    assert isinstance(shut, Shut)
    assert shut == Shut((Waiting(Cause.FIXED_OVERLAP, until=at(3600)),), at(3600))
    assert gate(FIXED, 3600) == Open(Opened.TIME)


def test_evidence_is_not_looked_at_before_the_shortest_overlap() -> None:
    """Clients cache: a reader that has the new version may still hand out the old one."""
    shut = gate(BY_EVIDENCE, 3599, Evidence())
    assert isinstance(shut, Shut)
    assert shut.waiting[0].cause is Cause.SHORTEST_OVERLAP
    assert gate(BY_EVIDENCE, 3600) == Unseen()


def test_clean_evidence_opens() -> None:
    """Nobody holds an older version and nobody has yet to prove the new one."""
    assert gate(BY_EVIDENCE, 3600, Evidence()) == Open(Opened.EVIDENCE)


@pytest.mark.parametrize(
    ("evidence", "cause", "who"),
    [
        (HOLDER, Cause.READER, "ci, version 1 read 2026-11-21 12:00 UTC"),
        (Evidence(unproved=("crm",)), Cause.DEPENDENT, "crm"),
    ],
    ids=["reader", "dependent"],
)
def test_gate_names_whom_it_waits_for(evidence: Evidence, cause: Cause, who: str) -> None:
    """A reader of an older version or an unproved dependent keeps the old secret alive."""
    shut = gate(BY_EVIDENCE, 3600, evidence)
    assert isinstance(shut, Shut)
    assert [(w.cause, w.who, w.until) for w in shut.waiting] == [(cause, who, at(86_400))]
    assert shut.until == at(3600) + LOOK_AGAIN


def test_backstop_opens_and_tells_what_was_unmet() -> None:
    """A reader that never comes back cannot keep an old secret for ever."""
    opened = gate(BY_EVIDENCE, 86_400, HOLDER)
    assert isinstance(opened, Open)
    assert opened.by is Opened.BACKSTOP
    assert [w.cause for w in opened.unmet] == [Cause.READER]
    assert gate(BY_EVIDENCE, 86_399, HOLDER) != opened


def test_log_is_asked_last_and_only_where_the_policy_says() -> None:
    """Okta is not bothered while our own records keep the gate shut."""
    assert isinstance(gate(WITH_LOG, 3600, HOLDER), Shut)
    assert gate(WITH_LOG, 3600, Evidence()) == Unseen(log=True)
    assert gate(WITH_LOG, 3600, Evidence(), LogSight()) == Open(Opened.EVIDENCE)


def test_use_in_the_log_keeps_the_gate_shut_until_it_was_quiet() -> None:
    """Somebody who is no reader of ours still uses the old secret, and is named."""
    shut = gate(WITH_LOG, 3600, Evidence(), use(3000))
    assert isinstance(shut, Shut)
    assert shut.until == at(4800)
    assert "192.0.2.7" in str(shut.waiting[0])
    assert shut.waiting[0].until == at(4800)
    assert gate(WITH_LOG, 4800, Evidence(), use(3000)) == Open(Opened.EVIDENCE)


FAILS = LogSight(readable=False, fails=True)
"""As a log is that Okta answers by an error of its own."""


def test_log_that_cannot_be_read_is_done_without() -> None:
    """The log is extra evidence: an org that does not grant it is no reason to wait."""
    unreadable = LogSight(readable=False)
    assert gate(WITH_LOG, 3600, Evidence(), unreadable) == Open(Opened.EVIDENCE)


def test_old_secret_stays_until_the_next_turn_needs_its_place() -> None:
    """Retired one soak before the next turn is due, so that there is room when it is."""
    policy = replace(FIXED, overlap=Overlap.UNTIL_NEXT)
    due = Evidence(next_due_at=at(100_000))
    opens_s = 100_000 - policy.soak_s
    assert isinstance(gate(policy, opens_s - 1, due), Shut)
    assert gate(policy, opens_s, due) == Open(Opened.TIME)
    assert isinstance(gate(policy, 10**9, Evidence()), Shut)


def test_word_cuts_the_overlap_down_to_its_floor() -> None:
    """Finishing now still leaves clients the time for which they cache."""
    of = turn(word=Word.FINISH)
    assert isinstance(gate(BY_EVIDENCE, 299, of=of), Shut)
    assert gate(BY_EVIDENCE, 300, of=of) == Open(Opened.WORD)


def test_emergency_waits_for_nothing() -> None:
    """A leaked secret is retired at once, also one that was reinstated."""
    assert gate(WITH_LOG, 0, of=turn(word=Word.AT_ONCE, reinstated=1)) == Open(Opened.WORD)


def test_reinstated_secret_waits_for_a_word() -> None:
    """Time has shown nothing: whoever needed the secret back may need it still."""
    of = turn(reinstated=1)
    shut = gate(FIXED, 86_399, of=of)
    assert isinstance(shut, Shut)
    assert (shut.waiting[0].cause, shut.backstop) == (Cause.WORD, False)
    stuck = gate(FIXED, 86_400, of=of)
    assert isinstance(stuck, Shut)
    assert stuck.backstop


def test_reinstated_secret_is_retired_after_a_quiet_log() -> None:
    """Okta's log can tell that the straggler has moved on, given the time to be quiet in."""
    of, policy = turn(reinstated=1), replace(FIXED, log=True)
    assert gate(policy, 3600, of=of) == Unseen(log=True)
    assert isinstance(gate(replace(policy, quiet_s=7200), 3600, log=LogSight(), of=of), Shut)
    assert isinstance(gate(policy, 3600, log=use(3000), of=of), Shut)
    assert gate(policy, 4800, log=use(3000), of=of) == Open(Opened.EVIDENCE)


@pytest.mark.parametrize(
    ("changes", "log", "expected"),
    [
        ({"opened": Opened.TIME}, True, True),
        ({"opened": Opened.BACKSTOP}, True, True),
        ({"opened": Opened.EVIDENCE}, True, False),
        ({"opened": Opened.TIME}, False, False),
        ({"opened": Opened.WORD, "word": Word.AT_ONCE}, True, False),
    ],
)
def test_soak_is_watched_where_something_is_in_doubt(
    changes: dict[str, Any], *, log: bool, expected: bool
) -> None:
    """Calls are spent where nobody has shown that the old secret is unused."""
    assert watched(turn(**changes), replace(FIXED, log=log)) is expected


def test_watch_is_close_at_first() -> None:
    """Trouble shows soon after the retirement; later looks are rarer, the last one at the end."""
    looks, now = [], NOW
    while now < at(FIXED.soak_s):
        now = next_watch_at(turn(), FIXED, now)
        looks.append(int((now - NOW).total_seconds()))
    assert looks == [60, 240, 960, 3840, 7200]


def test_waiting_reads_as_a_sentence_part() -> None:
    """What a gate waits for is told to people with who and until when, where known."""
    assert str(Waiting(Cause.NEXT_TURN)) == "the next turn"
    assert str(Waiting(Cause.DEPENDENT, "crm", NOW)) == (
        "a dependent that has not used the new secret (crm) until 2026-11-21 12:00:00 UTC"
    )


def test_until_next_sleeps_until_its_date() -> None:
    """Nothing is looked up meanwhile: whoever changes the date wakes the turn."""
    policy, now = replace(FIXED, overlap=Overlap.UNTIL_NEXT), at(3600)
    undated = gate(policy, 3600, Evidence())
    assert undated == Shut((Waiting(Cause.NEXT_TURN),), now + UNDATED)
    opens_at = at(50_000) - timedelta(seconds=policy.soak_s)
    dated = gate(policy, 3600, Evidence(next_due_at=at(50_000)))
    assert dated == Shut((Waiting(Cause.NEXT_TURN, until=opens_at),), opens_at)


def test_reinstated_secret_in_the_log_is_told_and_ends_in_a_block() -> None:
    """Whoever uses it is named until the backstop, and from then on nobody waits any more."""
    of, policy = turn(reinstated=1), replace(FIXED, log=True, quiet_s=100_000)
    told = Waiting(Cause.LOG, "192.0.2.7, curl/8, 2026-11-21 12:50:00 UTC", at(103_000))
    shut = gate(policy, 3600, log=use(3000), of=of)
    assert shut == Shut((told,), at(86_400))
    assert gate(policy, 86_400, log=use(3000), of=of) == Shut((told,), at(86_400), backstop=True)
    quiet = gate(replace(policy, quiet_s=7200), 3600, log=LogSight(), of=of)
    assert quiet == Shut((Waiting(Cause.LOG, "", at(7200)),), at(7200))


def test_reinstated_secret_without_a_readable_log_waits_for_a_word() -> None:
    """A log that the policy wants and Okta refuses leaves the decision to people."""
    of, policy = turn(reinstated=1), replace(FIXED, log=True)
    asked = (Waiting(Cause.WORD, until=at(86_400)),)
    assert gate(policy, 3600, log=LogSight(readable=False), of=of) == Shut(asked, at(86_400))
    assert gate(policy, 3600, log=FAILS, of=of) == Shut(asked, at(7200))
    assert gate(policy, 85_000, log=FAILS, of=of) == Shut(asked, at(86_400))


def test_log_that_the_policy_does_not_ask_for_opens_nothing() -> None:
    """A quiet log is evidence only for those who chose to rely on it."""
    assert isinstance(gate(FIXED, 3600, log=LogSight(), of=turn(reinstated=1)), Shut)


def test_only_refusals_since_then_are_trouble() -> None:
    """A use that Okta accepted, and one from before, say nothing about the retirement."""
    before, at_once, later = (Use(at(s), "x", accepted=False) for s in (-1, 0, 1))
    served = Use(at(1), "x", accepted=True)
    log = LogSight((before, at_once, later, served))
    assert log.refused_since(NOW) == (at_once, later)


def test_latest_use_counts_wherever_it_stands() -> None:
    """Okta's order of events says nothing of which use was the last."""
    first, last = Use(at(1), "z", accepted=True), Use(at(2), "a", accepted=True)
    assert LogSight((first, last, first)).last_use() == last


def test_silent_log_need_not_be_waited_for_where_readers_are_known() -> None:
    """The log is extra evidence there: what it never told does not hold the gate shut."""
    policy = replace(WITH_LOG, quiet_s=7200)
    assert gate(policy, 3600, Evidence(), LogSight()) == Open(Opened.EVIDENCE)
