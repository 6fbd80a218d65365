"""Long lists, a page at a time: where one begins, and where the next ones are."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from keyturn.web.visiting import Visit


@dataclass(frozen=True)
class Slice:
    """Some of the ``total`` of a list at an address; ``query`` says what else is wanted of it."""

    start: int
    each: int
    total: int
    path: str
    query: Mapping[str, str]

    @property
    def last(self) -> int:
        """Return the number of the last one that is shown, counted from 1."""
        return min(self.start + self.each, self.total)

    @property
    def before(self) -> str:
        """Return where those before are found; empty where there are none."""
        return self._at(max(0, self.start - self.each)) if self.start else ""

    @property
    def after(self) -> str:
        """Return where those after are found; empty where there are none."""
        return self._at(self.start + self.each) if self.last < self.total else ""

    def _at(self, start: int) -> str:
        told = {**self.query, **({"start": str(start)} if start else {})}
        query = urlencode({name: value for name, value in told.items() if value})
        return f"{self.path}?{query}" if query else self.path


def start_of(text: str) -> int:
    """Return where a page begins, as an address says it; what is no number begins at the first."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0


def start_in(visit: Visit) -> int:
    """Return where the page that is asked for begins."""
    return start_of(visit.query.get("start", ""))
