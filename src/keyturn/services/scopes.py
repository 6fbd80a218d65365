"""Scopes that a client has to be granted at Okta before somebody can give them to a connection.

Okta leaves what the app was not granted out of a connection without a word. Where Keyturn has
access to the org, it is told before anybody is asked.
"""

import structlog

from keyturn.domain.connection import OktaConnection
from keyturn.domain.errors import KeyturnError
from keyturn.domain.oauth.connection import Connection
from keyturn.domain.oauth.connectors import CONNECTORS
from keyturn.domain.oauth.registration import ClientRegistration
from keyturn.services.clients import Held, open_client
from keyturn.services.connections import open_org
from keyturn.services.ports import OktaOrg, Reading, World

log = structlog.get_logger(__name__)


async def list_ungranted(
    world: World, connection: Connection, registration: ClientRegistration
) -> tuple[str, ...]:
    """Return the wanted scopes that the app has not been granted, as far as that can be known.

    Nothing is known without access to the org, or where that access may not see grants.
    """
    automatic = CONNECTORS[registration.connector].automatic
    wanted = [each for each in connection.scopes if each not in automatic]
    if not automatic or not wanted:
        return ()
    async with world.store.reading() as tx:
        held = await open_client(world, tx, registration)
        org = await _org(world, tx, held)
    if org is None:
        return ()
    try:
        app = await org.find_app(held.client.client_id)
        granted = await org.list_granted_scopes(app.id) if app else wanted
    except KeyturnError as error:
        log.info("grants not seen", registration=registration.id, why=error.message)
        return ()
    return tuple(each for each in wanted if each not in granted)


async def _org(world: World, tx: Reading, held: Held) -> OktaOrg | None:
    """Open the org whose own authorization server this is, where the project has access to it."""
    issuer, project_id = held.client.provider.issuer, held.place.project.id
    for each in await tx.list(OktaConnection, instance_url=issuer):
        if each.project_id in {None, project_id}:
            return await open_org(tx, world, each.id, lambda call: None)
    return None
