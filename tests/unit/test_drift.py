"""What counts as drift, and what would mend it: one test a kind."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from keyturn.domain.drift import PROPOSED, Drift, Kind, Repair, compare, unseen
from keyturn.domain.ids import AppId, ClientId, CredentialId, SecretHash, VersionNo
from keyturn.domain.okta import App, AuthMethod, Credential, Status
from keyturn.domain.turn import Held

NOW = datetime(2026, 11, 21, tzinfo=UTC)
APP = App(AppId("0oa1"), ClientId("c"), "app", Status.ACTIVE, AuthMethod.CLIENT_SECRET_BASIC)
SERVED = Held(SecretHash("served"), CredentialId("ocs2"), VersionNo(2))
OURS = frozenset({SecretHash("served"), SecretHash("older")})


def secret(okta_id: str, of: str, status: Status = Status.ACTIVE) -> Credential:
    """Make a client secret as Okta lists it."""
    return Credential(CredentialId(okta_id), SecretHash(of), status, NOW)


KEPT = secret("ocs2", "served")


def kinds(*listed: Credential, app: App | None = APP) -> list[tuple[Kind, str]]:
    """Compare and return kind and subject of each drift."""
    found = compare(app, APP.id, listed, SERVED, OURS)
    return [(drift.kind, drift.subject) for drift in found]


def test_app_as_it_is_on_record_has_not_drifted() -> None:
    """One ACTIVE secret, the served one, is what is wanted."""
    assert kinds(KEPT) == []


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ([KEPT, secret("ocs9", "foreign")], (Kind.SECRET_ADDED, "ocs9")),
        ([KEPT, secret("ocs9", "older")], (Kind.OLD_VALUE_BACK, "ocs9")),
        ([secret("ocs2", "served", Status.INACTIVE)], (Kind.SECRET_DEACTIVATED, "ocs2")),
        ([secret("ocs2", "foreign")], (Kind.SECRET_OVERWRITTEN, "ocs2")),
        ([], (Kind.SECRET_REMOVED, "ocs2")),
    ],
    ids=["added", "old value back", "deactivated", "overwritten", "removed"],
)
def test_drift_of_secrets(listed: list[Credential], expected: tuple[Kind, str]) -> None:
    """Each change is named once, by Okta's id of what it is about."""
    assert kinds(*listed) == [expected]


def test_two_changes_are_two_drifts() -> None:
    """A removed secret does not hide the foreign one in its place."""
    found = kinds(secret("ocs9", "foreign"), secret("ocs8", "foreign2"))
    assert found == [
        (Kind.SECRET_REMOVED, "ocs2"),
        (Kind.SECRET_ADDED, "ocs9"),
        (Kind.SECRET_ADDED, "ocs8"),
    ]


@pytest.mark.parametrize(
    ("app", "kind"),
    [
        (None, Kind.APP_GONE),
        (replace(APP, status=Status.INACTIVE), Kind.APP_DEACTIVATED),
        (replace(APP, auth_method=AuthMethod.PRIVATE_KEY_JWT), Kind.KEYS_USED),
    ],
)
def test_unfit_app_is_the_one_finding(app: App | None, kind: Kind) -> None:
    """What is wrong with the app explains what is wrong with its secrets."""
    assert kinds(app=app) == [(kind, APP.id)]


def test_nothing_is_served_before_the_first_turn() -> None:
    """A rotation that serves nothing yet misses nothing; a foreign secret is still told."""
    found = compare(APP, APP.id, (secret("ocs9", "foreign"),), None, frozenset())
    assert [drift.kind for drift in found] == [Kind.SECRET_ADDED]
    assert isinstance(found[0], Drift)


def test_every_kind_has_a_proposal() -> None:
    """Nobody is left with a finding and no idea what to do."""
    assert PROPOSED.keys() == set(Kind)


def test_only_what_we_served_is_repaired_by_machine() -> None:
    """A stranger, and an app that somebody changed, are for people to deal with."""
    by_machine = {kind: repair for kind, repair in PROPOSED.items() if repair is not Repair.BY_HAND}
    assert by_machine == {
        Kind.SECRET_OVERWRITTEN: Repair.TURN,
        Kind.SECRET_DEACTIVATED: Repair.ACTIVATE,
        Kind.SECRET_REMOVED: Repair.TURN,
    }


@pytest.mark.parametrize(
    ("known", "now", "open_still"),
    [
        (Kind.SECRET_ADDED, Kind.APP_DEACTIVATED, True),
        (Kind.SECRET_REMOVED, Kind.APP_DEACTIVATED, True),
        (Kind.APP_GONE, Kind.APP_DEACTIVATED, False),
        (Kind.SECRET_ADDED, Kind.APP_GONE, False),
        (Kind.APP_DEACTIVATED, Kind.APP_GONE, False),
        (Kind.SECRET_ADDED, Kind.SECRET_REMOVED, False),
    ],
)
def test_only_a_deactivated_app_hides_what_was_found(
    known: Kind, now: Kind, *, open_still: bool
) -> None:
    """An app that is gone has taken its secrets with it; one that is back was not gone."""
    assert unseen(known, (Drift(now, APP.id),)) is open_still
