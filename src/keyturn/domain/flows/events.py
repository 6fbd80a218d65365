"""Events that start flows: Okta's, by their types, and Keyturn's own.

Decides what a flow may listen for, which events are in a change of a turn or of a connection, and
what is told of each: names and ids, and no value of a secret.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from keyturn.domain.flows.definition import Start
from keyturn.domain.flows.spec import Source, StartKind
from keyturn.domain.flows.values import Value
from keyturn.domain.ids import FlowId, RunId
from keyturn.domain.oauth.connection import Connection
from keyturn.domain.oauth.connection import State as Grant
from keyturn.domain.turn import Phase, Turn

EVENTS_MAX: Final = 100
TYPE: Final = re.compile(r"[A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)+")
TYPE_MAX: Final = 128
PREFIX: Final = "keyturn."


class Own(StrEnum):
    """Keyturn's own events."""

    TURN_SERVED = "keyturn.turn.served"
    TURN_FINISHED = "keyturn.turn.finished"
    TURN_ROLLED_BACK = "keyturn.turn.rolled_back"
    TURN_BLOCKED = "keyturn.turn.blocked"
    TURN_REINSTATED = "keyturn.turn.reinstated"
    CONNECTION_LAPSED = "keyturn.connection.lapsed"


OF_TURNS: Final = frozenset(each for each in Own if each.startswith("keyturn.turn."))
OF_CONNECTIONS: Final = frozenset(Own) - OF_TURNS
_REACHED: Final[Mapping[Phase, Own]] = MappingProxyType(
    {
        Phase.PROMOTED: Own.TURN_SERVED,
        Phase.FINISHED: Own.TURN_FINISHED,
        Phase.ROLLED_BACK: Own.TURN_ROLLED_BACK,
        Phase.BLOCKED: Own.TURN_BLOCKED,
    }
)


def source_of(start: Start) -> Source | None:
    """Return whose events start a flow; None where none do."""
    return Source(str(start.settings["source"])) if start.kind is StartKind.EVENT else None


def events_of(start: Start) -> tuple[str, ...]:
    """Return the types of the events that start a flow."""
    told = start.settings.get("events") if start.kind is StartKind.EVENT else None
    return tuple(each for each in told if isinstance(each, str)) if isinstance(told, list) else ()


def listens(start: Start) -> tuple[str, ...]:
    """Return the events of Keyturn's own that start a flow."""
    return events_of(start) if source_of(start) is Source.KEYTURN else ()


# --- Okta's ---------------------------------------------------------------------------------------


def delivered(body: Value) -> list[dict[str, Value]] | None:
    """Return the events of a delivery of an event hook; None where it is none.

    Source: developer.okta.com/docs/concepts/event-hooks, "Sample event delivery payload".
    """
    match body:
        case {"data": {"events": list(events)}} if all(isinstance(e, dict) for e in events):
            return [each for each in events if isinstance(each, dict)]
        case _:
            return None


def fits(start: Start, event: Mapping[str, Value]) -> bool:
    """Say whether an event is one of those that start a flow."""
    return event.get("eventType") in events_of(start)


def run_id_of(flow_id: FlowId, event: Mapping[str, Value]) -> RunId:
    """Return the id of the one run that an event starts, however often it is delivered.

    An event is known by its ``uuid``; one that has none, by all that it says.
    """
    told = event.get("uuid") or json.dumps(event, sort_keys=True)
    digest = hashlib.sha256(json.dumps([flow_id, told]).encode()).digest()
    return RunId(str(UUID(bytes=digest[:16], version=5)))


# --- Keyturn's own --------------------------------------------------------------------------------


def of_turn(before: Turn, after: Turn) -> tuple[Own, ...]:
    """Return the events that are in a change of a turn; that it is resumed is none."""
    again = (Own.TURN_REINSTATED,) if after.reinstated > before.reinstated else ()
    resumed = before.phase is Phase.BLOCKED and after.open
    if resumed or after.phase is before.phase or after.phase not in _REACHED:
        return again
    return (*again, _REACHED[after.phase])


def of_connection(before: Connection, after: Connection) -> tuple[Own, ...]:
    """Return the events that are in a change of a connection."""
    lapsed = after.state is Grant.LAPSED and before.state is not Grant.LAPSED
    return (Own.CONNECTION_LAPSED,) if lapsed else ()
