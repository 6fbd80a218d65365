"""How a rotation stands, and how it takes a secret over that somebody enters."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from storage_kit import ROTATION

from keyturn.domain.errors import Refused
from keyturn.domain.foreign import Consent
from keyturn.domain.ids import AppId, ClientId, CredentialId, SecretHash
from keyturn.domain.okta import (
    App,
    AuthMethod,
    Credential,
    CredentialKind,
    Status,
    secret_hash,
    thumbprint,
)
from keyturn.domain.rotation import Adopt, decide_onboarding, known_by_value
from keyturn.domain.sensitive import Sensitive

NOW = datetime(2026, 11, 21, tzinfo=UTC)
APP = App(AppId("0oa1"), ClientId("0oa1"), "app", Status.ACTIVE, AuthMethod.CLIENT_SECRET_POST)
ENTERED = Sensitive("entered")
SECRET, KEY = CredentialKind.CLIENT_SECRET, CredentialKind.CLIENT_KEY


def masked(name: str, hashed: SecretHash, status: Status = Status.ACTIVE) -> Credential:
    """Make a credential whose value Okta does not show."""
    return Credential(CredentialId(name), hashed, status, NOW)


OURS = masked("ours", secret_hash(ENTERED))
OTHER = masked("other", SecretHash("other"))
OFF = replace(OURS, status=Status.INACTIVE)


def consent(credential: Credential) -> Consent:
    """Return its owner's consent."""
    return Consent(credential.id, credential.created_at.date())


@pytest.mark.parametrize(
    ("limit", "failures", "quarantined"),
    [(0, 0, False), (0, 9, False), (1, 0, False), (1, 1, True), (3, 2, False), (3, 3, True)],
)
def test_quarantine_begins_at_its_limit(limit: int, failures: int, *, quarantined: bool) -> None:
    """So many failures in a row stop the schedule; a limit of none never does."""
    schedule = replace(ROTATION.schedule, quarantine_after=limit)
    assert replace(ROTATION, schedule=schedule, failures=failures).quarantined is quarantined


def test_rotation_has_failed_while_something_is_to_be_told() -> None:
    """The message of the last failure is what tells that it failed."""
    assert not ROTATION.failed
    assert replace(ROTATION, last_message="Okta refuses the call.").failed


@pytest.mark.parametrize("secrets", [(OURS,), (OTHER, OURS)])
def test_entered_value_is_proved_by_oktas_hash(secrets: tuple[Credential, ...]) -> None:
    """The one ACTIVE secret of that hash is adopted with the value; nothing is retired."""
    plan = decide_onboarding(
        APP, secrets, adopt_existing=True, retire_existing=None, entered=ENTERED
    )
    assert plan == Adopt(replace(OURS, value=ENTERED), None)


def test_entered_value_is_adopted_beside_one_that_may_be_retired() -> None:
    """The owner's consent to the other one is kept."""
    plan = decide_onboarding(
        APP, (OTHER, OURS), adopt_existing=True, retire_existing=consent(OTHER), entered=ENTERED
    )
    assert plan == Adopt(replace(OURS, value=ENTERED), OTHER)


def test_secret_that_is_to_be_retired_is_not_adopted() -> None:
    """A value entered for the secret that shall go is a contradiction, and refused."""
    with pytest.raises(Refused, match="no ACTIVE client secret"):
        decide_onboarding(
            APP, (OURS,), adopt_existing=True, retire_existing=consent(OURS), entered=ENTERED
        )


@pytest.mark.parametrize("secrets", [(), (OTHER,), (OFF,)], ids=["none", "another", "inactive"])
def test_value_that_proves_nothing_is_refused(secrets: tuple[Credential, ...]) -> None:
    """A value is taken only where Okta's ACTIVE secret has its hash."""
    with pytest.raises(Refused) as refused:
        known_by_value(SECRET, secrets, ENTERED)
    assert refused.value.message == (
        "The value that was entered is that of no ACTIVE client secret of it."
    )


def test_what_is_no_key_is_the_value_of_none() -> None:
    """A key is recognised by its thumbprint; what has none matches nothing, whatever is listed."""
    with pytest.raises(Refused, match="no ACTIVE client key"):
        known_by_value(KEY, (masked("pks", SecretHash("")), OURS), ENTERED)


@pytest.mark.parametrize(
    ("entered", "listed", "kept"),
    [(None, "theirs", "theirs"), ("its own", "theirs", "its own"), (None, None, None)],
)
def test_key_without_a_name_is_kept_with_the_one_of_oktas_list(
    entered: str | None, listed: str | None, kept: str | None
) -> None:
    """Readers sign by what is kept, and beside a second key a signature has to name its own."""
    nameless = {"kty": "EC", "crv": "P-256", "x": "x", "y": "y", "d": "d"}
    given = nameless | ({"kid": entered} if entered else {})
    at_okta = replace(masked("pks", thumbprint(nameless)), name=listed)
    known = known_by_value(KEY, (at_okta,), Sensitive(json.dumps(given)))
    assert known.value
    assert json.loads(known.value.reveal()) == nameless | ({"kid": kept} if kept else {})
