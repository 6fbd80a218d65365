"""What falls short of compliance policies: table-tested, and by properties."""

from dataclasses import replace
from typing import Any

import pytest
from compliance_kit import (
    DAY,
    NOW,
    READ,
    SIGHT,
    app,
    exception,
    judged,
    kinds,
    only,
    policy,
    secret,
)
from hypothesis import given
from hypothesis import strategies as st
from turn_kit import turn

from keyturn.domain.compliance import FindingKind, Severity
from keyturn.domain.ids import CompliancePolicyId, PolicyExceptionId
from keyturn.domain.judging import Judged
from keyturn.domain.judging_orgs import OrgSight
from keyturn.domain.okta import Status
from keyturn.domain.turn import Blocked, Phase, Reason

OFF = Status.INACTIVE
BLOCK = Blocked(Reason.APP_GONE, "", Phase.PLANNED)


@pytest.mark.parametrize(
    ("one", "limits", "found"),
    [
        (app(secret(90)), {"max_age_days": 90}, []),
        (app(secret(90.001)), {"max_age_days": 90}, ["too-old"]),
        (app(secret(400)), {}, []),
        (app(secret(400, status=OFF)), {"max_age_days": 90}, []),
        (app(secret(400), status=OFF), {"max_age_days": 90}, []),
        (app(secret(400), gone_at=NOW), {"max_age_days": 90}, []),
        (app(secret(9), secret(8, "b")), {"max_overlap_days": 7}, ["two-active"]),
        (app(secret(9), secret(7, "b")), {"max_overlap_days": 7}, []),
        (app(secret(99), secret(8, "b", status=OFF)), {"max_overlap_days": 7}, []),
        (app(secret(99), secret(98, "b")), {}, []),
        (app(secret(99, used_at=NOW - 31 * DAY)), {"unused_days": 30}, ["unused"]),
        (app(secret(99, used_at=NOW - 30 * DAY)), {"unused_days": 30}, []),
        (app(secret(99, used_at=None)), {"unused_days": 30}, ["unused"]),
        (app(secret(29, used_at=None)), {"unused_days": 30}, []),
        (app(secret(99, used_at=None, status=OFF)), {"unused_days": 30}, []),
        (app(secret(), application_type="browser"), {}, ["secret-on-public-client"]),
        (app(secret(), application_type="native"), {}, ["secret-on-public-client"]),
        (app(secret(), auth_method="none"), {}, ["secret-on-public-client"]),
        (app(secret(status=OFF), auth_method="none"), {}, []),
        (app(auth_method="none", application_type="browser"), {}, []),
        (app(secret(length=31)), {}, ["weak-value"]),
        (app(secret(length=32)), {}, []),
        (app(secret(length=None)), {}, []),
        (app(secret(length=14, status=OFF)), {}, []),
        (app(secret()), {"managed": True}, ["unmanaged"]),
        (app(secret(), rotation="web"), {"managed": True}, []),
        (app(secret(status=OFF)), {"managed": True}, []),
        (app(auth_method="private_key_jwt"), {"managed": True, "max_age_days": 1}, []),
    ],
)
def test_each_kind_of_finding(one: Judged, limits: dict[str, Any], found: list[str]) -> None:
    """Only secrets that Okta accepts count, of apps that it accepts; a limit itself is kept."""
    assert kinds(judged(one, policies=(policy(**limits),))) == found


def test_a_finding_tells_why_what_to_do_and_since_when() -> None:
    """Numbers, not adjectives; and who keeps the app decides what is to be done."""
    foreign = only(judged(app(secret(100), owner="pay")))
    assert (
        foreign.why
        == "It was made on 2026-02-21 and may be 90 days old. It has been too old for 10 days."
    )
    assert (foreign.since, foreign.severity) == (NOW - 10 * DAY, Severity.HIGH)
    assert (foreign.secret_id, foreign.owner) == ("ocs1", "pay")
    assert (foreign.rotation_id, foreign.policy) == (None, "all")
    assert foreign.todo.startswith("Make a rotation")
    kept = only(judged(app(secret(100), rotation="web")))
    assert (kept.rotation_id, kept.rotation) == ("r-1", "web")
    assert kept.todo.startswith("Turn its rotation")


