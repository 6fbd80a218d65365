"""Connections to Okta orgs: proved before they are stored, and opened where they are needed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from keyturn.domain import names
from keyturn.domain.access import Caller, Target, Verb
from keyturn.domain.addresses import instance_url
from keyturn.domain.budget import Purpose
from keyturn.domain.connection import Method, OktaConnection, OktaCredentials, ServiceApp
from keyturn.domain.errors import FieldProblem, InvalidInput, NotFound, Refused, Taken
from keyturn.domain.ids import ConnectionId
from keyturn.domain.okta import CredentialKind
from keyturn.domain.project import Organization, Project
from keyturn.domain.rotation import Rotation
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Turn
from keyturn.services import gate
from keyturn.services.access_news import tell_access
from keyturn.services.ports import Journal, OktaOrg, Reading, World, Writing
from keyturn.services.projects import resolve_project
from keyturn.services.records import must
from keyturn.services.removal import remove_inventory, remove_whole
from keyturn.services.sealing import open_credentials, seal_credentials


@dataclass(frozen=True)
class OktaConnectionDraft:
    """A connection as somebody asks for it; without a project it serves the organization."""

    name: str
    description: str | None
    project_id: str | None
    instance_url: str
    credentials: OktaCredentials


@dataclass(frozen=True)
class OktaConnectionChange:
    """What to change; None leaves a field as it is (``description`` only if ``described``)."""

    name: str | None = None
    description: str | None = None
    described: bool = False
    instance_url: str | None = None
    credentials: OktaCredentials | None = None


async def create_okta_connection(
    world: World, caller: Caller, draft: OktaConnectionDraft
) -> OktaConnection:
    """Store a connection to an org, once the org has accepted its credentials.

    Raises InvalidInput, AddressRefused, Forbidden, NotFound, Taken, Refused for the key of an app
    that a rotation keeps, and OktaError where the org says no.
    """
    project_id = await resolve_project(world, draft.project_id) if draft.project_id else None
    name, description = names.slug("name", draft.name), names.description(draft.description)
    url = _url(world, draft.instance_url)
    await _pass(world, caller, Verb.CREATE_CONNECTIONS, f"{name} to {url}", Target(project_id))
    async with world.store.reading() as tx:
        organization = await must(tx.find(Organization, id=caller.organization_id))
        if project_id and not await tx.find(Project, id=project_id):
            raise NotFound(f"There is no project {draft.project_id}.")
        await _refuse_taken_name(tx, organization, name)
        await refuse_kept_app(tx, draft.credentials)
    await _prove(world, url, draft.credentials)
    new_id, now = ConnectionId(world.chance.uuid()), world.clock.now()
    connection = OktaConnection(
        id=new_id,
        organization_id=organization.id,
        project_id=project_id,
        name=name,
        description=description,
        method=_method(draft.credentials),
        instance_url=url,
        client_id=_client_id(draft.credentials),
        sealed=seal_credentials(world, organization, new_id, draft.credentials),
        version=1,
        created_at=now,
        updated_at=now,
        reconciled_at=now,
        next_reconcile_at=now + world.limits.reconcile,
    )
    async with world.store.writing() as writing:
        await refuse_kept_app(writing, draft.credentials)
        await writing.add(connection)
    return connection


async def update_okta_connection(
    world: World, caller: Caller, connection_id: str, change: OktaConnectionChange
) -> OktaConnection:
    """Change a connection; new credentials or another address are proved at the org first.

    Raises as `create_okta_connection`, InvalidInput for another address without credentials, so
    that nobody has the stored ones sent elsewhere, and Refused for another org while rotations
    use it.
    """
    old = await read_okta_connection(world, caller, connection_id)
    await _pass(world, caller, Verb.EDIT_CONNECTIONS, old.name, _target(old))
    url = _url(world, change.instance_url) if change.instance_url else old.instance_url
    name = names.slug("name", change.name) if change.name else old.name
    if url != old.instance_url and not change.credentials:
        raise InvalidInput(FieldProblem(("credentials",), "must be given with another address"))
    async with world.store.reading() as tx:
        organization = await must(tx.find(Organization, id=caller.organization_id))
        if name != old.name:
            await _refuse_taken_name(tx, organization, name)
        if url != old.instance_url:
            await _refuse_in_use(tx, old, "it cannot be pointed at another org")
        if change.credentials:
            await refuse_kept_app(tx, change.credentials)
    credentials = change.credentials or open_credentials(world, organization, old)
    if change.credentials:
        await _prove(world, url, credentials)
    described = names.description(change.description) if change.described else old.description
    connection = replace(
        old,
        name=name,
        description=described,
        method=_method(credentials),
        instance_url=url,
        client_id=_client_id(credentials),
        sealed=seal_credentials(world, organization, old.id, credentials),
        version=old.version + 1,
        updated_at=world.clock.now(),
        failing_since=None if change.credentials else old.failing_since,
        told="" if change.credentials else old.told,
    )
    async with world.store.writing() as writing:
        if change.credentials:
            await refuse_kept_app(writing, credentials)
        if url != old.instance_url:
            await _refuse_in_use(writing, old, "it cannot be pointed at another org")
            await _forget_key(writing, old)
            await remove_inventory(writing, old.id)
        await writing.replace(connection)
        await tell_access(writing, world, old, connection)
    return connection


async def delete_okta_connection(
    world: World, caller: Caller, connection_id: str
) -> OktaConnection:
    """Remove a connection. Raises NotFound, Forbidden, and Refused while rotations use it."""
    connection = await read_okta_connection(world, caller, connection_id)
    await _pass(world, caller, Verb.DELETE_CONNECTIONS, connection.name, _target(connection))
    async with world.store.writing() as tx:
        await _refuse_in_use(tx, connection, "it cannot be removed")
        await _forget_key(tx, connection)
        await remove_inventory(tx, connection.id)
        await tx.remove(connection)
    return connection


async def list_okta_connections(
    world: World, caller: Caller, *, project_id: str | None
) -> Sequence[OktaConnection]:
    """List the connections of a project and those of the whole organization. Raises Forbidden."""
    asked = await resolve_project(world, project_id) if project_id else caller.home
    verb = Verb.READ_CONNECTIONS
    await _pass(world, caller, verb, "list", Target(asked, somewhere=True))
    async with world.store.reading() as tx:
        every = await tx.list(OktaConnection, organization_id=caller.organization_id)
    near = [c for c in every if asked is None or c.project_id in (None, asked)]
    return [c for c in near if gate.may(caller, verb, Target(asked, connection_id=c.id))]


async def read_okta_connection(world: World, caller: Caller, connection_id: str) -> OktaConnection:
    """Read one connection. Raises NotFound, also for one of somebody else's project."""
    for connection in await list_okta_connections(world, caller, project_id=None):
        if connection.id == connection_id:
            return connection
    raise NotFound(f"There is no Okta connection {connection_id}.")


