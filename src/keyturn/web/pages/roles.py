"""Roles: which verbs they grant, and where; and roles of one's own."""

from typing import Final

from starlette.responses import Response

from keyturn.domain.access import BUILT_IN, Grant, Target, Verb
from keyturn.domain.errors import CallerError, FieldProblem, InvalidInput
from keyturn.domain.roles import parse_verbs
from keyturn.services import roles
from keyturn.services.projects import resolve_project
from keyturn.services.roles import RoleDraft
from keyturn.web.faults import told_of
from keyturn.web.menu import ABOVE
from keyturn.web.problems import status_of
from keyturn.web.routing import action, page
from keyturn.web.visiting import Visit

HERE: Final = "/access/roles"


async def show(visit: Visit) -> Response:
    """List the roles that can be held."""
    return await _shown(visit)


async def create(visit: Visit) -> Response:
    """Make a role of verbs and of where they hold."""
    slug, verbs = visit.said("slug"), [str(each) for each in visit.form.getlist("verbs")]
    try:
        if not verbs:
            raise InvalidInput(FieldProblem(("verbs",), "Tick one verb at least"))
        grant = Grant(
            frozenset(parse_verbs(verbs)),
            *(tuple(visit.said(name).split()) for name in ("environments", "paths", "connections")),
        )
        draft = RoleDraft(visit.said("name") or slug, visit.said("description"), (grant,))
        await roles.create_role(visit.world, visit.caller, _project(visit), slug, draft)
    except CallerError as error:
        return await _shown(visit, error)
    return visit.redirect(HERE, f"The role {slug} can be given now.")


async def delete(visit: Visit) -> Response:
    """Delete a role that nobody holds any more."""
    slug = visit.said("slug")
    try:
        await roles.delete_role(visit.world, visit.caller, _project(visit), slug)
    except CallerError as error:
        return await _shown(visit, error)
    return visit.redirect(HERE, f"The role {slug} is deleted.")


def _project(visit: Visit) -> str | None:
    return visit.said("project") or visit.query.get("project") or None


async def _shown(visit: Visit, error: CallerError | None = None) -> Response:
    _, projects = await visit.projects()
    return visit.render(
        "access/roles.html",
        status=status_of(error) if error else 200,
        problems=told_of(error, unique="slug"),
        views=await roles.list_roles(visit.world, visit.caller, _project(visit)),
        built_in=BUILT_IN,
        verbs=[each.value for each in Verb],
        chosen=[str(each) for each in visit.form.getlist("verbs")],
        typed={name: visit.said(name) for name in TYPED},
        project=_project(visit) or "",
        edits=await _edits(visit),
        places=[(each.project.slug, each.project.name) for each in projects],
    )


async def _edits(visit: Visit) -> bool:
    """Say whether they may change roles: those of the project that is asked for, or of all."""
    asked = _project(visit)
    place = Target(await resolve_project(visit.world, asked)) if asked else ABOVE
    return visit.may(Verb.EDIT_ROLES, place)


TYPED: Final = ("slug", "name", "description", "environments", "paths", "connections")

ROUTES: Final = (page(HERE, show), action(HERE, create), action(f"{HERE}/delete", delete))
