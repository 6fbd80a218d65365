"""What Okta's rate limit headers say.

Decides which calls share a bucket, and when headers make no sense. How long a window lasts is a
difference between Okta's own clock and Okta's own reset, so our clock may be wrong.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

DEFAULT_WAIT_S = 60.0
LONGEST_WAIT_S = 600.0


def bucket_name(path: str) -> str:
    """Name the bucket that a path counts against.

    All of ``/api/v1/apps`` shares one, except the app itself (recorded sequences of an org).
    """
    parts = path.partition("?")[0].strip("/").split("/")
    itself = parts[:3] == ["api", "v1", "apps"] and len(parts) == 4
    return "/".join(parts[:3]) + ("/{id}" if itself else "")


@dataclass(frozen=True)
class Told:
    """What the headers of one answer say.

    ``limit`` and ``remaining`` are the principal's share or the org's, whichever is lower;
    ``reset`` and ``date`` are seconds since 1970 by Okta's clock.
    """

    limit: int
    remaining: int
    reset: int
    date: float

    @property
    def wait_s(self) -> float:
        """How long the window lasts from the answer on; a second more than Okta says."""
        return self.reset - self.date + 1


def read_rates(headers: Mapping[str, str]) -> Told | None:
    """Read the rate headers; None where they are missing or make no sense.

    Breaking the limit of concurrent calls gives a limit of 0 and a reset that is only a guess.
    """
    try:
        limit = int(headers["x-rate-limit-limit"])
        remaining = int(headers["x-rate-limit-remaining"])
        reset = int(headers["x-rate-limit-reset"])
    except (KeyError, ValueError):
        return None
    date = read_date(headers)
    if date is None:
        return None
    told = Told(limit, remaining, reset, date.timestamp())
    return told if limit > 0 and 1 <= told.wait_s <= LONGEST_WAIT_S else None


def read_date(headers: Mapping[str, str]) -> datetime | None:
    """Read when Okta answered, by its own clock; None where the header makes no sense."""
    try:
        return _parsed_date(headers["date"])
    except (KeyError, ValueError, OverflowError):
        return None


@lru_cache(maxsize=64)  # of each answer it is asked for more than once
def _parsed_date(text: str) -> datetime:
    date = parsedate_to_datetime(text)
    return date.replace(tzinfo=date.tzinfo or UTC)