async def read_okta_connection_by_name(world: World, caller: Caller, name: str) -> OktaConnection:
    """Read one connection by its name. Raises NotFound, also for one of another project."""
    for connection in await list_okta_connections(world, caller, project_id=None):
        if connection.name == name:
            return connection
    raise NotFound(f"There is no Okta connection named {name}.")


async def check_okta_connection(world: World, caller: Caller, connection_id: str) -> OktaConnection:
    """Ask the org now whether it still accepts a connection's credentials for managing apps.

    Raises NotFound, Forbidden, and OktaError where it says no or nothing.
    """
    connection = await admit_use(world, caller, connection_id, "check")
    async with world.store.reading() as tx:
        org = await open_org(tx, world, connection.id, lambda call: None)
    await org.check_access()
    return connection


async def admit_use(
    world: World, caller: Caller, connection_id: str, detail: str
) -> OktaConnection:
    """Find a connection and pass the gate for its use; a refusal tells who may not see it nothing.

    One of the whole organization is used in whichever project the caller may. Raises NotFound,
    Forbidden.
    """
    async with world.store.reading() as tx:
        found = await tx.find(
            OktaConnection, id=connection_id, organization_id=caller.organization_id
        )
    named, target = connection_id, Target(caller.home)
    if found:
        homes = [found.project_id] if found.project_id else [h.project_id for h in caller.holdings]
        targets = [Target(each, connection_id=found.id) for each in homes]
        verbs = (Verb.USE_CONNECTIONS, Verb.READ_CONNECTIONS)
        seen = [at for verb in verbs for at in targets if gate.may(caller, verb, at)]
        found, named, target = (found, found.name, seen[0]) if seen else (None, named, target)
    await _pass(world, caller, Verb.USE_CONNECTIONS, f"{named} ({detail})", target)
    if found is None:
        raise NotFound(f"There is no Okta connection {connection_id}.")
    return found


