"""Clients as their authorization servers are to see them: ids and secrets as they are now.

What a registration refers to is looked up at each use, in one look: a secret that was promoted a
moment ago is used from then on, and nothing has to be told of it.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from keyturn.domain.errors import NotReady
from keyturn.domain.ids import RegistrationId, SecretId
from keyturn.domain.oauth import documents
from keyturn.domain.oauth.connection import Connection, Tokens
from keyturn.domain.oauth.provider import Extra, Provider
from keyturn.domain.oauth.registration import ClientRegistration
from keyturn.domain.project import Place, Project
from keyturn.domain.references import Source, expanded, sources
from keyturn.domain.secret import State, Version
from keyturn.domain.sensitive import Sensitive
from keyturn.services.found import find_found
from keyturn.services.ports import Client, Reading, World
from keyturn.services.projects import find_place, place_of
from keyturn.services.sealing import open_members, open_version, seal_members


@dataclass(frozen=True)
class Held:
    """A client as it is now, the version of which secret, and the place that its records lie in."""

    client: Client
    version: int
    place: Place
    secret_id: SecretId | None = None

    def is_of(self, registration: ClientRegistration) -> bool:
        """Say whether a registration still uses the same secret, in whatever version."""
        return self.secret_id == registration.secret_id


async def open_client(
    world: World,
    tx: Reading,
    registration: ClientRegistration,
    connection: Connection | None = None,
) -> Held:
    """Open what a registration authenticates with now; with a connection, its DPoP key as well.

    Raises NotReady where a secret that it refers to is gone, or holds no more than a reference to
    another one, and SealBroken.
    """
    place = await place_of(tx, registration.folder_id)
    provider = await _resolved(world, tx, place, provider_of(registration))
    client_id, version, secret = registration.client_id, registration.own_version, None
    if registration.client_id_secret_id:
        _, named = await _stored(world, tx, place.project, registration.client_id_secret_id)
        client_id = named.reveal()
    if registration.secret_id:
        version, secret = await _stored(world, tx, place.project, registration.secret_id)
    elif registration.sealed:
        secret = open_own(world, place.project, registration)
    key = open_key(world, place.project, connection) if connection else None
    client = Client(client_id, provider, secret, key)
    return Held(client, version, place, registration.secret_id)


async def is_current(tx: Reading, registration: ClientRegistration, held: Held) -> bool:
    """Say whether what was asked with is still what the registration uses from now on."""
    return held.is_of(registration) and held.version == await version_of(tx, registration)


async def version_of(tx: Reading, registration: ClientRegistration) -> int:
    """Return the version of its secret that a client uses from now on; 0 where it is gone."""
    return (await versions_of(tx, [registration]))[registration.id]


async def versions_of(
    tx: Reading, registrations: Collection[ClientRegistration]
) -> Mapping[RegistrationId, int]:
    """Return those versions of many clients, in one look."""
    ids = frozenset(each.secret_id for each in registrations if each.secret_id)
    found = await tx.list(Version, secret_id=ids, state=State.CURRENT) if ids else ()
    served = {version.secret_id: version.number for version in found}
    return {
        each.id: served.get(each.secret_id, 0) if each.secret_id else each.own_version
        for each in registrations
    }


def provider_of(registration: ClientRegistration) -> Provider:
    """Return how the registration's server is spoken to, its references as they are written."""
    return _parsed(registration.provider)


@lru_cache(maxsize=1024)
def _parsed(document: str) -> Provider:
    return documents.parse(json.loads(document))


async def _stored(
    world: World, tx: Reading, project: Project, secret_id: SecretId
) -> tuple[int, Sensitive]:
    version = await tx.find(Version, secret_id=secret_id, state=State.CURRENT)
    if version is None:
        raise NotReady(
            "The secret that the registration refers to is gone: give the registration another one."
        )
    if version.refers:  # what is written there is no secret: it would be sent, and rejected
        raise NotReady(
            "The value of the secret that the registration refers to refers to another secret: "
            "give the registration that one."
        )
    return version.number, open_version(world, project, version)