@pytest.mark.parametrize(
    ("changes", "todo"),
    [
        ({"paused_at": NOW}, "A turn of its rotation is paused: resume it."),
        ({"blocked": BLOCK}, "A turn of its rotation is blocked: see who must do what."),
        ({}, "A turn of its rotation is under way: see what it waits for."),
    ],
)
def test_while_a_turn_is_open_no_other_is_advised(changes: dict[str, Any], todo: str) -> None:
    """Okta takes no third client secret, and a schedule begins nothing meanwhile."""
    old, alike = secret(100, length=9), secret(99, "b")
    one = replace(app(old, alike, rotation="web"), turn=replace(turn(Phase.OVERLAPPING), **changes))
    strict = policy(max_age_days=90, max_overlap_days=7, unused_days=1)
    told = {each.todo for each in judged(one, policies=(strict,)).findings}
    assert told == {todo}
    gone = replace(one, app=replace(one.app, auth_method="none"))
    findings = judged(gone, policies=(strict,)).findings
    public = [each for each in findings if each.kind is FindingKind.SECRET_ON_PUBLIC_CLIENT]
    assert {each.todo for each in public} == {
        "Have the app use PKCE without a secret, then end its rotation."
    }


@pytest.mark.parametrize(
    ("days", "told"), [(90.5, "since today."), (91, "for 1 day."), (92, "for 2 days.")]
)
def test_how_long_it_has_been_over(days: float, told: str) -> None:
    """In whole days, as people count."""
    assert only(judged(app(secret(days)))).why.endswith(told)


def test_the_older_of_two_is_the_one_to_go() -> None:
    """Both work since the newer was made; the finding is of the older."""
    two = app(secret(3, "new"), secret(300, "old"))
    found = only(judged(two, policies=(policy(max_overlap_days=1),)))
    assert (found.secret_id, found.since) == ("old", NOW - 2 * DAY)


@pytest.mark.parametrize(
    ("since", "until", "found"),
    [
        (NOW - 31 * DAY, NOW, ["unused"]),
        (NOW - 30 * DAY, NOW, []),
        (None, NOW, []),
        (NOW - 99 * DAY, None, []),
        (NOW - 99 * DAY, NOW - 70 * DAY, []),
    ],
)
def test_unused_is_said_only_of_what_was_watched(since: Any, until: Any, found: list[str]) -> None:  # noqa: ANN401
    """What happened before the log was read, or after it was read last, is not known."""
    org = OrgSight(SIGHT.connection, replace(READ, uses_since=since, uses_until=until))
    rules = (policy(unused_days=30),)
    assert kinds(judged(app(secret(99, used_at=None)), policies=rules, orgs=(org,))) == found


# --- which policy applies -------------------------------------------------------------------------

LONG, SHORT = policy("long", max_age_days=365), policy("short", "label=pay*", max_age_days=30)
IDLE = policy("idle", unused_days=10)


@pytest.mark.parametrize(
    ("days", "policies", "by"),
    [
        (400, (LONG, SHORT), "short"),
        (400, (SHORT, LONG), "short"),
        (40, (LONG, SHORT), "short"),
        (20, (LONG, SHORT), None),
        (400, (LONG, policy("other", "label=web*", max_age_days=1)), "long"),
        (400, (LONG, IDLE), "long"),
        (400, (policy("b", max_age_days=30), policy("a", max_age_days=30)), "a"),
        (400, (), None),
    ],
)
def test_the_strictest_policy_that_fits_applies(days: float, policies: Any, by: str | None) -> None:  # noqa: ANN401
    """Of each limit the strictest, in whatever order they were made; by name where they agree."""
    found = judged(app(secret(days)), policies=policies).findings
    assert [each.policy for each in found] == ([by] if by else [])


def test_what_no_policy_fits_is_counted_apart() -> None:
    """It is neither in a breach nor compliant: nobody has asked anything of it."""
    verdict = judged(app(secret(400)), policies=(policy(selector="label=web*", max_age_days=1),))
    assert (len(verdict.applied), len(verdict.uncovered), verdict.compliant) == (0, 1, 0)
    verdict = judged(app(secret(400)), app(secret(), name="0oa2"), app(status=OFF))
    assert (len(verdict.applied), len(verdict.uncovered), verdict.compliant) == (2, 0, 1)


