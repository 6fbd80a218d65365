"""The store in memory.

Keeps what `Store` promises, durability aside: uniqueness, references, fencing, undo and snapshots.
Records are frozen and tables never change once they are published, so that a snapshot is cheap.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from heapq import nsmallest
from itertools import compress, islice, repeat
from operator import attrgetter, eq, itemgetter
from types import MappingProxyType
from typing import TypeVar, cast

from keyturn.domain.audit import Attempt, AuditEntry, AuditFilter, linked
from keyturn.domain.changes import Served
from keyturn.domain.channels import Channel, Dispatch
from keyturn.domain.compliance_reports import ReportSchedule
from keyturn.domain.connection import OktaConnection
from keyturn.domain.destination import Destination
from keyturn.domain.errors import Fenced, OursError, Taken
from keyturn.domain.flows.run import Run, RunMark, RunSight, SavedFlow
from keyturn.domain.flows.tables import FlowRow
from keyturn.domain.identity import AccessToken
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
)
from keyturn.domain.inventory import AppCount, Inventory, ListedApp, ListedSecret
from keyturn.domain.leaks import LeakReport
from keyturn.domain.notice import Notice
from keyturn.domain.oauth.connection import Connection
from keyturn.domain.oauth.registration import ClientRegistration
from keyturn.domain.project import Environment, Folder, Place, Project
from keyturn.domain.rollout import Rollout
from keyturn.domain.rotation import Rotation, RotationSight
from keyturn.domain.secret import Secret, State, Version
from keyturn.domain.turn import Turn
from keyturn.services.ports import (
    LISTED,
    SERVED,
    STANDING,
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
    Writing,
)
from keyturn.testing.figures import expires, figures_of, old_of
from keyturn.testing.rules import KEYS, REFERENCES, Key, key_of, once_of

T = TypeVar("T")
_Held = TypeVar("_Held", Destination, Connection, Channel)
_Waking = TypeVar("_Waking", Turn, Run)

BY_ID = ("id",)

_Table = Mapping[Key, Record]
_NONE: _Table = MappingProxyType({})
_PHASE = attrgetter("phase", "status")
_RANK = attrgetter("rank")
_EPOCH = attrgetter("epoch")


@dataclass(frozen=True)
class Backup:
    """Everything that a store held at one moment."""

    tables: Mapping[type, _Table]
    audit: Sequence[AuditEntry]
    moves: Sequence[tuple[RunId, bool]] = ()
    """Each phase that a run has come to, and whether it began so; what it is ranked by."""
    standing: int = 0
    listed: int = 0

    def list(self, kind: type[R]) -> Sequence[R]:
        """List the records of a kind, in the order in which they were added."""
        return [*_records(self.tables, kind)]

    def find(self, like: R) -> R | None:
        """Find the record that has the key of another one."""
        found = self.tables.get(type(like), _NONE).get(key_of(like))
        return found if isinstance(found, type(like)) else None


class MemoryStore:
    """Records in memory, gone with the process."""

    def __init__(self) -> None:
        self._held = Backup({}, ())
        self._revision = 0
        self._turnstile = asyncio.Lock()

    def backup(self) -> Backup:
        """Return what is held now; it costs nothing, because published tables never change."""
        return self._held

    def restore(self, backup: Backup) -> None:
        """Hold what a backup held, and forget what came after it."""
        self._held = backup
        self._revision += 1

    def reading(self) -> AbstractAsyncContextManager[Reading]:
        """Open a snapshot."""
        return _Reading(self)

    def writing(self) -> AbstractAsyncContextManager[Writing]:
        """Open a transaction that writes, once every other one has ended."""
        return _Writing(self, self._turnstile)

    async def revision(self) -> int:
        """Return the number of the last change to what is served."""
        return self.latest

    @property
    def latest(self) -> int:
        """Return the revision without waiting for anything."""
        return self._revision

    def publish(self, backup: Backup, revision: int) -> None:
        """Hold what a transaction has made."""
        self._held, self._revision = backup, revision

    async def append_audit(self, attempt: Attempt) -> Recorded:
        """Append one audit entry."""
        async with self.writing() as tx:
            return Recorded(await tx.append_audit(attempt), self._revision)

    async def write_run(self, write: RunWrite) -> None:
        """Write down what is new of a run."""
        async with self.writing() as tx:
            await put_run(tx, write)


async def put_run(tx: Writing, write: RunWrite) -> None:
    """Put what is new of a run in a transaction."""
    await (tx.add if write.new else tx.replace)(write.run)
    await tx.add(*([write.page] if write.page else []))
    for answer in write.answers:
        await (tx.replace if answer.at in write.known else tx.add)(answer)


class _Reading:
    """What `async with` opens a snapshot by; a class, because a simulation does little else."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def __aenter__(self) -> Reading:
        return _Snapshot(self._store.backup(), self._store.latest)

    async def __aexit__(self, *_: object) -> None:
        pass


