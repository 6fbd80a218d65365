"""The ages of client secrets, sorted by how much of their time is over."""

import pytest
from picture_kit import HOSTILE, by_class, lows, read, shares, texts, titles

from keyturn.web.pictures.ages import (
    DAY_S,
    Age,
    Bin,
    bins_by_days,
    bins_by_share,
    draw_ages,
    rows,
)


def fleet() -> list[Age]:
    """Return secrets of all ages, by a limit of 90 days, and one without."""
    return [Age(days * DAY_S, 90 * DAY_S) for days in (1, 2, 30, 80, 91, 400)] + [Age(5.0, None)]


@pytest.mark.parametrize(
    ("share", "key"),
    [
        (0.0, "0-25"),
        (0.25, "0-25"),
        (0.26, "25-50"),
        (0.75, "50-75"),
        (1.0, "75-100"),
        (1.001, "overdue"),
        (30.0, "overdue"),
    ],
)
def test_an_age_falls_into_the_bin_of_its_share(share: float, key: str) -> None:
    """Up to its limit it is not overdue."""
    assert Age(share * 1000, 1000).key == key


@pytest.mark.parametrize("allowed", [None, 0.0])
def test_without_a_limit_nothing_is_overdue(allowed: float | None) -> None:
    """However old it is."""
    assert Age(1e9, allowed).key == "none"


def test_every_secret_is_in_one_bin() -> None:
    """And the same is told as a table."""
    bins = bins_by_share(fleet())
    assert sum(each.count for each in bins) == len(fleet())
    assert rows(bins) == [
        ("0–25 %", "2", ""),
        ("25–50 %", "1", ""),
        ("50–75 %", "0", ""),
        ("75–100 %", "1", "soon"),
        ("> 100 %", "2", "overdue"),
        ("no limit", "1", ""),
    ]


def test_bins_may_be_told_in_days() -> None:
    """By one limit for all; whose own limit is another is sorted by this one."""
    assert rows(bins_by_days([Age(40 * DAY_S, 10.0), Age(0, None)], 90)) == [
        ("0–22.5 days", "1", ""),
        ("22.5–45 days", "1", ""),
        ("45–67.5 days", "0", ""),
        ("67.5–90 days", "0", "soon"),
        ("> 90 days", "0", "overdue"),
    ]


def test_each_bar_leads_to_what_is_in_it() -> None:
    """By its key; a bin with nothing in it leads nowhere."""
    root = read(draw_ages("a", bins_by_share(fleet(), lambda key: f"/rotations?age={key}")))
    keys = ["0-25", "25-50", "75-100", "overdue", "none"]
    assert [each.get("href") for each in root.iter("a")] == [f"/rotations?age={k}" for k in keys]
    assert "2 secrets: > 100 %, overdue" in titles(root)
    assert "1 secret: no limit" in titles(root)


def test_bars_are_as_high_as_their_counts() -> None:
    """A small one is seen beside a large one, and none where there is nothing."""
    bins = [Bin("a", 1000, "good"), Bin("b", 500, "good"), Bin("c", 1, "good"), Bin("d", 0, "good")]
    bars = by_class(read(draw_ages("a", bins)), "pic-fill")
    high, half, low = (float(each.get("height", "0")) for each in bars)
    assert half == high / 2
    assert 3 <= low < half


def test_overdue_ones_are_seen_without_their_colour() -> None:
    """Their bar is striped, beyond the line of the policy, and it says so."""
    root = read(draw_ages("a", bins_by_share(fleet())))
    assert [each.get("fill") for each in root.iter("rect") if each.get("fill")] == ["url(#a-bad)"]
    assert root.find(".//pattern[@id='a-bad']") is not None
    assert {"overdue", "policy"} <= {*texts(root)}
    (line,) = by_class(root, "pic-limit")
    assert line.get("x1") == "66.67%"


@pytest.mark.parametrize("bins", [(), bins_by_share([]), bins_by_share(fleet())])
def test_the_picture_holds_all_of_it(bins: tuple[Bin, ...]) -> None:
    """Nothing lies beyond its edges, with no secrets either."""
    root = read(draw_ages("a", bins))
    assert all(0 <= each <= 100.01 for each in shares(root))
    assert max(lows(root)) <= float(root[0].get("height", "0"))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_texts(text: str) -> None:
    """In a title, a limit or a bin."""
    root = read(draw_ages("a", [Bin(text, 1, "bad", text)], title=text, limit=text))
    kinds = {"div", "svg", "title", "desc", "defs", "pattern", "path", "rect", "g", "text", "line"}
    assert {each.tag for each in root.iter()} <= kinds
