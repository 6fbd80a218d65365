"""What people are told: each text names what it is about, and who may do what."""

from dataclasses import replace
from datetime import timedelta

import pytest
from turn_kit import APP, FOREIGN, LATER, NEW, NOW, OLD, POSTED, decide, listed, turn

from keyturn.domain.drift import Drift, Kind, compare
from keyturn.domain.errors import Refused
from keyturn.domain.evidence import Evidence
from keyturn.domain.ids import AppId, CredentialId, SecretHash
from keyturn.domain.okta import App, AuthMethod, Credential, CredentialKind, Probe, Status
from keyturn.domain.orders import aborted, paused
from keyturn.domain.rotation import decide_onboarding
from keyturn.domain.steps import Block, Seen
from keyturn.domain.turn import Held, Phase, Reason, Turn, blocked

OFF = replace(APP, status=Status.INACTIVE)
KEYS = replace(APP, auth_method=AuthMethod.PRIVATE_KEY_JWT)
UNFIT = Seen(credentials=(), old_probe=Probe.REJECTED)
SECOND = replace(FOREIGN, id=CredentialId("ocs2"), status=Status.INACTIVE)
FIRST = "`keyturn rotation retire-existing r ocsforeign --made 2026-11-21` retires it."
ADOPT = "`keyturn rotation adopt-existing r ocsforeign --value-stdin` serves it."
REMOVE = "Or remove it at Okta, then: `keyturn turn resume r`."
ONE = f"Foreign: ocsforeign (ACTIVE, made 2026-11-21, 8 days ago). {ADOPT} {FIRST} {REMOVE}"
LATE = (
    "Foreign: ocsold (ACTIVE, made 2026-11-21, 8 days ago), "
    "ocsforeign (ACTIVE, made 2026-11-21, 8 days ago). "
    f"{FIRST.replace('ocsforeign', 'ocsold')} {FIRST} {REMOVE}"
)
TWO = (
    "Foreign: ocsforeign (ACTIVE, made 2026-11-21, 8 days ago), "
    f"ocs2 (INACTIVE, made 2026-11-21, 8 days ago). {ADOPT} {FIRST} "
    f"{FIRST.replace('ocsforeign', 'ocs2')} {REMOVE}"
)
SWAPPED = replace(listed(OLD), hash=SecretHash("x"))
OKTAS = CredentialKind.API_SERVICE_SECRET
RETIRING = turn(Phase.OVERLAPPING)
SERVED = Seen(credentials=(listed(OLD), listed(NEW)), served=NEW.hash)
GONE = replace(SERVED, credentials=(listed(OLD),), new_probe=Probe.REJECTED, app=APP)
NO_USE = (
    "App 0oa1 authenticates by private_key_jwt, not with a client secret: there is nothing to "
    "rotate. Another way is for its administrator to choose; a switch to keys deletes the app's "
    "client secrets at Okta."
)
FULL = (
    "App 0oa1 already has 2 client secrets at Okta, ocsforeign (ACTIVE, made 2026-11-21), "
    "ocs2 (INACTIVE, made 2026-11-21), and Okta's limit leaves no room to turn. Remove the one "
    "that is not in use, or consent to its retirement by its id and day: `keyturn rotation create` "
    "with --retire-existing and --retire-existing-made, by HTTP parameters.retireExisting and "
    "retireExistingMade."
)


@pytest.mark.parametrize(
    ("of", "seen", "told"),
    [
        (turn(Phase.PLANNED), replace(UNFIT, app=OFF), "App 0oa1."),
        (turn(Phase.PLANNED), replace(UNFIT, app=KEYS), "App 0oa1: private_key_jwt."),
        (turn(Phase.PLANNED), Seen(credentials=(FOREIGN, SECOND)), TWO),
        (turn(Phase.WRITTEN, posted=POSTED), Seen(credentials=(listed(OLD), FOREIGN)), ONE),
        (turn(Phase.WRITTEN, kind=OKTAS), Seen(credentials=(listed(OLD), FOREIGN)), ONE),
        (RETIRING, GONE, "Client secret ocsnew."),
        (RETIRING, replace(SERVED, credentials=(SWAPPED, listed(NEW), FOREIGN)), LATE),
        (
            turn(Phase.OVERLAPPING, reinstated=1),
            SERVED,
            (
                "an operator's word, because the old secret had to be reinstated "
                "until 2026-11-28 12:00:00 UTC, and blocks then"
            ),
        ),
        (
            turn(Phase.SOAKING),
            replace(GONE, evidence=Evidence()),
            "Client secret ocsnew.",
        ),
    ],
)
def test_block_names_what_it_is_about(of: Turn, seen: Seen, told: str) -> None:
    """An app or a credential is named by Okta's id, and a stranger with its age."""
    step = decide(of, seen, NOW + timedelta(days=8))
    assert isinstance(step, Block)
    assert step.detail == told


def test_blocked_turn_says_all_of_it() -> None:
    """The reason says who must act, the detail on what."""
    stuck = blocked(turn(Phase.WRITTEN), Reason.APP_INACTIVE, "App 0oa1.", LATER)
    assert str(stuck.blocked) == (
        "The app is deactivated at Okta. Its administrator must activate it. App 0oa1."
    )


def test_refused_abort_says_what_can_be_done_instead() -> None:
    """Whoever comes too late to abort is told of the ways that are left, wherever it stands."""
    with pytest.raises(Refused) as refused:
        aborted(turn(Phase.SOAKING), NOW)
    assert refused.value.message == (
        "The turn is soaking: readers may hold the new client secret, so it stays. "
        "What can be done: `keyturn turn pause`, `keyturn turn reinstate`, "
        "`keyturn turn finish-now`."
    )
    with pytest.raises(Refused, match="What can be done: `keyturn turn resume`, `keyturn turn fin"):
        aborted(paused(turn(Phase.OVERLAPPING), NOW), NOW)


@pytest.mark.parametrize(
    ("app", "listed_now", "told"),
    [
        (KEYS, (), "It uses private_key_jwt."),
        (APP, (listed(NEW, Status.INACTIVE),), "Client secret ocsnew."),
        (APP, (replace(listed(NEW), hash=SecretHash("x")),), "Client secret ocsnew."),
        (APP, (), "Client secret ocsnew."),
        (APP, (listed(NEW), SECOND), "Client secret ocs2, INACTIVE, made 2026-11-21."),
    ],
)
def test_drift_names_what_has_changed(
    app: App, listed_now: tuple[Credential, ...], told: str
) -> None:
    """What was changed behind Keyturn's back is named by Okta's id."""
    (drift,) = compare(app, APP.id, listed_now, NEW, frozenset({NEW.hash}))
    assert drift.detail == told


def test_served_credential_that_okta_never_named_is_missed_all_the_same() -> None:
    """A served secret without an id of Okta's is told as it is."""
    served = Held(SecretHash("x"), None, None)
    assert compare(APP, AppId("0oa1"), (), served, frozenset()) == (
        Drift(Kind.SECRET_REMOVED, "unnamed", "Client secret unnamed."),
    )


@pytest.mark.parametrize(
    ("app", "told"),
    [
        (OFF, "App 0oa1 is INACTIVE at Okta: its administrator must activate it."),
        (
            KEYS,
            NO_USE,
        ),
        (
            APP,
            FULL,
        ),
    ],
)
def test_refused_onboarding_says_what_to_do(app: App, told: str) -> None:
    """An app that cannot be taken over is told why, and what would change that."""
    with pytest.raises(Refused) as refused:
        decide_onboarding(app, (FOREIGN, SECOND), adopt_existing=True, retire_existing=None)
    assert refused.value.message == told
