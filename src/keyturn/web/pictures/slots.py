"""An app's client secrets at Okta while one takes the other's place, along an axis of time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from markupsafe import Markup

from keyturn.web.pictures.axis import LINE, SIZE, Axis, Moment, axis_of, draw_moments, written
from keyturn.web.pictures.fluid import fluid, hatch, hatched, strip
from keyturn.web.pictures.lettering import width_of
from keyturn.web.pictures.svg import Named, el, percent

_INACTIVE: Final = "pic-inactive"
_PARTS: Final = (
    ("pic-served", "served"),
    ("pic-works", "works"),
    (_INACTIVE, "INACTIVE"),
    ("pic-served pic-coming", "to come"),
)
_TOP: Final = 20.0
_ROW: Final = 54.0
_ABOVE: Final = 28.0
"""How far below the beginning of its row a bar lies; its texts are above it."""
_BAR: Final = 16.0
_EDGE: Final = 0.07
"""The part of the width that is left for what was before, or comes after."""


@dataclass(frozen=True)
class Slot:
    """A client secret of an app: since when it is there, and what became of it, or is to.

    ``status`` is Okta's of it now, empty where it is not there. It is served from ``served_from``
    to ``served_to``; ``retires_at`` is when it is deactivated, ``deletes_at`` when it is deleted,
    None where nobody knows yet or neither is to come.
    """

    name: str
    okta_id: str
    status: str
    created_at: datetime
    served_from: datetime | None = None
    served_to: datetime | None = None
    retires_at: datetime | None = None
    deletes_at: datetime | None = None

    def is_served(self, now: datetime) -> bool:
        """Say whether readers are given it now."""
        begins, ends = self.served_from, self.served_to
        return begins is not None and begins <= now and (ends is None or now < ends)

    def is_dead(self, now: datetime) -> bool:
        """Say whether readers are given it now although Okta refuses it."""
        return self.is_served(now) and self.status != "ACTIVE"

    def told(self, now: datetime) -> str:
        """Return how it stands now, in words."""
        status = f"{self.status} at Okta" if self.status else "not at Okta"
        if self.is_dead(now):
            return f"{status}, yet served"
        return f"{status}, {'served' if self.is_served(now) else 'not served'}"

    def moments(self) -> Iterator[tuple[datetime | None, str, str]]:
        """Give what happens to it: when, and what it is called before and after that."""
        yield self.created_at, "added", "added"
        yield self.served_from, "is served", "served"
        yield self.retires_at, "deactivate", "deactivated"
        yield self.deletes_at, "delete", "deleted"


def draw_slots(
    picture_id: str,
    slots: Sequence[Slot],
    *,
    now: datetime,
    title: str = "Client secrets of the app at Okta",
) -> Markup:
    """Draw each secret as a bar: filled while it is served, striped while it is INACTIVE.

    What is to come is drawn lightly. Raises ValueError without a secret.
    """
    if not slots:
        raise ValueError("There is a picture of secrets where there is one at least.")
    rows = sorted(slots, key=lambda each: each.created_at)
    moments = [*_moments(rows, now)]
    earlier = _EDGE if rows[0].created_at < moments[0].at else 0.0
    axis = axis_of((each.at for each in moments), earlier, _EDGE)
    ground = _TOP + _ROW * len(rows)
    texts = written(axis, moments)
    lines = max(each.line for each in texts) + 1
    sketch = _Sketch(picture_id, axis, now)
    return fluid(
        Named(picture_id, title, _desc(rows, moments, now)),
        ground + LINE * (lines + 1) + 16,
        hatch(picture_id, "idle"),
        *_bands(rows, axis),
        *draw_moments(texts, _TOP, ground),
        *(sketch.row(each, _TOP + _ROW * number) for number, each in enumerate(rows)),
        *_legend(picture_id, ground + LINE * (lines + 1) + 10),
    )


def _moments(rows: Sequence[Slot], now: datetime) -> Iterator[Moment]:
    """Give what happened since the newest secret was added, and what is to happen, in order."""
    begins = rows[-1].created_at
    found = [Moment(now, "now", now=True)]
    found += [
        Moment(at, before if at > now else after)
        for slot in rows
        for at, before, after in slot.moments()
        if at is not None and at >= begins
    ]
    yield from sorted(found, key=lambda each: each.at)


def _desc(rows: Sequence[Slot], moments: Sequence[Moment], now: datetime) -> str:
    """Return the picture in words."""
    secrets = [f"{each.name} ({each.okta_id}): {each.told(now)}." for each in rows]
    times = [f"{each.text} {each.at:%Y-%m-%d %H:%M}" for each in moments]
    return f"{' '.join(secrets)} Times in UTC, not to scale: {', '.join(times)}."


def _bands(rows: Sequence[Slot], axis: Axis) -> Iterator[Markup]:
    """Draw the overlap, in which both secrets work, and the soak after it, behind their bars."""
    if len(rows) < 2:
        return
    old, new = rows[-2:]
    bands = (
        ("overlap", new.created_at, old.retires_at or axis.times[-1]),
        ("soak", old.retires_at, old.deletes_at),
    )
    for name, begins, ends in bands:
        if begins and ends and begins < ends:
            a, b = axis.share(begins), axis.share(ends)
            for number in range(len(rows)):
                place = _TOP + _ROW * number + _ABOVE - 5
                yield strip(a, b, place, _BAR + 10, class_=f"pic-band pic-{name}")
            middle = percent((a + b) / 2)
            yield el("text", name, x=middle, y=13, text_anchor="middle", class_="pic-band-text")


def _legend(picture_id: str, y: float) -> Iterator[Markup]:
    """Draw what the parts of the bars are called."""
    x = 0.0
    for name, text in _PARTS:
        place = {"x": x, "y": y - 9, "width": 14, "height": 10}
        yield el("rect", **place, class_=name)
        if name == _INACTIVE:
            yield el("rect", **place, fill=hatched(picture_id, "idle"))
        yield el("text", text, x=x + 19, y=y, class_="pic-tick")
        x += 19 + width_of(text, SIZE) + 11


@dataclass(frozen=True)
class _Sketch:
    """What the rows of one picture share."""

    picture_id: str
    axis: Axis
    now: datetime

    def row(self, slot: Slot, y: float) -> Markup:
        """Draw a secret: its name and how it stands, and its bar below."""
        text, bar = y + _ABOVE - 9, y + _ABOVE
        working = slot.retires_at or slot.deletes_at
        served = (slot.served_from, slot.served_to or working) if slot.served_from else None
        note = "pic-note pic-bad" if slot.is_dead(self.now) else "pic-note"
        return el(
            "g",
            el("text", slot.name, x=0, y=text, class_="pic-title"),
            el("text", slot.told(self.now), x="100%", y=text, text_anchor="end", class_=note),
            *self.bar(slot.created_at, working, bar, "pic-works"),
            *(self.bar(*served, bar, "pic-served") if served else ()),
            *(
                self.bar(slot.retires_at, slot.deletes_at, bar, _INACTIVE)
                if slot.retires_at
                else ()
            ),
            class_="pic-row",
        )

    def bar(
        self, begins: datetime | None, ends: datetime | None, y: float, name: str
    ) -> Iterator[Markup]:
        """Draw a part of a bar, what is to come of it apart; without an end it goes on."""
        left = self.axis.share(begins) if begins else 0.0
        right, now = self.axis.share(ends) if ends else 1.0, self.axis.share(self.now)
        for a, b, when in ((left, min(right, now), ""), (max(left, now), right, " pic-coming")):
            if a < b:
                yield strip(a, b, y, _BAR, class_=name + when)
                if name == _INACTIVE:
                    yield strip(a, b, y, _BAR, fill=hatched(self.picture_id, "idle"))
