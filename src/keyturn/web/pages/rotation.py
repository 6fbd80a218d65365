"""One rotation: how it stands, its turn as it goes, and who uses what it serves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Final

from markupsafe import Markup
from starlette.responses import Response

from keyturn.domain.access import Verb
from keyturn.domain.drift import PROPOSED, Finding, Repair
from keyturn.domain.errors import KeyturnError
from keyturn.domain.fleet import Band, age_of, band_of
from keyturn.domain.ids import VersionNo
from keyturn.domain.offers import Order, why_not
from keyturn.domain.schedule import interval_of
from keyturn.domain.slots import Slot
from keyturn.domain.turn import Word
from keyturn.services.plans import policy_told
from keyturn.services.takers import Kind, Taker
from keyturn.services.usage import usage_of_rotation
from keyturn.services.watching import Sight, watch_rotation
from keyturn.web import sessions
from keyturn.web.menu import ABOVE
from keyturn.web.one_rotation import PATH, One
from keyturn.web.phases import phases_of
from keyturn.web.pictures import slots as slots_picture
from keyturn.web.pictures.usage_graph import draw_usage
from keyturn.web.problems import status_of
from keyturn.web.routing import page
from keyturn.web.schedule_told import schedule_told
from keyturn.web.visiting import Visit

LEADS: Final[Mapping[str, str]] = {
    "rotation": "/rotations/{}",
    "registration": "/connections/registrations/{}",
    "connection": "/connections/{}",
    "flow": "/flows/{}",
}
"""Where the nodes of the picture lead; the others have no page of their own."""
WHO: Final[Mapping[Kind, tuple[str, Verb]]] = {
    Kind.READER: ("/access/identities/{}", Verb.READ_IDENTITIES),
    Kind.DESTINATION: ("/connections/destinations/{}", Verb.READ_DESTINATIONS),
    Kind.REGISTRATION: ("/connections/registrations/{}", Verb.READ_GRANTS),
}


@dataclass(frozen=True)
class Drift:
    """A finding, and what can be done about it."""

    finding: Finding
    repair: Repair

    @property
    def foreign(self) -> bool:
        """Say whether its owner has to choose what becomes of a credential."""
        return self.repair is Repair.BY_HAND and self.finding.subject.startswith(("ocs", "pks"))


async def show(visit: Visit, error: KeyturnError | None = None) -> Response:
    """Show a rotation as it stands; ``error`` is what became of what was asked of it."""
    watch = await watch_rotation(visit.world, visit.caller, visit.given("rotation_id"))
    sight = await watch.look(visit.caller)
    one = One(visit, sight.of)
    return visit.render(
        "rotations/show.html",
        live_context(one, sight),
        status=status_of(error) if error else 200,
        error=one.prose(error.message) if error else "",
    )


async def follow(visit: Visit) -> Response:
    """Keep the part of the page that changes current, for as long as somebody looks."""
    watch = await watch_rotation(visit.world, visit.caller, visit.given("rotation_id"))
    pad = visit.world.chance.random_bytes(32)
    # One token as long as the stream lasts: a part differs where what it tells does.
    token = sessions.form_token(visit.session, pad) if visit.session else ""
    shown: tuple[Sight, str] | None = None

    async def look() -> str:
        nonlocal shown
        sight = await watch.look(visit.caller)
        if shown is None or shown[0] is not sight:
            context = live_context(One(visit, sight.of), sight)
            shown = sight, visit.text("rotations/_live.html", context, form_token=token)
        return shown[1]

    return visit.follow(look)


async def show_usage(visit: Visit) -> Response:
    """Show who uses what a rotation serves, and what hangs on it."""
    rotation_id = visit.given("rotation_id")
    watch = await watch_rotation(visit.world, visit.caller, rotation_id)
    sight = await watch.look(visit.caller)
    usage = await usage_of_rotation(visit.world, visit.caller, rotation_id)
    one = One(visit, sight.of)
    return visit.render(
        "rotations/usage.html",
        one=one,
        sight=sight,
        takers=[(each, _lead_of(one, each)) for each in sight.takers],
        picture=draw_usage("usage", usage, href=_lead),
        usage=usage,
    )


def live_context(one: One, sight: Sight) -> dict[str, object]:
    """Return what the part that changes is made of; it is the same while nothing has changed."""
    now, rotation, turn = one.visit.world.clock.now(), one.rotation, sight.of.turn
    refusals = {**why_not(rotation, turn, now), **_heeded(sight)}
    phases = phases_of(sight.turn, one.href if one.may_turn else "") if sight.turn else ()
    return {
        "one": one,
        "sight": sight,
        "orders": {order.name.lower(): why for order, why in refusals.items()},
        "ordered": _ordered(sight),
        "refused": [(NAMES[order], why) for order, why in refusals.items() if why],
        "drifts": [Drift(each, PROPOSED[each.kind]) for each in sight.findings],
        "phases": phases,
        "tone": "bad" if _is_dead(sight) else one.standing.tone,
        "goes": next((each.text for each in phases if each.status == "now"), ""),
        "takers": [(each, _lead_of(one, each)) for each in sight.takers],
        "waited": _waited(sight),
        "picture": draw(one, sight.slots, now),
        "age": _age(sight, now),
        "schedule": schedule_told(rotation.schedule),
        "policy": policy_told(rotation.policy),
    }


def _heeded(sight: Sight) -> Mapping[Order, str]:
    """Tell of orders that need not be given again: the open turn goes by them already."""
    if not (told := _ordered(sight)):
        return {}
    orders = [Order.FINISH_NOW]
    if sight.of.turn and sight.of.turn.word is Word.AT_ONCE:
        orders.append(Order.AT_ONCE)
    return dict.fromkeys(orders, told)


def _ordered(sight: Sight) -> str:
    """Tell who has ordered the open turn to finish, and when that comes; else nothing."""
    turn = sight.of.turn
    if turn is None or not turn.open or turn.word is None or sight.turn is None:
        return ""
    step, then = FINISHING.get(turn.word, ("", ""))
    by = (each.detail for each in reversed(sight.turn.steps) if each.step == step)
    who = next(by, "").removeprefix("By ").removesuffix(".")
    return f"Finish ordered by {who}: {then}" if who else ""


FINISHING: Final[Mapping[Word, tuple[str, str]]] = {
    Word.FINISH: ("finish", "the old one goes as soon as the shortest overlap is over."),
    Word.AT_ONCE: ("finish at once", "the old one goes at once, without a soak."),
}
"""What is recorded of each order to finish, and what comes of it."""


NAMES: Final[Mapping[Order, str]] = {
    Order.TURN: "Turn now",
    Order.EMERGENCY: "Turn in an emergency",
    Order.PAUSE: "Pause",
    Order.RESUME: "Resume",
    Order.REINSTATE: "Reinstate the old one",
    Order.FINISH_NOW: "Finish now",
    Order.AT_ONCE: "Finish at once",
    Order.ABORT: "Abort",
}


def draw(one: One, slots: Sequence[Slot], now: datetime) -> Markup | None:
    """Draw what is at Okta, by the minute: the picture would never be the same otherwise."""
    known = [each for each in slots if each.created_at]
    times = chain.from_iterable((each.created_at, each.served_from) for each in known)
    past = [at for at in times if at and at <= now]
    minute = now.replace(second=0, microsecond=0)
    shown = [_pictured(each, each.created_at) for each in known if each.created_at]
    title = f"{one.noun.capitalize()}s of the app at Okta"
    at = max([minute, *past])
    return slots_picture.draw_slots("slots", shown, now=at, title=title) if shown else None


def named(version: VersionNo | None) -> str:
    """Return what people call a version of a credential."""
    return f"Version {version}" if version else "Not Keyturn's"


def _pictured(slot: Slot, created_at: datetime) -> slots_picture.Slot:
    return slots_picture.Slot(
        named(slot.version),
        slot.okta_id or "not named yet",
        slot.status or "",
        created_at,
        slot.served_from,
        slot.served_to,
        slot.retires_at,
        slot.deletes_at,
    )


def _age(sight: Sight, now: datetime) -> tuple[float, str] | None:
    """Tell how much of its time what is served has had, and in which tone; None without a limit."""
    age, allowed = age_of(sight.of, now), interval_of(sight.of.rotation.schedule)
    if age is None or allowed is None:
        return None
    tone = {Band.OVERDUE: "bad", Band.LAST: "warn"}.get(band_of(sight.of, now), "good")
    return round(age / allowed, 2), tone


def _is_dead(sight: Sight) -> bool:
    """Say whether readers were found to hold what Okta refuses."""
    return any(PROPOSED[each.kind] is not Repair.BY_HAND for each in sight.findings)


def _waited(sight: Sight) -> bool:
    """Say whether a turn is open in which the old one is still needed by whoever lacks the new."""
    turn = sight.of.turn
    return turn is not None and turn.open and any(not each.has_it for each in sight.takers)


def _lead(kind: str, key: str) -> str:
    return LEADS[kind].format(key) if kind in LEADS else ""


def _lead_of(one: One, taker: Taker) -> str:
    """Return where somebody who takes a secret has a page, for who may see that."""
    if taker.kind not in WHO:
        return ""
    page_of, verb = WHO[taker.kind]
    above = taker.kind is Kind.READER
    may = one.visit.may(verb, ABOVE if above else one.of.target)
    return page_of.format(taker.id) if may else ""


ROUTES: Final = (
    page(PATH, show),
    page(f"{PATH}/live", follow),
    page(f"{PATH}/usage", show_usage),
)
