"""An agent from its start to its end: every job side by side, a new config when asked.

A config that does not fit ends a start, and changes nothing later.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

import httpx2

from keyturn.client.agent.config import Config, Kept
from keyturn.client.agent.keeping import Keeper, Surroundings
from keyturn.client.agent.memory import Memory, SealedFile, open_file
from keyturn.client.agent.plan import Job, credentials_of, plan_jobs
from keyturn.client.agent.writing import Target
from keyturn.client.api import KeyturnApi
from keyturn.client.errors import ClientError
from keyturn.client.listening import woken
from keyturn.client.watching import Pause, pauses

Tell = Callable[[str], None]


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Host:
    """What is outside of an agent: the environment, time, and the way to Keyturn.

    ``pause`` stands in the place of the config's interval, and of listening for changes; variables
    that are ``hidden`` are no business of hooks.
    """

    environ: Mapping[str, str]
    tell: Tell
    now: Callable[[], datetime] = _now
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    pause: Pause | None = None
    transport: httpx2.AsyncBaseTransport | None = None
    hidden: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Asked:
    """What the process is asked from outside."""

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    reload: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True)
class Due:
    """What would be done for a job: each file, whether it would be written, and the hook."""

    job: Job
    files: Sequence[tuple[Target, bool]]


class Agent:
    """A config on a host. Raises BadConfig, BadTemplate, BadKey where they do not fit."""

    def __init__(self, config: Config, host: Host) -> None:
        self._config, self._host = config, host
        self._jobs = plan_jobs(config)
        self._file: SealedFile | None = None

    def open(self) -> None:
        """Make sure of the cache's key, which is made where there is none. Raises BadKey."""
        if self._config.cache:
            self._file = open_file(self._config.cache, self._host.environ)

    async def run(self) -> None:
        """Keep the files of every job for ever."""
        async with self._api() as api, asyncio.TaskGroup() as group:
            memory = self._memory()
            for job in self._jobs:
                group.create_task(self._keep(api, job, memory))

    async def run_once(self) -> bool:
        """Bring the files of every job up to date; say whether all was done."""
        async with self._api() as api:
            around = self._around(api, self._memory())
            return all([await Keeper(job, around).keep_once() for job in self._jobs])

    async def list_due(self) -> Sequence[Due]:
        """List what would be done now; nothing is changed. Raises ClientError, OSError."""
        async with self._api() as api:
            memory = Memory(None, self._host.tell)
            return [
                Due(job, await Keeper(job, self._around(api, memory)).list_due())
                for job in self._jobs
            ]

    async def _keep(self, api: KeyturnApi, job: Job, memory: Memory) -> None:
        around = self._around(api, memory)
        if self._host.pause:
            await Keeper(job, around).keep()
            return
        async with woken(api, job.place, around.pause, below=job.recursive) as sooner:
            await Keeper(job, replace(around, pause=sooner)).keep()

    def _memory(self) -> Memory:
        memory = Memory(self._file, self._host.tell)
        memory.load()
        memory.forget_others(frozenset(job.key for job in self._jobs))
        return memory

    def _api(self) -> KeyturnApi:
        config, host = self._config, self._host
        source = credentials_of(config, host.environ)
        return KeyturnApi(config.server, source, ca_file=config.ca_file, transport=host.transport)

    def _around(self, api: KeyturnApi, memory: Memory) -> Surroundings:
        config, host = self._config, self._host
        own = _variables(config)
        environment = {
            name: text
            for name, text in host.environ.items()
            if name not in own and name.upper() not in host.hidden
        }
        return Surroundings(
            api=api,
            memory=memory,
            tell=host.tell,
            pause=host.pause or pauses(config.interval, random.SystemRandom().random),
            sleep=host.sleep,
            now=host.now,
            environment=environment,
            max_age=timedelta(seconds=config.cache.max_age if config.cache else 0),
        )


async def serve(read: Callable[[], Config], host: Host, asked: Asked) -> None:
    """Run an agent until it is asked to stop. Raises ClientError where the first config is unfit.

    Asked to, the config is read again; one that does not fit is told, and the old one stays.
    """
    agent: Agent | None = _opened(read(), host)
    while agent:
        running = asyncio.ensure_future(agent.run())
        try:
            agent = await _next_agent(read, host, asked, running)
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


async def _next_agent(
    read: Callable[[], Config], host: Host, asked: Asked, running: "asyncio.Future[None]"
) -> Agent | None:
    """Return the agent of a new config, once there is one that fits; None where it is the end."""
    while True:
        waits = [asyncio.ensure_future(each.wait()) for each in (asked.stop, asked.reload)]
        every: list[asyncio.Future[None] | asyncio.Future[Literal[True]]] = [running, *waits]
        await asyncio.wait(every, return_when=asyncio.FIRST_COMPLETED)
        for each in waits:
            each.cancel()
        if running.done():
            running.result()
        if asked.stop.is_set():
            return None
        asked.reload.clear()
        try:
            agent = _opened(read(), host)
        except ClientError as error:
            host.tell(f"{error} The config of before stays in force.")
            continue
        host.tell("read the config again")
        return agent


def _opened(config: Config, host: Host) -> Agent:
    agent = Agent(config, host)
    agent.open()
    return agent


def _variables(config: Config) -> frozenset[str]:
    """Return the names of variables that are the agent's own, and no business of a hook's."""
    login = config.login
    kept = [getattr(login, name) for name in type(login).model_fields]
    kept += [config.cache.key] if config.cache else []
    return frozenset(each.env for each in kept if isinstance(each, Kept) and each.env)
