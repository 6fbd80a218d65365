"""Flows: saved in folders, version by version, switched on and off, and removed.

What a flow may do is what its text says: it runs as a caller of its own, with no more than the
connections, secrets and rotations of its folder that its cards name. Whoever saves it has to hold
all of that.
"""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256

from keyturn.domain.access import Caller, Grant, Holding, Role, Target, Verb
from keyturn.domain.errors import FieldProblem, InvalidInput, NotFound, Refused, Taken
from keyturn.domain.flows.bearers import BearerRules, rules_of
from keyturn.domain.flows.checking import examine
from keyturn.domain.flows.definition import Flow
from keyturn.domain.flows.events import OF_CONNECTIONS, OF_TURNS, listens, source_of
from keyturn.domain.flows.expressions import Constant
from keyturn.domain.flows.findings import Finding, Severity
from keyturn.domain.flows.reading import FlowRefused
from keyturn.domain.flows.run import FlowVersion, SavedFlow
from keyturn.domain.flows.spec import Security, Source, StartKind
from keyturn.domain.flows.tables import FlowTable
from keyturn.domain.flows.timing import next_start
from keyturn.domain.ids import FlowId, OrganizationId
from keyturn.domain.names import secret_path
from keyturn.domain.project import Place
from keyturn.domain.sensitive import Sensitive
from keyturn.services import gate
from keyturn.services.aliases import resolve_alias
from keyturn.services.bearing import keys_of, problem_of
from keyturn.services.ports import Reading, World
from keyturn.services.projects import (
    Where,
    anywhere_in,
    place_of,
    places_of,
    read_place,
    resolve_project,
    target_of,
)
from keyturn.services.records import must, read_left
from keyturn.services.removal import remove_flow
from keyturn.services.shelf import Shelf

ALIAS_BYTES = 16
TOKEN_BYTES = 32
ROTATING = frozenset({"keyturn.start_turn"})
"""The cards for which a flow has to be let to turn rotations."""
LOOKING = frozenset({"keyturn.wait_for_turn", "keyturn.list_rotations"})
"""The cards for which it has to be let to see them."""

TABLES = "table"
"""The family of the cards for which it has to be let to use the tables of its folder."""


UNREAD = "This version of Keyturn cannot read the flow any more: save it anew."

_SHELF = Shelf()


def parse(source: str) -> Flow:
    """Read a flow, if it was not read before: it never changes. Raises FlowRefused."""
    return _SHELF.read(source)


async def parse_aside(source: str) -> None:
    """Read a flow that was not read before while others go on; what is wrong `parse` tells."""
    if not _SHELF.has(source):
        with suppress(FlowRefused):
            await asyncio.to_thread(parse, source)


@dataclass(frozen=True)
class FlowView:
    """A flow, where it lies, and its newest version, which another Keyturn may have saved."""

    saved: SavedFlow
    place: Place
    version: FlowVersion

    @property
    def flow(self) -> Flow:
        """Return what the version says. Raises Refused where this Keyturn cannot read it."""
        if self.problem:
            raise Refused(UNREAD)
        return parse(self.version.source)

    @cached_property
    def problem(self) -> str:
        """Return why this Keyturn cannot read the version; empty where it can."""
        try:
            parse(self.version.source)
        except FlowRefused as refusal:
            return f"{UNREAD} {refusal}"
        return ""


async def save_flow(
    world: World, caller: Caller, where: Where, source: str, *, base: int | None = None
) -> FlowView:
    """Save a flow under the name that it has in its text, as its next version.

    Raises InvalidInput with everything that is wrong with it, Forbidden also for what the flow
    would do and the caller may not, NotFound, AddressRefused for an issuer where Keyturn does not
    go, Taken where ``base`` is not its newest version, and Refused for one flow too many.
    """
    flow = await asyncio.to_thread(read_checked, source)
    project_id, path = await resolve_project(world, where.project), secret_path(where.path)
    target = Target(project_id, where.environment, path)
    subject = f"flow {where}:{flow.name}"
    await gate.require(world, caller, Verb.EDIT_FLOWS, target, subject=subject)
    async with world.store.reading() as tx:
        place = await read_place(tx, project_id, where)
    await require_all(world, caller, place, flow)
    rules = bearer_rules(flow)
    if rules and not rules.registration:
        world.issuers.check(keys_of(rules))
    return await _save(world, caller, place, source, base)