async def open_org(
    tx: Reading,
    world: World,
    connection_id: str,
    journal: Journal,
    purpose: Purpose = Purpose.FINISHING,
) -> OktaOrg:
    """Open the org behind a stored connection; every call is told to ``journal``."""
    connection = await must(tx.find(OktaConnection, id=connection_id))
    organization = await must(tx.find(Organization, id=connection.organization_id))
    credentials = open_credentials(world, organization, connection)
    url = connection.instance_url
    return world.okta.open(url, credentials, journal=journal, purpose=purpose)


async def key_in_use(tx: Reading, world: World, connection_id: str) -> ServiceApp | None:
    """Return the client id and private key by which a connection logs in; None without a key."""
    connection = await must(tx.find(OktaConnection, id=connection_id))
    organization = await must(tx.find(Organization, id=connection.organization_id))
    credentials = open_credentials(world, organization, connection)
    return credentials if isinstance(credentials, ServiceApp) else None


async def use_key(tx: Writing, world: World, connection_id: str, private_jwk: Sensitive) -> None:
    """Have a connection log in with this private key of its service app from now on."""
    connection = await must(tx.find(OktaConnection, id=connection_id))
    organization = await must(tx.find(Organization, id=connection.organization_id))
    credentials = ServiceApp(connection.client_id or "", private_jwk)
    sealed = seal_credentials(world, organization, connection.id, credentials)
    now, version = world.clock.now(), connection.version + 1
    await tx.replace(replace(connection, sealed=sealed, version=version, updated_at=now))


async def open_org_with(
    tx: Reading, world: World, connection_id: str, credentials: ServiceApp, journal: Journal
) -> OktaOrg:
    """Open the org behind a connection as if it had these credentials."""
    connection = await must(tx.find(OktaConnection, id=connection_id))
    return world.okta.open(connection.instance_url, credentials, journal=journal)


async def _pass(world: World, caller: Caller, verb: Verb, about: str, target: Target) -> None:
    await gate.require(world, caller, verb, target, subject=f"connection {about}")


def _target(connection: OktaConnection) -> Target:
    return Target(connection.project_id, connection_id=connection.id)


def _url(world: World, text: str) -> str:
    return instance_url(text, private_allowed=world.limits.private_addresses_allowed)


async def _prove(world: World, url: str, credentials: OktaCredentials) -> None:
    await world.okta.open(url, credentials, journal=lambda call: None).check_access()


async def _refuse_taken_name(tx: Reading, organization: Organization, name: str) -> None:
    if await tx.find(OktaConnection, organization_id=organization.id, name=name):
        raise Taken(f"There is a connection {name} already: choose another name.")


async def refuse_kept_app(tx: Reading, credentials: OktaCredentials) -> None:
    """Raise Refused where a rotation turns the key of the app that these credentials log in as.

    It would not know of the connection, and leave it with a dead key.
    """
    client_id = _client_id(credentials)
    kept = await tx.list(Rotation, client_id=client_id) if client_id else ()
    for rotation in kept:
        if not rotation.kind.rules.of_connection:
            raise Refused(
                f"Rotation {rotation.name} keeps app {rotation.app_id} and would end the key that "
                "the connection logs in with. Give the connection a service app of its own, or end "
                "the rotation: then `keyturn connection okta turn-key` turns the key."
            )


async def _refuse_in_use(tx: Reading, connection: OktaConnection, so: str) -> None:
    """Raise Refused while rotations use it; that of its own key does only while it turns."""
    every = await tx.list(Rotation, connection_id=connection.id)
    users = [r for r in every if not r.kind.rules.of_connection or await _turning(tx, r)]
    if users:
        named = ", ".join(rotation.name for rotation in users)
        raise Refused(f"Connection {connection.name} is used by rotation {named}; {so}.")


async def _turning(tx: Reading, rotation: Rotation) -> bool:
    return await tx.find(Turn, rotation_id=rotation.id, ended_at=None) is not None


async def _forget_key(tx: Writing, connection: OktaConnection) -> None:
    """Remove the rotation of the connection's own key; that key works on."""
    kind = CredentialKind.CONNECTION_KEY
    for rotation in await tx.list(Rotation, connection_id=connection.id, kind=kind):
        await remove_whole(tx, rotation)


def _method(credentials: OktaCredentials) -> Method:
    return Method.SERVICE_APP if isinstance(credentials, ServiceApp) else Method.API_TOKEN


def _client_id(credentials: OktaCredentials) -> str | None:
    return credentials.client_id if isinstance(credentials, ServiceApp) else None
