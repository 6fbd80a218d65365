"""Which secret a leak report is about, by its hash; and which values begin as somebody says.

A hash is looked for where it says most first: among what rotations keep, among what Okta has
listed, then among what is kept here by hand, and last in the record of turns.
"""

import hmac
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from keyturn.domain.connection import OktaConnection
from keyturn.domain.errors import Refused
from keyturn.domain.ids import (
    AppId,
    ClientId,
    ConnectionId,
    OrganizationId,
    ProjectId,
    RotationId,
    SecretHash,
)
from keyturn.domain.inventory import ListedApp, ListedSecret, OwnerRule
from keyturn.domain.leaks import OF_VERSION, Which, compared
from keyturn.domain.oauth.registration import ClientRegistration
from keyturn.domain.owners import owners_by
from keyturn.domain.rotation import Rotation
from keyturn.domain.secret import Secret, State, Version
from keyturn.domain.selector import Subject
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Phase, Turn
from keyturn.services.inventory_views import subject_of
from keyturn.services.ports import Reading, World
from keyturn.services.projects import place_of, places_of
from keyturn.services.records import must
from keyturn.services.sealing import open_version
from keyturn.services.turn_news import subject_of_rotation

ROTATIONS_MAX = 20_000
"""As many rotations' values are opened at most for one look."""
AT_ONCE = 200
_KEPT = frozenset({State.CURRENT, State.PREVIOUS, State.PENDING, State.RETIRED})
_RANKS = {state: rank for rank, state in enumerate(OF_VERSION)}


@dataclass(frozen=True)
class Match:
    """What a hash is that of; ``name`` is what the app is called, or the secret without one."""

    which: Which
    name: str
    connection_id: ConnectionId | None = None
    app_id: AppId | None = None
    client_id: ClientId | None = None
    rotation_id: RotationId | None = None
    project_id: ProjectId | None = None
    of: Subject = field(default_factory=Subject)


@dataclass(frozen=True)
class _Look:
    tx: Reading
    world: World
    organization_id: OrganizationId
    hash: SecretHash


async def find_match(
    tx: Reading, world: World, organization_id: OrganizationId, hash_: SecretHash
) -> Match | None:
    """Find what a hash is that of, or None where nothing here has it."""
    look = _Look(tx, world, organization_id, hash_)
    for find in _FINDERS:
        if match := await find(look):
            return match
    return None


async def _by_version(look: _Look) -> Match | None:
    """Find it among what rotations have made or adopted."""
    for version in await _versions(look):
        secret = await must(look.tx.find(Secret, id=version.secret_id))
        rotation = secret.rotation_id and await look.tx.find(Rotation, id=secret.rotation_id)
        if rotation:
            return await _of_rotation(look, rotation, OF_VERSION[version.state])
    return None


async def _by_inventory(look: _Look) -> Match | None:
    """Find it among what Okta has listed: no rotation has made it."""
    for listed in await look.tx.list(ListedSecret, hash=look.hash):
        connection = await must(look.tx.find(OktaConnection, id=listed.connection_id))
        of = {"connection_id": connection.id, "app_id": listed.app_id}
        app = await look.tx.find(ListedApp, **of)
        if app and connection.organization_id == look.organization_id:
            return await _of_app(look, app, connection)
    return None


async def _by_hand(look: _Look) -> Match | None:
    """Find it among secrets that no rotation keeps any more, or that a registration has."""
    for version in await _versions(look):
        secret = await must(look.tx.find(Secret, id=version.secret_id))
        place = await place_of(look.tx, secret.folder_id)
        if place.project.organization_id == look.organization_id:
            name = f"secret {secret.name}"
            return Match(OF_VERSION[version.state], name, project_id=place.project.id)
    for kept in await look.tx.list(ClientRegistration, own_hash=look.hash):
        place = await place_of(look.tx, kept.folder_id)
        if place.project.organization_id == look.organization_id:
            return Match(
                Which.CURRENT,
                f"client registration {kept.name}",
                client_id=ClientId(kept.client_id) if kept.client_id else None,
                project_id=place.project.id,
            )
    return None


async def _by_turn(look: _Look) -> Match | None:
    """Find it in the record of turns: one whose value was never ours, and that may be gone."""
    turn = await look.tx.find_turn_of(look.hash)
    if turn is None:
        return None
    rotation = await must(look.tx.find(Rotation, id=turn.rotation_id))
    return await _of_rotation(look, rotation, _which(turn, look.hash))


