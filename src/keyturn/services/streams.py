"""Tell callers of what happens for as long as they listen, and may.

Decides how many listen, how often each looks, and when a stream ends. Every listener looks by
itself, once in a while, so that nothing has to be kept for a slow one, and nothing of what another
process commits is missed. Knows nothing of what is told.
"""

import asyncio
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final, Generic, TypeVar

from keyturn.domain import names
from keyturn.domain.access import Caller, Target, Verb
from keyturn.domain.changes import Spot
from keyturn.domain.errors import (
    CallerError,
    DatabaseAway,
    Forbidden,
    NotFound,
    TooManyAttempts,
    Unauthenticated,
)
from keyturn.domain.ids import ProjectId
from keyturn.domain.project import ROOT, Project
from keyturn.domain.sensitive import Sensitive
from keyturn.services import gate
from keyturn.services.logins import Known, find_known
from keyturn.services.ports import World
from keyturn.services.projects import Where, read_environment

T = TypeVar("T")

PAUSE_S: Final = 1.0
PING_S: Final = 20.0
"""Clients of Infisical take a stream for dead after two minutes, some proxies after one."""

STREAMS_EACH: Final = 20
STREAMS_MAX: Final = 1_000
FEW: Final = 4
"""How many listeners are looked up at once: others need the database too."""

BELOW: Final = "/**"


@dataclass(frozen=True)
class Scope:
    """Where something is wanted from: an environment, a folder in it.

    Without an environment it is every one. A path that ends in ``/**`` is a folder and all below.
    """

    environment: str = ""
    path: str = BELOW

    @property
    def folder(self) -> str:
        """Return the path, or that of the uppermost folder. Raises InvalidInput."""
        return names.secret_path(self.path.removesuffix(BELOW) or ROOT)

    def target(self, project_id: ProjectId) -> Target:
        """Return it as what the gate decides on. Raises InvalidInput."""
        folder = self.folder
        if not self.environment or self.path.endswith(BELOW):
            return Target(project_id, somewhere=True)
        return Target(project_id, self.environment, folder)

    def holds(self, spot: Spot) -> bool:
        """Say whether a folder is one of those."""
        environment, path = spot
        if self.environment not in ("", environment):
            return False
        if not self.path.endswith(BELOW):
            return path == self.folder
        return path == self.folder or path.startswith(self.folder.rstrip("/") + "/")


@dataclass(frozen=True)
class Subscriber:
    """Who wants to be told, by which token, from which address."""

    caller: Caller
    token: Sensitive
    address: str


@dataclass(frozen=True)
class Asked:
    """What somebody has asked to be told of, and has to be permitted all the while."""

    who: Subscriber
    project_id: ProjectId
    verb: Verb
    targets: Sequence[Target]


