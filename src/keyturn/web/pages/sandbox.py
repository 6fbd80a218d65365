"""The org in a box beside the server: what breaks in it, and time that passes at once."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from starlette.responses import Response

from keyturn.domain.access import Target, Verb
from keyturn.domain.errors import CallerError, NotFound
from keyturn.services import gate, sandbox
from keyturn.services.ports.sandbox import FaultDraft, SandboxControls
from keyturn.web.problems import status_of
from keyturn.web.routing import action, page
from keyturn.web.visiting import Visit

HERE: Final = "/sandbox"
JUMPS: Final = (
    ("5 minutes", timedelta(minutes=5)),
    ("An hour", timedelta(hours=1)),
    ("A day", timedelta(days=1)),
    ("A month", timedelta(days=30)),
)
TYPED: Final = ("kind", "struck", "count", "probability", "seconds", "status")
FIRST: Final[Mapping[str, str]] = MappingProxyType({"count": "1", "probability": "100"})
EVERYWHERE: Final = "* *"


async def show(visit: Visit) -> Response:
    """Show its clock and the faults in force."""
    return await _shown(visit)


async def advance(visit: Visit) -> Response:
    """Let time pass for the org and for Keyturn."""
    try:
        seconds = float(visit.said("seconds") or 0)
        now = await sandbox.advance_clock(visit.world, visit.caller, _box(visit), seconds)
    except CallerError as error:
        return await _shown(visit, error)
    except ValueError:
        return visit.redirect(HERE, "How long is a number of seconds: nothing was changed.")
    return visit.redirect(HERE, f"It is {now:%Y-%m-%d %H:%M} UTC now.")


async def plant(visit: Visit) -> Response:
    """Put a fault in force."""
    try:
        await sandbox.plant_fault(visit.world, visit.caller, _box(visit), _draft(visit))
    except CallerError as error:
        return await _shown(visit, error)
    except ValueError:
        return visit.redirect(HERE, "Count, share, seconds and status are numbers.")
    return visit.redirect(HERE, "The fault is in force.")


async def clear(visit: Visit) -> Response:
    """Lift a fault, or all of them."""
    await sandbox.clear_faults(visit.world, visit.caller, _box(visit), visit.said("fault"))
    return visit.redirect(HERE, "Lifted.")


def _draft(visit: Visit) -> FaultDraft:
    method, _, route = (visit.said("struck") or EVERYWHERE).partition(" ")
    return FaultDraft(
        visit.said("kind"),
        method,
        route,
        count=int(visit.said("count")) if visit.said("count") else None,
        probability=float(visit.said("probability") or 100) / 100,
        seconds=float(visit.said("seconds") or 0),
        status=int(visit.said("status")) if visit.said("status") else None,
    )


async def _shown(visit: Visit, error: CallerError | None = None) -> Response:
    box = _box(visit)
    typed = {name: visit.said(name, FIRST.get(name, "")) for name in TYPED}
    return visit.render(
        "sandbox.html",
        status=status_of(error) if error else 200,
        error=error.message if error else "",
        box=box,
        faults=await sandbox.list_faults(visit.world, visit.caller, box),
        kinds=[(kind, kind.replace("-", " ").capitalize()) for kind in box.kinds],
        routes=[(EVERYWHERE, "any request")] + [(f"{m} {r}", f"{m} {r}") for m, r in box.routes],
        typed=typed,
        jumps=[(text, int(span.total_seconds())) for text, span in JUMPS],
        breaks=gate.may(visit.caller, Verb.EDIT_CONNECTIONS, Target()),
    )


def _box(visit: Visit) -> SandboxControls:
    if visit.house.sandbox is None:
        raise NotFound("This server runs without a sandbox.")
    return visit.house.sandbox


ROUTES: Final = (
    page(HERE, show),
    action(f"{HERE}/clock", advance),
    action(f"{HERE}/faults", plant),
    action(f"{HERE}/faults/clear", clear),
)