async def _resolved(world: World, tx: Reading, place: Place, provider: Provider) -> Provider:
    """Return a provider with the values that its extras refer to, one step far.

    Raises NotReady where a reference leads nowhere: nothing half-made is sent to anybody.
    """
    at = Source(place.environment.slug, place.folder.path, "")
    wanted = frozenset[Source]().union(*(sources(each.value, at) for each in provider.extras))
    if not wanted:
        return provider
    known = {source: await _referred(world, tx, place, source) for source in wanted}
    extras = tuple(_filled(each, at, known) for each in provider.extras)
    return replace(provider, extras=extras)


async def _referred(world: World, tx: Reading, place: Place, source: Source) -> str:
    home = await find_place(tx, place.project, source.environment, source.path)
    found = await find_found(tx, home, source.name) if home else None
    if found is None:
        raise NotReady(f"The registration refers to a secret {source.name} that is not there.")
    if found.version.refers:
        raise NotReady(f"The registration refers to {source.name}, which refers to others in turn.")
    return open_version(world, place.project, found.version).reveal()


def _filled(extra: Extra, at: Source, known: Mapping[Source, str]) -> Extra:
    return replace(extra, value=expanded(extra.value, at, known))


# --- what is sealed with registrations and connections --------------------------------------------


@dataclass(frozen=True)
class OpenTokens:
    """A token set in clear."""

    access: Sensitive
    refresh: Sensitive | None


def seal_own(
    world: World, project: Project, registration: ClientRegistration, value: Sensitive
) -> bytes:
    """Seal a registration's own secret; ``own_version`` is already that of the value."""
    return seal_members(world, project, _of_own(registration), {"secret": value})


def open_own(world: World, project: Project, registration: ClientRegistration) -> Sensitive:
    """Open a registration's own secret. Raises SealBroken."""
    sealed = registration.sealed or b""
    return open_members(world, project, _of_own(registration), sealed)["secret"]


def seal_tokens(
    world: World, project: Project, connection: Connection, number: int, tokens: OpenTokens
) -> bytes:
    """Seal a token set."""
    members = {"access": tokens.access}
    if tokens.refresh:
        members["refresh"] = tokens.refresh
    return seal_members(world, project, _of_tokens(connection, number), members)


def open_tokens(
    world: World, project: Project, connection: Connection, tokens: Tokens
) -> OpenTokens:
    """Open a token set. Raises SealBroken."""
    place = _of_tokens(connection, tokens.number)
    members = open_members(world, project, place, tokens.sealed)
    return OpenTokens(members["access"], members.get("refresh"))


def seal_key(world: World, project: Project, connection_id: str, key: Sensitive) -> bytes:
    """Seal the key of a connection's DPoP proofs."""
    return seal_members(world, project, _of_connection(connection_id, "dpop"), {"key": key})


def open_key(world: World, project: Project, connection: Connection) -> Sensitive | None:
    """Open the key of a connection's DPoP proofs, if it has one. Raises SealBroken."""
    if connection.sealed_key is None:
        return None
    place = _of_connection(connection.id, "dpop")
    return open_members(world, project, place, connection.sealed_key)["key"]


def seal_input(
    world: World, project: Project, connection_id: str, members: Mapping[str, Sensitive]
) -> bytes | None:
    """Seal what a grant needs besides; None where it needs nothing."""
    if not members:
        return None
    return seal_members(world, project, _of_connection(connection_id, "input"), members)


def open_input(world: World, project: Project, connection: Connection) -> Mapping[str, Sensitive]:
    """Open what a grant needs besides. Raises SealBroken."""
    if connection.sealed_input is None:
        return {}
    place = _of_connection(connection.id, "input")
    return open_members(world, project, place, connection.sealed_input)


def _of_own(registration: ClientRegistration) -> str:
    return f"client-registration/{registration.id}/secret/{registration.own_version}"


def _of_tokens(connection: Connection, number: int) -> str:
    return f"oauth-connection/{connection.id}/tokens/{number}"


def _of_connection(connection_id: str, what: str) -> str:
    return f"oauth-connection/{connection_id}/{what}"
