"""The org in a box beside the server: what breaks in it, and time that passes at once."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Final, TypeVar

from starlette.responses import Response

from keyturn.domain.access import Target, Verb
from keyturn.domain.errors import CallerError, FieldProblem, InvalidInput, NotFound
from keyturn.services import gate, sandbox
from keyturn.services.ports.sandbox import FaultDraft, SandboxControls
from keyturn.web.faults import told_of
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
FIELDS: Final[Mapping[str, str]] = MappingProxyType({"method": "struck", "route": "struck"})
EVERYWHERE: Final = "* *"
OF_A_HUNDRED: Final = "a number from 0 to 100"
WHOLE: Final = "a whole number"
N = TypeVar("N", int, float)


async def show(visit: Visit) -> Response:
    """Show its clock and the faults in force."""
    return await _shown(visit)


async def advance(visit: Visit) -> Response:
    """Let time pass for the org and for Keyturn."""
    try:
        seconds = _number(visit, "seconds", float, "a number") or 0.0
        now = await sandbox.advance_clock(visit.world, visit.caller, _box(visit), seconds)
    except CallerError as error:
        told = [("", told) for _, told in told_of(error)]  # there is no field for it
        return await _shown(visit, told, status_of(error))
    return visit.redirect(HERE, f"It is {now:%Y-%m-%d %H:%M} UTC now.")


async def plant(visit: Visit) -> Response:
    """Put a fault in force."""
    try:
        await sandbox.plant_fault(visit.world, visit.caller, _box(visit), _draft(visit))
    except CallerError as error:
        return await _shown(visit, told_of(error, FIELDS), status_of(error))
    return visit.redirect(HERE, "The fault is in force.")


async def clear(visit: Visit) -> Response:
    """Lift a fault, or all of them."""
    await sandbox.clear_faults(visit.world, visit.caller, _box(visit), visit.said("fault"))
    return visit.redirect(HERE, "Lifted.")


def _draft(visit: Visit) -> FaultDraft:
    method, _, route = (visit.said("struck") or EVERYWHERE).partition(" ")
    share = _number(visit, "probability", float, OF_A_HUNDRED)
    if share is not None and not 0 <= share <= 100:
        raise InvalidInput(FieldProblem(("probability",), f"must be {OF_A_HUNDRED}"))
    return FaultDraft(
        visit.said("kind"),
        method,
        route,
        count=_number(visit, "count", int, WHOLE),
        probability=1.0 if share is None else share / 100,
        seconds=_number(visit, "seconds", float, "a number") or 0.0,
        status=_number(visit, "status", int, WHOLE),
    )


def _number(visit: Visit, name: str, read: Callable[[str], N], what: str) -> N | None:
    """Return what a field says; None where it says nothing. Raises InvalidInput."""
    try:
        return read(visit.said(name)) if visit.said(name) else None
    except ValueError:
        raise InvalidInput(FieldProblem((name,), f"must be {what}")) from None


async def _shown(
    visit: Visit, problems: Sequence[tuple[str, str]] = (), status: int = 200
) -> Response:
    box = _box(visit)
    typed = {name: visit.said(name, FIRST.get(name, "")) for name in TYPED}
    return visit.render(
        "sandbox.html",
        status=status,
        problems=problems,
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
