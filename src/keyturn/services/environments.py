"""Make projects, and change their environments."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from keyturn.domain import names
from keyturn.domain.access import ADMIN, Caller, Target, Verb
from keyturn.domain.errors import NotFound
from keyturn.domain.identity import Identity
from keyturn.domain.ids import ProjectId
from keyturn.domain.project import ROOT, Environment, Folder, Place, Project
from keyturn.services import gate
from keyturn.services.folders import require_no_gain
from keyturn.services.identities import member
from keyturn.services.ports import Reading, World, Writing
from keyturn.services.projects import (
    STAGES,
    Whole,
    list_environments,
    new_environment,
    new_folder,
    resolve_project,
)
from keyturn.services.records import must
from keyturn.services.removal import remove_folders
from keyturn.services.root_key import new_data_key


@dataclass(frozen=True)
class EnvironmentChange:
    """What to change of an environment; None leaves it as it is. The first has position 1."""

    name: str | None = None
    slug: str | None = None
    position: int | None = None


async def create_project(world: World, caller: Caller, name: str, *, slug: str = "") -> Whole:
    """Create a project with dev, staging and prod; who could not reach it becomes its admin.

    Without a slug one is made of the name. Raises Forbidden, InvalidInput, Taken, and
    RootKeyUnknown where the root key was changed under this server, which finds no other.
    """
    title = names.title(("projectName",), name)
    wanted = names.slug("slug", slug) if slug else _slug_of(world, title)
    verb = Verb.CREATE_PROJECTS
    await gate.require(world, caller, verb, Target(), subject=f"project {wanted}")
    new_id, now = ProjectId(world.chance.uuid()), world.clock.now()
    async with world.store.writing() as tx:
        key = await new_data_key(world, tx, new_id, caller.organization_id)
        project = Project(new_id, caller.organization_id, title, wanted, key, now)
        made = [
            new_environment(world, project, slug=stage, name=words, rank=rank)
            for rank, (stage, words) in enumerate(STAGES, start=1)
        ]
        await tx.add(project, *made, *(new_folder(world, each, ROOT) for each in made))
        if not gate.may(caller, Verb.EDIT_PROJECT, Target(new_id)):
            maker = await must(tx.find(Identity, id=caller.id))
            await tx.add(member(world, maker, ADMIN, new_id))
    return Whole(project, made)


async def create_environment(
    world: World, caller: Caller, project: str, asked: EnvironmentChange
) -> Environment:
    """Create an environment with its root folder, as the last one unless it is told where.

    Raises Forbidden, NotFound, InvalidInput, Taken.
    """
    name, slug = names.title(("name",), asked.name or ""), names.slug("slug", asked.slug or "")
    project_id = await _pass(world, caller, project, slug)
    async with world.store.writing() as tx:
        found = await must(tx.find(Project, id=project_id))
        others = await list_environments(tx, found)
        made = new_environment(world, found, slug=slug, name=name, rank=len(others) + 1)
        await tx.add(made, new_folder(world, made, ROOT))
        return await _put(tx, made, others, asked.position)


async def update_environment(
    world: World, caller: Caller, project: str, environment_id: str, change: EnvironmentChange
) -> Environment:
    """Change the name, slug or position of an environment.

    Raises Forbidden, NotFound, InvalidInput, Taken.
    """
    name = None if change.name is None else names.title(("name",), change.name)
    slug = None if change.slug is None else names.slug("slug", change.slug)
    project_id = await _pass(world, caller, project, environment_id)
    async with world.store.writing() as tx:
        found = await _read(tx, project_id, environment_id)
        changed = replace(found, name=name or found.name, slug=slug or found.slug)
        await _require_no_gain(tx, caller, found, changed)
        await tx.replace(changed)
        every = await list_environments(tx, await must(tx.find(Project, id=project_id)))
        others = [each for each in every if each.id != found.id]
        return await _put(tx, changed, others, change.position or every.index(changed) + 1)


async def delete_environment(
    world: World, caller: Caller, project: str, environment_id: str
) -> Environment:
    """Delete an environment with all its folders and secrets.

    Raises Forbidden, NotFound, and Refused while a rotation keeps something in it.
    """
    project_id = await _pass(world, caller, project, environment_id)
    async with world.store.writing() as tx:
        found = await _read(tx, project_id, environment_id)
        await remove_folders(tx, await tx.list(Folder, environment_id=found.id))
        await tx.remove(found)
    return found


async def _pass(world: World, caller: Caller, project: str, environment: str) -> ProjectId:
    project_id = await resolve_project(world, project)
    subject = f"environment {environment} of project {project}"
    await gate.require(world, caller, Verb.EDIT_PROJECT, Target(project_id), subject=subject)
    async with world.store.reading() as tx:
        if await tx.find(Project, id=project_id) is None:
            raise NotFound(f"There is no project {project}.")
    return project_id


async def _read(tx: Reading, project_id: ProjectId, environment_id: str) -> Environment:
    found = await tx.find(Environment, id=environment_id, project_id=project_id)
    if found is None:
        raise NotFound(f"The project has no environment with the id {environment_id}.")
    return found


async def _require_no_gain(
    tx: Reading, caller: Caller, before: Environment, after: Environment
) -> None:
    """Make sure that the caller may no more under a new slug than under the old one."""
    project = await must(tx.find(Project, id=before.project_id))
    for folder in await tx.list(Folder, environment_id=before.id):
        places = [Place(project, each, folder) for each in (before, after)]
        await require_no_gain(tx, caller, *places)


async def _put(
    tx: Writing, moved: Environment, others: Sequence[Environment], position: int | None
) -> Environment:
    """Rank an environment among the others, which keep their order."""
    index = len(others) if position is None else max(position - 1, 0)
    order = [*others[:index], moved, *others[index:]]
    ranked = [replace(each, rank=rank) for rank, each in enumerate(order, start=1)]
    await tx.replace(*ranked)
    return next(each for each in ranked if each.id == moved.id)


def _slug_of(world: World, name: str) -> str:
    """Make a slug that hardly anybody else has."""
    return f"{names.slugified(name)}-{world.chance.random_bytes(3).hex()}"
