"""Elements of SVG, written so that no text that comes along is ever read as markup.

There are no style attributes, as no page of ours allows them: classes and geometry alone.
"""

from dataclasses import dataclass
from typing import Final

from markupsafe import Markup, escape

Content = Markup | str | float | None

_LEAST: Final = 0.86
"""As much as a picture of a size of its own may shrink."""
_WITHIN: Final = ("/", "?", "#")
_AWAY: Final = ("//", "/\\")
"""What browsers take for the address of another host."""


@dataclass(frozen=True)
class Named:
    """What a picture is called: ``id`` is its own on the page, ``desc`` says what it shows."""

    id: str
    title: str
    desc: str = ""


def el(name: str, *children: Content, **attributes: Content) -> Markup:
    """Return an element; attributes that are None or empty are left out.

    In the name of an attribute ``_`` is written for ``-``, and a last one is dropped: ``class_``.
    """
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_text(value)}"'
        for key, value in attributes.items()
        if value is not None and value != ""
    )
    inner = "".join(map(_text, children))
    return Markup(f"<{name}{told}>{inner}</{name}>" if inner else f"<{name}{told}/>")  # noqa: S704  # all of it is escaped


def svg(named: Named, *children: Content, linked: bool = False, **attributes: Content) -> Markup:
    """Return a picture with its name and what it shows.

    One with links in it is a group: what is inside an image, nobody is told of (WAI-ARIA 1.2, 5.3.2
    Presentational Children), though the keyboard would come there.
    """
    title, desc = f"{named.id}-title", f"{named.id}-desc"
    return el(
        "svg",
        el("title", named.title, id=title),
        el("desc", named.desc, id=desc) if named.desc else None,
        *children,
        role="group" if linked else "img",
        aria_labelledby=title,
        aria_describedby=desc if named.desc else None,
        **attributes,
    )


def sheet(
    named: Named, size: tuple[float, float], *children: Content, linked: bool = False
) -> Markup:
    """Return a picture of a size of its own: where there is no room for it, it is scrolled.

    It shrinks before that, as long as it can be read (the spacer says how far). Where no link in it
    takes the keyboard there, it takes the keyboard itself.
    """
    width, height = size
    picture = svg(
        named,
        *children,
        linked=linked,
        viewBox=f"0 0 {number(width)} {number(height)}",
        width=width,
        height=height,
        class_="pic pic-sheet",
    )
    spacer = el("svg", width=width * _LEAST, height=0, aria_hidden="true", class_="pic-spacer")
    fit = el("div", spacer, picture, class_="pic-fit")
    if linked:
        return el("div", fit, class_="pic-scroll")
    return el("div", fit, class_="pic-scroll", role="group", aria_label=named.title, tabindex="0")


def link(href: str, told: str, *children: Content, class_: str = "") -> Markup:
    """Return what leads to a page of ours, or shows the same and leads nowhere; ``told`` names it.

    Raises ValueError for an address that leads elsewhere.
    """
    if not href:
        return el("g", el("title", told), *children, class_=class_)
    if not href.startswith(_WITHIN) or href.startswith(_AWAY):
        raise ValueError("A picture leads to pages of Keyturn, by a path.")
    return el("a", el("title", told), *children, href=href, class_=f"pic-link {class_}".strip())


def number(value: float) -> str:
    """Write a length, to a tenth."""
    return f"{round(value, 1) + 0:g}" if abs(value) < 1e5 else f"{value:.0f}"


def percent(share: float) -> str:
    """Write a share from 0 to 1 as SVG takes it for a place or a length."""
    return f"{round(100 * share, 2) + 0:g}%"


def printable(text: str) -> str:
    """Return a text on one line; a character that shows nothing, or turns others, is shown as �."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else " " if each.isspace() else "\ufffd" for each in text
    )


def _text(value: Content) -> str:
    match value:
        case None:
            return ""
        case Markup():
            return value
        case str():
            return escape(printable(value))
        case _:
            return number(value)
