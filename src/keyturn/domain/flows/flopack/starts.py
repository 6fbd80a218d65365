"""By what a flow of an export starts, as ours has it.

Decides what the outputs of the card that starts it are called here.
"""

from collections.abc import Mapping
from typing import Final

from keyturn.domain.errors import InvalidInput
from keyturn.domain.flows.definition import Start
from keyturn.domain.flows.flopack.desk import Desk
from keyturn.domain.flows.flopack.secrets import told
from keyturn.domain.flows.flopack.shapes import Chart, Field, PackCard, PackFlow
from keyturn.domain.flows.flopack.sources import WHO, Source
from keyturn.domain.flows.flopack.table import EVENTS
from keyturn.domain.flows.flopack.valued import Written, named_fields
from keyturn.domain.flows.spec import StartKind
from keyturn.domain.flows.timing import schedule_of
from keyturn.domain.flows.values import Kind, Value

HELPER, ENDPOINT, DELEGATED = "control:callable", "http:accept", "http:delegated"
TIMED: Final = "Scheduled Flow"
SECURITY: Final[Mapping[str, str]] = {"open": "public", "high": "oauth2"}
REGISTRATION: Final = "okta-org"
"""The registration that is asked about tokens, where an endpoint is secured by OAuth."""
_EVENT: Final[Mapping[str, tuple[str, ...]]] = {
    "Date and Time": ("published",),
    "Event Time": ("published",),
    "Message": ("displayMessage",),
    "Event ID": ("uuid",),
    "UUID": ("uuid",),
    "Event Type": ("eventType",),
    "Version": ("version",),
    "Full Details": (),
}
_TARGETS: Final[Mapping[str, str]] = {
    "Okta User": "User",
    "Group": "UserGroup",
    "Application": "AppInstance",
    "App User": "AppUser",
}
"""The types of an event's targets by what Okta's cards call them."""


def find_start(chart: Chart) -> PackCard | None:
    """Return the card that a flow starts by, or None."""
    known = (HELPER, ENDPOINT, DELEGATED)
    starts = [card for card in chart.cards if card.address in known or card.starts]
    return starts[0] if starts else None


def inner_of(chart: Chart) -> Chart | None:
    """Return the cards that run for each event, where an export has them in a card of their own."""
    for card in chart.cards:
        if card.address == "list:asyncEach":
            return next((each.chart for each in card.inputs if each.chart), None)
    return None


def write_start(desk: Desk, flow: PackFlow, start: PackCard | None) -> Written:
    """Return the start of our flow, and note where what comes along is found."""
    match start.address if start else "":
        case "http:accept":
            return _endpoint(desk, flow, start)
        case "http:delegated":
            return _inputs(desk, start, StartKind.DELEGATED)
        case "control:callable" if _is_timed(flow, start) and (schedule := _schedule(desk, flow)):
            _bind(desk, start, {"execution_time": Source(("start", "time"), Kind.TEXT)})
            return schedule
        case "control:callable":
            return _inputs(desk, start, StartKind.HELPER)
        case "":
            return {"kind": StartKind.HELPER.value}
        case _:
            return _event(desk, start)


def _is_timed(flow: PackFlow, start: PackCard | None) -> bool:
    return flow.scheduled or bool(start and start.title == TIMED and flow.cron)


def _bind(desk: Desk, start: PackCard | None, known: Mapping[str, Source]) -> None:
    run = {"execution_id": Source(("run", "id"), Kind.TEXT)}
    for each in start.outputs if start else ():
        found = (run | dict(known)).get(each.key)
        if found:
            desk.sources[start.uuid if start else "", each.id] = found


def _inputs(desk: Desk, start: PackCard | None, kind: StartKind) -> Written:
    shown = [each for each in start.outputs if not each.group] if start else []
    fields = named_fields(shown)
    places = {
        name: Source(("start", "inputs", name), of, sure=False) for name, of in fields.items()
    }
    _bind(desk, start, places)
    told_fields: Value = {name: of.value for name, of in fields.items()}
    return {"kind": kind.value, **({"inputs": told_fields} if fields else {})}


