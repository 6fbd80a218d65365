"""How the state of an org is written as JSON, and read back.

Values say what they are: JSON's own kinds stand for themselves, everything else is an object with
one name that begins with `$`. An instance is written only when its class belongs to this package,
attribute by attribute, and read without running any of its code. It knows no class by name: what
an org holds is the org's business.
"""

import base64
import json
import re
import sys
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import datetime, timedelta
from random import Random
from types import MappingProxyType, MethodType
from typing import cast

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OctKey, RSAKey

from keyturn.sandbox.http import Json

PACKAGE = "keyturn.sandbox."
CLASS_NAME = re.compile(r"([a-z_.]+)\.(\w+)")
Object = dict[str, Json]


class SnapshotError(ValueError):
    """Something cannot be written to a snapshot, or is not what a snapshot holds."""


class Writer:
    """Writes values; what can change and is met again is written once and then referred to.

    So is `owner`, which is not written itself: the one that everything belongs to.
    """

    def __init__(self, owner: object) -> None:
        self._numbers = {id(owner): 0}
        self._collections: set[int] = set()

    def write(self, value: object) -> Json:
        """Return a value as JSON; SnapshotError for one that has no form."""
        if value is None or isinstance(value, bool | int | float | str):
            return value
        writer = _WRITERS.get(type(value))
        if writer is not None:
            return writer(self, value)
        if type(value).__module__.startswith(PACKAGE):
            return self._write_instance(value)
        raise SnapshotError(f"{type(value).__qualname__} has no place in a snapshot")

    def write_all(self, values: Mapping[str, object]) -> Object:
        """Return named values as a JSON object."""
        return {name: self.write(value) for name, value in values.items()}

    def write_state(self, attributes: Mapping[str, object]) -> Object:
        """Return what an instance holds; SnapshotError for a collection that another holds too.

        Read back it would be two, each with a life of its own.
        """
        for name, value in attributes.items():
            if isinstance(value, dict | list | set | deque):
                if id(value) in self._collections:
                    raise SnapshotError(f"{name} is held in two places")
                self._collections.add(id(value))
        return self.write_all(attributes)

    def _write_instance(self, value: object) -> Json:
        kind = f"{type(value).__module__.removeprefix(PACKAGE)}.{type(value).__qualname__}"
        if _is_frozen(type(value)):
            return {"$is": kind, "of": self.write_all(_attributes(value))}
        if id(value) in self._numbers:
            return {"$same": self._numbers[id(value)]}
        number = self._numbers[id(value)] = len(self._numbers)
        return {"$is": kind, "no": number, "of": self.write_state(_attributes(value))}


class Reader:
    """Reads what a `Writer` wrote, in the same order, for an owner of the same class."""

    def __init__(self, owner: object) -> None:
        self._met = {0: owner}

    def read(self, value: Json) -> object:
        """Return the value that was written; SnapshotError for what no writer writes."""
        if isinstance(value, list):
            return [self.read(item) for item in value]
        if not isinstance(value, dict):
            return value
        mark = next(iter(value), "")
        if not mark.startswith("$"):
            return self.read_all(value)
        if mark not in _READERS:
            raise SnapshotError(f"a snapshot knows nothing of {mark}")
        try:
            return _READERS[mark](self, value)
        except (KeyError, TypeError, ValueError, AttributeError, JoseError) as error:
            raise SnapshotError(f"not a valid {mark} of a snapshot: {error}") from error

    def read_all(self, values: Mapping[str, Json]) -> dict[str, object]:
        """Return the values of a JSON object by their names."""
        return {name: self.read(value) for name, value in values.items()}

    def read_method(self, value: Object) -> object:
        """Return a method of something met before."""
        name, owner = str(value["$method"]), self.read(value["of"])
        method: object = getattr(owner, name)
        if name.startswith("__") or not isinstance(method, MethodType):
            raise SnapshotError(f"{name} is no method that a snapshot may name")
        return method

    def read_same(self, value: Object) -> object:
        """Return what was read before under a number."""
        return self._met[cast(int, value["$same"])]

    def read_instance(self, value: Object) -> object:
        """Return an instance of one of the package's classes."""
        kind = _find_class(str(value["$is"]))
        made: object = object.__new__(kind)
        if "no" in value:
            self._met[cast(int, value["no"])] = made
        held = self.read_all(cast(Object, value["of"]))
        for name, attribute in _complete(kind, held).items():
            object.__setattr__(made, name, attribute)
        return made


def _find_class(name: str) -> type:
    found = CLASS_NAME.fullmatch(name)
    module = sys.modules.get(PACKAGE + found[1]) if found else None
    kind = getattr(module, found[2], None) if found else None
    if not isinstance(kind, type) or kind.__module__ != PACKAGE + name.rpartition(".")[0]:
        raise SnapshotError(f"the sandbox has no {name}")
    return kind


