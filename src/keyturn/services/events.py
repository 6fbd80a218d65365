"""Tell subscribers what has changed of the secrets that they may read.

What is committed is compared with what a subscriber was told of last; what they see is read once
for all of them. Neither a name nor a place is told before the caller has passed the gate for it, as
what it holds by then.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Final

from keyturn.domain.access import Caller, Target, Verb
from keyturn.domain.changes import Change, Event, Sight, Spot, changes, sight_of
from keyturn.domain.ids import ProjectId
from keyturn.domain.project import Environment, Folder, SecretImport
from keyturn.services.logins import Known
from keyturn.services.ports import Reading, World
from keyturn.services.projects import resolve_project
from keyturn.services.run_news import RunNews
from keyturn.services.streams import (
    PAUSE_S,
    PING_S,
    STREAMS_MAX,
    Asked,
    Room,
    Scope,
    Stream,
    Subscriber,
)

DIFFERENCES_MAX: Final = 100


@dataclass(frozen=True)
class Wanted:
    """What a subscriber wants to be told of: an event, and where from."""

    event: Event
    scope: Scope = field(default_factory=Scope)

    def fits(self, change: Change) -> bool:
        """Say whether this is one of the changes that are wanted."""
        return change.event is self.event and self.scope.holds(change.spot)


class Newsroom(Room):
    """The subscribers of one process, and what they look at together.

    Those who follow ``runs`` of flows count as well.
    """

    def __init__(
        self,
        world: World,
        *,
        pause_s: float = PAUSE_S,
        ping_s: float = PING_S,
        most: int = STREAMS_MAX,
    ) -> None:
        super().__init__(world, pause_s=pause_s, ping_s=ping_s, most=most)
        self.runs: Final = RunNews(self)
        self._one_look: Final = asyncio.Lock()
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
        targets = tuple({each.scope.target(project_id): None for each in wanted})
        asked = Asked(who, project_id, Verb.READ_SECRETS, targets)
        known = await self.let_in(asked, project, subject="events")
        sight = await self.look(project_id)
        self.admit(known[0].caller)
        return Subscription(self, asked, known, sight, wanted)

    def leave(self, caller: Caller) -> None:
        """Count one subscription less."""
        super().leave(caller)
        if not self.open:
            self._seen.clear()
            self._differences.clear()

    async def look(self, project_id: ProjectId) -> Sight:
        """Return what a project serves, as of now or half a pause ago."""
        async with self._one_look:
            now_s = asyncio.get_running_loop().time()
            at_s, sight = self._seen.get(project_id, (0.0, None))
            if sight and now_s - at_s < self.pause_s / 2:
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


class Subscription(Stream[Change]):
    """One subscriber, and what it was told of last."""

    def __init__(
        self,
        room: Newsroom,
        asked: Asked,
        known: tuple[Known, int],
        seen: Sight,
        wanted: Sequence[Wanted],
    ) -> None:
        super().__init__(room, asked, known)
        self._newsroom, self._wanted, self._seen = room, wanted, seen

    async def _look(self, *, ping: bool) -> Sequence[Change]:
        project_id = self.asked.project_id
        sight = await self._newsroom.look(project_id)
        every = self._newsroom.difference(project_id, self._seen, sight)
        wanted = [change for change in every if any(each.fits(change) for each in self._wanted)]
        await self._still(sight.revision, telling=bool(wanted) or ping)
        told = [change for change in wanted if self._may_know(change)]
        await self._pass({change.spot for change in told}, "change")
        self._seen = sight
        return told

    def _may_know(self, change: Change) -> bool:
        if change.sources and not any(map(self._may_read, change.sources)):
            return False
        return self._may_read(change.spot)

    def _may_read(self, spot: Spot) -> bool:
        return self._may(Target(self.asked.project_id, *spot))


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
