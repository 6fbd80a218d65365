"""Which version a reader is taken to hold, by what it was given."""

from datetime import UTC, datetime, timedelta

import pytest

from keyturn.domain.ids import IdentityId, SecretId, VersionNo
from keyturn.domain.secret import Receipt, after_acknowledgement, after_read

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ONE, TWO, THREE = VersionNo(1), VersionNo(2), VersionNo(3)


def receipt(held: VersionNo, given: VersionNo, read_at: datetime = NOW) -> Receipt:
    """Make a receipt."""
    return Receipt(SecretId("s"), IdentityId("i"), held, given, read_at, ONE)


def at(seconds: int) -> datetime:
    """Return a moment so many seconds later."""
    return NOW + timedelta(seconds=seconds)


def test_first_answer_with_a_newer_version_may_have_been_lost() -> None:
    """Given is not held: the reader may go on with what it has."""
    assert after_read(receipt(ONE, ONE), TWO, at(1)) == receipt(ONE, TWO, at(1))


@pytest.mark.parametrize(("seconds", "held"), [(0, ONE), (59, ONE), (60, TWO), (3600, TWO)])
def test_second_answer_a_minute_later_proves_it(seconds: int, held: VersionNo) -> None:
    """Tries that follow each other at once may all have been lost together."""
    assert after_read(receipt(ONE, TWO), TWO, at(seconds)).version == held


def test_newer_version_begins_the_proof_again() -> None:
    """Who was given the second version once and then the third may hold the first."""
    assert after_read(receipt(ONE, TWO), THREE, at(60)) == receipt(ONE, THREE, at(60))


def test_earlier_version_by_its_number_tells_nothing() -> None:
    """Looking something up is no return to it."""
    assert after_read(receipt(TWO, TWO), ONE, at(3600)) == receipt(TWO, TWO)


def test_hot_reader_is_noted_once_a_minute() -> None:
    """A second read within the minute changes nothing, and costs no write."""
    assert after_read(receipt(TWO, TWO), TWO, at(59)) == receipt(TWO, TWO)
    assert after_read(receipt(TWO, TWO), TWO, at(60)).read_at == at(60)


@pytest.mark.parametrize(("asked", "held"), [(-1, ONE), (0, ONE), (59, ONE), (60, TWO)])
def test_only_who_asked_a_minute_later_has_asked_again(asked: int, held: VersionNo) -> None:
    """One question that is looked up twice, or two that waited together, may be lost as one."""
    again = after_read(receipt(ONE, TWO), TWO, at(600), asked_at=at(asked))
    assert (again.version, again.read_at) == (held, at(600) if held == TWO else NOW)


def test_word_on_an_earlier_version_takes_nothing_back() -> None:
    """Words arrive late and twice: the latest version counts, since its first word."""
    held = receipt(TWO, TWO)
    late = after_acknowledgement(held, ONE, at(1))
    assert (late.version, late.applied, late.applied_at) == (TWO, ONE, at(1))
    used = after_acknowledgement(receipt(ONE, TWO), TWO, at(2))
    assert (used.version, used.applied, used.applied_at) == (TWO, TWO, at(2))
    assert after_acknowledgement(used, ONE, at(3)) == used
    assert after_acknowledgement(used, TWO, at(3)) == used
