"""Hear of what happens as it is committed, and begin anew whenever that ends.

Nobody may rely on hearing of secrets: whoever listens asks now and then all the same. Of runs, what
was missed is told afterwards.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Final

from keyturn.client.api import KeyturnApi, Place
from keyturn.client.errors import ApiError, ClientError
from keyturn.client.watching import Pause
from keyturn.wire.events import Conditions, EventName, Registered, Subscribe, Told
from keyturn.wire.flows import RunTold

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
        await sleep(_after_s(failures))
        failures += 1


async def follow_runs(
    api: KeyturnApi,
    query: Mapping[str, str | Sequence[str]],
    tell: Callable[[RunTold], None],
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Tell what comes of runs from now on, for ever; a break loses nothing.

    Raises ApiError where Keyturn says that the caller may not, or not so, and any ClientError
    before it has told anything.
    """
    last, failures = "", 0
    while True:
        try:
            async with aclosing(api.follow_runs(query, last)) as events:
                async for at, told in events:
                    last, failures = at, 0
                    if told:
                        tell(told)
        except ClientError as error:
            if not last or _is_final(error):
                raise
        await sleep(_after_s(failures))
        failures += 1


def _is_final(error: ClientError) -> bool:
    return isinstance(error, ApiError) and error.status < 500 and error.status != 429


def _after_s(failures: int) -> float:
    return RETRY_S[min(failures, len(RETRY_S) - 1)] * random.SystemRandom().uniform(0.5, 1)


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
