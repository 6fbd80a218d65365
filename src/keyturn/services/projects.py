"""Projects and their environments, and the place that a request speaks of."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

from keyturn.domain import names
from keyturn.domain.access import Caller, Target, Verb
from keyturn.domain.errors import CallerError, NotFound, Refused
from keyturn.domain.ids import EnvironmentId, FolderId, ProjectId
from keyturn.domain.project import Environment, Folder, Place, Project
from keyturn.services import gate
from keyturn.services.ports import Reading, World
from keyturn.services.records import must

STAGES = (("dev", "Development"), ("staging", "Staging"), ("prod", "Production"))


@dataclass(frozen=True)
class Where:
    """A place as a request names it: project by id or slug, environment by slug, secret path."""

    project: str
    environment: str
    path: str = "/"

    def __str__(self) -> str:
        return f"{self.project}/{self.environment}{self.path}"


@dataclass(frozen=True)
class Whole:
    """A project with its environments, in the order in which people see them."""

    project: Project
    environments: Sequence[Environment]


async def list_projects(world: World, caller: Caller) -> Sequence[Whole]:
    """List the projects that the caller may read. Raises Forbidden where there are none."""
    async with world.store.reading() as tx:
        every = await tx.list(Project, organization_id=caller.organization_id)
        near = [one for one in every if gate.may(caller, Verb.READ_PROJECT, anywhere_in(one.id))]
        found = [Whole(one, await list_environments(tx, one)) for one in near]
    target = anywhere_in(near[0].id) if near else Target(caller.home)
    await gate.require(world, caller, Verb.READ_PROJECT, target, subject="projects")
    return found


async def read_project(world: World, caller: Caller, project: str) -> Whole:
    """Read a project, by id or slug, with its environments.

    Raises Forbidden, and NotFound where there is none.
    """
    project_id = await resolve_project(world, project)
    target = anywhere_in(project_id)
    await gate.require(world, caller, Verb.READ_PROJECT, target, subject=f"project {project}")
    async with world.store.reading() as tx:
        found = await tx.find(Project, id=project_id)
        if found is None:
            raise NotFound(f"There is no project {project}.")
        return Whole(found, await list_environments(tx, found))


async def resolve_project(world: World, project: str) -> ProjectId:
    """Return the id of a project named by id or slug; an unknown name stands for itself.

    So the gate can refuse a caller before anything tells whether the project exists. An id comes
    before a slug, so that no slug can stand in for another project's id.
    """
    async with world.store.reading() as tx:
        found = await tx.find(Project, id=project) or await tx.find(Project, slug=project)
    return found.id if found else ProjectId(project)


async def read_place(
    tx: Reading, project_id: ProjectId, where: Where, absent: type[CallerError] = Refused
) -> Place:
    """Read project, environment and folder of a place, in the project that the gate decided on.

    Raises NotFound for an unknown project or environment, ``absent`` for an unknown folder (the
    answers that Infisical's clients expect).
    """
    project, environment = await read_environment(tx, project_id, where)
    path = names.secret_path(where.path)
    folder = await tx.find(Folder, environment_id=environment.id, path=path)
    if folder is None:
        raise absent(f"There is no folder {path} in {project.slug}/{environment.slug}.")
    return Place(project, environment, folder)


async def read_environment(
    tx: Reading, project_id: ProjectId, where: Where
) -> tuple[Project, Environment]:
    """Read project and environment of a place. Raises NotFound."""
    project = await tx.find(Project, id=project_id)
    if project is None:
        raise NotFound(f"There is no project {where.project}.")
    environment = await tx.find(Environment, project_id=project.id, slug=where.environment)
    if environment is None:
        raise NotFound(f"Project {project.slug} has no environment {where.environment}.")
    return project, environment


async def find_place(
    tx: Reading, project: Project, environment_slug: str, path: str
) -> Place | None:
    """Find a folder of a project by its environment and its path."""
    environment = await tx.find(Environment, project_id=project.id, slug=environment_slug)
    if environment is None:
        return None
    folder = await tx.find(Folder, environment_id=environment.id, path=path)
    return Place(project, environment, folder) if folder else None


def target_of(place: Place, connection_id: str = "") -> Target:
    """Return a place as what the gate decides on."""
    slug, path = place.environment.slug, place.folder.path
    return Target(place.project.id, slug, path, connection_id)


def anywhere_in(project_id: ProjectId) -> Target:
    """Return any place of a project as what the gate decides on."""
    return Target(project_id, somewhere=True)


async def place_of(tx: Reading, folder_id: FolderId) -> Place:
    """Return a known folder with its environment and project."""
    return await must(tx.find_place(folder_id))


async def places_of(tx: Reading, folder_ids: Iterable[FolderId]) -> Mapping[FolderId, Place]:
    """Return known folders with their environments and projects, in three looks for all."""
    folders = await tx.list(Folder, id=frozenset(folder_ids))
    ids = frozenset(folder.environment_id for folder in folders)
    environments = {each.id: each for each in await tx.list(Environment, id=ids)}
    ids_above = frozenset(each.project_id for each in environments.values())
    projects = {each.id: each for each in await tx.list(Project, id=ids_above)}
    around = ((folder, environments[folder.environment_id]) for folder in folders)
    return {folder.id: Place(projects[near.project_id], near, folder) for folder, near in around}


def new_environment(
    world: World, project: Project, *, slug: str, name: str, rank: int
) -> Environment:
    """Make the record of an environment, which needs its root folder."""
    return Environment(EnvironmentId(world.chance.uuid()), project.id, name, slug, rank)


def new_folder(
    world: World, environment: Environment, path: str, *, description: str | None = None
) -> Folder:
    """Make the record of a folder."""
    now, new_id = world.clock.now(), FolderId(world.chance.uuid())
    return Folder(new_id, environment.id, path, now, now, description)


async def list_environments(tx: Reading, project: Project) -> Sequence[Environment]:
    """List the environments of a project, in order."""
    found = await tx.list(Environment, project_id=project.id)
    return sorted(found, key=attrgetter("rank"))
