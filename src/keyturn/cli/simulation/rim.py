"""The rim around one process: its way to the store and its way to Okta.

Decides how a fault looks from inside: the error that the real store or network gives. When one
strikes is decided by `fates`.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from email.utils import parsedate_to_datetime
from enum import Enum
from functools import partial
from typing import Any, Protocol

import httpx2

from keyturn.cli.simulation.access import named_key
from keyturn.cli.simulation.calls import SENT, Sent
from keyturn.cli.simulation.judge import Judge
from keyturn.cli.simulation.processes import WORK, Died, Process, Work
from keyturn.domain.audit import Attempt
from keyturn.domain.errors import OursError
from keyturn.services.flights import Flights
from keyturn.services.ports import Reading, Recorded, RunWrite, Writing
from keyturn.testing.memory import MemoryStore, put_run


class Strike(Enum):
    """What befalls a transaction or a call."""

    DIE_BEFORE = "died before it"
    DIE_AFTER = "died after it"
    FAIL = "failed before it"
    LOSE = "the answer to it was lost"
    LATE = "arrived late"
    FREEZE = "stood still for two minutes"


class Fates(Protocol):
    """Decide what befalls whom, and when."""

    def where_it_waits(self, process: Process, work: Work, coroutine: object) -> None:
        """Let the process die or freeze, or do nothing."""
        ...

    def at_a_commit(self, process: Process, work: Work | None) -> Strike | None:
        """Say what befalls a transaction that is about to become durable."""
        ...

    def at_a_call(self, process: Process, sent: Sent) -> Strike | None:
        """Say what befalls a call that is about to leave for Okta."""
        ...

    def dies_now(self, process: Process) -> None:
        """Let a process die whose end was decided before."""
        ...

    def store_pause_s(self) -> float:
        """Return how long the store takes."""
        ...

    def network_pause_s(self) -> float:
        """Return how long the network takes, one way."""
        ...

    def refuse_store(self, process: Process) -> str:
        """Tell why the store cannot be reached now, or nothing."""
        ...


class RimStore:
    """The one store, as one process reaches it."""

    def __init__(self, store: MemoryStore, process: Process, fates: Fates, judge: Judge) -> None:
        self._store = store
        self._process = process
        self._fates = fates
        self._judge = judge

    def reading(self) -> AbstractAsyncContextManager[Reading]:
        """Open a snapshot."""
        return _RimReading(self)

    def writing(self) -> AbstractAsyncContextManager[Writing]:
        """Open a transaction that writes."""
        return _RimWriting(self, self._process, self._fates, self._judge)

    async def append_audit(self, attempt: Attempt) -> Recorded:
        """Append one audit entry."""
        async with self.writing() as tx:
            return Recorded(await tx.append_audit(attempt), await tx.revision())

    async def write_run(self, write: RunWrite) -> None:
        """Write down what is new of a run."""
        async with self.writing() as tx:
            await put_run(tx, write)

    async def revision(self) -> int:
        """Return the revision of what is served."""
        await self.reach()
        return await self._store.revision()

    async def reach(self) -> MemoryStore:
        """Return the store, once it is reached. Raises OursError where it cannot be."""
        await asyncio.sleep(self._fates.store_pause_s())
        if self._process.frozen_until_s:
            await self._process.thaw()
        self._process.require_alive()
        if why := self._fates.refuse_store(self._process):
            self._judge.hear_harm(self._process.name)
            raise OursError(f"The database failed ({why}): look at its disk and its free space.")
        return self._store


class _RimReading:
    """A snapshot, once the store is reached; a class, because most of what is done is to read."""

    def __init__(self, rim: RimStore) -> None:
        self._rim = rim

    async def __aenter__(self) -> Reading:
        return await (await self._rim.reach()).reading().__aenter__()

    async def __aexit__(self, *_: object) -> None:
        """Leave the snapshot to itself: nothing has to be given back."""


class _RimWriting:
    """A transaction, once the store is reached, and what befalls it when it is to be durable."""

    def __init__(self, rim: RimStore, process: Process, fates: Fates, judge: Judge) -> None:
        self._rim = rim
        self._process = process
        self._fates = fates
        self._judge = judge

    async def __aenter__(self) -> Writing:
        self._began_s = self._judge.ledger.now_s()
        self._store = await self._rim.reach()
        self._work = WORK.get()
        self._inner = self._store.writing()
        tx = await self._inner.__aenter__()
        self._before = self._store.backup()
        return tx

    async def __aexit__(self, _: object, error: BaseException | None, __: object) -> None:
        if error:
            await self._inner.__aexit__(type(error), error, None)
            return
        strike = self._fates.at_a_commit(self._process, self._work)
        failure = self._failure_before(strike)
        await self._inner.__aexit__(type(failure) if failure else None, failure, None)
        if failure:
            raise failure
        self._judge.hear_commit(self._work, self._began_s, self._before, self._store.backup())
        if self._process.frozen_until_s:
            await self._process.thaw()  # what stands still hears of its commit when it goes on
        if strike is Strike.DIE_AFTER:
            raise Died
        if strike is Strike.LOSE:
            raise OursError("The database failed (connection is closed): look at its disk.")

    def _failure_before(self, strike: Strike | None) -> BaseException | None:
        """Return what keeps a transaction from becoming durable."""
        if strike is Strike.DIE_BEFORE:
            return Died()
        if strike is Strike.FAIL:
            self._judge.hear_harm(self._process.name)
            return OursError("The database failed (database or disk is full): look at its disk.")
        return None


class RimFlights(Flights):
    """What one process has under way: it dies and stands still with it."""

    def __init__(self, process: Process) -> None:
        super().__init__()
        self._process = process

    async def share(self, about: str, begin: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Wait for what is under way about this, or begin it."""
        work = WORK.get() or self._process.begin(about)
        await super().share(about, lambda: self._process.go_on(work, begin()))


