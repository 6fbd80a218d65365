"""The rotations that a caller may see, taken together: the overview, and a search."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query

from keyturn.api.authn import TheCaller, TheWorld
from keyturn.api.lenient import LenientRoute
from keyturn.api.native.budgets import render_budget
from keyturn.domain.attention import Concern, OrgAccess
from keyturn.domain.fleet import Band, band_of
from keyturn.domain.outlook import State
from keyturn.domain.schedule import interval_of
from keyturn.services import fleet
from keyturn.services.fleet import RotationFilter
from keyturn.services.rotations import RotationView
from keyturn.wire import fleet as wire

router = APIRouter(prefix="/api/v1/fleet", tags=["Fleet"], route_class=LenientRoute)


@router.get("")
async def read_fleet(
    world: TheWorld, caller: TheCaller, query: Annotated[wire.FleetQuery, Query()]
) -> wire.FleetAnswer:
    """Look at the rotations of a project, or of all: ages, what is next, what needs somebody."""
    seen = await fleet.read_fleet(world, caller, query.project_id, due=query.due)
    ages = seen.ages
    return wire.FleetAnswer(
        at=seen.at,
        rotations=len(seen.rotations),
        states={state.value: count for state, count in seen.counts.items()},
        bands={band.value: count for band, count in ages.bands.items()},
        oldest_seconds=None if ages.oldest_s is None else int(ages.oldest_s),
        median_seconds=None if ages.median_s is None else int(ages.median_s),
        due_next=tuple(_line(each, seen.at) for each in seen.due_next),
        attention=tuple(map(_concern, seen.attention)),
        access=tuple(map(_access, seen.access)),
        budgets=tuple(map(render_budget, seen.budgets)),
    )


@router.get("/rotations")
async def search_rotations(
    world: TheWorld, caller: TheCaller, query: Annotated[wire.RotationsQuery, Query()]
) -> wire.FleetRotationsAnswer:
    """Search the rotations of a project, or of all, page by page."""
    page = await fleet.search_rotations(
        world,
        caller,
        project=query.project_id,
        wanted=_wanted(query),
        offset=query.offset,
        limit=query.limit,
    )
    return wire.FleetRotationsAnswer(
        rotations=tuple(_line(each, page.at) for each in page.rotations),
        total=page.total,
        states={state.value: count for state, count in page.counts.items()},
    )


def _wanted(query: wire.RotationsQuery) -> RotationFilter:
    band = Band(query.band) if query.band else None
    return RotationFilter(query.text, frozenset(map(State, query.state)), band)


def _line(view: RotationView, now: datetime) -> wire.FleetRotation:
    rotation, place, turn = view.rotation, view.place, view.turn
    interval = interval_of(rotation.schedule)
    return wire.FleetRotation(
        id=rotation.id,
        name=rotation.name,
        type=rotation.kind.value,
        project_id=place.project.id,
        environment=place.environment.slug,
        secret_path=place.folder.path,
        connection=view.connection.name,
        okta_app_id=rotation.app_id,
        state=view.outlook.state.value,
        why=view.outlook.why,
        phase=turn.phase.value if turn and turn.open else None,
        issued_at=view.issued_at,
        interval_seconds=int(interval.total_seconds()) if interval else None,
        band=band_of(view, now).value,
        due_at=rotation.due_at,
        next_rotation_at=rotation.next_rotation_at,
    )


def _access(found: OrgAccess) -> wire.OktaAccess:
    one = found.connection
    return wire.OktaAccess(
        id=one.id,
        name=one.name,
        instance_url=one.instance_url,
        state=found.state.value,
        told=found.told,
        at=found.at,
    )


def _concern(concern: Concern) -> wire.Concern:
    return wire.Concern(
        severity=concern.severity.value,
        kind=concern.kind.value,
        about=concern.about.value,
        id=concern.id,
        name=concern.name,
        place=concern.place,
        told=concern.told,
        since=concern.since,
        rotations=concern.rotations,
    )
