"""The System Log: `/api/v1/logs`, bounded requests and polling ones.

A polling request (no `until`, ascending) gets events in the order of their arrival and always a
`next` link; a bounded one gets them by `published`, and a `next` link while there is more.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from keyturn.sandbox import errors, refusals
from keyturn.sandbox.errors import OktaError
from keyturn.sandbox.http import Answer, Header, Json, Request, render_json
from keyturn.sandbox.routing import Call, Route
from keyturn.sandbox.scim import (
    BadFilter,
    Comparison,
    Filter,
    Values,
    find_values,
    list_comparisons,
    parse_filter,
)
from keyturn.sandbox.shapes.log import render_debug, render_event
from keyturn.sandbox.state.org import Org
from keyturn.sandbox.state.systemlog import LogEvent

PATH = "/api/v1/logs"
DEFAULT_LIMIT, MAX_LIMIT = 100, 1000
MAX_WORDS, LONGEST_WORD = 10, 40
MILLISECOND, JUST_UNDER_IT = timedelta(milliseconds=1), timedelta(microseconds=999)
LOOK_BACK, KEPT, OLDEST = timedelta(days=7), timedelta(days=90), timedelta(days=180)
CURSOR = re.compile(r"\d+_(\d+)")
MEMBERS = frozenset(
    {
        "actor",
        "authenticationContext",
        "client",
        "debugContext",
        "device",
        "displayMessage",
        "eventType",
        "legacyEventType",
        "outcome",
        "request",
        "securityContext",
        "severity",
        "target",
        "transaction",
        "uuid",
        "version",
    }
)
WITHOUT_CO = ("debugContext.debugData.url", "debugContext.debugData.requestUri")
DEBUG = "debugContext.debugData."
# The paths asked for most, without rendering whole events.
SHORT_CUTS: dict[str, Callable[[LogEvent], Values]] = {
    "actor.alternateId": lambda event: (event.actor.alternate_id,),
    "actor.id": lambda event: (event.actor.id,),
    "actor.type": lambda event: (event.actor.type,),
    "eventType": lambda event: (event.type,),
    "outcome.reason": lambda event: (event.reason,),
    "outcome.result": lambda event: (event.result,),
    "target.id": lambda event: [target.id for target in event.targets],
    "target.type": lambda event: [target.type for target in event.targets],
    "uuid": lambda event: (event.uuid,),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asks for."""

    since: datetime
    until: datetime
    polling: bool
    descending: bool
    limit: int
    after: str | None
    expression: Filter | None
    words: tuple[str, ...]

    def fits(self, event: LogEvent) -> bool:
        """Tell whether an event passes the filter and holds every word."""
        if self.expression is not None and not self.expression.holds(
            lambda path: _look_up(event, path)
        ):
            return False
        return not self.words or set(self.words) <= set(_words_of(render_event(event)))


def list_events(org: Org, call: Call) -> Answer:
    """Answer with one page of events and its Link fields."""
    wanted = _parse(org, call.request)
    visible = call.as_of or org.now()
    page, cursor = (_poll if wanted.polling else _cut)(org, wanted, visible)
    links = [_link(call.request, wanted.after, "self")]
    if cursor is not None:
        links.append(_link(call.request, cursor, "next"))
    return render_json([render_event(event) for event in page], headers=tuple(links))


# --- pages ------------------------------------------------------------------------------------


def _poll(org: Org, wanted: Wanted, visible: datetime) -> tuple[list[LogEvent], str | None]:
    """Return the events that arrived after the cursor, and the cursor to go on from."""
    last, page = 0, list[LogEvent]()
    if wanted.after is not None:
        found = CURSOR.fullmatch(wanted.after)
        if found is None:
            raise _bad_cursor()
        last = int(found[1])
    for event in org.system_log.events(last):
        if len(page) == wanted.limit or event.at > visible:
            break
        last = event.number
        if _to_ms(event.at) >= wanted.since and wanted.fits(event):
            page.append(event)
    return page, f"{int(visible.timestamp() * 1000)}_{last}"


def _cut(org: Org, wanted: Wanted, visible: datetime) -> tuple[list[LogEvent], str | None]:
    """Return one page of the events within the bounds, and the cursor while there is more."""
    until = min(wanted.until, visible)
    # Whole milliseconds count. The bounds are made for that, and not every event's time.
    end = _to_ms(until) + MILLISECOND
    first = _to_ms(min(wanted.since, end) + JUST_UNDER_IT)
    events = [event for event in org.system_log.events() if first <= event.at < end]
    events.sort(key=lambda event: event.at, reverse=wanted.descending)
    found = (event for event in _after(events, wanted.after) if wanted.fits(event))
    page = [event for _, event in zip(range(wanted.limit + 1), found, strict=False)]
    more = len(page) > wanted.limit > 0
    return page[: wanted.limit], page[wanted.limit - 1].uuid if more else None


