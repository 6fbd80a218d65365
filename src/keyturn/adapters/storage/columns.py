"""How a frozen dataclass lies in columns.

Decides it from the dataclass's own fields: a plain field is one column, a nested dataclass one
column a field with its name in front. Knows no table by name.
"""

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime, time, timedelta
from enum import Enum
from functools import cache
from operator import attrgetter, itemgetter
from types import NoneType
from typing import Any, NewType, TypeVar, cast, get_args, get_origin, get_type_hints

from sqlalchemy import BigInteger, Column, Dialect, Integer, LargeBinary, Table, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

T = TypeVar("T")
Cell = Callable[[Any], Any]
Cells = Sequence[object]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

WHOLE_NUMBER = BigInteger().with_variant(Integer(), "sqlite")
"""64 bits on every database; a STRICT table of SQLite knows them as INTEGER alone."""


class _AnyText(TypeDecorator[str]):
    """Text of any characters in PostgreSQL, whose texts have no place for U+0000.

    It is written as U+001A and 0, and U+001A itself twice: equal texts stay equal.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Write a text."""
        if value is None:
            return None
        return value.replace("\x1a", "\x1a\x1a").replace("\x00", "\x1a0")

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Read a text."""
        if value is None or "\x1a" not in value:
            return value
        return "\x1a".join(part.replace("\x1a0", "\x00") for part in value.split("\x1a\x1a"))


class _Converted(TypeDecorator[Any]):
    """A value that lies in its column as something plainer."""

    impl = Text
    cache_ok = True

    def __init__(
        self,
        plain: TypeEngine[Any],
        write: Callable[[Any], object],
        read: Callable[[Any], object],
    ) -> None:
        super().__init__()
        self.plain = plain
        self.write = write
        self.read = read

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Tell SQLAlchemy what the column is."""
        return self.plain

    def process_bind_param(self, value: object, dialect: Dialect) -> object:
        """Write a value."""
        return None if value is None else self.write(value)

    def process_result_value(self, value: object, dialect: Dialect) -> object:
        """Read a value."""
        return None if value is None else self.read(value)


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def _instant(microseconds: int) -> datetime:
    return _EPOCH + microseconds * _MICROSECOND


_TYPES: Mapping[type, TypeEngine[Any]] = {
    str: Text().with_variant(_AnyText(), "postgresql"),
    int: WHOLE_NUMBER,
    bytes: LargeBinary(),
    bool: _Converted(WHOLE_NUMBER, int, bool),  # a STRICT table of SQLite has no BOOLEAN
    datetime: _Converted(WHOLE_NUMBER, _microseconds, _instant),
    time: _Converted(Text(), time.isoformat, time.fromisoformat),
    tuple: _Converted(Text(), json.dumps, lambda text: tuple(json.loads(text))),
}


def _type_of(kind: type) -> TypeEngine[Any]:
    """Keep a member of an enum by its name: values may be sentences, and those get reworded."""
    if issubclass(kind, Enum):
        return _Converted(Text(), attrgetter("name"), kind.__members__.__getitem__)
    return _TYPES[kind]


@dataclass(frozen=True)
class _Part:
    name: str
    type: type
    optional: bool
    nested: bool


@cache
def _parts(kind: type) -> Mapping[str, _Part]:
    if not is_dataclass(kind):
        raise TypeError(f"{kind} is no dataclass")
    hints = get_type_hints(kind)
    return {field.name: _part(field.name, hints[field.name]) for field in fields(kind)}


def _part(name: str, hint: object) -> _Part:
    optional = NoneType in get_args(hint)
    inner = next(each for each in get_args(hint) if each is not NoneType) if optional else hint
    while isinstance(inner, NewType):
        inner = inner.__supertype__
    if get_origin(inner) is tuple and get_args(inner) == (str, ...):
        inner = tuple
    if not isinstance(inner, type):
        raise TypeError(f"{name}: {hint} does not lie in a column")
    return _Part(name, inner, optional, is_dataclass(inner))


