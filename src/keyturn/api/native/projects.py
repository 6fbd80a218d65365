"""Projects and their environments."""

from fastapi import APIRouter

from keyturn.api.authn import TheCaller, TheWorld
from keyturn.services import projects
from keyturn.wire import projects as wire
from keyturn.wire.base import Text

router = APIRouter(prefix="/api/v1/projects", tags=["Projects"])


@router.get("/{project}")
async def read_project(world: TheWorld, caller: TheCaller, project: Text) -> wire.ProjectAnswer:
    """Read a project, by id or by slug, with its environments."""
    found, environments = await projects.read_project(world, caller, project)
    shown = wire.Project(
        id=found.id,
        name=found.name,
        slug=found.slug,
        org_id=found.organization_id,
        environments=tuple(
            wire.Environment(id=one.id, name=one.name, slug=one.slug) for one in environments
        ),
    )
    return wire.ProjectAnswer(project=shown)
