"""A new flow: from nothing, from a template, or from an export of Okta Workflows."""

import asyncio
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import UploadFile
from starlette.responses import Response

from keyturn.domain import names
from keyturn.domain.access import Verb
from keyturn.domain.errors import CallerError, FieldProblem, InvalidInput, NotFound
from keyturn.domain.flows.flopack import PackRefused, import_pack
from keyturn.domain.flows.flopack.report import lines_of as report_lines
from keyturn.domain.flows.templates import list_templates
from keyturn.domain.project import ROOT
from keyturn.services.flows import save_flow
from keyturn.services.projects import Where, anywhere_in
from keyturn.web.faults import told_of
from keyturn.web.flow_texts import lines_of, look_at
from keyturn.web.one_flow import LIST
from keyturn.web.pages.flows import may_create
from keyturn.web.pages.flows_edit import Typed, is_part, part, source_of
from keyturn.web.problems import status_of
from keyturn.web.routing import action, page
from keyturn.web.visiting import Visit

NEW: Final = f"{LIST}/new"
IMPORT: Final = f"{LIST}/import"
SAMPLE: Final = """\
version: 1
flow: greet
description: Say hello, as often as somebody asks for it.
start:
  kind: api_endpoint
  security: client_token
  query: {name: text}
  body: {times: number}
outputs: {greeting: text, times: number}
cards:
- id: greeting
  card: text.compose
  with: {text: "Hello {{ start.query.name }}"}
- card: flow.return
  with: {greeting: "{{ greeting.text }}", times: "{{ start.body.times? }}"}
"""


@dataclass(frozen=True)
class Spot:
    """Where a new flow or table is to lie, as somebody has typed it."""

    project: str
    environment: str
    path: str
    environments: Sequence[tuple[str, str]]
    projects: Sequence[tuple[str, str]]

    @property
    def where(self) -> Where:
        """Return it as services name it. Raises InvalidInput."""
        try:
            return Where(self.project, self.environment, names.secret_path(self.path or ROOT))
        except InvalidInput as error:
            rules = (FieldProblem(("path",), each.rule) for each in error.problems)
            raise InvalidInput(*rules) from None

    def command(self, *words: str) -> str:
        """Return a command for this place."""
        place = ("--env", self.environment, "--path", self.path or ROOT, "--project", self.project)
        return shlex.join(["keyturn", *words, *place])


async def spot_of(visit: Visit) -> Spot:
    """Return the place that a request names, the first one where it names none."""
    whole, projects = await visit.projects()
    slugs = [each.slug for each in whole.environments]
    asked = visit.said("environment") or visit.query.get("environment", "")
    return Spot(
        project=whole.project.slug,
        environment=asked if asked in slugs else slugs[0],
        path=visit.said("path") or visit.query.get("path", "") or ROOT,
        environments=[(each.slug, each.name) for each in whole.environments],
        projects=[(each.project.slug, each.project.name) for each in projects],
    )


async def show(visit: Visit) -> Response:
    """Show an editor with a flow to begin with."""
    await _require_maker(visit)
    return await _shown(visit, Typed(_beginning(visit.query.get("template", ""))))


async def _require_maker(visit: Visit) -> None:
    """Raise Forbidden for who may make no flow anywhere in the project."""
    whole, _ = await visit.projects()
    visit.require(whole.project.name, anywhere_in(whole.project.id), Verb.EDIT_FLOWS)


async def check(visit: Visit) -> Response:
    """Say what is wrong in a text; nothing is saved."""
    source = source_of(visit)
    if is_part(visit):
        try:
            return await part(visit, (await spot_of(visit)).where, source)
        except InvalidInput:
            return visit.render("flows/_checked.html", looked=None)
    return await _shown(visit, Typed(source))


async def save(visit: Visit) -> Response:
    """Save a text as a new flow."""
    source = source_of(visit)
    try:
        where = (await spot_of(visit)).where
        saved = await save_flow(visit.world, visit.caller, where, source, base=0)
    except CallerError as error:
        return await _shown(visit, Typed(source, 0, error))
    told = f"{saved.saved.name} is saved, and switched on."
    return visit.redirect(f"{LIST}/{saved.saved.id}", told)


def _beginning(name: str) -> str:
    """Return the text to begin with. Raises NotFound."""
    texts = {each.name: each.text for each in list_templates()}
    if name and name not in texts:
        raise NotFound("There is no such template.")
    return texts.get(name, SAMPLE)


async def _shown(visit: Visit, typed: Typed) -> Response:
    spot = await spot_of(visit)
    error, found = typed.error, None
    try:
        found = await look_at(visit, spot.where, typed.source)
    except CallerError as wrong:
        error = error or wrong
    typed = Typed(typed.source, 0, error)
    problems = dict(typed.problems)
    return visit.render(
        "flows/new.html",
        status=typed.status,
        typed=typed,
        spot=spot,
        path_error=problems.get("path", ""),
        lines=lines_of(typed.source),
        looked=found,
        templates=list_templates(),
        creates=may_create(visit, (await visit.projects())[0]),
        chosen=visit.query.get("template", ""),
    )


# --- from an export -------------------------------------------------------------------------------


async def show_import(visit: Visit) -> Response:
    """Ask for an export of Okta Workflows."""
    await _require_maker(visit)
    return await _asked(visit)


async def translate(visit: Visit) -> Response:
    """Translate an export, and say what is left to do; nothing is saved."""
    await _require_maker(visit)
    try:
        imported = await asyncio.to_thread(import_pack, await _pack_of(visit))
    except (CallerError, PackRefused) as error:
        told = error if isinstance(error, CallerError) else _wrong(str(error))
        return await _asked(visit, told)
    return visit.render(
        "flows/imported.html",
        imported=imported,
        report=[*report_lines(imported)],
        spot=await spot_of(visit),
    )


async def _pack_of(visit: Visit) -> str:
    """Return the text of the file that was sent. Raises InvalidInput."""
    file = visit.form.get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        raise _wrong("choose the .flopack file that the console of Okta Workflows has exported")
    try:
        return (await file.read()).decode()
    except UnicodeDecodeError:
        raise _wrong("the file is not a text in UTF-8") from None


def _wrong(rule: str) -> InvalidInput:
    return InvalidInput(FieldProblem(("file",), rule))


async def _asked(visit: Visit, error: CallerError | None = None) -> Response:
    return visit.render(
        "flows/import.html",
        status=status_of(error) if error else 200,
        spot=await spot_of(visit),
        problems=told_of(error),
    )


ROUTES: Final = (
    page(NEW, show),
    action(f"{NEW}/check", check),
    action(NEW, save),
    page(IMPORT, show_import),
    action(IMPORT, translate),
)
