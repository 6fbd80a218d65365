"""What was asked of the org, in the order of its effects; never a clear value, never a query."""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice

from keyturn.sandbox.http import Json

CONSOLE = "/console"
MANAGEMENT = ("/api/v1/", "/integrations/api/v1/", "/oauth2/v1/clients/")


@dataclass(frozen=True, slots=True)
class Entry:
    """One request.

    `status` is None when its answer was dropped; `outcome` is what happened inside: `ok`, an
    error code, or `none` when a fault kept the effect from happening.
    """

    at: datetime
    method: str
    route: str
    path: str
    status: int | None
    principal: str
    client_id: str | None
    secret_id: str | None
    outcome: str
    fault: str | None
    secret_hash: str | None = None


class Journal:
    """Numbers entries from 1 and keeps the latest."""

    KEPT = 100_000

    def __init__(self, kept: int = KEPT) -> None:
        self._entries: deque[Entry] = deque(maxlen=kept)
        self._counts: Counter[str] = Counter()
        self._number = 0

    def record(self, entry: Entry) -> None:
        """Append one entry."""
        self._entries.append(entry)
        self._number += 1
        self._counts[_subject(entry.route)] += 1
        if entry.status is None:
            self._counts["dropped"] += 1
        elif entry.status >= 400:
            self._counts["refused" if entry.status < 500 else "failed"] += 1

    def list(self, after: int = 0) -> list[dict[str, Json]]:
        """Return the entries numbered above `after` that are still kept, oldest first."""
        forgotten = self._number - len(self._entries)
        first = max(after - forgotten, 0)
        kept = islice(self._entries, first, None)
        return [_render(number, entry) for number, entry in enumerate(kept, forgotten + first + 1)]

    def entries(self) -> Iterator[Entry]:
        """Yield the entries that are kept, oldest first."""
        return iter(self._entries)

    @property
    def last(self) -> int:
        """Return the number of the newest entry, 0 when there is none."""
        return self._number

    def count(self) -> dict[str, int]:
        """Return how many requests there were by subject, and how many went wrong."""
        subjects = ("management", "token", "introspect", "authorize", "revoke", "console", "other")
        names = (*subjects, "refused", "failed", "dropped")
        return {name: self._counts[name] for name in names} | {"all": self.last}


def _subject(route: str) -> str:
    if route.startswith(MANAGEMENT):
        return "management"
    if route.startswith(CONSOLE):
        return "console"
    name = route.rpartition("/")[2]
    return name if name in ("token", "introspect", "authorize", "revoke") else "other"


def _render(seq: int, entry: Entry) -> dict[str, Json]:
    members: dict[str, Json] = {"seq": seq, **asdict(entry), "at": entry.at.isoformat()}
    if entry.secret_hash is None:
        del members["secret_hash"]
    return members