async def _save(
    world: World, caller: Caller, place: Place, source: str, base: int | None
) -> FlowView:
    now, flow = world.clock.now(), parse(source)
    next_at = next_start(flow.start, now)
    async with world.store.writing() as tx:
        await _require_there(tx, place, flow)
        stored = await tx.find(SavedFlow, folder_id=place.folder.id, name=flow.name)
        if base is not None and base != (stored.number if stored else 0):
            raise Taken(f"The flow {flow.name} has been saved since: look at its newest version.")
        number = stored.number + 1 if stored else 1
        if stored:
            saved = replace(
                stored,
                number=number,
                description=flow.description,
                updated_at=now,
                next_at=next_at if stored.enabled else None,
                listens=listens(flow.start),
            )
            await tx.replace(saved)
        else:
            await _require_room(tx, world, place.project.organization_id)
            saved = SavedFlow(
                id=FlowId(world.chance.uuid()),
                folder_id=place.folder.id,
                name=flow.name,
                alias=world.chance.random_bytes(ALIAS_BYTES).hex(),
                number=number,
                enabled=True,
                created_at=now,
                updated_at=now,
                description=flow.description,
                next_at=next_at,
                listens=listens(flow.start),
            )
            await tx.add(saved)
        version = FlowVersion(saved.id, number, source, caller.id, now)
        await tx.add(version)
    return FlowView(saved, place, version)


async def _require_room(tx: Reading, world: World, organization_id: OrganizationId) -> None:
    """Raise Refused where as many flows of an organization are switched on as may be."""
    on, most = await tx.list(SavedFlow, enabled=True), world.limits.flows_active
    if len(on) < most:
        return
    places = await places_of(tx, {each.folder_id for each in on})
    theirs = [
        each for each in on if places[each.folder_id].project.organization_id == organization_id
    ]
    if len(theirs) >= most:
        raise Refused(f"{most:,} flows are switched on: switch one off, or remove it.")


def read_checked(source: str) -> Flow:
    """Read a flow. Raises InvalidInput with everything that is wrong with it, and the lines."""
    found, flow = examine(source)
    wrong = [each for each in found if each.severity is Severity.ERROR]
    if wrong or flow is None:
        raise InvalidInput(*map(_problem, wrong))
    _SHELF.keep(source, flow)
    return flow


def _problem(found: Finding) -> FieldProblem:
    where = (found.where,) if found.where else ()
    return FieldProblem(("flow", f"line {found.line}", *where), found.rule)


async def require_all(world: World, caller: Caller, place: Place, flow: Flow) -> None:
    """Require that a caller holds what a flow would do. Raises Forbidden."""
    for verb, target, what in _doings(place, flow):
        subject = f"{what}, for the flow {place}:{flow.name}"
        await gate.require(world, caller, verb, target, subject=subject)


def _doings(place: Place, flow: Flow) -> Iterable[tuple[Verb, Target, str]]:
    here = target_of(place)
    if flow.connections:
        yield Verb.USE_GRANTS, here, f"connections {', '.join(sorted(flow.connections))}"
    rules = bearer_rules(flow)
    if rules and rules.registration:
        yield Verb.USE_GRANTS, here, f"client registration {rules.registration}"
    for folder, name in sorted({folder_and_name(place, path) for path in flow.secrets.values()}):
        yield Verb.READ_SECRETS, replace(here, path=folder), f"secret {folder}:{name}"
    yield from ((verb, here, what) for verb, what in _at_home(flow))


def _at_home(flow: Flow) -> Iterable[tuple[Verb, str]]:
    """Give what a flow does in its own folder by its cards, and by what it listens for."""
    cards, heard = {card.spec.name for card in flow.every_card}, {*listens(flow.start)}
    if "keyturn.read_secret" in cards:
        yield Verb.READ_SECRETS, "secrets"
    if cards & ROTATING:
        yield Verb.ROTATE, "rotations"
    if cards & LOOKING or heard & OF_TURNS:
        yield Verb.READ_ROTATIONS, "rotations"
    if heard & OF_CONNECTIONS:
        yield Verb.READ_GRANTS, "connections"
    if flow.helpers:
        yield Verb.RUN_FLOWS, f"flows {', '.join(sorted(flow.helpers))}"
    if any(card.spec.family == TABLES for card in flow.every_card):
        yield Verb.RUN_FLOWS, "tables"


def require_on(view: FlowView) -> None:
    """Raise Refused for a flow that is switched off."""
    if not view.saved.enabled:
        raise Refused(f"The flow {view.saved.name} is switched off.")


