"""Aliases: names by which flows and others use connections, led from one to the next.

Leading an alias elsewhere is one change of one row: whoever uses it next uses the other connection,
and whoever is using it finishes with the one that it began with.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from keyturn.domain import names
from keyturn.domain.access import Caller, Target, Verb
from keyturn.domain.errors import NotFound, Refused, Taken
from keyturn.domain.ids import AliasId, OAuthConnectionId
from keyturn.domain.oauth.connection import Connection
from keyturn.domain.oauth.consumers import Alias, led_to
from keyturn.domain.project import Place, Project
from keyturn.services import gate
from keyturn.services.oauth_connections import (
    AS_IT_IS,
    Pass,
    Wanted,
    authorize_request,
    read_stored,
)
from keyturn.services.oauth_connections import admit as admit_connection
from keyturn.services.ports import Reading, World
from keyturn.services.projects import (
    Where,
    anywhere_in,
    find_place,
    places_of,
    resolve_project,
    target_of,
)
from keyturn.services.records import read_left


@dataclass(frozen=True)
class AliasView:
    """An alias, where it lies, and the connection that it leads to."""

    alias: Alias
    place: Place
    connection: Connection


async def create_alias(world: World, caller: Caller, name: str, connection_id: str) -> AliasView:
    """Give a connection another name, in its folder.

    Raises InvalidInput, Forbidden, NotFound, Taken.
    """
    subject = f"alias {name}"
    seen = await admit_connection(world, caller, Verb.EDIT_GRANTS, connection_id, subject)
    now, clean = world.clock.now(), names.slug("name", name)
    new_id, folder_id = AliasId(world.chance.uuid()), seen.connection.folder_id
    made = Alias(new_id, folder_id, clean, seen.connection.id, now, now)
    async with world.store.writing() as tx:
        await read_stored(tx, connection_id)
        if await tx.find(Alias, folder_id=folder_id, name=clean):
            raise Taken(f"There is an alias {clean} in {seen.place}: choose another name.")
        await tx.add(made)
    return AliasView(made, seen.place, seen.connection)


async def list_aliases(world: World, caller: Caller, *, project: str) -> Sequence[AliasView]:
    """List the aliases of a project that the caller may see. Raises Forbidden."""
    project_id, verb = await resolve_project(world, project), Verb.READ_GRANTS
    subject = f"aliases of {project}"
    await gate.require(world, caller, verb, anywhere_in(project_id), subject=subject)
    async with world.store.reading() as tx:
        every = await _views(tx, await tx.list(Alias))
    near = [each for each in every if each.place.project.id == project_id]
    return [each for each in near if gate.may(caller, verb, target_of(each.place))]


async def lead_alias(world: World, caller: Caller, alias_id: str, connection_id: str) -> AliasView:
    """Lead an alias to another connection of its folder; the way back is kept.

    Raises NotFound, Forbidden, and Refused for a connection of another folder.
    """
    seen = await _admit(world, caller, Verb.EDIT_GRANTS, alias_id, f"lead to {connection_id}")
    async with world.store.writing() as tx:
        stored = await read_left(tx.find(Alias, id=alias_id), f"alias {alias_id}")
        connection = await tx.find(Connection, id=connection_id)
        if connection is None or connection.folder_id != stored.folder_id:
            raise Refused(f"There is no connection {connection_id} in {seen.place}.")
        after = led_to(stored, connection.id, world.clock.now())
        await tx.replace(after)
    return AliasView(after, seen.place, connection)


async def lead_back(world: World, caller: Caller, alias_id: str) -> AliasView:
    """Lead an alias to where it led before. Raises NotFound, Forbidden, Refused."""
    seen = await _admit(world, caller, Verb.EDIT_GRANTS, alias_id, "lead back")
    before = seen.alias.previous_id
    if before is None:
        raise Refused("The alias led nowhere else before, or that connection is gone.")
    return await lead_alias(world, caller, alias_id, before)


async def delete_alias(world: World, caller: Caller, alias_id: str) -> AliasView:
    """Remove an alias; its connection stays. Raises NotFound, Forbidden."""
    seen = await _admit(world, caller, Verb.EDIT_GRANTS, alias_id, "delete")
    async with world.store.writing() as tx:
        await tx.remove(seen.alias)
    return seen


async def authorize_named_request(
    world: World, caller: Caller, where: Where, name: str, wanted: Wanted = AS_IT_IS
) -> Pass:
    """Return what a request is authorized by now, of the connection that a name in a folder means.

    Raises Forbidden, NotFound to whoever may use what is there, and NotReady where no token can be
    had.
    """
    project_id, verb = await resolve_project(world, where.project), Verb.USE_GRANTS
    path = names.secret_path(where.path)
    target = Target(project_id, where.environment, path)
    async with world.store.reading() as tx:
        project = await tx.find(Project, id=project_id)
        place = await find_place(tx, project, where.environment, path) if project else None
        found = await resolve_alias(tx, place, name) if place else None
    if found is None or not gate.may(caller, verb, target):
        subject = f"connection {where}:{name} (token)"
        await gate.require(world, caller, verb, target, subject=subject)
        raise NotFound(f"There is no connection or alias {name} in {where}.")
    return await authorize_request(world, caller, found, wanted)


async def resolve_alias(tx: Reading, place: Place, name: str) -> OAuthConnectionId | None:
    """Find the connection that a name in a folder means: an alias, or else its own."""
    alias = await tx.find(Alias, folder_id=place.folder.id, name=name)
    if alias:
        return alias.connection_id
    connection = await tx.find(Connection, folder_id=place.folder.id, name=name)
    return connection.id if connection else None


async def _admit(world: World, caller: Caller, verb: Verb, alias_id: str, detail: str) -> AliasView:
    async with world.store.reading() as tx:
        found = await tx.find(Alias, id=alias_id)
        seen = await _view(tx, found) if found else None
    if seen and not gate.may(caller, verb, target_of(seen.place)):
        seen = None
    target = target_of(seen.place) if seen else Target(caller.home, somewhere=True)
    await gate.require(world, caller, verb, target, subject=f"alias {alias_id} ({detail})")
    if seen is None:
        raise NotFound(f"There is no alias {alias_id}.")
    return seen


async def _view(tx: Reading, alias: Alias) -> AliasView:
    (seen,) = await _views(tx, [alias])
    return seen


async def _views(tx: Reading, aliases: Sequence[Alias]) -> Sequence[AliasView]:
    places = await places_of(tx, {each.folder_id for each in aliases})
    ids = frozenset(each.connection_id for each in aliases)
    led_to = {each.id: each for each in await tx.list(Connection, id=ids)}
    return [AliasView(one, places[one.folder_id], led_to[one.connection_id]) for one in aliases]