class _Writing:
    """What `async with` opens a transaction by; it is published where nothing went wrong."""

    def __init__(self, store: MemoryStore, turnstile: asyncio.Lock) -> None:
        self._store = store
        self._turnstile = turnstile

    async def __aenter__(self) -> Writing:
        await self._turnstile.acquire()
        self._transaction = _Transaction(self._store.backup(), self._store.latest)
        return self._transaction

    async def __aexit__(self, _: object, error: object, __: object) -> None:
        try:
            if error is None:
                self._transaction.require_references()
                outcome = self._transaction.outcome()
                self._store.publish(outcome, self._transaction.next_revision())
        finally:
            self._turnstile.release()


class _Snapshot:
    def __init__(self, seen: Backup, revision: int) -> None:
        self.tables = seen.tables
        self.audit = seen.audit
        self.moves = seen.moves
        self._standing = seen.standing
        self._listed = seen.listed
        self._revision = revision

    async def revision(self) -> int:
        return self._revision

    async def standing(self) -> int:
        return self._standing

    async def listed(self) -> int:
        return self._listed

    async def find(self, kind: type[R], /, **where: object) -> R | None:
        found = self._list(kind, where)
        if len(found) > 1:
            raise OursError(f"More than one {kind.__name__} fits {', '.join(where)}.")
        return found[0] if found else None

    async def list(self, kind: type[R], /, **where: object) -> Sequence[R]:
        return self._list(kind, where)

    def _list(self, kind: type[R], where: Mapping[str, object]) -> Sequence[R]:
        names, values = (*where,), (*where.values(),)
        keyed = names == KEYS.get(kind, BY_ID)
        found = self._table(kind).get(values) if keyed else None
        if isinstance(found, kind):
            return [found]
        if frozenset in map(type, values):
            return self._list_any(kind, names, values)
        every = _records(self.tables, kind)
        if keyed or not names:
            return [] if keyed else [*every]
        read = attrgetter(*names)  # of one field its value, of several a tuple
        wanted = values if len(names) > 1 else values[0]
        return [*compress(every, map(eq, map(read, every), repeat(wanted)))]

    def _list_any(
        self, kind: type[R], names: tuple[str, ...], wanted: tuple[object, ...]
    ) -> Sequence[R]:
        found = [*_records(self.tables, kind)]
        for name, value in zip(names, wanted, strict=True):
            read, among = attrgetter(name), value if isinstance(value, frozenset) else (value,)
            found = [each for each in found if read(each) in among]
        return found

    async def find_place(self, folder_id: FolderId) -> Place | None:
        folder = await self.find(Folder, id=folder_id)
        environment = await self.find(Environment, id=folder.environment_id) if folder else None
        project = await self.find(Project, id=environment.project_id) if environment else None
        return Place(project, environment, folder) if project and environment and folder else None

    async def list_due(self, now: datetime, *, runs_before: datetime) -> frozenset[Due]:
        looks: Mapping[Due, Sequence[object]] = {
            Due.TURNS: _woken(_records(self.tables, Turn), now),
            Due.RUNS: _woken(_records(self.tables, Run), now),
            Due.ROTATIONS: await self.list_due_rotations(now, limit=1),
            Due.CONNECTIONS: await self.list_due_connections(now),
            Due.DESTINATIONS: await self.list_due_destinations(now, limit=1),
            Due.PROOFS: await self.list_due_proofs(now, limit=1),
            Due.RENEWALS: await self.list_due_renewals(now, limit=1),
            Due.LOOKS: [
                *await self.list_due_looks(Connection, now, limit=1),
                *await self.list_due_looks(ClientRegistration, now, limit=1),
            ],
            Due.NOTICES: [
                *await self.list_due_channels(now, limit=1),
                *await self.list_old_notices(now, limit=1),
            ],
            Due.REPORTS: await self.list_due_reports(now),
            Due.FLOWS: await self.list_due_flows(now, limit=1),
            Due.INVENTORIES: await self.list_due_inventories(now),
            Due.ROLLOUTS: await self.list_due_rollouts(now),
            Due.LEAKS: await self.list_due_leaks(now, limit=1),
            Due.OLD_RUNS: await self.list_ended_runs(runs_before, limit=1),
        }
        return frozenset(due for due, found in looks.items() if found)

    async def list_due_rotations(self, now: datetime, *, limit: int) -> Sequence[Rotation]:
        due = ((each.next_rotation_at, each) for each in _records(self.tables, Rotation))
        return _oldest(due, now)[:limit]

    async def list_due_connections(self, now: datetime) -> Sequence[OktaConnection]:
        due = ((each.next_reconcile_at, each) for each in _records(self.tables, OktaConnection))
        return _oldest(due, now)

    async def list_due_destinations(self, now: datetime, *, limit: int) -> Sequence[Destination]:
        return _oldest(_free(_records(self.tables, Destination), now), now)[:limit]

    async def list_due_renewals(self, now: datetime, *, limit: int) -> Sequence[Connection]:
        return _oldest(_free(_records(self.tables, Connection), now), now)[:limit]

    async def list_due_proofs(self, now: datetime, *, limit: int) -> Sequence[ClientRegistration]:
        due = ((each.due_at, each) for each in _records(self.tables, ClientRegistration))
        return _oldest(due, now)[:limit]

    async def list_due_looks(
        self, kind: type[Looked], now: datetime, *, limit: int
    ) -> Sequence[Looked]:
        every = _records(self.tables, kind)
        free = (each for each in every if not _held(each, now))
        return _oldest(((each.look_at, each) for each in free), now)[:limit]

    async def list_newest(self, kind: type[R], /, *, limit: int, **where: object) -> Sequence[R]:
        return [*reversed(self._list(kind, where))][:limit]

    async def list_old_notices(self, now: datetime, *, limit: int) -> Sequence[Notice]:
        old = ((each.forget_at, each) for each in _records(self.tables, Notice))
        return _oldest(old, now)[:limit]

    async def list_due_channels(self, now: datetime, *, limit: int) -> Sequence[Channel]:
        return _oldest(_free(_records(self.tables, Channel), now), now)[:limit]

    async def list_due_dispatches(
        self, channel_id: ChannelId, now: datetime, *, urgent: bool, limit: int
    ) -> Sequence[Dispatch]:
        of_channel = self._list(Dispatch, {"channel_id": channel_id, "urgent": urgent})
        return _oldest(((each.due_at, each) for each in of_channel), now)[:limit]

    async def list_due_reports(self, now: datetime) -> Sequence[ReportSchedule]:
        return _oldest(((one.due_at, one) for one in _records(self.tables, ReportSchedule)), now)

    async def list_due_flows(self, now: datetime, *, limit: int) -> Sequence[SavedFlow]:
        due = ((each.next_at, each) for each in _records(self.tables, SavedFlow))
        return _oldest(due, now)[:limit]

    async def list_due_inventories(self, now: datetime) -> Sequence[Inventory]:
        return _oldest(((one.due_at, one) for one in _records(self.tables, Inventory)), now)

    async def list_due_rollouts(self, now: datetime) -> Sequence[Rollout]:
        return _oldest(((one.due_at, one) for one in _records(self.tables, Rollout)), now)

    async def list_due_leaks(self, now: datetime, *, limit: int) -> Sequence[LeakReport]:
        due = ((one.due_at, one) for one in _records(self.tables, LeakReport))
        return _oldest(due, now)[:limit]

    async def find_turn_of(self, hash_: SecretHash, /) -> Turn | None:
        turns = reversed([*_records(self.tables, Turn)])
        return next((one for one in turns if hash_ in _hashes_of(one)), None)

    async def list_listed_apps(
        self,
        connection_id: ConnectionId,
        *,
        listed_before: datetime | None = None,
        told: bool = False,
        after: str = "",
        limit: int,
    ) -> Sequence[ListedApp]:
        every = self._list(ListedApp, {"connection_id": connection_id, "gone_at": None})
        past = (one for one in every if one.app_id > after and (one.told or not told))
        wanted = (one for one in past if not listed_before or one.listed_at < listed_before)
        return nsmallest(limit, wanted, key=attrgetter("app_id"))

    async def count_apps(self) -> Sequence[AppCount]:
        there = [one for one in _records(self.tables, ListedApp) if not one.gone_at]
        apps = Counter(one.connection_id for one in there)
        unread = Counter(one.connection_id for one in there if one.unread)
        return [AppCount(each, apps[each], unread[each]) for each in apps]

    async def has_due_runs(self, now: datetime) -> bool:
        return any(run.wake_at and run.wake_at <= now for run in _records(self.tables, Run))

    async def list_sights(
        self, *, project_id: ProjectId | None = None, rotation_id: RotationId | None = None
    ) -> Sequence[RotationSight]:
        of_one = {"rotation_id": rotation_id} if rotation_id else {}
        turns = {turn.rotation_id: turn for turn in self._list(Turn, of_one)}
        current = self._list(Version, {"state": State.CURRENT})
        times = {version.secret_id: version.issued_at for version in current}
        secrets = self._list(Secret, of_one)
        issued = {(one.rotation_id, one.name): times.get(one.id) for one in secrets}
        spots = self._spots(project_id) if project_id else None
        return [
            RotationSight(one, turns.get(one.id), issued.get((one.id, one.mapping.client_secret)))
            for one in self._list(Rotation, {"id": rotation_id} if rotation_id else {})
            if spots is None or one.folder_id in spots
        ]

    def _spots(self, project_id: ProjectId) -> set[FolderId]:
        """Return the folders of a project."""
        ids = {one.id for one in self._list(Environment, {"project_id": project_id})}
        return {one.id for one in _records(self.tables, Folder) if one.environment_id in ids}

    async def list_turns(
        self, rotation_id: RotationId, *, offset: int = 0, limit: int = 1
    ) -> Sequence[Turn]:
        turns = [*reversed(self._list(Turn, {"rotation_id": rotation_id}))]
        return turns[offset : offset + limit]

    async def list_runs(self, flow_id: FlowId, *, limit: int) -> Sequence[Run]:
        return [*reversed(self._list(Run, {"flow_id": flow_id}))][:limit]

    async def list_ended_runs(self, before: datetime, *, limit: int) -> Sequence[Run]:
        every = _records(self.tables, Run)
        return [run for run in every if run.ended_at and run.ended_at < before][:limit]

    async def run_mark(self) -> RunMark:
        return RunMark(len(self.moves), len(self.moves))

    async def list_begun_runs(self, after: int, *, limit: int) -> Sequence[RunSight]:
        return self._sights(after, begun=True)[:limit]

    async def list_changed_runs(self, after: int, *, limit: int) -> Sequence[RunSight]:
        return self._sights(after, begun=False)[:limit]

    def _sights(self, after: int, *, begun: bool) -> Sequence[RunSight]:
        later = enumerate(self.moves[after:], after + 1)
        last = {run_id: rank for rank, (run_id, began) in later if began is begun}
        found = ((rank, self._list(Run, {"id": each})) for each, rank in last.items())
        return sorted((_sight(rank, run) for rank, runs in found for run in runs), key=_RANK)

    async def list_rows(
        self, table_id: TableId, *, after: int = 0, limit: int
    ) -> Sequence[FlowRow]:
        every = self._list(FlowRow, {"table_id": table_id})
        later = (row for row in every if row.number > after)
        return sorted(later, key=attrgetter("number"))[:limit]

    async def list_audit(
        self, *, after: int = 0, limit: int = 1000, wanted: AuditFilter | None = None
    ) -> Sequence[AuditEntry]:
        fits = (wanted or AuditFilter()).fits
        later = (entry for entry in self.audit if entry.number > after)
        return [entry for entry in later if fits(entry.attempt)][:limit]

    async def list_newest_audit(
        self, *, before: int | None = None, limit: int, wanted: AuditFilter | None = None
    ) -> Sequence[AuditEntry]:
        fits = (wanted or AuditFilter()).fits
        earlier = (one for one in reversed(self.audit) if before is None or one.number < before)
        return [*islice((entry for entry in earlier if fits(entry.attempt)), limit)]

    async def latest_audit(self) -> AuditEntry | None:
        return self.audit[-1] if self.audit else None

    async def list_old(self, kind: type[Old], before: datetime, *, limit: int) -> Sequence[Old]:
        return old_of(self.tables, kind, before)[:limit]

    async def list_expiring(
        self, kind: type[Expiring], after: datetime, until: datetime
    ) -> Sequence[Expiring]:
        found = (one for one in _records(self.tables, kind) if expires(one, after, until))
        return sorted(found, key=attrgetter("expires_at"))

    async def figures(self, now: datetime, *, late_before: datetime) -> Figures:
        return figures_of(self.tables, self.audit, now, late_before)

    async def schema_fits(self) -> bool:
        return True

    async def clock(self) -> datetime | None:
        return None

    async def list_served(self, project_id: str) -> Sequence[Served]:
        slugs = {one.id: one.slug for one in self._list(Environment, {"project_id": project_id})}
        every = _records(self.tables, Folder)
        spots = {one.id: (slugs.get(one.environment_id), one.path) for one in every}
        current = self._list(Version, {"state": State.CURRENT})
        versions = {version.secret_id: version.id for version in current}
        found = ((*spots[one.folder_id], one) for one in _records(self.tables, Secret))
        return [
            Served(slug, path, one.name, versions[one.id], one.updated_at)
            for slug, path, one in found
            if slug is not None and one.id in versions
        ]

    def _table(self, kind: type) -> _Table:
        return self.tables.get(kind, _NONE)


