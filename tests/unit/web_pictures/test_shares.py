"""Bars of how many stand how, and how an emergency comes along."""

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest
from picture_kit import HOSTILE, by_class, lows, read, shares, texts, titles

from keyturn.web.pictures.closing import draw_closing
from keyturn.web.pictures.fluid import NARROW
from keyturn.web.pictures.lettering import width_of
from keyturn.web.pictures.shares import Part, Row, draw_shares

BEGAN = datetime(2026, 3, 1, 3, tzinfo=UTC)
END = BEGAN + timedelta(minutes=10)
PARTS = (Part(50, "done", "good"), Part(25, "failed", "bad"), Part(25, "waiting", ""))


def wide(one: ET.Element) -> float:
    """Return how much of the width something takes."""
    return float(one.get("width", "")[:-1])


def high(one: ET.Element) -> float:
    """Return how high something is."""
    return float(one.get("height", ""))


def test_parts_are_as_wide_as_they_are_many() -> None:
    """What has no tone is left empty; what is bad is striped as well."""
    row = Row("Wave 1", PARTS, "bad", "50 of 100", "10%")
    root = read(draw_shares("w", [row], title="Waves"))
    assert [wide(each) for each in by_class(root, "pic-part")] == [50.0, 25.0]
    assert any(each.get("fill") == "url(#w-bad)" for each in root.iter("rect"))
    assert {"Wave 1", "50 of 100", "10% · 50 done, 25 failed, 25 waiting"} <= {*texts(root)}
    assert "Wave 1, 50 of 100: 10% · 50 done" in (next(root.iter("desc")).text or "")


def test_a_bar_of_nobody_says_so() -> None:
    """Nothing is divided by nothing."""
    root = read(draw_shares("w", [Row("Wave 1", (), "idle", "empty")], title="x"))
    assert "none" in texts(root)
    assert not by_class(root, "pic-part")


def test_rows_stand_below_each_other_within_the_picture() -> None:
    """Long names are shortened, long counts broken: all of it fits a small window."""
    many = [Part(1_000, f"of a long sort {n}", "good") for n in range(9)]
    root = read(draw_shares("w", [Row("x" * 80, many, "good", "x")] * 3, title="x"))
    (picture,) = root.iter("svg")
    assert max(lows(root)) <= high(picture)
    assert all(0 <= each <= 100.01 for each in shares(root))
    assert all(width_of(text, 11) <= NARROW for text in texts(root))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_texts(text: str) -> None:
    """Whatever a wave is called, the picture stays a picture."""
    root = read(draw_shares("w", [Row(text, [Part(1, text, "good")], "good", text)], title=text))
    assert not list(root.iter("script"))
    assert titles(root)


def test_what_is_closed_grows_to_all() -> None:
    """By the half of the time half of them, at the end all: as high as the line on top."""
    at = [BEGAN + timedelta(minutes=5), END]
    parts = (Part(2, "closed", "good", faint=True),)
    root = read(draw_closing("c", parts, at, begun_at=BEGAN, until=END))
    bar, *columns = by_class(root, "pic-part")
    assert wide(bar) == 100.0
    assert {high(each) for each in columns} == {48.0, 96.0}
    assert [high(each) for each in columns][-1] == 96.0
    assert {"all 2", "03:00:00", "03:10:00"} <= {*texts(root)}
    assert "2 of 2 closed between 03:00:00 and 03:10:00 UTC" in (next(root.iter("desc")).text or "")


def test_an_emergency_that_has_just_begun_is_a_picture_too() -> None:
    """No time has passed, and nothing is closed."""
    root = read(draw_closing("c", [Part(3, "waiting", "")], [], begun_at=BEGAN, until=BEGAN))
    assert not by_class(root, "pic-part")
    assert "3 waiting" in texts(root)
