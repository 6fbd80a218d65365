"""The standing orders: list, read, change and end rotations."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import time

from keyturn.domain import names
from keyturn.domain.access import Caller, Verb
from keyturn.domain.connection import OktaConnection
from keyturn.domain.errors import FieldProblem, InvalidInput, NotFound, Refused, Taken
from keyturn.domain.ids import ClientId
from keyturn.domain.project import Place
from keyturn.domain.rotation import Rotation, SecretsMapping
from keyturn.domain.schedule import LastTurn, Schedule, next_rotation_at
from keyturn.domain.secret import Secret, State, Version
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Act, Phase, Policy, Trigger, Turn, moved
from keyturn.services import gate
from keyturn.services.ports import Reading, World, Writing
from keyturn.services.projects import Where, place_of, read_place, resolve_project
from keyturn.services.records import must
from keyturn.services.sealing import open_version


@dataclass(frozen=True)
class RotationView:
    """A rotation with where it is, what it speaks through, and its open or last turn."""

    rotation: Rotation
    place: Place
    connection: OktaConnection
    turn: Turn | None


@dataclass(frozen=True)
class RotationChange:
    """What to change; None leaves a field as it is (``description`` only if ``described``)."""

    name: str | None = None
    description: str | None = None
    described: bool = False
    automatic: bool | None = None
    interval_days: int | None = None
    rotate_at: time | None = None
    parameter: str | None = None
    mapping: SecretsMapping | None = None
    overlap_s: int | None = None
    soak_s: int | None = None


@dataclass(frozen=True)
class GeneratedCredential:
    """One working pair of client id and client secret."""

    client_id: ClientId
    client_secret: Sensitive
    secret_id: str


@dataclass(frozen=True)
class GeneratedCredentials:
    """Every pair that works now; ``active_index`` points at the one that readers are given."""

    rotation: Rotation
    credentials: Sequence[GeneratedCredential]
    active_index: int


async def list_rotations(world: World, caller: Caller, *, project: str) -> Sequence[RotationView]:
    """List the rotations of a project. Raises Forbidden."""
    project_id = await resolve_project(world, project)
    subject = f"rotations of {project}"
    await gate.require(world, caller, Verb.READ_ROTATIONS, subject=subject, project_id=project_id)
    async with world.store.reading() as tx:
        every = [await _view(tx, rotation) for rotation in await tx.list(Rotation)]
    return [seen for seen in every if seen.place.project.id == project_id]


async def read_rotation(world: World, caller: Caller, rotation_id: str) -> RotationView:
    """Read one rotation. Raises NotFound, Forbidden."""
    await admit(world, caller, Verb.READ_ROTATIONS, rotation_id)
    return await view(world, rotation_id)


async def read_rotation_by_name(
    world: World, caller: Caller, where: Where, name: str
) -> RotationView:
    """Read one rotation by its name in a folder.

    Raises Forbidden, NotFound, and Refused where there is no such folder.
    """
    project_id = await resolve_project(world, where.project)
    subject = f"rotation {where}:{name}"
    await gate.require(world, caller, Verb.READ_ROTATIONS, subject=subject, project_id=project_id)
    async with world.store.reading() as tx:
        place = await read_place(tx, project_id, where)
        rotation = await tx.find(Rotation, folder_id=place.folder.id, name=name)
        if rotation is None:
            raise NotFound(f"There is no rotation {name} in {place}.")
        return await _view(tx, rotation)


async def update_rotation(
    world: World, caller: Caller, rotation_id: str, change: RotationChange
) -> RotationView:
    """Change a rotation; what is mapped moves with its names, and nothing changes at Okta.

    Switching automatic rotation off also ends a scheduled turn that has not begun. Raises NotFound,
    Forbidden, InvalidInput, Taken, and Refused for another app.
    """
    await admit(world, caller, Verb.EDIT_ROTATIONS, rotation_id)
    async with world.store.writing() as tx:
        rotation = await current_rotation(tx, rotation_id)
        _refuse_other_app(rotation, change.parameter)
        after = _changed(world, rotation, change)
        await _refuse_taken_name(tx, rotation, after.name)
        await _rename_secrets(tx, rotation, after.mapping)
        await tx.replace(after)
        await _heed(tx, world, after)
        return await _view(tx, after)


async def read_generated_credentials(
    world: World, caller: Caller, rotation_id: str
) -> GeneratedCredentials:
    """Read every working pair of a rotation in clear. Raises NotFound, Forbidden."""
    rotation = await admit(world, caller, Verb.READ_CREDENTIALS, rotation_id)
    async with world.store.reading() as tx:
        rotation = await current_rotation(tx, rotation.id)
        place = await place_of(tx, rotation.folder_id)
        versions = await _working_versions(tx, rotation)
    current = [v for v in versions if v.state is State.CURRENT]
    previous = [v for v in versions if v.state is State.PREVIOUS]
    ordered = previous + current if rotation.active_index else current + previous
    shown = [
        GeneratedCredential(
            rotation.client_id, open_version(world, place.project, version), version.okta_id or ""
        )
        for version in ordered
    ]
    return GeneratedCredentials(rotation, shown, ordered.index(current[0]) if current else 0)


async def admit(
    world: World, caller: Caller, verb: Verb, rotation_id: str, *, detail: str = ""
) -> Rotation:
    """Find a rotation and pass the gate for it. Raises NotFound, Forbidden."""
    async with world.store.reading() as tx:
        rotation = await tx.find(Rotation, id=rotation_id)
        place = await place_of(tx, rotation.folder_id) if rotation else None
    if place and caller.project_id not in (None, place.project.id):
        rotation = place = None  # nobody learns of another project's rotation from a refusal
    named = f"{place}:{rotation.name}" if rotation else rotation_id
    subject = f"rotation {named} ({detail})" if detail else f"rotation {named}"
    project_id = place.project.id if place else caller.project_id
    await gate.require(world, caller, verb, subject=subject, project_id=project_id)
    if rotation is None:
        raise NotFound(f"There is no rotation {rotation_id}.")
    return rotation


async def view(world: World, rotation_id: str) -> RotationView:
    """Return a rotation that is known to exist, as it stands now."""
    async with world.store.reading() as tx:
        return await _view(tx, await must(tx.find(Rotation, id=rotation_id)))


async def current_rotation(tx: Reading, rotation_id: str) -> Rotation:
    """Return a rotation as it stands in this transaction. Raises NotFound."""
    rotation = await tx.find(Rotation, id=rotation_id)
    if rotation is None:
        raise NotFound(f"There is no rotation {rotation_id}.")
    return rotation


async def open_turn(tx: Reading, rotation: Rotation) -> Turn | None:
    """Return the turn of a rotation that has not ended; a blocked one has not."""
    return await tx.find(Turn, rotation_id=rotation.id, ended_at=None)


async def refuse_under_way(tx: Reading, rotation: Rotation, *, blocked_too: bool = True) -> None:
    """Raise Refused while a turn is under way, and where the rotation is being ended."""
    if rotation.ending and blocked_too:
        raise Refused(f"Rotation {rotation.name} is being ended: delete it again to complete that.")
    turn = await open_turn(tx, rotation)
    if turn and turn.blocked and blocked_too:
        raise Refused(f"A turn of {rotation.name} is blocked. {turn.blocked} Then turn it again.")
    if turn and turn.running:
        until = f" until {turn.wake_at:%Y-%m-%d %H:%M:%S} UTC" if turn.wake_at else ""
        raise Refused(
            f"A turn of {rotation.name} is under way ({turn.phase}{until}); both of Okta's places "
            "for client secrets are in use. Wait for its end."
        )


async def give_up(tx: Writing, world: World, turn: Turn) -> None:
    """End a turn that has changed nothing at Okta; a value that was written is destroyed."""
    ended = moved(turn, Act.GIVE_UP, world.clock.now())
    await tx.replace(replace(ended, blocked=None, wake_at=None, owner=None))
    for secret in await tx.list(Secret, rotation_id=turn.rotation_id):
        pending = await tx.find(Version, secret_id=secret.id, state=State.PENDING)
        if pending and turn.new and pending.hash == turn.new.hash:
            await tx.replace(pending.become(State.DESTROYED))


async def refuse_mapped_names(tx: Reading, place: Place, *wanted: str) -> None:
    """Raise Taken, naming them, where secrets of these names exist in the folder."""
    taken = [n for n in wanted if await tx.find(Secret, folder_id=place.folder.id, name=n)]
    if taken:
        raise Taken(f"There are secrets named {', '.join(taken)} in {place}: map to other names.")


def checked_interval(days: int | None) -> None:
    """Raise InvalidInput for an interval of less than a day."""
    if days is not None and days < 1:
        raise InvalidInput(FieldProblem(("rotationInterval",), "must be at least 1 day"))


def checked_mapping(mapping: SecretsMapping) -> SecretsMapping:
    """Return the mapping with its names checked. Raises InvalidInput."""
    client_id = names.secret_name(("secretsMapping", "clientId"), mapping.client_id)
    client_secret = names.secret_name(("secretsMapping", "clientSecret"), mapping.client_secret)
    if client_id == client_secret:
        rule = "must differ from the name for the client id"
        raise InvalidInput(FieldProblem(("secretsMapping", "clientSecret"), rule))
    return SecretsMapping(client_id, client_secret)


def checked_policy(world: World, overlap_s: int | None, soak_s: int | None) -> Policy:
    """Return the policy asked for, else the installation's. Raises InvalidInput below the floor."""
    policy, floor_s = world.limits.policy, world.limits.overlap_floor_s
    asked_s = policy.overlap_s if overlap_s is None else overlap_s
    if asked_s < floor_s:
        rule = f"must be at least {floor_s}: readers may keep a secret that long"
        raise InvalidInput(FieldProblem(("overlapSeconds",), rule))
    if soak_s is not None and soak_s < 0:
        raise InvalidInput(FieldProblem(("soakSeconds",), "must not be negative"))
    return replace(policy, overlap_s=asked_s, soak_s=policy.soak_s if soak_s is None else soak_s)


