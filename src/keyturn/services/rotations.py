"""The standing orders: list, read, change and end rotations."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from keyturn.domain import names
from keyturn.domain.access import Caller, Target, Verb
from keyturn.domain.connection import OktaConnection
from keyturn.domain.drift import PROPOSED, Finding, Repair
from keyturn.domain.errors import FieldProblem, InvalidInput, NotFound, Refused, Taken
from keyturn.domain.ids import ProjectId, RotationId
from keyturn.domain.okta import CredentialKind
from keyturn.domain.outlook import (
    Outlook,
    last_turn,
    ordered_anew,
    outlook,
    rescheduled,
    unstarted,
)
from keyturn.domain.project import Environment, Folder, Place
from keyturn.domain.rotation import Rotation, RotationSight, SecretsMapping
from keyturn.domain.schedule import allows
from keyturn.domain.secret import Secret
from keyturn.domain.turn import Phase, Trigger, Turn
from keyturn.services import gate
from keyturn.services.open_turns import give_up, open_turn
from keyturn.services.policies import PolicyChange, changed_policy
from keyturn.services.ports import Reading, World, Writing
from keyturn.services.projects import (
    Where,
    place_of,
    places_of,
    read_place,
    resolve_project,
    target_of,
)
from keyturn.services.schedules import ScheduleChange, changed_schedule, with_calendar_read


@dataclass(frozen=True)
class RotationView:
    """A rotation: where it is, what it speaks through, its open or last turn, how it stands.

    ``issued_at`` is since when there is what readers are given; None where that is nothing yet.
    """

    rotation: Rotation
    place: Place
    connection: OktaConnection
    turn: Turn | None
    outlook: Outlook
    issued_at: datetime | None = None

    @property
    def target(self) -> Target:
        """Return what the gate decides on."""
        return target_of(self.place, self.rotation.connection_id)


@dataclass(frozen=True)
class RotationChange:
    """What to change; None leaves a field as it is (``description`` only if ``described``)."""

    name: str | None = None
    description: str | None = None
    described: bool = False
    schedule: ScheduleChange = field(default_factory=ScheduleChange)
    parameter: str | None = None
    mapping: SecretsMapping | None = None
    policy: PolicyChange = field(default_factory=PolicyChange)


async def list_rotations(world: World, caller: Caller, *, project: str) -> Sequence[RotationView]:
    """List the rotations of a project. Raises Forbidden."""
    project_id = await resolve_project(world, project)
    subject = f"rotations of {project}"
    verb, everywhere = Verb.READ_ROTATIONS, Target(project_id, somewhere=True)
    await gate.require(world, caller, verb, everywhere, subject=subject)
    return await views_for(world, caller, project_id)


async def views_for(
    world: World, caller: Caller, project_id: ProjectId | None
) -> Sequence[RotationView]:
    """Return the rotations of a project, or of all, that a caller may see, in a few looks."""
    async with world.store.reading() as tx:
        views = await _views(world, tx, await tx.list_sights(project_id=project_id))
    return [seen for seen in views if gate.may(caller, Verb.READ_ROTATIONS, seen.target)]


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
    async with world.store.reading() as tx:
        rotation = await _find_by_name(tx, project_id, where, name)
    connection_id = rotation.connection_id if rotation else ""
    target = Target(project_id, where.environment, names.secret_path(where.path), connection_id)
    await gate.require(world, caller, Verb.READ_ROTATIONS, target, subject=subject)
    async with world.store.reading() as tx:
        place = await read_place(tx, project_id, where)
        rotation = await _find_by_name(tx, project_id, where, name)
        if rotation is None:
            raise NotFound(f"There is no rotation {name} in {place}.")
        return await _view(world, tx, rotation.id)


async def _find_by_name(
    tx: Reading, project_id: ProjectId, where: Where, name: str
) -> Rotation | None:
    environment = await tx.find(Environment, project_id=project_id, slug=where.environment)
    path, environment_id = names.secret_path(where.path), environment and environment.id
    folder = await tx.find(Folder, environment_id=environment_id, path=path)
    return await tx.find(Rotation, folder_id=folder.id, name=name) if folder else None


async def update_rotation(
    world: World, caller: Caller, rotation_id: str, change: RotationChange
) -> RotationView:
    """Change a rotation; what is mapped moves with its names, and nothing changes at Okta.

    A scheduled turn that has not begun ends where the new schedule forbids it. Raises NotFound,
    Forbidden, InvalidInput, Taken, and Refused for another app.
    """
    await admit(world, caller, Verb.EDIT_ROTATIONS, rotation_id)
    read = await with_calendar_read(change.schedule, world.clock.now())
    change = replace(change, schedule=read)
    async with world.store.writing() as tx:
        rotation = await current_rotation(tx, rotation_id)
        _refuse_other_app(rotation, change.parameter)
        after = _changed(world, rotation, change)
        await _refuse_taken_name(tx, rotation, after.name)
        await _rename_secrets(tx, rotation, after.mapping)
        await tx.replace(after)
        after = await _heed(tx, world, after)
        return await _view(world, tx, after.id)


async def refuse_other_kind(
    world: World, caller: Caller, rotation_id: str, kind: CredentialKind
) -> None:
    """Raise NotFound for a rotation of another type, and tell its type to who may read it.

    One that does not exist is left to the use case to miss. Raises Forbidden.
    """
    async with world.store.reading() as tx:
        rotation = await tx.find(Rotation, id=rotation_id)
    if rotation is None or rotation.kind is kind:
        return
    await admit(world, caller, Verb.READ_ROTATIONS, rotation_id)
    raise NotFound(
        f"There is no rotation {rotation_id} of type {kind}: {rotation.name} is of type "
        f"{rotation.kind}, and its routes are named after that."
    )


async def admit(
    world: World, caller: Caller, verb: Verb, rotation_id: str, *, detail: str = ""
) -> Rotation:
    """Find a rotation and pass the gate for it. Raises NotFound, Forbidden.

    Who may not see it is refused as if there were none: nobody learns of it from a refusal.
    """
    async with world.store.reading() as tx:
        seen = await find_seen(tx, caller, verb, rotation_id)
    named, target = rotation_id, Target(caller.home)
    if seen:
        rotation, place = seen
        named, target = f"{place}:{rotation.name}", target_of(place, rotation.connection_id)
    subject = f"rotation {named} ({detail})" if detail else f"rotation {named}"
    await gate.require(world, caller, verb, target, subject=subject)
    if seen is None:
        raise NotFound(f"There is no rotation {rotation_id}.")
    return seen[0]


async def find_seen(
    tx: Reading, caller: Caller, verb: Verb, rotation_id: str
) -> tuple[Rotation, Place] | None:
    """Find a rotation that the caller may see, or do this to, and its place."""
    rotation = await tx.find(Rotation, id=rotation_id)
    if rotation is None:
        return None
    place = await place_of(tx, rotation.folder_id)
    target = target_of(place, rotation.connection_id)
    may = any(gate.may(caller, each, target) for each in (Verb.READ_ROTATIONS, verb))
    return (rotation, place) if may else None


async def view(world: World, rotation_id: str) -> RotationView:
    """Return a rotation that is known to exist, as it stands now."""
    async with world.store.reading() as tx:
        return await _view(world, tx, RotationId(rotation_id))


async def current_rotation(tx: Reading, rotation_id: str) -> Rotation:
    """Return a rotation as it stands in this transaction. Raises NotFound."""
    rotation = await tx.find(Rotation, id=rotation_id)
    if rotation is None:
        raise NotFound(f"There is no rotation {rotation_id}.")
    return rotation


async def refuse_mapped_names(tx: Reading, place: Place, *wanted: str) -> None:
    """Raise Taken, naming them, where secrets of these names exist in the folder."""
    taken = [n for n in wanted if await tx.find(Secret, folder_id=place.folder.id, name=n)]
    if taken:
        raise Taken(f"There are secrets named {', '.join(taken)} in {place}: map to other names.")


def checked_mapping(mapping: SecretsMapping) -> SecretsMapping:
    """Return the mapping with its names checked. Raises InvalidInput."""
    client_id = names.secret_name(("secretsMapping", "clientId"), mapping.client_id)
    client_secret = names.secret_name(("secretsMapping", "clientSecret"), mapping.client_secret)
    if client_id == client_secret:
        rule = "must differ from the name for the client id"
        raise InvalidInput(FieldProblem(("secretsMapping", "clientSecret"), rule))
    return SecretsMapping(client_id, client_secret)


async def _view(world: World, tx: Reading, rotation_id: RotationId) -> RotationView:
    sights = await tx.list_sights(rotation_id=rotation_id)
    if not sights:
        raise NotFound(f"There is no rotation {rotation_id} any more.")
    return (await _views(world, tx, sights))[0]


async def _views(
    world: World, tx: Reading, sights: Sequence[RotationSight]
) -> Sequence[RotationView]:
    """Return rotations with what is around them; what many share is looked at once."""
    rotations, now = [sight.rotation for sight in sights], world.clock.now()
    places = await places_of(tx, (one.folder_id for one in rotations))
    ids = frozenset(one.connection_id for one in rotations)
    connections = {one.id: one for one in await tx.list(OktaConnection, id=ids)}
    refused = await _list_refused(tx, rotations)
    return [
        RotationView(
            one,
            places[one.folder_id],
            connections[one.connection_id],
            sight.turn,
            outlook(one, now, turn=sight.turn, refused=one.id in refused),
            sight.issued_at,
        )
        for one, sight in zip(rotations, sights, strict=True)
    ]


async def _list_refused(tx: Reading, rotations: Sequence[Rotation]) -> frozenset[RotationId]:
    """List those in quarantine of which Okta was seen to refuse what readers are given."""
    ids = frozenset(one.id for one in rotations if one.quarantined)
    findings = await tx.list(Finding, rotation_id=ids, closed_at=None) if ids else ()
    told = (one for one in findings if PROPOSED[one.kind] is not Repair.BY_HAND)
    return frozenset(one.rotation_id for one in told)


def _refuse_other_app(rotation: Rotation, parameter: str | None) -> None:
    if parameter not in (None, rotation.parameter, rotation.app_id, rotation.client_id):
        raise Refused(
            f"Rotation {rotation.name} keeps app {rotation.app_id}; for another app create "
            "another rotation, so that neither is left with secrets that nobody turns."
        )


def _changed(world: World, rotation: Rotation, change: RotationChange) -> Rotation:
    now = world.clock.now()
    changed = replace(
        rotation,
        name=names.slug("name", change.name) if change.name else rotation.name,
        description=_described(rotation, change),
        schedule=changed_schedule(rotation.schedule, change.schedule, now),
        mapping=checked_mapping(change.mapping) if change.mapping else rotation.mapping,
        policy=changed_policy(world.limits, rotation.policy, change.policy),
        updated_at=now,
    )
    return ordered_anew(changed, rotation, now)


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


async def _heed(tx: Writing, world: World, rotation: Rotation) -> Rotation:
    """Let a change take effect on a turn that exists already; return what becomes of its order.

    A scheduled turn that has not begun ends where the schedule now forbids it. That is no failure.
    """
    turn = await open_turn(tx, rotation)
    if turn is None:
        return rotation
    unbegun = turn.trigger is Trigger.SCHEDULED and turn.phase is Phase.PLANNED
    allowed = rotation.schedule.automatic and allows(rotation.schedule, world.clock.now())
    if unbegun and not allowed:
        await give_up(tx, world, turn, "The schedule that it was started by forbids it now.")
        undone = unstarted(rotation)
        rotation = rescheduled(undone, last_turn(undone), not_before=world.clock.now())
        await tx.replace(rotation)
    elif turn.running and turn.owner is None:
        await tx.replace(replace(turn, wake_at=world.clock.now()))
    return rotation