def _after(events: list[LogEvent], cursor: str | None) -> Iterable[LogEvent]:
    if cursor is None:
        return events
    uuids = [event.uuid for event in events]
    if cursor not in uuids:
        raise _bad_cursor()
    return events[uuids.index(cursor) + 1 :]


def _bad_cursor() -> OktaError:
    return refusals.invalid_log_query("Invalid parameter: The after parameter is not valid.")


def _link(request: Request, after: str | None, relation: str) -> Header:
    given = {name: value for name, value in request.query.items() if name != "after"}
    query = urlencode(given | ({} if after is None else {"after": after}))
    return "link", f'<{request.url}{"?" if query else ""}{query}>; rel="{relation}"'


def _to_ms(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


# --- reading requests -------------------------------------------------------------------------


def _parse(org: Org, request: Request) -> Wanted:
    query, now = request.query, org.now()
    order = query.get("sortOrder") or "ASCENDING"
    if order not in ("ASCENDING", "DESCENDING"):
        cause = "sortOrder: Must be one of: ASCENDING, DESCENDING"
        raise errors.validation_failed("sortOrder", cause)
    until = _parse_time("until", query.get("until"))
    since = _parse_time("since", query.get("since"))
    if since is not None and since < now - OLDEST:
        raise refusals.invalid_log_query(
            "Invalid parameter: The since parameter is over 180 days prior to the current day."
        )
    polling = until is None and order == "ASCENDING"
    from_start = datetime.min.replace(tzinfo=UTC) if polling and query.get("after") else None
    return Wanted(
        since=max(from_start or since or (until or now) - LOOK_BACK, now - KEPT),
        until=until or now,
        polling=polling,
        descending=order == "DESCENDING",
        limit=_parse_limit(query.get("limit", "")),
        after=query.get("after") or None,
        expression=_parse_filter(query.get("filter", "")),
        words=_parse_words(query.get("q", "")),
    )


def _parse_time(name: str, text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        # A plus sign of a zone that was not encoded arrives as a space.
        at = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError as error:
        raise refusals.invalid_date(name) from error
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def _parse_limit(text: str) -> int:
    if not text:
        return DEFAULT_LIMIT
    if not text.isdecimal() or int(text) > MAX_LIMIT:
        cause = f"limit: must be a number between 0 and {MAX_LIMIT}"
        raise errors.validation_failed("limit", cause)
    return int(text)


def _parse_filter(text: str) -> Filter | None:
    if not text.strip():
        return None
    try:
        expression = parse_filter(text)
    except BadFilter as error:
        raise refusals.invalid_log_query(f"Invalid filter '{text}': {error}") from error
    for comparison in list_comparisons(expression):
        _check(comparison)
    return expression


def _check(comparison: Comparison) -> None:
    attribute, operator = comparison.attribute, comparison.operator
    if attribute.partition(".")[0] not in MEMBERS:
        raise refusals.invalid_log_query(f"field is not valid: {attribute}")
    if operator == "co" and attribute in WITHOUT_CO:
        raise refusals.unsupported_combination(operator, attribute)


def _parse_words(text: str) -> tuple[str, ...]:
    words = tuple(text.lower().split())
    if len(words) > MAX_WORDS:
        raise refusals.bad_keywords(
            f"Freeform search cannot contain more than {MAX_WORDS} items. Please reduce the items "
            "in your search or use an advanced filter to query by specific fields."
        )
    if any(len(word) > LONGEST_WORD for word in words):
        raise refusals.bad_keywords(
            f"Freeform search cannot contain items longer than {LONGEST_WORD} characters. Please "
            "shorten the items in your search or use an advanced filter to query by specific "
            "fields."
        )
    return words


# --- what an event holds ----------------------------------------------------------------------


def _look_up(event: LogEvent, path: str) -> Values:
    if path in SHORT_CUTS:
        return SHORT_CUTS[path](event)
    if path.startswith(DEBUG):
        name = path.removeprefix(DEBUG)
        held = event.debug if name in event.debug else render_debug(event)
        return find_values(held, name) if name in held else ()
    return find_values(render_event(event), path)


def _words_of(value: Json) -> Iterator[str]:
    """Yield the words of all texts in lower case; one with hyphens also in pieces."""
    if isinstance(value, dict):
        for member in value.values():
            yield from _words_of(member)
    elif isinstance(value, list):
        for member in value:
            yield from _words_of(member)
    elif isinstance(value, str):
        for word in value.lower().split():
            yield word
            yield from word.split("-")


ROUTES = (Route("GET", PATH, list_events, "management", "logs", "okta.logs.read"),)
