"""Who takes up what a rotation serves: readers, destinations, client registrations, consumers.

What each is known to have decides whether the old one is still needed. It is told here for people;
what a turn waits for is decided by `dependents`, `holders` and `outbox`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from operator import attrgetter

from keyturn.domain.destination import Destination
from keyturn.domain.destination import State as Standing
from keyturn.domain.identity import Identity
from keyturn.domain.oauth.consumers import Consumer
from keyturn.domain.oauth.registration import ClientRegistration, Scheme
from keyturn.domain.rotation import Rotation
from keyturn.domain.secret import Receipt, Secret
from keyturn.services.dependents import list_registrations, reads_it
from keyturn.services.outbox import list_pieces
from keyturn.services.ports import Reading
from keyturn.services.records import must


class Kind(StrEnum):
    """How somebody comes to what is served."""

    READER = "reader"
    DESTINATION = "destination"
    REGISTRATION = "client registration"
    CONSUMER = "consumer"


@dataclass(frozen=True)
class Taker:
    """One who takes up what is served; ``has_it`` is whether it is known to have a version.

    ``version`` is the newest that it is known to have, since ``at``; 0 is none. ``lacks`` says what
    is missing where that is known.
    """

    kind: Kind
    id: str
    name: str
    version: int
    at: datetime | None
    has_it: bool
    lacks: str = ""


async def list_takers(tx: Reading, rotation: Rotation, version: int) -> Sequence[Taker]:
    """List who takes up the client secret of a rotation, and whether they have a version of it."""
    name = rotation.mapping.client_secret
    secret = await must(tx.find(Secret, rotation_id=rotation.id, name=name))
    registrations = await list_registrations(tx, rotation.id)
    return [
        *await _readers(tx, secret, version),
        *await _destinations(tx, rotation, secret),
        *(_registration(each, version) for each in registrations),
        *[
            await _consumer(tx, each, consumer, version)
            for each in registrations
            for consumer in await tx.list(Consumer, registration_id=each.id)
        ],
    ]


async def _readers(tx: Reading, secret: Secret, version: int) -> Sequence[Taker]:
    receipts = await tx.list(Receipt, secret_id=secret.id)
    ids = frozenset(each.identity_id for each in receipts)
    names = {each.id: each.name for each in await tx.list(Identity, id=ids)} if ids else {}
    return sorted(
        (
            Taker(
                Kind.READER,
                each.identity_id,
                names[each.identity_id],
                each.version,
                each.read_at,
                each.version >= version,
            )
            for each in receipts
            if each.identity_id in names
        ),
        key=attrgetter("has_it", "name"),
    )


async def _destinations(tx: Reading, rotation: Rotation, secret: Secret) -> Sequence[Taker]:
    found = []
    for each in await tx.list(Destination, folder_id=rotation.folder_id):
        for piece in await list_pieces(tx, each, [secret.id]):
            had = piece.confirmed
            found.append(
                Taker(
                    Kind.DESTINATION,
                    each.id,
                    each.name,
                    had.version if had else 0,
                    had.confirmed_at if had else None,
                    not piece.due,
                    "paused" if each.state is Standing.PAUSED else each.told,
                )
            )
    return found


def _registration(one: ClientRegistration, version: int) -> Taker:
    has_it = one.proved_version >= version or one.scheme is not Scheme.OAUTH
    return Taker(
        Kind.REGISTRATION, one.id, one.name, one.proved_version, one.tested_at, has_it, one.told
    )


async def _consumer(
    tx: Reading, registration: ClientRegistration, one: Consumer, version: int
) -> Taker:
    has_it = one.confirmed >= version or await reads_it(tx, registration, one, version)
    lacks = one.told if one.judged == version else ""
    return Taker(Kind.CONSUMER, one.id, one.name, one.confirmed, one.confirmed_at, has_it, lacks)
