"""Keyturn's own cards: secrets that are read, and rotations that are turned.

What a flow may not do, the gate refuses it as anybody else.
"""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from keyturn.domain.errors import NotFound
from keyturn.domain.flows.values import Bound, Value, hidden, members, seen
from keyturn.domain.flows.walk import Act
from keyturn.domain.rotation import Rotation
from keyturn.domain.secret import Copy
from keyturn.domain.turn import SERVED, ByFlow
from keyturn.services.cards.stage import Perform, Stage, given
from keyturn.services.rotations import RotationView, list_rotations, read_rotation_by_name
from keyturn.services.secrets import Wish, read_secret
from keyturn.services.turns import rotate

AT_CALL: Final = Wish(copy_of=lambda _: Copy.WITHHELD)
"""A run holds a secret no longer than it goes on: there is nothing to remember of the read."""


async def _read_secret(stage: Stage, act: Act) -> Bound:
    inputs = given(act)
    path = inputs.get("path")
    where = stage.where(path if isinstance(path, str) else None)
    name = str(inputs.get("name"))
    found = await read_secret(stage.world, stage.caller, where, name, wish=AT_CALL)
    return members(
        {"value": hidden(found.value.reveal()), "version": seen(int(found.version.number))}
    )


async def _start_turn(stage: Stage, act: Act) -> Bound:
    inputs = given(act)
    name, emergency = str(inputs.get("rotation")), inputs.get("emergency") is True
    async with stage.world.store.reading() as tx:
        found = await tx.find(Rotation, folder_id=stage.place.folder.id, name=name)
    if found is None:
        raise NotFound(f"There is no rotation {name} in {stage.place}.")
    asked = ByFlow(stage.flow_id, stage.depth)
    after = await rotate(stage.world, stage.caller, found.id, emergency=emergency, asked=asked)
    return seen(_turn_of(after))


async def _look_at_turn(stage: Stage, act: Act) -> Bound:
    name = str(given(act).get("rotation"))
    found = await read_rotation_by_name(stage.world, stage.caller, stage.where(), name)
    turn, now = found.turn, stage.world.clock.now()
    wake_at = turn.wake_at if turn and turn.running else None
    look: Value = _seconds(now, wake_at) if wake_at else None
    return seen({**_turn_of(found), "next_look_s": look})


async def _list_rotations(stage: Stage, act: Act) -> Bound:
    project = stage.place.project.id
    every = await list_rotations(stage.world, stage.caller, project=project)
    near = [each for each in every if each.place.folder.id == stage.place.folder.id]
    records: list[Value] = [_listed(each) for each in near]
    return seen({"records": records, "count": len(records)})


def _turn_of(view: RotationView) -> dict[str, Value]:
    turn = view.turn
    return {
        "turn": turn.id if turn else None,
        "phase": turn.phase.value if turn else None,
        "served": turn is not None and turn.phase in SERVED,
        "ended": turn is None or turn.ended_at is not None,
        "blocked": str(turn.blocked or "") if turn else "",
    }


def _listed(view: RotationView) -> Value:
    told, next_at = _turn_of(view), view.rotation.next_rotation_at
    return {
        "rotation": view.rotation.name,
        "turn": told["turn"],
        "phase": told["phase"],
        "next_at": next_at.isoformat() if next_at else None,
        "blocked": told["blocked"],
    }


def _seconds(now: datetime, until: datetime) -> float:
    return max(0.0, (until - now).total_seconds())


PERFORMERS: Final[Mapping[str, Perform]] = MappingProxyType(
    {
        "keyturn.read_secret": _read_secret,
        "keyturn.start_turn": _start_turn,
        "keyturn.wait_for_turn": _look_at_turn,
        "keyturn.list_rotations": _list_rotations,
    }
)