# --- exceptions -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by", "excused"),
    [
        (exception(), True),
        (exception("label=PAY*"), True),
        (exception("app=0oa2"), False),
        (exception(days=0), False),
        (exception(days=-1), False),
        (exception(kinds=("too-old",)), True),
        (exception(kinds=("unused", "weak-value")), False),
        (exception(policy_id=CompliancePolicyId("id-all")), True),
        (exception(policy_id=CompliancePolicyId("id-other")), False),
    ],
)
def test_what_an_exception_excuses(by: Any, excused: bool) -> None:  # noqa: ANN401, FBT001
    """Its apps, its policy, its kinds, until it expires; then it is a breach again."""
    verdict = judged(app(secret(100)), exceptions=(by,))
    found = only(verdict)
    assert (found.excused_by == by.id, found.breach) == (excused, not excused)
    assert found.excused_until == (by.expires_at if excused else None)
    assert (verdict.excused, verdict.compliant) == (int(excused), int(excused))


def test_from_a_strict_policy_excused_the_next_strictest_still_applies() -> None:
    """Whoever is let off 30 days is not let off a year."""
    rules = (policy("short", max_age_days=30), policy("long", max_age_days=365))
    off = (exception(policy_id=CompliancePolicyId("id-short")),)
    fresh = only(judged(app(secret(100)), policies=rules, exceptions=off))
    assert (fresh.policy, fresh.breach) == ("short", False)
    old = only(judged(app(secret(400)), policies=rules, exceptions=off))
    assert (old.policy, old.breach) == ("long", True)


def test_of_two_exceptions_the_one_that_lasts_longer_is_told() -> None:
    """So that nobody hurries for nothing."""
    longer = exception(days=90, id=PolicyExceptionId("e-2"))
    found = only(judged(app(secret(100)), exceptions=(exception(), longer, exception(days=60))))
    assert found.excused_by == "e-2"


def test_the_gravest_and_oldest_come_first() -> None:
    """High before medium, and of those what has lasted longest."""
    rules = (policy(max_age_days=90, managed=True),)
    verdict = judged(app(secret(100), name="a"), app(secret(200), name="b"), policies=rules)
    told = [(each.kind, each.app_id) for each in verdict.findings]
    old, unkept = FindingKind.TOO_OLD, FindingKind.UNMANAGED
    assert told == [(old, "b"), (old, "a"), (unkept, "a"), (unkept, "b")]


# --- properties -----------------------------------------------------------------------------------

AGES = st.floats(0, 1000)
LIMITS = st.lists(st.integers(1, 900), max_size=4)


@given(AGES, LIMITS)
def test_too_old_is_older_than_the_shortest_limit(age: float, limits: list[int]) -> None:
    """However many policies there are."""
    rules = tuple(policy(f"p{n}", max_age_days=each) for n, each in enumerate(limits))
    verdict = judged(app(secret(age)), policies=rules)
    over = bool(limits) and NOW - (NOW - age * DAY) > min(limits) * DAY
    assert bool(verdict.findings) == over
    if over:
        assert only(verdict).since == NOW - age * DAY + min(limits) * DAY


@given(AGES, LIMITS, st.integers(1, 900))
def test_another_policy_never_makes_anything_well(age: float, limits: list[int], more: int) -> None:
    """Breaches only grow with what is asked."""
    rules = tuple(policy(f"p{n}", max_age_days=each) for n, each in enumerate(limits))
    before = judged(app(secret(age)), policies=rules)
    after = judged(app(secret(age)), policies=(*rules, policy("more", max_age_days=more)))
    assert {each.id for each in before.breaches} <= {each.id for each in after.breaches}


@given(AGES, st.integers(1, 400), st.floats(-10, 10))
def test_time_alone_heals_nothing(age: float, limit: int, left: float) -> None:
    """A breach stays one until somebody acts; an exception only ever ends."""
    rules, off = (policy(max_age_days=limit),), (exception(days=left),)
    one = app(secret(age))
    now = judged(one, policies=rules, exceptions=off)
    later = judged(one, policies=rules, exceptions=off, now=NOW + DAY)
    assert {each.id for each in now.breaches} <= {each.id for each in later.breaches}
