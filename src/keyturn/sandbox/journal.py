"""What was asked of the org, in the order of its effects; never a clear value, never a query."""

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import datetime

from keyturn.sandbox.http import Json

CONSOLE = "/console"


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
    """Numbers and keeps entries."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._counts: Counter[str] = Counter()

    def record(self, entry: Entry) -> None:
        """Append one entry."""
        self._entries.append(entry)
        self._counts[_subject(entry.route)] += 1
        self._counts["refused"] += entry.status is not None and 400 <= entry.status < 500
        self._counts["failed"] += entry.status is not None and entry.status >= 500
        self._counts["dropped"] += entry.status is None

    def list(self, after: int = 0) -> list[dict[str, Json]]:
        """Return the entries numbered above `after`, oldest first."""
        return [_render(after + 1 + i, entry) for i, entry in enumerate(self._entries[after:])]

    @property
    def last(self) -> int:
        """Return the number of the newest entry, 0 when there is none."""
        return len(self._entries)

    def count(self) -> dict[str, int]:
        """Return how many requests there were by subject, and how many went wrong."""
        subjects = ("management", "token", "introspect", "authorize", "revoke", "console", "other")
        names = (*subjects, "refused", "failed", "dropped")
        return {name: self._counts[name] for name in names} | {"all": self.last}


def _subject(route: str) -> str:
    if route.startswith("/api/v1/"):
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
