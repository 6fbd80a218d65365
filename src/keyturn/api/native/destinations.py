"""Destinations: other stores that secrets are brought to."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query

from keyturn.api.authn import TheCaller, TheWorld
from keyturn.api.lenient import LenientRoute
from keyturn.domain.destination_kinds import parse_kind
from keyturn.domain.sensitive import Sensitive
from keyturn.services import destinations
from keyturn.services.destinations import DestinationChange, DestinationDraft, DestinationView
from keyturn.services.outbox import Piece
from keyturn.services.projects import Where
from keyturn.wire import destinations as wire
from keyturn.wire.base import Id, Text

router = APIRouter(prefix="/api/v1/destinations", tags=["Destinations"], route_class=LenientRoute)


@router.post("")
async def create_destination(
    world: TheWorld, caller: TheCaller, body: wire.CreateDestination
) -> wire.DestinationAnswer:
    """Create a destination; what its folder holds is brought to it at once."""
    draft = DestinationDraft(
        name=body.name,
        kind=parse_kind(body.kind),
        where=Where(body.project_id, body.environment, body.secret_path),
        settings=body.settings,
        credential=_hidden(body.credential),
        only=body.secrets,
        mapping=body.mapping,
        prefix=body.prefix,
        required=body.required,
    )
    return _one(await destinations.create_destination(world, caller, draft))


@router.get("")
async def list_destinations(
    world: TheWorld, caller: TheCaller, project_id: Annotated[Text, Query(alias="projectId")]
) -> wire.DestinationsAnswer:
    """List the destinations of a project, and how each stands."""
    found = await destinations.list_destinations(world, caller, project=project_id)
    return wire.DestinationsAnswer(destinations=tuple(map(_shown, found)))


@router.get("/{destination_id}")
async def read_destination(
    world: TheWorld, caller: TheCaller, destination_id: Id
) -> wire.DestinationAnswer:
    """Read one destination; its credential is never shown."""
    return _one(await destinations.read_destination(world, caller, destination_id))


@router.patch("/{destination_id}")
async def update_destination(
    world: TheWorld, caller: TheCaller, destination_id: Id, body: wire.UpdateDestination
) -> wire.DestinationAnswer:
    """Change, pause or resume a destination; a turn waits for none that is paused."""
    change = DestinationChange(
        name=body.name,
        settings=body.settings,
        credential=None if body.credential is None else _hidden(body.credential),
        only=body.secrets,
        mapping=body.mapping,
        prefix=body.prefix,
        required=body.required,
        paused=body.paused,
    )
    return _one(await destinations.update_destination(world, caller, destination_id, change))


@router.delete("/{destination_id}")
async def delete_destination(
    world: TheWorld, caller: TheCaller, destination_id: Id
) -> wire.DestinationAnswer:
    """Delete a destination; what was brought to it stays there."""
    return _one(await destinations.delete_destination(world, caller, destination_id))


@router.get("/{destination_id}/deliveries")
async def list_deliveries(
    world: TheWorld, caller: TheCaller, destination_id: Id
) -> wire.DeliveriesAnswer:
    """List the secrets that a destination covers, and which versions it has confirmed."""
    pieces = await destinations.list_deliveries(world, caller, destination_id)
    return wire.DeliveriesAnswer(deliveries=tuple(map(_delivery, pieces)))


@router.post("/{destination_id}/deliver")
async def deliver(world: TheWorld, caller: TheCaller, destination_id: Id) -> wire.DestinationAnswer:
    """Bring everything to a destination again now, and answer with how it stands then."""
    return _one(await destinations.deliver_now(world, caller, destination_id))


def _hidden(given: Mapping[str, str]) -> Mapping[str, Sensitive]:
    return {name: Sensitive(value) for name, value in given.items()}


def _one(view: DestinationView) -> wire.DestinationAnswer:
    return wire.DestinationAnswer(destination=_shown(view))


def _shown(view: DestinationView) -> wire.Destination:
    stored, place = view.destination, view.place
    return wire.Destination(
        id=stored.id,
        name=stored.name,
        kind=stored.kind.value,
        project_id=place.project.id,
        environment=place.environment.slug,
        secret_path=place.folder.path,
        settings=stored.setting,
        secrets=stored.only,
        mapping=stored.renamed,
        prefix=stored.prefix,
        required=stored.required,
        state=stored.state.value,
        message=stored.told,
        attempts=stored.attempts,
        next_try_at=stored.due_at,
        confirmed_by=stored.rules.proof.value,
        created_at=stored.created_at,
        updated_at=stored.updated_at,
    )


def _delivery(piece: Piece) -> wire.Delivery:
    had = piece.confirmed
    state: wire.Standing = "left out" if piece.left_out else "due" if piece.due else "confirmed"
    return wire.Delivery(
        secret=piece.secret.name,
        target=piece.target,
        version=piece.version.number,
        confirmed_version=had.version if had else None,
        confirmed_at=had.confirmed_at if had else None,
        shown=had.shown if had else "",
        state=state,
    )
