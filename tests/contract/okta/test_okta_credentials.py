"""Client keys and the secrets of API service integrations: the same calls under other names."""

import json
from collections.abc import Mapping
from urllib.parse import parse_qs

import httpx2
import pytest
from joserfc.jwk import ECKey
from okta_kit import APP, SECRET, VALUE, ScriptedOkta, refusal, reply, secret

from keyturn.domain.connection import ServiceApp
from keyturn.domain.errors import OktaRefused, OktaUnclear
from keyturn.domain.ids import CredentialId
from keyturn.domain.okta import AuthMethod, CredentialKind, KeyAlgorithm, Status, secret_hash
from keyturn.domain.sensitive import Sensitive
from keyturn.services.ports import AppCredentials, OktaCall

JWKS = f"/api/v1/apps/{APP}/credentials/jwks"
INTEGRATION = f"/integrations/api/v1/api-services/{APP}"
KEY_ID = CredentialId("pks1")
PUBLIC = {
    "kty": "EC",
    "crv": "P-256",
    "x": "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",
    "y": "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps",
}
THUMBPRINT = ECKey.import_key(PUBLIC).thumbprint()


def keys(okta: ScriptedOkta, *steps: httpx2.Response) -> AppCredentials:
    """Return an app's client keys, answered by these steps."""
    return okta.script(*steps).credentials_of(APP, CredentialKind.CLIENT_KEY)


def secrets(okta: ScriptedOkta, *steps: httpx2.Response) -> AppCredentials:
    """Return an integration's secrets, answered by these steps."""
    return okta.script(*steps).credentials_of(APP, CredentialKind.API_SERVICE_SECRET)


def key(**changed: object) -> dict[str, object]:
    """Render a client key as Okta shows it."""
    shown = {"id": KEY_ID, "created": "2026-04-01T10:00:00.000Z", "status": "ACTIVE", "kid": "any"}
    return {**shown, **PUBLIC, "use": None} | changed


@pytest.mark.parametrize(
    "body", [[key()], {"keys": [key()]}, {"jwks": {"keys": [key()]}}], ids=["array", "keys", "jwks"]
)
async def test_every_shape_of_a_list_of_keys_is_read(
    okta: ScriptedOkta, body: list[object] | Mapping[str, object]
) -> None:
    """Okta's documents disagree on the shape; a key is known by its thumbprint in each."""
    (found,) = await keys(okta, reply(200, body)).list()
    assert (found.id, found.hash, found.status) == (KEY_ID, THUMBPRINT, Status.ACTIVE)
    assert found.value is None
    assert okta.asked == [f"GET {JWKS}"]


@pytest.mark.parametrize("body", [{"keys": []}, {"jwks": {"keys": []}}, []], ids=str)
async def test_an_app_without_keys(
    okta: ScriptedOkta, body: list[object] | Mapping[str, object]
) -> None:
    """An empty list is empty in every shape."""
    assert await keys(okta, reply(200, body)).list() == ()


async def test_keys_for_encryption_are_none_of_ours(okta: ScriptedOkta) -> None:
    """What Okta only encrypts with is no credential."""
    assert await keys(okta, reply(200, [key(use="enc")])).list() == ()


async def test_what_is_no_key_is_unclear(okta: ScriptedOkta) -> None:
    """A list whose members are not keys is not Okta's."""
    with pytest.raises(OktaUnclear, match="not a key"):
        await keys(okta, reply(200, [key(kty="oct")])).list()


@pytest.mark.parametrize("algorithm", KeyAlgorithm)
async def test_only_the_public_half_is_added(okta: ScriptedOkta, algorithm: KeyAlgorithm) -> None:
    """Okta is given what everybody may know, ACTIVE, under the thumbprint as its name."""
    of = keys(okta, reply(201, key()))
    chosen = of.choose(algorithm)
    await of.add(chosen.value)
    sent = json.loads(okta.requests[0].content)
    named = {"kid": chosen.hash, "alg": algorithm, "use": "sig", "status": "ACTIVE"}
    assert sent.items() >= named.items()
    assert not {"d", "p", "q", "dp", "dq", "qi"} & set(sent)
    assert okta.journal == [OktaCall("add a client key", 201, "req1", changes=True)]


def test_elliptic_keys_are_made_of_chance_alone(okta: ScriptedOkta) -> None:
    """The same random bytes make the same key, other bytes another."""
    first = keys(okta).choose(KeyAlgorithm.ES256)
    again = keys(ScriptedOkta()).choose(KeyAlgorithm.ES256)
    assert first == again
    assert keys(okta).choose(KeyAlgorithm.ES256) != first


