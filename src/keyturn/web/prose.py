"""Sentences that name commands, as pages show them: by what leads to the same on a page."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from markupsafe import Markup, escape

_COMMAND: Final = re.compile("`([^`]+)`")
_PAGES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "rotation adopt-existing": ("Adopt", "/adopt?secret={}"),
        "rotation retire-existing": ("Retire", "/retire?secret={}"),
        "rotation show": ("Its page", ""),
        "rotation turn": ("Turn now", "/turn"),
        "turn abort": ("Abort", "/abort"),
        "turn emergency": ("Emergency", "/emergency"),
        "turn finish-now --at-once": ("Finish at once", "/finish-at-once"),
        "turn finish-now": ("Finish now", "/finish"),
        "turn pause": ("Pause", ""),
        "turn reinstate": ("Reinstate", "/reinstate"),
        "turn resume": ("Resume", ""),
        "connection authorize": ("Authorize", ""),
        "connection okta turn-key": ("Turn its key", "/turn-key"),
        "connection replace": ("replace", ""),
        "connection update": ("Change", "/edit"),
        "destination deliver": ("Deliver now", ""),
        "destination update": ("Change", "/edit"),
        "registration consumer confirm": ("It uses the new one", ""),
    }
)
"""What a button says that does what a command does, and where it is found behind its subject."""


def prose(text: str, at: str = "") -> Markup:
    """Return a text in which a command is the name of what does the same here; it is escaped.

    What is markup already is left as it is. ``at`` is the address of what the text is about, for
    who may do what its commands do: then the name is a link. What stands between backticks and is
    no command is code.
    """
    if isinstance(text, Markup):
        return text
    parts = _COMMAND.split(text)
    return Markup("").join(
        _named(part, at) if number % 2 else escape(part) for number, part in enumerate(parts)
    )


def _named(told: str, at: str) -> Markup:
    name, _, words = told.partition(" ")
    known = next((each for each in _PAGES if f"{words} ".startswith(f"{each} ")), "")
    if name != "keyturn" or not known:
        return Markup("<code>{}</code>").format(told)
    button, end = _PAGES[known]
    given = words.removeprefix(known).split()
    href = at + end.format(given[1] if len(given) > 1 else "")
    link = Markup('<a href="{}">{}</a>').format(href, button)
    return link if at else Markup("<strong>{}</strong>").format(button)
