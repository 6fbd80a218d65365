"""The rotations that a caller may see, taken together: the overview, and a search.

What the caller may not see is left out without a word, of whatever kind it is.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from keyturn.domain.access import Caller, Target, Verb
from keyturn.domain.attention import Concern, Surroundings, concerns_of
from keyturn.domain.connection import OktaConnection
from keyturn.domain.destination import Destination
from keyturn.domain.destination import State as Delivering
from keyturn.domain.drift import Finding
from keyturn.domain.fleet import Ages, Band, ages_of, band_of, counts_of, next_at
from keyturn.domain.ids import ProjectId
from keyturn.domain.outlook import State
from keyturn.domain.project import Place, Project
from keyturn.services import gate, oauth_connections, rotations
from keyturn.services.budgets import Budget, budgets_of
from keyturn.services.ports import Reading, World
from keyturn.services.projects import anywhere_in, places_of, resolve_project, target_of
from keyturn.services.rotations import RotationView
from keyturn.services.usage import list_health


@dataclass(frozen=True)
class FleetView:
    """A fleet at a glance: ages, how each stands, what comes next, and what needs somebody.

    ``due_next`` are those whose turns start next; ``attention`` has what presses most first.
    """

    at: datetime
    rotations: Sequence[RotationView]
    counts: Mapping[State, int]
    ages: Ages
    due_next: Sequence[RotationView]
    attention: Sequence[Concern]
    budgets: Sequence[Budget]


@dataclass(frozen=True)
class RotationFilter:
    """Which rotations are wanted; what is left out leaves it open.

    ``text`` is a part of name, description, place, app id, client id or connection's name.
    """

    text: str = ""
    states: frozenset[State] = frozenset()
    band: Band | None = None


ANY = RotationFilter()


@dataclass(frozen=True)
class RotationPage:
    """Some of the ``total`` rotations that are wanted; ``counts`` leaves their state open."""

    rotations: Sequence[RotationView]
    total: int
    counts: Mapping[State, int]
    at: datetime


async def read_fleet(
    world: World, caller: Caller, project: str | None = None, *, due: int = 10
) -> FleetView:
    """Look at the rotations of a project, or of all; name the next ``due`` turns.

    Raises Forbidden for who may see none.
    """
    scope = await _scope(world, caller, project, "fleet")
    views = await _views(world, caller, scope)
    around, now = await _look_around(world, caller, scope), world.clock.now()
    planned = sorted((each for each in views if each.rotation.next_rotation_at), key=next_at)
    return FleetView(
        at=now,
        rotations=views,
        counts=counts_of(views),
        ages=ages_of(views, now),
        due_next=planned[:due],
        attention=concerns_of(views, around, now),
        budgets=await budgets_of(world, await _list_orgs(world, caller, scope)),
    )


async def search_rotations(
    world: World,
    caller: Caller,
    *,
    project: str | None = None,
    wanted: RotationFilter = ANY,
    offset: int = 0,
    limit: int = 50,
) -> RotationPage:
    """Search the rotations of a project, or of all. Raises Forbidden for who may see none."""
    scope = await _scope(world, caller, project, "rotations")
    now, text = world.clock.now(), wanted.text.strip().casefold()
    near = [
        each
        for each in await _views(world, caller, scope)
        if text in _told(each) and wanted.band in (None, band_of(each, now))
    ]
    fit = [each for each in near if not wanted.states or each.outlook.state in wanted.states]
    return RotationPage(fit[offset : offset + limit], len(fit), counts_of(near), now)


async def _scope(
    world: World, caller: Caller, project: str | None, what: str
) -> Collection[ProjectId]:
    """Pass the gate for a project, or for all in which the caller may see rotations."""
    verb = Verb.READ_ROTATIONS
    if project is not None:
        project_id = await resolve_project(world, project)
        subject = f"{what} of {project}"
        await gate.require(world, caller, verb, anywhere_in(project_id), subject=subject)
        return (project_id,)
    async with world.store.reading() as tx:
        every = await tx.list(Project, organization_id=caller.organization_id)
    near = [one.id for one in every if gate.may(caller, verb, anywhere_in(one.id))]
    target = anywhere_in(near[0]) if near else Target(caller.home)
    await gate.require(world, caller, verb, target, subject=what)
    return near


async def _views(
    world: World, caller: Caller, scope: Collection[ProjectId]
) -> Sequence[RotationView]:
    only = next(iter(scope)) if len(scope) == 1 else None
    views = await rotations.views_for(world, caller, only)
    return [each for each in views if each.place.project.id in scope]


async def _look_around(world: World, caller: Caller, scope: Collection[ProjectId]) -> Surroundings:
    granted = await oauth_connections.views_for(world, caller, scope)
    health = await list_health(world, granted)
    async with world.store.reading() as tx:
        findings = await tx.list(Finding, closed_at=None)
        blocked = await _list_blocked(tx, caller, scope)
    judged = [(one.connection, one.place, how) for one, how in zip(granted, health, strict=True)]
    return Surroundings(findings, judged, blocked)


async def _list_blocked(
    tx: Reading, caller: Caller, scope: Collection[ProjectId]
) -> Sequence[tuple[Destination, Place]]:
    """List the destinations that wait for somebody to act."""
    blocked = await tx.list(Destination, state=Delivering.BLOCKED)
    places = await places_of(tx, {one.folder_id for one in blocked})
    near = [(one, places[one.folder_id]) for one in blocked]
    return [
        (one, place)
        for one, place in near
        if place.project.id in scope and gate.may(caller, Verb.READ_DESTINATIONS, target_of(place))
    ]


async def _list_orgs(
    world: World, caller: Caller, scope: Collection[ProjectId]
) -> Sequence[OktaConnection]:
    """List the connections to Okta that the caller may see in one of these projects."""
    async with world.store.reading() as tx:
        every = await tx.list(OktaConnection, organization_id=caller.organization_id)
    return [
        one
        for one in every
        if any(
            gate.may(caller, Verb.READ_CONNECTIONS, Target(each, connection_id=one.id))
            for each in scope
            if one.project_id in (None, each)
        )
    ]


def _told(view: RotationView) -> str:
    rotation = view.rotation
    words = (
        rotation.name,
        str(view.place),
        rotation.app_id,
        rotation.client_id,
        view.connection.name,
        rotation.description or "",
    )
    return "\n".join(words).casefold()
