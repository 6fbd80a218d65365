"""The figures of an installation, counted by the database.

A few statements over indexes, whatever there is: no row of a rotation is read but of one whose old
secret is waited for. Knows nothing of who
looks at them.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, TypeVar, cast

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    ScalarSelect,
    Select,
    and_,
    bindparam,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
)
from sqlalchemy.sql.base import Executable

from keyturn.adapters.storage.awaited import AsyncConnection
from keyturn.adapters.storage.columns import maker_of
from keyturn.adapters.storage.dues import WHEN, free
from keyturn.adapters.storage.migrations import NEWEST, revision_of
from keyturn.adapters.storage.shapes import Values
from keyturn.adapters.storage.tables import AUDIT, POSITION, TABLES
from keyturn.domain.audit import BACKED_UP
from keyturn.domain.channels import Channel, Dispatch
from keyturn.domain.connection import OktaConnection
from keyturn.domain.destination import Destination
from keyturn.domain.destination import State as Delivering
from keyturn.domain.drift import Finding
from keyturn.domain.identity import AccessToken, AuthMethod, ClientSecret
from keyturn.domain.leaks import LeakReport, Which
from keyturn.domain.leaks import State as Reported
from keyturn.domain.oauth.authorization import AuthorizationRequest
from keyturn.domain.oauth.connection import Connection
from keyturn.domain.oauth.registration import ClientRegistration
from keyturn.domain.project import Organization
from keyturn.domain.rollout import ENDED as OVER
from keyturn.domain.rollout import Kind, Member, Rollout
from keyturn.domain.rollout import State as Running
from keyturn.domain.rotation import Rotation
from keyturn.domain.secret import Receipt, State, Version
from keyturn.domain.turn import Overlap, Phase, Turn
from keyturn.services.ports import Due, Expiring, Figures, Old

T = TypeVar("T")

_rotation, _turn = TABLES[Rotation].c, TABLES[Turn].c
_destination, _dispatch = TABLES[Destination].c, TABLES[Dispatch].c
_okta, _audit = TABLES[OktaConnection].c, AUDIT.c
_open: Final = _turn.ended_at.is_(None)
_member, _rollout, _report = TABLES[Member].c, TABLES[Rollout].c, TABLES[LeakReport].c
_emergencies: Final = select(_rollout.id).where(
    _rollout.kind == Kind.EMERGENCY, _rollout.state == Running.RUNNING
)
_NOW: Final = bindparam("now", type_=_turn.wake_at.type)
_LATE: Final = bindparam("late_before", type_=_turn.wake_at.type)


def _count(*where: ColumnElement[bool]) -> ScalarSelect[int]:
    return select(func.count()).where(*where).scalar_subquery()


def _of(column: ColumnElement[Any], *where: ColumnElement[bool]) -> Select[tuple[object, int]]:
    return select(column, func.count()).where(*where).group_by(column)


GROUPS: Final[Mapping[str, Select[tuple[object, int]]]] = MappingProxyType(
    {
        "turns": _of(_turn.phase, _open),
        "blocked": _of(_turn.blocked_reason, _open, _turn.blocked_reason.is_not(None)),
        "destinations": _of(_destination.state),
        "connections": _of(TABLES[Connection].c.light),
        "registrations": _of(TABLES[ClientRegistration].c.light),
        "findings": _of(TABLES[Finding].c.kind),
        "rollouts": _of(_rollout.state, _rollout.kind == Kind.WAVES, _rollout.state.not_in(OVER)),
        "leaks": _of(_report.state, _report.ended_at.is_(None)),
        "closings": _of(_member.standing, _member.rollout_id.in_(_emergencies)),
    }
)
"""By the field of `Figures`, how many there are of each."""

_waiting: Final = _destination.state == Delivering.WAITING
_until_next: Final = exists().where(
    _rotation.id == _turn.rotation_id, _rotation.policy_overlap == Overlap.UNTIL_NEXT
)
_meant_so: Final = and_(_turn.reinstated == 0, _turn.paused_at.is_(None), _until_next)
"""Waits for the next turn (`domain.orders.waits_for_next`)."""
_overlapping: Final = and_(_turn.phase == Phase.OVERLAPPING, not_(_meant_so))
_by_hand: Final = literal(AuthMethod.TOKEN.name, literal_execute=True)
"""Said in the statement itself, so that SQLite knows the index that is of these tokens alone."""
_backed_up: Final = _audit.attempt_verb == literal(BACKED_UP, literal_execute=True)
"""Said in the statement itself, so that SQLite knows the index that is of these entries alone."""

SINGLE: Final = select(
    select(func.count()).select_from(TABLES[Rotation]).scalar_subquery().label("rotations"),
    select(func.min(_rotation.next_rotation_at)).scalar_subquery().label("next_turn_at"),
    _count(_rotation.next_rotation_at <= _LATE).label("late"),
    _count(_open, _turn.paused_at.is_not(None)).label("paused"),
    select(func.min(_turn.entered_at))
    .where(_open, _overlapping)
    .scalar_subquery()
    .label("overlapping_since"),
    _count(_waiting, _destination.attempts > 0).label("tried"),
    _count(_dispatch.due_at.is_not(None), _dispatch.attempts > 0).label("untold"),
    _count(TABLES[Channel].c.failing_since.is_not(None)).label("unheard"),
    select(func.count())
    .select_from(TABLES[OktaConnection])
    .scalar_subquery()
    .label("okta_connections"),
    _count(_okta.failing_since.is_not(None)).label("unreached"),
    _count(
        _report.state == Reported.OPEN,
        _report.which.is_distinct_from(Which.RETIRED),
        _report.emergency_id.is_(None),
    ).label("unattended"),
    select(func.max(_audit.attempt_at)).where(_backed_up).scalar_subquery().label("backed_up_at"),
    select(func.min(TABLES[Organization].c.created_at)).scalar_subquery().label("installed_at"),
)
"""The fields of `Figures` that are one value each."""


def _since(due: Due) -> ScalarSelect[datetime | None]:
    """Return since when the oldest of a queue is due that nobody has taken up."""
    oldest = [
        select(func.min(table.c[when]).label("at")).where(table.c[when] <= _NOW, *free(table, _NOW))
        for table, when in ((TABLES[kind], when) for kind, when in WHEN[due])
    ]
    if len(oldest) == 1:
        return oldest[0].scalar_subquery()
    one, *more = oldest
    every = one.union_all(*more).subquery()
    return select(func.min(every.c.at)).scalar_subquery()


OLDEST: Final = select(*(_since(due).label(due.name) for due in WHEN))
"""Since when the oldest of each queue is due, in their order."""


CLOCK: Final = select(func.clock_timestamp())
"""What time it is, and not when the transaction began."""


class Counting(ABC):
    """What a snapshot tells of the whole of its records, beside the records themselves."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection: Final = connection

    @abstractmethod
    async def _execute(
        self, statement: Executable, values: Values | None = None
    ) -> CursorResult[tuple[object, ...]]:
        """Run a statement."""

    async def figures(self, now: datetime, *, late_before: datetime) -> Figures:
        """Count how the installation stands."""
        found: dict[str, Any] = {}
        for name, statement in GROUPS.items():
            found[name] = dict(cast("Any", (await self._execute(statement)).all()))
        single = await self._execute(SINGLE, {"late_before": late_before})
        oldest = (await self._execute(OLDEST, {"now": now})).mappings().one()
        due_since = {name: at for name, at in oldest.items() if at is not None}
        return Figures(due_since=cast("Any", due_since), **single.mappings().one(), **found)

    async def schema_fits(self) -> bool:
        """Say whether the schema is the one that this Keyturn works with."""
        return await self._connection.run_sync(revision_of) == NEWEST

    async def clock(self) -> datetime | None:
        """Return what time the server has now; a file has no clock of its own."""
        if self._connection.dialect.name == "sqlite":
            return None
        return cast("datetime", (await self._execute(CLOCK)).scalar_one())

    async def list_old(self, kind: type[Old], before: datetime, *, limit: int) -> Sequence[Old]:
        """Return what was over before a time, and is needed by nothing any more."""
        table = TABLES[kind]
        old = select(table).where(*_old(kind, before)).order_by(table.c[POSITION]).limit(limit)
        return await self._records(kind, old)

    async def list_expiring(
        self, kind: type[Expiring], after: datetime, until: datetime
    ) -> Sequence[Expiring]:
        """Return what is good past one time, and expires by another, the earliest first."""
        return await self._records(kind, look_at_expiring(kind, after, until))

    async def _records(
        self,
        kind: type[T],
        statement: Select[tuple[object, ...]],
        values: Values | None = None,
    ) -> Sequence[T]:
        rows = await self._execute(statement, values)
        make = maker_of(kind, tuple(rows.keys()))
        return [make(row) for row in rows]


