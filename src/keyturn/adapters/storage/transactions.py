"""What one can do inside a snapshot and inside a transaction.

Decides which statements keep the promises of `Reading` and `Writing`. Knows nothing of how either
is opened or ended.
"""

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Final, TypeVar, cast

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Select,
    Table,
    Update,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.sql.base import Executable

from keyturn.adapters.storage.awaited import AsyncConnection
from keyturn.adapters.storage.columns import row_of_record
from keyturn.adapters.storage.dues import ANY_DUE, KINDS, free
from keyturn.adapters.storage.entries import look_at_newest, look_at_oldest
from keyturn.adapters.storage.figures import Counting
from keyturn.adapters.storage.indexes import KEYS
from keyturn.adapters.storage.inventories import COUNT_APPS, forgetting, look_at_listed
from keyturn.adapters.storage.places import look_for_place, place_of
from keyturn.adapters.storage.ranks import ranked_as
from keyturn.adapters.storage.shapes import Values, chosen, quiet_addition, quiet_replacement
from keyturn.adapters.storage.sights import look_at_rotations
from keyturn.adapters.storage.tables import AUDIT, POSITION, RANK, REVISION, TABLES
from keyturn.adapters.storage.whole import whole
from keyturn.adapters.storage.words import in_our_words
from keyturn.domain.audit import Attempt, AuditEntry, AuditFilter, linked
from keyturn.domain.changes import Served
from keyturn.domain.channels import Channel, Dispatch
from keyturn.domain.compliance_reports import ReportSchedule
from keyturn.domain.connection import OktaConnection
from keyturn.domain.destination import Destination
from keyturn.domain.errors import Fenced, KeyturnError, OursError
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
from keyturn.domain.inventory import AppCount, Inventory, ListedApp
from keyturn.domain.leaks import LeakReport
from keyturn.domain.notice import Notice
from keyturn.domain.oauth.connection import Connection
from keyturn.domain.oauth.registration import ClientRegistration
from keyturn.domain.project import Environment, Folder, Place
from keyturn.domain.rollout import Rollout
from keyturn.domain.rotation import Rotation, RotationSight
from keyturn.domain.secret import Secret, State, Version
from keyturn.domain.turn import Turn
from keyturn.services.ports import LISTED, SERVED, STANDING, Due, Looked, R, Record

T = TypeVar("T")
Held = TypeVar("Held", Turn, Run)

LATEST: Final = select(AUDIT).order_by(AUDIT.c.number.desc()).limit(1)
"""The newest audit entry: what the next one is tied to."""

COUNTED: Final = {POSITION: SERVED, "standing": STANDING, "listed": LISTED}
"""The kinds whose changes are counted together, by the column of the count."""


