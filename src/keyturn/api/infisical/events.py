"""Subscribe to what changes in a project, as Infisical's clients do."""

from collections.abc import AsyncGenerator, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final

from fastapi import APIRouter, Request

from keyturn.api.authn import TheCaller, TheWorld, address_of, token_of
from keyturn.api.description import COUNTS_ATTEMPTS, STREAM
from keyturn.api.eventstream import EventStream
from keyturn.api.lenient import LenientRoute
from keyturn.domain.changes import Change, Event
from keyturn.services.events import Newsroom, Subscription, Wanted
from keyturn.services.streams import BELOW, Scope, Subscriber
from keyturn.wire import events as wire

router = APIRouter(prefix="/api/v1/events", tags=["Events"], route_class=LenientRoute)

PING: Final = "event: ping\ndata: {}\n\n"

PAYLOAD_MAX: Final = 40
"""Some clients read no line of more than 64 KiB."""


@router.post(
    "/subscribe/project-events",
    response_class=EventStream,
    responses=STREAM | COUNTS_ATTEMPTS,
    status_code=200,
)
async def subscribe(
    request: Request, world: TheWorld, caller: TheCaller, body: wire.Subscribe
) -> EventStream:
    """Be told when secrets change that the caller may read: their names and places, no values.

    Nothing that was committed before is told: read what is there once the stream has begun.
    """
    room: Newsroom = request.app.state.newsroom
    who = Subscriber(caller, token_of(request), address_of(request))
    wanted = [_wanted(each) for each in body.registered]
    subscription = await room.subscribe(who, body.project_id, wanted)
    return EventStream(
        _frames(subscription), stopped=subscription.room.closes, done=subscription.close
    )


def _wanted(registered: wire.Registered) -> Wanted:
    event, where = Event(registered.event), registered.conditions
    if where is None:
        return Wanted(event)
    return Wanted(event, Scope(where.environment_slug or "", where.secret_path or BELOW))


async def _frames(subscription: Subscription) -> AsyncGenerator[str]:
    async for changes in subscription.news():
        yield "".join(map(_frame, _told(changes))) or PING


def _frame(told: wire.Told) -> str:
    return f"data: {told.model_dump_json()}\n\n"


def _told(changes: Sequence[Change]) -> Iterator[wire.Told]:
    """Say what has changed: secrets together by what happened to them, imports one by one."""
    ordered = sorted(changes, key=attrgetter("event", "spot", "name"))
    for event, group in groupby(ordered, key=attrgetter("event")):
        alike = [*group]
        if event is Event.IMPORTED:
            yield from (_data(event, _place(each)) for each in alike)
            continue
        for first in range(0, len(alike), PAYLOAD_MAX):
            yield _data(event, tuple(map(_changed, alike[first : first + PAYLOAD_MAX])))


def _data(event: Event, payload: tuple[wire.Changed, ...] | wire.ChangedPlace) -> wire.Told:
    return wire.Told(data=wire.EventData(event_type=event, payload=payload))


def _changed(change: Change) -> wire.Changed:
    environment, path = change.spot
    return wire.Changed(environment=environment, secret_path=path, secret_key=change.name)


def _place(change: Change) -> wire.ChangedPlace:
    environment, path = change.spot
    return wire.ChangedPlace(environment=environment, secret_path=path)
