"""Budgets of calls, and pictures as large as a word."""

import pytest
from picture_kit import HOSTILE, by_class, read, shares, texts, titles

from keyturn.web.pictures.budget import Budget, draw_budget
from keyturn.web.pictures.sparkline import HEIGHT, WIDTH, Bar, draw_bars, draw_sparkline
from keyturn.web.pictures.tones import Tone


@pytest.mark.parametrize(
    ("left", "tone", "told"),
    [
        (600, "good", "600 of 600 left, 24 kept for safety"),
        (25, "good", "25 of 600 left, 24 kept for safety"),
        (24, "warn", "24 of 600 left, 24 kept for safety"),
        (3, "warn", "3 of 600 left, 3 kept for safety"),
        (0, "bad", "none of 600 left"),
        (-2, "bad", "none of 600 left"),
    ],
)
def test_a_budget_tells_what_is_left(left: int, tone: Tone, told: str) -> None:
    """And how it stands; the picture says it in words, too."""
    budget = Budget(600, left, 24, "in 3 s")
    assert (budget.tone, budget.told) == (tone, told)
    assert texts(read(draw_budget("b", budget, title="apps"))) == [told, "new in 3 s"]


@pytest.mark.parametrize(
    ("budget", "left", "kept"),
    [
        (Budget(100, 40, 10), "40%", "10%"),
        (Budget(100, 4, 10), "4%", "4%"),
        (Budget(100, 140, 10), "100%", "10%"),
        (Budget(0, 0, 0), None, None),
    ],
)
def test_a_bar_is_as_long_as_what_is_left(
    budget: Budget, left: str | None, kept: str | None
) -> None:
    """What is kept is striped, at the end of it; all of it is in the bar, whatever Okta says."""
    root = read(draw_budget("b", budget, title="apps"))
    assert [each.get("width") for each in by_class(root, "pic-fill")] == [left] * bool(left)
    striped = [each for each in root.iter("rect") if each.get("fill")]
    assert [each.get("width") for each in striped] == [kept] * bool(kept)
    assert all(0 <= each <= 100 for each in shares(root))


def test_a_line_leaves_gaps_where_nothing_is_known() -> None:
    """One value alone is a dot, and so is the last one."""
    root = read(draw_sparkline("s", [1, 2, None, 5, None, 3, 4], title="Ages"))
    lines = [len(each.get("points", "").split()) for each in root.iter("polyline")]
    assert lines == [2, 2]
    assert len(by_class(root, "pic-dot")) == 2


@pytest.mark.parametrize("values", [[], [None], [7.0], [3.0, 3.0], [-5.0, 0.0, 1e9]])
def test_a_line_stays_in_its_picture(values: list[float | None]) -> None:
    """Whatever the values are."""
    root = read(draw_sparkline("s", values, title="Ages"))
    for line in root.iter("polyline"):
        for x, y in (map(float, each.split(",")) for each in line.get("points", "").split()):
            assert 0 <= x <= WIDTH
            assert 0 <= y <= HEIGHT


def test_bars_tell_how_each_went() -> None:
    """One that went wrong has a mark besides its colour; each says what it was."""
    bars = [Bar(4, "good", "Monday"), Bar(1, "bad", "Tuesday"), Bar(0, "idle", "Wednesday")]
    root = read(draw_bars("s", bars, title="Runs"))
    assert titles(root) == ["Runs", "Monday", "Tuesday", "Wednesday"]
    runs = by_class(root, "pic-run")
    assert [len([*each.iter("path")]) for each in runs] == [0, 1, 0]
    assert root.findtext(".//desc") == "3 in all, 1 of them failed"


def test_without_bars_it_says_so() -> None:
    """An empty picture is described."""
    assert read(draw_bars("s", [], title="Runs")).findtext(".//desc") == "none"


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_texts(text: str) -> None:
    """Wherever one may come along."""
    pictures = [
        draw_budget("b", Budget(10, 5, 1, text), title=text),
        draw_sparkline("s", [1, 2], title=text, told=text),
        draw_bars("t", [Bar(1, "bad", text)], title=text),
    ]
    tags = {each.tag for picture in pictures for each in read(picture).iter()}
    assert not tags & {"script", "img", "b"}