def _endpoint(desk: Desk, flow: PackFlow, start: PackCard | None) -> Written:
    written: Written = {
        "kind": StartKind.ENDPOINT.value,
        "security": SECURITY.get(flow.security, "client_token"),
    }
    for group in ("query", "headers", "body"):
        shown = [each for each in start.outputs if each.group == group] if start else []
        fields = {_called(group, name): of for name, of in named_fields(shown).items()}
        if fields:
            written[group] = {name: of.value for name, of in fields.items()}
    if written["security"] == "oauth2":
        written["oauth"] = {"registration": REGISTRATION}
        desk.note(f"its tokens are asked about by the registration {REGISTRATION}: make it")
    for each in start.outputs if start else ():
        key, way = (start.uuid if start else "", each.id), _way(each)
        if each.name == "raw.body" and each.kind is Kind.OBJECT:
            if key in desk.used:
                parsed = desk.put("json.parse", {"text": "{{ start.raw.body }}"}, "body")
                desk.sources[key] = Source((parsed, "value"))
        elif way:
            kind = each.kind if each.group in written else Kind.ANY
            desk.sources[key] = Source(way, kind, sure=False)
    return written


def _called(group: str, name: str) -> str:
    return name.lower() if group == "headers" else name


def _way(each: Field) -> tuple[str, ...]:
    match each.group:
        case "query" | "headers" | "body":
            return "start", each.group, _called(each.group, each.key)
        case "raw":
            return "start", "raw", each.key
        case "context" if each.key == "execution_id":
            return "run", "id"
        case _:
            return ()


def _schedule(desk: Desk, flow: PackFlow) -> Written | None:
    names = ("minutes", "hours", "dayOfTheMonth", "month", "dayOfTheWeek")
    fields = [_field(flow.cron.get(name)) for name in names]
    zone = flow.cron.get("timeZone")
    settings: Written = {
        "cron": " ".join(fields),
        "zone": zone if isinstance(zone, str) and zone else "UTC",
    }
    try:
        schedule_of(Start(StartKind.SCHEDULE, settings=settings))
    except InvalidInput:
        desk.sheet.lost.append("when it starts: its schedule has another form")
        return None
    return {"kind": StartKind.SCHEDULE.value, **settings}


def _field(told_field: Value) -> str:
    text = str(told_field).strip() if isinstance(told_field, str | int) else "*"
    return text.replace("?", "*") or "*"


def _event(desk: Desk, start: PackCard | None) -> Written:
    name = start.address if start else ""
    family, _, card = name.partition(":")
    event = EVENTS.get(card)
    if family != "@okta" or event is None:
        desk.sheet.unmapped.append(f"{told(start.title if start else '')} ({told(name)})")
        return {"kind": StartKind.HELPER.value}
    return {"kind": StartKind.EVENT.value, "source": "okta", "events": [event]}


def bind_event(desk: Desk, start: PackCard) -> None:
    """Note where the parts of an event are found, with cards that look for its targets."""
    for each in start.outputs:
        key = (start.uuid, each.id)
        if each.key in _EVENT:
            desk.sources[key] = Source(("start", "event", *_EVENT[each.key]), sure=False)
        elif each.key in ("Admin", "Actor"):
            desk.sources[key] = Source(("start", "event", "actor"), sure=False, names=WHO)
        elif each.key in _TARGETS and key in desk.used:
            where: Value = {
                "left": "{{ item.type? }}",
                "is": "equal to",
                "right": _TARGETS[each.key],
            }
            given: Written = {"list": "{{ start.event.target }}", "where": where}
            found = desk.put("list.find", given, each.key)
            desk.sources[key] = Source((found, "item"), sure=False, names=WHO)
        elif each.key == "execution_id":
            desk.sources[key] = Source(("run", "id"), Kind.TEXT)
