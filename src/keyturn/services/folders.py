"""Make, list, move and delete folders.

A folder moves with all that is in it. Whoever moves one gains nothing by it: no verb there that
they do not hold here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from keyturn.domain import names
from keyturn.domain.access import Caller, Target, Verb
from keyturn.domain.errors import FieldProblem, Forbidden, InvalidInput, NotFound, Refused
from keyturn.domain.ids import FolderId, ProjectId
from keyturn.domain.project import ROOT, Environment, Folder, Place, ancestors, child_path
from keyturn.domain.rotation import Rotation
from keyturn.domain.secret import Secret, State, Version
from keyturn.services import gate
from keyturn.services.ports import Reading, World
from keyturn.services.projects import (
    Where,
    new_folder,
    place_of,
    read_environment,
    resolve_project,
    target_of,
)
from keyturn.services.records import must
from keyturn.services.removal import remove_folders


@dataclass(frozen=True)
class FolderView:
    """A folder, where it lies, and the folder that holds it."""

    place: Place
    parent_id: FolderId | None = None


@dataclass(frozen=True)
class FolderChange:
    """What to change of a folder; None leaves it as it is. ``into`` is the path to move it to."""

    name: str | None = None
    description: str | None = None
    into: str | None = None


async def create_folder(
    world: World, caller: Caller, where: Where, name: str, *, description: str | None = None
) -> FolderView:
    """Create a folder with the parents that are missing; one that is there is returned as it is.

    Raises Forbidden, NotFound, InvalidInput.
    """
    path = _joined(names.secret_path(where.path), names.folder_name(name))
    words = names.description(description)
    project_id = await _pass(world, caller, Verb.CREATE_FOLDERS, where, path)
    async with world.store.writing() as tx:
        project, environment = await read_environment(tx, project_id, where)
        there = {folder.path: folder for folder in await _all(tx, environment)}
        missing = [each for each in ancestors(path) if each not in there]
        made = [new_folder(world, environment, each) for each in missing]
        if made:
            made[-1] = replace(made[-1], description=words)
            await tx.add(*made)
        return await _view(tx, Place(project, environment, made[-1] if made else there[path]))


async def list_folders(
    world: World,
    caller: Caller,
    where: Where,
    *,
    recursive: bool = False,
    since: datetime | None = None,
) -> Sequence[FolderView]:
    """List the folders in a folder, or all below it; none where it is not there.

    With ``since`` only those with a secret that has changed since then. Raises Forbidden, NotFound.
    """
    path, verb = names.secret_path(where.path), Verb.DESCRIBE_SECRETS
    project_id = await resolve_project(world, where.project)
    target = Target(project_id, where.environment, path, somewhere=True)
    await gate.require(world, caller, verb, target, subject=f"folders {where}")
    async with world.store.reading() as tx:
        project, environment = await read_environment(tx, project_id, where)
        every = {each.path: each for each in await _all(tx, environment)}
        below = [each for each in every.values() if each.is_below(path)]
        near = [each for each in below if recursive or each.parent == path]
        places = [Place(project, environment, each) for each in near]
        seen = [each for each in places if gate.may(caller, verb, target_of(each))]
        return [
            FolderView(each, every[each.folder.parent or ROOT].id)
            for each in seen
            if since is None or await _changed_since(tx, each.folder, since)
        ]


async def read_folder(world: World, caller: Caller, folder_id: str) -> FolderView:
    """Read one folder by its id. Raises NotFound, Forbidden."""
    async with world.store.reading() as tx:
        place = await _find_visible(tx, caller, folder_id)
        seen = await _view(tx, place) if place else None
    target = target_of(place) if place else Target(caller.home, somewhere=True)
    subject = f"folder {place or folder_id}"
    await gate.require(world, caller, Verb.DESCRIBE_SECRETS, target, subject=subject)
    if seen is None:
        raise NotFound(f"There is no folder with the id {folder_id}.")
    return seen


async def update_folder(
    world: World, caller: Caller, where: Where, named: str, change: FolderChange
) -> FolderView:
    """Rename, describe or move a folder, named by id or by its name in the place.

    Raises Forbidden, NotFound, InvalidInput, Taken, and Refused for a move to where none can be.
    """
    words = names.description(change.description)
    project_id, old = await _admit(world, caller, Verb.EDIT_FOLDERS, where, named)
    parent, _, name = old.rpartition("/")
    into = parent or ROOT if change.into is None else names.secret_path(change.into)
    new = _joined(into, name if change.name is None else names.folder_name(change.name))
    if new != old:
        await _pass(world, caller, Verb.CREATE_FOLDERS, where, new)
    async with world.store.writing() as tx:
        project, environment = await read_environment(tx, project_id, where)
        whole = await _whole(tx, environment, old)
        await _require_room(tx, environment, old, into)
        now = world.clock.now()
        after = [replace(each, path=_joined(new, each.path[len(old) :])) for each in whole]
        for each, moved in zip(whole, after, strict=True):
            places = [Place(project, environment, one) for one in (each, moved)]
            await require_no_gain(tx, caller, *places)
        after[0] = replace(after[0], updated_at=now)
        if change.description is not None:
            after[0] = replace(after[0], description=words)
        await tx.replace(*after)
        return await _view(tx, Place(project, environment, after[0]))


async def delete_folder(
    world: World, caller: Caller, where: Where, named: str, *, force: bool = True
) -> FolderView:
    """Delete a folder, named by id or by its name in the place, with all that is in it.

    Raises Forbidden, NotFound, and Refused while a rotation keeps something in it, or, unless
    ``force``, while anything is in it.
    """
    project_id, path = await _admit(world, caller, Verb.DELETE_FOLDERS, where, named)
    async with world.store.writing() as tx:
        project, environment = await read_environment(tx, project_id, where)
        doomed = await _whole(tx, environment, path)
        for each in doomed:
            target = target_of(Place(project, environment, each))
            if not gate.may(caller, Verb.DELETE_FOLDERS, target):
                raise Forbidden(f"{caller.name} may not delete all that is in the folder {named}.")
        if not force and (len(doomed) > 1 or await tx.list(Secret, folder_id=doomed[0].id)):
            raise Refused(f"The folder {named} is not empty: set forceDelete to delete it.")
        seen = await _view(tx, Place(project, environment, doomed[0]))
        await remove_folders(tx, doomed)
    return seen


async def require_no_gain(tx: Reading, caller: Caller, before: Place, after: Place) -> None:
    """Make sure that nobody may more with a folder because they call its place otherwise.

    Raises Forbidden, which names a verb that the caller would gain.
    """
    kept = await tx.list(Rotation, folder_id=before.folder.id)
    for connection_id in ("", *(rotation.connection_id for rotation in kept)):
        here, there = target_of(before, connection_id), target_of(after, connection_id)
        for verb in Verb:
            if gate.may(caller, verb, there) and not gate.may(caller, verb, here):
                raise Forbidden(f"{caller.name} may not move what they would gain {verb} on by it.")


async def _pass(world: World, caller: Caller, verb: Verb, where: Where, path: str) -> ProjectId:
    project_id = await resolve_project(world, where.project)
    subject = f"folder {where.project}/{where.environment}{path}"
    target = Target(project_id, where.environment, path)
    await gate.require(world, caller, verb, target, subject=subject)
    return project_id


async def _admit(
    world: World, caller: Caller, verb: Verb, where: Where, named: str
) -> tuple[ProjectId, str]:
    """Pass the gate for a folder named by id or by name; return its project and its path.

    Whether it is there is looked at afterwards. Raises Forbidden, and Refused for the root.
    """
    project_id = await resolve_project(world, where.project)
    async with world.store.reading() as tx:
        place = await _find_visible(tx, caller, named)
    if place and (place.project.id, place.environment.slug) == (project_id, where.environment):
        path = place.folder.path
    else:
        path = _joined(names.secret_path(where.path), names.folder_name(named))
    await _pass(world, caller, verb, where, path)
    if path == ROOT:
        raise Refused("The root folder stays where it is.")
    return project_id, path


async def _find_visible(tx: Reading, caller: Caller, folder_id: str) -> Place | None:
    """Find a folder by id, unless it is one that the caller may learn nothing of."""
    folder = await tx.find(Folder, id=folder_id)
    place = await place_of(tx, folder.id) if folder and not folder.hidden else None
    verb = Verb.DESCRIBE_SECRETS
    return place if place and gate.may(caller, verb, target_of(place)) else None


async def _all(tx: Reading, environment: Environment) -> Sequence[Folder]:
    """List the folders of an environment, but those of Keyturn's own."""
    found = await tx.list(Folder, environment_id=environment.id)
    return [folder for folder in found if not folder.hidden]


