"""Carry due turns to whichever worker has room, by Procrastinate's queue in PostgreSQL.

The turn's own row stays the truth. A ticker gives each due row a new epoch and puts its id and that
epoch into the queue; whoever takes the job claims the row by both before anything else, so that a
job which comes twice, late or for somebody else's turn does nothing. The queue can be thrown away
at any time: its rows come due again.
"""

from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, Self

from procrastinate import App, PsycopgConnector, RetryStrategy
from procrastinate.exceptions import ConnectorException
from procrastinate.tasks import Task
from procrastinate.types import JSONDict
from procrastinate.worker import Worker

from keyturn.adapters.runner.schema import conninfo, create_queue, in_our_words, settle
from keyturn.adapters.runner.ticking import Ticking
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Turn
from keyturn.services.duties import Doing
from keyturn.services.ports import World

QUEUE: Final = "turns"
BATCH: Final = 200
"""How many due rows go into the queue at a tick."""

QUEUED_LEASES: Final = 3
"""How many leases a row waits in the queue until it comes due again: its job may be lost."""

RESTART_S: Final = 2.0
PATIENCE_S: Final = 5.0
CONNECTIONS: Final = 4


class QueuedRunner(Ticking):
    """Move due turns into the queue, and advance those that come out of it (`port.Runner`).

    ``url`` names the database that the world's store is in.
    """

    def __init__(self, world: World, url: Sensitive, *, tick_s: float, concurrency: int) -> None:
        super().__init__(world, tick_s=tick_s, concurrency=concurrency)
        self._url = url
        self._app, self._job = self._new_app()
        self._worker: Worker | None = None

    async def __aenter__(self) -> Self:
        self._repeat(self._serve, Doing.QUEUE, RESTART_S)
        self._repeat(self._hand_on, Doing.HANDING_ON, self._stalled_s / 3)
        return await super().__aenter__()

    async def __aexit__(self, *error: object) -> None:
        self._stopping.set()
        self._stop_worker()
        await super().__aexit__(*error)

    def _stop_worker(self) -> None:
        if self._worker:
            self._worker.stop()  # type: ignore[no-untyped-call]  # Procrastinate forgot

    async def _look(self) -> None:
        """Look as every runner does; the queue is served only while something may be done."""
        served = self._firm.is_set()
        await super()._look()
        if served and self._world.vitals.footing and not self._stopping.is_set():
            self._stop_worker()

    async def _take_due(self) -> None:
        """Move due rows into the queue.

        The jobs are there before the transaction ends: whoever takes one waits for its end, and
        finds the new epoch, or nothing where the transaction failed.
        """
        now, lease = self._world.clock.now(), self._world.limits.lease * QUEUED_LEASES
        async with self._world.store.writing() as tx:
            turns = await tx.claim_due(now, owner=None, lease=lease, limit=BATCH)
            if turns:
                jobs: list[JSONDict] = [{"turn_id": t.id, "epoch": t.epoch} for t in turns]
                with in_our_words():
                    await self._job.batch_defer_async(*jobs)

    async def _take(self, turn_id: str, epoch: int) -> None:
        """Claim the turn of a job and advance it; leave it where it is not this job's any more."""
        since_s, now = self._world.clock.uptime_s(), self._world.clock.now()
        async with self._world.store.writing() as tx:
            turn = await tx.find(Turn, id=turn_id, epoch=epoch, owner=None)
            if turn is None or turn.wake_at is None:
                return
            turn = replace(turn, owner=self._owner, wake_at=now + self._world.limits.lease)
            await tx.replace(turn)
        await self._advance(turn, since_s)

    async def _serve(self) -> None:
        """Serve the queue until the runner stops or may not work, or its database goes away."""
        with in_our_words():
            await self._serve_until_away()

    async def _serve_until_away(self) -> None:
        await create_queue(self._url)
        await self._firm.wait()
        self._app, self._job = self._new_app()
        async with self._app.open_async():
            self._worker = Worker(
                self._app,
                [QUEUE],
                name=self._owner,
                concurrency=self._concurrency,
                delete_jobs="always",
                install_signal_handlers=False,
                update_heartbeat_interval=self._stalled_s / 3,
                stalled_worker_timeout=self._stalled_s,
            )
            try:
                if self._firm.is_set() and not self._stopping.is_set():
                    await self._worker.run()  # type: ignore[no-untyped-call]  # as above
            finally:
                self._worker = None

    @property
    def _stalled_s(self) -> float:
        """How long a worker may be silent until its jobs are given to others: half a lease."""
        return self._world.limits.lease.total_seconds() / 2

    async def _hand_on(self) -> None:
        """Put jobs of workers that fell silent back into the queue; another may have done so."""
        if self._worker is None:
            return
        jobs = self._app.job_manager
        with in_our_words():
            stalled = await jobs.get_stalled_jobs(seconds_since_heartbeat=self._stalled_s)
        for job in stalled:
            with suppress(ConnectorException):
                await jobs.retry_job(job, retry_at=datetime.now(UTC))

    def _new_app(self) -> tuple[App, Task[[str, int], Coroutine[object, object, None], [str, int]]]:
        connector = PsycopgConnector(
            conninfo=conninfo(self._url),
            min_size=1,
            max_size=CONNECTIONS,
            timeout=PATIENCE_S,
            configure=settle,
        )
        app = App(connector=connector)
        retry = RetryStrategy(max_attempts=10, wait=2)
        return app, app.task(name="advance", queue=QUEUE, retry=retry)(self._take)