class Snapshot(Counting):
    """Records as they are on one connection."""

    async def find(self, kind: type[R], /, **where: object) -> R | None:
        """Return the one record that fits, or None. Raises OursError where more than one does."""
        found = await self._records(kind, *chosen(kind, where, most=2))
        if len(found) > 1:
            raise OursError(f"More than one {kind.__name__} fits {', '.join(where)}.")
        return found[0] if found else None

    async def list(self, kind: type[R], /, **where: object) -> Sequence[R]:
        """Return every record that fits, in the order in which they were added."""
        return await self._records(kind, *chosen(kind, where))

    async def find_place(self, folder_id: FolderId) -> Place | None:
        """Return a folder with its environment and project, in one look."""
        row = (await self._execute(look_for_place(folder_id))).mappings().first()
        return place_of(row) if row else None

    async def list_due(self, now: datetime, *, runs_before: datetime) -> frozenset[Due]:
        """Return of what there is anything due, in one look; runs that ended before are old."""
        times = {"now": now, "runs_before": runs_before}
        [row] = await self._execute(ANY_DUE, times)
        return frozenset(each for each, found in zip(KINDS, row, strict=True) if found)

    async def list_due_rotations(self, now: datetime, *, limit: int) -> Sequence[Rotation]:
        """Return rotations whose ``next_rotation_at`` has come, oldest first."""
        return await self._due(Rotation, "next_rotation_at", now=now, limit=limit)

    async def list_due_connections(self, now: datetime) -> Sequence[OktaConnection]:
        """Return connections whose ``next_reconcile_at`` has come, oldest first."""
        return await self._due(OktaConnection, "next_reconcile_at", now=now)

    async def list_due_destinations(self, now: datetime, *, limit: int) -> Sequence[Destination]:
        """Return destinations whose ``due_at`` has come and that nobody holds, oldest first."""
        return await self._due(Destination, "due_at", now=now, limit=limit)

    async def list_due_renewals(self, now: datetime, *, limit: int) -> Sequence[Connection]:
        """Return connections whose ``due_at`` has come and that nobody holds, oldest first."""
        return await self._due(Connection, "due_at", now=now, limit=limit)

    async def list_due_proofs(self, now: datetime, *, limit: int) -> Sequence[ClientRegistration]:
        """Return registrations whose ``due_at`` has come, oldest first."""
        return await self._due(ClientRegistration, "due_at", now=now, limit=limit)

    async def list_due_looks(
        self, kind: type[Looked], now: datetime, *, limit: int
    ) -> Sequence[Looked]:
        """Return those whose ``look_at`` has come and that nobody holds, oldest first."""
        return await self._due(kind, "look_at", now=now, limit=limit)

    async def list_newest(self, kind: type[R], /, *, limit: int, **where: object) -> Sequence[R]:
        """Return the newest records that fit, the newest first."""
        fits, values = chosen(kind, where, most=limit)
        newest = fits.order_by(None).order_by(TABLES[kind].c[POSITION].desc())
        return await self._records(kind, newest, values)

    async def list_old_notices(self, now: datetime, *, limit: int) -> Sequence[Notice]:
        """Return notices whose ``forget_at`` has come, oldest first."""
        return await self._due(Notice, "forget_at", now=now, limit=limit)

    async def list_due_channels(self, now: datetime, *, limit: int) -> Sequence[Channel]:
        """Return channels whose ``due_at`` has come and that nobody holds, oldest first."""
        return await self._due(Channel, "due_at", now=now, limit=limit)

    async def list_due_dispatches(
        self, channel_id: ChannelId, now: datetime, *, urgent: bool, limit: int
    ) -> Sequence[Dispatch]:
        """Return what is urgent, or is not, whose ``due_at`` has come, oldest first."""
        ways = TABLES[Dispatch]
        mine = select(ways).where(ways.c.channel_id == channel_id, ways.c.urgent == urgent)
        due = mine.where(ways.c.due_at <= now).order_by(ways.c.due_at, ways.c[POSITION])
        return await self._records(Dispatch, due.limit(limit))

    async def list_due_reports(self, now: datetime) -> Sequence[ReportSchedule]:
        """Return of whom a report of compliance is due, oldest first."""
        return await self._due(ReportSchedule, "due_at", now=now)

    async def list_due_flows(self, now: datetime, *, limit: int) -> Sequence[SavedFlow]:
        """Return flows whose ``next_at`` has come, oldest first."""
        return await self._due(SavedFlow, "next_at", now=now, limit=limit)

    async def list_due_inventories(self, now: datetime) -> Sequence[Inventory]:
        """Return inventories whose ``due_at`` has come, oldest first."""
        return await self._due(Inventory, "due_at", now=now)

    async def list_due_rollouts(self, now: datetime) -> Sequence[Rollout]:
        """Return rollouts whose ``due_at`` has come, oldest first."""
        return await self._due(Rollout, "due_at", now=now)

    async def list_due_leaks(self, now: datetime, *, limit: int) -> Sequence[LeakReport]:
        """Return leak reports whose ``due_at`` has come, oldest first."""
        return await self._due(LeakReport, "due_at", now=now, limit=limit)

    async def find_turn_of(self, hash_: SecretHash, /) -> Turn | None:
        """Return the newest turn that made or replaced the credential with a hash, or None."""
        turns = TABLES[Turn]
        held = or_(turns.c.old_hash == hash_, turns.c.new_hash == hash_)
        return next(iter(await self._records(Turn, _newest(turns).where(held).limit(1))), None)

    async def list_listed_apps(
        self,
        connection_id: ConnectionId,
        *,
        listed_before: datetime | None = None,
        told: bool = False,
        after: str = "",
        limit: int,
    ) -> Sequence[ListedApp]:
        """Return apps of an inventory that are not gone, by their ids, past ``after`` only."""
        wanted = look_at_listed(connection_id, listed_before, after, told=told)
        return await self._records(ListedApp, wanted.limit(limit))

    async def count_apps(self) -> Sequence[AppCount]:
        """Count the apps of every inventory that are not gone; one without any has no count."""
        return await self._records(AppCount, COUNT_APPS)

    async def has_due_runs(self, now: datetime) -> bool:
        """Say whether the ``wake_at`` of any run has come."""
        return bool(await self._due(Run, "wake_at", now=now, limit=1))

    async def list_sights(
        self, *, project_id: ProjectId | None = None, rotation_id: RotationId | None = None
    ) -> Sequence[RotationSight]:
        """Return every rotation, or those of a project, or one, as it stands, in one look."""
        return await self._records(RotationSight, *look_at_rotations(project_id, rotation_id))

    async def list_turns(
        self, rotation_id: RotationId, *, offset: int = 0, limit: int = 1
    ) -> Sequence[Turn]:
        """Return the newest turns of a rotation, the newest first."""
        newest = _newest(TABLES[Turn]).where(TABLES[Turn].c.rotation_id == rotation_id)
        return await self._records(Turn, newest.offset(offset).limit(limit))

    async def list_runs(self, flow_id: FlowId, *, limit: int) -> Sequence[Run]:
        """Return the newest runs of a flow, the newest first."""
        newest = _newest(TABLES[Run]).where(TABLES[Run].c.flow_id == flow_id)
        return await self._records(Run, newest.limit(limit))

    async def list_ended_runs(self, before: datetime, *, limit: int) -> Sequence[Run]:
        """Return runs that ended before a time, in the order in which they were added."""
        runs = TABLES[Run]
        ended = select(runs).where(runs.c.ended_at < before).order_by(runs.c[POSITION])
        return await self._records(Run, ended.limit(limit))

    async def run_mark(self) -> RunMark:
        """Return the mark of what has come of runs so far."""
        newest = select(*(func.coalesce(func.max(TABLES[Run].c[n]), 0) for n in (POSITION, RANK)))
        return RunMark(*cast("tuple[int, int]", (await self._execute(newest)).one()))

    async def list_begun_runs(self, after: int, *, limit: int) -> Sequence[RunSight]:
        """Return runs in the order in which they began, those past a rank only."""
        return await self._sights(POSITION, after, limit)

    async def list_changed_runs(self, after: int, *, limit: int) -> Sequence[RunSight]:
        """Return runs in the order in which they last came to another phase, past a rank."""
        return await self._sights(RANK, after, limit)

    async def _sights(self, order: str, after: int, limit: int) -> Sequence[RunSight]:
        runs = TABLES[Run].c
        rank, *rest = (field.name for field in fields(RunSight))
        sights = select(runs[order].label(rank), *(runs[name] for name in rest))
        later = sights.where(runs[order] > after).order_by(runs[order])
        return await self._records(RunSight, later.limit(limit))

    async def list_rows(
        self, table_id: TableId, *, after: int = 0, limit: int
    ) -> Sequence[FlowRow]:
        """Return rows of a table by number, those past ``after`` only."""
        rows = TABLES[FlowRow]
        later = select(rows).where(rows.c.table_id == table_id, rows.c.number > after)
        return await self._records(FlowRow, later.order_by(rows.c.number).limit(limit))

    async def _due(
        self, kind: type[T], when: str, *, now: datetime, limit: int | None = None
    ) -> Sequence[T]:
        table = TABLES[kind]
        due = select(table).where(table.c[when] <= now, *free(table, now)).limit(limit)
        return await self._records(kind, due.order_by(table.c[when], table.c[POSITION]))

    async def list_audit(
        self, *, after: int = 0, limit: int = 1000, wanted: AuditFilter | None = None
    ) -> Sequence[AuditEntry]:
        """Return audit entries by number, those past ``after`` only, and of them those wanted."""
        return await self._records(AuditEntry, look_at_oldest(after, limit, wanted))

    async def list_newest_audit(
        self, *, before: int | None = None, limit: int, wanted: AuditFilter | None = None
    ) -> Sequence[AuditEntry]:
        """Return audit entries, the newest first, those before a number only, and as wanted."""
        return await self._records(AuditEntry, look_at_newest(before, limit, wanted))

    async def latest_audit(self) -> AuditEntry | None:
        """Return the newest audit entry."""
        return next(iter(await self._records(AuditEntry, LATEST)), None)

    async def revision(self) -> int:
        """Return the number of the last change to what is served."""
        return await self._number(REVISION.c[POSITION])

    async def standing(self) -> int:
        """Return the number of the last change to how rotations stand."""
        return await self._number(REVISION.c.standing)

    async def listed(self) -> int:
        """Return the number of the last change to what is known of apps."""
        return await self._number(REVISION.c.listed)

    async def _number(self, column: ColumnElement[int]) -> int:
        row = (await self._execute(select(column))).first()
        return cast("int", row[0]) if row else 0

    async def list_served(self, project_id: str) -> Sequence[Served]:
        """List the secrets that a project serves, without their values, in no order."""
        environment, folder = TABLES[Environment].c, TABLES[Folder].c
        secret, version = TABLES[Secret].c, TABLES[Version].c
        columns = (environment.slug, folder.path, secret.name, version.id, secret.updated_at)
        wanted = (
            select(*columns)
            .join(TABLES[Folder], folder.environment_id == environment.id)
            .join(TABLES[Secret], secret.folder_id == folder.id)
            .join(TABLES[Version], version.secret_id == secret.id)
            .where(environment.project_id == project_id, version.state == State.CURRENT)
        )
        rows = await self._execute(wanted)
        return [Served(*cast("tuple[str, str, str, str, datetime]", row)) for row in rows]

    async def _execute(
        self, statement: Executable, values: Values | None = None
    ) -> CursorResult[tuple[object, ...]]:
        with in_our_words():
            return await whole(self._connection.execute(statement, values))