async def test_lifecycle_of_a_key(okta: ScriptedOkta) -> None:
    """Activate, deactivate and delete name the key; one that is gone is deleted."""
    gone = refusal(404, "E0000007", "Not found: Resource not found: pks1 (JsonWebKey)")
    of = keys(okta, reply(200, key()), reply(200, key(status="INACTIVE")), reply(204), gone)
    await of.activate(KEY_ID)
    await of.deactivate(KEY_ID)
    await of.delete(KEY_ID)
    await of.delete(KEY_ID)
    one = f"{JWKS}/{KEY_ID}"
    lifecycle = [f"POST {one}/lifecycle/activate", f"POST {one}/lifecycle/deactivate"]
    assert okta.asked == [*lifecycle, f"DELETE {one}", f"DELETE {one}"]


async def test_a_key_of_an_app_that_is_gone(okta: ScriptedOkta) -> None:
    """A 404 that names the app says nothing of the key."""
    gone = refusal(404, "E0000007", "Not found: Resource not found: 0oa1 (AppInstance)")
    with pytest.raises(OktaRefused):
        await keys(okta, gone).delete(KEY_ID)


async def test_okta_makes_an_integrations_secret(okta: ScriptedOkta) -> None:
    """Nothing is sent, and the value in the answer is the only one there will be."""
    added = await secrets(okta, reply(201, secret())).add(None)
    assert (added.value, added.hash) == (VALUE, secret_hash(VALUE))
    assert okta.asked == [f"POST {INTEGRATION}/credentials/secrets"]
    assert okta.requests[0].content == b""


async def test_masked_value_is_as_good_as_lost(okta: ScriptedOkta) -> None:
    """An answer that does not show the new value may have had its effect all the same."""
    with pytest.raises(OktaUnclear, match="value") as caught:
        await secrets(okta, reply(201, secret(client_secret="***show"))).add(None)
    assert caught.value.effect_possible


async def test_masked_secrets_have_a_hash(okta: ScriptedOkta) -> None:
    """An integration's list shows no values, and each secret is known all the same."""
    (found,) = await secrets(okta, reply(200, [secret(client_secret="***show")])).list()
    assert (found.id, found.value, found.hash) == (SECRET, None, secret_hash(VALUE))


async def test_integration_is_found_by_its_id(okta: ScriptedOkta) -> None:
    """Its client is named by a link; it authenticates with a secret and is ACTIVE."""
    link = {"client": {"href": "https://org.test/oauth2/v1/clients/0oaClient"}}
    body = {"id": APP, "type": "a", "name": "A service", "_links": link}
    found = await okta.script(reply(200, body)).find_app(APP, CredentialKind.API_SERVICE_SECRET)
    assert found
    assert (found.id, found.client_id, found.label) == (APP, "0oaClient", "A service")
    assert (found.status, found.auth_method) == (Status.ACTIVE, AuthMethod.CLIENT_SECRET_BASIC)
    assert okta.asked == [f"GET {INTEGRATION}"]


async def test_integration_that_is_not_there(okta: ScriptedOkta) -> None:
    """An unknown one is searched nowhere else; another refusal is an error."""
    kind = CredentialKind.API_SERVICE_SECRET
    gone = refusal(404, "E0000007", "Not found: Resource not found: 0oa1 (AppInstance)")
    assert await okta.script(gone).find_app(APP, kind) is None
    with pytest.raises(OktaRefused):
        await okta.script(refusal(403, "E0000006", "No")).find_app(APP, kind)
    assert len(okta.requests) == 2


async def test_api_token_needs_no_other(okta: ScriptedOkta) -> None:
    """Nothing is asked where there is no access token to be issued."""
    await okta.script().issue_token()
    assert okta.asked == []


async def test_integrations_have_scopes_of_their_own(okta: ScriptedOkta) -> None:
    """A service app asks for the scopes of integrations only where it needs them."""
    jwk = ECKey.generate_key("P-256").as_dict(private=True)
    granted = {"token_type": "Bearer", "expires_in": 3600, "access_token": "t", "scope": "x"}
    okta.script(reply(200, granted), reply(200, []))
    org = okta.open(ServiceApp("service1", Sensitive(json.dumps(jwk))))
    assert await org.credentials_of(APP, CredentialKind.API_SERVICE_SECRET).list() == ()
    asked = parse_qs(okta.requests[0].content.decode())["scope"]
    assert asked == ["okta.oauthIntegrations.manage okta.oauthIntegrations.read"]
