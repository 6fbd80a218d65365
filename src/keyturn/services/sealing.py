"""Seal values so that each opens only where it belongs."""

import json
from collections.abc import Mapping

from keyturn.domain.channels import Channel
from keyturn.domain.connection import ApiToken, Method, OktaConnection, OktaCredentials, ServiceApp
from keyturn.domain.destination import Destination
from keyturn.domain.errors import SealBroken
from keyturn.domain.ids import ChannelId, DestinationId
from keyturn.domain.project import Organization, Project
from keyturn.domain.secret import Version
from keyturn.domain.sensitive import Sensitive
from keyturn.services.ports import World


def seal_version(world: World, project: Project, version_id: str, value: Sensitive) -> bytes:
    """Seal the value of a version under its project's data key."""
    return world.vault.seal(project.data_key, project.id, _of_version(version_id), value)


def open_version(world: World, project: Project, version: Version) -> Sensitive:
    """Open the value of a version. Raises SealBroken, also for a value that was destroyed."""
    if version.sealed is None:
        raise SealBroken(f"The value of version {version.number} has been destroyed.")
    place = _of_version(version.id)
    return world.vault.open(project.data_key, project.id, place, version.sealed)


def seal_credentials(
    world: World, organization: Organization, connection_id: str, credentials: OktaCredentials
) -> bytes:
    """Seal what a connection logs in with under its organization's data key."""
    value = credentials.value if isinstance(credentials, ApiToken) else credentials.private_jwk
    place = _of_connection(connection_id)
    return world.vault.seal(organization.data_key, organization.id, place, value)


def open_credentials(
    world: World, organization: Organization, connection: OktaConnection
) -> OktaCredentials:
    """Open what a connection logs in with. Raises SealBroken."""
    place = _of_connection(connection.id)
    value = world.vault.open(organization.data_key, organization.id, place, connection.sealed)
    if connection.method is Method.API_TOKEN:
        return ApiToken(value)
    return ServiceApp(connection.client_id or "", value)


def seal_authority(
    world: World,
    project: Project,
    destination_id: DestinationId,
    credential: Mapping[str, Sensitive],
) -> bytes | None:
    """Seal the credential of a destination under its project's data key; None where it has none."""
    if not credential:
        return None
    return seal_members(world, project, _of_destination(destination_id), credential)


def open_authority(
    world: World, project: Project, destination: Destination
) -> Mapping[str, Sensitive]:
    """Open the credential of a destination. Raises SealBroken."""
    if destination.sealed is None:
        return {}
    return open_members(world, project, _of_destination(destination.id), destination.sealed)


def seal_channel(
    world: World,
    organization: Organization,
    channel_id: ChannelId,
    credential: Mapping[str, Sensitive],
) -> bytes | None:
    """Seal what is secret of a channel under its organization's data key; None for nothing."""
    if not credential:
        return None
    return seal_members(world, organization, _of_channel(channel_id), credential)


def open_channel(
    world: World, organization: Organization, channel: Channel
) -> Mapping[str, Sensitive]:
    """Open what is secret of a channel. Raises SealBroken."""
    if channel.sealed is None:
        return {}
    return open_members(world, organization, _of_channel(channel.id), channel.sealed)


def seal_members(
    world: World, owner: Project | Organization, place: str, members: Mapping[str, Sensitive]
) -> bytes:
    """Seal values that belong together under their owner's data key, bound to a place."""
    value = Sensitive(json.dumps({name: part.reveal() for name, part in members.items()}))
    return world.vault.seal(owner.data_key, owner.id, place, value)


def open_members(
    world: World, owner: Project | Organization, place: str, sealed: bytes
) -> Mapping[str, Sensitive]:
    """Open values that belong together. Raises SealBroken."""
    value = world.vault.open(owner.data_key, owner.id, place, sealed)
    told: dict[str, str] = json.loads(value.reveal())
    return {name: Sensitive(part) for name, part in told.items()}


def _of_version(version_id: str) -> str:
    return f"version/{version_id}/value"


def _of_connection(connection_id: str) -> str:
    return f"connection/{connection_id}/credentials"


def _of_destination(destination_id: str) -> str:
    return f"destination/{destination_id}/credential"


def _of_channel(channel_id: ChannelId) -> str:
    return f"channel/{channel_id}/credential"
