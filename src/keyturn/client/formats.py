"""The formats, for consumers: what does not fit one is an error like any other of theirs."""

from collections.abc import Mapping

from keyturn.client.errors import ClientError
from keyturn.formats import reading, rendering
from keyturn.formats.errors import FormatError
from keyturn.formats.rendering import FORMATS, QUOTES

__all__ = ["FORMATS", "QUOTES", "Unfit", "parse", "render"]


class Unfit(ClientError):
    """Something does not fit its format; says which name or line, and never a value."""


def render(values: Mapping[str, str], form: str) -> str:
    """Render values in one of FORMATS, all of them. Raises Unfit."""
    try:
        return rendering.render(values, form)
    except FormatError as error:
        raise Unfit(str(error)) from None


def parse(text: str, form: str) -> dict[str, str]:
    """Return the names of a text in one of READ with their values. Raises Unfit."""
    try:
        return reading.parse(text, form)
    except FormatError as error:
        raise Unfit(str(error)) from None
