"""A `.flopack` is read: flows of cards, and which output is pinned to which input.

Decides what is no such file, and which of its flows cannot be read.
"""

import json
import math
from collections.abc import Iterator
from typing import Final, TypeAlias, TypeGuard, TypeVar

from keyturn.domain.flows.flopack.shapes import (
    Chart,
    Connection,
    Field,
    LeftOut,
    Pack,
    PackCard,
    PackFlow,
    PackRefused,
    Pin,
    Retry,
    Table,
)
from keyturn.domain.flows.reading import RETRY_DEFAULT_S
from keyturn.domain.flows.values import Kind, Value, parse_json

T = TypeVar("T", str, bool, dict[str, Value], list[Value])
Object: TypeAlias = dict[str, Value]

PACK_MAX: Final = 50_000_000
"""How many characters a file has at most."""
FLOWS_MAX: Final = 2000
CARDS_MAX: Final = 1000
EDGES_MAX: Final = 100_000
INSIDE_MAX: Final = 15
"""How deep flows lie inside cards of flows at most."""
VERSIONS: Final = ("1.2", "1.3", "1.4", "1.5")
EXACT: Final = 2**53
"""Whole numbers past this one are texts, as not every reader takes them for the same."""
KINDS: Final = {
    "string": Kind.TEXT,
    "Date": Kind.TEXT,
    "number": Kind.NUMBER,
    "boolean": Kind.BOOLEAN,
    "object": Kind.OBJECT,
}


def read_pack(text: str) -> Pack:
    """Read an export. Raises PackRefused, which quotes nothing of it but names."""
    told = _parse(text)
    if not isinstance(told, dict) or told.get("type") != "flopack":
        raise PackRefused("", "is no .flopack: an object whose type is flopack")
    version = _text(told, "version", "")
    if ".".join(version.split(".")[:2]) not in VERSIONS:
        raise PackRefused("version", f"must be one of {', '.join(VERSIONS)}, is {version[:20]}")
    data = _needed(told, "data", dict, "")
    flows = _needed(data, "flos", dict, "data")
    if len(flows) > FLOWS_MAX:
        raise PackRefused("data.flos", f"has more than {FLOWS_MAX:,} flows")
    read, left_out = list[PackFlow](), list[tuple[str, str]]()
    for number, (key, each) in enumerate(flows.items(), 1):
        try:
            read.append(_flow(key, each, f"flow {number}"))
        except LeftOut as error:
            left_out.append((_name_of(each, f"flow {number}"), str(error)))
    return Pack(
        version,
        tuple(read),
        tuple(_connections(data)),
        {key: _table(each) for key, each in _objects(data, "tables")},
        tuple(left_out),
    )


def _parse(text: str) -> Value:
    if len(text) > PACK_MAX:
        raise PackRefused("", f"has more than {PACK_MAX:,} characters")
    try:
        told = parse_json(text)
    except RecursionError:
        raise PackRefused("", "lies too deep inside itself") from None
    except json.JSONDecodeError as error:
        raise PackRefused(f"line {error.lineno}", "is no JSON") from None
    except ValueError:
        raise PackRefused("", "has a number that is too long or too large") from None
    return told


# --- flows ----------------------------------------------------------------------------------------


def _flow(key: str, told: Value, where: str) -> PackFlow:
    if not isinstance(told, dict):
        raise LeftOut("is no object")
    data = _member(told, "data", dict)
    cron = data.get("cron")
    return PackFlow(
        id=key,
        name=_name_of(told, where),
        description=_cleaned(_or_nothing(told.get("description"), str, "")),
        chart=_chart(data, 0),
        cron=cron if isinstance(cron, dict) else {},
        scheduled=data.get("scheduled") is True,
        security=_or_nothing(data.get("security_level"), str, ""),
    )


def _name_of(told: Value, otherwise: str) -> str:
    name = told.get("name") if isinstance(told, dict) else None
    return _cleaned(name)[:200] if isinstance(name, str) and name else otherwise


