"""What is on record of a turn, and what an open one waits for."""

from collections.abc import Sequence
from dataclasses import dataclass

from keyturn.domain.access import Caller, Verb
from keyturn.domain.connection import OktaConnection
from keyturn.domain.errors import NotFound
from keyturn.domain.evidence import Gate, decide_gate
from keyturn.domain.project import Place
from keyturn.domain.rotation import Rotation
from keyturn.domain.secret import Secret
from keyturn.domain.turn import Phase, Turn
from keyturn.services.dependents import list_waited_for
from keyturn.services.holders import observe
from keyturn.services.ports import TurnStep, World
from keyturn.services.records import must
from keyturn.services.rotations import admit, view


@dataclass(frozen=True)
class TurnView:
    """A turn with what was recorded of it, and how its gate stands while it overlaps.

    ``unconfirmed`` names the destinations and dependents that it waits for before that.
    """

    turn: Turn
    steps: Sequence[TurnStep]
    gate: Gate | None = None
    unconfirmed: Sequence[str] = ()


@dataclass(frozen=True)
class TurnReport:
    """Everything that is on record of one turn: hashes and ids, never a value."""

    rotation: Rotation
    place: Place
    connection: OktaConnection
    told: TurnView


async def list_turns(
    world: World, caller: Caller, rotation_id: str, *, offset: int = 0, limit: int = 20
) -> Sequence[TurnView]:
    """List turns of a rotation, newest first, with their steps. Raises NotFound, Forbidden."""
    rotation = await admit(world, caller, Verb.READ_ROTATIONS, rotation_id)
    async with world.store.reading() as tx:
        turns = await tx.list_turns(rotation.id, offset=offset, limit=limit)
    return [await tell_turn_of(world, rotation, turn) for turn in turns]


async def report_turn(world: World, caller: Caller, rotation_id: str, turn_id: str) -> TurnReport:
    """Return the record of one turn. Raises NotFound, Forbidden."""
    await admit(world, caller, Verb.READ_ROTATIONS, rotation_id, detail=f"turn {turn_id}")
    async with world.store.reading() as tx:
        turn = await tx.find(Turn, id=turn_id, rotation_id=rotation_id)
    if turn is None:
        raise NotFound(f"Rotation {rotation_id} has no turn {turn_id}.")
    seen = await view(world, rotation_id)
    told = await tell_turn_of(world, seen.rotation, turn)
    return TurnReport(seen.rotation, seen.place, seen.connection, told)


async def tell_turn_of(world: World, rotation: Rotation, turn: Turn) -> TurnView:
    """Return what is on record of a turn of a rotation that somebody may see."""
    async with world.store.reading() as tx:
        steps = await tx.list(TurnStep, turn_id=turn.id)
    if turn.phase is Phase.PROMOTED:
        version = (turn.new and turn.new.version) or 0
        async with world.store.reading() as tx:
            waited_for = await list_waited_for(tx, rotation, version)
        return TurnView(turn, steps, unconfirmed=waited_for)
    if turn.phase is not Phase.OVERLAPPING or turn.old is None:
        return TurnView(turn, steps)
    async with world.store.reading() as tx:
        name = rotation.mapping.client_secret
        secret = await must(tx.find(Secret, rotation_id=rotation.id, name=name))
    evidence = await observe(world, turn, secret.id)
    gate = decide_gate(turn, rotation.policy, world.clock.now(), evidence, None)
    return TurnView(turn, steps, gate)
