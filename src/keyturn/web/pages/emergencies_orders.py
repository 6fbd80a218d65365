"""Orders to an emergency: another try, an app left out, and its end."""

import shlex
from typing import Final

from starlette.responses import Response

from keyturn.domain.access import Verb
from keyturn.domain.emergency import STOPPED
from keyturn.domain.errors import CallerError, Forbidden, KeyturnError, NotFound
from keyturn.domain.rollout import Standing
from keyturn.services.emergencies import (
    EmergencyView,
    abort_emergency,
    leave_out,
    list_closings,
    read_emergency,
    retry_emergency,
)
from keyturn.services.rollout_plans import MEMBERS_MAX
from keyturn.web.faults import told_of
from keyturn.web.menu import ABOVE
from keyturn.web.pages.emergencies import LIST, ONE
from keyturn.web.problems import status_of
from keyturn.web.routing import action, page
from keyturn.web.visiting import Visit

LEAVE_OUT: Final = "leave-out"
ORDERS: Final = ("retry", LEAVE_OUT, "abort")


async def ask(visit: Visit, error: KeyturnError | None = None) -> Response:
    """Say what an order will do."""
    seen = await read_emergency(visit.world, visit.caller, visit.given("emergency_id"))
    one = seen.rollout
    visit.require(one.name, ABOVE, Verb.EDIT_ROLLOUTS)
    order, app, counts = _order(visit), _app(visit), seen.counts
    words = ["keyturn", "emergency", order, one.name, *([app] if order == LEAVE_OUT else [])]
    return visit.render(
        f"emergencies/{order}.html",
        status=status_of(error) if error else 200,
        problems=told_of(error),
        one=one,
        href=f"{LIST}/{one.id}",
        failed=counts.get(Standing.FAILED, 0),
        inactive=counts.get(Standing.INACTIVE, 0),
        app=app,
        name=await _named(visit, app) if order == LEAVE_OUT else "",
        waiting=counts.get(Standing.WAITING, 0),
        under_way=counts.get(Standing.TURNING, 0),
        command=shlex.join(words),
    )


async def _named(visit: Visit, app: str) -> str:
    """Return what the rotation of an app is called, or its id where none that has stopped is."""
    world, caller, which = visit.world, visit.caller, visit.given("emergency_id")
    pages = [
        await list_closings(world, caller, which, standing=each, limit=MEMBERS_MAX)
        for each in STOPPED
    ]
    found = (each.name for page in pages for each in page.members if each.app_id == app)
    return next(found, app)


async def give(visit: Visit) -> Response:
    """Give an order that was asked about; a refusal is told where it was asked."""
    try:
        seen, told = await _give(visit)
    except (Forbidden, NotFound):
        raise
    except CallerError as error:
        return await ask(visit, error)
    return visit.redirect(f"{LIST}/{seen.rollout.id}", told)


async def _give(visit: Visit) -> tuple[EmergencyView, str]:
    wanted = visit.given("emergency_id")
    if _order(visit) == "retry":
        seen = await retry_emergency(visit.world, visit.caller, wanted)
        return seen, "Every app that is not closed has another try."
    if _order(visit) == LEAVE_OUT:
        return await leave_out(visit.world, visit.caller, wanted, _app(visit)), "It is left out."
    return await abort_emergency(visit.world, visit.caller, wanted), "No further app is begun."


def _app(visit: Visit) -> str:
    return visit.said("app") or visit.query.get("app", "")


def _order(visit: Visit) -> str:
    return visit.path.rpartition("/")[2]


ROUTES: Final = (
    *(page(f"{ONE}/{order}", ask) for order in ORDERS),
    *(action(f"{ONE}/{order}", give) for order in ORDERS),
)
