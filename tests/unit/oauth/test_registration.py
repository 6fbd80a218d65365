"""How a client's secret stands, by what its server was last seen to make of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from keyturn.domain.ids import FolderId, RegistrationId
from keyturn.domain.oauth.lights import Light
from keyturn.domain.oauth.registration import (
    MOVES,
    Act,
    ClientRegistration,
    Scheme,
    Standing,
    changed,
    proved,
    rejected,
    unsettled,
)

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
PAUSE = timedelta(seconds=30)
TOLD = "It was rejected."
PLAIN = ClientRegistration(
    RegistrationId("r"), FolderId("f"), "r", "api", Scheme.OAUTH, "{}", "id", NOW, NOW
)
BAD = rejected(PLAIN, 2, NOW, TOLD, "a renewal")


@pytest.mark.parametrize("standing", Standing)
def test_whatever_was_seen_last_counts(standing: Standing) -> None:
    """From every standing each act leads to the same."""
    assert MOVES[standing] == {
        Act.PROVE: Standing.ACCEPTED,
        Act.REJECT: Standing.REJECTED,
        Act.CHANGE: Standing.UNPROVED,
    }
    here = replace(PLAIN, standing=standing)
    assert proved(here, 1, NOW, "").standing is Standing.ACCEPTED
    assert rejected(here, 1, NOW, TOLD, "").standing is Standing.REJECTED
    assert changed(here, NOW).standing is Standing.UNPROVED
    assert unsettled(here, NOW).standing is standing


def test_a_proof_settles_a_version() -> None:
    """Trouble is over, and what proved it, when and for which version is kept."""
    assert proved(BAD, 2, LATER, "a probe") == replace(
        PLAIN,
        standing=Standing.ACCEPTED,
        tested=2,
        tested_at=LATER,
        tested_by="a probe",
        proved_version=2,
        look_at=LATER,
    )


def test_a_rejection_is_tried_again_before_long() -> None:
    """What was proved before is not forgotten."""
    before = proved(PLAIN, 1, NOW, "a probe")
    assert rejected(before, 2, LATER, TOLD, "a renewal") == replace(
        PLAIN,
        standing=Standing.REJECTED,
        tested=2,
        tested_at=LATER,
        tested_by="a renewal",
        proved_version=1,
        due_at=LATER + PAUSE,
        attempts=1,
        told=TOLD,
        look_at=LATER,
    )


def test_what_was_told_already_is_not_looked_at_again() -> None:
    """One more proof of a secret that is told to be good, or rejection of a bad one, is no news."""
    good, bad = replace(PLAIN, light=Light.HEALTHY), replace(PLAIN, light=Light.BROKEN)
    assert proved(good, 1, NOW, "").look_at is rejected(bad, 1, NOW, TOLD, "").look_at is None
    assert proved(bad, 1, NOW, "").look_at == rejected(good, 1, NOW, TOLD, "").look_at == NOW


def test_an_older_version_never_overrides_a_newer_one() -> None:
    """An answer that comes late tells nothing of the secret that is used by now."""
    good = proved(PLAIN, 2, NOW, "a probe")
    assert proved(BAD, 1, LATER, "") is BAD
    assert rejected(good, 1, LATER, TOLD, "") is good
    assert rejected(good, 2, LATER, TOLD, "").standing is Standing.REJECTED
    assert proved(BAD, 3, LATER, "").proved_version == 3


def test_the_newest_proof_is_kept() -> None:
    """A version that was accepted once stays known as such, whatever is tested after it."""
    known = replace(PLAIN, tested=1, proved_version=5)
    assert proved(known, 2, NOW, "").proved_version == 5


def test_the_same_version_is_tried_ever_more_slowly() -> None:
    """Rejections of one version add up; those of another begin anew."""
    again = rejected(BAD, 2, NOW, TOLD, "")
    assert (again.attempts, again.due_at) == (2, NOW + timedelta(seconds=60))
    other = rejected(again, 3, NOW, TOLD, "")
    assert (other.attempts, other.due_at) == (1, NOW + PAUSE)


def test_where_no_answer_tells_it_is_asked_later() -> None:
    """That is no verdict: how it stands stays as it was."""
    once = unsettled(BAD, LATER)
    assert once == replace(BAD, attempts=2, due_at=LATER + timedelta(seconds=60))
    assert unsettled(PLAIN, NOW) == replace(PLAIN, attempts=1, due_at=NOW + PAUSE)


def test_another_secret_is_tested_at_once() -> None:
    """What was told of the one before is no longer of interest."""
    good = proved(BAD, 2, NOW, "a probe")
    assert changed(good, LATER) == replace(good, standing=Standing.UNPROVED, due_at=LATER)
    again = changed(rejected(BAD, 2, NOW, TOLD, ""), LATER)
    assert (again.due_at, again.attempts, again.told) == (LATER, 0, "")


@pytest.mark.parametrize(
    ("registration", "version", "at", "rests"),
    [
        (BAD, 2, NOW, True),
        (BAD, 2, NOW + PAUSE, False),
        (BAD, 1, NOW, False),
        (BAD, 3, NOW, False),
        (PLAIN, 0, NOW, False),
        (replace(BAD, due_at=None), 2, NOW, False),
        (replace(BAD, standing=Standing.ACCEPTED), 2, NOW, False),
        (replace(BAD, standing=Standing.UNPROVED), 2, NOW, False),
    ],
)
def test_a_rejected_secret_rests(
    registration: ClientRegistration, version: int, at: datetime, *, rests: bool
) -> None:
    """Nobody tries it until it is tested again; another version is tried at once."""
    assert registration.rejects(version, at) is rests