async def _view(tx: Reading, rotation: Rotation) -> RotationView:
    place = await place_of(tx, rotation.folder_id)
    connection = await must(tx.find(OktaConnection, id=rotation.connection_id))
    turns = await tx.list(Turn, rotation_id=rotation.id)
    return RotationView(rotation, place, connection, turns[-1] if turns else None)


def _refuse_other_app(rotation: Rotation, parameter: str | None) -> None:
    if parameter not in (None, rotation.parameter, rotation.app_id, rotation.client_id):
        raise Refused(
            f"Rotation {rotation.name} keeps app {rotation.app_id}; for another app create "
            "another rotation, so that neither is left with secrets that nobody turns."
        )


def _changed(world: World, rotation: Rotation, change: RotationChange) -> Rotation:
    old = rotation.schedule
    checked_interval(change.interval_days)
    schedule = Schedule(
        change.interval_days or old.interval_days,
        change.rotate_at or old.rotate_at,
        old.automatic if change.automatic is None else change.automatic,
    )
    policy = rotation.policy
    overlap_s = policy.overlap_s if change.overlap_s is None else change.overlap_s
    soak_s = policy.soak_s if change.soak_s is None else change.soak_s
    last = LastTurn(rotation.last_rotated_at, rotation.last_manual)
    return replace(
        rotation,
        name=names.slug("name", change.name) if change.name else rotation.name,
        description=_described(rotation, change),
        schedule=schedule,
        mapping=checked_mapping(change.mapping) if change.mapping else rotation.mapping,
        policy=checked_policy(world, overlap_s, soak_s),
        updated_at=world.clock.now(),
        next_rotation_at=next_rotation_at(schedule, last),
    )


