"""The list of flows: what starts each, whether it is on, and how its last runs went."""

import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.responses import Response

from keyturn.domain.access import Verb
from keyturn.domain.flows.run import Run
from keyturn.domain.ids import FlowId
from keyturn.services import gate
from keyturn.services.flows import FlowView, list_flows
from keyturn.services.projects import Whole, anywhere_in
from keyturn.services.run_history import list_latest_runs
from keyturn.web.elsewhere import count_elsewhere
from keyturn.web.flow_told import PHASES, lasted_s, seconds
from keyturn.web.one_flow import LIST, OneFlow, one_of
from keyturn.web.pictures.sparkline import Bar, draw_bars
from keyturn.web.pictures.tones import Tone
from keyturn.web.routing import page
from keyturn.web.standing import Standing
from keyturn.web.visiting import Visit

EACH: Final = 50
BARS: Final = 12
TEXT_MAX: Final = 200
TONES: Final[Mapping[str, Tone]] = {"good": "good", "busy": "busy", "warn": "warn", "bad": "bad"}

Fits = Callable[[FlowView], bool]
TABS: Final[Mapping[str, tuple[str, Fits]]] = MappingProxyType(
    {
        "on": ("Switched on", lambda view: view.saved.enabled and not view.problem),
        "off": ("Switched off", lambda view: not view.saved.enabled),
        "unread": ("Cannot be read", lambda view: bool(view.problem)),
    }
)


@dataclass(frozen=True)
class Row:
    """A flow in the list."""

    one: OneFlow
    last: Run | None
    bars: Markup | None

    @property
    def connections(self) -> Sequence[str]:
        """Return the connections that its cards use, by the names that they have there."""
        return sorted(self.one.flow.connections) if self.one.flow else ()

    @property
    def ended(self) -> Standing | None:
        """Return how its last run stands."""
        return PHASES[self.last.phase] if self.last else None


@dataclass(frozen=True)
class Wanted:
    """What a list is asked for, as its address says it."""

    project: str
    find: str
    tab: str
    start: int

    def href(self, **changes: str) -> str:
        """Return the address of the list with something else wanted, from its beginning."""
        plain = {"project": self.project, "find": self.find, "show": self.tab}
        query = {name: value for name, value in (plain | changes).items() if value}
        return f"{LIST}?{urlencode(query)}" if query else LIST


async def list_all(visit: Visit) -> Response:
    """List the flows of a project that are wanted."""
    whole, projects = await visit.projects()
    every = await list_flows(visit.world, visit.caller, project=whole.project.id)
    wanted = _wanted(visit, whole, projects)
    like = [each for each in every if _is_like(each, wanted.find)]
    near = [each for each in like if not wanted.tab or TABS[wanted.tab][1](each)]
    near.sort(key=lambda each: (each.saved.name, str(each.place)))
    shown = near[wanted.start : wanted.start + EACH]
    runs = await _runs(visit, whole, shown)
    back = wanted.href(start=str(max(0, wanted.start - EACH))) if wanted.start else ""
    more = wanted.start + EACH < len(near)
    return visit.render(
        "flows/list.html",
        whole=whole,
        projects=[(each.project.slug, each.project.name) for each in projects],
        wanted=wanted,
        rows=[_row(visit, view, number, runs) for number, view in enumerate(shown)],
        tabs=_tabs(wanted, like),
        back=back,
        more=wanted.href(start=str(wanted.start + EACH)) if more else "",
        total=len(near),
        elsewhere=() if every else await count_elsewhere(visit, LIST, Verb.READ_FLOWS, list_flows),
        creates=may_create(visit, whole),
        command=shlex.join(["keyturn", "flow", "list", "--project", whole.project.slug]),
    )


def may_create(visit: Visit, whole: Whole) -> bool:
    """Say whether they may make flows and tables somewhere in a project."""
    return visit.may(Verb.EDIT_FLOWS, anywhere_in(whole.project.id))


def start_of(visit: Visit) -> int:
    """Return from which one on a list is wanted."""
    told = visit.query.get("start", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 7 else 0


def draw_runs(picture_id: str, runs: Sequence[Run], name: str) -> Markup:
    """Draw how long the last runs of a flow took, and how they ended; the newest is given first."""
    bars = [_bar(each) for each in reversed(runs)]
    return draw_bars(picture_id, bars, title=f"The last runs of {name}")


def _bar(run: Run) -> Bar:
    standing, took = PHASES[run.phase], lasted_s(run)
    told = standing.text if took is None else f"{standing.text} after {seconds(took)}"
    return Bar(took or 0.0, TONES[standing.tone], told)


def _wanted(visit: Visit, whole: Whole, projects: Sequence[Whole]) -> Wanted:
    """Read the address; what does not fit is not wanted."""
    tab = visit.query.get("show", "")
    return Wanted(
        project=whole.project.slug if len(projects) > 1 else "",
        find=visit.query.get("find", "").strip()[:TEXT_MAX],
        tab=tab if tab in TABS else "",
        start=start_of(visit),
    )


def _is_like(view: FlowView, text: str) -> bool:
    connections = () if view.problem else view.flow.connections
    saved, place = view.saved, view.place
    where = f"{place.environment.slug}{place.folder.path}"
    told = (saved.name, saved.description, where, *connections)
    return any(text.casefold() in each.casefold() for each in told)


def _tabs(wanted: Wanted, like: Iterable[FlowView]) -> Sequence[tuple[str, str, bool]]:
    """Lead to those of each standing; one that none has is left out, unless it is shown."""
    every = [*like]
    counts = Counter(tab for each in every for tab, (_, fits) in TABS.items() if fits(each))
    tabs = [
        (f"{text} {counts[tab]}", wanted.href(show=tab), tab == wanted.tab)
        for tab, (text, _) in TABS.items()
        if counts[tab] or tab == wanted.tab
    ]
    return [(f"All {len(every)}", wanted.href(show=""), not wanted.tab), *tabs]


async def _runs(
    visit: Visit, whole: Whole, views: Sequence[FlowView]
) -> Mapping[FlowId, Sequence[Run]]:
    if not gate.may(visit.caller, Verb.READ_RUNS, anywhere_in(whole.project.id)):
        return {}
    project = whole.project.id
    return await list_latest_runs(visit.world, visit.caller, views, project=project, each=BARS)


def _row(visit: Visit, view: FlowView, number: int, runs: Mapping[FlowId, Sequence[Run]]) -> Row:
    found = runs.get(view.saved.id, ())
    bars = draw_runs(f"runs-{number}", found, view.saved.name) if found else None
    return Row(one_of(visit, view), found[0] if found else None, bars)


ROUTES: Final = (page(LIST, list_all),)
