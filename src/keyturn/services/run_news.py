"""Tell followers of the runs that they may see: begun, asleep, gone on with, ended.

Derived from the rows of runs, by whichever process, and never from what cards took or gave. What a
follower was told last is a mark, by which it goes on after any break: each beginning and each end
is told once, and of the phases between them the last.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from keyturn.domain.access import Verb
from keyturn.domain.changes import Spot
from keyturn.domain.errors import NotFound
from keyturn.domain.flows.run import Phase, RunMark, RunSight, SavedFlow
from keyturn.domain.project import Place
from keyturn.services import gate
from keyturn.services.logins import Known
from keyturn.services.ports import Reading
from keyturn.services.projects import place_of, places_of, resolve_project, target_of
from keyturn.services.streams import Asked, Room, Scope, Stream, Subscriber

TOLD_AT_ONCE: Final = 500


@dataclass(frozen=True)
class RunsWanted:
    """Which runs are wanted, and which of their phases; of nothing that is named, all."""

    scope: Scope
    flow_id: str = ""
    phases: frozenset[Phase] = frozenset()


@dataclass(frozen=True)
class RunNotice:
    """A run that has come to a phase, with its flow; ``mark`` is what is known once it is told."""

    mark: RunMark
    begun: bool
    run: RunSight
    flow: SavedFlow
    place: Place

    @property
    def spot(self) -> Spot:
        """Return the folder of the flow."""
        return self.place.environment.slug, self.place.folder.path


@dataclass(frozen=True)
class _Page:
    """What has come after a mark, of all flows, until another."""

    revision: int
    notices: Sequence[RunNotice]
    end: RunMark
    full: bool


class RunNews:
    """What all who follow runs in one process look at together."""

    def __init__(self, room: Room) -> None:
        self.room: Final = room
        self._one_look: Final = asyncio.Lock()
        self._seen: dict[RunMark, tuple[float, _Page]] = {}

    async def follow(
        self, who: Subscriber, project: str, wanted: RunsWanted, after: RunMark | None = None
    ) -> "RunStream":
        """Begin to tell what comes after a mark, or from now on.

        Whoever calls this closes what is returned. Raises Forbidden, InvalidInput, NotFound for an
        unknown project, environment or flow, and TooManyAttempts where too many listen.
        """
        project_id = await resolve_project(self.room.world, project)
        asked = Asked(who, project_id, Verb.READ_RUNS, (wanted.scope.target(project_id),))
        known = await self.room.let_in(asked, project, subject="runs")
        async with self.room.world.store.reading() as tx:
            if wanted.flow_id:
                await _require_flow(tx, asked, known[0], wanted)
            now = await tx.run_mark()
        mark = (
            RunMark(min(after.begun, now.begun), min(after.changed, now.changed)) if after else now
        )
        self.room.admit(known[0].caller)
        return RunStream(self, asked, known, wanted, mark)

    async def look(self, mark: RunMark) -> _Page:
        """Return what has come after a mark, as of now or half a pause ago."""
        async with self._one_look:
            now_s, fresh_s = asyncio.get_running_loop().time(), self.room.pause_s / 2
            self._seen = {at: seen for at, seen in self._seen.items() if now_s - seen[0] < fresh_s}
            if mark in self._seen:
                return self._seen[mark][1]
            async with self.room.world.store.reading() as tx:
                page = await _see(tx, mark)
            if not page.full:  # who is far behind is alone there
                self._seen[mark] = now_s, page
            return page


class RunStream(Stream[RunNotice]):
    """One follower, and the mark of what it was told last."""

    def __init__(
        self,
        news: RunNews,
        asked: Asked,
        known: tuple[Known, int],
        wanted: RunsWanted,
        mark: RunMark,
    ) -> None:
        super().__init__(news.room, asked, known)
        self._news, self._wanted, self.mark = news, wanted, mark

    async def _look(self, *, ping: bool) -> Sequence[RunNotice]:
        page = await self._news.look(self.mark)
        wanted = [notice for notice in page.notices if self._wants(notice)]
        await self._still(page.revision, telling=bool(wanted) or ping)
        told = [notice for notice in wanted if self._may(target_of(notice.place))]
        await self._pass({notice.spot for notice in told}, "runs")
        self.mark, self.behind = page.end, page.full
        return told

    def _wants(self, notice: RunNotice) -> bool:
        wanted = self._wanted
        return (
            notice.place.project.id == self.asked.project_id
            and wanted.scope.holds(notice.spot)
            and wanted.flow_id in ("", notice.flow.id)
            and (not wanted.phases or notice.run.phase in wanted.phases)
        )


async def _require_flow(tx: Reading, asked: Asked, known: Known, wanted: RunsWanted) -> None:
    """Raise NotFound for a flow that is not in the project, or that the caller may not follow."""
    found = await tx.find(SavedFlow, id=wanted.flow_id)
    place = await place_of(tx, found.folder_id) if found else None
    here = place and place.project.id == asked.project_id
    if not (place and here and gate.may(known.caller, asked.verb, target_of(place))):
        raise NotFound(f"There is no flow {wanted.flow_id}.")


async def _see(tx: Reading, mark: RunMark) -> _Page:
    """Look at what has come; of a run its beginning is told before anything else."""
    begun = await tx.list_begun_runs(mark.begun, limit=TOLD_AT_ONCE)
    full = len(begun) == TOLD_AT_ONCE
    changed = () if full else await tx.list_changed_runs(mark.changed, limit=TOLD_AT_ONCE)
    ids = frozenset(run.flow_id for run in chain(begun, changed))
    flows = {flow.id: flow for flow in (await tx.list(SavedFlow, id=ids) if ids else ())}
    places = await places_of(tx, {flow.folder_id for flow in flows.values()}) if ids else {}
    began = [(RunMark(run.rank, mark.changed), True, run.begun) for run in begun]
    between = began[-1][0] if began else mark
    came = [(RunMark(between.begun, run.rank), False, run) for run in changed]
    notices = [
        RunNotice(at, new, run, flow := flows[run.flow_id], places[flow.folder_id])
        for at, new, run in (*began, *came)
        if not run.undecided
    ]
    end = came[-1][0] if came else between
    return _Page(await tx.revision(), notices, end, full or len(changed) == TOLD_AT_ONCE)
