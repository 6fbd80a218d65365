"""An app's two client secrets along time: what works, what is served, what is to come."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from picture_kit import HOSTILE, by_class, lows, read, shares, texts

from keyturn.web.pictures.axis import SIZE, Moment, axis_of, written
from keyturn.web.pictures.fluid import NARROW
from keyturn.web.pictures.lettering import width_of
from keyturn.web.pictures.slots import Slot, draw_slots

BEGAN = datetime(2026, 3, 12, 14, 5, tzinfo=UTC)


def after(**span: float) -> datetime:
    """Return a moment so long after the new secret was added."""
    return BEGAN + timedelta(**span)


OLD = Slot(
    "Old secret",
    "ocs-old",
    "ACTIVE",
    after(days=-90),
    after(days=-90),
    after(minutes=2),
    after(days=7),
    after(days=10),
)
NEW = Slot("New secret", "ocs-new", "ACTIVE", BEGAN, after(minutes=2))


def widths(markup: str, name: str) -> list[tuple[float, float]]:
    """Return where the parts of a kind begin and end, in hundredths of the width."""
    found = by_class(read(markup), name)
    places = [[float(each.get(name, "")[:-1]) for name in ("x", "width")] for each in found[:-1]]
    return [(round(x), round(x + wide)) for x, wide in places]


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (after(seconds=5), ["ACTIVE at Okta, served", "ACTIVE at Okta, not served"]),
        (after(days=3), ["ACTIVE at Okta, not served", "ACTIVE at Okta, served"]),
    ],
)
def test_each_secret_says_how_it_stands(now: datetime, told: list[str]) -> None:
    """Its status at Okta, and whether readers are given it; the older one is above."""
    root = read(draw_slots("t", [NEW, OLD], now=now))
    assert [each.text for each in by_class(root, "pic-title")] == ["Old secret", "New secret"]
    assert [each.text for each in by_class(root, "pic-note")] == told


def test_what_is_to_come_is_told_as_such() -> None:
    """A moment is told in another form once it is over."""
    before, later = (
        " ".join(texts(read(draw_slots("t", [OLD, NEW], now=now))))
        for now in (after(days=3), after(days=11))
    )
    assert "deactivate 19 Mar 14:05" in before
    assert "now 15 Mar 14:05 UTC" in before
    assert "deactivated 19 Mar 14:05" in later
    assert "deleted 22 Mar 14:05" in later


def test_overlap_and_soak_lie_behind_the_bars() -> None:
    """The overlap ends where the soak begins."""
    root = read(draw_slots("t", [OLD, NEW], now=after(days=3)))
    ends = {}
    for name in ("pic-overlap", "pic-soak"):
        one = by_class(root, name)[0]
        x, wide = (float(one.get(each, "")[:-1]) for each in ("x", "width"))
        ends[name] = (round(x, 1), round(x + wide, 1))
    assert ends["pic-overlap"][1] == ends["pic-soak"][0]
    assert [each.text for each in by_class(root, "pic-band-text")] == ["overlap", "soak"]


def test_a_secret_that_is_inactive_is_striped() -> None:
    """And filled no more: it is seen without a colour."""
    markup = draw_slots("t", [replace(OLD, status="INACTIVE"), NEW], now=after(days=8))
    striped = [each for each in read(markup).iter("rect") if each.get("fill") == "url(#t-idle)"]
    assert len(striped) == 3  # before and after now, and in the legend
    assert widths(markup, "pic-inactive")


def test_what_is_to_come_begins_now() -> None:
    """It is drawn apart from what is over."""
    now = after(days=3)
    root = read(draw_slots("t", [OLD, NEW], now=now))
    (line,) = (each for each in by_class(root, "pic-now") if each.tag == "line")
    coming = [
        each.get("x")
        for each in by_class(root, "pic-served")
        if each in by_class(root, "pic-coming")
    ]
    assert coming[0] == line.get("x1")


@pytest.mark.parametrize(
    "slots",
    [
        [NEW],
        [OLD],
        [OLD, NEW],
        [replace(OLD, retires_at=None, deletes_at=None), replace(NEW, served_from=None)],
        [replace(OLD, retires_at=BEGAN, deletes_at=BEGAN), NEW],
        [OLD, replace(NEW, created_at=OLD.created_at)],
    ],
)
@pytest.mark.parametrize("now", [after(days=-1), BEGAN, after(minutes=1), after(days=400)])
def test_the_picture_holds_all_of_it(slots: list[Slot], now: datetime) -> None:
    """Whatever is known, and whenever it is."""
    root = read(draw_slots("t", slots, now=now))
    assert all(0 <= each <= 100.01 for each in shares(root))
    assert max(lows(root)) <= float(root[0].get("height", "0"))


def test_without_a_secret_there_is_no_picture() -> None:
    """That is a mistake of the page."""
    with pytest.raises(ValueError, match="one at least"):
        draw_slots("t", [], now=BEGAN)


def test_moments_are_seen_apart() -> None:
    """Seconds and days on one axis: each step has a tenth of the width, or nearly."""
    times = [BEGAN, after(seconds=1), after(seconds=2), after(days=30)]
    places = axis_of(times, 0.07, 0.07).shares
    assert places[0] == pytest.approx(0.07)
    assert places[-1] == pytest.approx(0.93)
    assert min(b - a for a, b in pairwise(places)) >= 0.0999


def test_times_between_moments_lie_between_them() -> None:
    """And those before or after all of them at the edges."""
    axis = axis_of([BEGAN, after(hours=2)], 0.1, 0.1)
    assert axis.share(after(hours=1)) == pytest.approx(0.5)
    assert [axis.share(after(hours=each)) for each in (-1, 3)] == [0, 1]
    assert axis.share(BEGAN) == pytest.approx(0.1)
    assert axis.share(after(hours=2)) == pytest.approx(0.9)


def test_no_moment_is_written_over_another() -> None:
    """In a window as narrow as a telephone's."""
    moments = [Moment(after(hours=at), f"moment {at}") for at in range(8)]
    axis = axis_of([each.at for each in moments], 0, 0)
    taken: dict[int, float] = {}
    for one in written(axis, moments):
        wide = width_of(one.text, SIZE)
        left = one.share * NARROW - {"start": 0, "middle": wide / 2, "end": wide}[one.anchor]
        assert left > taken.get(one.line, -1)
        taken[one.line] = left + wide
        assert -0.01 <= left <= NARROW - wide + 0.01


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_texts(text: str) -> None:
    """In a name, an id or a status, they make no element."""
    slot = replace(NEW, name=text, okta_id=text, status=text)
    root = read(draw_slots("t", [OLD, slot], now=after(days=1), title=text))
    assert not {each.tag for each in root.iter()} & {"script", "img", "b"}


def test_the_line_of_now_runs_through_no_text() -> None:
    """Its text is in the first line, though others come before it."""
    times = [after(hours=each) for each in (0, 1, 2, 400)]
    moments = [Moment(at, "added", now=at == times[2]) for at in times]
    (found,) = [one for one in written(axis_of(times, 0.1, 0.1), moments) if one.moment.now]
    assert found.line == 0
