"""The store in memory.

Keeps what `Store` promises, durability aside: uniqueness, references, fencing, undo and snapshots.
Records are frozen and tables never change once they are published, so that a snapshot is cheap.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from operator import attrgetter, itemgetter
from types import MappingProxyType
from typing import Final, TypeVar, cast

from keyturn.domain.access import AccessToken, Identity
from keyturn.domain.audit import Attempt, AuditEntry, linked
from keyturn.domain.budget import Window
from keyturn.domain.connection import OktaConnection
from keyturn.domain.drift import Finding
from keyturn.domain.errors import Fenced, OursError, Taken
from keyturn.domain.project import Environment, Folder, Organization, Project
from keyturn.domain.rotation import Rotation
from keyturn.domain.secret import Receipt, Secret, Version
from keyturn.domain.turn import Turn
from keyturn.services.ports import R, Reading, Record, TurnStep, Writing

T = TypeVar("T")

_Key = tuple[object, ...]
_Table = Mapping[_Key, Record]

KEYS: Final[Mapping[type, tuple[str, ...]]] = MappingProxyType(
    {
        AccessToken: ("hash",),
        TurnStep: ("turn_id", "number"),
        Receipt: ("secret_id", "identity_id"),
        Window: ("org", "principal", "bucket"),
    }
)
"""The fields that tell records apart, where that is not the id."""

ONCE: Final[Mapping[type, tuple[str, ...]]] = MappingProxyType(
    {
        Project: ("organization_id", "slug"),
        Environment: ("project_id", "slug"),
        Folder: ("environment_id", "path"),
        Identity: ("client_id",),
        OktaConnection: ("organization_id", "name"),
        Rotation: ("folder_id", "name"),
        Secret: ("folder_id", "name"),
        Version: ("secret_id", "number"),
    }
)
"""The other fields that no two records share."""

REFERENCES: Final[Mapping[type, Mapping[str, type]]] = MappingProxyType(
    {
        Project: {"organization_id": Organization},
        Environment: {"project_id": Project},
        Folder: {"environment_id": Environment},
        Identity: {"organization_id": Organization, "project_id": Project},
        AccessToken: {"identity_id": Identity},
        OktaConnection: {"organization_id": Organization, "project_id": Project},
        Rotation: {"folder_id": Folder, "connection_id": OktaConnection},
        Turn: {"rotation_id": Rotation},
        TurnStep: {"turn_id": Turn},
        Secret: {"folder_id": Folder, "rotation_id": Rotation},
        Version: {"secret_id": Secret},
        Receipt: {"secret_id": Secret, "identity_id": Identity},
        Finding: {"rotation_id": Rotation},
    }
)
"""The fields that name another record by its id, or nothing."""


@dataclass(frozen=True)
class Backup:
    """Everything that a store held at one moment."""

    tables: Mapping[type, _Table]
    audit: Sequence[AuditEntry]

    def list(self, kind: type[R]) -> Sequence[R]:
        """List the records of a kind, in the order in which they were added."""
        return [each for each in self.tables.get(kind, {}).values() if isinstance(each, kind)]


class MemoryStore:
    """Records in memory, gone with the process."""

    def __init__(self) -> None:
        self._tables: Mapping[type, _Table] = {}
        self._audit: Sequence[AuditEntry] = ()
        self._turnstile = asyncio.Lock()

    def backup(self) -> Backup:
        """Return what is held now; it costs nothing, because published tables never change."""
        return Backup(self._tables, self._audit)

    def restore(self, backup: Backup) -> None:
        """Hold what a backup held, and forget what came after it."""
        self._tables, self._audit = backup.tables, backup.audit

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Reading]:
        """Open a snapshot."""
        yield _Snapshot(self._tables, self._audit)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Writing]:
        """Open a transaction that writes, once every other one has ended."""
        async with self._turnstile:
            transaction = _Transaction(self._tables, self._audit)
            yield transaction
            transaction.require_references()
            self._tables, self._audit = transaction.tables, transaction.audit


class _Snapshot:
    def __init__(self, tables: Mapping[type, _Table], audit: Sequence[AuditEntry]) -> None:
        self.tables = dict(tables)
        self.audit = audit

    async def find(self, kind: type[R], /, **where: object) -> R | None:
        found = await self.list(kind, **where)
        if len(found) > 1:
            raise OursError(f"More than one {kind.__name__} fits {', '.join(where)}.")
        return found[0] if found else None

    async def list(self, kind: type[R], /, **where: object) -> Sequence[R]:
        if tuple(where) == KEYS.get(kind, ("id",)):
            found = self._table(kind).get(tuple(where.values()))
            return [found] if isinstance(found, kind) else []
        if not where:
            return [*self._all(kind)]
        wanted, read = tuple(where.values()), _reader(tuple(where))
        return [each for each in self._all(kind) if read(each) == wanted]

    async def list_due_rotations(self, now: datetime, *, limit: int) -> Sequence[Rotation]:
        due = ((each.next_rotation_at, each) for each in self._all(Rotation))
        return _oldest(due, now)[:limit]

    async def list_due_connections(self, now: datetime) -> Sequence[OktaConnection]:
        due = ((each.next_reconcile_at, each) for each in self._all(OktaConnection))
        return _oldest(due, now)

    async def list_audit(self, *, after: int = 0, limit: int = 1000) -> Sequence[AuditEntry]:
        return [entry for entry in self.audit if entry.number > after][:limit]

    def _all(self, kind: type[R]) -> Iterable[R]:
        return cast("Iterable[R]", self._table(kind).values())  # a table holds one kind

    def _table(self, kind: type) -> _Table:
        return self.tables.get(kind, {})


class _Transaction(_Snapshot):
    def __init__(self, tables: Mapping[type, _Table], audit: Sequence[AuditEntry]) -> None:
        super().__init__(tables, audit)
        self._changed: dict[type, dict[_Key, Record]] = {}
        self._written: list[Record] = []
        self._shrunk: set[type] = set()

    async def add(self, *records: Record) -> None:
        for record in records:
            if _key(record) in self._table(type(record)):
                raise Taken("Another record has this id.")
            self._put(record)

    async def replace(self, *records: Record) -> None:
        for record in records:
            stored = self._table(type(record)).get(_key(record))
            if stored is None:
                raise OursError(f"There is no such {type(record).__name__} to replace.")
            if isinstance(record, Turn) and _values(stored, ["epoch"]) != (record.epoch,):
                raise Fenced
            self._put(record)

    async def remove(self, *records: Record) -> None:
        for record in records:
            self._own(type(record)).pop(_key(record), None)
            self._shrunk.add(type(record))

    async def append_audit(self, attempt: Attempt) -> AuditEntry:
        entry = linked(attempt, self.audit[-1] if self.audit else None)
        self.audit = [*self.audit, entry]
        return entry

    async def claim_due(
        self, now: datetime, *, owner: str | None, lease: timedelta, limit: int
    ) -> Sequence[Turn]:
        due = _oldest(((turn.wake_at, turn) for turn in self._all(Turn)), now)[:limit]
        until = now + lease
        claimed = [replace(turn, owner=owner, wake_at=until, epoch=turn.epoch + 1) for turn in due]
        for turn in claimed:
            self._put(turn)
        return claimed

    def _put(self, record: Record) -> None:
        once, key = _once(record), _key(record)
        others = self._table(type(record)).items() if once else ()
        if any(once == _once(other) and at != key for at, other in others):
            raise Taken
        self._own(type(record))[key] = record
        self._written.append(record)

    def _own(self, kind: type) -> dict[_Key, Record]:
        """Return the table in a copy of its own: snapshots go on seeing the one they have."""
        if kind not in self._changed:
            self._changed[kind] = self.tables[kind] = dict(self._table(kind))
        return self._changed[kind]

    def require_references(self) -> None:
        """Raise OursError where a record refers to one that is not there."""
        for record in self._written:
            self._require_targets(record)
        for kind, references in REFERENCES.items():
            if self._shrunk & {*references.values()}:
                for record in self._table(kind).values():
                    self._require_targets(record)

    def _require_targets(self, record: Record) -> None:
        if _key(record) not in self._table(type(record)):
            return
        for field, target in REFERENCES.get(type(record), {}).items():
            named = _values(record, [field])
            if named != (None,) and named not in self._table(target):
                kind = type(record).__name__
                raise OursError(f"A {kind} refers to a {target.__name__} that is not there.")


def _values(record: Record, names: Iterable[str]) -> _Key:
    return _reader(tuple(names))(record)


@cache
def _reader(names: tuple[str, ...]) -> Callable[[Record], _Key]:
    """Return what reads these fields of a record, quickly: a simulation does little else."""
    if len(names) == 1:
        one = attrgetter(names[0])
        return lambda record: (one(record),)
    read: Callable[[Record], _Key] = attrgetter(*names) if names else lambda record: ()
    return read


def _key(record: Record) -> _Key:
    return _values(record, KEYS.get(type(record), ("id",)))


def _once(record: Record) -> _Key:
    """Return what no other record of its kind may have too; a rotation has one open turn."""
    if isinstance(record, Turn):
        return (record.rotation_id,) if record.ended_at is None else ()
    return _values(record, ONCE.get(type(record), ()))


def _oldest(dated: Iterable[tuple[datetime | None, T]], now: datetime) -> list[T]:
    due = [(at, each) for at, each in dated if at is not None and at <= now]
    return [each for _, each in sorted(due, key=itemgetter(0))]
