"""A window of a rate limit: what is used of it, what is left, and what of that is kept."""

from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from keyturn.web.pictures.fluid import fluid, hatch, hatched, strip
from keyturn.web.pictures.svg import Named, el
from keyturn.web.pictures.tones import Tone, toned

_HEIGHT: Final = 40.0
_BAR: Final = 14.0


@dataclass(frozen=True)
class Budget:
    """How many calls a window has, how many are left, and how many of those are kept for safety.

    ``resets`` says when the next window begins, for people.
    """

    limit: int
    left: int
    reserve: int
    resets: str = ""

    @property
    def tone(self) -> Tone:
        """Return how it stands: calls that are not kept are left, or are not."""
        if self.left <= 0:
            return "bad"
        return "warn" if self.left <= self.reserve else "good"

    @property
    def told(self) -> str:
        """Return it in words."""
        if self.left <= 0:
            return f"none of {self.limit} left"
        kept = min(self.left, self.reserve)
        return f"{self.left} of {self.limit} left, {kept} kept for safety"


def draw_budget(picture_id: str, budget: Budget, *, title: str) -> Markup:
    """Draw a window as a bar: what is used from the left, what is kept at the right."""
    most = max(budget.limit, 1)
    left = min(max(budget.left, 0), most) / most
    kept = min(budget.reserve / most, left)
    resets = f"new {budget.resets}" if budget.resets else ""
    return fluid(
        Named(picture_id, title, ". ".join(each for each in (budget.told, resets) if each)),
        _HEIGHT,
        hatch(picture_id, "kept"),
        strip(0, 1, 1, _BAR, rx=4, class_="pic-trough"),
        el(
            "g",
            strip(1 - left, 1, 1, _BAR, rx=4, class_="pic-fill") if left else None,
            strip(1 - kept, 1, 1, _BAR, rx=4, fill=hatched(picture_id, "kept")) if kept else None,
            class_=toned("pic-left", budget.tone),
        ),
        el("text", budget.told, x=0, y=_BAR + 19, class_="pic-tick"),
        el("text", resets, x="100%", y=_BAR + 19, text_anchor="end", class_="pic-tick"),
    )
