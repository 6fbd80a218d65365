"""The working pairs of client id and client secret that a rotation keeps, in clear."""

from collections.abc import Sequence
from dataclasses import dataclass

from keyturn.domain.access import Caller, Verb
from keyturn.domain.errors import Refused
from keyturn.domain.ids import ClientId
from keyturn.domain.rotation import Rotation
from keyturn.domain.secret import Copy, Secret, State, Version
from keyturn.domain.sensitive import Sensitive
from keyturn.services.ports import Reading, World
from keyturn.services.projects import place_of
from keyturn.services.receipts import Said, note_reads
from keyturn.services.records import must
from keyturn.services.rotations import admit, current_rotation
from keyturn.services.sealing import open_version


@dataclass(frozen=True)
class GeneratedCredential:
    """One working pair of client id and client secret."""

    client_id: ClientId
    client_secret: Sensitive
    secret_id: str


@dataclass(frozen=True)
class GeneratedCredentials:
    """Every pair that works now; ``active_index`` points at the one that readers are given."""

    rotation: Rotation
    credentials: Sequence[GeneratedCredential]
    active_index: int


async def read_generated_credentials(
    world: World, caller: Caller, rotation_id: str, *, copy: Copy = Copy.UNSAID
) -> GeneratedCredentials:
    """Read every working pair of a rotation in clear; ``copy`` is what its reader says of it.

    Raises NotFound, Forbidden, Refused.
    """
    asked_at = world.clock.now()
    rotation = await admit(world, caller, Verb.READ_CREDENTIALS, rotation_id)
    if rotation.kind.rules.of_connection:
        raise Refused("The key by which Keyturn itself logs in is shown to nobody.")
    async with world.store.reading() as tx:
        rotation = await current_rotation(tx, rotation.id)
        place = await place_of(tx, rotation.folder_id)
        secret = await _mapped_secret(tx, rotation)
        versions = await _working_versions(tx, rotation)
    current = [v for v in versions if v.state is State.CURRENT]
    previous = [v for v in versions if v.state is State.PREVIOUS]
    read = [(secret, version) for version in previous + current]
    await note_reads(world, caller, read, Said(copy, asked_at))
    ordered = previous + current if rotation.active_index else current + previous
    shown = [
        GeneratedCredential(
            rotation.client_id, open_version(world, place.project, version), version.okta_id or ""
        )
        for version in ordered
    ]
    return GeneratedCredentials(rotation, shown, ordered.index(current[0]) if current else 0)


async def list_versions(tx: Reading, rotation: Rotation) -> Sequence[Version]:
    """List every version of the mapped client secret."""
    secret = await _mapped_secret(tx, rotation)
    return await tx.list(Version, secret_id=secret.id)


async def _working_versions(tx: Reading, rotation: Rotation) -> Sequence[Version]:
    working = (State.CURRENT, State.PREVIOUS)
    return [v for v in await list_versions(tx, rotation) if v.state in working]


async def _mapped_secret(tx: Reading, rotation: Rotation) -> Secret:
    name = rotation.mapping.client_secret
    return await must(tx.find(Secret, rotation_id=rotation.id, name=name))
