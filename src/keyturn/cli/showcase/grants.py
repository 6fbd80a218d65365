"""OAuth clients and connections of the installation, and the person who consents to them."""

from typing import Final
from urllib.parse import parse_qsl, urlsplit

import httpx2

from keyturn.cli.showcase.cast import CALLBACKS, OFFICE, WEB
from keyturn.cli.showcase.stage import Stage
from keyturn.domain.oauth.connection import Connection, GrantType
from keyturn.domain.oauth.connectors import OKTA, OKTA_DEVICES
from keyturn.domain.sensitive import Sensitive
from keyturn.sandbox import Org
from keyturn.sandbox.state.records import User
from keyturn.services.authorizing import begin_authorization, complete_authorization
from keyturn.services.credentials import Credential
from keyturn.services.grants import ConnectionDraft
from keyturn.services.oauth_connections import authorize_request, create_connection
from keyturn.services.projects import Where
from keyturn.services.registrations import RegistrationDraft, create_registration

CONSENT: Final = ("openid", "offline_access")
USERS: Final = (*CONSENT, "okta.users.read", "okta.apps.read")
ONBOARDING: Final = (*CONSENT, "okta.users.read")
DEVICES: Final = (*CONSENT, "okta.devices.read", "okta.groups.read")
"""The app was never granted the last one: Okta leaves it out without a word."""


async def connect_workflows(stage: Stage) -> None:
    """Register the Workflows app by its rotation, and authorize connections with it."""
    credential = Credential(rotation="workflows")
    for name, connector in (("workflows", OKTA.name), ("workflows-devices", OKTA_DEVICES.name)):
        await register(stage, OFFICE, name, credential, connector)
    await _connect(stage, "okta", "workflows", USERS)
    await _connect(stage, "okta-devices", "workflows-devices", DEVICES)
    await _connect(stage, "onboarding", "workflows", ONBOARDING)


async def connect_by_copy(stage: Stage) -> None:
    """Register an app by a pasted copy of its secret: no turn will ever reach it."""
    app = stage.org.read_app(stage.app_ids["customer-portal"])
    copied = Credential(app.client_id, Sensitive(app.live_secrets[-1].value))
    await register(stage, WEB, "portal-analytics", copied, OKTA.name)
    await _connect(stage, "analytics", "portal-analytics", CONSENT)


async def register(
    stage: Stage, where: Where, name: str, credential: Credential, connector: str
) -> None:
    """Register a client of the org."""
    domain = urlsplit(stage.org_url).netloc
    draft = RegistrationDraft(name, where, credential, connector, domain=domain)
    made = (await create_registration(stage.world, stage.admin, draft)).registration
    stage.registration_ids[name] = made.id


async def _connect(stage: Stage, name: str, registration: str, scopes: tuple[str, ...]) -> None:
    draft = ConnectionDraft(
        name, stage.registration_ids[registration], GrantType.CODE, scopes=scopes
    )
    made = (await create_connection(stage.world, stage.admin, draft)).connection
    stage.connection_ids[name] = made.id
    await _consent(stage, made)


async def _consent(stage: Stage, connection: Connection) -> None:
    """Have the org's administrator log in and agree, as their browser would."""
    world, user = stage.world, administrator(stage.org)
    begun = await begin_authorization(world, stage.admin, connection.id, redirect_uri=CALLBACKS[0])
    address = begun.address.reveal()
    form = {
        **dict(parse_qsl(urlsplit(address).query)),
        "login": user.login,
        "password": user.password,
    }
    async with httpx2.AsyncClient(transport=stage.transport) as browser:
        answer = await browser.post(address.partition("?")[0], data=form)
    told = dict(parse_qsl(urlsplit(answer.headers["location"]).query))
    await complete_authorization(world, told, binding=begun.binding)


def administrator(org: Org) -> User:
    """Return the person who administers the org: nobody else's tokens open its API."""
    return next(user for user in org.users.values() if user.admin)


async def use(stage: Stage, name: str) -> None:
    """Use a connection, as a flow or a service does."""
    await authorize_request(stage.world, stage.admin, stage.connection_ids[name])


async def end_grant(stage: Stage) -> None:
    """Have the person take back at the org what they granted for onboarding."""
    app = stage.org.read_app(stage.app_ids["workflows"])
    granted = stage.org.tokens.list_refresh(app.client_id, stage.org.now())
    stage.org.tokens.revoke(next(t.value for t in granted if {*t.scopes} == {*ONBOARDING}))
