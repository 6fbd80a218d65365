"""A value that hides itself.

Decides how a secret value looks when nobody meant to show it. Knows nothing of where it is kept.
"""

import hmac
from typing import Final, final


@final
class Sensitive:
    """Hold a secret value that no repr, log, format or pickle can show."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value: Final = value

    def reveal(self) -> str:
        """Return the clear value; the rare and greppable way out."""
        return self._value

    def __repr__(self) -> str:
        return "Sensitive(…)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sensitive):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    __hash__ = None  # type: ignore[assignment]  # a dict of secrets would invite a leak through its keys

    def __reduce__(self) -> str:
        raise TypeError("a Sensitive value is not pickled; seal it")
