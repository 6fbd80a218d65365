"""Let a folder read from others as well.

Importing opens nothing: whoever reads through an import has to be permitted to read what it leads
to. What they may not read is left out. Imports may lead in a circle; each is followed once.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

from keyturn.domain import names
from keyturn.domain.access import Caller, Target, Verb
from keyturn.domain.errors import NotFound, Refused
from keyturn.domain.ids import FolderId, ImportId, ProjectId
from keyturn.domain.project import Place, SecretImport
from keyturn.services import gate
from keyturn.services.found import Found, find_found, list_found
from keyturn.services.ports import Reading, World, Writing
from keyturn.services.projects import Where, place_of, read_place, resolve_project, target_of


@dataclass(frozen=True)
class ImportView:
    """An import, the folder that has it, and the one that it leads to."""

    stored: SecretImport
    place: Place
    source: Place


@dataclass(frozen=True)
class Imported:
    """What one import brings; what is nearer hides what is farther under the same name."""

    source: Place
    found: Sequence[Found]


async def list_imports(world: World, caller: Caller, where: Where) -> Sequence[ImportView]:
    """List what a folder imports, as far as the caller may know of it, lowest rank first.

    Raises Forbidden, NotFound, and Refused for an unknown folder.
    """
    place = await _pass(world, caller, Verb.DESCRIBE_SECRETS, where)
    async with world.store.reading() as tx:
        found = [await _view(tx, place, each) for each in await _list(tx, place.folder.id)]
    verb = Verb.DESCRIBE_SECRETS
    return [each for each in found if gate.may(caller, verb, target_of(each.source))]


async def create_import(world: World, caller: Caller, where: Where, source: Where) -> ImportView:
    """Import another folder of the project; it prevails over those imported before.

    Raises Forbidden, NotFound, Taken, and Refused for an unknown folder or the folder itself.
    """
    source = replace(source, project=where.project)
    project_id = await _require(world, caller, Verb.EDIT_IMPORTS, where)
    await _require(world, caller, Verb.READ_SECRETS, source)
    async with world.store.writing() as tx:
        place = await read_place(tx, project_id, where)
        wanted = await read_place(tx, project_id, source)
        if wanted.folder.id == place.folder.id:
            raise Refused("A folder cannot import itself.")
        rank = len(await _list(tx, place.folder.id)) + 1
        new_id, now = ImportId(world.chance.uuid()), world.clock.now()
        made = SecretImport(new_id, place.folder.id, wanted.folder.id, rank, now, now)
        await tx.add(made)
    return ImportView(made, place, wanted)


async def read_import(world: World, caller: Caller, import_id: str) -> ImportView:
    """Read one import by its id. Raises NotFound, Forbidden."""
    async with world.store.reading() as tx:
        stored = await tx.find(SecretImport, id=import_id)
        seen = await _view(tx, await place_of(tx, stored.folder_id), stored) if stored else None
    if seen and not all(
        gate.may(caller, Verb.DESCRIBE_SECRETS, target_of(each))
        for each in (seen.place, seen.source)
    ):
        seen = None  # nobody learns of a place that they may not know from a refusal
    target = target_of(seen.place) if seen else Target(caller.home, somewhere=True)
    subject = f"import {import_id}"
    await gate.require(world, caller, Verb.DESCRIBE_SECRETS, target, subject=subject)
    if seen is None:
        raise NotFound(f"There is no import with the id {import_id}.")
    return seen


async def update_import(
    world: World,
    caller: Caller,
    where: Where,
    import_id: str,
    *,
    source: Where | None = None,
    position: int | None = None,
) -> ImportView:
    """Lead an import of a folder elsewhere, or change its position among the others, from 1 on.

    Raises Forbidden, NotFound, Taken, and Refused for an unknown folder.
    """
    place = await _pass(world, caller, Verb.EDIT_IMPORTS, where)
    if source:
        source = replace(source, project=where.project)
        await _require(world, caller, Verb.READ_SECRETS, source)
    async with world.store.writing() as tx:
        stored = await _read(tx, place, import_id)
        if source:
            wanted = await read_place(tx, place.project.id, source)
            if wanted.folder.id == place.folder.id:
                raise Refused("A folder cannot import itself.")
            stored = replace(stored, source_id=wanted.folder.id)
        stored = replace(stored, updated_at=world.clock.now())
        stored = await _rank(tx, stored, position)
        return await _view(tx, place, stored)


async def delete_import(world: World, caller: Caller, where: Where, import_id: str) -> ImportView:
    """Import a folder no longer. Raises Forbidden, NotFound."""
    place = await _pass(world, caller, Verb.EDIT_IMPORTS, where)
    async with world.store.writing() as tx:
        stored = await _read(tx, place, import_id)
        seen = await _view(tx, place, stored)
        await tx.remove(stored)
        for rank, each in enumerate(await _list(tx, place.folder.id), start=1):
            await tx.replace(replace(each, rank=rank))
    return seen


async def list_imported(
    tx: Reading, caller: Caller, verb: Verb, place: Place
) -> Sequence[Imported]:
    """List what each import of a folder brings to this caller, lowest rank first."""
    return [
        Imported(source, await _gathered(tx, caller, verb, place, source))
        for source in await _sources(tx, caller, verb, place)
    ]


async def find_imported(
    tx: Reading, caller: Caller, verb: Verb, place: Place, wanted: tuple[str, int | None]
) -> Found | None:
    """Find a secret, by its name and the number of its version, in what a folder imports."""
    start = await _sources(tx, caller, verb, place)
    async for source in _reached(tx, caller, verb, start, {place.folder.id}):
        if found := await find_found(tx, source, *wanted):
            return found
    return None


async def _gathered(
    tx: Reading, caller: Caller, verb: Verb, place: Place, source: Place
) -> Sequence[Found]:
    """Return the secrets of a folder and of what it imports, each name once."""
    named: dict[str, Found] = {}
    async for each in _reached(tx, caller, verb, [source], {place.folder.id}):
        for found in await list_found(tx, [each]):
            named.setdefault(found.secret.name, found)
    return [*named.values()]


async def _reached(
    tx: Reading, caller: Caller, verb: Verb, start: Sequence[Place], seen: set[FolderId]
) -> AsyncIterator[Place]:
    """Follow imports from folder to folder, each once, those that prevail first."""
    ahead = [*start]
    while ahead:
        place = ahead.pop()
        if place.folder.id not in seen:
            seen.add(place.folder.id)
            yield place
            ahead += await _sources(tx, caller, verb, place)


async def _sources(tx: Reading, caller: Caller, verb: Verb, place: Place) -> Sequence[Place]:
    """List what a folder imports and the caller may read, lowest rank first."""
    found = [await place_of(tx, each.source_id) for each in await _list(tx, place.folder.id)]
    return [each for each in found if gate.may(caller, verb, target_of(each))]


async def _list(tx: Reading, folder_id: FolderId) -> Sequence[SecretImport]:
    return sorted(await tx.list(SecretImport, folder_id=folder_id), key=attrgetter("rank"))


async def _read(tx: Reading, place: Place, import_id: str) -> SecretImport:
    found = await tx.find(SecretImport, id=import_id, folder_id=place.folder.id)
    if found is None:
        raise NotFound(f"The folder {place} has no import with the id {import_id}.")
    return found


async def _view(tx: Reading, place: Place, stored: SecretImport) -> ImportView:
    return ImportView(stored, place, await place_of(tx, stored.source_id))


async def _rank(tx: Writing, moved: SecretImport, position: int | None) -> SecretImport:
    """Store an import at a position among the others, which keep their order."""
    others = [each for each in await _list(tx, moved.folder_id) if each.id != moved.id]
    index = max(moved.rank if position is None else position, 1) - 1
    order = [*others[:index], moved, *others[index:]]
    ranked = [replace(each, rank=rank) for rank, each in enumerate(order, start=1)]
    await tx.replace(*ranked)
    return next(each for each in ranked if each.id == moved.id)


async def _pass(world: World, caller: Caller, verb: Verb, where: Where) -> Place:
    project_id = await _require(world, caller, verb, where)
    async with world.store.reading() as tx:
        return await read_place(tx, project_id, where)


async def _require(world: World, caller: Caller, verb: Verb, where: Where) -> ProjectId:
    project_id = await resolve_project(world, where.project)
    target = Target(project_id, where.environment, names.secret_path(where.path))
    await gate.require(world, caller, verb, target, subject=f"imports {where}")
    return project_id