def _described(rotation: Rotation, change: RotationChange) -> str | None:
    return names.description(change.description) if change.described else rotation.description


async def _refuse_taken_name(tx: Reading, rotation: Rotation, name: str) -> None:
    found = await tx.find(Rotation, folder_id=rotation.folder_id, name=name)
    if found and found.id != rotation.id:
        raise Taken(f"There is a rotation {name} in this folder already.")


async def _rename_secrets(tx: Writing, rotation: Rotation, after: SecretsMapping) -> None:
    old = rotation.mapping
    place = await place_of(tx, rotation.folder_id)
    new_names = {after.client_id, after.client_secret} - {old.client_id, old.client_secret}
    await refuse_mapped_names(tx, place, *sorted(new_names))
    renames = {old.client_id: after.client_id, old.client_secret: after.client_secret}
    secrets = await tx.list(Secret, rotation_id=rotation.id)
    changed = [s for s in secrets if renames[s.name] != s.name]
    # By way of names that nobody can have, because the two may have changed places.
    await tx.replace(*(replace(s, name=f"{s.name}:") for s in changed))
    await tx.replace(*(replace(s, name=renames[s.name]) for s in changed))


async def _heed(tx: Writing, world: World, rotation: Rotation) -> None:
    """Let a change take effect on a turn that exists already."""
    turn = await open_turn(tx, rotation)
    if turn is None:
        return
    unbegun = turn.trigger is Trigger.SCHEDULED and turn.phase is Phase.PLANNED
    if unbegun and not rotation.schedule.automatic:
        await give_up(tx, world, turn)
    elif turn.running and turn.owner is None:
        await tx.replace(replace(turn, wake_at=world.clock.now()))


async def _working_versions(tx: Reading, rotation: Rotation) -> Sequence[Version]:
    working = (State.CURRENT, State.PREVIOUS)
    return [v for v in await list_versions(tx, rotation) if v.state in working]


async def list_versions(tx: Reading, rotation: Rotation) -> Sequence[Version]:
    """List every version of the mapped client secret."""
    name = rotation.mapping.client_secret
    secret = await must(tx.find(Secret, rotation_id=rotation.id, name=name))
    return await tx.list(Version, secret_id=secret.id)
