"""Whether who granted a connection is still there, as Okta's System Log tells; asked on failure.

Okta ends what somebody has granted once they are deactivated or suspended, and says only that the
grant is no longer valid. Where Keyturn has access to that org, its log tells more. Nothing hangs on
it: what cannot be told is left out.
"""

from datetime import timedelta
from urllib.parse import urlsplit

from keyturn.domain.budget import Purpose
from keyturn.domain.connection import OktaConnection
from keyturn.domain.errors import KeyturnError
from keyturn.domain.oauth.connection import Connection
from keyturn.domain.oauth.connectors import OF_OKTA
from keyturn.domain.oauth.registration import ClientRegistration
from keyturn.domain.oauth.words import why_author_left
from keyturn.services.clients import provider_of
from keyturn.services.connections import open_org
from keyturn.services.ports import OktaOrg, World
from keyturn.services.projects import place_of

KEPT = timedelta(days=89)
"""As far back as Okta's System Log is asked; it goes back 90 days."""


async def why_refused(
    world: World, registration: ClientRegistration, connection: Connection
) -> str:
    """Say that who granted a connection has been deactivated or suspended at Okta, or nothing.

    One call of `/api/v1/logs`, and none where no Okta connection leads to that org.
    """
    if registration.connector not in OF_OKTA or not connection.subject_id:
        return ""
    try:
        org = await _find_org(world, registration)
        since = world.clock.now() - KEPT
        left = await org.find_departure(connection.subject_id, since=since) if org else None
    except KeyturnError:
        return ""
    return why_author_left(connection.subject, left) if left else ""


async def _find_org(world: World, registration: ClientRegistration) -> OktaOrg | None:
    """Open the org whose authorization server this is, where a connection of Okta's leads there."""
    issuer = provider_of(registration).issuer
    async with world.store.reading() as tx:
        place = await place_of(tx, registration.folder_id)
        for each in await tx.list(OktaConnection, organization_id=place.project.organization_id):
            near = each.project_id in (None, place.project.id)
            if near and _host(each.instance_url) == _host(issuer):
                quiet = Purpose.BACKGROUND
                return await open_org(tx, world, each.id, lambda call: None, quiet)
    return None


def _host(url: str | None) -> str:
    return urlsplit(url or "").netloc.lower()
