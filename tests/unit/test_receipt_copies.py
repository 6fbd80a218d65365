"""What a conditional read tells of the version that its reader holds."""

from datetime import UTC, datetime, timedelta

import pytest

from keyturn.domain.ids import IdentityId, SecretId, VersionNo
from keyturn.domain.secret import Copy, Receipt, after_read

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ONE, TWO, THREE = VersionNo(1), VersionNo(2), VersionNo(3)


def receipt(held: VersionNo, given: VersionNo, seconds: int = 0) -> Receipt:
    """Make a receipt of so many seconds later."""
    return Receipt(SecretId("s"), IdentityId("i"), held, given, at(seconds), ONE)


def at(seconds: int) -> datetime:
    """Return a moment so many seconds later."""
    return NOW + timedelta(seconds=seconds)


def test_reader_that_loses_every_answer_is_never_taken_to_hold_it() -> None:
    """It names what it holds each time, and that is not what it was given."""
    last = receipt(ONE, ONE)
    for seconds in range(0, 86_400, 61):
        last = after_read(last, TWO, at(seconds), Copy.ANOTHER)
        assert last.version == ONE
    assert last.given == TWO


def test_unconditional_read_after_it_begins_the_proof_anew() -> None:
    """The minute counts from the last time that the reader said it holds something else."""
    last = after_read(receipt(ONE, TWO), TWO, at(100), Copy.ANOTHER)
    assert after_read(last, TWO, at(159)).version == ONE
    assert after_read(last, TWO, at(160)).version == TWO


@pytest.mark.parametrize("given", [ONE, TWO])
def test_reader_that_names_the_new_version_holds_it(given: VersionNo) -> None:
    """It has had the whole answer: no second one has to be waited for."""
    assert after_read(receipt(ONE, given), TWO, at(1), Copy.THIS) == receipt(TWO, TWO, 1)


@pytest.mark.parametrize("copy", [Copy.UNSAID, Copy.THIS, Copy.ANOTHER])
def test_proof_is_not_taken_back(copy: Copy) -> None:
    """A list's tag changes with anything in its folder: who holds the new version keeps it."""
    held = receipt(TWO, TWO)
    assert after_read(held, TWO, at(59), copy) == held
    assert after_read(held, ONE, at(90), copy) == held
    assert after_read(held, TWO, at(60), copy) == receipt(TWO, TWO, 60)


def test_third_version_is_proved_by_itself() -> None:
    """What is said of one version says nothing of the next."""
    assert after_read(receipt(TWO, TWO), THREE, at(60), Copy.ANOTHER).version == TWO
