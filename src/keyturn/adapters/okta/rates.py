"""What Okta's rate limit headers say, and what follows for the next call.

Decides which calls share a bucket and how long a full one stays full. Makes no call.
Times are differences between Okta's own clock and Okta's own reset, so our clock may be wrong.
"""

from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

from keyturn.services.ports import Clock

DEFAULT_WAIT_S = 60.0
LONGEST_WAIT_S = 600.0

Key = tuple[str, str, str]


def bucket(path: str) -> str:
    """Name the bucket that a path counts against.

    All of ``/api/v1/apps`` shares one, except the app itself (recorded sequences of an org).
    """
    parts = path.partition("?")[0].strip("/").split("/")
    itself = parts[:3] == ["api", "v1", "apps"] and len(parts) == 4
    return "/".join(parts[:3]) + ("/{id}" if itself else "")


def find_wait_s(headers: Mapping[str, str]) -> float | None:
    """Find how long Okta's window still lasts; None where the headers make no sense.

    Breaking the limit of concurrent calls gives a limit of 0 and a reset that is only a guess.
    """
    try:
        limit = int(headers["x-rate-limit-limit"])
        reset = int(headers["x-rate-limit-reset"])
        date = parsedate_to_datetime(headers["date"])
    except (KeyError, ValueError):
        return None
    wait_s = reset - date.replace(tzinfo=date.tzinfo or UTC).timestamp() + 1
    return wait_s if limit > 0 and 1 <= wait_s <= LONGEST_WAIT_S else None


class FullWindows:
    """Remember which buckets of which principals are used up, and until when."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until_s: dict[Key, float] = {}

    def wait_s(self, key: Key) -> float:
        """Return how long the bucket (org, principal, name) stays full; 0 if it is not."""
        return max(0.0, self._until_s.get(key, 0.0) - self._clock.uptime_s())

    def learn(self, key: Key, headers: Mapping[str, str]) -> None:
        """Read the headers of an answer."""
        wait_s = find_wait_s(headers)
        if wait_s is None or headers.get("x-rate-limit-remaining") != "0":
            return
        now_s = self._clock.uptime_s()
        self._until_s = {k: until for k, until in self._until_s.items() if until > now_s}
        self._until_s[key] = now_s + wait_s
