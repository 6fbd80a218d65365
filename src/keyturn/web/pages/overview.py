"""The overview: how old every secret is, what comes next, and what needs somebody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from types import MappingProxyType
from typing import Final

from markupsafe import Markup
from starlette.responses import Response

from keyturn.domain.attention import About, Concern, Severity
from keyturn.domain.fleet import age_of
from keyturn.domain.outlook import State
from keyturn.domain.schedule import interval_of
from keyturn.services.budgets import Budget
from keyturn.services.fleet import FleetView, read_fleet
from keyturn.web.pictures import ages, budget
from keyturn.web.prose import prose
from keyturn.web.routing import page
from keyturn.web.standing import STANDING
from keyturn.web.visiting import HOME, Visit

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
    }
)


@dataclass(frozen=True)
class Rate:
    """A window of Okta's rate limits, and its picture."""

    org: str
    bucket: str
    picture: Markup


async def show(visit: Visit) -> Response:
    """Show the fleet at a glance."""
    fleet = await read_fleet(visit.world, visit.caller, visit.query.get("project") or None)
    return visit.render("overview.html", _shown(fleet))


async def show_moving(visit: Visit) -> Response:
    """Show what changes while somebody looks: what needs somebody, and what is under way."""
    fleet = await read_fleet(visit.world, visit.caller, visit.query.get("project") or None)
    return visit.render("overview/_moving.html", _shown(fleet))


def _shown(fleet: FleetView) -> dict[str, object]:
    bins = ages.bins_by_share(_ages(fleet), lambda key: f"/rotations?age={key}")
    return {
        "fleet": fleet,
        "standing": STANDING,
        "prose": prose,
        "attention": [(TONES[each.severity], each, _href(each)) for each in fleet.attention],
        "turning": [one for one in fleet.rotations if one.outlook.state is State.TURNING],
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


def _href(concern: Concern) -> str:
    return f"{PAGES[concern.about]}{concern.id}"


def _rate(number: int, found: Budget, now: datetime) -> Rate:
    window = found.window
    resets_s = max(0, ceil((window.resets_at - now).total_seconds()))
    title = f"{window.bucket} at {window.org}"
    resets = f"in {resets_s} s" if resets_s else ""
    shown = budget.Budget(window.limit, window.remaining, found.reserve, resets)
    return Rate(window.org, window.bucket, budget.draw_budget(f"rate{number}", shown, title=title))


ROUTES: Final = (page(HOME, show), page("/overview/moving", show_moving))