def plain_of(column: Column[Any], value: object) -> object:
    """Return a cell's value as JSON can hold it, the same on every database; bytes as base64."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    kind = column.type
    return kind.write(value) if isinstance(kind, _Converted) and value is not None else value


def cell_of(column: Column[Any], plain: object) -> object:
    """Return the value of a cell from what `plain_of` made of it."""
    kind = column.type
    if plain is None:
        return None
    if isinstance(kind, LargeBinary):
        return base64.b64decode(str(plain))
    return kind.read(plain) if isinstance(kind, _Converted) else plain


def columns_of(kind: type, prefix: str = "", *, nullable: bool = False) -> Iterator[Column[Any]]:
    """Return a new column for each plain field of a dataclass, nested ones included.

    Raises TypeError for a field whose type has no place in a column.
    """
    for part in _all(kind):
        name, optional = prefix + part.name, nullable or part.optional
        if is_dataclass(part.type):
            yield from columns_of(part.type, f"{name}_", nullable=optional)
        else:
            yield Column(name, _type_of(part.type), nullable=optional)


def row_of(kind: type, values: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """Lay some fields of a dataclass out as columns; a nested None is None in all of its columns.

    Raises KeyError for a field that the dataclass does not have.
    """
    row: dict[str, object] = {}
    for name, value in values.items():
        inner = _parts(kind)[name].type
        if is_dataclass(inner):
            row |= row_of(inner, _fields_of(inner, value), f"{prefix}{name}_")
        else:
            row[prefix + name] = value
    return row


def row_of_record(record: object) -> dict[str, object]:
    """Lay a whole record out as columns."""
    kind: type = type(record)
    return {name: read(record) for name, read in _readers(kind).items()}


def cells_of(kind: type, table: Table, dialect: Dialect) -> Mapping[str, Cell]:
    """Return what makes each cell of a record as the database's driver takes it.

    SQLAlchemy does the same for every row anew; by it, rows that come by the thousand a second cost
    more than the database does.
    """
    return {
        name: _bound(read, table.c[name].type.dialect_impl(dialect).bind_processor(dialect))
        for name, read in _readers(kind).items()
    }


def _bound(read: Cell, write: Cell | None) -> Cell:
    return (lambda record: write(read(record))) if write else read


@cache
def _readers(kind: type) -> Mapping[str, Cell]:
    """Return what reads the value of each column from a record; most records are written often."""
    readers: dict[str, Cell] = {}
    for part in _all(kind):
        if is_dataclass(part.type):
            nested = _readers(part.type).items()
            outer = attrgetter(part.name)
            readers |= {f"{part.name}_{name}": _inside(outer, read) for name, read in nested}
        else:
            readers[part.name] = attrgetter(part.name)
    return readers


def _inside(outer: Cell, read: Cell) -> Cell:
    def inside(record: object) -> object:
        value = outer(record)
        return None if value is None else read(value)

    return inside


def _fields_of(kind: type, value: object) -> dict[str, object]:
    return {name: None if value is None else getattr(value, name) for name in _parts(kind)}


def record_of(kind: type[T], row: Mapping[str, object]) -> T:
    """Make a record of a row; an optional nested value is None where all of its columns are."""
    return maker_of(kind, tuple(row))(tuple(row.values()))


def maker_of(kind: type[T], names: tuple[str, ...]) -> Callable[[Cells], T]:
    """Return what makes a record of a row's cells, which lie in columns of these names.

    Who reads many rows has the columns looked for once.
    """
    plain: type = kind
    return _maker(plain, names, "")


@cache
def _maker(kind: type, names: tuple[str, ...], prefix: str) -> Cell:
    make = _by_place(kind)
    parts = [*_all(kind)]
    own = _picker([0 if p.nested else names.index(prefix + p.name) for p in parts])
    nested = [
        (at, _inner_maker(part, names, f"{prefix}{part.name}_"))
        for at, part in enumerate(parts)
        if part.nested
    ]

    def made(row: Cells) -> object:
        values = [*own(row)]
        for at, inner in nested:
            values[at] = inner(row)
        return make(*values)

    return made


def _inner_maker(part: _Part, names: tuple[str, ...], prefix: str) -> Cell:
    make = _maker(part.type, names, prefix)
    if not part.optional:
        return make
    cells = _picker([names.index(prefix + column) for column in _readers(part.type)])
    absent = (None,) * len(_readers(part.type))
    return lambda row: None if cells(row) == absent else make(row)


def _picker(places: Sequence[int]) -> Callable[[Cells], tuple[object, ...]]:
    """Return what picks the cells at these places out of a row."""
    if len(places) == 1:
        return lambda row: (row[places[0]],)
    return itemgetter(*places)


def _by_place(kind: Callable[..., object]) -> Callable[..., object]:
    """Return what makes a record of all its fields in their order, also those that want a name."""
    told = fields(cast("Any", kind))
    if not any(field.kw_only for field in told):
        return kind
    names = [field.name for field in told]
    return lambda *values: kind(**dict(zip(names, values, strict=True)))


def _all(kind: type) -> Iterable[_Part]:
    return _parts(kind).values()