def _is_frozen(kind: type) -> bool:
    parameters = getattr(kind, "__dataclass_params__", None)
    return parameters is not None and parameters.frozen


def _attributes(value: object) -> dict[str, object]:
    if is_dataclass(value):
        return {f.name: getattr(value, f.name) for f in fields(value)}
    return vars(value)


def _complete(kind: type, held: dict[str, object]) -> dict[str, object]:
    """Return the attributes of an instance, defaults added; SnapshotError for unknown ones."""
    if not is_dataclass(kind):
        return held
    known = {f.name: f for f in fields(kind)}
    if held.keys() - known.keys():
        raise SnapshotError(f"{kind.__name__} has no {sorted(held.keys() - known.keys())}")
    return {name: held[name] if name in held else _default(known[name]) for name in known}


def _default(field: Field[object]) -> object:
    if field.default_factory is not MISSING:
        return field.default_factory()
    if field.default is MISSING:
        raise SnapshotError(f"{field.name} is missing")
    return field.default


# --- what is not JSON's own ---------------------------------------------------------------------


def _write_method(writer: Writer, value: MethodType) -> Json:
    return {"$method": value.__name__, "of": writer.write(value.__self__)}


def _write_dict(writer: Writer, value: Mapping[object, object]) -> Json:
    if all(isinstance(key, str) and not key.startswith("$") for key in value):
        return writer.write_all(cast("Mapping[str, object]", value))
    return {"$dict": [[writer.write(key), writer.write(item)] for key, item in value.items()]}


def _write_items(mark: str) -> Callable[[Writer, tuple[object, ...]], Json]:
    return lambda writer, value: {mark: [writer.write(item) for item in value]}


def _write_set(writer: Writer, value: set[object]) -> Json:
    return {"$set": sorted((writer.write(item) for item in value), key=json.dumps)}


def _write_deque(writer: Writer, value: deque[object]) -> Json:
    return {"$deque": [writer.write(item) for item in value], "most": value.maxlen}


def _write_chance(writer: Writer, value: Random) -> Json:
    version, state, spare = value.getstate()
    return {"$random": [version, list(state), spare]}


def _read_chance(reader: Reader, value: Object) -> Random:
    version, state, spare = cast("tuple[int, list[int], float | None]", value["$random"])
    chance = Random()
    chance.setstate((version, tuple(state), spare))
    return chance


def _read_items(reader: Reader, value: Object) -> list[object]:
    """Return the items under the mark, which comes first."""
    return [reader.read(item) for item in cast("list[Json]", next(iter(value.values())))]


def _read_pairs(reader: Reader, value: Object) -> dict[object, object]:
    pairs = cast("list[list[Json]]", value["$dict"])
    return {reader.read(key): reader.read(item) for key, item in pairs}


def _read_key(reader: Reader, value: Object) -> object:
    return JWKRegistry.import_key(cast("dict[str, str | list[str]]", value["$jwk"]))


def _write_key(writer: Writer, value: RSAKey | ECKey | OctKey) -> Json:
    return {"$jwk": cast(Json, value.as_dict(private=True))}


_WRITERS: dict[type, Callable[[Writer, object], Json]] = cast(
    "dict[type, Callable[[Writer, object], Json]]",
    {
        list: lambda writer, value: [writer.write(item) for item in value],
        dict: _write_dict,
        MappingProxyType: _write_dict,
        tuple: _write_items("$tuple"),
        set: _write_set,
        frozenset: _write_set,
        deque: _write_deque,
        Counter: lambda writer, value: {"$counter": dict(value)},
        bytes: lambda writer, value: {"$bytes": base64.b64encode(value).decode()},
        datetime: lambda writer, value: {"$time": value.isoformat()},
        timedelta: lambda writer, value: {"$seconds": value.total_seconds()},
        Random: _write_chance,
        MethodType: _write_method,
        RSAKey: _write_key,
        ECKey: _write_key,
        OctKey: _write_key,
    },
)
_READERS: dict[str, Callable[[Reader, Object], object]] = {
    "$is": Reader.read_instance,
    "$same": Reader.read_same,
    "$method": Reader.read_method,
    "$dict": _read_pairs,
    "$tuple": lambda reader, value: tuple(_read_items(reader, value)),
    "$set": lambda reader, value: set(_read_items(reader, value)),
    "$deque": lambda reader, value: deque(
        _read_items(reader, value), cast("int | None", value["most"])
    ),
    "$counter": lambda reader, value: Counter(cast("dict[str, int]", value["$counter"])),
    "$bytes": lambda reader, value: base64.b64decode(str(value["$bytes"])),
    "$time": lambda reader, value: datetime.fromisoformat(str(value["$time"])),
    "$seconds": lambda reader, value: timedelta(seconds=cast(float, value["$seconds"])),
    "$random": _read_chance,
    "$jwk": _read_key,
}