def folder_and_name(place: Place, path: str) -> tuple[str, str]:
    """Return folder and name of a secret as a flow names it: by a path, or in its own folder."""
    folder, slash, name = path.rpartition("/")
    return (secret_path(folder or "/") if slash else place.folder.path), name


async def _require_there(tx: Reading, place: Place, flow: Flow) -> None:
    """Raise InvalidInput where a connection or a helper that the flow names is not there."""
    problems = [
        FieldProblem(("cards", name), f"there is no connection or alias {name} in {place}")
        for name in sorted(flow.connections)
        if await resolve_alias(tx, place, name) is None
    ]
    problems += [
        FieldProblem(("cards", name), f"there is no flow {name} in {place}")
        for name in sorted(flow.helpers - {flow.name})
        if await tx.find(SavedFlow, folder_id=place.folder.id, name=name) is None
    ]
    problems += [
        FieldProblem(("cards", name), f"there is no table {name} in {place}")
        for name in sorted(_tables(flow))
        if await tx.find(FlowTable, folder_id=place.folder.id, name=name) is None
    ]
    rules = bearer_rules(flow)
    lacking = await problem_of(tx, place, rules) if rules else None
    if lacking:
        problems.append(lacking)
    if problems:
        raise InvalidInput(*problems)


def _tables(flow: Flow) -> set[str]:
    """Return the tables that its cards name, where they stand in the file."""
    named = (card.inputs.get("table") for card in flow.every_card if card.spec.family == TABLES)
    return {str(each.value) for each in named if isinstance(each, Constant)}


def bearer_rules(flow: Flow) -> BearerRules | None:
    """Return what a flow's endpoint asks of access tokens; None where it asks for none."""
    start = flow.start
    opened_so = start.kind is StartKind.ENDPOINT and start.security is Security.OAUTH
    return rules_of(start) if opened_so else None


def caller_of(view: FlowView, flow: Flow | None = None) -> Caller:
    """Return as whom a flow acts, or another inside it: it holds what that one's text names."""
    place, here = view.place, target_of(view.place)
    grants = tuple(
        Grant(frozenset({verb}), (target.environment,), (target.path,))
        for verb, target, _ in _doings(place, flow or view.flow)
    )
    helpers = Grant(frozenset({Verb.RUN_FLOWS}), (here.environment,), (here.path,))
    role = Role("flow", f"Flow {view.saved.name}", (*grants, helpers))
    organization_id = place.project.organization_id
    holdings = (Holding(role, place.project.id),)
    return Caller(f"flow {view.saved.id}", view.saved.name, organization_id, holdings)


# --- looked at, switched and removed --------------------------------------------------------------


async def list_flows(world: World, caller: Caller, *, project: str) -> Sequence[FlowView]:
    """List the flows of a project that the caller may see. Raises Forbidden."""
    project_id, verb = await resolve_project(world, project), Verb.READ_FLOWS
    target = anywhere_in(project_id)
    await gate.require(world, caller, verb, target, subject=f"flows of {project}")
    async with world.store.reading() as tx:
        every = await tx.list(SavedFlow)
        places = await places_of(tx, {each.folder_id for each in every})
        near = [each for each in every if places[each.folder_id].project.id == project_id]
        seen = [each for each in near if gate.may(caller, verb, target_of(places[each.folder_id]))]
        return [await view_of(tx, each) for each in seen]


async def read_flow_by_id(
    world: World, caller: Caller, flow_id: str, *, number: int | None = None
) -> FlowView:
    """Read one flow, in its newest version or in another. Raises NotFound, Forbidden."""
    view = await admit(world, caller, Verb.READ_FLOWS, flow_id)
    if number is None:
        return view
    async with world.store.reading() as tx:
        version = await tx.find(FlowVersion, flow_id=view.saved.id, number=number)
    if version is None:
        raise NotFound(f"The flow {view.saved.name} has no version {number}.")
    return replace(view, version=version)


async def list_flow_versions(world: World, caller: Caller, flow_id: str) -> Sequence[FlowVersion]:
    """List the versions of a flow, the oldest first. Raises NotFound, Forbidden."""
    view = await admit(world, caller, Verb.READ_FLOWS, flow_id)
    async with world.store.reading() as tx:
        return await tx.list(FlowVersion, flow_id=view.saved.id)


