"""Flows and their runs as people are told of them: in words, and in a tone."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from keyturn.domain.flows.definition import Start
from keyturn.domain.flows.events import source_of
from keyturn.domain.flows.run import Cause, Phase, Run
from keyturn.domain.flows.spec import Security, StartKind
from keyturn.web.standing import Standing

TRIGGERS: Final[Mapping[StartKind, Standing]] = MappingProxyType(
    {
        StartKind.ENDPOINT: Standing("A request", "busy"),
        StartKind.SCHEDULE: Standing("A schedule", "busy"),
        StartKind.EVENT: Standing("An event", "busy"),
        StartKind.HELPER: Standing("Other flows", "idle"),
        StartKind.DELEGATED: Standing("Somebody, by hand", "idle"),
    }
)
"""What starts a flow."""
CALLERS: Final[Mapping[Security, str]] = MappingProxyType(
    {
        Security.PUBLIC: "anybody",
        Security.CLIENT_TOKEN: "whoever has its client token",
        Security.OAUTH: "whoever shows a good access token (OAuth 2.0)",
    }
)
PHASES: Final[Mapping[Phase, Standing]] = MappingProxyType(
    {
        Phase.RUNNING: Standing("Running", "busy"),
        Phase.SLEEPING: Standing("Sleeping", "busy"),
        Phase.FINISHED: Standing("Finished", "good"),
        Phase.FAILED: Standing("Failed", "bad"),
        Phase.CANCELLED: Standing("Cancelled", "warn"),
    }
)
CAUSES: Final[Mapping[Cause, str]] = MappingProxyType(
    {
        Cause.INVOKED: "a request",
        Cause.SCHEDULED: "its schedule",
        Cause.BY_EVENT: "an event",
        Cause.BY_HAND: "somebody by hand",
        Cause.BY_FLOW: "another flow",
        Cause.REPLAYED: "a replay",
    }
)


def trigger_note(start: Start) -> str:
    """Return what more there is to say of what starts a flow."""
    match start.kind:
        case StartKind.ENDPOINT:
            return f"by {CALLERS[start.security]}"
        case StartKind.SCHEDULE:
            every = start.settings.get("every")
            told = (
                f"every {every}" if every else start.settings.get("cron"),
                start.settings.get("zone"),
            )
            return " ".join(str(each) for each in told if each)
        case StartKind.EVENT:
            events = start.settings.get("events")
            listed = ", ".join(map(str, events)) if isinstance(events, list) else ""
            return f"of {str(source_of(start)).capitalize()}: {listed}"
        case _:
            return ""


def lasted_s(run: Run) -> float | None:
    """Return how many seconds a run took, and None before its end."""
    return (run.ended_at - run.created_at).total_seconds() if run.ended_at else None


def seconds(value: float) -> str:
    """Return a short time as people read it; a longer one in minutes."""
    if value < 1:
        return f"{value * 1000:.0f} ms"
    return f"{value:.1f} s" if value < 60 else f"{value // 60:.0f} min {value % 60:.0f} s"
