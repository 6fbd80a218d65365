"""Flows started by Keyturn's own events, in the transaction in which something happens.

Only rows are added, and no text of a flow is read, so that no flow can be in the way of a turn or
of a renewal. A flow hears what happens in its own folder, but not what comes of a turn that it has
asked for: it would go on for ever. Flows that start each other by turns come to an end as well.
"""

from collections.abc import Mapping, Sequence

from keyturn.domain.flows.events import Own, of_connection, of_turn
from keyturn.domain.flows.run import CHAIN_MAX, Cause, SavedFlow
from keyturn.domain.flows.values import Value
from keyturn.domain.ids import FolderId
from keyturn.domain.oauth.connection import Connection
from keyturn.domain.project import Place
from keyturn.domain.rotation import Rotation
from keyturn.domain.turn import ByFlow, Turn
from keyturn.services.ports import World, Writing
from keyturn.services.projects import place_of
from keyturn.services.starting import run_of


async def tell_turn(tx: Writing, world: World, before: Turn, after: Turn) -> None:
    """Start the flows that listen for what has become of a turn."""
    events = of_turn(before, after)
    rotation = await tx.find(Rotation, id=after.rotation_id) if events else None
    if rotation:
        told = _of_turn(rotation, after)
        await _start(tx, world, rotation.folder_id, events, told, asked=after.asked)


async def tell_connection(tx: Writing, world: World, before: Connection, after: Connection) -> None:
    """Start the flows that listen for what has become of a connection."""
    events = of_connection(before, after)
    if events:
        await _start(tx, world, after.folder_id, events, _of_connection(after))


async def _start(
    tx: Writing,
    world: World,
    folder_id: FolderId,
    events: Sequence[Own],
    told: Mapping[str, Value],
    *,
    asked: ByFlow | None = None,
) -> None:
    depth = asked.depth + 1 if asked else 0
    if depth > CHAIN_MAX:
        return
    enabled = await tx.list(SavedFlow, folder_id=folder_id, enabled=True)
    others = [each for each in enabled if not (asked and asked.flow_id == each.id)]
    heard = [(name, flow) for name in events for flow in others if name in flow.listens]
    if not heard:
        return
    place = await place_of(tx, folder_id)
    for name, flow in heard:
        given: Value = {"event": {**_head(world, place, name), **told}}
        run = run_of(world, flow, place, given, cause=Cause.BY_EVENT, by=name, depth=depth)
        await tx.add(run)


def _head(world: World, place: Place, name: Own) -> dict[str, Value]:
    return {
        "eventType": name.value,
        "published": world.clock.now().isoformat(),
        "project": place.project.slug,
        "environment": place.environment.slug,
        "path": place.folder.path,
    }


def _of_turn(rotation: Rotation, turn: Turn) -> dict[str, Value]:
    return {
        "rotation": {"id": rotation.id, "name": rotation.name},
        "turn": {
            "id": turn.id,
            "phase": turn.phase.value,
            "trigger": turn.trigger.value,
            "credential": turn.kind.value,
            "app": turn.app_id,
            "blocked": str(turn.blocked or ""),
        },
    }


def _of_connection(connection: Connection) -> dict[str, Value]:
    cause = connection.cause.value if connection.cause else ""
    return {
        "connection": {
            "id": connection.id,
            "name": connection.name,
            "cause": cause,
            "told": connection.told,
        }
    }
