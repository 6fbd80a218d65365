"""The text of a flow as an editor shows it: what was found in it, line by line, and its picture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from keyturn.domain.flows.checking import placed
from keyturn.domain.flows.definition import Flow
from keyturn.domain.flows.findings import Finding, Severity
from keyturn.domain.flows.spots import way
from keyturn.services.flow_checks import Checked, check_flow
from keyturn.services.flows import FlowView, list_flows
from keyturn.services.projects import Where
from keyturn.web.pictures.flow_graph import START, Mark, draw_flow, marks_of
from keyturn.web.visiting import Visit

PICTURE: Final = "flow"
LINE_MAX: Final = 160


@dataclass(frozen=True)
class Told:
    """A finding, with the line that it is about."""

    line: int
    text: str
    where: str
    rule: str
    error: bool


@dataclass(frozen=True)
class Looked:
    """What there is to see of a text: findings, what nobody could look for, and the picture.

    ``picture`` is None where the text cannot be read.
    """

    findings: Sequence[Told]
    unchecked: Sequence[str]
    picture: Markup | None

    @property
    def errors(self) -> int:
        """Return how many findings are errors."""
        return sum(each.error for each in self.findings)

    @property
    def verdict(self) -> tuple[str, str]:
        """Return what is to be said first, and its tone."""
        warnings = len(self.findings) - self.errors
        if self.errors:
            return counted(self.errors, "error"), "bad"
        return (counted(warnings, "warning"), "warn") if warnings else ("Nothing wrong", "good")


def counted(number: int, noun: str) -> str:
    """Return so many of something."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def lines_of(text: str) -> range:
    """Return the numbers of a text's lines."""
    return range(1, text.count("\n") + 2)


async def look_at(visit: Visit, where: Where, text: str) -> Looked:
    """Check a text for a folder, and draw it. Raises Forbidden, NotFound, Refused."""
    checked = await check_flow(visit.world, visit.caller, where, text)
    helpers = await _helpers(visit, where, checked.flow) if checked.flow else {}
    return looked(text, checked, helpers)


def looked(text: str, checked: Checked, helpers: Mapping[str, str]) -> Looked:
    """Return what there is to see of a text; ``helpers`` are the ids of flows by their names."""
    lines = text.split("\n")
    findings = [_told(each, lines) for each in checked.findings]
    marks = marks_of(checked.findings)
    picture = draw(checked.flow, marks, helpers) if checked.flow else None
    return Looked(findings, checked.unchecked, picture)


def draw(flow: Flow, marks: Mapping[str, Mark], helpers: Mapping[str, str]) -> Markup:
    """Draw a flow whose cards lead to their lines, and whose helpers lead to their pages."""
    lines = {way(path): card.line for card, path in placed(flow.cards, ("cards",))}

    def line_of(at: str) -> str:
        return f"#line-{lines[at]}" if at in lines and at != START else ""

    def page_of(name: str) -> str:
        return f"/flows/{helpers[name]}" if name in helpers else ""

    return draw_flow(PICTURE, flow, marks=marks, href=line_of, flow_href=page_of)


async def helpers_of(visit: Visit, view: FlowView) -> Mapping[str, str]:
    """Return the ids of the flows that a flow may run, by their names."""
    place = view.place
    where = Where(place.project.id, place.environment.slug, place.folder.path)
    return await _helpers(visit, where, view.flow)


async def _helpers(visit: Visit, where: Where, flow: Flow) -> Mapping[str, str]:
    if not flow.helpers:
        return {}
    every = await list_flows(visit.world, visit.caller, project=where.project)
    return {each.saved.name: each.saved.id for each in every if _lies_in(each, where)}


def _lies_in(view: FlowView, where: Where) -> bool:
    place = view.place
    return (place.environment.slug, place.folder.path) == (where.environment, where.path)


def _told(found: Finding, lines: Sequence[str]) -> Told:
    text = lines[found.line - 1].strip() if 0 < found.line <= len(lines) else ""
    error = found.severity is Severity.ERROR
    return Told(found.line, text[:LINE_MAX], found.where, found.rule, error)
