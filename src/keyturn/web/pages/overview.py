"""The overview: how old every secret is, what comes next, and what needs somebody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from types import MappingProxyType
from typing import Final

from markupsafe import Markup
from starlette.responses import Response

from keyturn.domain.access import Verb
from keyturn.domain.attention import About, Access, Concern, Severity
from keyturn.domain.fleet import age_of
from keyturn.domain.outlook import State
from keyturn.domain.schedule import interval_of
from keyturn.services.budgets import Budget
from keyturn.services.fleet import FleetView, read_fleet, watch_fleet
from keyturn.services.projects import list_projects
from keyturn.web.menu import HOME
from keyturn.web.one_rotation import maker
from keyturn.web.phases import doing_of
from keyturn.web.pictures import ages, budget
from keyturn.web.prose import prose
from keyturn.web.routing import page
from keyturn.web.standing import STANDING
from keyturn.web.visiting import Visit

TONES: Final[Mapping[Severity, tuple[str, str]]] = MappingProxyType(
    {
        Severity.URGENT: ("Urgent", "bad"),
        Severity.ACT: ("Act", "warn"),
        Severity.WATCH: ("Watch", "busy"),
    }
)
PAGES: Final[Mapping[About, str]] = MappingProxyType(
    {
        About.ROTATION: "/rotations/",
        About.CONNECTION: "/connections/",
        About.OKTA_CONNECTION: "/connections/okta/",
        About.DESTINATION: "/connections/destinations/",
        About.ROLLOUT: "/rollouts/",
        About.EMERGENCY: "/emergencies/",
        About.LEAK: "/leaks/",
    }
)
CALLED: Final[Mapping[About, str]] = MappingProxyType(
    {About.ROLLOUT: "Rollout ", About.EMERGENCY: "Emergency ", About.LEAK: "Leak of "}
)
"""What goes before the names of those whose names do not tell what they are."""


ACCESS: Final[Mapping[Access, tuple[str, str]]] = MappingProxyType(
    {
        Access.WORKS: ("Works", "good"),
        Access.REFUSED: ("Refused", "bad"),
        Access.FAILING: ("Fails", "bad"),
        Access.UNTRIED: ("Not tried yet", "idle"),
    }
)


@dataclass(frozen=True)
class Rate:
    """A window of Okta's rate limits, and its picture."""

    org: str
    bucket: str
    picture: Markup


async def show(visit: Visit) -> Response:
    """Show the fleet at a glance; who may see no rotation is led to what they may see."""
    if not visit.caller.may_somewhere(Verb.READ_ROTATIONS):
        return visit.redirect(visit.menu[0].href)
    fleet = await read_fleet(visit.world, visit.caller, visit.query.get("project") or None)
    return visit.render("overview.html", _shown(visit, fleet), making=await _making(visit))


async def follow(visit: Visit) -> Response:
    """Keep all that the overview tells current, for as long as somebody looks."""
    project = visit.query.get("project") or None
    watch = await watch_fleet(visit.world, visit.caller, project, visit.house.fleets)
    making = await _making(visit)
    shown: tuple[FleetView, str] | None = None

    async def look() -> str:
        nonlocal shown
        fleet = await watch.look(visit.caller)
        if shown is None or shown[0] is not fleet:
            shown = fleet, visit.text("overview/_live.html", _shown(visit, fleet), making=making)
        return shown[1]

    return visit.follow(look)


async def _making(visit: Visit) -> str:
    """Return where they may make a rotation, or nothing."""
    if not visit.caller.may_somewhere(Verb.READ_PROJECT):
        return ""
    return maker(visit, await list_projects(visit.world, visit.caller))


def _shown(visit: Visit, fleet: FleetView) -> dict[str, object]:
    bins = ages.bins_by_share(_ages(fleet), lambda key: f"/rotations?age={key}")
    return {
        "fleet": fleet,
        "standing": STANDING,
        "called": CALLED,
        "attention": [_told(visit, fleet, each) for each in fleet.attention],
        "access": [(ACCESS[each.state], each) for each in fleet.access],
        "turning": [
            (one, *doing_of(one.rotation, one.turn))
            for one in fleet.rotations
            if one.turn and one.outlook.state is State.TURNING
        ],
        "picture": ages.draw_ages("ages", bins),
        "rows": ages.rows(bins),
        "rates": [_rate(number, each, fleet.at) for number, each in enumerate(fleet.budgets)],
    }


def _ages(fleet: FleetView) -> Sequence[ages.Age]:
    told = []
    for view in fleet.rotations:
        age, limit = age_of(view, fleet.at), interval_of(view.rotation.schedule)
        if age is not None:
            told.append(ages.Age(age.total_seconds(), limit.total_seconds() if limit else None))
    return told


def _told(
    visit: Visit, fleet: FleetView, concern: Concern
) -> tuple[tuple[str, str], Concern, str, Markup]:
    """Return a concern with its tone, where it leads, and its words with the way out."""
    href = _href(concern)
    turned = (each.target for each in fleet.rotations if each.rotation.id == concern.id)
    orders = any(visit.may(Verb.ROTATE, target) for target in turned)
    return TONES[concern.severity], concern, href, prose(concern.told, href if orders else "")


def _href(concern: Concern) -> str:
    return f"{PAGES[concern.about]}{concern.id}"


def _rate(number: int, found: Budget, now: datetime) -> Rate:
    window = found.window
    resets_s = max(0, ceil((window.resets_at - now).total_seconds()))
    title = f"{window.bucket} at {window.org}"
    resets = f"in {resets_s} s" if resets_s else ""
    shown = budget.Budget(window.limit, window.remaining, found.reserve, resets)
    return Rate(window.org, window.bucket, budget.draw_budget(f"rate{number}", shown, title=title))


ROUTES: Final = (page(HOME, show), page("/overview/live", follow))
