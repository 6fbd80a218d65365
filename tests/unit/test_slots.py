"""What is in the places at Okta, by what is on record and by Okta's list."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from keyturn.domain.drift import Finding, Kind
from keyturn.domain.ids import (
    AppId,
    CredentialId,
    RotationId,
    SecretHash,
    SecretId,
    TurnId,
    VersionNo,
)
from keyturn.domain.okta import Credential, Status
from keyturn.domain.secret import State, Version
from keyturn.domain.slots import Slot, compared, drifted, recorded
from keyturn.domain.turn import Held, Overlap, Phase, Policy, Trigger, Turn

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
OLD = Held(SecretHash("h1"), CredentialId("ocs1"), VersionNo(1))
NEW = Held(SecretHash("h2"), CredentialId("ocs2"), VersionNo(2))
POLICY = Policy(300, 600, backstop_s=900)


def rotation(**policy: Any) -> Any:  # noqa: ANN401  what of a rotation counts here
    """Return a rotation of a policy, whose next turn is due in an hour."""
    return SimpleNamespace(policy=replace(POLICY, **policy), next_rotation_at=NOW + HOUR)


def version(number: int, state: State, *, named: bool = True) -> Version:
    """Return a version that was stored an hour before now."""
    plain = Version(str(number), SecretId("s"), VersionNo(number), state, b"", NOW - HOUR)
    okta_id = CredentialId(f"ocs{number}") if named else None
    return replace(plain, hash=SecretHash(f"h{number}"), okta_id=okta_id)


def turn(phase: Phase, old: Held | None = OLD) -> Turn:
    """Return an open turn that came into its phase just now."""
    at = (NOW, NOW, NOW)
    return Turn(TurnId("t"), RotationId("r"), AppId("a"), Trigger.MANUAL, phase, *at, old, NEW)


PAIR = [version(1, State.PREVIOUS), version(2, State.CURRENT)]
PROMOTED = {VersionNo(2): NOW}


def test_what_is_served_comes_first() -> None:
    """Then what was, and what is destroyed is in no place."""
    versions = [version(3, State.DESTROYED), *PAIR]
    assert [each.version for each in recorded(rotation(), None, versions, {})] == [2, 1]


def test_a_version_is_served_until_the_next_one_is() -> None:
    """One whose beginning nobody wrote down was served since it was stored: it was adopted."""
    new, old = recorded(rotation(), None, PAIR, PROMOTED)
    assert (new.served_from, new.served_to) == (NOW, None)
    assert (old.served_from, old.served_to) == (NOW - HOUR, NOW)


def test_an_adopted_one_is_as_old_as_at_okta() -> None:
    """Okta had it before Keyturn did; readers are given it since Keyturn has it."""
    adopted = replace(version(1, State.CURRENT), made_at=NOW - 9 * HOUR)
    (one,) = recorded(rotation(), None, [adopted], {})
    assert (one.created_at, one.served_from) == (NOW - 9 * HOUR, NOW - HOUR)


@pytest.mark.parametrize(("named", "status"), [(True, Status.ACTIVE), (False, None)])
def test_a_written_one_is_at_okta_once_it_has_a_name_there(
    *, named: bool, status: Status | None
) -> None:
    """And is served to nobody yet."""
    (one,) = recorded(rotation(), None, [version(2, State.PENDING, named=named)], {})
    assert (one.status, one.served_from) == (status, None)


@pytest.mark.parametrize(
    ("policy", "retires_at"),
    [
        ({"overlap": Overlap.FIXED}, NOW + timedelta(seconds=300)),
        ({"overlap": Overlap.EVIDENCE}, NOW + timedelta(seconds=900)),
        ({"overlap": Overlap.UNTIL_NEXT}, NOW + HOUR - timedelta(seconds=600)),
    ],
)
def test_an_overlap_says_when_the_old_one_goes_at_the_latest(
    policy: dict[str, Overlap], retires_at: datetime
) -> None:
    """By its policy; the soak comes after that."""
    new, old = recorded(rotation(**policy), turn(Phase.OVERLAPPING), PAIR, PROMOTED)
    assert (old.retires_at, old.deletes_at) == (retires_at, retires_at + timedelta(seconds=600))
    assert (new.retires_at, new.deletes_at) == (None, None)


def test_without_a_next_turn_nothing_is_said_of_the_end() -> None:
    """One that waits for it waits as long as somebody likes."""
    of = rotation(overlap=Overlap.UNTIL_NEXT)
    of.next_rotation_at = None
    _, old = recorded(of, turn(Phase.OVERLAPPING), PAIR, PROMOTED)
    assert (old.retires_at, old.deletes_at) == (None, None)


@pytest.mark.parametrize("phase", [Phase.RETIRED, Phase.SOAKING])
def test_a_soak_says_when_the_old_one_is_deleted(phase: Phase) -> None:
    """It is deactivated already."""
    versions = [version(1, State.RETIRED), PAIR[1]]
    _, old = recorded(rotation(), turn(phase), versions, PROMOTED)
    assert (old.status, old.retires_at) == (Status.INACTIVE, None)
    assert old.deletes_at == NOW + timedelta(seconds=600)


@pytest.mark.parametrize("phase", [Phase.ISSUED, Phase.PROMOTED])
def test_before_the_overlap_nothing_is_known_of_the_end(phase: Phase) -> None:
    """The turn may be taken back."""
    assert {each.deletes_at for each in recorded(rotation(), turn(phase), PAIR, PROMOTED)} == {None}


@pytest.mark.parametrize(
    ("phase", "status"), [(Phase.OVERLAPPING, Status.ACTIVE), (Phase.SOAKING, Status.INACTIVE)]
)
def test_a_foreign_one_that_a_turn_retires_is_shown(phase: Phase, status: Status) -> None:
    """It has no version, and its end is known."""
    theirs = Held(SecretHash("theirs"), CredentialId("ocs9"), None)
    _, old = recorded(rotation(), turn(phase, theirs), PAIR[1:], PROMOTED)
    assert (old.okta_id, old.version, old.status) == ("ocs9", None, status)
    assert old.deletes_at


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (Kind.SECRET_DEACTIVATED, Status.INACTIVE),
        (Kind.SECRET_REMOVED, None),
        (Kind.SECRET_OVERWRITTEN, None),
        (Kind.SECRET_ADDED, Status.ACTIVE),
    ],
)
def test_what_was_found_to_be_otherwise_is_told_so(kind: Kind, status: Status | None) -> None:
    """Of the one that it is about; what was added beside it changes nothing of it."""
    finding = Finding("f", RotationId("r"), kind, "ocs2", "", NOW)
    ours, other = drifted(recorded(rotation(), None, PAIR, PROMOTED), [finding])
    assert (ours.status, other.status) == (status, Status.ACTIVE)


def test_oktas_list_has_the_last_word() -> None:
    """On status and day; what it does not show has none, and a stranger comes last."""
    slots = recorded(rotation(), None, PAIR, PROMOTED)
    listed = [
        Credential(CredentialId("ocs9"), SecretHash("theirs"), Status.ACTIVE, NOW),
        Credential(CredentialId("ocs2"), SecretHash("h2"), Status.INACTIVE, NOW),
    ]
    ours, gone, theirs = compared(slots, listed)
    assert (ours.version, ours.status, ours.created_at) == (2, Status.INACTIVE, NOW)
    assert (gone.version, gone.status) == (1, None)
    assert theirs == Slot(CredentialId("ocs9"), SecretHash("theirs"), Status.ACTIVE, NOW)
