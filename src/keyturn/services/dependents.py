"""What uses a rotation's client secret through Keyturn, beside those who read it.

A registration has proved a secret once its authorization server has accepted it in the way in which
the registration sends it. Its connections need no proof of their own: a grant is the client's, and
not the secret's.
"""

from collections.abc import Sequence
from datetime import datetime

from keyturn.domain.ids import RotationId
from keyturn.domain.oauth.connection import Connection, State
from keyturn.domain.oauth.consumers import Adoption, Consumer, named
from keyturn.domain.oauth.registration import ClientRegistration, Scheme, Standing
from keyturn.domain.rotation import Rotation
from keyturn.domain.secret import Receipt, Secret
from keyturn.services.outbox import list_unconfirmed
from keyturn.services.ports import Reading


async def list_registrations(tx: Reading, rotation_id: RotationId) -> Sequence[ClientRegistration]:
    """List the registrations whose secret a rotation keeps."""
    kept = frozenset(secret.id for secret in await tx.list(Secret, rotation_id=rotation_id))
    return await tx.list(ClientRegistration, secret_id=kept) if kept else ()


async def list_waited_for(tx: Reading, rotation: Rotation, version: int) -> tuple[str, ...]:
    """Name what a turn waits for before its overlap begins: who lacks what is served by now."""
    kept = [secret.id for secret in await tx.list(Secret, rotation_id=rotation.id)]
    unconfirmed = await list_unconfirmed(tx, rotation.folder_id, kept)
    registrations = await list_registrations(tx, rotation.id)
    return (*unconfirmed, *await list_unproved(tx, registrations, version))


async def list_unproved(
    tx: Reading, registrations: Sequence[ClientRegistration], version: int
) -> tuple[str, ...]:
    """Name the registrations with a connection that have not proved this version, or a newer."""
    return tuple(
        [
            f"client registration {each.name}"
            for each in registrations
            if each.scheme is Scheme.OAUTH
            and each.proved_version < version
            and await _in_use(tx, each)
        ]
    )


async def list_unadopted(
    tx: Reading, registrations: Sequence[ClientRegistration], version: int
) -> tuple[str, ...]:
    """Name the consumers elsewhere that a turn waits for: they may not use this version yet."""
    return tuple(
        [
            named(each, version)
            for registration in registrations
            for each in await tx.list(Consumer, registration_id=registration.id)
            if each.waits_for(version) and not await reads_it(tx, registration, each, version)
        ]
    )


def list_troubled(registrations: Sequence[ClientRegistration], since: datetime) -> tuple[str, ...]:
    """Name the registrations whose secret was rejected since then."""
    return tuple(
        f"client registration {each.name}"
        for each in registrations
        if each.standing is Standing.REJECTED and each.tested_at and each.tested_at >= since
    )


async def _in_use(tx: Reading, registration: ClientRegistration) -> bool:
    """Say whether a grant would fail with the secret; one that has ended fails anyway."""
    connections = await tx.list(Connection, registration_id=registration.id)
    living = (State.READY, State.TROUBLED)
    return any(each.state in living and each.renewal for each in connections)


async def reads_it(
    tx: Reading, registration: ClientRegistration, consumer: Consumer, version: int
) -> bool:
    """Say whether a consumer that uses what it reads has read this version here."""
    if consumer.adoption is not Adoption.LIVE or not consumer.identity_id:
        return False
    # What an identity has read goes with it: one that was removed leaves no receipt.
    secret_id, reader = registration.secret_id, consumer.identity_id
    receipt = await tx.find(Receipt, secret_id=secret_id, identity_id=reader)
    return receipt is not None and receipt.version >= version
