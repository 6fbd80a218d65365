"""Values that remember what they were, so that a lagging read can be answered from the past.

What is kept in a timeline lags by itself; nothing else needs to know that there are such reads.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from copy import copy
from datetime import datetime, timedelta
from typing import TypeVar

T = TypeVar("T")
H = TypeVar("H")


class Timeline(MutableMapping[str, T]):
    """Values by key in the order of their making, with what they were in the hour before."""

    KEPT = timedelta(hours=1)
    CHANGES_KEPT = 100_000

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        # None where a value was removed: its place is kept for as long as its past is.
        self._current: dict[str, T | None] = {}
        self._before: deque[tuple[datetime, str, T | None]] = deque()

    def __getitem__(self, key: str) -> T:
        """Return the value that is current; KeyError when there is none."""
        value = self._current[key]
        if value is None:
            raise KeyError(key)
        return value

    def __setitem__(self, key: str, value: T) -> None:
        """Make a value current."""
        self._put(key, value)

    def __delitem__(self, key: str) -> None:
        """Remove a value; KeyError when there is none."""
        if key not in self:
            raise KeyError(key)
        self._put(key, None)

    def __iter__(self) -> Iterator[str]:
        """Yield the keys of the current values."""
        return (key for key, value in self._current.items() if value is not None)

    def __len__(self) -> int:
        """Return how many values are current."""
        return sum(value is not None for value in self._current.values())

    def at(self, moment: datetime) -> "Timeline[T]":
        """Return what was current at a moment; it goes on as a history of its own."""
        past: Timeline[T] = Timeline(self._now)
        past._current = dict(self._current)
        for since, key, value in reversed(self._before):
            if since <= moment:
                break
            past._current[key] = value
        return past

    def changed_since(self, moment: datetime) -> bool:
        """Tell whether a value changed after a moment, as far back as is kept."""
        return bool(self._before) and self._before[-1][0] > moment

    def forget_past(self) -> None:
        """Let what is current now be what was there at any time before."""
        self._current = {key: value for key, value in self._current.items() if value is not None}
        self._before.clear()

    def remembers(self, key: str) -> bool:
        """Tell whether there is a value, or one that is still kept as past."""
        return key in self._current

    def _put(self, key: str, value: T | None) -> None:
        at = self._now()
        self._before.append((at, key, self._current.get(key)))
        self._current[key] = value
        while self._before[0][0] < at - self.KEPT or len(self._before) > self.CHANGES_KEPT:
            self._forget()

    def _forget(self) -> None:
        _, key, value = self._before.popleft()
        if value is not None and self._current.get(key, value) is None:
            del self._current[key]


def look_back(holder: H, moment: datetime) -> H:
    """Return a copy of a holder, only to be read, in which all timelines show an earlier moment.

    What is no timeline, nor holds one itself, is the same as in the holder.
    """
    past = copy(holder)
    for name, value in _attributes(holder).items():
        if isinstance(value, Timeline):
            setattr(past, name, value.at(moment))
        elif _holds_timelines(value):
            setattr(past, name, look_back(value, moment))
    return past


def forget_past(holder: object) -> None:
    """Let no timeline of a holder show anything earlier than now."""
    for value in _attributes(holder).values():
        if isinstance(value, Timeline):
            value.forget_past()
        elif _holds_timelines(value):
            forget_past(value)


def changed_since(holder: object, moment: datetime) -> bool:
    """Tell whether `look_back` would show anything else than there is now."""
    return any(
        value.changed_since(moment)
        if isinstance(value, Timeline)
        else _holds_timelines(value) and changed_since(value, moment)
        for value in _attributes(holder).values()
    )


def _holds_timelines(value: object) -> bool:
    return any(isinstance(held, Timeline) for held in _attributes(value).values())


def _attributes(holder: object) -> Mapping[str, object]:
    return getattr(holder, "__dict__", {})