def _chart(told: Object, depth: int) -> Chart:
    if depth > INSIDE_MAX:
        raise LeftOut(f"flows lie more than {INSIDE_MAX} deep inside each other")
    methods = _member(told, "methods", list)
    if len(methods) > CARDS_MAX:
        raise LeftOut(f"has more than {CARDS_MAX:,} cards")
    cards = tuple(_card(each, depth) for each in methods)
    if len({card.uuid for card in cards}) < len(cards):
        raise LeftOut("two of its cards have the same uuid")
    pins: dict[tuple[str, str], list[Pin]] = {}
    for card, each in zip(cards, methods, strict=True):
        for to, pin in _pins(card.uuid, each):
            pins.setdefault(to, []).append(pin)
    return Chart(cards, tuple(_edges(told)), {to: tuple(each) for to, each in pins.items()})


def _edges(told: Object) -> Iterator[tuple[str, str]]:
    orderings = told.get("orderings")
    if not isinstance(orderings, dict):
        raise LeftOut("its orderings are missing, or no object")
    if len(orderings) > EDGES_MAX:
        raise LeftOut(f"has more than {EDGES_MAX:,} orderings")
    for edge in orderings.values():
        match edge:
            case [str(before), str(after)]:
                if before != after:
                    yield before, after
            case _:
                raise LeftOut("one of its orderings is no pair of cards")


def _pins(uuid: str, told: Value) -> Iterator[tuple[tuple[str, str], Pin]]:
    pins = _or_nothing(told.get("pins") if isinstance(told, dict) else None, dict, {})
    for output, targets in pins.items():
        for card, inputs in _or_nothing(targets, dict, {}).items():
            for each in _or_nothing(inputs, list, []):
                if not isinstance(each, dict) or not isinstance(each.get("input"), str):
                    raise LeftOut("one of its pins leads to no input")
                convert = _convert(each.get("transform"))
                yield (card, str(each["input"])), Pin(uuid, output, convert)


def _convert(told: Value) -> str:
    for each in _or_nothing(told, dict, {}).values():
        return _or_nothing(_or_nothing(each, dict, {}).get("convert"), str, "")
    return ""


def _card(told: Value, depth: int) -> PackCard:
    if not isinstance(told, dict):
        raise LeftOut("one of its cards is no object")
    address = _address(_member(told, "address", str))
    uuid = _member(told, "uuid", str)
    node = _member(told, "node", dict)
    model = _member(node, "model", dict)
    data = _or_nothing(node.get("data"), dict, {})
    error = _or_nothing(_or_nothing(model.get("policy"), dict, {}).get("error"), dict, {})
    handler = error.get("flo")
    return PackCard(
        uuid=uuid,
        address=address,
        title=_cleaned(_or_nothing(data.get("name"), str, ""))[:100] or address,
        inputs=tuple(_fields(model, "inputs", depth)),
        outputs=tuple(_fields(model, "outputs", depth)),
        branches=_or_nothing(told.get("branches"), dict, {}),
        joins=_joins(told),
        config=_or_nothing(model.get("config"), str, ""),
        comment=_comment(model.get("comments")),
        retry=_retry(error),
        on_error=handler if isinstance(handler, str) else "",
        catch=_chart(handler, depth + 1) if isinstance(handler, dict) else None,
        starts=model.get("webhook") is True or model.get("monitor") is True,
    )


def _address(text: str) -> str:
    match text.split(":"):
        case ["root", "kernel", family, _, name]:
            return f"{family}:{name}"[:100]
        case ["root", "channels", _, family, _, name]:
            return f"@{family}:{name}"[:100]
        case _:
            raise LeftOut("one of its cards has an address of another form")


def _joins(told: Object) -> dict[str, str]:
    joins = {}
    for name, outputs in _or_nothing(told.get("joins"), dict, {}).items():
        match outputs:
            case [{"output": str(output)}, *_]:
                joins[name] = output
    return joins


def _comment(told: Value) -> str:
    if isinstance(told, dict):
        parts = (_or_nothing(told.get(name), str, "").strip() for name in ("title", "markdown"))
        return _cleaned("\n".join(part for part in parts if part))
    return ""


def _retry(error: Object) -> Retry | None:
    times = error.get("retry")
    if isinstance(times, bool) or not isinstance(times, int) or times < 1:
        return None
    match error.get("delay"):
        case [int() | float() as delay, *_] | (int() | float() as delay):
            return Retry(times, delay / 1000)
        case _:
            return Retry(times, RETRY_DEFAULT_S)


