"""Tones: how something does, by a colour, and always by a mark and a word as well."""

from collections.abc import Mapping
from typing import Final, Literal

from markupsafe import Markup

from keyturn.web.pictures.svg import el

Tone = Literal["good", "busy", "warn", "bad", "idle", ""]
"""How something does; empty where there is nothing to say."""

WORDS: Final[Mapping[Tone, str]] = {
    "good": "good",
    "busy": "under way",
    "warn": "needs attention",
    "bad": "in trouble",
    "idle": "idle",
    "": "",
}
MARK: Final = 16
"""How wide and high a mark is."""

_FACES: Final[Mapping[Tone, tuple[str, str]]] = {
    "good": ("M8 1a7 7 0 1 1 0 14A7 7 0 1 1 8 1z", "M4.9 8.3l2.1 2.1 4.1-4.4"),
    "busy": ("M8 1a7 7 0 1 1 0 14A7 7 0 1 1 8 1z", "M8 4.2V8l2.6 1.8"),
    "warn": ("M8 1.2L15.4 14.4H.6z", "M8 6v4M8 12.2v.1"),
    "bad": ("M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1z", "M5.6 5.6l4.8 4.8M10.4 5.6l-4.8 4.8"),
    "idle": ("M8 1a7 7 0 1 1 0 14A7 7 0 1 1 8 1z", "M5 8h6"),
}


def mark(tone: Tone, x: float, y: float) -> Markup | None:
    """Return the mark of a tone with its upper left corner there: each has a shape of its own."""
    if tone not in _FACES:
        return None
    face, sign = _FACES[tone]
    return el(
        "g",
        el("path", d=face, class_="pic-face"),
        el("path", d=sign, class_="pic-sign"),
        transform=f"translate({x:g} {y:g})",
        class_=f"pic-mark pic-{tone}",
        aria_hidden="true",
    )


def toned(name: str, tone: Tone) -> str:
    """Return the classes of something that shows a tone."""
    return f"{name} pic-{tone}" if tone else name
