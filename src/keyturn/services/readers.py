"""Who uses which version of a secret: what they say of it, and who is to know.

A reader that says that it uses a version holds no older one any more, whatever it read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from keyturn.domain import names
from keyturn.domain.access import Caller, Target, Verb
from keyturn.domain.errors import NotFound, Refused
from keyturn.domain.identity import Identity
from keyturn.domain.ids import IdentityId, ProjectId, VersionNo
from keyturn.domain.project import Place
from keyturn.domain.secret import Receipt, Secret, State, Version, after_acknowledgement
from keyturn.services import gate
from keyturn.services.ports import Reading, World
from keyturn.services.projects import Where, read_place, resolve_project


@dataclass(frozen=True)
class Acknowledged:
    """A reader's word on the version of a secret that it uses."""

    place: Place
    secret: Secret
    receipt: Receipt


@dataclass(frozen=True)
class Held:
    """What an identity holds of a secret; ``newest`` says that it is what is served."""

    identity: Identity
    receipt: Receipt
    newest: bool


@dataclass(frozen=True)
class HeldView:
    """A secret, the version that is served, if one is, and who holds which."""

    place: Place
    secret: Secret
    served: VersionNo | None
    held: Sequence[Held]


async def acknowledge(
    world: World, caller: Caller, where: Where, name: str, version: int
) -> Acknowledged:
    """Note that the caller uses a version of a secret, which it was given before.

    Raises Forbidden for who may not read it, NotFound where there is no such secret or version,
    and Refused for a version that the caller was never given.
    """
    subject = f"secret {where}:{name}, version {version} in use"
    project_id = await _pass(world, caller, (Verb.READ_SECRETS,), where, subject)
    number, now = VersionNo(version), world.clock.now()
    async with world.store.writing() as tx:
        place, secret = await _read(tx, project_id, where, name)
        await _require_served(tx, place, secret, number)
        last = await tx.find(Receipt, secret_id=secret.id, identity_id=caller.id)
        if last is None and secret.rotation_id is None:
            # Only reads of what a rotation keeps are noted; the reader's word counts all the same.
            last = Receipt(secret.id, IdentityId(caller.id), number, number, now, number)
            await tx.add(last)
        if last is None or (secret.rotation_id and number > last.given):
            raise Refused(
                f"{caller.name} was never given version {version} of {name}: read it first, and "
                "acknowledge it once it is in use."
            )
        receipt = after_acknowledgement(last, number, now)
        if receipt != last:
            await tx.replace(receipt)
    return Acknowledged(place, secret, receipt)


async def list_held(world: World, caller: Caller, where: Where, name: str) -> HeldView:
    """List who holds which version of a secret, those with the oldest first.

    Raises Forbidden, and NotFound where there is no such secret.
    """
    verbs = (Verb.DESCRIBE_SECRETS, Verb.READ_ROTATIONS)
    subject = f"readers of secret {where}:{name}"
    project_id = await _pass(world, caller, verbs, where, subject)
    async with world.store.reading() as tx:
        place, secret = await _read(tx, project_id, where, name)
        current = await tx.find(Version, secret_id=secret.id, state=State.CURRENT)
        receipts = await tx.list(Receipt, secret_id=secret.id)
        every = [(await tx.find(Identity, id=each.identity_id), each) for each in receipts]
    served = current.number if current else None
    held = [
        Held(identity, each, newest=served is not None and each.version >= served)
        for identity, each in every
        if identity
    ]
    return HeldView(place, secret, served, sorted(held, key=attrgetter("receipt.version")))


async def _pass(
    world: World, caller: Caller, verbs: Sequence[Verb], where: Where, subject: str
) -> ProjectId:
    project_id = await resolve_project(world, where.project)
    target = Target(project_id, where.environment, names.secret_path(where.path))
    for verb in verbs:
        await gate.require(world, caller, verb, target, subject=subject)
    return project_id


async def _read(
    tx: Reading, project_id: ProjectId, where: Where, name: str
) -> tuple[Place, Secret]:
    place = await read_place(tx, project_id, where)
    secret = await tx.find(Secret, folder_id=place.folder.id, name=name)
    if secret is None:
        raise NotFound(f"There is no secret {name} in {place}.")
    return place, secret


async def _require_served(tx: Reading, place: Place, secret: Secret, number: VersionNo) -> None:
    found = await tx.find(Version, secret_id=secret.id, number=number)
    if found is None or found.state is State.PENDING:
        raise NotFound(f"Secret {secret.name} in {place} has no version {number} that was served.")
