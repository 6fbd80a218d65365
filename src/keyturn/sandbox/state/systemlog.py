"""The org's System Log: what happened, in the order of its happening.

Decides what an entry holds. Which events exist is their writers' business; how they are shown,
filtered and paged is that of `routes.logs`.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from keyturn.sandbox.http import Json


@dataclass(frozen=True, slots=True)
class Party:
    """Who did something, or what it was done to."""

    id: str
    type: str
    name: str = ""
    alternate_id: str = ""
    detail: Mapping[str, Json] = field(default_factory=dict)


NOBODY = Party("unknown", "PublicClientApp", "unknown", "unknown")
CONSOLE = Party("00u" + "0" * 17, "User", "Somebody Else", "somebody.else@example.com")


@dataclass(frozen=True, slots=True)
class Origin:
    """The request in which something happened; `api_token` names the SSWS token it came with."""

    request_id: str
    path: str
    ip: str
    user_agent: str
    client_id: str | None = None
    api_token: str | None = None


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One entry; ``debug`` is Okta's ``debugContext.debugData``, which Okta calls unstable."""

    number: int
    uuid: str
    at: datetime
    type: str
    actor: Party
    targets: tuple[Party, ...] = ()
    result: str = "SUCCESS"
    reason: str | None = None
    message: str = ""
    debug: Mapping[str, Json] = field(default_factory=dict)
    origin: Origin | None = None


class SystemLog:
    """Keeps the latest events, numbered from 1 in the order of their arrival.

    `listener` hears of each event once it is written.
    """

    KEPT = 100_000

    def __init__(self) -> None:
        self._events: deque[LogEvent] = deque(maxlen=self.KEPT)
        self._number = 0
        self.listener: Callable[[LogEvent], None] | None = None

    @property
    def last(self) -> int:
        """Return the number of the latest event, 0 before the first."""
        return self._number

    def write(self, uuid: str, at: datetime, kind: str, actor: Party, **more: object) -> LogEvent:
        """Append an event and return it; ``more`` are further fields of `LogEvent`."""
        self._number += 1
        event = LogEvent(self._number, uuid, at, kind, actor, **more)  # type: ignore[arg-type]
        self._events.append(event)
        if self.listener is not None:
            self.listener(event)
        return event

    def events(self, after: int = 0) -> Iterator[LogEvent]:
        """Yield the events numbered above ``after``, oldest first."""
        start = max(0, after - (self._number - len(self._events)))
        return islice(self._events, start, None)
