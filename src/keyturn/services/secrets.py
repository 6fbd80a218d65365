"""Read and write named secrets.

Readers are given the current version and nothing else; a version that is stored but not promoted
does not exist for them.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final, TypeVar

from keyturn.domain import names
from keyturn.domain.access import Caller, Verb
from keyturn.domain.errors import DatabaseAway, NotFound, Refused, Taken
from keyturn.domain.ids import IdentityId, ProjectId, SecretId, VersionNo
from keyturn.domain.project import Place, Project
from keyturn.domain.secret import Copy, Receipt, Secret, State, Version, after_read
from keyturn.domain.sensitive import Sensitive
from keyturn.services import gate
from keyturn.services.ports import Reading, World, Writing
from keyturn.services.projects import Where, read_place, resolve_project
from keyturn.services.sealing import open_version, seal_version


@dataclass(frozen=True)
class ReadSecret:
    """A secret as a reader gets it."""

    place: Place
    secret: Secret
    version: Version
    value: Sensitive


@dataclass(frozen=True)
class SecretChange:
    """What to change of a secret; None leaves it as it is."""

    value: Sensitive | None = None
    name: str | None = None
    comment: str | None = None


FRESH_S: Final = 5.0
"""Seconds within which a reader has to be given what was looked up."""

LOOKS: Final = 3

T = TypeVar("T")

CopyOf = Callable[[Sequence[ReadSecret]], Copy]
"""Tell what a reader has said of its copy, by what it is about to be answered."""


def unsaid(found: Sequence[ReadSecret]) -> Copy:
    """Know nothing of what the reader holds."""
    return Copy.UNSAID


async def list_secrets(
    world: World, caller: Caller, where: Where, *, copy_of: CopyOf = unsaid
) -> Sequence[ReadSecret]:
    """List the secrets of a folder with their current values. Raises Forbidden, NotFound."""
    return await _fresh(world, partial(_list_secrets, world, caller, where, copy_of))


async def _list_secrets(
    world: World, caller: Caller, where: Where, copy_of: CopyOf, asked_at: datetime
) -> Sequence[ReadSecret]:
    project_id = await _pass(world, caller, Verb.READ_SECRETS, where, "")
    async with world.store.reading() as tx:
        place = await read_place(tx, project_id, where)
        secrets = await tx.list(Secret, folder_id=place.folder.id)
        pairs = [(s, await tx.find(Version, secret_id=s.id, state=State.CURRENT)) for s in secrets]
    found = [(secret, version) for secret, version in pairs if version]
    read = [_opened(world, place, secret, version) for secret, version in found]
    await note_reads(world, caller, found, copy_of(read), asked_at=asked_at)
    return read


async def read_secret(
    world: World,
    caller: Caller,
    where: Where,
    name: str,
    *,
    version: int | None = None,
    copy_of: CopyOf = unsaid,
) -> ReadSecret:
    """Read one secret by name: its current version, or a numbered one that still works.

    Raises Forbidden, and NotFound where there is no such secret or version to read.
    """
    return await _fresh(
        world, partial(_read_secret, world, caller, (where, name, version), copy_of)
    )


async def _read_secret(
    world: World,
    caller: Caller,
    wanted: tuple[Where, str, int | None],
    copy_of: CopyOf,
    asked_at: datetime,
) -> ReadSecret:
    where, name, version = wanted
    project_id = await _pass(world, caller, Verb.READ_SECRETS, where, name)
    async with world.store.reading() as tx:
        place = await read_place(tx, project_id, where)
        secret = await _find(tx, place, name)
        found = await _served(tx, secret, version) if secret else None
    if secret is None or (found is None and version is None):
        raise NotFound(f"There is no secret {name} in {place}.")
    if found is None:
        raise NotFound(f"Secret {name} in {place} has no version {version} that can be read.")
    read = _opened(world, place, secret, found)
    await note_reads(world, caller, [(secret, found)], copy_of([read]), asked_at=asked_at)
    return read


async def _fresh(world: World, look: Callable[[datetime], Awaitable[T]]) -> T:
    """Return what a look has seen, if that was just now; else look again.

    A process that stood still since then would give what may have been retired meanwhile. A look
    is told when the reader asked, once for all of them. Raises DatabaseAway where every look takes
    too long.
    """
    asked_at = world.clock.now()
    for _ in range(LOOKS):
        since_s = world.clock.uptime_s()
        seen = await look(asked_at)
        if world.clock.uptime_s() - since_s <= FRESH_S:
            return seen
    raise DatabaseAway("Reading takes too long: look at the database and at this machine's load.")


async def create_secret(
    world: World, caller: Caller, where: Where, name: str, value: Sensitive, *, comment: str = ""
) -> ReadSecret:
    """Store a new secret and serve it at once. Raises InvalidInput, Forbidden, NotFound, Taken."""
    name = names.secret_name(("secretName",), name)
    project_id = await _pass(world, caller, Verb.WRITE_SECRETS, where, name)
    async with world.store.writing() as tx:
        place = await read_place(tx, project_id, where)
        if await _find(tx, place, name):
            raise Taken(f"There is a secret {name} in {place} already.")
        secret = new_secret(world, place, name, comment=comment)
        version = new_version(world, place.project, secret.id, VersionNo(1), value)
        version = version.become(State.CURRENT)
        await tx.add(secret, version)
    return _opened(world, place, secret, version)


async def update_secret(
    world: World, caller: Caller, where: Where, name: str, change: SecretChange
) -> ReadSecret:
    """Change a secret: a new value is its next version, served at once; readers see no gap.

    Raises InvalidInput, Forbidden, NotFound, Taken, and Refused for a secret under a rotation.
    """
    to = names.secret_name(("newSecretName",), change.name) if change.name else name
    told = name if to == name else f"{name} to {to}"
    project_id = await _pass(world, caller, Verb.WRITE_SECRETS, where, told)
    async with world.store.writing() as tx:
        place = await read_place(tx, project_id, where)
        secret = await _find(tx, place, name)
        version = await _served(tx, secret, None) if secret else None
        if secret is None or version is None:
            raise NotFound(f"There is no secret {name} in {place}.")
        if secret.rotation_id:
            raise Refused(f"Secret {name} is kept by a rotation; it cannot be changed by hand.")
        if to != name and await _find(tx, place, to):
            raise Taken(f"There is a secret {to} in {place} already.")
        comment = secret.comment if change.comment is None else change.comment
        secret = replace(secret, name=to, comment=comment, updated_at=world.clock.now())
        await tx.replace(secret)
        if change.value:
            number = await next_number(tx, secret.id)
            version = new_version(world, place.project, secret.id, number, change.value)
            await tx.add(version)
            version = await promote(tx, version)
    return _opened(world, place, secret, version)


def new_secret(world: World, place: Place, name: str, *, comment: str = "") -> Secret:
    """Make the record of a secret that does not exist yet."""
    now = world.clock.now()
    return Secret(SecretId(world.chance.uuid()), place.folder.id, name, now, now, comment)


def new_version(
    world: World, project: Project, secret_id: SecretId, number: VersionNo, value: Sensitive
) -> Version:
    """Make the record of a pending version, its value sealed."""
    new_id = world.chance.uuid()
    sealed = seal_version(world, project, new_id, value)
    return Version(new_id, secret_id, number, State.PENDING, sealed, world.clock.now())


async def next_number(tx: Reading, secret_id: SecretId) -> VersionNo:
    """Return the number of the version that comes next; numbers are never used twice."""
    versions = await tx.list(Version, secret_id=secret_id)
    return VersionNo(max((v.number for v in versions), default=0) + 1)


async def promote(tx: Writing, version: Version) -> Version:
    """Serve a stored version from now on; the one served so far becomes the previous one."""
    served = await tx.find(Version, secret_id=version.secret_id, state=State.CURRENT)
    if served and served.number != version.number:
        await tx.replace(served.become(State.PREVIOUS))
    promoted = version.become(State.CURRENT)
    await tx.replace(promoted)
    return promoted


async def _pass(world: World, caller: Caller, verb: Verb, where: Where, name: str) -> ProjectId:
    project_id = await resolve_project(world, where.project)
    subject = f"secret {where}:{name}" if name else f"secrets {where}"
    await gate.require(world, caller, verb, subject=subject, project_id=project_id)
    return project_id


async def _find(tx: Reading, place: Place, name: str) -> Secret | None:
    return await tx.find(Secret, folder_id=place.folder.id, name=name)


async def _served(tx: Reading, secret: Secret, number: int | None) -> Version | None:
    if number is None:
        return await tx.find(Version, secret_id=secret.id, state=State.CURRENT)
    found = await tx.find(Version, secret_id=secret.id, number=number)
    readable = (State.CURRENT, State.PREVIOUS)
    return found if found and found.state in readable else None


@dataclass(frozen=True)
class _Said:
    """What a reader has told of its copy, and when it asked."""

    copy: Copy
    asked_at: datetime


async def note_reads(
    world: World,
    caller: Caller,
    found: Sequence[tuple[Secret, Version]],
    copy: Copy = Copy.UNSAID,
    *,
    asked_at: datetime,
) -> None:
    """Remember who holds which version of what a rotation keeps; other secrets never retire.

    ``asked_at`` is when the reader asked, before anything was looked up for it.
    """
    kept = [(secret, version) for secret, version in found if secret.rotation_id]
    if copy is Copy.WITHHELD:
        return
    said = _Said(copy, asked_at)
    async with world.store.reading() as tx:
        news = [each for each in kept if await _news(tx, world, caller, each, said)]
    if not news:
        return
    async with world.store.writing() as writing:
        for each in news:
            receipt = await _news(writing, world, caller, each, said)
            last = await _find_receipt(writing, caller, each[0])
            if receipt:
                await (writing.replace(receipt) if last else writing.add(receipt))


async def _news(
    tx: Reading, world: World, caller: Caller, read: tuple[Secret, Version], said: _Said
) -> Receipt | None:
    """Return the receipt that a read leaves, or None where it tells nothing more."""
    secret, version = read
    now, number = world.clock.now(), version.number
    last = await _find_receipt(tx, caller, secret)
    if last is None:
        return Receipt(secret.id, IdentityId(caller.id), number, number, now, number)
    after = after_read(last, number, now, said.copy, asked_at=said.asked_at)
    return None if after == last else after


async def _find_receipt(tx: Reading, caller: Caller, secret: Secret) -> Receipt | None:
    return await tx.find(Receipt, secret_id=secret.id, identity_id=caller.id)


def _opened(world: World, place: Place, secret: Secret, version: Version) -> ReadSecret:
    return ReadSecret(place, secret, version, open_version(world, place.project, version))
