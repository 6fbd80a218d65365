"""Whether a connection inside Okta Workflows has the new secret, by events alone."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from keyturn.domain.ids import ConsumerId, RegistrationId
from keyturn.domain.oauth.consumers import Adoption, Consumer, Proof, confirmed, judged, named
from keyturn.domain.oauth.workflows import (
    Lack,
    SecretUse,
    Standing,
    Touch,
    WorkflowsLog,
    judge,
)

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
A, B = "Okta prod", "Okta devices"


def at(minute: int) -> datetime:
    """Return a moment so many minutes after noon."""
    return NOON + timedelta(minutes=minute)


def log_of(*told: tuple[int, str]) -> WorkflowsLog:
    """Return a log: minutes, and `new`, `code` or `old`, else the name of what was touched."""
    kinds = {"new": (True, False), "code": (True, True), "old": (False, False)}
    touches = [Touch(at(minute), (what,)) for minute, what in told if what not in kinds]
    uses = [SecretUse(at(minute), *kinds[what]) for minute, what in told if what in kinds]
    return WorkflowsLog(tuple(touches), tuple(uses))


ALONE: dict[str, tuple[Sequence[tuple[int, str]], Standing]] = {
    "nothing happened": ([], Standing(lack=Lack.UNTOUCHED)),
    "grants without a touch": ([(1, "code"), (60, "new")], Standing(lack=Lack.UNTOUCHED)),
    "only tried": ([(1, A)], Standing(at(1), lack=Lack.UNPROVED)),
    "only tried, after the old secret": ([(0, "old"), (1, A)], Standing(at(1), lack=Lack.UNPROVED)),
    "a grant before it": ([(1, "code"), (2, A)], Standing(at(2), lack=Lack.UNPROVED)),
    "tried again after a grant": (
        [(1, A), (2, "code"), (3, A)],
        Standing(at(3), lack=Lack.UNPROVED),
    ),
    "a code after it": ([(1, A), (2, "code"), (62, "new")], Standing(at(1), at(2))),
    "a renewal after it": ([(1, A), (62, "new")], Standing(at(1), at(62))),
    "the old secret before it": ([(0, "old"), (1, A), (2, "code")], Standing(at(1), at(2))),
    "the old secret after it": (
        [(1, A), (2, "code"), (30, "old")],
        Standing(at(1), lack=Lack.RELAPSED),
    ),
    "the old one in the same moment": (
        [(1, A), (2, "code"), (2, "old")],
        Standing(at(1), lack=Lack.RELAPSED),
    ),
    "mended": ([(1, A), (2, "old"), (30, "new")], Standing(at(1), at(30))),
}


@pytest.mark.parametrize("case", ALONE)
def test_one_connection(case: str) -> None:
    """A try proves nothing, and neither does a grant that the old secret was used after."""
    told, standing = ALONE[case]
    assert judge(log_of(*told), [A], [A]) == {A: standing}


def test_a_renewal_of_one_proves_nothing_of_another() -> None:
    """Of several, each needs the code that came after its own event."""
    told = [(1, A), (2, "code"), (10, B), (62, "new")]
    assert judge(log_of(*told), [A, B], [A, B]) == {
        A: Standing(at(1), at(2)),
        B: Standing(at(10), lack=Lack.UNPROVED),
    }
    assert judge(log_of(*told), [A, B], [B])[B].lack is Lack.UNPROVED


def test_an_event_that_may_mean_both_is_no_renewals_proof_of_either() -> None:
    """Where the log does not say which name is the connection's, a renewal may be of the other."""
    log = replace(log_of((62, "new")), touches=(Touch(at(1), (A, B)),))
    assert {each.lack for each in judge(log, [A, B], [A, B]).values()} == {Lack.UNPROVED}


def test_a_code_is_that_of_the_last_event_before_it() -> None:
    """Also where that was of a connection nobody has told of."""
    told = [(1, A), (2, "Another"), (3, "code"), (62, "new")]
    assert judge(log_of(*told), [A], [A])[A].lack is Lack.UNPROVED


def test_the_old_secret_is_used_by_who_is_not_done_yet() -> None:
    """That is not held against who is; afterwards it is, against everybody."""
    told = [(1, A), (2, "code"), (30, "old"), (40, B), (41, "code")]
    assert judge(log_of(*told), [A, B], [A, B]) == {
        A: Standing(at(1), at(2)),
        B: Standing(at(40), at(41)),
    }
    after = judge(log_of(*told, (50, "old")), [A, B], [A, B])
    assert {each.lack for each in after.values()} == {Lack.RELAPSED}


CONSUMER = Consumer(
    ConsumerId("c"), RegistrationId("r"), "flows", Adoption.RESTART, NOON, confirmed=1, workflows=A
)


def test_what_is_seen_is_noted_with_the_consumer() -> None:
    """A try first, then the proof; what somebody said is not taken back."""
    tried = judged(CONSUMER, 2, Standing(at(1), lack=Lack.UNPROVED))
    assert (tried.judged, tried.touched_at, tried.confirmed) == (2, at(1), 1)
    assert named(tried, 2) == f'consumer flows, Okta Workflows connection "{A}": {Lack.UNPROVED}'
    done = judged(tried, 2, Standing(at(1), at(2)))
    assert (done.confirmed, done.confirmed_at, done.proof) == (2, at(2), Proof.LOG)
    said = confirmed(tried, 2, at(3))
    assert judged(said, 2, Standing(lack=Lack.UNTOUCHED)) is said
    assert (said.proof, said.told) == (Proof.WORD, "")


def test_who_was_not_looked_for_yet_is_named_without_a_reason() -> None:
    """What was seen of an earlier version says nothing of this one."""
    tried = judged(CONSUMER, 2, Standing(at(1), lack=Lack.UNPROVED))
    assert named(tried, 3).endswith("not confirmed yet")
    assert named(replace(CONSUMER, workflows=None), 2) == "consumer flows"
