"""The gate where nobody is known to have read the old secret: what is unknown opens nothing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from turn_kit import turn

from keyturn.domain.evidence import (
    Cause,
    Evidence,
    Gate,
    LogSight,
    Open,
    Shut,
    Unseen,
    Use,
    Waiting,
    decide_gate,
)
from keyturn.domain.turn import Opened, Overlap, Phase, Policy

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
POLICY = Policy(3600, 7200, overlap=Overlap.EVIDENCE, backstop_s=86_400, quiet_s=7200)
WITH_LOG = replace(POLICY, log=True)
NOBODY = Evidence(unread=True)


def at(seconds: int) -> datetime:
    """Return a moment so many seconds after the overlap began."""
    return NOW + timedelta(seconds=seconds)


def gate(policy: Policy, seconds: int, log: LogSight | None = None) -> Gate:
    """Ask the gate so many seconds after the overlap began."""
    return decide_gate(turn(Phase.OVERLAPPING), policy, at(seconds), NOBODY, log)


UNKNOWN = Waiting(Cause.UNREAD, until=at(86_400))


def test_no_receipt_at_all_is_no_evidence() -> None:
    """A consumer that was configured by hand leaves none: the backstop is waited for, and told."""
    assert gate(POLICY, 3600) == Shut((UNKNOWN,), at(86_400))
    assert gate(POLICY, 86_400) == Open(Opened.BACKSTOP, (UNKNOWN,))


def test_log_that_cannot_be_read_tells_nothing_either() -> None:
    """Then there is no evidence of any sort; one that only fails is asked again in an hour."""
    assert gate(WITH_LOG, 3600, LogSight(readable=False)) == Shut((UNKNOWN,), at(86_400))
    fails = LogSight(readable=False, fails=True)
    assert gate(WITH_LOG, 3600, fails) == Shut((UNKNOWN,), at(7200))
    assert gate(WITH_LOG, 85_000, fails) == Shut((UNKNOWN,), at(86_400))


def test_log_is_the_only_evidence_and_has_to_be_quiet_from_the_overlap_on() -> None:
    """A short silence before anybody had to use the old secret again proves nothing."""
    assert gate(WITH_LOG, 3600) == Unseen(log=True)
    assert isinstance(gate(WITH_LOG, 7199, LogSight()), Shut)
    assert gate(WITH_LOG, 7200, LogSight()) == Open(Opened.EVIDENCE)


@pytest.mark.parametrize(("seconds", "opens"), [(10_199, False), (10_200, True)])
def test_use_in_the_log_counts_as_ever(seconds: int, *, opens: bool) -> None:
    """The time of quiet begins again with each use."""
    used = LogSight((Use(at(3000), "192.0.2.7", accepted=True),))
    assert isinstance(gate(WITH_LOG, seconds, used), Open) is opens