async def switch_flow(world: World, caller: Caller, flow_id: str, *, enabled: bool) -> FlowView:
    """Switch a flow on or off; what runs goes on.

    Raises NotFound, Forbidden, and Refused for one to be switched on that cannot be read, or is one
    too many.
    """
    verb = "enable" if enabled else "disable"
    view = await admit(world, caller, Verb.EDIT_FLOWS, flow_id, verb)
    if enabled:
        await require_all(world, caller, view.place, view.flow)
    async with world.store.writing() as tx:
        stored = await _read_stored(tx, view)
        if enabled and not stored.enabled:
            await _require_room(tx, world, view.place.project.organization_id)
        now = world.clock.now()
        next_at = next_start(view.flow.start, now) if enabled else None
        saved = replace(stored, enabled=enabled, updated_at=now, next_at=next_at)
        await tx.replace(saved)
    return replace(view, saved=saved)


async def make_client_token(
    world: World, caller: Caller, flow_id: str
) -> tuple[FlowView, Sensitive]:
    """Make the token that opens a flow's endpoint; the one before opens it no more.

    It is shown once and kept as a hash. Raises NotFound, Forbidden, and Refused for a flow that
    nobody outside starts.
    """
    view = await admit(world, caller, Verb.EDIT_FLOWS, flow_id, "make a client token")
    start = view.flow.start
    if start.kind is not StartKind.ENDPOINT and source_of(start) is not Source.OKTA:
        told = f"The flow {view.saved.name} starts by {start.kind.value}"
        raise Refused(f"{told}: it has no endpoint that a token could open.")
    token = Sensitive(world.chance.random_bytes(TOKEN_BYTES).hex())
    async with world.store.writing() as tx:
        saved = replace(
            await _read_stored(tx, view),
            token_hash=sha256(token.reveal().encode()).digest(),
            updated_at=world.clock.now(),
        )
        await tx.replace(saved)
    return replace(view, saved=saved), token


async def delete_flow(world: World, caller: Caller, flow_id: str) -> FlowView:
    """Remove a flow with its versions and its history; what runs ends at its next card.

    Raises NotFound, Forbidden.
    """
    view = await admit(world, caller, Verb.EDIT_FLOWS, flow_id, "delete")
    async with world.store.writing() as tx:
        await remove_flow(tx, await _read_stored(tx, view))
    return view


async def admit(
    world: World, caller: Caller, verb: Verb, flow_id: str, detail: str = ""
) -> FlowView:
    """Find a flow and pass the gate for it; a refusal does not tell whether it is there.

    Raises NotFound, Forbidden.
    """
    async with world.store.reading() as tx:
        found = await tx.find(SavedFlow, id=flow_id)
        seen = await view_of(tx, found) if found else None
    if seen and not gate.may(caller, verb, target_of(seen.place)):
        seen = None
    target = target_of(seen.place) if seen else Target(caller.home, somewhere=True)
    subject = f"flow {flow_id}" + (f" ({detail})" if detail else "")
    await gate.require(world, caller, verb, target, subject=subject)
    if seen is None:
        raise NotFound(f"There is no flow {flow_id}.")
    return seen


async def find_by_name(tx: Reading, place: Place, name: str) -> FlowView | None:
    """Find a flow of a folder by its name."""
    found = await tx.find(SavedFlow, folder_id=place.folder.id, name=name)
    return await view_of(tx, found) if found else None


async def find_by_alias(tx: Reading, alias: str) -> FlowView | None:
    """Find a flow by its alias; None for one without an endpoint, disabled, or unreadable."""
    seen = await _find_enabled(tx, alias)
    return seen if seen and seen.flow.start.kind is StartKind.ENDPOINT else None


async def find_listener(tx: Reading, alias: str) -> FlowView | None:
    """Find a flow that events of Okta's start by its alias; None for any other, as above."""
    seen = await _find_enabled(tx, alias)
    return seen if seen and source_of(seen.flow.start) is Source.OKTA else None


async def _find_enabled(tx: Reading, alias: str) -> FlowView | None:
    found = await tx.find(SavedFlow, alias=alias)
    seen = await view_of(tx, found) if found and found.enabled else None
    return seen if seen and not seen.problem else None


async def view_of(tx: Reading, saved: SavedFlow, number: int | None = None) -> FlowView:
    """Return a flow with its place, in its newest version or in another."""
    version = await must(tx.find(FlowVersion, flow_id=saved.id, number=number or saved.number))
    await parse_aside(version.source)
    return FlowView(saved, await place_of(tx, saved.folder_id), version)


async def _read_stored(tx: Reading, view: FlowView) -> SavedFlow:
    return await read_left(tx.find(SavedFlow, id=view.saved.id), f"flow {view.saved.name}")
