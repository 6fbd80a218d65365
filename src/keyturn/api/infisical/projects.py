"""Projects and their environments, by both of the names that clients have for projects."""

from typing import Annotated

from fastapi import APIRouter, Path

from keyturn.api.authn import TheCaller, TheWorld
from keyturn.api.lenient import LenientRoute
from keyturn.domain import project as domain
from keyturn.services import environments, projects
from keyturn.services.environments import EnvironmentChange
from keyturn.services.projects import Whole
from keyturn.wire import projects as wire
from keyturn.wire.base import TEXT_MAX

router = APIRouter(tags=["Projects"], route_class=LenientRoute)

Named = Annotated[str, Path(max_length=TEXT_MAX)]


@router.post("/api/v1/auth/checkAuth", tags=["Login"])
async def check_auth(caller: TheCaller) -> wire.Checked:
    """Say that the token is good."""
    return wire.Checked()


@router.get("/api/v1/workspace")
async def list_workspaces(world: TheWorld, caller: TheCaller) -> wire.WorkspacesAnswer:
    """List the projects that the caller may read."""
    found = await projects.list_projects(world, caller)
    return wire.WorkspacesAnswer(workspaces=tuple(map(_shown, found)))


@router.post("/api/v2/workspace")
@router.post("/api/v1/projects", name="create_project_v1")
async def create_project(
    world: TheWorld, caller: TheCaller, body: wire.CreateProject
) -> wire.ProjectAnswer:
    """Create a project with the environments dev, staging and prod."""
    slug = body.slug or ""
    made = await environments.create_project(world, caller, body.project_name, slug=slug)
    return wire.ProjectAnswer(project=_shown(made))


@router.get("/api/v1/projects/slug/{project}")
@router.get("/api/v1/workspace/slug/{project}", name="read_workspace_by_slug")
@router.get("/api/v2/workspace/{project}", name="read_workspace_v2")
async def read_bare_project(world: TheWorld, caller: TheCaller, project: Named) -> wire.Project:
    """Read a project, by slug or by id; the answer is the project alone."""
    return _shown(await projects.read_project(world, caller, project))


@router.get("/api/v1/projects/{project}")
async def read_project(world: TheWorld, caller: TheCaller, project: Named) -> wire.ProjectAnswer:
    """Read a project, by id or by slug, with its environments."""
    return wire.ProjectAnswer(project=_shown(await projects.read_project(world, caller, project)))


@router.get("/api/v1/workspace/{project}")
async def read_workspace(
    world: TheWorld, caller: TheCaller, project: Named
) -> wire.WorkspaceAnswer:
    """Read a project, by id or by slug, by the name that older clients have for it."""
    found = await projects.read_project(world, caller, project)
    return wire.WorkspaceAnswer(workspace=_shown(found))


@router.post("/api/v1/projects/{project}/environments")
@router.post("/api/v1/workspace/{project}/environments", name="create_workspace_environment")
async def create_environment(
    world: TheWorld, caller: TheCaller, project: Named, body: wire.CreateEnvironment
) -> wire.EnvironmentAnswer:
    """Create an environment with its root folder."""
    asked = EnvironmentChange(body.name, body.slug, body.position)
    made = await environments.create_environment(world, caller, project, asked)
    return _answered(made, "The environment is created.")


@router.patch("/api/v1/projects/{project}/environments/{environment_id}")
@router.patch(
    "/api/v1/workspace/{project}/environments/{environment_id}",
    name="update_workspace_environment",
)
async def update_environment(
    world: TheWorld,
    caller: TheCaller,
    project: Named,
    environment_id: Named,
    body: wire.UpdateEnvironment,
) -> wire.EnvironmentAnswer:
    """Change the name, slug or position of an environment."""
    change = EnvironmentChange(body.name, body.slug, body.position)
    after = await environments.update_environment(world, caller, project, environment_id, change)
    return _answered(after, "The environment is changed.")


@router.delete("/api/v1/projects/{project}/environments/{environment_id}")
@router.delete(
    "/api/v1/workspace/{project}/environments/{environment_id}",
    name="delete_workspace_environment",
)
async def delete_environment(
    world: TheWorld, caller: TheCaller, project: Named, environment_id: Named
) -> wire.EnvironmentAnswer:
    """Delete an environment with all its folders and secrets; not under a rotation."""
    gone = await environments.delete_environment(world, caller, project, environment_id)
    return _answered(gone, "The environment is deleted.")


def _answered(found: domain.Environment, message: str) -> wire.EnvironmentAnswer:
    environment = _environment(found)
    return wire.EnvironmentAnswer(
        message=message, workspace=found.project_id, environment=environment
    )


def _shown(found: Whole) -> wire.Project:
    project = found.project
    return wire.Project(
        id=project.id,
        legacy_id=project.id,
        name=project.name,
        slug=project.slug,
        org_id=project.organization_id,
        created_at=project.created_at,
        environments=tuple(map(_environment, found.environments)),
    )


def _environment(found: domain.Environment) -> wire.Environment:
    return wire.Environment(id=found.id, name=found.name, slug=found.slug, position=found.rank)
