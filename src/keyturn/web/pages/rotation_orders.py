"""Orders to a rotation and its turn: each says what it will do, and asks in proportion."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Final

from starlette.responses import Response

from keyturn.domain.access import Caller, Verb
from keyturn.domain.errors import Forbidden, KeyturnError, NotFound, Refused
from keyturn.domain.evidence import floor_over_at
from keyturn.domain.lengths import spoken
from keyturn.domain.offers import Order, why_not
from keyturn.domain.okta_paths import COLLECTIONS
from keyturn.domain.orders import phase_of, serves_what_is_lost
from keyturn.domain.turn import Phase, Turn
from keyturn.services import orders
from keyturn.services.plans import plan_turn
from keyturn.services.ports import World
from keyturn.services.rotations import RotationChange, RotationView, update_rotation
from keyturn.services.schedules import ScheduleChange
from keyturn.services.turns import rotate
from keyturn.services.watching import watch_rotation
from keyturn.web.one_rotation import PATH, One
from keyturn.web.pages.rotation import show
from keyturn.web.problems import status_of
from keyturn.web.routing import action, page
from keyturn.web.visiting import Visit

Give = Callable[[World, Caller, str], Awaitable[RotationView]]

OTHER_NAME: Final = "This is not its name, so nothing was done."


@dataclass(frozen=True)
class Asked:
    """An order that is asked about before it is given; ``tell`` says what it will do.

    With ``typed`` whoever gives it types the rotation's name.
    """

    order: Order
    title: str
    yes: str
    done: str
    tell: Callable[[One, Turn], Sequence[str]]
    give: Give
    kind: str = "danger"
    typed: bool = False


async def show_plan(visit: Visit, error: KeyturnError | None = None) -> Response:
    """Say what a turn will do, call by call, before it is begun."""
    emergency = _is_emergency(visit)
    plan = await plan_turn(
        visit.world, visit.caller, visit.given("rotation_id"), emergency=emergency
    )
    one, order = One(visit, plan.of), Order.EMERGENCY if emergency else Order.TURN
    one.require(Verb.ROTATE)
    refused = why_not(one.rotation, plan.of.turn, visit.world.clock.now())[order]
    return visit.render(
        "rotations/plan.html",
        status=status_of(error) if error else 200,
        one=one,
        plan=plan,
        refused=refused,
        resumes=plan.of.turn is not None and plan.of.turn.blocked is not None,
        error=one.prose(error.message) if error else "",
        command=one.command("rotation", "turn", "...", *order.split()[1:]),
    )


async def begin(visit: Visit) -> Response:
    """Begin a turn; the page of the rotation tells how it goes."""
    rotation_id, emergency = visit.given("rotation_id"), _is_emergency(visit)
    try:
        if emergency:
            await _require_name(visit)
        await rotate(visit.world, visit.caller, rotation_id, emergency=emergency, wait=False)
    except (Forbidden, NotFound):
        raise
    except KeyturnError as error:
        return await show_plan(visit, error)
    return visit.redirect(f"/rotations/{rotation_id}", "The turn has begun.")


async def pause(visit: Visit) -> Response:
    """Let the open turn stand still."""
    return await _give(visit, orders.pause_turn, "The turn stands still where it is.")


async def resume(visit: Visit) -> Response:
    """Let a paused or blocked turn go on."""
    return await _give(visit, orders.resume_turn, "The turn goes on.")


async def switch(visit: Visit) -> Response:
    """Let turns start by the schedule, or only when somebody asks."""
    automatic = visit.said("automatic") == "on"
    change = RotationChange(schedule=ScheduleChange(automatic=automatic))
    told = "Turns start by the schedule." if automatic else "Turns start only when somebody asks."
    return await _give(visit, partial(update_rotation, change=change), told)


async def ask(visit: Visit, error: KeyturnError | None = None) -> Response:
    """Say what an order will do, and whom it may hurt, before it is given."""
    asked = _asked(visit)
    watch = await watch_rotation(visit.world, visit.caller, visit.given("rotation_id"))
    sight = await watch.look(visit.caller)
    one, turn = One(visit, sight.of), sight.of.turn
    one.require(Verb.ROTATE)
    refused = why_not(one.rotation, turn, visit.world.clock.now())[asked.order]
    return visit.render(
        "rotations/order.html",
        status=status_of(error) if error else 200,
        one=one,
        asked=asked,
        title=asked.title.format(noun=one.noun, name=one.name),
        refused=refused,
        consequences=[one.prose(each) for each in asked.tell(one, turn)] if turn else (),
        lacking=[each for each in sight.takers if not each.has_it],
        served=sight.served,
        error=one.prose(error.message) if error else "",
        command=one.command("turn", *asked.order.split(), "..."),
    )


async def give(visit: Visit) -> Response:
    """Give an order that was asked about."""
    asked = _asked(visit)
    rotation_id = visit.given("rotation_id")
    try:
        if asked.typed:
            await _require_name(visit)
        await asked.give(visit.world, visit.caller, rotation_id)
    except (Forbidden, NotFound):
        raise
    except KeyturnError as error:
        return await ask(visit, error)
    return visit.redirect(f"/rotations/{rotation_id}", asked.done)


async def _give(visit: Visit, order: Give, told: str) -> Response:
    """Give an order that needs no second thought; a refusal is told where it was given."""
    rotation_id = visit.given("rotation_id")
    try:
        await order(visit.world, visit.caller, rotation_id)
    except (Forbidden, NotFound):
        raise
    except KeyturnError as error:
        return await show(visit, error)
    return visit.redirect(f"/rotations/{rotation_id}", told)


async def _require_name(visit: Visit) -> None:
    """Raise Refused unless the rotation's name was typed."""
    watch = await watch_rotation(visit.world, visit.caller, visit.given("rotation_id"))
    name = (await watch.look(visit.caller)).of.rotation.name
    if visit.said("confirm") != name:
        raise Refused(OTHER_NAME)


