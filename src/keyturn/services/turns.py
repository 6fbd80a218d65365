"""Start turns: by hand, by the schedule, or by somebody's consent.

A turn that somebody waits for is begun already claimed, and taken as far as it goes at once; every
other turn is left for the runner to claim.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from keyturn.domain.access import Caller, Verb
from keyturn.domain.errors import Refused, TurnFailed
from keyturn.domain.ids import TurnId
from keyturn.domain.okta import ClientSecret
from keyturn.domain.rotation import Rotation
from keyturn.domain.schedule import LastTurn, next_rotation_at
from keyturn.domain.secret import Secret, State, Version
from keyturn.domain.turn import SERVED, Held, Phase, Trigger, Turn, resumed
from keyturn.services.connections import open_org
from keyturn.services.journey import advance
from keyturn.services.ports import Reading, TurnStep, World, Writing
from keyturn.services.records import must
from keyturn.services.rotations import RotationView, admit, view

OF_A_REQUEST = "request"
DUE_AT_ONCE = 100


@dataclass(frozen=True)
class TurnView:
    """A turn with what was recorded of it."""

    turn: Turn
    steps: Sequence[TurnStep]


async def rotate(world: World, caller: Caller, rotation_id: str) -> RotationView:
    """Turn the client secret now, and return once the new one is served.

    A blocked turn is resumed. Raises NotFound, Forbidden, Refused while a turn is under way, and
    TurnFailed where Okta does not serve it; the secret served so far works on then.
    """
    rotation = await admit(world, caller, Verb.ROTATE, rotation_id)
    held_since_s = world.clock.uptime_s()
    async with world.store.writing() as tx:
        turn = await _resume_or_start(tx, world, rotation, Trigger.MANUAL)
        turn = _claimed(world, turn)
        await tx.replace(turn)
    turn = await advance(world, turn, held_since_s=held_since_s)
    seen = await view(world, rotation_id)
    if turn.phase not in SERVED:
        raise TurnFailed(seen.rotation.last_message)
    return seen


async def retire_existing(
    world: World, caller: Caller, rotation_id: str, *, secret_id: str
) -> RotationView:
    """Consent to the retirement of a foreign client secret of the rotation's app, named by its id.

    It is retired as any old secret is: after an overlap, reversible until the soak is over. Raises
    NotFound, Forbidden, and Refused where a turn is under way or the id is not a foreign one.
    """
    rotation = await admit(world, caller, Verb.ROTATE, rotation_id, detail=f"retire {secret_id}")
    async with world.store.reading() as tx:
        org = await open_org(tx, world, rotation.connection_id, lambda call: None)
        served = await served_secret(tx, rotation)
    listed = await org.list_client_secrets(rotation.app_id)
    foreign = next((s for s in listed if s.id == secret_id), None)
    if served is None or foreign is None or foreign.hash == served.hash:
        raise Refused(f"App {rotation.app_id} has no foreign client secret {secret_id}.")
    held_since_s = world.clock.uptime_s()
    async with world.store.writing() as writing:
        await _refuse_if_under_way(writing, rotation)
        turn = _claimed(world, consented(world, rotation, served, foreign))
        await writing.add(turn)
    await advance(world, turn, held_since_s=held_since_s)
    return await view(world, rotation_id)


async def list_turns(world: World, caller: Caller, rotation_id: str) -> Sequence[TurnView]:
    """List the turns of a rotation, newest first, with their steps. Raises NotFound, Forbidden."""
    rotation = await admit(world, caller, Verb.READ_ROTATIONS, rotation_id)
    async with world.store.reading() as tx:
        turns = await tx.list(Turn, rotation_id=rotation.id)
        return [TurnView(t, await tx.list(TurnStep, turn_id=t.id)) for t in reversed(turns)]


async def start_due(world: World) -> int:
    """Start the turns that the schedule asks for now; return how many were started.

    A turn that is under way already is left alone, a blocked one gets its next chance.
    """
    now, started = world.clock.now(), 0
    async with world.store.writing() as tx:
        for rotation in await tx.list_due_rotations(now, limit=DUE_AT_ONCE):
            tomorrow = next_rotation_at(rotation.schedule, LastTurn(now, failed=True))
            await tx.replace(replace(rotation, next_rotation_at=tomorrow))
            turn = await _open_turn(tx, rotation)
            if turn is None or turn.blocked:
                await _resume_or_start(tx, world, rotation, Trigger.SCHEDULED)
                started += 1
    return started


def planned(world: World, rotation: Rotation, trigger: Trigger, old: Held | None) -> Turn:
    """Make the record of a turn that is due now."""
    now = world.clock.now()
    return Turn(
        id=TurnId(world.chance.uuid()),
        rotation_id=rotation.id,
        app_id=rotation.app_id,
        trigger=trigger,
        phase=Phase.PLANNED,
        created_at=now,
        entered_at=now,
        wake_at=now,
        old=old,
    )


def consented(world: World, rotation: Rotation, served: Held, foreign: ClientSecret) -> Turn:
    """Make the record of a turn that only retires a foreign secret: the new one is served."""
    turn = planned(world, rotation, Trigger.CONSENT, stranger(foreign))
    return replace(turn, phase=Phase.OVERLAPPING, new=served)


def stranger(secret: ClientSecret) -> Held:
    """Hold a client secret whose value is not ours to serve."""
    return Held(secret.hash, secret.id, None)


async def served_secret(tx: Reading, rotation: Rotation) -> Held | None:
    """Return the client secret that readers are given, or None before the first one."""
    name = rotation.mapping.client_secret
    secret = await must(tx.find(Secret, rotation_id=rotation.id, name=name))
    version = await tx.find(Version, secret_id=secret.id, state=State.CURRENT)
    if version is None or version.hash is None:
        return None
    return Held(version.hash, version.okta_id, version.number)


async def _resume_or_start(tx: Writing, world: World, rotation: Rotation, trigger: Trigger) -> Turn:
    turn = await _open_turn(tx, rotation)
    if turn and turn.blocked:
        turn = resumed(turn, world.clock.now())
        await tx.replace(turn)
        return turn
    await _refuse_if_under_way(tx, rotation)
    turn = planned(world, rotation, trigger, await served_secret(tx, rotation))
    await tx.add(turn)
    return turn


async def _refuse_if_under_way(tx: Reading, rotation: Rotation) -> None:
    turn = await _open_turn(tx, rotation)
    if turn:
        until = f" until {turn.wake_at:%Y-%m-%d %H:%M:%S} UTC" if turn.wake_at else ""
        raise Refused(
            f"A turn of {rotation.name} is under way ({turn.phase}{until}); both of Okta's places "
            "for client secrets are in use. Wait for its end."
        )


async def _open_turn(tx: Reading, rotation: Rotation) -> Turn | None:
    return await tx.find(Turn, rotation_id=rotation.id, ended_at=None)


def _claimed(world: World, turn: Turn) -> Turn:
    lease_ends_at = world.clock.now() + world.limits.lease
    return replace(turn, owner=OF_A_REQUEST, wake_at=lease_ends_at)
