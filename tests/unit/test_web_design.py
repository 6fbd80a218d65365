"""The design system keeps what it promises: contrast, every icon, every part in the gallery."""

import re
from pathlib import Path

import pytest

import keyturn.web
from keyturn.web.menu import MENU, SANDBOX

WEB = Path(keyturn.web.__file__).parent
CSS = (WEB / "assets/keyturn.css").read_text()
ICONS = (WEB / "assets/icons.svg").read_text()
TEMPLATES = {path: path.read_text() for path in sorted((WEB / "templates").rglob("*.html"))}
TONES = ("good", "busy", "warn", "bad", "idle")

GROUNDS = ("paper", "panel", "sunk", "raised")
TEXTS = [
    *((ink, ground) for ink in ("ink", "muted", "accent", "accent-deep") for ground in GROUNDS),
    *((tone, ground) for tone in TONES for ground in ("paper", "panel", f"{tone}-soft")),
    *(("ink", f"{tone}-soft") for tone in TONES),
    ("muted", "idle-soft"),
    ("accent", "accent-soft"),
    ("on-accent", "accent"),
    ("on-accent", "accent-deep"),
    ("on-bad", "bad"),
    ("on-bad", "bad-deep"),
]
"""What is written on what."""

SHAPES = [
    *(("edge", ground) for ground in GROUNDS),
    *(("accent", ground) for ground in GROUNDS),
    *((f"{tone}-fill", "panel") for tone in TONES),
    ("brass", "raised"),
]
"""Borders of controls, rings and bars, and what they stand on."""


def _colours(theme: int) -> dict[str, str]:
    found = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", CSS)
    return {name: both[theme] for name, *both in found}


def _luminance(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return sum(share * c for share, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _contrast(one: str, other: str) -> float:
    """Return the contrast of two colours (WCAG 2.2, contrast ratio)."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("least", "pairs"), [(4.5, TEXTS), (3, SHAPES)], ids=["texts", "shapes"])
def test_colours_stand_out(theme: int, least: float, pairs: list[tuple[str, str]]) -> None:
    """Texts and shapes contrast with what they stand on as WCAG 2.2 AA asks, in both themes."""
    colours = _colours(theme)
    found = {pair: _contrast(colours[pair[0]], colours[pair[1]]) for pair in pairs}
    assert {pair: round(is_, 2) for pair, is_ in found.items() if is_ < least} == {}


def test_every_icon_is_drawn() -> None:
    """What the menu and the templates show as an icon is in the sprite."""
    drawn = set(re.findall(r'<symbol id="(\w+)"', ICONS))
    asked = {part.icon for part in (*MENU, SANDBOX)}
    for text in TEMPLATES.values():
        asked |= set(re.findall(r'(?:\bicon\(|\bicon=|\bsign=)"(\w+)"', text))
    assert asked - drawn == set()


def test_gallery_shows_every_part() -> None:
    """A macro that is not in the gallery would change without anybody seeing it."""
    made = set[str]()
    for name in ("controls", "parts"):
        text = TEMPLATES[WEB / f"templates/{name}.html"]
        made |= set(re.findall(r"{% macro ([a-z]\w*)", text))
    chrome = {"brand", "theme_button", "who", "flash", "live"}
    within = {"attributes", "breadcrumbs", "copy_button"}
    shown = set(re.findall(r"\bui\.(\w+)\(", TEMPLATES[WEB / "templates/gallery.html"]))
    assert made - shown == chrome | within


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_need_nothing_inline(path: Path) -> None:
    """No template has styles or scripts of its own, or loads anything from elsewhere."""
    text = TEMPLATES[path]
    assert not re.search(r"\sstyle=|<style|\son[a-z]+=|javascript:", text)
    assert not re.search(r"<script(?! src=\"{{ asset)", text)
    assert not re.search(r"(?:src|srcset)=\"(?!{{ asset)", text)


def test_parts_say_what_colours_say() -> None:
    """Every tone has a sign of its own shape, and a class that sets its colours."""
    for tone in TONES:
        assert f".{tone} {{ --tone: var(--{tone}); --soft: var(--{tone}-soft);" in CSS
    for tone in ("busy", "warn", "bad", "idle"):
        assert f".badge.{tone}::before" in CSS