async def _whole(tx: Reading, environment: Environment, path: str) -> Sequence[Folder]:
    """List a folder and all below it, itself first. Raises NotFound."""
    every = await _all(tx, environment)
    top = next((each for each in every if each.path == path), None)
    if top is None:
        raise NotFound(f"There is no folder {path} in the environment {environment.slug}.")
    return [top, *(each for each in every if each.is_below(path))]


async def _require_room(tx: Reading, environment: Environment, old: str, into: str) -> None:
    """Refuse a move into a folder that is not there, or is inside what is moved."""
    if old in ancestors(into):
        raise Refused("A folder cannot be moved into itself.")
    if await tx.find(Folder, environment_id=environment.id, path=into) is None:
        raise Refused(f"There is no folder {into} to move it to.")


async def _changed_since(tx: Reading, folder: Folder, since: datetime) -> bool:
    secrets = await tx.list(Secret, folder_id=folder.id)
    if any(secret.updated_at >= since for secret in secrets):
        return True
    ids = frozenset(secret.id for secret in secrets)
    served = await tx.list(Version, secret_id=ids, state=State.CURRENT)
    return any(version.created_at >= since for version in served)


async def _view(tx: Reading, place: Place) -> FolderView:
    parent, environment_id = place.folder.parent, place.environment.id
    if parent is None:
        return FolderView(place)
    above = await must(tx.find(Folder, environment_id=environment_id, path=parent))
    return FolderView(place, above.id)


def _joined(parent: str, rest: str) -> str:
    path = child_path(parent, rest.strip("/")) if rest else parent
    if len(path) > names.PATH_MAX:
        rule = f"must be {names.PATH_MAX} characters at most, with all folders above"
        raise InvalidInput(FieldProblem(("path",), rule))
    return path
