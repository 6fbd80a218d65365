"""Read named secrets.

Readers are given the current version and nothing else; a version that is stored but not promoted
does not exist for them. What they are given may come from other places, by import or by reference:
for each of them the caller passes the gate as well.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Final, TypeVar

from keyturn.domain import names
from keyturn.domain.access import Caller, Target, Verb
from keyturn.domain.errors import DatabaseAway, NotFound
from keyturn.domain.ids import ProjectId, SecretId, VersionNo
from keyturn.domain.project import Place, Project, Tag
from keyturn.domain.secret import Copy, Secret, State, Version
from keyturn.domain.sensitive import Sensitive
from keyturn.services import gate
from keyturn.services.expansion import open_expanded
from keyturn.services.found import (
    Found,
    find_found,
    find_served,
    list_below,
    list_found,
    with_tags,
)
from keyturn.services.imports import Imported, find_imported, list_imported
from keyturn.services.outbox import wake_copies, wake_destinations, wake_registrations
from keyturn.services.ports import Reading, World, Writing
from keyturn.services.projects import Where, place_of, read_place, resolve_project, target_of
from keyturn.services.receipts import Said, note_reads
from keyturn.services.records import must
from keyturn.services.sealing import open_version, seal_version


@dataclass(frozen=True)
class ReadSecret:
    """A secret as a reader gets it; the value is empty where it was not asked for.

    ``made_of`` are the ids of the versions that its references brought in.
    """

    place: Place
    secret: Secret
    version: Version
    value: Sensitive
    tags: Sequence[Tag] = ()
    made_of: Sequence[str] = ()


@dataclass(frozen=True)
class ReadImport:
    """What an import brings to a reader."""

    source: Place
    secrets: Sequence[ReadSecret]


@dataclass(frozen=True)
class Listing:
    """The secrets of a folder, and of what it imports."""

    secrets: Sequence[ReadSecret]
    imports: Sequence[ReadImport] = ()
    made_of: Sequence[str] = ()


CopyOf = Callable[[Listing], Copy]
"""Tell what a reader has said of its copy, by what it is about to be answered."""


def unsaid(listing: Listing) -> Copy:
    """Know nothing of what the reader holds."""
    return Copy.UNSAID


@dataclass(frozen=True)
class Wish:
    """How a reader wants secrets.

    Values are ``shown``, with references ``expanded``; what a folder ``imports`` is looked at too,
    and with ``recursive`` all folders below. With ``tags``, which are slugs, only secrets that have
    one of them. ``copy_of`` tells what the reader says of the copy that it holds.
    """

    shown: bool = True
    expanded: bool = True
    imports: bool = True
    recursive: bool = False
    tags: frozenset[str] = frozenset()
    copy_of: CopyOf = unsaid

    @property
    def verb(self) -> Verb:
        """Return what the reader has to be permitted."""
        return Verb.READ_SECRETS if self.shown else Verb.DESCRIBE_SECRETS

    def chosen(self, found: Sequence[Found]) -> Sequence[Found]:
        """Return those secrets that are asked for."""
        if not self.tags:
            return found
        return [each for each in found if any(tag.slug in self.tags for tag in each.tags)]


PLAIN = Wish()
NO_VALUE = Sensitive("")

FRESH_S: Final = 5.0
"""Seconds within which a reader has to be given what was looked up."""

LOOKS: Final = 3

T = TypeVar("T")


async def list_secrets(world: World, caller: Caller, where: Where, wish: Wish = PLAIN) -> Listing:
    """List the secrets of a folder with their current values.

    Raises NotFound, Refused for an unknown folder, and Forbidden, also for a place that a reference
    leads to; what the caller may not read below the folder, or by import, is left out.
    """
    return await _fresh(world, partial(_list_secrets, world, caller, where, wish))


async def _list_secrets(
    world: World, caller: Caller, where: Where, wish: Wish, asked_at: datetime
) -> Listing:
    subject = f"secrets {where} and below" if wish.recursive else f"secrets {where}"
    project_id = await _pass(world, caller, wish.verb, where, subject)
    async with world.store.reading() as tx:
        place = await read_place(tx, project_id, where)
        below = await list_below(tx, place) if wish.recursive else ()
        places = [place, *(p for p in below if gate.may(caller, wish.verb, target_of(p)))]
        own = wish.chosen(await list_found(tx, places))
        brought = await _imports(tx, caller, wish, places)
    imported = [found for each in brought for found in each.found]
    await _pass_on(world, caller, wish, imported, places)
    opened = await _open(world, caller, wish, [*own, *imported])
    ahead = iter(opened.read)
    secrets = [*islice(ahead, len(own))]
    imports = [ReadImport(each.source, [*islice(ahead, len(each.found))]) for each in brought]
    listing = Listing(secrets, imports, opened.made_of)
    await note_reads(world, caller, opened.given, Said(wish.copy_of(listing), asked_at))
    return listing


async def read_secret(
    world: World,
    caller: Caller,
    where: Where,
    name: str,
    *,
    version: int | None = None,
    wish: Wish = PLAIN,
) -> ReadSecret:
    """Read one secret by name: its current version, or a numbered one that still works.

    Raises Forbidden, also for a place that a reference leads to, and NotFound where there is no
    such secret or version to read.
    """
    wanted = where, name, version
    return await _fresh(world, partial(_read_secret, world, caller, wanted, wish))


async def _read_secret(
    world: World,
    caller: Caller,
    wanted: tuple[Where, str, int | None],
    wish: Wish,
    asked_at: datetime,
) -> ReadSecret:
    where, name, version = wanted
    project_id = await _pass(world, caller, wish.verb, where, f"secret {where}:{name}")
    async with world.store.reading() as tx:
        place = await read_place(tx, project_id, where, NotFound)
        found = await find_found(tx, place, name, version)
        there = found or await tx.find(Secret, folder_id=place.folder.id, name=name)
        if there is None and wish.imports:
            found = await find_imported(tx, caller, wish.verb, place, (name, version))
    if found is None and there and version is not None:
        raise NotFound(f"Secret {name} in {place} has no version {version} that can be read.")
    if found is None:
        raise NotFound(f"There is no secret {name} in {place}.")
    await _pass_on(world, caller, wish, [found], [place])
    return await _open_one(world, caller, wish, found, asked_at)


async def read_secret_by_id(
    world: World, caller: Caller, secret_id: str, *, version: int | None = None, wish: Wish = PLAIN
) -> ReadSecret:
    """Read one secret by its id. Raises as `read_secret` does."""
    return await _fresh(world, partial(_read_by_id, world, caller, (secret_id, version), wish))


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


async def _read_by_id(
    world: World,
    caller: Caller,
    wanted: tuple[str, int | None],
    wish: Wish,
    asked_at: datetime,
) -> ReadSecret:
    secret_id, version = wanted
    place, secret = await _admit(world, caller, wish.verb, secret_id)
    async with world.store.reading() as tx:
        served = await find_served(tx, secret, version)
        found = await with_tags(tx, place, secret, served) if served else None
    if found is None:
        raise NotFound(f"Secret {secret_id} has no such version that can be read.")
    return await _open_one(world, caller, wish, found, asked_at)


async def list_versions(
    world: World,
    caller: Caller,
    secret_id: str,
    *,
    offset: int = 0,
    limit: int = 20,
    shown: bool = True,
) -> Sequence[ReadSecret]:
    """List versions of a secret, the latest first; those that do not work have no value.

    Unless they are ``shown``, no value is opened, and who may know of the secret may list them.
    Raises NotFound, Forbidden.
    """
    said, verb = Said(Copy.UNSAID, world.clock.now()), Wish(shown=shown).verb
    place, secret = await _admit(world, caller, verb, secret_id)
    async with world.store.reading() as tx:
        versions = await tx.list(Version, secret_id=secret.id)
    latest = sorted(versions, key=lambda version: version.number, reverse=True)
    ordered = latest[offset : offset + limit]
    works = frozenset({State.CURRENT, State.PREVIOUS}) if shown else frozenset[State]()
    working = [each for each in ordered if each.state in works]
    await note_reads(world, caller, [(secret, each) for each in reversed(working)], said)
    return [
        ReadSecret(place, secret, each, open_version(world, place.project, each))
        if each in working
        else ReadSecret(place, secret, each, NO_VALUE)
        for each in ordered
    ]


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
    secret = await must(tx.find(Secret, id=version.secret_id))
    await wake_destinations(tx, secret.folder_id, version.created_at)
    await wake_registrations(tx, secret.id, version.created_at)
    hashes = (version.hash, served.hash if served else None)
    await wake_copies(tx, hashes, version.created_at)
    return promoted


async def _pass(world: World, caller: Caller, verb: Verb, where: Where, subject: str) -> ProjectId:
    project_id = await resolve_project(world, where.project)
    target = Target(project_id, where.environment, names.secret_path(where.path))
    await gate.require(world, caller, verb, target, subject=subject)
    return project_id


async def _pass_on(
    world: World, caller: Caller, wish: Wish, found: Sequence[Found], passed: Sequence[Place]
) -> None:
    """Pass the gate for every other place that something comes from."""
    places = {each.place.folder.id: each.place for each in found}
    for folder_id in {each.folder.id for each in passed} & places.keys():
        places.pop(folder_id)
    for place in places.values():
        subject = f"secrets {place} by import"
        await gate.require(world, caller, wish.verb, target_of(place), subject=subject)


async def _admit(world: World, caller: Caller, verb: Verb, secret_id: str) -> tuple[Place, Secret]:
    """Find a secret by id and pass the gate for it; a refusal does not tell whether it is there."""
    async with world.store.reading() as tx:
        secret = await tx.find(Secret, id=secret_id)
        place = await place_of(tx, secret.folder_id) if secret else None
    if place and (place.folder.hidden or not gate.may(caller, verb, target_of(place))):
        place = None
    target = target_of(place) if place else Target(caller.home, somewhere=True)
    subject = f"secret {place}:{secret.name}" if place and secret else f"secret {secret_id}"
    await gate.require(world, caller, verb, target, subject=subject)
    if place is None or secret is None:
        raise NotFound(f"There is no secret with the id {secret_id}.")
    return place, secret


async def _imports(
    tx: Reading, caller: Caller, wish: Wish, places: Sequence[Place]
) -> Sequence[Imported]:
    if not wish.imports:
        return []
    found = [one for each in places for one in await list_imported(tx, caller, wish.verb, each)]
    return [Imported(each.source, wish.chosen(each.found)) for each in found]


async def _open_one(
    world: World, caller: Caller, wish: Wish, found: Found, asked_at: datetime
) -> ReadSecret:
    opened = await _open(world, caller, wish, [found])
    read = replace(opened.read[0], made_of=opened.made_of)
    listing = Listing([read], (), opened.made_of)
    await note_reads(world, caller, opened.given, Said(wish.copy_of(listing), asked_at))
    return read


@dataclass(frozen=True)
class _Opened:
    """What was found as a reader gets it, and the versions that are given away with it."""

    read: Sequence[ReadSecret]
    given: Sequence[tuple[Secret, Version]] = ()
    made_of: Sequence[str] = ()


async def _open(world: World, caller: Caller, wish: Wish, found: Sequence[Found]) -> _Opened:
    """Open what was found, as it is wanted."""
    if not wish.shown:
        return _Opened([_read(each, NO_VALUE) for each in found])
    if wish.expanded:
        opened = await open_expanded(world, caller, found)
        values, used = opened.values, opened.used
    else:
        values = [open_version(world, each.place.project, each.version) for each in found]
        used = ()
    read = [_read(each, value) for each, value in zip(found, values, strict=True)]
    given = [(each.secret, each.version) for each in (*found, *used)]
    return _Opened(read, given, [each.version.id for each in used])


def _read(found: Found, value: Sensitive) -> ReadSecret:
    return ReadSecret(found.place, found.secret, found.version, value, found.tags)
