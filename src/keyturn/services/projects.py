"""Find the place that a request speaks of."""

from collections.abc import Sequence
from dataclasses import dataclass

from keyturn.domain import names
from keyturn.domain.access import Caller, Verb
from keyturn.domain.errors import NotFound, Refused
from keyturn.domain.ids import FolderId, ProjectId
from keyturn.domain.project import Environment, Folder, Place, Project
from keyturn.services import gate
from keyturn.services.ports import Reading, World
from keyturn.services.records import must


@dataclass(frozen=True)
class Where:
    """A place as a request names it: project by id or slug, environment by slug, secret path."""

    project: str
    environment: str
    path: str = "/"

    def __str__(self) -> str:
        return f"{self.project}/{self.environment}{self.path}"


async def read_project(
    world: World, caller: Caller, project: str
) -> tuple[Project, Sequence[Environment]]:
    """Read a project, by id or slug, with its environments.

    Raises Forbidden, and NotFound where there is none.
    """
    project_id = await resolve_project(world, project)
    await gate.require(
        world, caller, Verb.READ_PROJECT, subject=f"project {project}", project_id=project_id
    )
    async with world.store.reading() as tx:
        found = await tx.find(Project, id=project_id)
        if found is None:
            raise NotFound(f"There is no project {project}.")
        return found, await tx.list(Environment, project_id=found.id)


async def resolve_project(world: World, project: str) -> ProjectId:
    """Return the id of a project named by id or slug; an unknown name stands for itself.

    So the gate can refuse a caller before anything tells whether the project exists. An id comes
    before a slug, so that no slug can stand in for another project's id.
    """
    async with world.store.reading() as tx:
        found = await tx.find(Project, id=project) or await tx.find(Project, slug=project)
    return found.id if found else ProjectId(project)


async def read_place(tx: Reading, project_id: ProjectId, where: Where) -> Place:
    """Read project, environment and folder of a place, in the project that the gate decided on.

    Raises NotFound for an unknown project or environment, Refused for an unknown folder (the
    answers that Infisical's clients expect).
    """
    project = await tx.find(Project, id=project_id)
    if project is None:
        raise NotFound(f"There is no project {where.project}.")
    environment = await tx.find(Environment, project_id=project.id, slug=where.environment)
    if environment is None:
        raise NotFound(f"Project {project.slug} has no environment {where.environment}.")
    path = names.secret_path(where.path)
    folder = await tx.find(Folder, environment_id=environment.id, path=path)
    if folder is None:
        raise Refused(f"There is no folder {path} in {project.slug}/{environment.slug}.")
    return Place(project, environment, folder)


async def place_of(tx: Reading, folder_id: FolderId) -> Place:
    """Return a known folder with its environment and project."""
    folder = await must(tx.find(Folder, id=folder_id))
    environment = await must(tx.find(Environment, id=folder.environment_id))
    return Place(await must(tx.find(Project, id=environment.project_id)), environment, folder)