def _fields(model: Object, name: str, depth: int) -> Iterator[Field]:
    told = _or_nothing(model.get(name), dict, {})
    for key, each in _or_nothing(told.get("data"), dict, {}).items():
        yield _field(key, _or_nothing(each, dict, {}), depth)


def _field(key: str, told: Object, depth: int) -> Field:
    value = _or_nothing(told.get("value"), dict, {})
    metadata = _or_nothing(told.get("metadata"), dict, {})
    kind, data, index = value.get("type"), value.get("data"), metadata.get("index")
    inside = kind == "flo" and isinstance(data, dict)
    known = KINDS.get(kind, Kind.ANY) if isinstance(kind, str) else Kind.OBJECT
    source = metadata.get("srcMethodId"), metadata.get("srcOutputId")
    return Field(
        id=key,
        group=_or_nothing(told.get("group"), str, ""),
        key=_cleaned(_or_nothing(told.get("key"), str, "")),
        kind=Kind.LIST if value.get("collection") is True else known,
        date=kind == "Date",
        data=None if inside else _plain(data),
        index=index if isinstance(index, int | float) else math.inf,
        title=_cleaned(_or_nothing(metadata.get("displayname"), str, "")),
        item_path=_item_path(value.get("proxy")),
        source=(str(source[0]), str(source[1])) if all(source) else None,
        path=_path(metadata.get("path")),
        chart=_chart(data, depth + 1) if inside and isinstance(data, dict) else None,
    )


def _item_path(told: Value) -> tuple[str, ...] | None:
    match told:
        case {"dynamic": True, "path": str(path)} if path:
            return tuple(_cleaned(path).split("."))
        case {"dynamic": True, "path": list(path)}:
            return _path(path)
        case {"dynamic": True}:
            return ()
        case _:
            return None


def _path(told: Value) -> tuple[str, ...]:
    return tuple(_cleaned(str(step)) for step in told) if isinstance(told, list) else ()


# --- what JSON says -------------------------------------------------------------------------------


def _connections(data: Object) -> Iterator[Connection]:
    for key, each in _objects(data, "configs"):
        where = "data.configs"
        yield Connection(key, _text(each, "name", where), _text(each, "module", where))


def _table(told: Object) -> Table:
    structure = _or_nothing(told.get("data"), dict, {}).get("structure")
    columns = (each.get("name") for each in _or_nothing(structure, list, []) if _is_object(each))
    named = tuple(_cleaned(each) for each in columns if isinstance(each, str))
    return Table(_text(told, "name", "data.tables"), named)


def _is_object(told: Value) -> TypeGuard[Object]:
    return isinstance(told, dict)


def _objects(data: Object, name: str) -> Iterator[tuple[str, Object]]:
    told = data.get(name)
    if told is not None and not isinstance(told, dict):
        raise PackRefused(f"data.{name}", "must be an object")
    for key, each in (told or {}).items():
        if not isinstance(each, dict):
            raise PackRefused(f"data.{name}", "holds something that is no object")
        yield key, each


def _needed(told: Object, name: str, kind: type[T], where: str) -> T:
    value = told.get(name)
    if not isinstance(value, kind):
        at = f"{where}.{name}" if where else name
        raise PackRefused(at, f"must be there, as {_called(kind)}")
    return value


def _member(told: Object, name: str, kind: type[T]) -> T:
    value = told.get(name)
    if not isinstance(value, kind):
        raise LeftOut(f"{name} must be there, as {_called(kind)}")
    return value


def _text(told: Object, name: str, where: str) -> str:
    return _cleaned(_needed(told, name, str, where))


def _called(kind: type) -> str:
    return {"str": "a text", "list": "a list", "dict": "an object"}[kind.__name__]


def _or_nothing(value: Value, kind: type[T], otherwise: T) -> T:
    return value if isinstance(value, kind) else otherwise


def _cleaned(text: str) -> str:
    """Return a text without what is no character: halves of pairs."""
    return text.encode("utf-8", "replace").decode()


def _plain(value: Value) -> Value:
    match value:
        case str():
            return _cleaned(value)
        case dict():
            return {_cleaned(name): _plain(each) for name, each in value.items()}
        case list():
            return [_plain(each) for each in value]
        case bool():
            return value
        case int() if abs(value) > EXACT:
            return str(value)
        case _:
            return value
