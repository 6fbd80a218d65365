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
    read_emergency,
    retry_emergency,
)
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
    order, app = _order(visit), _app(visit)
    words = ["keyturn", "emergency", order, one.name, *([app] if order == LEAVE_OUT else [])]
    return visit.render(
        f"emergencies/{order}.html",
        status=status_of(error) if error else 200,
        problems=told_of(error),
        one=one,
        href=f"{LIST}/{one.id}",
        failed=sum(seen.counts.get(each, 0) for each in STOPPED),
        app=app,
        waiting=seen.counts.get(Standing.WAITING, 0),
        under_way=seen.counts.get(Standing.TURNING, 0),
        command=shlex.join(words),
    )


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
