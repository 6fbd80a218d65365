"""The rotations that a caller may see, taken together: the overview, and a search.

What the caller may not see is left out without a word, of whatever kind it is.
"""

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf
from typing import Final

from keyturn.domain.access import Caller, Target, Verb
from keyturn.domain.attention import Concern, OrgAccess, Surroundings, access_of, concerns_of
from keyturn.domain.connection import OktaConnection
from keyturn.domain.destination import Destination
from keyturn.domain.destination import State as Delivering
from keyturn.domain.drift import Finding
from keyturn.domain.errors import Forbidden
from keyturn.domain.fleet import Ages, Band, ages_of, band_of, counts_of, next_at
from keyturn.domain.ids import ProjectId
from keyturn.domain.leaks import LeakReport
from keyturn.domain.leaks import State as Reported
from keyturn.domain.outlook import State
from keyturn.domain.project import Place, Project
from keyturn.domain.rollout import ENDED, Member, Rollout, Standing
from keyturn.domain.rollout import State as Stands
from keyturn.services import gate, oauth_connections, rotations
from keyturn.services.budgets import Budget, budgets_of
from keyturn.services.ports import Reading, World
from keyturn.services.projects import anywhere_in, places_of, resolve_project, target_of
from keyturn.services.rotations import RotationView
from keyturn.services.usage import list_health

FRESH_S: Final = 10.0
"""As long as what does not show by its rotations may be told as it was: ages, rates, access."""

PAUSE_S: Final = 0.25
"""As long as nobody looks again whether anything has moved, or longer in a large fleet."""

SHARE: Final = 0.1
"""The part of the time that such looks may take."""


@dataclass(frozen=True)
class FleetView:
    """A fleet at a glance: ages, how each stands, what comes next, and what needs somebody.

    ``due_next`` are those whose turns start next; ``attention`` has what presses most first, and
    ``access`` the connections to Okta by their names.
    """

    at: datetime
    rotations: Sequence[RotationView]
    counts: Mapping[State, int]
    ages: Ages
    due_next: Sequence[RotationView]
    attention: Sequence[Concern]
    access: Sequence[OrgAccess]
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
    return await _read(world, caller, await _scope(world, caller, project, "fleet"), due)


async def _read(
    world: World, caller: Caller, scope: Collection[ProjectId], due: int = 10
) -> FleetView:
    views = await _views(world, caller, scope)
    around, now = await _look_around(world, caller, scope), world.clock.now()
    concerns = concerns_of(views, around, now)
    orgs = await _list_orgs(world, caller, scope)
    planned = sorted((each for each in views if each.rotation.next_rotation_at), key=next_at)
    return FleetView(
        at=now,
        rotations=views,
        counts=counts_of(views),
        ages=ages_of(views, now),
        due_next=planned[:due],
        attention=concerns,
        access=[access_of(one, concerns) for one in sorted(orgs, key=lambda each: each.name)],
        budgets=await budgets_of(world, orgs),
    )


@dataclass(frozen=True)
class _Seen:
    """A fleet that was seen, after how many moves, and when."""

    view: FleetView
    moves: int
    at_s: float


class FleetSights:
    """Fleets that people look at again and again: one look for all who may see the same.

    A fleet is read anew once a rotation, its turn, what is served or a finding has moved, or else
    every few seconds. Whether anything has is looked for all of them together.
    """

    def __init__(self) -> None:
        self._seen: Final[dict[object, _Seen]] = {}
        self._one_by_one: Final = asyncio.Lock()
        self._mark: object = None
        self._moves = 0
        self._due_s = -inf

    async def look(self, world: World, caller: Caller, project: str | None) -> FleetView:
        """Return a fleet as it is, and the very same as before where nothing has moved.

        Raises Forbidden for who may see none by now.
        """
        key = caller.organization_id, caller.holdings, project
        async with self._one_by_one:
            moves = await self._count_moves(world)
            at_s, last = world.clock.uptime_s(), self._seen.get(key)
            if last is None or last.moves != moves or at_s >= last.at_s + FRESH_S:
                self._forget(at_s - 2 * FRESH_S)
                scope = await _scope_seen(world, caller, project)
                last = _Seen(await _read(world, caller, scope), moves, at_s)
                self._seen[key] = last
            return last.view

    async def _count_moves(self, world: World) -> int:
        """Return how often it was seen that something had moved, looking again where it is time."""
        at_s = world.clock.uptime_s()
        if at_s >= self._due_s:
            async with world.store.reading() as tx:
                mark = await tx.revision(), await tx.standing()
            self._moves += mark != self._mark
            self._mark = mark
            took_s = world.clock.uptime_s() - at_s
            self._due_s = at_s + min(max(PAUSE_S, took_s / SHARE), FRESH_S)
        return self._moves

    def _forget(self, before_s: float) -> None:
        """Forget fleets that nobody has looked at since."""
        for key in [key for key, seen in self._seen.items() if seen.at_s < before_s]:
            del self._seen[key]