def look_at_expiring(kind: type, after: datetime, until: datetime) -> Select[tuple[object, ...]]:
    """Return what asks for that, in the order of the index that finds it."""
    column = TABLES[kind].c
    found = select(TABLES[kind]).where(column.expires_at > after)
    found = found.order_by(column.expires_at, column[POSITION])
    if kind is ClientSecret:
        return found.where(column.expires_at <= until)
    ends = or_(column.expires_at <= until, column.renewable_until <= until)
    return found.where(column.method == _by_hand, ends)


def _old(kind: type, before: datetime) -> Sequence[ColumnElement[bool]]:
    if kind is Turn:
        return _old_turns(before)
    if kind is LeakReport:
        return (TABLES[LeakReport].c.ended_at < before,)
    if kind is Receipt:
        return _old_receipts(before)
    if kind is AccessToken:
        token = TABLES[AccessToken].c
        return (token.expires_at < before, token.renewable_until < before)
    return (TABLES[AuthorizationRequest].c.ends_at < before,)


def _old_turns(before: datetime) -> Sequence[ColumnElement[bool]]:
    turn, later, rotation = TABLES[Turn], TABLES[Turn].alias("later"), TABLES[Rotation]
    followed = exists().where(
        later.c.rotation_id == turn.c.rotation_id, later.c[POSITION] > turn.c[POSITION]
    )
    served = exists().where(
        rotation.c.id == turn.c.rotation_id, rotation.c.last_turn_id == turn.c.id
    )
    proves = exists().where(
        _member.rotation_id == turn.c.rotation_id,
        _member.turn_id == turn.c.id,
        _rollout.id == _member.rollout_id,
        _rollout.kind == Kind.EMERGENCY,
    )
    return (turn.c.ended_at < before, followed, not_(served), not_(proves))


def _old_receipts(before: datetime) -> Sequence[ColumnElement[bool]]:
    receipt, version = TABLES[Receipt].c, TABLES[Version].c
    destroyed = exists().where(
        version.secret_id == receipt.secret_id,
        version.number == receipt.version,
        version.state == State.DESTROYED,
    )
    return (receipt.read_at < before, destroyed)
