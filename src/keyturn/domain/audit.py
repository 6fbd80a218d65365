"""The audit log as a chain.

Decides what one entry looks like and how it is tied to the one before it, so that a changed or a
missing entry shows. It cannot show that the last entries were cut off, nor that everything after
some entry was written anew by somebody who knows how: for that the newest hash has to be kept
elsewhere. Knows nothing of where the entries are kept.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from keyturn.domain.errors import OursError

GENESIS = bytes(32)


class ChainBroken(OursError):
    """The audit log was changed after it was written."""


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


def linked(attempt: Attempt, last: AuditEntry | None) -> AuditEntry:
    """Return the entry that follows ``last``, or the first one."""
    number = last.number + 1 if last else 1
    return AuditEntry(number, attempt, _digest(number, attempt, last.hash if last else GENESIS))


def verify_chain(entries: Iterable[AuditEntry]) -> None:
    """Raise ChainBroken at the first entry that does not follow from the ones before it."""
    last: AuditEntry | None = None
    for entry in entries:
        if entry != linked(entry.attempt, last):
            raise ChainBroken(f"Audit entry {entry.number} does not follow from the one before it.")
        last = entry


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
    return hashlib.sha256(before + json.dumps(told, ensure_ascii=False).encode()).digest()
