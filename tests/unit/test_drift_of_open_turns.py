"""What counts as drift while a turn is open: its own old and new credential do not."""

from dataclasses import replace

import pytest
from turn_kit import FOREIGN, NEW, NOW, OLD, POSTED, listed, turn

from keyturn.domain.drift import Kind, apart_from, comparable, compare
from keyturn.domain.ids import AppId, ClientId, CredentialId
from keyturn.domain.okta import App, AuthMethod, Credential, CredentialKind, Status
from keyturn.domain.turn import Blocked, Held, Phase, Reason, Turn

APP = App(AppId("0oa1"), ClientId("0oa1"), "app", Status.ACTIVE, AuthMethod.CLIENT_SECRET_BASIC)
OVERLAPPING = turn(Phase.OVERLAPPING)
MOVED = replace(listed(OLD), id=CredentialId("ocs9"))


def kinds(of: Turn | None, *secrets: Credential, served: Held = NEW) -> list[tuple[Kind, str]]:
    """Compare and return kind and subject of each drift."""
    ours = frozenset({OLD.hash, NEW.hash})
    found = compare(APP, APP.id, apart_from(of, secrets, served), served, ours)
    return [(drift.kind, drift.subject) for drift in found]


def test_both_secrets_of_a_turn_are_no_drift() -> None:
    """Without the turn the old one would be a value that is back."""
    assert kinds(OVERLAPPING, listed(OLD), listed(NEW)) == []
    assert kinds(None, listed(OLD), listed(NEW)) == [(Kind.OLD_VALUE_BACK, "ocsold")]


def test_secret_that_was_added_but_not_named_yet_is_the_turns_own() -> None:
    """Its hash tells, while its id is still on the way."""
    of = turn(Phase.WRITTEN, new=replace(NEW, okta_id=None))
    assert kinds(of, listed(OLD), listed(NEW), served=OLD) == []


def test_old_value_under_another_id_is_back() -> None:
    """Somebody has added it again: that is not the one that the turn retires."""
    assert kinds(OVERLAPPING, MOVED, listed(NEW)) == [(Kind.OLD_VALUE_BACK, "ocs9")]


@pytest.mark.parametrize(
    ("secrets", "expected"),
    [
        ([listed(OLD)], (Kind.SECRET_REMOVED, "ocsnew")),
        ([listed(OLD), listed(NEW, Status.INACTIVE)], (Kind.SECRET_DEACTIVATED, "ocsnew")),
    ],
    ids=["removed", "deactivated"],
)
def test_old_secret_is_not_what_took_the_served_ones_place(
    secrets: list[Credential], expected: tuple[Kind, str]
) -> None:
    """The one that readers are given is gone; the old one beside it did not overwrite it."""
    assert kinds(OVERLAPPING, *secrets) == [expected]


def test_known_value_elsewhere_did_not_overwrite_the_served_one() -> None:
    """Another id is another secret: the served one was removed, and an old value is back."""
    told = kinds(None, MOVED)
    assert told == [(Kind.SECRET_REMOVED, "ocsnew"), (Kind.OLD_VALUE_BACK, "ocs9")]


def test_served_value_that_works_under_another_id_is_no_drift() -> None:
    """Readers are accepted, whichever of the two Okta looks at."""
    again = replace(listed(NEW), id=CredentialId("ocs9"))
    assert kinds(None, listed(NEW, Status.INACTIVE), again) == []


@pytest.mark.parametrize("phase", [Phase.OVERLAPPING, Phase.RETIRED, Phase.SOAKING])
def test_waiting_turn_is_compared(phase: Phase) -> None:
    """Weeks may pass before it looks at Okta itself."""
    assert comparable(turn(phase))


@pytest.mark.parametrize("phase", [Phase.PLANNED, Phase.WRITTEN, Phase.ISSUED, Phase.VERIFIED])
def test_adding_turn_looks_for_itself(phase: Phase) -> None:
    """What it adds is not on record yet; once it stands still there is nothing on the way."""
    assert not comparable(turn(phase))
    assert comparable(turn(phase, paused_at=NOW))
    assert comparable(None)


def test_other_value_in_the_old_ones_place_is_a_strangers() -> None:
    """Somebody has overwritten the old secret: its id alone does not make it the turn's own."""
    swapped = replace(listed(OLD), hash=FOREIGN.hash)
    assert kinds(OVERLAPPING, swapped, listed(NEW)) == [(Kind.SECRET_ADDED, "ocsold")]


def test_turn_without_an_old_secret_owns_the_new_one_only() -> None:
    """A foreign secret beside a first managed one is told."""
    first = turn(Phase.OVERLAPPING, old=None)
    assert kinds(first, FOREIGN, listed(NEW)) == [(Kind.SECRET_ADDED, "ocsforeign")]


LEFT = replace(
    turn(Phase.WRITTEN, new=None, paused_at=NOW),
    kind=CredentialKind.API_SERVICE_SECRET,
    posted=replace(POSTED, beside="ocsold"),
)
ADDED = (Kind.SECRET_ADDED, "ocsforeign")
OTHER = replace(FOREIGN, id=CredentialId("ocsother"))


@pytest.mark.parametrize(
    ("of", "secrets", "expected"),
    [
        (LEFT, [FOREIGN], []),
        (
            replace(LEFT, blocked=Blocked(Reason.ACCESS_REFUSED, "", Phase.WRITTEN)),
            [FOREIGN],
            [],
        ),
        (LEFT, [FOREIGN, OTHER], [ADDED, (Kind.SECRET_ADDED, "ocsother")]),
        (replace(LEFT, posted=None), [FOREIGN], [ADDED]),
        (replace(LEFT, new=NEW), [FOREIGN], [ADDED]),
        (replace(LEFT, posted=replace(POSTED, beside="ocsold ocsforeign")), [FOREIGN], [ADDED]),
        (replace(LEFT, kind=CredentialKind.CLIENT_SECRET), [FOREIGN], [ADDED]),
        (
            replace(LEFT, blocked=Blocked(Reason.FOREIGN_SECRET, "", Phase.WRITTEN)),
            [FOREIGN],
            [ADDED],
        ),
    ],
    ids=[
        "may be ours",
        "stopped for another reason",
        "one of two",
        "never asked",
        "answered",
        "was there before",
        "our value",
        "strange",
    ],
)
def test_what_okta_may_have_made_for_the_turn_is_left_to_it(
    of: Turn, secrets: list[Credential], expected: list[tuple[Kind, str]]
) -> None:
    """Only what came after Okta was asked, as long as the turn has not found it a stranger."""
    assert kinds(of, listed(OLD), *secrets, served=OLD) == expected
