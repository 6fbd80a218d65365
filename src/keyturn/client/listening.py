"""Hear of changes in a folder as they are committed, and begin anew whenever that ends.

Nobody may rely on hearing: whoever listens asks now and then all the same.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Final

from keyturn.client.api import KeyturnApi, Place
from keyturn.client.errors import ClientError
from keyturn.client.watching import Pause
from keyturn.wire.events import Conditions, EventName, Registered, Subscribe, Told

RETRY_S: Final = (1, 2, 5, 10, 30, 60)
"""Seconds until the next try after the first failure, the second, and so on; less by chance."""

EVENTS: Final[tuple[EventName, ...]] = (
    "secret:create",
    "secret:update",
    "secret:delete",
    "secret:import-mutation",
)

Heard = Callable[[frozenset[str] | None], None]
"""Is told the names of secrets that have changed, or None where any may have."""


async def listen(
    api: KeyturnApi,
    place: Place,
    heard: Heard,
    *,
    below: bool = False,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Listen for ever; with ``below``, to the folders below as well.

    Whenever it begins, any secret may have changed while nobody listened.
    """
    failures = 0
    while True:
        with suppress(ClientError):
            async with aclosing(api.subscribe(_subscription(place, below=below))) as events:
                begun = False
                async for told in events:
                    if not begun or told:
                        heard(_names(told) if begun and told else None)
                    begun, failures = True, 0
        after_s = RETRY_S[min(failures, len(RETRY_S) - 1)]
        failures += 1
        await sleep(after_s * random.SystemRandom().uniform(0.5, 1))


@asynccontextmanager
async def listening(
    api: KeyturnApi, place: Place, heard: Heard, *, below: bool = False
) -> AsyncIterator[None]:
    """Listen beside what happens in the block."""
    task = asyncio.create_task(listen(api, place, heard, below=below))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class Woken:
    """A pause that ends sooner where something was heard since the last one."""

    def __init__(self, pause: Pause) -> None:
        self._pause: Final = pause
        self._heard: Final = asyncio.Event()

    def wake(self, names: frozenset[str] | None) -> None:
        """End the pause, or the next one."""
        self._heard.set()

    async def __call__(self) -> None:
        """Wait."""
        waits = [asyncio.ensure_future(each) for each in (self._pause(), self._heard.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()
            await asyncio.wait(waits)
        self._heard.clear()


@asynccontextmanager
async def woken(
    api: KeyturnApi, place: Place, pause: Pause, *, below: bool = False
) -> AsyncIterator[Pause]:
    """Give a pause that ends sooner where a folder has changed."""
    sooner = Woken(pause)
    async with listening(api, place, sooner.wake, below=below):
        yield sooner


def _subscription(place: Place, *, below: bool) -> Subscribe:
    path = f"{place.path.rstrip('/')}/**" if below else place.path
    where = Conditions(environment_slug=place.environment, secret_path=path)
    registered = tuple(Registered(event=event, conditions=where) for event in EVENTS)
    return Subscribe(project_id=place.project, register=registered)


def _names(told: Told) -> frozenset[str] | None:
    payload = told.data.payload
    if not isinstance(payload, tuple):
        return None
    return frozenset(each.secret_key for each in payload)
