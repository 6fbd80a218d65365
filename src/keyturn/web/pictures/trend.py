"""A share over time: a line from the first to the last, between a round number and all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from math import floor
from typing import Final

from markupsafe import Markup

from keyturn.web.pictures.fluid import fluid, strip
from keyturn.web.pictures.svg import Named, el, link, number, percent
from keyturn.web.pictures.tones import Tone, toned

_HEIGHT: Final = 168.0
_TOP: Final = 20.0
_GROUND: Final = 132.0
_LEFT, _RIGHT = 0.14, 0.97
_STEP: Final = 10


@dataclass(frozen=True)
class Point:
    """How much of all it was at a time, from 0 to 1; None where nothing was to be told of."""

    at: datetime
    share: float | None
    told: str = ""
    href: str = ""
    tone: Tone = "good"


def draw_trend(picture_id: str, points: Sequence[Point], *, title: str) -> Markup:
    """Draw points by their times, each leading to its ``href``; a gap is left where one has none.

    What lies below the least of them is left out, down to a multiple of ten percent.
    """
    known = [each.share for each in points if each.share is not None]
    least = min(0.9, floor(round(min(known, default=1.0) * 100) / _STEP) * _STEP / 100)
    scale = _Scale(points, least)
    told = "; ".join(dict.fromkeys(each.told for each in (*points[:1], *points[-1:])))
    return fluid(
        Named(picture_id, title, told),
        _HEIGHT,
        *(mark for level in (least, (least + 1) / 2, 1.0) for mark in scale.level(level)),
        *(scale.line(a, b) for a, b in pairwise(points)),
        *(scale.point(each) for each in points),
        *scale.times(),
        linked=any(each.href for each in points),
    )


@dataclass(frozen=True)
class _Scale:
    points: Sequence[Point]
    least: float

    def x(self, one: Point) -> float:
        """Return where in the width a point lies."""
        first, last = self.points[0].at, self.points[-1].at
        part = (one.at - first) / (last - first) if last > first else 1.0
        return _LEFT + (_RIGHT - _LEFT) * part

    def y(self, share: float) -> float:
        return _GROUND - (_GROUND - _TOP) * (share - self.least) / (1 - self.least)

    def level(self, share: float) -> tuple[Markup, Markup]:
        y = self.y(share)
        return (
            strip(_LEFT - 0.02, 1, y, 1, class_="pic-level"),
            el("text", f"{number(share * 100)} %", x=0, y=y + 4, class_="pic-tick"),
        )

    def line(self, a: Point, b: Point) -> Markup | None:
        if a.share is None or b.share is None:
            return None
        ends = {"x1": percent(self.x(a)), "x2": percent(self.x(b))}
        return el("line", **ends, y1=self.y(a.share), y2=self.y(b.share), class_="pic-trend")

    def point(self, one: Point) -> Markup | None:
        if one.share is None:
            return None
        x, y = self.x(one), self.y(one.share)
        half = (_RIGHT - _LEFT) / max(len(self.points), 2) / 2
        return link(
            one.href,
            one.told,
            strip(max(0, x - half), min(1, x + half), _TOP, _GROUND - _TOP, class_="pic-hit"),
            el("circle", cx=percent(x), cy=y, r=3.5, class_="pic-fill"),
            class_=toned("pic-column", one.tone),
        )

    def times(self) -> Sequence[Markup]:
        first, last = self.points[0], self.points[-1]
        ends = (
            [(last, 1.0, "end")]
            if first is last
            else [
                (first, _LEFT - 0.02, "start"),
                (last, 1.0, "end"),
            ]
        )
        y = _GROUND + 22
        return [
            el("text", _day(p.at), x=percent(x), y=y, text_anchor=anchor, class_="pic-tick")
            for p, x, anchor in ends
        ]


def _day(at: datetime) -> str:
    return f"{at.day} {at:%b %Y}"
