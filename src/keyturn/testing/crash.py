"""Death at a chosen point of a turn, for kill tests.

Decides when to die; how is the caller's to say: ``os.kill(os.getpid(), SIGKILL)`` in a process of
its own, an exception in the same one.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from keyturn.domain.audit import Attempt, AuditEntry, AuditFilter
from keyturn.domain.changes import Served
from keyturn.domain.channels import Channel, Dispatch
from keyturn.domain.compliance_reports import ReportSchedule
from keyturn.domain.connection import OktaConnection
from keyturn.domain.destination import Destination
from keyturn.domain.flows.run import Run, RunMark, RunSight, SavedFlow
from keyturn.domain.flows.tables import FlowRow
from keyturn.domain.ids import (
    ChannelId,
    ConnectionId,
    FlowId,
    FolderId,
    ProjectId,
    RotationId,
    RunId,
    SecretHash,
    TableId,
    TurnId,
)
from keyturn.domain.inventory import AppCount, Inventory, ListedApp
from keyturn.domain.leaks import LeakReport
from keyturn.domain.notice import Notice
from keyturn.domain.oauth.connection import Connection
from keyturn.domain.oauth.registration import ClientRegistration
from keyturn.domain.project import Place
from keyturn.domain.rollout import Rollout
from keyturn.domain.rotation import Rotation, RotationSight
from keyturn.domain.turn import Phase, Turn
from keyturn.services.ports import (
    Due,
    Expiring,
    Figures,
    Looked,
    Old,
    R,
    Reading,
    Record,
    Recorded,
    RunWrite,
    Store,
    Writing,
)


@dataclass(frozen=True)
class CrashPlan:
    """Die just before or just after the commit that first puts a turn into a phase.

    ``nth`` counts turns in the order in which they come into the phase; death comes with that one.
    """

    phase: Phase
    moment: Literal["before", "after"]
    nth: int = 1


class CrashingStore:
    """A store that dies by a plan, once; everything else is the inner store's."""

    def __init__(self, store: Store, plan: CrashPlan, die: Callable[[], None]) -> None:
        self._store = store
        self._plan = plan
        self._die = die
        self._arrived: list[TurnId] = []

    def reading(self) -> AbstractAsyncContextManager[Reading]:
        """Open a snapshot."""
        return self._store.reading()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Writing]:
        """Open a transaction that writes; it may not live to see its commit, or what follows."""
        async with self._store.writing() as writing:
            watched = _Watched(writing)
            yield watched
            struck = self._struck(watched.put)
            if struck and self._plan.moment == "before":
                self._die()
        if struck and self._plan.moment == "after":
            self._die()

    async def append_audit(self, attempt: Attempt) -> Recorded:
        """Append one audit entry."""
        return await self._store.append_audit(attempt)

    async def write_run(self, write: RunWrite) -> None:
        """Write down what is new of a run."""
        await self._store.write_run(write)

    async def revision(self) -> int:
        """Return the revision of what is served."""
        return await self._store.revision()

    def _struck(self, put: Sequence[Turn]) -> bool:
        known = len(self._arrived)
        ids = [turn.id for turn in put if turn.phase is self._plan.phase]
        self._arrived += [each for each in dict.fromkeys(ids) if each not in self._arrived]
        return known < self._plan.nth <= len(self._arrived)


