"""How well an org is known, and what Keyturn's own access there may do."""

from dataclasses import replace
from typing import Any

import pytest
from compliance_kit import DAY, NOW, ORG, READ, SIGHT, app, exception, judged, only, secret

from keyturn.domain.compliance import FindingKind, Severity
from keyturn.domain.connection import Method
from keyturn.domain.ids import ConnectionId
from keyturn.domain.judging_orgs import AccessSight, OrgSight

NEEDED = ("okta.apps.manage", "okta.apps.read", "okta.logs.read")
HELD = AccessSight(ORG.id, NEEDED, NOW - DAY, NOW)
STALE = FindingKind.INVENTORY_STALE


def sight(**changes: Any) -> OrgSight:  # noqa: ANN401  fields of an inventory
    """Return an org whose inventory is otherwise."""
    return replace(SIGHT, inventory=replace(READ, **changes))


@pytest.mark.parametrize(
    ("org", "why", "since"),
    [
        (SIGHT, None, None),
        (sight(log_read_at=NOW - 2 * DAY, completed_at=NOW - 9 * DAY), None, None),
        (sight(log_read_at=None, completed_at=NOW - 2 * DAY), None, None),
        (
            sight(log_read_at=NOW - 3 * DAY, completed_at=NOW - 9 * DAY, failure="No."),
            "What is known of this org's apps is of 2026-05-29 00:00 UTC. No.",
            NOW - DAY,
        ),
        (
            replace(SIGHT, inventory=None),
            "The apps of this org were never read.",
            ORG.created_at,
        ),
        (
            sight(completed_at=None, log_read_at=None, listed=12, wanted=9, read=4),
            "The apps of this org are being read: 4 of 9 so far.",
            READ.begun_at,
        ),
        (
            replace(SIGHT, unread=[NOW, NOW - 5 * DAY, NOW - DAY]),
            "The client secrets of 3 apps of this org could not be read.",
            NOW - 5 * DAY,
        ),
        (
            replace(SIGHT, unread=[NOW - DAY]),
            "The client secrets of 1 app of this org could not be read.",
            NOW - DAY,
        ),
    ],
)
def test_an_org_that_is_not_known_is_a_breach(org: OrgSight, why: Any, since: Any) -> None:  # noqa: ANN401
    """Nothing that is found elsewhere says anything of it; nor does an exception make it known."""
    verdict = judged(app(), orgs=(org,), exceptions=(exception("connection=okta"),))
    assert verdict.complete == (why is None)
    if why is None:
        assert not verdict.findings
    else:
        found = only(verdict)
        assert (found.kind, found.why, found.since) == (STALE, why, since)
        assert (found.app_id, found.policy, found.breach) == (None, "", False)


def test_an_org_that_is_reached_twice_is_to_be_known_once() -> None:
    """It is read by one connection; where by none, one finding says so."""
    other = replace(ORG, id=ConnectionId("other"), name="other")
    second = OrgSight(other)
    assert not judged(app(), orgs=(second, SIGHT)).findings
    assert only(judged(app(), orgs=(second, replace(SIGHT, inventory=None)))).kind is STALE


@pytest.mark.parametrize(
    ("scopes", "told"),
    [
        (NEEDED, None),
        ((), None),
        ((*NEEDED, "okta.oauthIntegrations.manage", "okta.appGrants.read"), None),
        ((*NEEDED, "okta.users.manage", "okta.idps.read"), "okta.idps.read, okta.users.manage"),
    ],
)
def test_scopes_that_keyturn_never_uses_are_a_breach(scopes: Any, told: str | None) -> None:  # noqa: ANN401
    """They are named, so that they can be taken away."""
    org = replace(SIGHT, access=replace(HELD, scopes=scopes))
    found = judged(app(), orgs=(org,)).findings
    assert [each.kind for each in found] == ([FindingKind.ACCESS_OVER_PRIVILEGED] if told else [])
    if told:
        assert found[0].why.endswith(f"never uses: {told}.")
        assert (found[0].breach, found[0].since) == (True, HELD.since)


@pytest.mark.parametrize(
    "org",
    [
        replace(SIGHT, access=replace(HELD, scopes=("okta.users.manage",), failure="Refused.")),
        replace(SIGHT, connection=replace(ORG, method=Method.API_TOKEN)),
    ],
)
def test_access_that_cannot_be_judged_is_told_and_is_no_breach(org: OrgSight) -> None:
    """An API token may do what its administrator may; what is not shown is not guessed."""
    found = only(judged(app(secret()), orgs=(org,)))
    assert (found.kind, found.severity) == (FindingKind.ACCESS_NOT_KNOWN, Severity.LOW)
    assert not found.breach


@pytest.mark.parametrize(
    ("selector", "excused"),
    [
        ("connection=okta", True),
        ("connection=ok*", True),
        ("connection=other", False),
        ("label=*", False),
        ("connection=okta label=*", False),
    ],
)
def test_an_org_is_excused_by_its_name_alone(selector: str, excused: bool) -> None:  # noqa: FBT001
    """An exception for apps, however many, is none for the access to all of them."""
    org = replace(SIGHT, access=replace(HELD, scopes=("okta.users.manage",)))
    found = only(judged(app(), orgs=(org,), exceptions=(exception(selector),)))
    assert found.breach is not excused


def test_an_exception_from_a_policy_does_not_excuse_an_org() -> None:
    """No policy asks for it."""
    org = replace(SIGHT, access=replace(HELD, scopes=("okta.users.manage",)))
    off = exception("connection=okta", policy_id="id-all")
    assert only(judged(app(), orgs=(org,), exceptions=(off,))).breach
