"""A flow trades an assertion that it signs for an access token, as the guide to it has it.

The service app's key signs; the org judges the assertion, the proof and the token.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from cards_kit import DOMAIN, ORG_URL, Workshop, workshop_at_the_org
from echo_kit import jwk
from issuer_kit import EC_KEY
from joserfc.jwk import ECKey
from rig import PLACE

from keyturn.domain.flows.failures import Failure
from keyturn.domain.flows.values import MASK
from keyturn.domain.oauth.connection import GrantType
from keyturn.domain.sensitive import Sensitive
from keyturn.sandbox.state.directory import AppDraft
from keyturn.sandbox.state.records import App
from keyturn.services.grants import ConnectionDraft
from keyturn.services.oauth_connections import create_connection
from keyturn.services.registrations import Credential, RegistrationDraft, create_registration

TOKENS = f"{ORG_URL}/oauth2/v1/token"
FORM = {"content-type": "application/x-www-form-urlencoded"}
BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.fixture
async def it() -> AsyncIterator[Workshop]:
    """Have an org be the service that flows ask, and a service app's key as a secret."""
    async with workshop_at_the_org() as made:
        made.secrets["key"] = jwk(EC_KEY, "k1")
        yield made


def robot(it: Workshop, *, dpop: bool = False) -> App:
    """Make a service app that may read users, by a key."""
    public: Any = ECKey.import_key(EC_KEY.public_key()).as_dict() | {"kid": "k1", "use": "sig"}
    draft = AppDraft(
        "robot",
        application_type="service",
        auth_method="private_key_jwt",
        grant_types=("client_credentials",),
        response_types=("token",),
        jwks=(public,),
        granted_scopes=("okta.users.read",),
        admin_role="SUPER_ADMIN",
    )
    return it.rig.org.create_app(replace(draft, dpop_bound=dpop))


def trading(app: App, scope: str = "okta.users.read") -> list[dict[str, Any]]:
    """Return the cards that trade an assertion for a token."""
    signing = {
        "key": "{{ secrets.key }}",
        "algorithm": "ES256",
        "header": {"kid": "k1"},
        "issuer": app.client_id,
        "subject": app.client_id,
        "audience": TOKENS,
        "expires_in": 300,
        "jwtid": "{{ c1.text }}",
    }
    body = {
        "grant_type": "client_credentials",
        "scope": scope,
        "client_assertion_type": BEARER,
        "client_assertion": "{{ c2.token }}",
    }
    return [
        {"card": "text.uuid"},
        {"card": "jwt.sign", "with": signing},
        {"card": "api.post", "with": {"url": TOKENS, "headers": FORM, "body": body}},
    ]


async def test_a_flow_gets_a_token_and_uses_it(it: Workshop) -> None:
    """The token is good at the org, and in no step that is written down."""
    user = f"{ORG_URL}/api/v1/users/{it.rig.org.seeded.user_id}"
    end = await it.walk(
        *trading(robot(it)),
        {"card": "text.compose", "with": {"text": "Bearer {{ c3.body.access_token }}"}},
        {"card": "api.get", "with": {"url": user, "headers": {"authorization": "{{ c4.text }}"}}},
        {"card": "flow.return", "with": {"id": "{{ c5.body.id }}", "token": "{{ c3.body }}"}},
    )
    assert end.failure is None, end.failure
    body: Any = end.response.body.value
    assert body["id"] == it.rig.org.seeded.user_id
    assert (body["token"]["token_type"], body["token"]["scope"]) == ("Bearer", "okta.users.read")
    told = json.dumps([[step.inputs, step.outputs, step.error] for step in it.steps])
    assert body["token"]["access_token"] not in told
    assert MASK in told
    assert EC_KEY.private_numbers().private_value.to_bytes(32).hex() not in told


async def test_what_the_org_says_to_a_wrong_assertion(it: Workshop) -> None:
    """Its error is the flow's to see; what was sent is not."""
    app = robot(it)
    end = await it.walk(*trading(app, scope="okta.apps.manage"))
    assert end.failure
    assert (end.failure.kind, end.failure.status, end.failure.card) == (Failure.HTTP, 400, "c3")
    assert isinstance(end.failure.body, dict)
    assert end.failure.body["error"] in {"invalid_scope", "consent_required"}
    stranger = replace(app, client_id="0oa-nobody")
    end = await it.walk(*trading(stranger))
    assert end.failure
    assert end.failure.status == 401


@pytest.mark.parametrize("dpop", [False, True])
async def test_a_connection_without_people(it: Workshop, *, dpop: bool) -> None:
    """By the key and client credentials, with and without proof of possession (RFC 9449)."""
    app = robot(it, dpop=dpop)
    draft = RegistrationDraft(
        "robot",
        PLACE,
        Credential(app.client_id, Sensitive(jwk(EC_KEY, "k1"))),
        connector="okta",
        domain=DOMAIN,
        provider={"auth": "private_key_jwt", "dpop": dpop},
    )
    made = (await create_registration(it.rig.world, it.rig.admin, draft)).registration
    asked = ConnectionDraft(
        "robot", made.id, GrantType.CLIENT_CREDENTIALS, scopes=("okta.users.read",)
    )
    await create_connection(it.rig.world, it.rig.admin, asked)
    for number in range(3):
        it.rig.org.create_user(f"p{number}@example.com", "P", "Sales")
    told = await it.given("okta.list_users", "robot", limit=100, page_size=2)
    assert told["count"] == 5
    failure = await it.failed("okta.suspend_user", "robot", user=it.rig.org.seeded.user_id)
    assert failure.kind is Failure.SCOPE
    assert "keyturn connection update robot --project example" in failure.message
    assert "authorize" not in failure.message
