"""Destinations: other stores that secrets are brought to, and what each has confirmed."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from starlette.responses import Response

from keyturn.domain.access import Verb
from keyturn.domain.destination import Destination, State
from keyturn.domain.errors import CallerError, KeyturnError, NotFound
from keyturn.services.destinations import (
    DestinationChange,
    DestinationView,
    delete_destination,
    deliver_now,
    list_deliveries,
    list_destinations,
    read_destination,
    update_destination,
)
from keyturn.services.outbox import Piece
from keyturn.services.projects import anywhere_in
from keyturn.web.lights import DESTINATIONS
from keyturn.web.pages.destinations_kinds import TITLES, settings_of
from keyturn.web.problems import status_of
from keyturn.web.routing import action, page
from keyturn.web.subject import Subject
from keyturn.web.visiting import Visit

LIST: Final = "/connections/destinations"
ONE: Final = f"{LIST}/{{destination_id}}"
MAKING: Final = (Verb.EDIT_DESTINATIONS, Verb.READ_SECRETS)
"""What it takes to make one: it says where values go."""
ON_ITS_WAY: Final = ("on its way", "busy")
DUE: Final[Mapping[State, tuple[str, str]]] = MappingProxyType(
    {State.BLOCKED: ("not there", "bad"), State.PAUSED: ("held back", "idle")}
)
"""How a secret stands that is not confirmed, where it is not on its way."""


async def list_all(visit: Visit) -> Response:
    """List the destinations of a project, those that need somebody first."""
    whole, projects = await visit.projects()
    found = await list_destinations(visit.world, visit.caller, project=whole.project.id)
    order = [*DESTINATIONS]
    found = sorted(found, key=lambda v: (order.index(v.destination.state), v.destination.name))
    return visit.render(
        "connections/destinations/list.html",
        whole=whole,
        projects=projects,
        rows=[
            (subject_of(visit, each), each, DESTINATIONS[each.destination.state]) for each in found
        ],
        titles=TITLES,
        creates=all(visit.may(each, anywhere_in(whole.project.id)) for each in MAKING),
    )


async def show(visit: Visit) -> Response:
    """Show one destination."""
    return await show_one(visit)


async def show_one(visit: Visit, error: KeyturnError | None = None) -> Response:
    """Show the destination that the path names, and what became of what was asked of it."""
    view = await read_view(visit)
    one = view.destination
    pieces = await list_deliveries(visit.world, visit.caller, one.id)
    return visit.render(
        "connections/destinations/show.html",
        status=status_of(error) if error else 200,
        error=error.message if error else "",
        one=subject_of(visit, view),
        destination=one,
        place=view.place,
        standing=DESTINATIONS[one.state],
        title=TITLES[one.kind][0],
        settings=_settings(one),
        pieces=[(each, _standing(one, each)) for each in pieces],
        due=sum(each.due for each in pieces),
    )


async def deliver(visit: Visit) -> Response:
    """Bring everything there again now, and say how it stands then."""
    try:
        after = await deliver_now(visit.world, visit.caller, visit.given("destination_id"))
    except NotFound:
        raise
    except CallerError as error:
        return await show_one(visit, error)
    state = after.destination.state
    told = "Everything is there." if state is State.CONFIRMED else "It is not confirmed: see below."
    return visit.redirect(f"{LIST}/{after.destination.id}", told)


async def pause(visit: Visit) -> Response:
    """Bring nothing there for now."""
    told = "Nothing is brought there for now, and no turn waits for it."
    return await _switch(visit, told, paused=True)


async def resume(visit: Visit) -> Response:
    """Bring secrets there again."""
    return await _switch(visit, "What it lacks is brought there now.", paused=False)


async def show_delete(visit: Visit) -> Response:
    """Ask whether to remove a destination."""
    view = await read_view(visit)
    one = subject_of(visit, view)
    one.require(Verb.EDIT_DESTINATIONS)
    return visit.render("connections/destinations/delete.html", one=one, view=view)


async def delete(visit: Visit) -> Response:
    """Remove a destination."""
    gone = await delete_destination(visit.world, visit.caller, visit.given("destination_id"))
    told = f"{gone.destination.name} is removed. What was brought there stays there."
    return visit.redirect(LIST, told)


async def read_view(visit: Visit) -> DestinationView:
    """Return the destination that the path names. Raises NotFound, Forbidden."""
    return await read_destination(visit.world, visit.caller, visit.given("destination_id"))


def subject_of(visit: Visit, view: DestinationView) -> Subject:
    """Return a destination as what a page is about."""
    return Subject(visit, view.destination.id, view.destination.name, view.place, LIST)


async def _switch(visit: Visit, told: str, *, paused: bool) -> Response:
    change = DestinationChange(paused=paused)
    destination_id = visit.given("destination_id")
    await update_destination(visit.world, visit.caller, destination_id, change)
    return visit.redirect(f"{LIST}/{destination_id}", told)


def _settings(one: Destination) -> Sequence[tuple[str, str]]:
    """Return the settings for people; what an address has behind its path may be a key."""
    told = [(each.label, one.setting.get(each.member, "")) for each in settings_of(one.kind)]
    return [
        (name, f"{text.partition('?')[0]}?…" if "?" in text else text)
        for name, text in told
        if text
    ]


def _standing(one: Destination, piece: Piece) -> tuple[str, str]:
    """Return how one secret stands there, in words and a tone."""
    if piece.left_out:
        return "left out", "idle"
    return DUE.get(one.state, ON_ITS_WAY) if piece.due else ("confirmed", "good")


ROUTES: Final = (
    page(LIST, list_all),
    page(ONE, show),
    action(f"{ONE}/deliver", deliver),
    action(f"{ONE}/pause", pause),
    action(f"{ONE}/resume", resume),
    page(f"{ONE}/delete", show_delete),
    action(f"{ONE}/delete", delete),
)
