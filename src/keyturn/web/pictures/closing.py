"""How an emergency comes along: how many apps are closed by now, and how that grew."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from markupsafe import Markup

from keyturn.web.pictures.fluid import NARROW, fluid, strip
from keyturn.web.pictures.lettering import lines_of
from keyturn.web.pictures.shares import BAR, LINE, Part, draw_bar, stripes
from keyturn.web.pictures.svg import Named, el

_COLUMNS: Final = 60
_TICK: Final = 11.0
_HIGH: Final = 96.0
_LEAST: Final = 1.5
_OVERLAP: Final = 0.002
"""So that no line is seen between one and the next."""


def draw_closing(
    picture_id: str,
    parts: Sequence[Part],
    closed_at: Sequence[datetime],
    *,
    begun_at: datetime,
    until: datetime,
) -> Markup:
    """Draw how the apps stand as a bar, and below it how many were closed by when.

    The time goes from ``begun_at`` to ``until``; the line on top is all of them.
    """
    whole = sum(each.count for each in parts)
    counts = ", ".join(each.told for each in parts if each.count)
    below = lines_of(counts, _TICK, NARROW)
    top = BAR + LINE * len(below) + 34
    ground = top + _HIGH
    told = f"{len(closed_at):,} of {whole:,} closed between {_at(begun_at)} and {_at(until)} UTC"
    return fluid(
        Named(picture_id, "Apps that are closed", f"{counts}. {told}"),
        ground + 26,
        *stripes(picture_id),
        *draw_bar(picture_id, parts, 0),
        *(
            el("text", text, x=0, y=BAR + LINE * number, class_="pic-tick")
            for number, text in enumerate(below, 1)
        ),
        el("text", f"all {whole:,}", x=0, y=top - 6, class_="pic-tick"),
        strip(0, 1, top, 1, class_="pic-level"),
        *_grown(sorted(closed_at), whole, begun_at, until, ground),
        strip(0, 1, ground, 1, class_="pic-axis"),
        el("text", _at(begun_at), x=0, y=ground + 18, class_="pic-tick"),
        el("text", _at(until), x="100%", y=ground + 18, text_anchor="end", class_="pic-tick"),
    )


def _grown(
    closed_at: Sequence[datetime],
    whole: int,
    begun_at: datetime,
    until: datetime,
    ground: float,
) -> Iterator[Markup]:
    """Draw how many were closed by the end of each of many equal spans."""
    span = (until - begun_at) / _COLUMNS
    for number in range(_COLUMNS):
        by = until if number == _COLUMNS - 1 else begun_at + span * (number + 1)
        count = bisect_right(closed_at, by)
        if count:
            high = max(_HIGH * count / whole, _LEAST)
            place = number / _COLUMNS, min((number + 1) / _COLUMNS + _OVERLAP, 1.0)
            yield strip(*place, ground - high, high, class_="pic-part pic-good")


def _at(moment: datetime) -> str:
    return f"{moment:%H:%M:%S}"