def _is_emergency(visit: Visit) -> bool:
    return visit.path.endswith("/emergency")


def _asked(visit: Visit) -> Asked:
    return ASKED[visit.path.rpartition("/")[2]]


# --- what orders will do --------------------------------------------------------------------------


def _reinstating(one: One, turn: Turn) -> Sequence[str]:
    return (
        f"At Okta: `POST {_at(one, turn)}/lifecycle/activate`.",
        f"The old {one.noun} and the new one both work then. Readers go on with the new one.",
        "The turn goes back to its overlap.",
        "The old one is retired again only by “finish now”, or once Okta's log has been quiet.",
    )


def _finishing(one: One, turn: Turn) -> Sequence[str]:
    if phase_of(turn) in (Phase.RETIRED, Phase.SOAKING):
        return (
            f"At Okta: `DELETE {_at(one, turn)}`.",
            f"The soak ends now. The old {one.noun} cannot be reinstated afterwards.",
        )
    over_at = floor_over_at(turn, one.rotation.policy)
    shortest = "as soon as the shortest overlap is over"
    if phase_of(turn) is Phase.OVERLAPPING:
        shortest += f", at {over_at:%Y-%m-%d %H:%M:%S} UTC"
    soak = spoken(one.rotation.policy.soak_s)
    return (
        f"At Okta: `POST {_at(one, turn)}/lifecycle/deactivate`, {shortest}.",
        f"Whoever still uses the old {one.noun} is refused by Okta from then on.",
        f"It is deleted {soak} later, unless it is reinstated by then.",
    )


def _at_once(one: One, turn: Turn) -> Sequence[str]:
    return (
        f"At Okta: `POST {_at(one, turn)}/lifecycle/deactivate`, then `DELETE` of the same.",
        f"Nothing is waited for: the old {one.noun} goes at once, whoever uses it.",
        "There is no soak. It cannot be undone.",
    )


def _aborting(one: One, turn: Turn) -> Sequence[str]:
    if serves_what_is_lost(turn):
        return (
            f"The old {one.noun} is served again, once Okta has accepted it.",
            "Where somebody has deactivated it, it is activated first.",
        )
    return (
        f"The new {one.noun} is taken back: if Okta has it, it is deactivated and deleted there.",
        "Nobody was given it. Readers go on with what they have.",
    )


def _at(one: One, turn: Turn) -> str:
    collection = COLLECTIONS[one.rotation.kind].format(one.rotation.app_id)
    return f"{collection}/{turn.old.okta_id if turn.old else 'ID'}"


ASKED: Final[Mapping[str, Asked]] = MappingProxyType(
    {
        "reinstate": Asked(
            Order.REINSTATE,
            "Reinstate the old {noun} of {name}?",
            "Reinstate it",
            "The old one is activated again at the next step of the turn.",
            _reinstating,
            orders.reinstate_old,
            kind="primary",
        ),
        "finish": Asked(
            Order.FINISH_NOW,
            "Finish the turn of {name} now?",
            "Finish it now",
            "The turn waits no longer than it must.",
            _finishing,
            orders.finish_now,
        ),
        "finish-at-once": Asked(
            Order.AT_ONCE,
            "Finish the turn of {name} at once?",
            "Finish it at once",
            "The turn waits for nothing any more.",
            _at_once,
            partial(orders.finish_now, at_once=True),
            typed=True,
        ),
        "abort": Asked(
            Order.ABORT,
            "Abort the turn of {name}?",
            "Abort it",
            "The turn is on its way back.",
            _aborting,
            orders.abort_turn,
        ),
    }
)

ROUTES: Final = (
    *(page(f"{PATH}/{way}", show_plan) for way in ("turn", "emergency")),
    *(action(f"{PATH}/{way}", begin) for way in ("turn", "emergency")),
    action(f"{PATH}/pause", pause),
    action(f"{PATH}/resume", resume),
    action(f"{PATH}/auto", switch),
    *(page(f"{PATH}/{way}", ask) for way in ASKED),
    *(action(f"{PATH}/{way}", give) for way in ASKED),
)
