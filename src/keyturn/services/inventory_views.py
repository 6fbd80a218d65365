"""What is on record of the apps of connected orgs, each put together with what is around it.

Asks nobody at Okta, and decides nothing of who may see what but whether a rotation is named.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from keyturn.domain.connection import OktaConnection
from keyturn.domain.ids import AppId, ConnectionId, OrganizationId, SecretHash
from keyturn.domain.inventory import ListedApp, ListedSecret, OwnerRule
from keyturn.domain.owners import owners_by
from keyturn.domain.project import Place
from keyturn.domain.rotation import Rotation
from keyturn.domain.secret import Version
from keyturn.domain.selector import Subject
from keyturn.services.ports import Reading, World
from keyturn.services.projects import places_of

AT_ONCE = 5000
"""As many values as one look at the store asks for."""


@dataclass(frozen=True)
class InventoriedSecret:
    """A client secret; ``known`` is whether a rotation has made or adopted it."""

    listed: ListedSecret
    known: bool


@dataclass(frozen=True)
class Kept:
    """A rotation that keeps an app, and where it is."""

    rotation: Rotation
    place: Place


@dataclass(frozen=True)
class InventoriedApp:
    """An app with its client secrets, whose it is, and the rotation that keeps it.

    ``managed`` is whether one does; ``kept`` tells of it only who may see it. ``subject`` is what a
    selector picks it by.
    """

    app: ListedApp
    connection: OktaConnection
    secrets: Sequence[InventoriedSecret]
    owner: str
    managed: bool
    kept: Kept | None
    subject: Subject

    @property
    def foreign(self) -> int:
        """Count its client secrets that no rotation knows."""
        return sum(not each.known for each in self.secrets)

    @property
    def listed_secrets(self) -> Sequence[ListedSecret]:
        """Return its client secrets as Okta lists them."""
        return [each.listed for each in self.secrets]


async def inventoried(
    tx: Reading,
    world: World,
    connections: Iterable[OktaConnection],
    shown: Callable[[Kept], bool] = lambda kept: True,
) -> Sequence[InventoriedApp]:
    """Return every app that is on record of these connections, those that are gone left out.

    A rotation that is not ``shown`` is not told of, but for its being there.
    """
    near = {each.id: each for each in connections}
    apps = await tx.list(ListedApp, connection_id=frozenset(near), gone_at=None) if near else ()
    if not apps:
        return ()
    listed = await tx.list(ListedSecret, connection_id=frozenset(near))
    known = await known_hashes(tx, (each.hash for each in listed))
    secrets: dict[tuple[ConnectionId, AppId], list[InventoriedSecret]] = {}
    for each in listed:
        found = InventoriedSecret(each, each.hash in known)
        secrets.setdefault((each.connection_id, each.app_id), []).append(found)
    kept = await _list_kept(tx, near.values())
    ids = frozenset(each.organization_id for each in near.values())
    owner = owners_by(world.limits.owner_pattern, await tx.list(OwnerRule, organization_id=ids))
    return [
        _put_together(
            app,
            near[app.connection_id],
            secrets.get((app.connection_id, app.app_id), ()),
            owner(app.label),
            kept.get((near[app.connection_id].instance_url, app.app_id)),
            shown,
        )
        for app in apps
    ]


async def known_hashes(tx: Reading, hashes: Iterable[SecretHash]) -> frozenset[SecretHash]:
    """Return those of some hashes that rotations have made or adopted."""
    every, known = iter(dict.fromkeys(hashes)), set[SecretHash]()
    while some := frozenset(islice(every, AT_ONCE)):
        known |= {each.hash for each in await tx.list(Version, hash=some) if each.hash}
    return frozenset(known)


async def list_inventoried(
    tx: Reading, world: World, organization_id: OrganizationId
) -> Sequence[InventoriedApp]:
    """Return every app of an organization's orgs, for what is decided without anybody's asking."""
    every = await tx.list(OktaConnection, organization_id=organization_id)
    return await inventoried(tx, world, every)


async def _list_kept(
    tx: Reading, connections: Iterable[OktaConnection]
) -> Mapping[tuple[str, AppId], Kept]:
    """Return the rotations of these connections' orgs, through whichever connection, by app."""
    addresses = frozenset(each.instance_url for each in connections)
    ways = {each.id: each for each in await tx.list(OktaConnection, instance_url=addresses)}
    rotations = await tx.list(Rotation, connection_id=frozenset(ways)) if ways else ()
    places = await places_of(tx, {each.folder_id for each in rotations}) if rotations else {}
    return {
        (ways[each.connection_id].instance_url, each.app_id): Kept(each, places[each.folder_id])
        for each in rotations
    }


def _put_together(  # noqa: PLR0917  each is looked up once for all apps
    app: ListedApp,
    connection: OktaConnection,
    secrets: Sequence[InventoriedSecret],
    owner: str,
    kept: Kept | None,
    shown: Callable[[Kept], bool],
) -> InventoriedApp:
    seen = kept if kept and shown(kept) else None
    subject = subject_of(app, connection, owner, seen)
    managed = kept is not None
    return InventoriedApp(app, connection, secrets, owner, managed, seen, subject)


def subject_of(
    app: ListedApp, connection: OktaConnection, owner: str, kept: Kept | None
) -> Subject:
    """Return what a selector picks an app by."""
    place = kept.place if kept else None
    return Subject(
        app=app.app_id,
        client=app.client_id,
        label=app.label,
        owner=owner,
        grant=app.grant_types,
        group=app.groups,
        auth=app.auth_method,
        connection=connection.name,
        rotation=kept.rotation.name if kept else "",
        project=place.project.slug if place else "",
        environment=place.environment.slug if place else "",
        path=place.folder.path if place else "",
    )
