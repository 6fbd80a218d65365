"""What pictures share that are as wide as what holds them: places in shares, texts in a size."""

from collections.abc import Mapping
from typing import Final

from markupsafe import Markup

from keyturn.web.pictures.svg import Content, Named, el, percent, svg

NARROW: Final = 280.0
"""How wide such a picture is at least, in a window of 360 px: what is written fits in that."""


def fluid(named: Named, height: float, *children: Content, linked: bool = False) -> Markup:
    """Return a picture that takes all the width that there is."""
    return svg(named, *children, linked=linked, width="100%", height=height, class_="pic pic-fluid")


def strip(starts: float, ends: float, y: float, height: float, **attributes: Content) -> Markup:
    """Return a rectangle from one share of the width to another."""
    place: Mapping[str, Content] = {"x": percent(starts), "width": percent(ends - starts)}
    return el("rect", **place, y=y, height=height, **attributes)


def hatch(picture_id: str, name: str) -> Markup:
    """Return the definition of stripes; `hatched` is how something refers to it."""
    line = el("path", d="M0 0V7", class_="pic-stripe")
    return el(
        "defs",
        el(
            "pattern",
            line,
            id=f"{picture_id}-{name}",
            width=7,
            height=7,
            patternUnits="userSpaceOnUse",
            patternTransform="rotate(45)",
            class_=f"pic-{name}",
        ),
    )


def hatched(picture_id: str, name: str) -> str:
    """Return what fills something with stripes."""
    return f"url(#{picture_id}-{name})"