class _Watched:
    def __init__(self, writing: Writing) -> None:
        self._writing = writing
        self.put: list[Turn] = []

    async def find(self, kind: type[R], /, **where: object) -> R | None:
        return await self._writing.find(kind, **where)

    async def list(self, kind: type[R], /, **where: object) -> Sequence[R]:
        return await self._writing.list(kind, **where)

    async def find_place(self, folder_id: FolderId) -> Place | None:
        return await self._writing.find_place(folder_id)

    async def list_due(self, now: datetime, *, runs_before: datetime) -> frozenset[Due]:
        return await self._writing.list_due(now, runs_before=runs_before)

    async def list_due_rotations(self, now: datetime, *, limit: int) -> Sequence[Rotation]:
        return await self._writing.list_due_rotations(now, limit=limit)

    async def list_due_connections(self, now: datetime) -> Sequence[OktaConnection]:
        return await self._writing.list_due_connections(now)

    async def list_due_destinations(self, now: datetime, *, limit: int) -> Sequence[Destination]:
        return await self._writing.list_due_destinations(now, limit=limit)

    async def list_due_renewals(self, now: datetime, *, limit: int) -> Sequence[Connection]:
        return await self._writing.list_due_renewals(now, limit=limit)

    async def list_due_proofs(self, now: datetime, *, limit: int) -> Sequence[ClientRegistration]:
        return await self._writing.list_due_proofs(now, limit=limit)

    async def list_due_looks(
        self, kind: type[Looked], now: datetime, *, limit: int
    ) -> Sequence[Looked]:
        return await self._writing.list_due_looks(kind, now, limit=limit)

    async def list_newest(self, kind: type[R], /, *, limit: int, **where: object) -> Sequence[R]:
        return await self._writing.list_newest(kind, limit=limit, **where)

    async def list_old_notices(self, now: datetime, *, limit: int) -> Sequence[Notice]:
        return await self._writing.list_old_notices(now, limit=limit)

    async def list_due_channels(self, now: datetime, *, limit: int) -> Sequence[Channel]:
        return await self._writing.list_due_channels(now, limit=limit)

    async def list_due_dispatches(
        self, channel_id: ChannelId, now: datetime, *, urgent: bool, limit: int
    ) -> Sequence[Dispatch]:
        return await self._writing.list_due_dispatches(channel_id, now, urgent=urgent, limit=limit)

    async def list_due_reports(self, now: datetime) -> Sequence[ReportSchedule]:
        return await self._writing.list_due_reports(now)

    async def list_due_flows(self, now: datetime, *, limit: int) -> Sequence[SavedFlow]:
        return await self._writing.list_due_flows(now, limit=limit)

    async def list_due_inventories(self, now: datetime) -> Sequence[Inventory]:
        return await self._writing.list_due_inventories(now)

    async def list_due_rollouts(self, now: datetime) -> Sequence[Rollout]:
        return await self._writing.list_due_rollouts(now)

    async def list_due_leaks(self, now: datetime, *, limit: int) -> Sequence[LeakReport]:
        return await self._writing.list_due_leaks(now, limit=limit)

    async def find_turn_of(self, hash_: SecretHash, /) -> Turn | None:
        return await self._writing.find_turn_of(hash_)

    async def list_listed_apps(
        self,
        connection_id: ConnectionId,
        *,
        listed_before: datetime | None = None,
        told: bool = False,
        after: str = "",
        limit: int,
    ) -> Sequence[ListedApp]:
        return await self._writing.list_listed_apps(
            connection_id, listed_before=listed_before, told=told, after=after, limit=limit
        )

    async def count_apps(self) -> Sequence[AppCount]:
        return await self._writing.count_apps()

    async def has_due_runs(self, now: datetime) -> bool:
        return await self._writing.has_due_runs(now)

    async def list_sights(
        self, *, project_id: ProjectId | None = None, rotation_id: RotationId | None = None
    ) -> Sequence[RotationSight]:
        return await self._writing.list_sights(project_id=project_id, rotation_id=rotation_id)

    async def list_turns(
        self, rotation_id: RotationId, *, offset: int = 0, limit: int = 1
    ) -> Sequence[Turn]:
        return await self._writing.list_turns(rotation_id, offset=offset, limit=limit)

    async def list_runs(self, flow_id: FlowId, *, limit: int) -> Sequence[Run]:
        return await self._writing.list_runs(flow_id, limit=limit)

    async def list_ended_runs(self, before: datetime, *, limit: int) -> Sequence[Run]:
        return await self._writing.list_ended_runs(before, limit=limit)

    async def run_mark(self) -> RunMark:
        return await self._writing.run_mark()

    async def list_begun_runs(self, after: int, *, limit: int) -> Sequence[RunSight]:
        return await self._writing.list_begun_runs(after, limit=limit)

    async def list_changed_runs(self, after: int, *, limit: int) -> Sequence[RunSight]:
        return await self._writing.list_changed_runs(after, limit=limit)

    async def list_rows(
        self, table_id: TableId, *, after: int = 0, limit: int
    ) -> Sequence[FlowRow]:
        return await self._writing.list_rows(table_id, after=after, limit=limit)

    async def list_audit(
        self, *, after: int = 0, limit: int = 1000, wanted: AuditFilter | None = None
    ) -> Sequence[AuditEntry]:
        return await self._writing.list_audit(after=after, limit=limit, wanted=wanted)

    async def list_newest_audit(
        self, *, before: int | None = None, limit: int, wanted: AuditFilter | None = None
    ) -> Sequence[AuditEntry]:
        return await self._writing.list_newest_audit(before=before, limit=limit, wanted=wanted)

    async def latest_audit(self) -> AuditEntry | None:
        return await self._writing.latest_audit()

    async def list_old(self, kind: type[Old], before: datetime, *, limit: int) -> Sequence[Old]:
        return await self._writing.list_old(kind, before, limit=limit)

    async def list_expiring(
        self, kind: type[Expiring], after: datetime, until: datetime
    ) -> Sequence[Expiring]:
        return await self._writing.list_expiring(kind, after, until)

    async def figures(self, now: datetime, *, late_before: datetime) -> Figures:
        return await self._writing.figures(now, late_before=late_before)

    async def schema_fits(self) -> bool:
        return await self._writing.schema_fits()

    async def clock(self) -> datetime | None:
        return await self._writing.clock()

    async def revision(self) -> int:
        return await self._writing.revision()

    async def standing(self) -> int:
        return await self._writing.standing()

    async def listed(self) -> int:
        return await self._writing.listed()

    async def list_served(self, project_id: str) -> Sequence[Served]:
        return await self._writing.list_served(project_id)

    async def add(self, *records: Record) -> None:
        await self._writing.add(*records)
        self._note(records)

    async def replace(self, *records: Record) -> None:
        await self._writing.replace(*records)
        self._note(records)

    async def remove(self, *records: Record) -> None:
        await self._writing.remove(*records)

    async def clear_rows(self, table_id: TableId) -> None:
        await self._writing.clear_rows(table_id)

    async def forget_listed(self, connection_id: ConnectionId) -> None:
        await self._writing.forget_listed(connection_id)

    async def append_audit(self, attempt: Attempt) -> AuditEntry:
        return await self._writing.append_audit(attempt)

    async def prune_audit(self, *, before: int) -> None:
        await self._writing.prune_audit(before=before)

    async def claim_due(
        self, now: datetime, *, owner: str | None, lease: timedelta, limit: int
    ) -> Sequence[Turn]:
        return await self._writing.claim_due(now, owner=owner, lease=lease, limit=limit)

    async def claim_due_runs(
        self, now: datetime, *, owner: str | None, lease: timedelta, limit: int
    ) -> Sequence[Run]:
        return await self._writing.claim_due_runs(now, owner=owner, lease=lease, limit=limit)

    async def take_run(
        self, run_id: RunId, *, owner: str | None, wake_at: datetime | None
    ) -> Run | None:
        return await self._writing.take_run(run_id, owner=owner, wake_at=wake_at)

    def _note(self, records: Sequence[Record]) -> None:
        self.put += [record for record in records if isinstance(record, Turn)]
