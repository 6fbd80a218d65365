"""Connections to Okta orgs: proved before they are stored, and opened where they are needed."""

from collections.abc import Sequence
from dataclasses import dataclass

from keyturn.domain import names
from keyturn.domain.access import Caller, Verb
from keyturn.domain.addresses import instance_url
from keyturn.domain.connection import Method, OktaConnection, OktaCredentials, ServiceApp
from keyturn.domain.errors import NotFound, Taken
from keyturn.domain.ids import ConnectionId, ProjectId
from keyturn.domain.project import Organization
from keyturn.services import gate
from keyturn.services.ports import Journal, OktaOrg, Reading, World
from keyturn.services.records import must
from keyturn.services.sealing import open_credentials, seal_credentials


@dataclass(frozen=True)
class OktaConnectionDraft:
    """A connection as somebody asks for it; without a project it serves the organization."""

    name: str
    description: str | None
    project_id: str | None
    instance_url: str
    credentials: OktaCredentials


async def create_okta_connection(
    world: World, caller: Caller, draft: OktaConnectionDraft
) -> OktaConnection:
    """Store a connection to an org, once the org has accepted its credentials.

    Raises InvalidInput, AddressRefused, Forbidden, Taken, and OktaError where the org says no.
    """
    project_id = ProjectId(draft.project_id) if draft.project_id else None
    name = names.slug("name", draft.name)
    url = instance_url(draft.instance_url, private_allowed=world.limits.private_addresses_allowed)
    subject = f"connection {name} to {url}"
    await gate.require(
        world, caller, Verb.CREATE_CONNECTIONS, subject=subject, project_id=project_id
    )
    async with world.store.reading() as tx:
        organization = await must(tx.find(Organization, id=caller.organization_id))
        if await tx.find(OktaConnection, organization_id=organization.id, name=name):
            raise Taken(f"There is a connection {name} already: choose another name.")
    await world.okta.open(url, draft.credentials, journal=lambda call: None).check_access()
    connection = _stored(world, organization, draft, name=name, url=url)
    async with world.store.writing() as writing:
        await writing.add(connection)
    return connection


def _stored(
    world: World, organization: Organization, draft: OktaConnectionDraft, *, name: str, url: str
) -> OktaConnection:
    new_id = ConnectionId(world.chance.uuid())
    now, credentials = world.clock.now(), draft.credentials
    service_app = credentials if isinstance(credentials, ServiceApp) else None
    return OktaConnection(
        id=new_id,
        organization_id=organization.id,
        project_id=ProjectId(draft.project_id) if draft.project_id else None,
        name=name,
        description=names.description(draft.description),
        method=Method.SERVICE_APP if service_app else Method.API_TOKEN,
        instance_url=url,
        client_id=service_app.client_id if service_app else None,
        sealed=seal_credentials(world, organization, new_id, credentials),
        version=1,
        created_at=now,
        updated_at=now,
    )


async def list_okta_connections(
    world: World, caller: Caller, *, project_id: str | None
) -> Sequence[OktaConnection]:
    """List the connections of a project and those of the whole organization. Raises Forbidden."""
    scope = ProjectId(project_id) if project_id else caller.project_id
    await gate.require(
        world, caller, Verb.READ_CONNECTIONS, subject="connections", project_id=scope
    )
    async with world.store.reading() as tx:
        every = await tx.list(OktaConnection, organization_id=caller.organization_id)
    return [c for c in every if scope is None or c.project_id in (None, scope)]


async def read_okta_connection(world: World, caller: Caller, connection_id: str) -> OktaConnection:
    """Read one connection. Raises NotFound, also for one of somebody else's project."""
    for connection in await list_okta_connections(world, caller, project_id=None):
        if connection.id == connection_id:
            return connection
    raise NotFound(f"There is no Okta connection {connection_id}.")


async def open_org(tx: Reading, world: World, connection_id: str, journal: Journal) -> OktaOrg:
    """Open the org behind a stored connection; every call is told to ``journal``."""
    connection = await must(tx.find(OktaConnection, id=connection_id))
    organization = await must(tx.find(Organization, id=connection.organization_id))
    credentials = open_credentials(world, organization, connection)
    return world.okta.open(connection.instance_url, credentials, journal=journal)