class Room:
    """The listeners of one process.

    Each looks every ``pause_s`` seconds, and is sent something every ``ping_s`` at least. There
    are up to ``most`` of them.
    """

    def __init__(
        self,
        world: World,
        *,
        pause_s: float = PAUSE_S,
        ping_s: float = PING_S,
        most: int = STREAMS_MAX,
    ) -> None:
        self.world: Final = world
        self._most: Final = most
        self.pauses_per_ping: Final = max(1, round(ping_s / pause_s))
        self.pause_s: Final = pause_s
        self._closing: Final = asyncio.Event()
        self.few: Final = asyncio.Semaphore(FEW)
        self._open: Final = Counter[str]()

    async def let_in(self, asked: Asked, project: str, *, subject: str) -> tuple[Known, int]:
        """Let somebody pass the gate for all they ask, and find whom their token proves.

        The revision as of then is returned, too.

        Raises Forbidden, NotFound for an unknown project or environment, and Unauthenticated.
        """
        for target in asked.targets:
            where = Where(project, target.environment, target.path) if target.path else project
            about = f"{subject} of {where}"
            await gate.require(self.world, asked.who.caller, asked.verb, target, subject=about)
        async with self.world.store.reading() as tx:
            if await tx.find(Project, id=asked.project_id) is None:
                raise NotFound(f"There is no project {project}.")
            for target in asked.targets:
                if target.path:
                    await read_environment(tx, asked.project_id, Where(project, target.environment))
            known = await find_known(tx, asked.who.token)
            revision = await tx.revision()
        if known is None:
            raise Unauthenticated
        return known, revision

    def admit(self, caller: Caller) -> None:
        """Count a listener more. Raises TooManyAttempts where too many are there."""
        if self._open[caller.id] >= STREAMS_EACH or self._open.total() >= self._most:
            raise TooManyAttempts(
                f"{caller.name} has {self._open[caller.id]} event streams open, and all callers "
                f"{self._open.total()}: an identity may have {STREAMS_EACH}, all {self._most}.",
                retry_after_s=self.pause_s,
            )
        self._open[caller.id] += 1

    def leave(self, caller: Caller) -> None:
        """Count a listener less."""
        self._open[caller.id] -= 1
        if not self._open[caller.id]:
            del self._open[caller.id]

    @property
    def open(self) -> int:
        """Return how many listen."""
        return self._open.total()

    def close(self) -> None:
        """End every stream, those that have yet to come too."""
        self._closing.set()

    async def closes(self) -> None:
        """Wait until every stream is to end."""
        await self._closing.wait()

    async def pause(self, pause_s: float) -> bool:
        """Wait for the time of the next look; say whether there is to be one."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), pause_s)
        return not self._closing.is_set()


class Stream(ABC, Generic[T]):
    """One listener, and what it may be told."""

    def __init__(self, room: Room, asked: Asked, known: tuple[Known, int]) -> None:
        self.room: Final = room
        self.asked: Final = asked
        self._known, self._known_at = known
        self.behind = False
        """Whether there is more to be told than one look shows."""

    def close(self) -> None:
        """Make room for another."""
        self.room.leave(self._known.caller)

    async def news(self) -> AsyncIterator[Sequence[T]]:
        """Give what is new whenever something is, and nothing now and then, at once too.

        Ends where the caller's token is good no more, or no longer permits what it wants, and when
        the room closes.
        """
        yield ()
        silent = 0
        while await self.room.pause(0 if self.behind else self.room.pause_s):
            silent += 1
            ping = silent % self.room.pauses_per_ping == 0
            try:
                told = await self._look(ping=ping)
            except CallerError:
                return
            except DatabaseAway:
                told = ()  # whatever was committed will be seen once it is back
            if told or ping:
                silent = 0
                yield told

    @abstractmethod
    async def _look(self, *, ping: bool) -> Sequence[T]:
        """Return what is new and may be told. Raises CallerError where nothing may be any more."""

    async def _still(self, revision: int, *, telling: bool) -> None:
        """Require that the caller still may. Raises CallerError.

        What they may is looked up where it can have changed, and something is to be told.
        """
        if telling and revision != self._known_at:
            await self._look_caller_up()
            self._known_at = revision
        # The uses that a token has are counted where it is used: that was at the beginning.
        token = replace(self._known.token, uses=0)
        token.require_good(self.room.world.clock.now(), self.asked.who.address)

    async def _look_caller_up(self) -> None:
        async with self.room.few, self.room.world.store.reading() as tx:
            known = await find_known(tx, self.asked.who.token)
        if known is None:
            raise Unauthenticated
        self._known = known
        if not all(map(self._may, self.asked.targets)):
            raise Forbidden

    def _may(self, target: Target) -> bool:
        return gate.may(self._known.caller, self.asked.verb, target)

    async def _pass(self, spots: set[Spot], what: str) -> None:
        """Pass the gate for every folder that something is told of."""
        caller, verb, project = self._known.caller, self.asked.verb, self.asked.project_id
        passing = (
            gate.require(
                self.room.world,
                caller,
                verb,
                Target(project, environment, path),
                subject=f"{what} in {project}/{environment}{path}",
            )
            for environment, path in sorted(spots)
        )
        await asyncio.gather(*passing)
