"""Texts are broken and shortened so that they fit."""

import pytest
from picture_kit import HOSTILE

from keyturn.web.pictures.lettering import lines_of, shortened, width_of


@pytest.mark.parametrize("text", [*HOSTILE, "a plain sentence of some length, for a start"])
@pytest.mark.parametrize("most", [20.0, 90.0, 300.0])
def test_what_is_shortened_fits(text: str, most: float) -> None:
    """In one line and in several, whatever the text."""
    assert width_of(shortened(text, 12, most), 12) <= most
    lines = lines_of(text, 12, most, 3)
    assert len(lines) <= 3
    assert all(width_of(each, 12) <= most for each in lines)


def test_a_text_that_fits_stays_as_it_is() -> None:
    """Nothing is left out, and it takes no more lines than it needs."""
    assert shortened("offboard-devices", 14, 200, bold=True) == "offboard-devices"
    assert lines_of("has not run yet", 12, 200) == ("has not run yet",)
    assert lines_of("", 12, 200) == ()


def test_what_is_left_out_shows() -> None:
    """A shortened text ends in an ellipsis; words are kept whole before that."""
    assert lines_of("one two three four", 12, 60, 2) == ("one two", "three fo…")


def test_wide_letters_are_wide() -> None:
    """Those of east Asia, and bold ones."""
    assert width_of("漢字", 10) > width_of("ab", 10)
    assert width_of("ab", 10, bold=True) > width_of("ab", 10)
