"""A flow's text beside its picture: checked as it is typed, and saved version by version."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from keyturn.domain.access import Verb
from keyturn.domain.errors import CallerError, InvalidInput, KeyturnError, Refused
from keyturn.domain.flows.checking import examine
from keyturn.domain.flows.run import Run
from keyturn.services import gate
from keyturn.services.flows import save_flow
from keyturn.services.projects import Where, target_of
from keyturn.services.run_history import list_runs
from keyturn.web.faults import told_of
from keyturn.web.flow_texts import Looked, lines_of, look_at
from keyturn.web.flow_told import CALLERS, PHASES
from keyturn.web.one_flow import ONE, OneFlow, find_flow
from keyturn.web.pages.flows import BARS, draw_runs
from keyturn.web.problems import status_of
from keyturn.web.routing import action, page
from keyturn.web.visiting import Visit

RENAMED: Final = "The text names the flow {}, and this page is of {}: make a new flow of it."
UNCHANGED: Final = "Nothing has changed: it is still version {}."


@dataclass(frozen=True)
class Typed:
    """A text in the editor, the version that it was made from, and what became of saving it."""

    source: str
    base: int = 0
    error: KeyturnError | None = None

    @property
    def status(self) -> int:
        """Return the status of the page that shows it."""
        return status_of(self.error) if self.error else 200

    @property
    def problems(self) -> list[tuple[str, str]]:
        """Return what is to be told above it; what has a line stands among the findings."""
        if not isinstance(self.error, InvalidInput):
            return [*told_of(self.error)]
        if any(each.field[0] in ("flow", "cards") for each in self.error.problems):
            return [("source", "Mend the errors that stand beside the text, then save it again.")]
        return [*told_of(self.error, {"secretPath": "path"})]


async def show(visit: Visit) -> Response:
    """Show a flow: its text, its picture, where it is reached."""
    one = await find_flow(visit)
    return await _shown(one, Typed(one.view.version.source, one.view.saved.number))


async def check(visit: Visit) -> Response:
    """Say what is wrong in a text; nothing is saved."""
    one = await find_flow(visit)
    typed = Typed(source_of(visit), _base(visit))
    if is_part(visit):
        return await part(visit, one.where, typed.source)
    return await _shown(one, typed)


async def save(visit: Visit) -> Response:
    """Save a text as the flow's next version."""
    one = await find_flow(visit)
    source, base, newest = source_of(visit), _base(visit), one.view.saved.number
    if source == one.view.version.source:
        return visit.redirect(one.href, UNCHANGED.format(newest))
    try:
        await _require_name(one, source)
        saved = await save_flow(visit.world, visit.caller, one.where, source, base=base)
    except CallerError as error:
        return await _shown(one, Typed(source, base, error))
    return visit.redirect(one.href, f"It is saved as version {saved.saved.number}.")


async def part(visit: Visit, where: Where, source: str) -> Response:
    """Answer with what there is to see of a text, for the page that it is typed on."""
    try:
        found: Looked | None = await look_at(visit, where, source)
    except CallerError:  # what is wrong with the place, the whole page says
        found = None
    return visit.render("flows/_checked.html", looked=found)


def source_of(visit: Visit) -> str:
    """Return the text that was typed; forms end lines as the network does."""
    return str(visit.form.get("source", "")).replace("\r\n", "\n")


def is_part(visit: Visit) -> bool:
    """Say whether a script asks for a part of the page."""
    return visit.request.headers.get("hx-request") == "true"


def _base(visit: Visit) -> int:
    told = visit.said("base")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 10 else 0


async def _require_name(one: OneFlow, source: str) -> None:
    """Raise Refused where the text is of another flow: it would be saved over that one."""
    _, flow = await asyncio.to_thread(examine, source)
    if flow and flow.name != one.name:
        raise Refused(RENAMED.format(flow.name, one.name))


async def _shown(one: OneFlow, typed: Typed) -> Response:
    visit, saved = one.visit, one.view.saved
    runs = await latest_runs(one)
    return visit.render(
        "flows/show.html",
        status=typed.status,
        one=one,
        typed=typed,
        lines=lines_of(typed.source),
        looked=await look_at(visit, one.where, typed.source),
        callers=CALLERS[one.flow.start.security] if one.flow else "",
        last=runs[0] if runs else None,
        bars=draw_runs("runs", runs, one.name) if runs else None,
        phases=PHASES,
        unsaved=typed.source != one.view.version.source,
        behind=bool(typed.base) and typed.base != saved.number,
    )


async def latest_runs(one: OneFlow) -> Sequence[Run]:
    """Return the newest runs of a flow, for who may see them."""
    visit = one.visit
    if not gate.may(visit.caller, Verb.READ_RUNS, target_of(one.place)):
        return ()
    found = await list_runs(visit.world, visit.caller, one.id, limit=BARS)
    return [each.run for each in found]


ROUTES: Final = (page(ONE, show), action(f"{ONE}/check", check), action(f"{ONE}/save", save))