_FINDERS: Sequence[Callable[[_Look], Awaitable[Match | None]]] = (
    _by_version,
    _by_inventory,
    _by_hand,
    _by_turn,
)


def _which(turn: Turn, hash_: SecretHash) -> Which:
    """Tell a secret that a turn has deleted from one that it has left at Okta."""
    replaced = turn.old is not None and turn.old.hash == hash_
    return Which.GONE if turn.phase is _DELETED[replaced] else Which.FOREIGN


_DELETED = {True: Phase.FINISHED, False: Phase.ROLLED_BACK}
"""The end of a turn that has deleted what it replaced, and what it made."""


async def _versions(look: _Look) -> Sequence[Version]:
    """Return the versions with a hash, the most alive first."""
    found = await look.tx.list(Version, hash=look.hash)
    return sorted(found, key=lambda version: _RANKS[version.state])


async def _of_rotation(look: _Look, rotation: Rotation, which: Which) -> Match | None:
    place = await place_of(look.tx, rotation.folder_id)
    if place.project.organization_id != look.organization_id:
        return None
    of = await subject_of_rotation(look.tx, look.world, rotation, place)
    return Match(
        which=which,
        name=of.label or rotation.name,
        connection_id=rotation.connection_id,
        app_id=rotation.app_id,
        client_id=rotation.client_id,
        rotation_id=rotation.id,
        project_id=place.project.id,
        of=of,
    )


async def _of_app(look: _Look, app: ListedApp, connection: OktaConnection) -> Match | None:
    which = Which.GONE if app.gone_at else Which.FOREIGN
    url = connection.instance_url
    ways = frozenset(each.id for each in await look.tx.list(OktaConnection, instance_url=url))
    kept = await look.tx.list(Rotation, app_id=app.app_id, connection_id=ways)
    turned = [each for each in kept if not each.kind.rules.are_keys]
    if turned and (match := await _of_rotation(look, turned[0], which)):
        return match
    rules = await look.tx.list(OwnerRule, organization_id=look.organization_id)
    owner = owners_by(look.world.limits.owner_pattern, rules)(app.label)
    of = subject_of(app, connection, owner, None)
    return Match(which, app.label, connection.id, app.app_id, app.client_id, of=of)


# --- by the beginning of a value ------------------------------------------------------------------


async def list_beginning(
    world: World, organization_id: OrganizationId, beginnings: Sequence[Sensitive]
) -> Sequence[frozenset[SecretHash]]:
    """Return of each beginning the hashes of the client secrets kept here that begin so.

    Every value that is kept is opened and compared with each, as far as a beginning counts, in a
    time that does not depend on how much of it fits. Raises Refused where that would be too many.
    """
    found: list[set[SecretHash]] = [set() for _ in beginnings]
    async with world.store.reading() as tx:
        rotations = [each for each in await tx.list(Rotation) if not each.kind.rules.are_keys]
        if len(rotations) > ROTATIONS_MAX:
            raise Refused("There are too many secrets to look at each: give the whole value.")
        for first in range(0, len(rotations), AT_ONCE):
            some = rotations[first : first + AT_ONCE]
            for hash_, value in await _opened(tx, world, organization_id, some):
                for beginning, hashes in zip(beginnings, found, strict=True):
                    if _begins(value, beginning):
                        hashes.add(hash_)
    return [frozenset(each) for each in found]


async def _opened(
    tx: Reading, world: World, organization_id: OrganizationId, rotations: Sequence[Rotation]
) -> Sequence[tuple[SecretHash, Sensitive]]:
    """Open every value that some rotations keep."""
    places = await places_of(tx, {each.folder_id for each in rotations})
    kept = await tx.list(Secret, rotation_id=frozenset(each.id for each in rotations))
    projects = {each.id: places[each.folder_id].project for each in kept}
    versions = await tx.list(Version, secret_id=frozenset(projects), state=_KEPT)
    mine = [(one, projects[one.secret_id]) for one in versions if one.hash and one.sealed]
    return [
        (one.hash, open_version(world, project, one))
        for one, project in mine
        if one.hash and project.organization_id == organization_id
    ]


def _begins(value: Sensitive, beginning: Sensitive) -> bool:
    wanted = compared(beginning).reveal().encode()
    return hmac.compare_digest(value.reveal().encode()[: len(wanted)], wanted)
