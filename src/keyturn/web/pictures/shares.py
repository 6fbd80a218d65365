"""Bars that show how many of a whole stand how: a bar for each wave, or one for all."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from keyturn.web.pictures.fluid import NARROW, fluid, hatch, hatched, strip
from keyturn.web.pictures.lettering import lines_of, shortened
from keyturn.web.pictures.svg import Named, el
from keyturn.web.pictures.tones import MARK, Tone, mark, toned

BAR: Final = 14.0
LINE: Final = 15.0
STRIPED: Final[Sequence[Tone]] = ("bad", "idle")
"""The tones whose parts are striped, so that no colour has to tell them from the others."""

_TITLE: Final = 14.0
_TICK: Final = 11.0
_HEAD: Final = 24.0
_GAP: Final = 18.0
_BESIDE: Final = MARK + 6
_NAME: Final = 0.62


@dataclass(frozen=True)
class Part:
    """So many of a whole, and how they stand; ``faint`` are those on whom something is to come."""

    count: int
    text: str
    tone: Tone
    faint: bool = False

    @property
    def told(self) -> str:
        """Return it in words."""
        return f"{self.count:,} {self.text}"


@dataclass(frozen=True)
class Row:
    """A whole with its parts; ``tone`` is how it does, ``told`` that in a word or two.

    ``about`` is what it is the whole of, where its name does not say it.
    """

    name: str
    parts: Sequence[Part]
    tone: Tone
    told: str
    about: str = ""

    @property
    def counts(self) -> str:
        """Return how many stand how, and of what."""
        counts = ", ".join(each.told for each in self.parts if each.count) or "none"
        return f"{self.about} · {counts}" if self.about else counts


def draw_shares(picture_id: str, rows: Sequence[Row], *, title: str) -> Markup:
    """Draw a bar for each whole, one below the other, each with its name and what it says."""
    y, drawn = 0.0, list[Markup]()
    for row in rows:
        below = lines_of(row.counts, _TICK, NARROW)
        drawn.append(_row(picture_id, row, below, y))
        y += _HEAD + BAR + LINE * len(below) + _GAP
    told = ". ".join(f"{each.name}, {each.told}: {each.counts}" for each in rows)
    return fluid(Named(picture_id, title, told), max(y - _GAP + 4, 0), *stripes(picture_id), *drawn)


def stripes(picture_id: str) -> Iterator[Markup]:
    """Return what `draw_bar` stripes by, once for a picture."""
    return (hatch(picture_id, tone) for tone in STRIPED)


def draw_bar(picture_id: str, parts: Sequence[Part], y: float) -> Iterator[Markup]:
    """Draw the parts of a whole beside each other; what has none yet is left empty."""
    whole, starts = sum(each.count for each in parts), 0.0
    yield strip(0, 1, y, BAR, rx=4, class_="pic-trough")
    for each in parts:
        ends = starts + each.count / whole if whole else starts
        if each.count and each.tone:
            shade = "pic-part pic-faint" if each.faint else "pic-part"
            yield strip(starts, ends, y, BAR, class_=toned(shade, each.tone))
            if each.tone in STRIPED:
                yield strip(starts, ends, y, BAR, fill=hatched(picture_id, each.tone))
        starts = ends


def _row(picture_id: str, row: Row, below: Sequence[str], y: float) -> Markup:
    name = shortened(row.name, _TITLE, NARROW * _NAME - _BESIDE, bold=True)
    lines = (
        el("text", text, x=0, y=y + _HEAD + BAR + LINE * number, class_="pic-tick")
        for number, text in enumerate(below, 1)
    )
    told = toned("pic-note", "bad" if row.tone == "bad" else "")
    return el(
        "g",
        mark(row.tone, 0, y + 1),
        el("text", name, x=_BESIDE, y=y + 14, class_="pic-title"),
        el("text", row.told, x="100%", y=y + 14, text_anchor="end", class_=told),
        *draw_bar(picture_id, row.parts, y + _HEAD),
        *lines,
    )
