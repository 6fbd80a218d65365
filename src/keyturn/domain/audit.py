"""The audit log as a chain.

Decides what one entry looks like and how it is tied to the one before it, so that a changed or a
missing entry shows. That the newest entries were cut off, or that everything after some entry was
written anew by somebody who knows how, shows only beside a head that was noted elsewhere: a number
and a hash. Knows nothing of where entries and heads are kept.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from keyturn.domain.errors import FieldProblem, InvalidInput, OursError

GENESIS = bytes(32)
_DIGEST = re.compile(r"[0-9a-f]{64}")
_IN_JSON = json.JSONEncoder(ensure_ascii=False).encode
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class ChainBroken(OursError):
    """The audit log was changed after it was written."""


BACKED_UP = "backup:create"
"""The verb of an entry that tells of a backup."""

ARCHIVED = "audit:archive"
"""The verb of an entry that tells which entries were moved to a file, by the head of the last."""


@dataclass(frozen=True)
class Attempt:
    """What somebody did or tried: never a value, only names, ids and hashes."""

    at: datetime
    actor: str
    verb: str
    subject: str
    allowed: bool
    detail: str = ""


@dataclass(frozen=True)
class AuditEntry:
    """One link: an attempt, its place in the chain, and the hash that ties it to its forerunner."""

    number: int
    attempt: Attempt
    hash: bytes

    @property
    def head(self) -> "Head":
        """Return by what the chain up to here is recognised."""
        return Head(self.number, self.hash)


@dataclass(frozen=True)
class Head:
    """By what a chain is recognised: the number and the hash of its newest entry."""

    number: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.number}:{self.hash.hex()}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a head as it is written. Raises InvalidInput for anything else."""
        number, _, digest = text.strip().partition(":")
        try:
            head = cls(int(number), bytes.fromhex(digest))
        except ValueError:
            head = cls(0, b"")
        if head.number < 1 or len(head.hash) != len(GENESIS):
            rule = "must be a number, a colon and 64 hexadecimal digits, as `audit verify` prints"
            raise InvalidInput(FieldProblem(("head",), rule))
        return head


@dataclass(frozen=True)
class AuditFilter:
    """Which entries are wanted; None, or an empty text, leaves a field open.

    ``subject`` is a part of it, in any case of letters; ``since`` is included, ``until`` is not.
    """

    actor: str = ""
    verb: str = ""
    subject: str = ""
    allowed: bool | None = None
    since: datetime | None = None
    until: datetime | None = None

    def fits(self, attempt: Attempt) -> bool:
        """Say whether an attempt is one of them."""
        return (
            self.actor in {"", attempt.actor}
            and self.verb in {"", attempt.verb}
            and self.subject.lower() in attempt.subject.lower()
            and self.allowed in {None, attempt.allowed}
            and (self.since is None or attempt.at >= self.since)
            and (self.until is None or attempt.at < self.until)
        )


def linked(attempt: Attempt, last: AuditEntry | None) -> AuditEntry:
    """Return the entry that follows ``last``, or the first one."""
    number = last.number + 1 if last else 1
    return AuditEntry(number, attempt, _digest(number, attempt, last.hash if last else GENESIS))


def exported(entry: AuditEntry) -> str:
    """Return an entry as one line of JSON, with all that its hash is of."""
    attempt = entry.attempt
    told = {
        "number": entry.number,
        "at": attempt.at.isoformat(),  # to the microsecond
        "actor": attempt.actor,
        "verb": attempt.verb,
        "subject": attempt.subject,
        "allowed": attempt.allowed,
        "detail": attempt.detail,
        "hash": entry.hash.hex(),
    }
    return _COMPACT(told)


def verify_chain(
    entries: Iterable[AuditEntry],
    *,
    after: AuditEntry | None = None,
    heads: Iterable[Head] = (),
) -> AuditEntry | None:
    """Return the last entry, once every one follows from the one before it.

    ``after`` is the entry before the first, where there is one; ``heads`` are what was noted of
    this log elsewhere. Raises ChainBroken at the first entry that is missing, changed, or not the
    one that was noted.
    """
    last, noted = after, {head.number: head for head in heads}
    for entry in entries:
        _require_next(entry, last)
        if entry.number in noted and noted[entry.number] != entry.head:
            raise ChainBroken(
                f"Audit entry {entry.number} is not the one that was noted: the log was written "
                "anew up to there."
            )
        last = entry
    return last


def require_told(anchor: AuditEntry, told: Iterable[AuditEntry]) -> None:
    """Raise ChainBroken where no entry tells that all before the first that is there were moved.

    Also where the first one is not as it was then. ``told`` are entries of the log that follows,
    which is verified beside this.
    """
    head = f"{anchor.head} "
    moved = (each.attempt.detail for each in told if each.attempt.verb == ARCHIVED)
    detail = next((each for each in moved if each.startswith(head)), None)
    if detail is None:
        raise ChainBroken(f"Audit entries 1 to {anchor.number - 1} are missing.")
    before = detail.removeprefix(head).partition(" ")[0]
    known = bytes.fromhex(before) if _DIGEST.fullmatch(before) else b""
    if _digest(anchor.number, anchor.attempt, known) != anchor.hash:
        raise _unlinked(anchor)


def told_moved(last: AuditEntry, before: AuditEntry | None, name: str) -> str:
    """Return how it is told that entries were moved to a file; ``before`` precedes their last.

    That is the head of the last, which stays, and what its hash is computed of beside itself.
    """
    return f"{last.head} {(before.hash if before else GENESIS).hex()} {name}"


def require_reached(last: AuditEntry | None, heads: Iterable[Head]) -> None:
    """Raise ChainBroken where a log ends before an entry that was noted elsewhere."""
    ends = last.number if last else 0
    newest = max((head.number for head in heads), default=0)
    if ends < newest:
        raise ChainBroken(f"Audit entries {ends + 1} to {newest} were cut off.")


def _require_next(entry: AuditEntry, last: AuditEntry | None) -> None:
    wanted = last.number + 1 if last else 1
    if entry.number != wanted:
        raise ChainBroken(f"Audit entries {wanted} to {entry.number - 1} are missing.")
    if entry != linked(entry.attempt, last):
        raise _unlinked(entry)


def _unlinked(entry: AuditEntry) -> ChainBroken:
    return ChainBroken(f"Audit entry {entry.number} does not follow from the one before it.")


def _digest(number: int, attempt: Attempt, before: bytes) -> bytes:
    told = [
        number,
        attempt.at.isoformat(),
        attempt.actor,
        attempt.verb,
        attempt.subject,
        attempt.allowed,
        attempt.detail,
    ]
    return hashlib.sha256(before + _IN_JSON(told).encode()).digest()