class RimTransport(httpx2.AsyncBaseTransport):
    """The way of one process to the org; ``by_client`` where it asks there as apps' clients."""

    def __init__(
        self,
        inner: httpx2.AsyncBaseTransport,
        process: Process,
        fates: Fates,
        judge: Judge,
        *,
        by_client: bool = False,
    ) -> None:
        self._inner = inner
        self._process = process
        self._fates = fates
        self._judge = judge
        self._by_client = by_client

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Carry a call there and its answer back; it arrives whether or not anybody waits for it.

        What is cancelled before anything was sent is never sent.
        """
        await self._rest()
        now_s = self._judge.ledger.now_s()
        path, by_client = request.url.path, self._by_client
        key = "" if by_client else named_key(path, request.content)
        sent = Sent(request.method, path, WORK.get(), now_s, by_client, key)
        strike = self._fates.at_a_call(self._process, sent)
        if strike is Strike.DIE_BEFORE:
            raise Died
        self._judge.hear_sending(sent)
        self._judge.search(iter((str(request.url),)))
        delay_s = 20.0 if strike is Strike.LATE else self._fates.network_pause_s()
        token = SENT.set(sent)
        effect = asyncio.create_task(self._carry(request, delay_s))
        SENT.reset(token)
        arrived = asyncio.get_running_loop().create_future()
        effect.add_done_callback(partial(_arrive, arrived))
        await arrived
        if strike is Strike.DIE_AFTER:
            self._fates.dies_now(self._process)
            raise Died
        response = effect.result()
        if strike is Strike.LOSE:
            raise httpx2.ReadError("the connection was reset")
        await self._rest()
        told = "x-rate-limit-remaining" in response.headers
        self._judge.hear_answer(sent, response.status_code, _window_s(response), told=told)
        return response

    async def _rest(self) -> None:
        await asyncio.sleep(self._fates.network_pause_s())
        if self._process.frozen_until_s:
            await self._process.thaw()
        self._process.require_alive()

    async def _carry(self, request: httpx2.Request, delay_s: float) -> httpx2.Response:
        await asyncio.sleep(delay_s)
        return await self._inner.handle_async_request(request)


def _arrive(arrived: "asyncio.Future[None]", effect: "asyncio.Task[httpx2.Response]") -> None:
    """Wake who waits for an effect, and look at the outcome: there may be nobody any more."""
    if not arrived.done():
        arrived.set_result(None)
    if not effect.cancelled():
        effect.exception()


def _window_s(response: httpx2.Response) -> float | None:
    """Return how long a window that is used up lasts by the answer's own clock, or None."""
    if response.status_code != 429:
        return None
    try:
        reset = int(response.headers["x-rate-limit-reset"])
        date = parsedate_to_datetime(response.headers["date"])
    except (KeyError, ValueError):
        return None
    return max(0.0, reset - date.timestamp())
