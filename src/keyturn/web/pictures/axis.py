"""An axis of time on which nothing is too near to be seen apart, and the moments written below it.

A turn takes minutes or weeks, and what happens in it lies seconds or days apart: between one moment
and the next there is a least distance, and the rest is shared out by time.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final

from markupsafe import Markup

from keyturn.web.pictures.fluid import NARROW
from keyturn.web.pictures.lettering import width_of
from keyturn.web.pictures.svg import el, percent

SIZE: Final = 11.0
LINE: Final = 15.0
_LEAST: Final = 0.1
_APART: Final = 10.0
_DAY_S: Final = 86_400.0


@dataclass(frozen=True)
class Moment:
    """Something that happened, or is to happen, at a time."""

    at: datetime
    text: str
    now: bool = False


@dataclass(frozen=True)
class Axis:
    """Times in their order, and the share of the width where each lies."""

    times: Sequence[datetime]
    shares: Sequence[float]

    def share(self, at: datetime) -> float:
        """Return where a time lies; before the first, or after the last, at the edge."""
        if at < self.times[0]:
            return 0.0
        if at > self.times[-1]:
            return 1.0
        after = min(bisect_right(self.times, at), len(self.times) - 1)
        begins, ends = self.times[after - 1 : after + 1] if after else (at, at)
        low, high = self.shares[max(after - 1, 0)], self.shares[after]
        part = (at - begins) / (ends - begins) if ends > begins else 1.0
        return low + (high - low) * part

    @property
    def brief(self) -> bool:
        """Say whether all of it lies within a day."""
        return (self.times[-1] - self.times[0]).total_seconds() < _DAY_S


def axis_of(times: Iterable[datetime], before: float, after: float) -> Axis:
    """Lay times out, with shares of the width left before the first and after the last."""
    known = sorted(set(times))
    steps = [(b - a).total_seconds() for a, b in pairwise(known)]
    room = 1 - before - after
    least = min(_LEAST, room / max(len(steps), 1) * 0.6)
    rest, total = room - least * len(steps), sum(steps)
    shares = [before]
    for step in steps:
        shares.append(shares[-1] + least + rest * step / total)
    return Axis(known, shares)


@dataclass(frozen=True)
class Written:
    """A moment as it is written: where, how it is aligned, and in which line."""

    moment: Moment
    share: float
    text: str
    anchor: str
    line: int


def written(axis: Axis, moments: Iterable[Moment]) -> list[Written]:
    """Put moments into lines in which none runs into another, in a narrow window either.

    Now is in the first one: its line, the boldest, runs through no text then.
    """
    ends: list[float] = []
    found = list[Written]()
    for moment in sorted(moments, key=lambda each: (not each.now, each.at)):
        share = axis.share(moment.at)
        text = f"{moment.text} {_time(moment.at, axis)}{' UTC' if moment.now else ''}".strip()
        wide = width_of(text, SIZE)
        anchor, left = _anchored(share * NARROW, wide)
        line = next((at for at, end in enumerate(ends) if left > end + _APART), len(ends))
        ends[line : line + 1] = [left + wide]
        found.append(Written(moment, share, text, anchor, line))
    return found


def _anchored(at: float, wide: float) -> tuple[str, float]:
    if at < wide / 2:
        return "start", at
    if at > NARROW - wide / 2:
        return "end", at - wide
    return "middle", at - wide / 2


def _time(at: datetime, axis: Axis) -> str:
    return f"{at:%H:%M}" if axis.brief else f"{at.day} {at:%b %H:%M}"


def draw_moments(found: Sequence[Written], top: float, ground: float) -> list[Markup]:
    """Draw a line for each moment from ``top`` down to its text, the first ones at ``ground``."""
    lines, texts = list[Markup](), list[Markup]()
    for one in found:
        place, y = percent(one.share), ground + LINE * (one.line + 1)
        name = "pic-now" if one.moment.now else "pic-moment"
        lines.append(el("line", x1=place, x2=place, y1=top, y2=y - 11, class_=name))
        texts.append(el("text", one.text, x=place, y=y, text_anchor=one.anchor, class_=name))
    return [*lines, *texts]
