"""Tell subscribers what has changed of the secrets that they may read.

What is committed is compared with what a subscriber was told of last, so that nothing has to be
kept for a slow one, and nothing of what another process commits is missed. Every subscriber looks
by itself, once in a while; what they see is read once for all of them. Neither a name nor a place
is told before the caller has passed the gate for it, as what it holds by then.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Final

from keyturn.domain import names
from keyturn.domain.access import Caller, Target, Verb
from keyturn.domain.changes import Change, Event, Sight, Spot, changes, sight_of
from keyturn.domain.errors import (
    CallerError,
    DatabaseAway,
    Forbidden,
    NotFound,
    TooManyAttempts,
    Unauthenticated,
)
from keyturn.domain.ids import ProjectId
from keyturn.domain.project import ROOT, Environment, Folder, Project, SecretImport
from keyturn.domain.sensitive import Sensitive
from keyturn.services import gate
from keyturn.services.logins import Known, find_known
from keyturn.services.ports import Reading, World
from keyturn.services.projects import Where, read_environment, resolve_project

PAUSE_S: Final = 1.0
PING_S: Final = 20.0
"""Clients of Infisical take a stream for dead after two minutes, some proxies after one."""

STREAMS_EACH: Final = 20
STREAMS_MAX: Final = 1_000
DIFFERENCES_MAX: Final = 100
FEW: Final = 4
"""How many subscribers are looked up at once: others need the database too."""

BELOW: Final = "/**"


@dataclass(frozen=True)
class Wanted:
    """What a subscriber wants to be told of: an event, in an environment, in a folder.

    Without an environment it is every one. A path that ends in ``/**`` is a folder and all below.
    """

    event: Event
    environment: str = ""
    path: str = BELOW

    @property
    def folder(self) -> str:
        """Return the path, or that of the uppermost folder. Raises InvalidInput."""
        return names.secret_path(self.path.removesuffix(BELOW) or ROOT)

    @property
    def many(self) -> bool:
        """Say whether it is more than one folder."""
        return not self.environment or self.path.endswith(BELOW)

    def fits(self, change: Change) -> bool:
        """Say whether this is one of the changes that are wanted."""
        environment, path = change.spot
        if change.event is not self.event or self.environment not in ("", environment):
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
    """What somebody has subscribed to, and what they have to be permitted all the while."""

    project_id: ProjectId
    targets: Sequence[Target]
    wanted: Sequence[Wanted]
    who: Subscriber


class Newsroom:
    """The subscribers of one process, and what they look at together.

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
        self._pause_s: Final = pause_s
        self._closing: Final = asyncio.Event()
        self._one_look: Final = asyncio.Lock()
        self.few: Final = asyncio.Semaphore(FEW)
        self._open: Final = Counter[str]()
        self._seen: dict[ProjectId, tuple[float, Sight]] = {}
        self._differences: dict[tuple[ProjectId, int, int], Sequence[Change]] = {}

    async def subscribe(
        self, who: Subscriber, project: str, wanted: Sequence[Wanted]
    ) -> "Subscription":
        """Begin to tell; what is committed from now on will be told of.

        Whoever calls this closes what is returned. Raises Forbidden, InvalidInput, NotFound for an
        unknown project or environment, and TooManyAttempts where too many are open.
        """
        project_id = await resolve_project(self.world, project)
        targets = tuple({_target(project_id, each): None for each in wanted})
        for target in targets:
            where = Where(project, target.environment, target.path) if target.path else project
            await gate.require(
                self.world, who.caller, Verb.READ_SECRETS, target, subject=f"events of {where}"
            )
        async with self.world.store.reading() as tx:
            if await tx.find(Project, id=project_id) is None:
                raise NotFound(f"There is no project {project}.")
            for target in targets:
                if target.path:
                    await read_environment(tx, project_id, Where(project, target.environment))
            known = await find_known(tx, who.token)
        if known is None:
            raise Unauthenticated
        sight = await self.look(project_id)
        self._admit(known.caller)
        return Subscription(self, Asked(project_id, targets, wanted, who), known, sight)

    def _admit(self, caller: Caller) -> None:
        if self._open[caller.id] >= STREAMS_EACH or self._open.total() >= self._most:
            raise TooManyAttempts(
                f"{caller.name} has {self._open[caller.id]} event streams open, and all callers "
                f"{self._open.total()}: an identity may have {STREAMS_EACH}, all {self._most}.",
                retry_after_s=self._pause_s,
            )
        self._open[caller.id] += 1

    def leave(self, caller: Caller) -> None:
        """Count one subscription less."""
        self._open[caller.id] -= 1
        if not self._open[caller.id]:
            del self._open[caller.id]
        if not self._open:
            self._seen.clear()
            self._differences.clear()

    @property
    def open(self) -> int:
        """Return how many subscriptions are open."""
        return self._open.total()

    def close(self) -> None:
        """End every subscription, those that have yet to come too."""
        self._closing.set()

    async def closes(self) -> None:
        """Wait until every subscription is to end."""
        await self._closing.wait()

    async def pause(self) -> bool:
        """Wait for the time of the next look; say whether there is to be one."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), self._pause_s)
        return not self._closing.is_set()

    async def look(self, project_id: ProjectId) -> Sight:
        """Return what a project serves, as of now or half a pause ago."""
        async with self._one_look:
            now_s = asyncio.get_running_loop().time()
            at_s, sight = self._seen.get(project_id, (0.0, None))
            if sight and now_s - at_s < self._pause_s / 2:
                return sight
            async with self.world.store.reading() as tx:
                revision = await tx.revision()
                if sight is None or sight.revision != revision:
                    sight = await _see(tx, project_id, revision)
            self._seen[project_id] = now_s, sight
            return sight

    def difference(self, project_id: ProjectId, before: Sight, after: Sight) -> Sequence[Change]:
        """Return what has changed between two looks at a project, found out once for all."""
        key = project_id, before.revision, after.revision
        if key not in self._differences:
            if len(self._differences) >= DIFFERENCES_MAX:
                self._differences.clear()
            self._differences[key] = changes(before, after)
        return self._differences[key]


class Subscription:
    """One subscriber, and what it was told of last."""

    def __init__(self, room: Newsroom, asked: Asked, known: Known, seen: Sight) -> None:
        self._room: Final = room
        self._asked: Final = asked
        self._known, self._known_at = known, seen.revision
        self._seen = seen

    def close(self) -> None:
        """Make room for another."""
        self._room.leave(self._known.caller)

    async def room_closes(self) -> None:
        """Wait until everything is to end."""
        await self._room.closes()

    async def news(self) -> AsyncIterator[Sequence[Change]]:
        """Give what has changed whenever something has, and nothing now and then, at once too.

        Ends where the caller's token is good no more, or no longer permits what it wants, and when
        the room closes.
        """
        yield ()
        silent = 0
        while await self._room.pause():
            silent += 1
            ping = silent % self._room.pauses_per_ping == 0
            try:
                told = await self._look(ping=ping)
            except CallerError:
                return
            except DatabaseAway:
                told = ()  # whatever was committed will be seen once it is back
            if told or ping:
                silent = 0
                yield told

    async def _look(self, *, ping: bool) -> Sequence[Change]:
        project_id = self._asked.project_id
        sight = await self._room.look(project_id)
        every = self._room.difference(project_id, self._seen, sight)
        wanted = [change for change in every if self._wants(change)]
        if wanted or (ping and sight.revision != self._known_at):
            await self._look_caller_up()
            self._known_at = sight.revision
        # The uses that a token has are counted where it is used: that was at the beginning.
        token = replace(self._known.token, uses=0)
        token.require_good(self._room.world.clock.now(), self._asked.who.address)
        told = [change for change in wanted if self._may_know(change)]
        await self._pass({change.spot for change in told})
        self._seen = sight
        return told

    async def _look_caller_up(self) -> None:
        """Find out whom the token proves now, and what they may. Raises CallerError."""
        async with self._room.few, self._room.world.store.reading() as tx:
            known = await find_known(tx, self._asked.who.token)
        if known is None:
            raise Unauthenticated
        self._known = known
        if not all(map(self._may, self._asked.targets)):
            raise Forbidden

    def _wants(self, change: Change) -> bool:
        return any(wanted.fits(change) for wanted in self._asked.wanted)

    def _may_know(self, change: Change) -> bool:
        if change.sources and not any(map(self._may_read, change.sources)):
            return False
        return self._may_read(change.spot)

    def _may_read(self, spot: Spot) -> bool:
        return self._may(Target(self._asked.project_id, *spot))

    def _may(self, target: Target) -> bool:
        return gate.may(self._known.caller, Verb.READ_SECRETS, target)

    async def _pass(self, spots: set[Spot]) -> None:
        """Pass the gate for every folder that something is told of."""
        caller, project = self._known.caller, self._asked.project_id
        passing = (
            gate.require(
                self._room.world,
                caller,
                Verb.READ_SECRETS,
                Target(project, environment, path),
                subject=f"change in {project}/{environment}{path}",
            )
            for environment, path in sorted(spots)
        )
        await asyncio.gather(*passing)


def _target(project_id: ProjectId, wanted: Wanted) -> Target:
    folder = wanted.folder
    if wanted.many:
        return Target(project_id, somewhere=True)
    return Target(project_id, wanted.environment, folder)


async def _see(tx: Reading, project_id: ProjectId, revision: int) -> Sight:
    environments = await tx.list(Environment, project_id=project_id)
    slugs = {environment.id: environment.slug for environment in environments}
    folders = await tx.list(Folder, environment_id=frozenset(slugs))
    spots = {each.id: (slugs[each.environment_id], each.path) for each in folders}
    imports: dict[Spot, tuple[Spot, ...]] = {}
    for each in sorted(await tx.list(SecretImport), key=attrgetter("rank")):
        if each.folder_id in spots and each.source_id in spots:
            spot = spots[each.folder_id]
            imports[spot] = (*imports.get(spot, ()), spots[each.source_id])
    served = await tx.list_served(project_id)
    return sight_of(revision, (one for one in served if "/." not in one.path), imports)
