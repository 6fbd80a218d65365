"""The list of rotations: found by text, standing and age, a page at a time."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response

from keyturn.domain.access import Verb
from keyturn.domain.fleet import Band, age_of, band_of
from keyturn.domain.outlook import State
from keyturn.domain.schedule import interval_of
from keyturn.services.fleet import RotationFilter, RotationPage, search_rotations
from keyturn.services.projects import list_projects
from keyturn.services.rotations import RotationView
from keyturn.web.one_rotation import LIST, One, maker
from keyturn.web.routing import page
from keyturn.web.standing import STANDING
from keyturn.web.visiting import Visit

EACH: Final = 50
TEXT_MAX: Final = 200
AGES: Final = {
    Band.LAST: "warn",
    Band.OVERDUE: "bad",
}
"""The tones of ages that are worth one."""
BANDS: Final = {
    Band.OVERDUE: "Older than the schedule allows",
    Band.ENDLESS: "Without a limit",
    Band.UNSERVED: "Nothing served yet",
}


@dataclass(frozen=True)
class Wanted:
    """What a list is asked for, as its address says it."""

    project: str
    find: str
    state: State | None
    band: Band | None
    start: int

    @property
    def filter(self) -> RotationFilter:
        """Return it as the service takes it."""
        return RotationFilter(self.find, frozenset({self.state} if self.state else ()), self.band)

    def href(self, **changes: str) -> str:
        """Return the address of the list with something else wanted, from its beginning."""
        plain = {
            "project": self.project,
            "find": self.find,
            "state": self.state or "",
            "age": self.band or "",
        }
        query = {name: value for name, value in (plain | changes).items() if value}
        return f"{LIST}?{urlencode(query)}" if query else LIST


@dataclass(frozen=True)
class Row:
    """A rotation in the list: how old what it serves is, against what its schedule allows."""

    one: One
    age_s: float | None
    allowed_s: float | None
    tone: str


async def show(visit: Visit) -> Response:
    """List the rotations that are wanted."""
    wanted, names = _wanted(visit), visit.caller.may_somewhere(Verb.READ_PROJECT)
    every = await list_projects(visit.world, visit.caller) if names else ()
    found = await search_rotations(
        visit.world,
        visit.caller,
        project=wanted.project or None,
        wanted=wanted.filter,
        offset=wanted.start,
        limit=EACH,
    )
    return visit.render(
        "rotations/list.html",
        wanted=wanted,
        found=found,
        rows=[_row(visit, each, found.at) for each in found.rotations],
        tabs=_tabs(wanted, found),
        current=wanted.href(),
        ages=BANDS.get(wanted.band, f"{wanted.band} % of its time") if wanted.band else "",
        projects=[("", "All projects"), *((w.project.slug, w.project.name) for w in every)],
        pages=_pages(wanted, found),
        creates=maker(visit, every),
        command=_command(wanted),
    )


def _wanted(visit: Visit) -> Wanted:
    """Read the address; what does not fit is not wanted."""
    query = visit.query
    start = query.get("start", "")
    return Wanted(
        project=query.get("project", "").strip(),
        find=query.get("find", "").strip()[:TEXT_MAX],
        state=next((each for each in State if each == query.get("state")), None),
        band=next((each for each in Band if each == query.get("age")), None),
        start=int(start) if start.isascii() and start.isdigit() and len(start) < 7 else 0,
    )


def _row(visit: Visit, view: RotationView, now: datetime) -> Row:
    age, allowed = age_of(view, now), interval_of(view.rotation.schedule)
    return Row(
        One(visit, view),
        age.total_seconds() if age is not None else None,
        allowed.total_seconds() if allowed else None,
        AGES.get(band_of(view, now), "good"),
    )


def _tabs(wanted: Wanted, found: RotationPage) -> Sequence[tuple[str, str]]:
    """Lead to those of each standing; one that none has is left out unless it is what is shown."""
    total = sum(found.counts.values())
    standings = [
        (f"{told.text} {found.counts[state]}", wanted.href(state=state))
        for state, told in STANDING.items()
        if found.counts[state] or state is wanted.state
    ]
    return [(f"All {total}", wanted.href(state="")), *standings]


def _pages(wanted: Wanted, found: RotationPage) -> tuple[str, str]:
    """Lead back and on, where there is anything."""
    before, after = max(0, wanted.start - EACH), wanted.start + EACH
    back = wanted.href(start=str(before) if before else "") if wanted.start else ""
    return back, wanted.href(start=str(after)) if after < found.total else ""


def _command(wanted: Wanted) -> str:
    """Return the command that lists the same."""
    options = {
        "--project": wanted.project,
        "--state": wanted.state or "",
        "--band": wanted.band or "",
        "--offset": str(wanted.start or ""),
    }
    told = (word for option, value in options.items() if value for word in (option, value))
    text = ["--", wanted.find] if wanted.find.startswith("-") else [wanted.find]
    return shlex.join(["keyturn", "fleet", "list", *told, *filter(None, text)])


ROUTES: Final = (page(LIST, show),)
