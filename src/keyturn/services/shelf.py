"""Flows that were read from their texts: what this process keeps of them, and how much.

A text never changes, so that what it says is read once for as long as it is kept.
"""

from collections import OrderedDict
from threading import Lock
from typing import Final

from keyturn.domain.flows.definition import Flow
from keyturn.domain.flows.reading import FlowRefused, read_flow

CHARS_MAX: Final = 4 * 1024 * 1024
"""How long the texts are together whose flows are kept; a flow takes some ten times its text."""


class Shelf:
    """Keep flows by their texts, and of too many those that were asked for last."""

    def __init__(self, most: int = CHARS_MAX) -> None:
        self._most: Final = most
        self._kept: Final[OrderedDict[str, Flow | FlowRefused]] = OrderedDict()
        self._chars = 0
        self._lock: Final = Lock()

    def has(self, source: str) -> bool:
        """Say whether what a text says is known."""
        return source in self._kept

    def read(self, source: str) -> Flow:
        """Return the flow of a text. Raises FlowRefused."""
        with self._lock:
            found = self._kept.get(source)
            if found is not None:
                self._kept.move_to_end(source)
        if found is None:
            found = _read(source)
            self.keep(source, found)
        if isinstance(found, FlowRefused):
            raise FlowRefused(found.problems)
        return found

    def keep(self, source: str, flow: Flow | FlowRefused) -> None:
        """Keep what a text says."""
        with self._lock:
            if source not in self._kept:
                self._chars += len(source)
            self._kept[source] = flow
            while self._chars > self._most:
                gone, _ = self._kept.popitem(last=False)
                self._chars -= len(gone)


def _read(source: str) -> Flow | FlowRefused:
    try:
        return read_flow(source)
    except FlowRefused as refusal:
        return refusal
