"""The audit log (ours)."""

from typing import Annotated, Literal

from pydantic import Field

from keyturn.wire.base import TEXT_MAX, Instant, Whole, Wire

PAGE_MAX = 1000
NUMBER_MAX = 2**53

Part = Annotated[str, Field(max_length=TEXT_MAX)]
"""A text to look for; an empty one looks for nothing."""


class AuditWanted(Wire):
    """Which entries are wanted; what is left out leaves a field open.

    ``subject`` is a part of it. ``since`` is included, ``until`` is not.
    """

    actor: Part = ""
    verb: Part = ""
    subject: Part = ""
    allowed: bool | None = None
    since: Instant | None = None
    until: Instant | None = None


class AuditQuery(AuditWanted):
    """A page of entries: oldest first, past the number ``after``, or newest first (``desc``).

    The latter are those before the number ``before``, where it is given.
    """

    order: Literal["asc", "desc"] = "asc"
    after: Annotated[Whole, Field(ge=0, le=NUMBER_MAX)] = 0
    before: Annotated[Whole, Field(ge=1, le=NUMBER_MAX)] | None = None
    limit: Annotated[Whole, Field(ge=1, le=PAGE_MAX)] = 100


class HeadQuery(Wire):
    """A head of the log that was noted elsewhere, as ``keyturn audit verify`` prints it."""

    head: Annotated[str, Field(max_length=100)] | None = None


class AuditEntry(Wire):
    """One entry; ``hash``, 64 hexadecimal digits, ties it to the one before it."""

    number: int
    at: str
    actor: str
    verb: str
    subject: str
    allowed: bool
    detail: str
    hash: str


class AuditAnswer(Wire):
    """A page of entries, in the order that was asked for."""

    entries: tuple[AuditEntry, ...]


class VerifiedAnswer(Wire):
    """How many entries there are, the head, and the heads that the log was held against.

    ``problem`` says what is wrong with it, and is null for a log that is whole.
    """

    entries: int
    head: str | None
    held_against: tuple[str, ...]
    problem: str | None
