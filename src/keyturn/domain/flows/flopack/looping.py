"""Cards of an export that run other flows: one, or one for each item of a list, and tables.

Decides what the other flow is given. What a flow returns is under `result` here.
"""

from collections.abc import Mapping
from typing import Final

from keyturn.domain.flows.catalogue import CARDS
from keyturn.domain.flows.flopack.desk import Desk, Special
from keyturn.domain.flows.flopack.ordering import Step
from keyturn.domain.flows.flopack.shapes import Field, PackCard
from keyturn.domain.flows.flopack.sources import ROW, USER, Names, Source
from keyturn.domain.flows.flopack.steering import TWO
from keyturn.domain.flows.flopack.valued import Unmapped, Written
from keyturn.domain.flows.values import Kind, Value

_OWN: Final = frozenset({"list", "flo", "concurrency", "memo", "index"})
_OPERATORS: Final[Mapping[str, str]] = {**TWO, "=": "equal to", "<>": "not equal to"}


def _helper(desk: Desk, card: PackCard) -> tuple[str, str]:
    """Return the id and our name of the flow that a card runs. Raises Unmapped."""
    found = next((each for each in card.inputs if each.key == "flo"), None)
    wanted = found.data if found else None
    if not isinstance(wanted, str) or wanted not in desk.sheet.helpers:
        raise Unmapped("the flow that it runs is not in the export")
    name = desk.sheet.helpers[wanted]
    if name == desk.sheet.name and card.address != "control:run":
        raise Unmapped("it runs its own flow inside itself, which has no end here")
    return wanted, name


def call(desk: Desk, step: Step) -> None:
    """Write Call Flow."""
    _, name = _helper(desk, step.card)
    given = _given(desk, step.card, None)
    identity = desk.put("flow.call", {"flow": name, **given}, step.card.title)
    for each in step.card.outputs:
        desk.sources[step.card.uuid, each.id] = Source((identity, "result", each.key), sure=False)


def call_async(desk: Desk, step: Step) -> None:
    """Write Call Flow Async."""
    _, name = _helper(desk, step.card)
    if "flow.call_async" not in CARDS:
        raise Unmapped
    given = _given(desk, step.card, None)
    desk.put("flow.call_async", {"flow": name, **given}, step.card.title)


def _given(desk: Desk, card: PackCard, item: Source | None) -> Written:
    """Return what the other flow is given, of the item that is looked at and of other values."""
    inputs: Written = {}
    for each in desk.listed(card):
        if each.key in _OWN and each.item_path is None and (item or each.key == "flo"):
            continue
        if each.item_path is not None and item:
            led = item.lead(each.item_path)
            inputs[each.key[:150]] = str(led) if led.can_be_written else desk.stand_in(card, each)
        else:
            inputs[each.key[:150]] = desk.some(card, each, Kind.ANY)
    return {"inputs": inputs} if inputs else {}


def for_each(desk: Desk, step: Step) -> None:
    """Write For Each, with or without errors, Map and Reduce."""
    card = step.card
    ours = LOOPS[_kind_of(card)]
    wanted, name = _helper(desk, card)
    found = next((each for each in card.inputs if each.key == "list"), None)
    if found is None:
        raise Unmapped("its list has another form")
    names = _names(desk, card, found)
    given: Written = {"list": desk.some(card, found, Kind.LIST)}
    memo = next((each for each in card.inputs if each.key == "memo"), None)
    if memo and ours == "list.reduce":
        given["initial"] = desk.some(card, memo, Kind.ANY)
    called = list[str]()

    def lane() -> None:
        inputs = _given(desk, card, Source(("item",), names=names))
        if ours == "list.reduce" and isinstance(inputs.get("inputs", {}), dict):
            inputs = {"inputs": {**_members(inputs), "memo": "{{ total }}"}}
        called.append(desk.put("flow.call", {"flow": name, **inputs}, "call"))

    cards = desk.lane(lane)
    if ours in ("list.map", "list.reduce"):
        given["give"] = str(Source((called[0], "result", *_only(desk, wanted)), sure=False))
    identity = desk.put(ours, given, card.title, do=cards)
    gives = "total" if ours == "list.reduce" else "list"
    for each in card.outputs:
        kind = Kind.ANY if gives == "total" else Kind.LIST
        desk.sources[card.uuid, each.id] = Source((identity, gives), kind)


def _members(inputs: Written) -> Written:
    held = inputs.get("inputs")
    return held if isinstance(held, dict) else {}


def _kind_of(card: PackCard) -> str:
    return card.address if card.address in LOOPS else f"list:{card.title.lower()}"


def _names(desk: Desk, card: PackCard, found: Field) -> Names:
    pins = desk.pins.get((card.uuid, found.id), ())
    source = desk.source(pins[0].card, pins[0].output) if pins else None
    return source.names if source else {}