class Transaction(Snapshot):
    """A snapshot that sees, besides, what is written in it.

    A refusal undoes nothing but itself. PostgreSQL would give up the whole transaction with it, so
    there whatever may be refused is done in a savepoint.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        super().__init__(connection)
        self._touched: set[type] = set()
        self._gives_up: Final = connection.dialect.name != "sqlite"
        self._given_up = False

    async def add(self, *records: Record) -> None:
        """Add new records. Raises Taken where a name or another unique field is in use."""
        for record in records:
            await self._add(record)
        self._touched |= {type(record) for record in records} - {AccessToken}

    async def _add(self, record: Record) -> None:
        """Add a record; one that is taken is added again, to be told why."""
        kind: type = type(record)
        row = row_of_record(record)
        if self._gives_up and (await self._execute(quiet_addition(kind), row)).rowcount:
            return
        await self._change(insert(TABLES[kind]).values(row))

    async def replace(self, *records: Record) -> None:
        """Replace records by their key.

        Raises OursError where one is not there, and Fenced where an epoch has passed.
        """
        for record in records:
            await self._replace(record)
        self._touched |= {type(record) for record in records}

    async def _replace(self, record: Record) -> None:
        """Replace a record; where what is unique of it stays as it was, nothing can be taken."""
        kind: type = type(record)
        row = row_of_record(record)
        quietly = self._gives_up and not isinstance(record, Run)
        if quietly and (await self._execute(*quiet_replacement(kind, row))).rowcount:
            return
        fits = [*_is(record)]
        if isinstance(record, Turn | Run):
            fits.append(TABLES[kind].c.epoch == record.epoch)
        statement = update(TABLES[kind]).where(*fits).values(row)
        if isinstance(record, Run):
            statement = statement.values({RANK: ranked_as(record)})
        if await self._change(statement):
            return
        if isinstance(record, Turn | Run) and await self.find(type(record), id=record.id):
            raise Fenced
        raise OursError(f"There is no such {kind.__name__} to replace.")

    async def remove(self, *records: Record) -> None:
        """Remove records by their key."""
        for record in records:
            await self._execute(delete(TABLES[type(record)]).where(*_is(record)))
        self._touched |= {type(record) for record in records}

    async def prune_audit(self, *, before: int) -> None:
        """Remove the audit entries before a number."""
        await self._execute(delete(AUDIT).where(AUDIT.c.number < before))

    async def clear_rows(self, table_id: TableId) -> None:
        """Remove all rows of a table."""
        rows = TABLES[FlowRow]
        await self._execute(delete(rows).where(rows.c.table_id == table_id))
        self._touched.add(FlowRow)

    async def forget_listed(self, connection_id: ConnectionId) -> None:
        """Remove all apps and client secrets that are listed of a connection's org."""
        for statement in forgetting(connection_id):
            await self._execute(statement)

    async def close(self) -> None:
        """Make the next revision where the transaction has changed what is served, or stands.

        Raises OursError where a statement has failed and PostgreSQL has given the transaction up:
        it would end it without a word.
        """
        if self._given_up:
            raise OursError("A statement has failed, and with it its whole transaction.")
        counts = tuple(name for name, kinds in COUNTED.items() if self._touched & kinds)
        if counts and not (await self._execute(_rise(counts))).rowcount:
            first = {name: int(name in counts) for name in COUNTED}
            await self._execute(insert(REVISION).values(first))

    async def _change(self, statement: Executable) -> int:
        """Change rows and return how many; a refusal undoes nothing but itself."""
        with in_our_words():
            return await whole(self._connection.change(statement, savepoint=self._gives_up))

    async def _execute(
        self, statement: Executable, values: Values | None = None
    ) -> CursorResult[tuple[object, ...]]:
        try:
            return await super()._execute(statement, values)
        except KeyturnError:
            self._given_up = self._gives_up
            raise

    async def append_audit(self, attempt: Attempt) -> AuditEntry:
        """Append the next link of the audit chain."""
        entry = linked(attempt, await self.latest_audit())
        await self._execute(insert(AUDIT).values(row_of_record(entry)))
        return entry

    async def claim_due(
        self, now: datetime, *, owner: str | None, lease: timedelta, limit: int
    ) -> Sequence[Turn]:
        """Claim turns whose ``wake_at`` has come, oldest first."""
        due = await self._claim(Turn, now, owner=owner, wake_at=now + lease, limit=limit)
        return [
            replace(turn, owner=owner, wake_at=now + lease, epoch=turn.epoch + 1) for turn in due
        ]

    async def claim_due_runs(
        self, now: datetime, *, owner: str | None, lease: timedelta, limit: int
    ) -> Sequence[Run]:
        """Claim runs whose ``wake_at`` has come, oldest first."""
        due = await self._claim(Run, now, owner=owner, wake_at=now + lease, limit=limit)
        return [replace(run, owner=owner, wake_at=now + lease, epoch=run.epoch + 1) for run in due]

    async def take_run(
        self, run_id: RunId, *, owner: str | None, wake_at: datetime | None
    ) -> Run | None:
        """Take a run that has not ended from whoever holds it."""
        runs = TABLES[Run]
        wanted = update(runs).where(runs.c.id == run_id, runs.c.ended_at.is_(None))
        values = {"owner": owner, "wake_at": wake_at, "epoch": runs.c.epoch + 1}
        if not (await self._execute(wanted.values(values))).rowcount:
            return None
        return await self.find(Run, id=run_id)

    async def _claim(
        self, kind: type[Held], now: datetime, *, owner: str | None, wake_at: datetime, limit: int
    ) -> Sequence[Held]:
        """Claim what is due, and return it as it was before.

        Nobody can come between the two statements: a transaction holds the only write lock, among
        all the processes of a database.
        """
        table = TABLES[kind]
        oldest = select(table).order_by(table.c.wake_at, table.c[POSITION]).limit(limit)
        due = await self._records(kind, oldest.where(table.c.wake_at <= now))
        if not due:
            return due
        claim = update(table).where(table.c.id.in_([each.id for each in due]))
        values = {"owner": owner, "wake_at": wake_at, "epoch": table.c.epoch + 1}
        await self._execute(claim.values(values))
        return due


@cache
def _rise(counts: tuple[str, ...]) -> Update:
    """Return the statement that counts a change; it finds no row before the first."""
    return update(REVISION).values({name: REVISION.c[name] + 1 for name in counts})


def _newest(table: Table) -> Select[tuple[object, ...]]:
    return select(table).order_by(table.c[POSITION].desc())


def _is(record: Record) -> Iterable[ColumnElement[bool]]:
    table = TABLES[type(record)]
    return [table.c[name] == getattr(record, name) for name in KEYS[type(record)]]
