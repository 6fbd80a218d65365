"""Small pictures of something over time, as large as a word: a line, or bars."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from keyturn.web.pictures.svg import Content, Named, el, number, svg
from keyturn.web.pictures.tones import Tone, toned

WIDTH, HEIGHT = 120.0, 28.0
_PAD: Final = 4.0
_BAR: Final = 6.0
_STEP: Final = 8.0


@dataclass(frozen=True)
class Bar:
    """One of many, the oldest first: how much, how it went, and that in words."""

    value: float
    tone: Tone = "good"
    told: str = ""


def draw_sparkline(
    picture_id: str,
    values: Sequence[float | None],
    *,
    title: str,
    told: str = "",
    tone: Tone = "idle",
) -> Markup:
    """Draw values as a line from the oldest to the newest; None leaves a gap."""
    points = _points(values)
    runs = _runs(points)
    lines = [
        el(
            "polyline",
            points=" ".join(f"{number(x)},{number(y)}" for x, y in run),
            class_="pic-line",
        )
        for run in runs
        if len(run) > 1
    ]
    lone = [_dot(run[0], 1.5) for run in runs if len(run) == 1]
    last = _dot(runs[-1][-1], 3) if runs else None
    return _small(Named(picture_id, title, told), WIDTH, tone, *lines, *lone, last)


def draw_bars(picture_id: str, bars: Sequence[Bar], *, title: str) -> Markup:
    """Draw a bar for each, the oldest first; one that went wrong has a mark below it."""
    most = max((each.value for each in bars), default=0.0) or 1.0
    drawn = [_bar(number * _STEP, each, each.value / most) for number, each in enumerate(bars)]
    wrong = sum(each.tone == "bad" for each in bars)
    told = f"{len(bars)} in all, {wrong} of them failed" if bars else "none"
    return _small(Named(picture_id, title, told), max(len(bars) * _STEP, _STEP), "", *drawn)


def _small(named: Named, width: float, tone: Tone, *children: Content) -> Markup:
    return svg(
        named,
        *children,
        viewBox=f"0 0 {number(width)} {number(HEIGHT)}",
        width=width,
        height=HEIGHT,
        class_=toned("pic pic-small", tone),
    )


def _points(values: Sequence[float | None]) -> list[tuple[float, float] | None]:
    known = [each for each in values if each is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    step = (WIDTH - 2 * _PAD) / max(len(values) - 1, 1)
    room = HEIGHT - 2 * _PAD

    def height(value: float) -> float:
        return _PAD + room * (0.5 if high == low else (high - value) / (high - low))

    return [
        None if each is None else (_PAD + at * step, height(each)) for at, each in enumerate(values)
    ]


def _runs(points: Sequence[tuple[float, float] | None]) -> list[list[tuple[float, float]]]:
    """Return the points that follow each other without a gap."""
    runs: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point is None:
            runs.append([])
        else:
            runs[-1].append(point)
    return [run for run in runs if run]


def _dot(at: tuple[float, float], radius: float) -> Markup:
    return el("circle", cx=at[0], cy=at[1], r=radius, class_="pic-dot")


def _bar(x: float, one: Bar, full: float) -> Markup:
    high = max(full * (HEIGHT - 8), 2.0)
    ground = HEIGHT - 6
    wrong = el("path", d=f"M{number(x + 1)} {ground + 5}l2-4 2 4z", class_="pic-fill")
    return el(
        "g",
        el("title", one.told) if one.told else None,
        el("rect", x=x, y=ground - high, width=_BAR, height=high, rx=1.5, class_="pic-fill"),
        wrong if one.tone in ("bad", "warn") else None,
        class_=toned("pic-run", one.tone),
    )