def _only(desk: Desk, wanted: str) -> tuple[str, ...]:
    """Return the way to the only value that a flow returns; to all of them where it is not one."""
    returned = desk.sheet.returns.get(wanted, ())
    return returned if len(returned) == 1 else ()


LOOPS: Final[Mapping[str, str]] = {
    "list:each": "list.for_each",
    "list:asyncEach": "list.for_each_ignoring_errors",
    "list:map": "list.map",
    "list:reduce": "list.reduce",
}


# --- tables and users -----------------------------------------------------------------------------


def search_rows(desk: Desk, step: Step) -> None:
    """Write Search Rows: what has to be equal is searched for, the rest is filtered."""
    card = step.card
    table = next((each for each in card.inputs if each.key == "stash"), None)
    if table is None or "table.search_rows" not in CARDS:
        raise Unmapped("its table has another form")
    given: Written = {"table": desk.sheet.tables.get(str(table.data), str(table.data))}
    where, others = _where(desk, card)
    if where:
        given["where"] = where
    sort = next((each for each in card.inputs if each.name == "Sort.Column" and each.data), None)
    if sort:
        given["sort"] = desk.some(card, sort, Kind.TEXT)
        way = next((each.data for each in card.inputs if each.name == "Sort.Direction"), "asc")
        given |= {"descending": True} if way == "desc" else {}
    identity = desk.put("table.search_rows", given, card.title)
    rows = Source((identity, "rows"), Kind.LIST, names=ROW)
    first: tuple[str, ...] = (identity, "first")
    if others:
        kept = desk.put("list.filter", {"list": str(rows), "where": {"all": others}})
        rows, first = Source((kept, "list"), Kind.LIST, names=ROW), (kept, "list", "0")
    for each in card.outputs:
        key = card.uuid, each.id
        is_rows = each.key == "Rows"
        desk.sources[key] = rows if is_rows else Source(first, names=ROW).lead((each.key,))


def _where(desk: Desk, card: PackCard) -> tuple[Written, list[Value]]:
    """Return which values columns have to have, and what else has to hold. Raises Unmapped."""
    found = next((each for each in card.inputs if each.key == "Where Expression"), None)
    parts = found.data.get("expr") if found and isinstance(found.data, dict) else []
    where, others = Written(), list[Value]()
    for number, part in enumerate(parts if isinstance(parts, list) else []):
        if not isinstance(part, dict) or not isinstance(part.get("lhs"), str):
            raise Unmapped("its condition has another form")
        if number and part.get("join") not in (None, "AND"):
            raise Unmapped("its condition has an or in it")
        column, operator = str(part["lhs"]), part.get("op")
        value = _right(desk, card, part)
        if operator in ("=", "==") and column not in where:
            where[column] = value
        elif isinstance(operator, str) and operator in _OPERATORS:
            left = Source(("item", "values", column), sure=False)
            if not left.can_be_written:
                raise Unmapped("a column cannot be named")
            told: Written = {"left": str(left), "is": _OPERATORS[operator], "right": value}
            others.append(told)
        else:
            raise Unmapped("its operator is not known")
    return where, others


def _right(desk: Desk, card: PackCard, part: Written) -> Value:
    match part.get("rhd", part.get("rhs")):
        case {"outputId": str(output), "methodId": str(uuid)}:
            source = desk.source(uuid, output)
            if source is None:
                raise Unmapped("what it compares with is not known")
            return desk.turned(source, Kind.ANY)
        case {"value": value}:
            return desk.literal(card.title, "value", value, Kind.ANY)
        case dict() | list():
            raise Unmapped("its condition has another form")
        case value:
            return desk.literal(card.title, "value", value, Kind.ANY)


def list_by_status(desk: Desk, step: Step) -> None:
    """Write List Users with Filter, which filters by a status."""
    status = desk.find(step.card, ("Inputs.status",))
    if status is None or (step.card.uuid, status.id) in desk.pins:
        raise Unmapped("its filter has another form")
    given: Written = {"filter": f'status eq "{str(status.data)[:40]}"'}
    more = desk.more(step.card, CARDS["okta.list_users_with_filter"])
    identity = desk.put("okta.list_users_with_filter", given, step.card.title, **more)
    desk.note(f"{step.card.title}: items are as Okta's API has them: id, and not ID")
    for each in step.card.outputs:
        desk.sources[step.card.uuid, each.id] = Source((identity, "records"), Kind.LIST, names=USER)


SPECIAL: Final[Mapping[str, Special]] = {
    **dict.fromkeys(LOOPS, for_each),
    "control:call": call,
    "control:run": call_async,
    "@stash:searchRows2": search_rows,
    "@okta:listUsersWithFilter": list_by_status,
}
