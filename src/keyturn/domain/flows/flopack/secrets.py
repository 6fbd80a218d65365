"""What looks like a key or a password in an export, which must not get into a flow's file.

Decides by the form of a text and by what its input is called; whoever has one finds it in the
report, as a secret to store, and never its value.
"""

from typing import Final

from keyturn.domain.flows.expressions import OPEN
from keyturn.domain.flows.spotting import is_called_secret, looks_secret

LEFT_OUT: Final = "(left out: it looked like a key)"


def is_secret(name: str, text: str) -> bool:
    """Say whether a text that stands in an input of this name has to be kept as a secret."""
    return looks_secret(text) or bool(text.strip() and is_called_secret(name))


def told(text: str) -> str:
    """Return a text for people as it can stand in a file: whole, or not at all."""
    return LEFT_OUT if looks_secret(text) else text


def quoted(text: str) -> str:
    """Return a text as it stands in one that is put together, where braces refer to something."""
    return text.replace(OPEN, OPEN * 2)
