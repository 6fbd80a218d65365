"""Wait for a folder to give something new, by asking now and then whether it does."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Self

from keyturn.client.errors import ClientError, Unreachable
from keyturn.client.folder import Folder

Pause = Callable[[], Awaitable[None]]
Ask = Callable[[str], Awaitable[Folder | None]]
"""Asks for a folder, given the tag of the copy that is held; None where that is still good."""

JITTER = 0.1
"""The share by which pauses differ, so that many watchers do not ask at the same moment."""


def pauses(interval_s: float, chance: Callable[[], float]) -> Pause:
    """Return a wait of about an interval; ``chance`` gives numbers from 0 to 1."""

    async def pause() -> None:
        await asyncio.sleep(interval_s * (1 - JITTER + 2 * JITTER * chance()))

    return pause


class FolderWatch:
    """One folder, and the copy of it that is ``held``.

    ``pause`` waits between two questions. ``warn`` is told once when Keyturn stops giving answers,
    and once when it does again; meanwhile what is held stays.
    """

    def __init__(
        self, ask: Ask, held: Folder, *, pause: Pause, warn: Callable[[str], None]
    ) -> None:
        self.held = held
        self._ask, self._pause, self._warn = ask, pause, warn
        self._away = False

    @classmethod
    async def begin(cls, ask: Ask, *, pause: Pause, warn: Callable[[str], None]) -> Self:
        """Read the folder a first time. Raises ClientError."""
        held = await ask("")
        if held is None:
            raise Unreachable("Keyturn left out a folder of which no copy was held.")
        return cls(ask, held, pause=pause, warn=warn)

    async def next(self) -> Folder:
        """Return what the folder gives once a name or a value in it has changed."""
        while True:
            await self._pause()
            found = await self._look()
            if found is None:
                continue
            before, self.held = self.held, found
            if found.values != before.values:
                return found

    async def _look(self) -> Folder | None:
        try:
            found = await self._ask(self.held.tag)
        except ClientError as error:
            if not self._away:
                self._warn(f"{error} What was read before stays in force.")
            self._away = True
            return None
        if self._away:
            self._warn("Keyturn answers again.")
        self._away = False
        return found
