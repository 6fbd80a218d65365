"""Cards of an export that branch, and those that put texts and values together.

A card that branches has its lanes either as cards of the same flow, or as flows that lie in it; the
values that come out of lanes are chosen by a card after them.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from keyturn.domain.flows.flopack.desk import HIDDEN, Desk, Special
from keyturn.domain.flows.flopack.ordering import Step, arrange
from keyturn.domain.flows.flopack.shapes import Chart, Field, PackCard
from keyturn.domain.flows.flopack.sources import ERROR, Source
from keyturn.domain.flows.flopack.valued import Unmapped, Written
from keyturn.domain.flows.values import Kind, Value

RETURN: Final = "control:return"
START: Final = "control:callable"
TWO: Final[Mapping[str, str]] = {
    "==": "equal to",
    "!=": "not equal to",
    ">=": "greater than or equal to",
    "<=": "less than or equal to",
    ">": "greater than",
    "<": "less than",
    "in": "in",
    "has": "contains",
    "doesn't have": "does not contain",
}
ONE: Final[Mapping[str, str]] = {"is empty": "empty", "is not empty": "not empty"}
STREAMING: Final = "streaming"
_DATES: Final[Mapping[str, tuple[str, bool]]] = {
    "<": ("before", True),
    ">": ("after", True),
    ">=": ("before", False),
    "<=": ("after", False),
}
"""What date.compare has to say of the first date, and whether it has to hold."""


def condition(desk: Desk, card: PackCard, group: str = "") -> Value:
    """Return a condition of ours for two operands and an operator. Raises Unmapped."""
    fields = {each.key: each for each in card.inputs if each.group == group}
    if not {"left-operand", "operator"} <= fields.keys():
        raise Unmapped("its condition has another form")
    operator = fields["operator"].data
    left, right = fields["left-operand"], fields.get("right-operand")
    if operator in ONE:
        return {"left": desk.some(card, left, Kind.ANY), "is": ONE[str(operator)]}
    if right is None:
        raise Unmapped("its condition has another form")
    if operator in _DATES and (left.date or right.date):
        return _dates(desk, card, (left, right), str(operator))
    if operator == "%":
        numbers = {
            "a": desk.some(card, left, Kind.NUMBER),
            "b": desk.some(card, right, Kind.NUMBER),
        }
        rest = desk.put("number.modulo", numbers)
        return {"left": str(Source((rest, "number"))), "is": "equal to", "right": 0}
    first, second = _operand(desk, card, left, right), _operand(desk, card, right, left)
    match operator:
        case "not in":
            return {"not": {"left": first, "is": "in", "right": second}}
        case str() if operator in TWO:
            return {"left": first, "is": TWO[operator], "right": second}
        case _:
            raise Unmapped("its operator is not known")


def _operand(desk: Desk, card: PackCard, one: Field, other: Field) -> Value:
    """Return an operand; a text that stands there is a number where the other is one."""
    pinned = (card.uuid, one.id) in desk.pins
    wanted = other.kind if not pinned and other.kind in (Kind.TEXT, Kind.NUMBER) else Kind.ANY
    return desk.some(card, one, wanted)


def _dates(desk: Desk, card: PackCard, pair: tuple[Field, Field], operator: str) -> Value:
    first, second = (desk.some(card, each, Kind.TEXT) for each in pair)
    told, holds = _DATES[operator]
    compared = desk.put("date.compare", {"date": first, "other": second})
    return {"left": str(Source((compared, told))), "is": "true" if holds else "false"}


# --- lanes of the same flow -----------------------------------------------------------------------


def if_else(desk: Desk, step: Step) -> None:
    """Write If/Else."""
    lanes = {label: lane for label, lane in step.lanes if isinstance(label, bool)}
    if not lanes:
        raise Unmapped("its lanes have another form")
    when = condition(desk, step.card)
    inner = {label: desk.lane(partial(desk.steps, own)) for label, own in lanes.items()}
    more: Written = {"else": inner[False]} if inner.get(False) else {}
    identity = desk.put(
        "branch.if_else", {"when": when}, step.card.title, then=inner.get(True, []), **more
    )
    for each in step.card.outputs:
        desk.sources[step.card.uuid, each.id] = Source((identity, "result"), Kind.BOOLEAN)
    desk.joining = step, identity


def join(desk: Desk, step: Step) -> None:
    """Choose the values that come out of the lanes before."""
    if desk.joining is None:
        return
    branched, identity = desk.joining
    holds = Source((identity, "result"))
    inside = {label: Step(branched.card, ((label, lane),)).inside for label, lane in branched.lanes}
    outputs = {each.id: each for each in step.card.outputs}
    for each in step.card.inputs:
        output = outputs.get(step.card.joins.get(each.id, ""))
        if output is None or (step.card.uuid, output.id) not in desk.used:
            continue
        ways: dict[Value, Source | None] = {}
        for pin in desk.pins.get((step.card.uuid, each.id), ()):
            label = next((one for one, uuids in inside.items() if pin.card in uuids), None)
            ways[label] = desk.source(pin.card, pin.output)
        when: Written = {"left": str(holds), "is": "true"}
        way = (when, _told(ways.get(True)))
        source = choose(desk, each.key, [way], _told(ways.get(False)))
        desk.sources[step.card.uuid, output.id] = source


def _told(source: Source | None) -> Value:
    return str(source.doubtful()) if source else None


def choose(
    desk: Desk, called: str, ways: Sequence[tuple[Written, Value]], otherwise: Value
) -> Source:
    """Write cards that choose a value by conditions, the first that holds; return where it is."""
    source: Source | None = None
    for when, value in reversed(ways):
        last = str(source) if source else otherwise
        given: Written = {"when": dict(when), "then": value, "else": last}
        kept = {name: each for name, each in given.items() if each is not None}
        source = Source((desk.put("branch.assign_if", kept, called), "value"))
    return source or Source(("missing", "value"))


# --- lanes that are flows -------------------------------------------------------------------------


class _Inner:
    """Write a flow that lies in a card, as a lane; what it returns is assigned there."""

    def __init__(self, desk: Desk, card: PackCard) -> None:
        self.desk, self.card = desk, card
        self.returned: list[tuple[str, PackCard]] = []

    def lane(self, chart: Chart, error: Source | None = None) -> list[Value]:
        start = next((each for each in chart.cards if each.address == START), None)
        self._bind(start, error)
        ends = [each for each in chart.cards if each.address == RETURN]
        if ends and [each.card for each in arrange(chart) if _is_seen(each.card)][-1:] != ends:
            raise Unmapped("a flow in it returns before its end")
        self.returned.append(("", ends[0]) if ends else ("", self.card))
        return self.desk.lane(partial(self._write, chart, start))

    def _bind(self, start: PackCard | None, error: Source | None) -> None:
        """Lead what the inner flow is given to where it comes from in the outer one."""
        outer = {each.key: each for each in self.card.inputs if each.group not in ("", "if")}
        for each in start.outputs if start else ():
            key = (start.uuid if start else "", each.id)
            if each.key == "error" and error:
                self.desk.sources[key] = error
            elif each.key in outer:
                pins = self.desk.pins.get((self.card.uuid, outer[each.key].id), ())
                found = self.desk.source(pins[0].card, pins[0].output) if pins else None
                if found:
                    self.desk.sources[key] = found

    def _write(self, chart: Chart, start: PackCard | None) -> None:
        desk = self.desk
        outer, desk.special = desk.special, {**desk.special, RETURN: self._return, START: _nothing}
        try:
            desk.chart(chart)
        finally:
            desk.special = outer
        desk.sheet.cards -= bool(start)

    def _return(self, desk: Desk, step: Step) -> None:
        given = desk.members(step.card, desk.listed(step.card), deep=False)
        if given:
            identity = desk.put("flow.assign", given, "came")
            self.returned[-1] = (identity, step.card)

    def values(self, key: str) -> list[Value]:
        """Return what each lane returned by a name; None for one that did not."""
        found: list[Value] = []
        for identity, card in self.returned:
            has = identity and any(each.key == key for each in card.inputs)
            found.append(_told(Source((identity, key))) if has else None)
        return found


def _is_seen(card: PackCard) -> bool:
    return card.address not in HIDDEN and card.address != "control:comment"


def _nothing(_desk: Desk, _step: Step) -> None:
    """Write nothing."""


def if_error(desk: Desk, step: Step) -> None:
    """Write If Error: what is tried, and then what runs where that failed."""
    card, inner = step.card, _Inner(desk, step.card)
    tried = next((each.chart for each in card.inputs if each.chart), None)
    if tried is None:
        raise Unmapped("what it tries has another form")
    lane = inner.lane(tried)
    identity = desk.put("error.if_error", {}, card.title, **{"try": lane})
    failed: Written = {"left": str(Source((identity, "failed"))), "is": "true"}
    if card.catch:
        error = Source((identity, "error"), Kind.OBJECT, sure=True, names=ERROR)
        caught = inner.lane(card.catch, error)
        if caught:
            desk.put("branch.if_else", {"when": failed}, "if_failed", then=caught)
    for each in card.outputs:
        if (card.uuid, each.id) in desk.used:
            good, *bad = inner.values(each.key)
            way = (failed, bad[0] if bad else None)
            desk.sources[card.uuid, each.id] = choose(desk, each.key, [way], good)


def if_else_if(desk: Desk, step: Step) -> None:
    """Write If/ElseIf: a condition for each group, and a flow that runs where it holds."""
    card, inner = step.card, _Inner(desk, step.card)
    charts = {each.group: each.chart for each in card.inputs if each.chart}
    cases: list[Value] = []
    for group, chart in charts.items():
        if group != "else":
            when = condition(desk, card, group)
            cases.append({"when": when, "then": inner.lane(chart)})
    if not cases:
        raise Unmapped("its cases have another form")
    more: Written = {"else": inner.lane(charts["else"])} if "else" in charts else {}
    identity = desk.put("branch.if_else_if", {}, card.title, cases=cases, **more)
    for each in card.outputs:
        if (card.uuid, each.id) in desk.used:
            values = inner.values(each.key)
            number = str(Source((identity, "case")))
            ways: list[tuple[Written, Value]] = [
                ({"left": number, "is": "equal to", "right": case}, values[case - 1])
                for case in range(1, len(cases) + 1)
            ]
            last = values[-1] if "else" in charts else None
            desk.sources[card.uuid, each.id] = choose(desk, each.key, ways, last)


# --- one card -------------------------------------------------------------------------------------


def continue_if(desk: Desk, step: Step) -> None:
    """Write Continue If."""
    given: Written = {"when": condition(desk, step.card)}
    message = desk.find(step.card, ("otherwise.message", "message"))
    if message and ((step.card.uuid, message.id) in desk.pins or message.data):
        given["message"] = desk.value(step.card, message, Kind.TEXT, template=True)
    desk.put("branch.continue_if", given, step.card.title)


def return_error_if(desk: Desk, step: Step) -> None:
    """Write Return Error If."""
    given: Written = {"when": condition(desk, step.card)}
    for ours, theirs, kind in (
        ("status", "statusCode", Kind.NUMBER),
        ("message", "message", Kind.TEXT),
    ):
        found = next((each for each in step.card.inputs if each.key == theirs), None)
        if found:
            given[ours] = desk.value(step.card, found, kind, template=ours == "message")
    if "message" not in given:
        raise Unmapped("its message has another form")
    desk.put("error.return_error_if", given, step.card.title)


def assign_if(desk: Desk, step: Step) -> None:
    """Write Assign If: a condition, and a value for each way."""
    when = condition(desk, step.card)
    words = {"then": ("true", "then", "if true"), "else": ("false", "else", "if false")}
    found = {ours: desk.find(step.card, keys) for ours, keys in words.items()}
    others = [each for each in desk.listed(step.card) if "operand" not in each.key]
    others = [each for each in others if each.key != "operator"]
    if None in found.values():
        if len(others) != 2:
            raise Unmapped("its values have another form")
        found = dict(zip(words, others, strict=True))
    given = {ours: desk.some(step.card, each, Kind.ANY) for ours, each in found.items() if each}
    identity = desk.put("branch.assign_if", {"when": when, **given}, desk.called(step.card))
    for each in step.card.outputs:
        desk.sources[step.card.uuid, each.id] = Source((identity, "value"))


def compose(desk: Desk, step: Step) -> None:
    """Write Compose: a text with places for others in it."""
    text = desk.find(step.card, ("_text_",))
    if text is None or not isinstance(text.data, str):
        raise Unmapped("its text has another form")
    places = {
        each.key: desk.some(step.card, each, Kind.ANY)
        for each in step.card.inputs
        if each.id != text.id
    }
    given: Written = {"text": desk.composed(step.card.title, text.data, places)}
    identity = desk.put("text.compose", given, desk.called(step.card))
    for each in step.card.outputs:
        desk.sources[step.card.uuid, each.id] = Source((identity, "text"), Kind.TEXT)


def get_multiple(desk: Desk, step: Step) -> None:
    """Write Get Multiple: each output is a way into the object."""
    whole = desk.find(step.card, ("object", "#0"))
    if whole is None:
        raise Unmapped("its object has another form")
    ways = {each.key: each for each in step.card.outputs if each.group != "context"}
    given: Written = {
        "object": desk.some(step.card, whole, Kind.OBJECT),
        "paths": {key: key for key in ways},
    }
    identity = desk.put("object.get_multiple", given, step.card.title)
    for key, each in ways.items():
        desk.sources[step.card.uuid, each.id] = Source((identity, "values", key))


def comment(desk: Desk, step: Step) -> None:
    """Write a comment, if it says anything."""
    desk.say(step.card.comment)


def ends_of_list(desk: Desk, step: Step) -> None:
    """Write Get First Item or Get Last Item, which also give the list without it."""
    found = desk.find(step.card, ("list", "#0"))
    if found is None:
        raise Unmapped("its list has another form")
    first = step.card.address == "list:shift"
    whole = desk.some(step.card, found, Kind.LIST)
    identity = desk.put("list.first" if first else "list.last", {"list": whole}, step.card.title)
    for each in step.card.outputs:
        key = (step.card.uuid, each.id)
        if each.key == "item":
            desk.sources[key] = Source((identity, "item"))
        elif key in desk.used:
            if not first:
                raise Unmapped("the list without its last item is asked for")
            rest = desk.put("list.slice", {"list": whole, "start": 1})
            desk.sources[key] = Source((rest, "list"), Kind.LIST)


def now(desk: Desk, step: Step) -> None:
    """Write Now, with the parts of the date that are asked for."""
    identity = desk.put("date.now", {}, step.card.title)
    date = Source((identity, "date"), Kind.TEXT)
    parts = ""
    for each in step.card.outputs:
        key = (step.card.uuid, each.id)
        if each.key in ("date", "iso", "full"):
            desk.sources[key] = date
        elif each.key in ("year", "day", "hour", "minute", "second") and key in desk.used:
            parts = parts or desk.put("date.parts", {"date": str(date)})
            desk.sources[key] = Source((parts, each.key), Kind.NUMBER)


def custom_call(desk: Desk, step: Step) -> None:
    """Write a Custom API Action; one that streams names its helper as no export that we know."""
    kind = desk.find(step.card, ("parameters.requestType",))
    if kind and STREAMING in str(kind.data).lower():
        raise Unmapped("it streams records to a helper flow: write it as okta.stream_pages")
    desk.by_table(step)


SPECIAL: Final[Mapping[str, Special]] = {
    "@okta:hTTPRequest": custom_call,
    "control:if": if_else,
    "control:join": join,
    "control:noop": _nothing,
    "control:branch": if_else_if,
    "control:tryCatch": if_error,
    "control:continueIf": continue_if,
    "control:throwIf": return_error_if,
    "control:assignIf": assign_if,
    "control:ternary": assign_if,
    "control:comment": comment,
    "string:compose": compose,
    "object:pick": get_multiple,
    "list:shift": ends_of_list,
    "list:pop": ends_of_list,
    "date:now": now,
}
