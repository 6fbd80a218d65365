"""Sentences that name commands, as pages show them."""

import re
from typing import Final

from markupsafe import Markup, escape

_COMMAND: Final = re.compile("`([^`]+)`")


def prose(text: str) -> Markup:
    """Return a text in which what stands between backticks is code; all of it is escaped."""
    parts = _COMMAND.split(text)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else escape(part)
        for number, part in enumerate(parts)
    )
