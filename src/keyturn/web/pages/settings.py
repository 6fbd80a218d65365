"""Settings: projects and their environments, and what the server runs with."""

from typing import Final

from starlette.responses import Response

from keyturn.domain.access import Target, Verb
from keyturn.domain.errors import CallerError, NotFound, Refused
from keyturn.domain.project import Environment, Project
from keyturn.services import environments
from keyturn.services.environments import EnvironmentChange
from keyturn.services.projects import read_project
from keyturn.services.settings import list_settings
from keyturn.web.faults import told_of
from keyturn.web.problems import status_of
from keyturn.web.routing import action, page
from keyturn.web.visiting import Visit

HERE: Final = "/settings"
PROJECT: Final = "project"


async def show(visit: Visit) -> Response:
    """List the projects with their environments."""
    return await _shown(visit)


async def create_project(visit: Visit) -> Response:
    """Make a project with dev, staging and prod."""
    name, slug = visit.said("name"), visit.said("slug")
    try:
        made = await environments.create_project(visit.world, visit.caller, name, slug=slug)
    except CallerError as error:
        return await _shown(visit, error, PROJECT)
    return visit.redirect(HERE, f"The project {made.project.slug} is there now.")


async def create_environment(visit: Visit) -> Response:
    """Add an environment to a project."""
    asked = EnvironmentChange(visit.said("name"), visit.said("slug"))
    try:
        made = await environments.create_environment(
            visit.world, visit.caller, visit.said("project"), asked
        )
    except CallerError as error:
        return await _shown(visit, error, f"in {visit.said('project')}")
    return visit.redirect(HERE, f"The environment {made.slug} is there now.")


async def rename_environment(visit: Visit) -> Response:
    """Give an environment another name; its slug stays, since readers use it."""
    change = EnvironmentChange(visit.said("name"))
    project, environment_id = visit.said("project"), visit.said("environment")
    try:
        await environments.update_environment(
            visit.world, visit.caller, project, environment_id, change
        )
    except CallerError as error:
        return await _shown(visit, error, environment_id)
    return visit.redirect(HERE, "The environment has another name now.")


async def confirm_deletion(visit: Visit) -> Response:
    """Say what goes with an environment, and ask for its slug."""
    return await _asked(visit)


async def delete_environment(visit: Visit) -> Response:
    """Delete an environment, once its slug was typed."""
    project, environment_id = visit.given("project"), visit.given("environment_id")
    slug = (await _found(visit))[1].slug
    if visit.said("confirm") != slug:
        return await _asked(visit, Refused(f"Type {slug} to delete it."))
    try:
        await environments.delete_environment(visit.world, visit.caller, project, environment_id)
    except CallerError as error:
        return await _asked(visit, error)
    return visit.redirect(HERE, f"The environment {slug} is deleted.")


async def show_server(visit: Visit) -> Response:
    """Show every setting in force."""
    return visit.render(
        "settings/server.html", settings=await list_settings(visit.world, visit.caller)
    )


async def _found(visit: Visit) -> tuple[Project, Environment]:
    whole = await read_project(visit.world, visit.caller, visit.given("project"))
    for each in whole.environments:
        if each.id == visit.given("environment_id"):
            return whole.project, each
    raise NotFound(f"{whole.project.slug} has no such environment.")


async def _asked(visit: Visit, error: CallerError | None = None) -> Response:
    project, environment = await _found(visit)
    visit.require(project.name, Target(project.id), Verb.EDIT_PROJECT)
    return visit.render(
        "settings/delete.html",
        status=status_of(error) if error else 200,
        project=project,
        environment=environment,
        error=error.message if error else "",
    )


async def _shown(visit: Visit, error: CallerError | None = None, form: str = "") -> Response:
    """Show the page; ``form`` is the one that did not fit: a project's, or an environment's."""
    _, every = await visit.projects()
    return visit.render(
        "settings/projects.html",
        status=status_of(error) if error else 200,
        problems=told_of(error, {"projectName": "name"}, unique="slug"),
        failed=form,
        projects=every,
        editable={
            each.project.id
            for each in every
            if visit.may(Verb.EDIT_PROJECT, Target(each.project.id))
        },
        creates=visit.may(Verb.CREATE_PROJECTS),
        typed={name: visit.said(name) for name in ("name", "slug")},
    )


ROUTES: Final = (
    page(HERE, show),
    page(f"{HERE}/server", show_server),
    action(f"{HERE}/projects", create_project),
    action(f"{HERE}/environments", create_environment),
    action(f"{HERE}/environments/rename", rename_environment),
    page(f"{HERE}/{{project}}/environments/{{environment_id}}/delete", confirm_deletion),
    action(f"{HERE}/{{project}}/environments/{{environment_id}}/delete", delete_environment),
)
