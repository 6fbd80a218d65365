"""How wide a text is, about, and how it is broken into lines or shortened to fit.

Whoever reads a page has a font of their own; the widths are those of DejaVu Sans, which is wider
than the other system fonts, so that what fits here fits everywhere.
"""

from collections.abc import Mapping
from typing import Final
from unicodedata import east_asian_width

from keyturn.web.pictures.svg import printable

_WIDTHS: Final[Mapping[str, float]] = {
    each: width
    for letters, width in (
        ("ijlIJ'|.,:;/\\ f-", 0.36),
        ('rt!()[]"*_`szc?', 0.52),
        ("LFkvxyPTYaoeESbdghnpqu", 0.63),
        ("0123456789${}KAVBRXZ", 0.69),
        ("CUHNDGOQ&#+<=>^~w", 0.8),
        ("MmW%@", 1.0),
    )
    for each in letters
}
_NARROWEST: Final = min(_WIDTHS.values())
_OTHER: Final = 0.72
_WIDE: Final = 1.1
_BOLD: Final = 1.1


def width_of(text: str, size: float, *, bold: bool = False) -> float:
    """Return about how wide a text is in a font of this size."""
    ems = sum(_WIDTHS.get(each) or _em(each) for each in text)
    return ems * size * (_BOLD if bold else 1)


def _em(letter: str) -> float:
    return _WIDE if east_asian_width(letter) in "WF" else _OTHER


def shortened(text: str, size: float, most: float, *, bold: bool = False) -> str:
    """Return as much of a text as is no wider than ``most``, with … where something is left out."""
    text = printable(text).strip()
    kept = text[: int(most / size / _NARROWEST) + 1]
    if kept == text and width_of(text, size, bold=bold) <= most:
        return text
    while kept and width_of(f"{kept}…", size, bold=bold) > most:
        kept = kept[:-1]
    return f"{kept.rstrip()}…"


def lines_of(
    text: str, size: float, most: float, lines: int = 2, *, bold: bool = False
) -> tuple[str, ...]:
    """Break a text into so many lines at most, none of them wider than ``most``."""
    words, found = printable(text).split(), list[str]()
    while words:
        count = len(words) if len(found) == lines - 1 else 1
        while count < len(words) and _fits(words[: count + 1], size, most, bold=bold):
            count += 1
        found.append(shortened(" ".join(words[:count]), size, most, bold=bold))
        words = words[count:]
    return tuple(found)


def _fits(words: list[str], size: float, most: float, *, bold: bool) -> bool:
    return width_of(" ".join(words), size, bold=bold) <= most
