"""What policies and exceptions may say, what a report counts, and what its hash is of."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from compliance_kit import DAY, NOW, app, exception, judged, policy, secret

from keyturn.domain.compliance import (
    SEVERITIES,
    FindingKind,
    require_exception,
    require_policy,
    require_some_left,
)
from keyturn.domain.compliance_reports import canonical, digest, next_report, report_of
from keyturn.domain.errors import InvalidInput
from keyturn.domain.ids import OrganizationId, ReportId


def fields_of(error: InvalidInput) -> list[str]:
    """Return the fields that an error complains of."""
    return [".".join(problem.field) for problem in error.problems]


@pytest.mark.parametrize(
    ("limits", "wrong"),
    [
        ({"max_age_days": 1, "max_overlap_days": 3650, "unused_days": None}, []),
        ({"max_age_days": 0}, ["maxAgeDays"]),
        ({"max_overlap_days": 3651, "unused_days": -1}, ["maxOverlapDays", "unusedDays"]),
        ({"selector": "colour=red"}, ["selector"]),
    ],
)
def test_a_policy_asks_for_something_possible(limits: dict[str, Any], wrong: list[str]) -> None:
    """Each field that does not fit is named."""
    if not wrong:
        assert require_policy(policy(**limits))
        return
    with pytest.raises(InvalidInput) as refused:
        require_policy(policy(**limits))
    assert fields_of(refused.value) == wrong


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({}, None),
        ({"expires_at": NOW - 10 * DAY + timedelta(days=366)}, None),
        ({"expires_at": NOW - 10 * DAY + timedelta(days=367)}, "expiresAt"),
        ({"expires_at": NOW - 10 * DAY}, "expiresAt"),
        ({"expires_at": NOW - 11 * DAY}, "expiresAt"),
        ({"reason": "  "}, "reason"),
        ({"reason": "x" * 1001}, "reason"),
        ({"selector": ""}, "selector"),
        ({"selector": "*"}, "selector"),
        ({"selector": "label=*"}, "selector"),
        ({"selector": "app=* auth=**"}, "selector"),
        ({"selector": "label=pay-* label=*"}, "selector"),
        ({"selector": "label=* app=0oa1"}, None),
        ({"selector": 'label="" owner=*'}, None),
        ({"selector": "colour=red"}, "selector"),
    ],
)
def test_an_exception_has_apps_a_reason_and_an_end(changes: Any, wrong: str | None) -> None:  # noqa: ANN401
    """Nothing is excused for ever, nor everything, nor without a word."""
    if wrong is None:
        assert require_exception(exception(**changes))
        return
    with pytest.raises(InvalidInput) as refused:
        require_exception(exception(**changes))
    assert fields_of(refused.value) == [wrong]


@pytest.mark.parametrize(
    ("selector", "kinds", "fits_all"),
    [
        ("app=0oa*", (), True),
        ("label=* connection=okta", ("too-old", "inventory-stale"), True),
        ("label=p*", ("too-old",), True),
        ("app=0oa1 app=0oa2", (), False),
        ("app=0oa1 app=0oa*", (), True),
        ("connection=okta", ("access-over-privileged", "inventory-stale"), False),
        ("owner=nobody", (), False),
    ],
)
def test_a_pattern_leaves_some_app_out(
    selector: str,
    kinds: tuple[str, ...],
    fits_all: bool,  # noqa: FBT001
) -> None:
    """Whoever excuses every app that is known names them, or changes the policy."""
    made = exception(selector, kinds=kinds)
    apps = [app(name="0oa1").subject, app(name="0oa2").subject]
    require_some_left(made, apps[:1])
    if not fits_all:
        require_some_left(made, apps)
        return
    with pytest.raises(InvalidInput, match="fits all 2 apps"):
        require_some_left(made, apps)


@pytest.mark.parametrize(("days", "told"), [(15, False), (14, True), (0.1, True), (0, False)])
def test_an_exception_is_told_of_before_it_ends(days: float, told: bool) -> None:  # noqa: FBT001
    """Two weeks are time enough to do what it has put off."""
    assert exception(days=days).about_to_expire(NOW) is told


def test_every_kind_of_finding_has_its_severity() -> None:
    """A new kind cannot be forgotten."""
    assert {*SEVERITIES} == {*FindingKind}


def test_a_report_counts_what_was_found() -> None:
    """Breaches by kind, apps, and what is excused."""
    verdict = judged(app(secret(100)), app(secret(99), name="0oa2"), exceptions=(exception(),))
    made = report_of(
        verdict, ReportId("r"), OrganizationId("o-1"), made_at=NOW, new_breaches=1, sha256="0"
    )
    assert (made.apps, made.compliant, made.uncovered, made.excused) == (2, 1, 0, 1)
    assert (made.breaches, made.by_kind) == (("too-old=1",), {"too-old": 1})
    assert made.complete


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)),
        (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)),
    ],
)
def test_the_next_report_is_made_at_midnight(now: datetime, due: datetime) -> None:
    """By UTC, which knows no summer."""
    assert next_report(now) == due


def test_the_hash_is_of_what_is_said_not_of_how() -> None:
    """The order of names and the blanks between do not matter; any value does."""
    one = canonical({"b": [1, None, True], "a": "ü"})
    assert one == '{"a":"ü","b":[1,null,true]}'.encode()
    assert canonical({"a": "ü", "b": [1, None, True]}) == one
    assert digest(one) != digest(canonical({"a": "u", "b": [1, None, True]}))
    assert digest(b"{}") == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
