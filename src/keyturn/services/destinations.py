"""Destinations: created, looked at, changed, paused, removed, and served by hand.

Whoever says where secrets are brought could read them there, so that this takes the right to read
them here. What is brought, and when, is in `deliveries`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from keyturn.domain import names
from keyturn.domain.access import Caller, Target, Verb
from keyturn.domain.destination import (
    Delivery,
    Destination,
    State,
    flat,
    misnamed,
    paused,
    resumed,
    woken,
)
from keyturn.domain.destination_kinds import (
    Kind,
    checked_credential,
    checked_settings,
    require_again,
)
from keyturn.domain.errors import FieldProblem, InvalidInput, NotFound, Taken
from keyturn.domain.ids import DestinationId
from keyturn.domain.project import Place, Project
from keyturn.domain.sensitive import Sensitive
from keyturn.services import gate
from keyturn.services.deliveries import deliver
from keyturn.services.outbox import Piece, list_pieces, remove_destination, wake_turns
from keyturn.services.ports import Reading, World
from keyturn.services.projects import (
    Where,
    anywhere_in,
    place_of,
    read_place,
    resolve_project,
    target_of,
)
from keyturn.services.sealing import seal_authority

NAMES_MAX = 200
PREFIX_MAX = 200


@dataclass(frozen=True)
class DestinationDraft:
    """A destination as somebody asks for it; ``only`` empty covers every secret of the folder."""

    name: str
    kind: Kind
    where: Where
    settings: Mapping[str, str]
    credential: Mapping[str, Sensitive]
    only: tuple[str, ...] = ()
    mapping: Mapping[str, str] | None = None
    prefix: str = ""
    required: bool = True


@dataclass(frozen=True)
class DestinationChange:
    """What to change; None leaves a field as it is."""

    name: str | None = None
    settings: Mapping[str, str] | None = None
    credential: Mapping[str, Sensitive] | None = None
    only: tuple[str, ...] | None = None
    mapping: Mapping[str, str] | None = None
    prefix: str | None = None
    required: bool | None = None
    paused: bool | None = None

    @property
    def leads_elsewhere(self) -> bool:
        """Say whether more or other values may be brought than before, or to somebody else."""
        moved = (self.settings, self.credential, self.only, self.mapping, self.prefix)
        return any(each is not None for each in moved) or self.paused is False


@dataclass(frozen=True)
class DestinationView:
    """A destination, and where its secrets are."""

    destination: Destination
    place: Place


async def create_destination(
    world: World, caller: Caller, draft: DestinationDraft
) -> DestinationView:
    """Store a destination; what its folder holds is brought to it at once.

    Raises InvalidInput, AddressRefused, Forbidden, NotFound, Taken, and Refused for an unknown
    folder.
    """
    settings = checked_settings(draft.kind, draft.settings)
    credential = checked_credential(draft.kind, draft.credential)
    project_id, name = await resolve_project(world, draft.where.project), _name(draft.name)
    target = Target(project_id, draft.where.environment, names.secret_path(draft.where.path))
    subject = f"destination {draft.where}:{name}"
    for verb in (Verb.EDIT_DESTINATIONS, Verb.READ_SECRETS):
        await gate.require(world, caller, verb, target, subject=subject)
    world.carriers.check(draft.kind, settings)
    async with world.store.reading() as tx:
        place = await read_place(tx, project_id, draft.where)
        await _refuse_taken_name(tx, place, name)
    now, new_id = world.clock.now(), DestinationId(world.chance.uuid())
    destination = Destination(
        id=new_id,
        folder_id=place.folder.id,
        name=name,
        kind=draft.kind,
        settings=flat(settings),
        created_at=now,
        updated_at=now,
        sealed=seal_authority(world, place.project, new_id, credential),
        only=_only(draft.only),
        mapping=flat(_mapping(draft.mapping or {})),
        prefix=_prefix(draft.prefix),
        required=draft.required,
        due_at=now,
    )
    _require_names_fit(destination)
    async with world.store.writing() as writing:
        await writing.add(destination)
    return DestinationView(destination, place)


async def list_destinations(
    world: World, caller: Caller, *, project: str
) -> Sequence[DestinationView]:
    """List the destinations of a project. Raises Forbidden."""
    project_id, verb = await resolve_project(world, project), Verb.READ_DESTINATIONS
    subject = f"destinations of {project}"
    await gate.require(world, caller, verb, anywhere_in(project_id), subject=subject)
    async with world.store.reading() as tx:
        every = [await _view(tx, each) for each in await tx.list(Destination)]
    near = [each for each in every if each.place.project.id == project_id]
    return [each for each in near if gate.may(caller, verb, target_of(each.place))]


async def read_destination(world: World, caller: Caller, destination_id: str) -> DestinationView:
    """Read one destination; its credential is never shown. Raises NotFound, Forbidden."""
    return await _admit(world, caller, Verb.READ_DESTINATIONS, destination_id)


async def list_deliveries(world: World, caller: Caller, destination_id: str) -> Sequence[Piece]:
    """List what a destination covers, and which version of it was confirmed.

    Raises NotFound, Forbidden.
    """
    view = await _admit(world, caller, Verb.READ_DESTINATIONS, destination_id, "deliveries")
    async with world.store.reading() as tx:
        return await list_pieces(tx, view.destination)


async def update_destination(
    world: World, caller: Caller, destination_id: str, change: DestinationChange
) -> DestinationView:
    """Change, pause or resume a destination; what differs then is brought to it again.

    Raises NotFound, Forbidden, Taken, AddressRefused, and InvalidInput, also for other settings
    without a credential, so that nobody has the one that is kept sent elsewhere.
    """
    view = await _admit(world, caller, Verb.EDIT_DESTINATIONS, destination_id, "update")
    place, subject = view.place, f"destination {destination_id}"
    if change.leads_elsewhere:
        target = target_of(place)
        await gate.require(world, caller, Verb.READ_SECRETS, target, subject=subject)
    async with world.store.writing() as tx:
        stored = await tx.find(Destination, id=destination_id)
        if stored is None:
            raise NotFound(f"There is no destination {destination_id}.")
        if change.name and _name(change.name) != stored.name:
            await _refuse_taken_name(tx, place, _name(change.name))
        after = _standing(world, _led(world, place.project, stored, change), change)
        _require_names_fit(after)
        await tx.replace(after)
        if _led_elsewhere(stored, after):
            await tx.remove(*await tx.list(Delivery, destination_id=stored.id))
        await wake_turns(tx, stored.folder_id, world.clock.now())
    return DestinationView(after, place)


async def delete_destination(world: World, caller: Caller, destination_id: str) -> DestinationView:
    """Remove a destination; what was brought to it stays there. Raises NotFound, Forbidden."""
    view = await _admit(world, caller, Verb.EDIT_DESTINATIONS, destination_id, "delete")
    async with world.store.writing() as tx:
        await remove_destination(tx, view.destination)
        await wake_turns(tx, view.destination.folder_id, world.clock.now())
    return view


async def deliver_now(world: World, caller: Caller, destination_id: str) -> DestinationView:
    """Bring everything to a destination again, whatever it has confirmed, and return how it stands.

    Raises NotFound, Forbidden, and InvalidInput while it is paused. What goes wrong is told by the
    destination itself.
    """
    view = await _admit(world, caller, Verb.DELIVER, destination_id, "deliver")
    async with world.store.writing() as tx:
        stored = await tx.find(Destination, id=destination_id)
        if stored and stored.state is State.PAUSED:
            raise InvalidInput(FieldProblem(("paused",), "nothing is brought while it is paused"))
        if stored:
            await tx.remove(*await tx.list(Delivery, destination_id=stored.id))
            await tx.replace(replace(woken(stored, world.clock.now()), attempts=0))
    await deliver(world, view.destination.id)
    async with world.store.reading() as reading:
        stored = await reading.find(Destination, id=destination_id)
    return DestinationView(stored or view.destination, view.place)


async def _admit(
    world: World, caller: Caller, verb: Verb, destination_id: str, detail: str = ""
) -> DestinationView:
    """Find a destination and pass the gate for it; a refusal does not tell whether it is there."""
    async with world.store.reading() as tx:
        found = await tx.find(Destination, id=destination_id)
        view = await _view(tx, found) if found else None
    if view and not gate.may(caller, verb, target_of(view.place)):
        view = None
    target = target_of(view.place) if view else Target(caller.home, somewhere=True)
    subject = f"destination {destination_id}" + (f" ({detail})" if detail else "")
    await gate.require(world, caller, verb, target, subject=subject)
    if view is None:
        raise NotFound(f"There is no destination {destination_id}.")
    return view


async def _view(tx: Reading, destination: Destination) -> DestinationView:
    return DestinationView(destination, await place_of(tx, destination.folder_id))


def _led(
    world: World, project: Project, stored: Destination, change: DestinationChange
) -> Destination:
    """Return a destination with what leads to it as it is to be."""
    settings = stored.setting
    if change.settings is not None:
        settings = checked_settings(stored.kind, change.settings)
        world.carriers.check(stored.kind, settings)
    moved = flat(settings) != stored.settings and stored.rules.needs_credential
    if moved and change.credential is None:
        require_again(name for name, rule in stored.rules.credential.items() if rule.needed)
    sealed = stored.sealed
    if change.credential is not None:
        credential = checked_credential(stored.kind, change.credential)
        sealed = seal_authority(world, project, stored.id, credential)
    mapping = stored.mapping if change.mapping is None else flat(_mapping(change.mapping))
    return replace(
        stored,
        settings=flat(settings),
        sealed=sealed,
        only=stored.only if change.only is None else _only(change.only),
        mapping=mapping,
        prefix=stored.prefix if change.prefix is None else _prefix(change.prefix),
    )


def _standing(world: World, led: Destination, change: DestinationChange) -> Destination:
    """Return a changed destination due at once; who has it in hand writes nothing down any more."""
    now = world.clock.now()
    after = replace(
        led,
        name=_name(change.name) if change.name else led.name,
        required=led.required if change.required is None else change.required,
        updated_at=now,
        epoch=led.epoch + 1,
        attempts=0,
    )
    if change.paused:
        return paused(after)
    after = resumed(after, now) if change.paused is False else after
    return woken(after, now)


def _led_elsewhere(before: Destination, after: Destination) -> bool:
    """Say whether what was confirmed was confirmed somewhere else."""
    return before.settings != after.settings


async def _refuse_taken_name(tx: Reading, place: Place, name: str) -> None:
    if await tx.find(Destination, folder_id=place.folder.id, name=name):
        raise Taken(f"There is a destination {name} in {place} already: choose another name.")


def _require_names_fit(destination: Destination) -> None:
    """Raise InvalidInput where names that are written down cannot be names there."""
    wrong = misnamed(destination, destination.only or destination.renamed)
    if wrong:
        raise InvalidInput(FieldProblem(("mapping",), next(iter(wrong.values()))))


def _name(text: str) -> str:
    return names.slug("name", text)


def _only(given: Sequence[str]) -> tuple[str, ...]:
    if len(given) > NAMES_MAX:
        raise InvalidInput(FieldProblem(("secrets",), f"must be at most {NAMES_MAX}"))
    return tuple(dict.fromkeys(names.secret_name(("secrets",), each) for each in given))


def _mapping(given: Mapping[str, str]) -> Mapping[str, str]:
    if len(given) > NAMES_MAX:
        raise InvalidInput(FieldProblem(("mapping",), f"must be at most {NAMES_MAX}"))
    return {names.secret_name(("mapping",), name): to.strip() for name, to in given.items()}


def _prefix(text: str) -> str:
    if len(text) > PREFIX_MAX:
        raise InvalidInput(FieldProblem(("prefix",), f"must be at most {PREFIX_MAX} characters"))
    return text.strip()
