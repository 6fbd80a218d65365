"""Who uses the client secrets of many rotations, and what may be done with them, in a few looks.

It is for planning an emergency; what a turn waits for is decided elsewhere.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from keyturn.domain.closing import TWO
from keyturn.domain.connection import OktaConnection
from keyturn.domain.destination import Destination
from keyturn.domain.destination import State as Standing
from keyturn.domain.drift import Finding, Kind
from keyturn.domain.emergency import PAUSED
from keyturn.domain.identity import Identity
from keyturn.domain.ids import ClientId, OrganizationId, RotationId, SecretId
from keyturn.domain.oauth.connection import Connection
from keyturn.domain.oauth.consumers import Adoption, Consumer
from keyturn.domain.oauth.registration import ClientRegistration
from keyturn.domain.rotation import Rotation
from keyturn.domain.secret import RECEIPT_AGE, Receipt, Secret
from keyturn.domain.turn import Turn
from keyturn.services.ports import Reading

UNFIT = frozenset({Kind.APP_GONE, Kind.APP_DEACTIVATED, Kind.KEYS_USED})
"""Drift of the app itself, which has to be mended before anything can be turned."""
ROOMLESS = frozenset({Kind.SECRET_ADDED, Kind.OLD_VALUE_BACK})
"""Drift that takes the room of a new secret."""


@dataclass(frozen=True)
class User:
    """One who uses a client secret; ``by_hand`` is whether somebody has to give it the new one.

    ``read_at`` is when a reader has read it last.
    """

    name: str
    by_hand: bool = False
    read_at: datetime | None = None

    def late(self, within_s: int, now: datetime) -> str:
        """Name one who may not have the new secret after so many seconds, and why; else nobody.

        A reader who has not read for longer than that reads too rarely, as far as is known.
        """
        if self.by_hand or not within_s:
            return self.name
        if self.read_at and self.read_at < now - timedelta(seconds=within_s) - RECEIPT_AGE:
            return f"{self.name} (may not make it: last read {self.read_at:%Y-%m-%d %H:%M} UTC)"
        return ""


@dataclass
class Sight:
    """What hangs on a rotation's client secret, and the scopes that were granted by it.

    ``obstacles`` tell what is on record that may keep its app from being closed.
    """

    users: list[User] = field(default_factory=list)
    scopes: set[str] = field(default_factory=set)
    obstacles: list[str] = field(default_factory=list)


async def sights_of(tx: Reading, rotations: Sequence[Rotation]) -> Mapping[RotationId, Sight]:
    """Return what hangs on each of some rotations."""
    found = {each.id: Sight() for each in rotations}
    secrets = await tx.list(Secret, rotation_id=frozenset(found))
    of_secret = {each.id: found[each.rotation_id] for each in secrets if each.rotation_id}
    await _add_readers(tx, of_secret)
    await _add_destinations(tx, rotations, found)
    await _add_clients(tx, of_secret)
    for rotation_id, obstacles in (await obstacles_of(tx, rotations)).items():
        found[rotation_id].obstacles += obstacles
    return found


async def obstacles_of(
    tx: Reading, rotations: Sequence[Rotation], paused: str = PAUSED
) -> Mapping[RotationId, list[str]]:
    """Return what is on record that may keep each of some rotations from being turned.

    That is a turn that stands still, ``paused`` being what is told of a paused one, and what has
    drifted so that nothing can be turned.
    """
    found: dict[RotationId, list[str]] = {each.id: [] for each in rotations}
    for turn in await tx.list(Turn, rotation_id=frozenset(found), ended_at=None):
        if turn.paused_at:
            found[turn.rotation_id].append(paused)
        elif turn.blocked:
            found[turn.rotation_id].append(f"Its turn is blocked: {turn.blocked}")
    most = {each.id: each.kind.rules.most for each in rotations}
    for drift in await tx.list(Finding, rotation_id=frozenset(found), closed_at=None):
        if drift.kind in UNFIT or (drift.kind in ROOMLESS and most[drift.rotation_id] == TWO):
            found[drift.rotation_id].append(drift.kind.value)
    return found


async def own_apps(tx: Reading, organization_id: OrganizationId) -> frozenset[ClientId]:
    """Return the client ids of the service apps by which Keyturn logs in to its orgs."""
    every = await tx.list(OktaConnection, organization_id=organization_id)
    return frozenset(ClientId(each.client_id) for each in every if each.client_id)


async def _add_readers(tx: Reading, of_secret: Mapping[SecretId, Sight]) -> None:
    receipts = await tx.list(Receipt, secret_id=frozenset(of_secret))
    ids = frozenset(each.identity_id for each in receipts)
    names = {each.id: each.name for each in await tx.list(Identity, id=ids)} if ids else {}
    for each in sorted(receipts, key=lambda one: one.read_at, reverse=True):
        name = f"reader {names.get(each.identity_id, each.identity_id)}"
        users = of_secret[each.secret_id].users
        if all(user.name != name for user in users):  # it has read the client id as well
            users.append(User(name, read_at=each.read_at))


async def _add_destinations(
    tx: Reading, rotations: Iterable[Rotation], found: Mapping[RotationId, Sight]
) -> None:
    folders = frozenset(each.folder_id for each in rotations)
    destinations = await tx.list(Destination, folder_id=folders)
    for rotation in rotations:
        name = rotation.mapping.client_secret
        found[rotation.id].users += [
            User(f"destination {each.name}", each.state in {Standing.PAUSED, Standing.BLOCKED})
            for each in destinations
            if each.folder_id == rotation.folder_id and (not each.only or name in each.only)
        ]


async def _add_clients(tx: Reading, of_secret: Mapping[SecretId, Sight]) -> None:
    """Add the registrations that use a secret, with their connections and consumers elsewhere."""
    kept = await tx.list(ClientRegistration, secret_id=frozenset(of_secret))
    sights = {each.id: of_secret[each.secret_id] for each in kept if each.secret_id}
    if not sights:
        return
    for registration in kept:
        sights[registration.id].users.append(User(f"client registration {registration.name}"))
    for connection in await tx.list(Connection, registration_id=frozenset(sights)):
        sight = sights[connection.registration_id]
        sight.users.append(User(f"connection {connection.name}"))
        sight.scopes |= {*connection.scopes, *connection.granted}
    for consumer in await tx.list(Consumer, registration_id=frozenset(sights)):
        by_hand = consumer.workflows is not None or consumer.adoption is not Adoption.LIVE
        told = f', Okta Workflows connection "{consumer.workflows}"' if consumer.workflows else ""
        sights[consumer.registration_id].users.append(
            User(f"consumer {consumer.name}{told}", by_hand)
        )
