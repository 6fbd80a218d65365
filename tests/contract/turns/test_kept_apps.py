"""Keyturn's own way in is never the app of a rotation, whichever of the two came first."""

import json

import pytest
from kinds_kit import ES256
from rig import ORG_URL, Rig

from keyturn.domain.connection import ServiceApp
from keyturn.domain.errors import Refused
from keyturn.domain.okta import CredentialKind
from keyturn.domain.rotation import Rotation, SecretsMapping
from keyturn.domain.sensitive import Sensitive
from keyturn.sandbox.state.keys import render_private
from keyturn.services.connections import (
    OktaConnectionChange,
    OktaConnectionDraft,
    create_okta_connection,
    update_okta_connection,
)
from keyturn.services.own_key import turn_key


def own(rig: Rig) -> ServiceApp:
    """Return the credentials of the org's service app."""
    client_id = rig.org.apps[rig.org.seeded.service_app_id].client_id
    return ServiceApp(client_id, Sensitive(json.dumps(render_private(rig.org.keys.service))))


async def keep(rig: Rig) -> Rotation:
    """Have a rotation turn the key of that app for its readers."""
    seen = await rig.rotation(
        kind=CredentialKind.CLIENT_KEY,
        parameter=rig.org.seeded.service_app_id,
        mapping=SecretsMapping("K_ID", "K_JWK"),
        existing_value=own(rig).private_jwk,
        name="keys",
        algorithm=ES256,
    )
    return seen.rotation


async def connect(rig: Rig) -> str:
    """Connect as that app; return the connection's id."""
    draft = OktaConnectionDraft("own", None, None, ORG_URL, own(rig))
    return (await create_okta_connection(rig.world, rig.admin, draft)).id


async def test_connection_as_an_app_that_a_rotation_keeps_is_refused(rig: Rig) -> None:
    """The rotation would end the key, and Keyturn would have locked itself out."""
    await keep(rig)
    with pytest.raises(Refused, match="Rotation keys keeps app"):
        await connect(rig)


async def test_connection_is_not_changed_to_such_an_app(rig: Rig) -> None:
    """Nor may one that exists be given the key."""
    await keep(rig)
    change = OktaConnectionChange(credentials=own(rig))
    with pytest.raises(Refused, match="Rotation keys keeps app"):
        await update_okta_connection(rig.world, rig.admin, rig.connection.id, change)


async def test_key_that_a_rotation_turns_is_not_turned_beside_it(rig: Rig) -> None:
    """Where both came to be all the same, two turns do not meet on one app."""
    connection_id = await connect(rig)
    kept = (await rig.rotation()).rotation
    async with rig.world.store.writing() as tx:
        await tx.replace(Rotation(**vars(kept) | {"client_id": own(rig).client_id}))
    with pytest.raises(Refused, match="keeps app"):
        await turn_key(rig.world, rig.admin, connection_id, algorithm=ES256)
