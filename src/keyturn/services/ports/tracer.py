"""What is told of who does what for how long (OpenTelemetry's spans), where anybody wants to know.

Names, routes, ids and statuses are told: never a value, a query string, a header or a body.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

About = Mapping[str, str | int]


class Span(Protocol):
    """One thing that is being done."""

    def tell(self, about: About, *, name: str = "") -> None:
        """Add what is known by now; a ``name`` takes the place of the one that it began with."""
        ...


class Tracer(Protocol):
    """Tell of what is done while it is done; what fails inside is told to have failed."""

    def span(
        self, name: str, about: About, *, parent: str = "", serves: bool = False
    ) -> AbstractContextManager[Span]:
        """Begin a span inside the one that goes on, or below ``parent`` (a W3C traceparent).

        ``serves`` says that it is a request that somebody made here, and not one that is made.
        """
        ...


class NoSpan:
    """Nobody is told."""

    def tell(self, about: About, *, name: str = "") -> None:
        """Say nothing."""


class NoTracer:
    """Nobody wants to know."""

    def span(
        self, name: str, about: About, *, parent: str = "", serves: bool = False
    ) -> AbstractContextManager[Span]:
        """Begin nothing."""
        return _NOTHING


_NOTHING: AbstractContextManager[Span] = nullcontext(NoSpan())