class _Transaction(_Snapshot):
    def __init__(self, seen: Backup, revision: int) -> None:
        super().__init__(seen, revision)
        self._seen = seen
        self._touched: set[type] = set()
        self.tables: dict[type, _Table] = dict(seen.tables)
        self._changed: dict[type, dict[Key, Record]] = {}
        self._written: list[Record] = []
        self._shrunk: set[type] = set()

    async def add(self, *records: Record) -> None:
        for record in records:
            key = key_of(record)
            if key in self._table(type(record)):
                raise Taken("Another record has this id.")
            self._put(record, key, None)
        self._touched |= {type(record) for record in records} - {AccessToken}

    async def replace(self, *records: Record) -> None:
        for record in records:
            key = key_of(record)
            stored = self._table(type(record)).get(key)
            if stored is None:
                raise OursError(f"There is no such {type(record).__name__} to replace.")
            if isinstance(record, Turn | Run) and _EPOCH(stored) != record.epoch:
                raise Fenced
            self._put(record, key, stored)
        self._touched |= {type(record) for record in records}

    async def remove(self, *records: Record) -> None:
        for record in records:
            self._own(type(record)).pop(key_of(record), None)
            self._shrunk.add(type(record))
        self._touched |= {type(record) for record in records}

    async def clear_rows(self, table_id: TableId) -> None:
        await self.remove(*self._list(FlowRow, {"table_id": table_id}))

    async def forget_listed(self, connection_id: ConnectionId) -> None:
        for kind in (ListedSecret, ListedApp):
            await self.remove(*self._list(kind, {"connection_id": connection_id}))

    def next_revision(self) -> int:
        """Return the revision once this is committed."""
        return self._revision + bool(self._touched & SERVED)

    async def prune_audit(self, *, before: int) -> None:
        self.audit = [entry for entry in self.audit if entry.number >= before]

    async def append_audit(self, attempt: Attempt) -> AuditEntry:
        entry = linked(attempt, self.audit[-1] if self.audit else None)
        self.audit = [*self.audit, entry]
        return entry

    async def claim_due(
        self, now: datetime, *, owner: str | None, lease: timedelta, limit: int
    ) -> Sequence[Turn]:
        due = _woken(_records(self.tables, Turn), now)[:limit]
        until = now + lease
        claimed = [replace(turn, owner=owner, wake_at=until, epoch=turn.epoch + 1) for turn in due]
        for turn, before in zip(claimed, due, strict=True):
            self._put(turn, key_of(turn), before)
        return claimed

    async def claim_due_runs(
        self, now: datetime, *, owner: str | None, lease: timedelta, limit: int
    ) -> Sequence[Run]:
        due = _woken(_records(self.tables, Run), now)[:limit]
        until = now + lease
        claimed = [replace(run, owner=owner, wake_at=until, epoch=run.epoch + 1) for run in due]
        for run, before in zip(claimed, due, strict=True):
            self._put(run, key_of(run), before)
        return claimed

    async def take_run(
        self, run_id: RunId, *, owner: str | None, wake_at: datetime | None
    ) -> Run | None:
        found = await self.find(Run, id=run_id)
        if found is None or found.ended_at:
            return None
        taken = replace(found, owner=owner, wake_at=wake_at, epoch=found.epoch + 1)
        self._put(taken, key_of(taken), found)
        return taken

    def outcome(self) -> Backup:
        """Return what the store holds once this is published; the same where nothing is new."""
        if not self._changed and self.audit is self._seen.audit:
            return self._seen
        standing = self._standing + bool(self._touched & STANDING)
        listed = self._listed + bool(self._touched & LISTED)
        return Backup(self.tables, self.audit, self.moves, standing, listed)

    def _put(self, record: Record, key: Key, stored: Record | None) -> None:
        once = once_of(record)
        unchanged = stored is not None and once_of(stored) == once
        if isinstance(record, Run) and not (stored and _PHASE(stored) == _PHASE(record)):
            self.moves = [*self.moves, (record.id, stored is None)]
        if once and not unchanged and once in map(once_of, self._table(type(record)).values()):
            raise Taken
        self._own(type(record))[key] = record
        self._written.append(record)

    def _own(self, kind: type) -> dict[Key, Record]:
        """Return the table in a copy of its own: snapshots go on seeing the one they have."""
        if kind not in self._changed:
            self._changed[kind] = self.tables[kind] = dict(self._table(kind))
        return self._changed[kind]

    def require_references(self) -> None:
        """Raise OursError where a record refers to one that is not there."""
        for record in self._written:
            self._require_targets(record)
        for kind, references in REFERENCES.items() if self._shrunk else ():
            if self._shrunk & {*references.values()}:
                for record in self._table(kind).values():
                    self._require_targets(record)

    def _require_targets(self, record: Record) -> None:
        if type(record) in self._shrunk and key_of(record) not in self._table(type(record)):
            return
        for field, target in REFERENCES.get(type(record), {}).items():
            named = getattr(record, field)
            if named is not None and (named,) not in self._table(target):
                kind = type(record).__name__
                raise OursError(f"A {kind} refers to a {target.__name__} that is not there.")


def _records(tables: Mapping[type, _Table], kind: type[R]) -> Iterable[R]:
    return cast("Iterable[R]", tables.get(kind, {}).values())  # a table holds one kind


def _sight(rank: int, run: Run) -> RunSight:
    _, *rest = (field.name for field in fields(RunSight))
    return RunSight(rank, *attrgetter(*rest)(run))


def _free(every: Iterable[_Held], now: datetime) -> Iterable[tuple[datetime | None, _Held]]:
    """Date what nobody holds by when it is due."""
    return ((each.due_at, each) for each in every if not _held(each, now))


def _held(one: Record, now: datetime) -> bool:
    held = isinstance(one, Destination | Connection | Channel) and one.leased_until
    return bool(held and held > now)


def _woken(every: Iterable[_Waking], now: datetime) -> list[_Waking]:
    return _oldest(((each.wake_at, each) for each in every), now)


def _hashes_of(turn: Turn) -> Iterable[SecretHash]:
    return [held.hash for held in (turn.old, turn.new) if held]


def _oldest(dated: Iterable[tuple[datetime | None, T]], now: datetime) -> list[T]:
    due = [(at, each) for at, each in dated if at is not None and at <= now]
    return [each for _, each in sorted(due, key=itemgetter(0))]