@dataclass(frozen=True)
class FleetWatch:
    """A fleet that somebody looks at; the gate was passed when they came."""

    world: World
    sights: FleetSights
    project: str | None

    async def look(self, caller: Caller) -> FleetView:
        """Return it as it is now. Raises Forbidden where none of it may be seen any more."""
        return await self.sights.look(self.world, caller, self.project)


async def watch_fleet(
    world: World, caller: Caller, project: str | None, sights: FleetSights
) -> FleetWatch:
    """Begin to look at the rotations of a project, or of all. Raises Forbidden."""
    await _scope(world, caller, project, "fleet (watch)")
    return FleetWatch(world, sights, project)


async def search_rotations(
    world: World,
    caller: Caller,
    *,
    project: str | None = None,
    wanted: RotationFilter = ANY,
    offset: int = 0,
    limit: int = 50,
) -> RotationPage:
    """Search the rotations of a project, or of all, by name and then by place.

    Raises Forbidden for who may see none.
    """
    scope = await _scope(world, caller, project, "rotations")
    now, text = world.clock.now(), wanted.text.strip().casefold()
    near = [
        each
        for each in await _views(world, caller, scope)
        if text in _told(each) and wanted.band in (None, band_of(each, now))
    ]
    fit = [each for each in near if not wanted.states or each.outlook.state in wanted.states]
    fit.sort(key=lambda each: (each.rotation.name, str(each.place)))
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
    near = await _near(world, caller)
    target = anywhere_in(near[0]) if near else Target(caller.home)
    await gate.require(world, caller, verb, target, subject=what)
    return near


async def _scope_seen(world: World, caller: Caller, project: str | None) -> Collection[ProjectId]:
    """Return the same for who passed the gate before. Raises Forbidden where that is over."""
    near = await _near(world, caller)
    if project is not None:
        wanted = await resolve_project(world, project)
        near = [one for one in near if one == wanted]
    if not near:
        raise Forbidden(f"It takes the permission {Verb.READ_ROTATIONS}.")
    return near


async def _near(world: World, caller: Caller) -> Sequence[ProjectId]:
    """List the projects in which a caller may see rotations."""
    async with world.store.reading() as tx:
        every = await tx.list(Project, organization_id=caller.organization_id)
    may = (one for one in every if gate.may(caller, Verb.READ_ROTATIONS, anywhere_in(one.id)))
    return [one.id for one in may]


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
        waiting = await _list_rollouts(tx, caller)
        leaks = await _list_leaks(tx, caller)
    judged = [(one.connection, one.place, how) for one, how in zip(granted, health, strict=True)]
    return Surroundings(findings, judged, blocked, waiting, leaks)


async def _list_rollouts(tx: Reading, caller: Caller) -> Sequence[tuple[Rollout, int]]:
    """List the rollouts and emergencies that go on, each with how many of its members failed."""
    if not gate.may(caller, Verb.READ_ROLLOUTS, Target()):
        return ()
    going = frozenset(Stands) - ENDED
    found = await tx.list(Rollout, organization_id=caller.organization_id, state=going)
    ids = frozenset(each.id for each in found)
    failed = await tx.list(Member, rollout_id=ids, standing=Standing.FAILED) if ids else ()
    counts = Counter(each.rollout_id for each in failed)
    return [(each, counts[each.id]) for each in found]


async def _list_leaks(tx: Reading, caller: Caller) -> Sequence[LeakReport]:
    """List the leak reports that are open."""
    if not gate.may(caller, Verb.READ_LEAKS, Target()):
        return ()
    ours = {"organization_id": caller.organization_id}
    return await tx.list(LeakReport, **ours, state=Reported.OPEN)


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
