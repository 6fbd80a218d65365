"""How old client secrets are, as a part of the time that their policy lets them last."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from keyturn.web.pictures.fluid import fluid, hatch, hatched, strip
from keyturn.web.pictures.svg import Named, el, link, percent
from keyturn.web.pictures.tones import Tone, toned

DAY_S: Final = 86_400.0
OVERDUE, ENDLESS = "overdue", "none"

_PARTS: Final[Sequence[tuple[float, float, Tone, str]]] = (
    (0.0, 0.25, "good", ""),
    (0.25, 0.5, "good", ""),
    (0.5, 0.75, "good", ""),
    (0.75, 1.0, "busy", "soon"),
)
_UNITS: Final[Mapping[str, str]] = {"%": "age, % of what is allowed", "days": "age in days"}
_HEIGHT: Final = 196.0
_TOP: Final = 40.0
_GROUND: Final = 152.0
_LEAST: Final = 4.0
_BESIDE: Final = 0.2


@dataclass(frozen=True)
class Age:
    """How old a secret is, in seconds, and how old it may be; None where nothing limits it."""

    age_s: float
    allowed_s: float | None

    @property
    def key(self) -> str:
        """Return the bin that it falls into."""
        if not self.allowed_s:
            return ENDLESS
        share = self.age_s / self.allowed_s
        found = (_key(least, most) for least, most, *_ in _PARTS if share <= most)
        return next(found, OVERDUE)


@dataclass(frozen=True)
class Bin:
    """Ages that are told as one, in a ``unit``; ``over`` says that they are past the limit."""

    label: str
    count: int
    tone: Tone
    told: str = ""
    href: str = ""
    over: bool = False
    unit: str = ""

    @property
    def ages(self) -> str:
        """Return which ages they are."""
        return f"{self.label} {self.unit}".strip()

    @property
    def named(self) -> str:
        """Return it in words."""
        secrets = "secret" if self.count == 1 else "secrets"
        return f"{self.count} {secrets}: {self.ages}{f', {self.told}' if self.told else ''}"


def _nowhere(_: str) -> str:
    return ""


def bins_by_share(ages: Iterable[Age], href: Callable[[str], str] = _nowhere) -> tuple[Bin, ...]:
    """Sort ages into quarters of what is allowed, overdue ones, and those that nothing limits.

    ``href`` gives where a bin leads by its key: ``0-25`` and so on, ``overdue``, ``none``.
    """
    labels = [f"{100 * least:g}–{100 * most:g}" for least, most, *_ in _PARTS]
    return _bins([*ages], [*labels, "> 100"], "%", href)


def bins_by_days(
    ages: Iterable[Age], limit_days: float, href: Callable[[str], str] = _nowhere
) -> tuple[Bin, ...]:
    """Sort ages as `bins_by_share` does, all by one limit, and name the bins in days."""
    of_all = [Age(each.age_s, limit_days * DAY_S) for each in ages]
    labels = [f"{least * limit_days:.3g}–{most * limit_days:.3g}" for least, most, *_ in _PARTS]
    return _bins(of_all, [*labels, f"> {limit_days:g}"], "days", href)


def _bins(
    ages: Sequence[Age], labels: Sequence[str], unit: str, href: Callable[[str], str]
) -> tuple[Bin, ...]:
    keys = [each.key for each in ages]
    parts = zip(labels[:-1], _PARTS, strict=True)
    kinds = [(label, _key(least, most), tone, told) for label, (least, most, tone, told) in parts]
    kinds.append((labels[-1], OVERDUE, "bad", "overdue"))
    found = [
        Bin(label, keys.count(key), tone, told, href(key), key == OVERDUE, unit)
        for label, key, tone, told in kinds
    ]
    if ENDLESS in keys:
        found.append(Bin("no limit", keys.count(ENDLESS), "idle", "", href(ENDLESS), over=True))
    return tuple(found)


def _key(least: float, most: float) -> str:
    return f"{least * 100:g}-{most * 100:g}"


def rows(bins: Iterable[Bin]) -> list[tuple[str, str, str]]:
    """Return the same as the rows of a table: ages, how many, and what is to be said of them."""
    return [(each.ages, str(each.count), each.told) for each in bins]


def draw_ages(
    picture_id: str,
    bins: Sequence[Bin],
    *,
    title: str = "Age of client secrets",
    limit: str = "policy",
) -> Markup:
    """Draw a bar for each bin, and the limit between those before it and those past it.

    A bar with something in it leads to its ``href``. ``limit`` is what the limit is called.
    """
    most = max((each.count for each in bins), default=0)
    before = sum(not each.over for each in bins)
    columns = [
        _column(picture_id, each, number / len(bins), 1 / len(bins), each.count / (most or 1))
        for number, each in enumerate(bins)
    ]
    return fluid(
        Named(picture_id, title, "; ".join(each.named for each in bins)),
        _HEIGHT,
        hatch(picture_id, "bad"),
        strip(0, 1, _GROUND, 1, class_="pic-axis"),
        *columns,
        el("text", _UNITS.get(bins[0].unit), x=0, y=14, class_="pic-tick") if bins else None,
        *_limit(before / len(bins), limit) if bins else (),
        linked=any(each.href and each.count for each in bins),
    )


def _column(picture_id: str, one: Bin, starts: float, wide: float, full: float) -> Markup:
    """Draw one bin: all of its column takes the pointer."""
    high = max(full * (_GROUND - _TOP), _LEAST) if one.count else 0.0
    middle, beside, top = percent(starts + wide / 2), wide * _BESIDE, _GROUND - high
    bar = starts + beside, starts + wide - beside
    late = one.tone == "bad" and one.count
    texts = (
        (str(one.count), top - 7, "pic-value" if one.count else "pic-value pic-none"),
        (one.label, _GROUND + 18, "pic-tick"),
        (one.told, _GROUND + 34, toned("pic-tick pic-told", one.tone if one.count else "")),
    )
    return link(
        one.href if one.count else "",
        one.named,
        strip(starts, starts + wide, 0, _HEIGHT, class_="pic-hit"),
        strip(*bar, top, high, rx=3, class_="pic-fill") if high else None,
        strip(*bar, top, high, rx=3, fill=hatched(picture_id, "bad")) if late else None,
        *(
            el("text", text, x=middle, y=y, text_anchor="middle", class_=name)
            for text, y, name in texts
            if text
        ),
        class_=toned("pic-column", one.tone),
    )


def _limit(at: float, named: str) -> tuple[Markup, Markup]:
    place = percent(at)
    line = el("line", x1=place, x2=place, y1=4, y2=_GROUND + 6, class_="pic-limit")
    text = el("text", named, x=place, dx=-7, y=14, text_anchor="end", class_="pic-limit-text")
    return line, text
