"""A share over time as a picture."""

from datetime import UTC, datetime, timedelta

import pytest
from picture_kit import HOSTILE, by_class, read, texts, titles

from keyturn.web.pictures.trend import Point, draw_trend

BEGAN = datetime(2026, 3, 1, tzinfo=UTC)


def points(*shares: float | None) -> list[Point]:
    """Return a point a day."""
    return [
        Point(BEGAN + timedelta(days=day), share, f"day {day}", f"/{day}")
        for day, share in enumerate(shares)
    ]


def test_points_lead_to_what_they_are_of() -> None:
    """And say it; the first and the last time stand below."""
    root = read(draw_trend("t", points(0.5, 0.75, 1), title="Share"))
    assert [each.get("href") for each in root.iter("a")] == ["/0", "/1", "/2"]
    assert {"day 0", "day 1", "day 2"} <= {*titles(root)}
    assert {"1 Mar 2026", "3 Mar 2026", "50 %", "75 %", "100 %"} <= {*texts(root)}
    assert len(by_class(root, "pic-trend")) == 2


def test_more_is_higher_and_later_is_further_right() -> None:
    """Between the axis of the least level and that of all."""
    low, high = by_class(read(draw_trend("t", points(0.5, 1), title="x")), "pic-fill")
    assert float(low.get("cy", "")) > float(high.get("cy", ""))
    assert low.get("cx") == "14%"
    assert high.get("cx") == "97%"


def test_what_is_nearly_all_is_told_apart_from_all() -> None:
    """The scale begins at nine tenths then, and never above."""
    assert "90 %" in texts(read(draw_trend("t", points(0.99, 1.0), title="x")))
    assert "0 %" in texts(read(draw_trend("t", points(0.04), title="x")))


def test_a_gap_is_left_where_nothing_was_to_be_told() -> None:
    """Neither a point nor a line to one."""
    root = read(draw_trend("t", points(0.9, None, 0.8), title="x"))
    assert len(by_class(root, "pic-fill")) == 2
    assert not by_class(root, "pic-trend")


@pytest.mark.parametrize("shares", [(0.3,), (None,), (1.0,) * 90])
def test_any_number_of_points_is_a_picture(shares: tuple[float | None, ...]) -> None:
    """One report, one without apps, and a quarter of them."""
    assert len(read(draw_trend("t", points(*shares), title="x"))) == 1


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_texts(text: str) -> None:
    """In the title, and in what a point tells."""
    root = read(draw_trend("t", [Point(BEGAN, 0.5, text)], title=text))
    assert not {"script", "img"} & {each.tag for each in root.iter()}
