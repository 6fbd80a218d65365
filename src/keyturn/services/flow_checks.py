"""A flow's file, held against what there is around it, before anybody saves it.

Decides nothing: of what is missing it tells whoever may see what is there, and says what it could
not look at for others.
"""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Final

from keyturn.domain.access import Caller, Target, Verb
from keyturn.domain.errors import InvalidInput
from keyturn.domain.flows.checking import NOTHING_KNOWN, Known, read_text, unchecked
from keyturn.domain.flows.definition import Flow
from keyturn.domain.flows.findings import Finding
from keyturn.domain.flows.run import SavedFlow
from keyturn.domain.flows.tables import FlowTable
from keyturn.domain.names import secret_path
from keyturn.domain.oauth.connection import Connection
from keyturn.domain.oauth.consumers import Alias
from keyturn.domain.oauth.registration import ClientRegistration
from keyturn.domain.project import Folder, Place
from keyturn.services import gate
from keyturn.services.flows import folder_and_name
from keyturn.services.found import list_found
from keyturn.services.imports import find_imported
from keyturn.services.ports import Reading, World
from keyturn.services.projects import Where, read_place, resolve_project, target_of

DESCRIBE: Final = Verb.DESCRIBE_SECRETS


@dataclass(frozen=True)
class Checked:
    """What was found in a flow's file, and what in it nobody could look at, for people.

    ``flow`` is there if it could be read.
    """

    findings: tuple[Finding, ...]
    unchecked: tuple[str, ...] = ()
    flow: Flow | None = None


async def check_flow(
    world: World, caller: Caller, where: Where, source: str, *, beside: Collection[str] = ()
) -> Checked:
    """Check a flow for a folder, in which flows of the names ``beside`` are going to be as well.

    Raises Forbidden, NotFound, and Refused for an unknown folder.
    """
    project_id, path = await resolve_project(world, where.project), secret_path(where.path)
    target = Target(project_id, where.environment, path)
    await gate.require(world, caller, Verb.READ_FLOWS, target, subject=f"flows {where} (check)")
    text = await asyncio.to_thread(read_text, source)
    flow = text.flow
    async with world.store.reading() as tx:
        place = await read_place(tx, project_id, where)
        known = await _known(tx, caller, place, flow, beside) if flow else NOTHING_KNOWN
    findings = await asyncio.to_thread(text.findings, known)
    return Checked(findings, tuple(unchecked(flow, known)) if flow else (), flow)


async def _known(
    tx: Reading, caller: Caller, place: Place, flow: Flow, beside: Collection[str]
) -> Known:
    """Return what there is around a flow, as far as a caller may know of it."""
    folder_id = place.folder.id
    helpers = {each.name for each in await tx.list(SavedFlow, folder_id=folder_id)}
    tables = {each.name for each in await tx.list(FlowTable, folder_id=folder_id)}
    secrets = await _secrets(tx, caller, place, flow)
    if not gate.may(caller, Verb.READ_GRANTS, target_of(place)):
        return Known(None, secrets, helpers | {*beside}, tables)
    every = await tx.list(ClientRegistration, folder_id=folder_id)
    connections = await _connections(tx, place)
    return Known(connections, secrets, helpers | {*beside}, tables, {each.name for each in every})


async def _connections(tx: Reading, place: Place) -> Mapping[str, str]:
    """Return the connectors of a folder's connections by their names and aliases."""
    connections = await tx.list(Connection, folder_id=place.folder.id)
    aliases = await tx.list(Alias, folder_id=place.folder.id)
    ids = frozenset(each.registration_id for each in connections)
    registrations = await tx.list(ClientRegistration, id=ids) if ids else ()
    connectors = {each.id: each.connector for each in registrations}
    by_id = {each.id: connectors[each.registration_id] for each in connections}
    named = {each.name: by_id[each.id] for each in connections}
    return named | {each.name: by_id[each.connection_id] for each in aliases}


async def _secrets(tx: Reading, caller: Caller, place: Place, flow: Flow) -> Collection[str] | None:
    """Return the paths of secrets that are there; None where a caller may not know of them all."""
    there = set[str]()
    for path in flow.secrets.values():
        try:
            folder, name = folder_and_name(place, path)
        except InvalidInput:
            continue
        if not gate.may(caller, DESCRIBE, replace(target_of(place), path=folder)):
            return None
        home = await tx.find(Folder, environment_id=place.environment.id, path=folder)
        found = await _served(tx, caller, replace(place, folder=home), name) if home else ()
        there |= {path.removesuffix(name) + each for each in found}
    return there


async def _served(tx: Reading, caller: Caller, home: Place, name: str) -> Collection[str]:
    """Return the names of a folder's secrets, and the name of one if the folder imports that."""
    names = {each.secret.name for each in await list_found(tx, [home])}
    brought = name not in names and await find_imported(tx, caller, DESCRIBE, home, (name, None))
    return names | {name} if brought else names
