"""The official Okta SDK for Python, unmodified, drives the sandbox over https.

Every test runs in each way that the SDK can authenticate: an SSWS token, a service app's private
key, and the same with proof of possession (DPoP). The tests of one way share an org and the open
SDK, which takes seconds to make a key for its proofs; each has an app of its own. The SDK is
imported where it is used: loading it takes seconds too, and the fast tests do without.
"""

import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import aiohttp
import httpx2
import pytest

from keyturn.sandbox import Org, Ready, SandboxConfig, serving
from keyturn.sandbox.state.directory import AppDraft
from keyturn.sandbox.state.settings import Settings

pytestmark = [pytest.mark.anyio, pytest.mark.slow]  # loading the SDK takes seconds

SCOPES = [
    f"okta.{what}.{verb}"
    for what in ("apps", "appGrants", "devices", "logs")
    for verb in ("read", "manage")
    if (what, verb) != ("logs", "manage")
]
CREATED = "app.oauth2.credentials.lifecycle.create"
APP_CREATED = "application.lifecycle.create"


def by_token(ready: Ready) -> dict[str, object]:
    """Return the SDK's settings for the SSWS token."""
    return {"token": ready.as_json()["ssws_token"]}


def by_key(ready: Ready) -> dict[str, object]:
    """Return the SDK's settings for the service app, which signs with its private key."""
    return {
        "authorizationMode": "PrivateKey",
        "clientId": ready.as_json()["service_client_id"],
        "privateKey": ready.as_json()["service_private_jwk"],
        "scopes": SCOPES,
    }


def by_bound_key(ready: Ready) -> dict[str, object]:
    """Return the settings of `by_key` for an app that must prove possession (DPoP)."""
    return {**by_key(ready), "dpopEnabled": True}


@dataclass(frozen=True)
class Caller:
    """The SDK, open, and the org that it calls."""

    sdk: Any
    org: Org
    url: str


async def console(ready: Ready, change: str, body: dict[str, object]) -> None:
    """Change the service app at the control port."""
    url = f"{ready.control_url}/apps/{ready.org.seeded.service_app_id}/{change}"
    headers = {"authorization": f"Bearer {ready.control_token}"}
    async with httpx2.AsyncClient(headers=headers) as http:
        (await http.post(url, json=body)).raise_for_status()


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Let one event loop run all tests of this module."""
    return "asyncio"


@pytest.fixture(scope="module", params=[by_token, by_key, by_bound_key])
async def caller(request: pytest.FixtureRequest) -> AsyncIterator[Caller]:
    """Open the SDK on an org; its own setting for TLS does not work, its session's does."""
    connect: Callable[[Ready], dict[str, object]] = request.param
    org = Org(1, settings=Settings(profile="off"))
    async with serving(SandboxConfig(0, 0, 0, org=org)) as ready:
        await console(ready, "scopes", {"granted_scopes": SCOPES})
        await console(ready, "dpop", {"bound": connect is by_bound_key})
        from okta.client import Client

        client = Client({"orgUrl": ready.https_url, **connect(ready)})
        trust = ssl.create_default_context(cafile=str(ready.ca_file))
        connector = aiohttp.TCPConnector(ssl=trust)
        async with aiohttp.ClientSession(connector=connector) as session:
            client.get_request_executor().set_session(session)
            yield Caller(client, org, ready.https_url)


@pytest.fixture
def app_id(caller: Caller) -> str:
    """Make an app with one client secret, and give its id."""
    return caller.org.create_app(AppDraft("App of a test")).id


async def test_the_sdk_turns_a_client_secret(caller: Caller, app_id: str) -> None:
    """The SDK lists, creates, reads, deactivates, activates and deletes client secrets."""
    sdk = caller.sdk
    (old,), _, error = await sdk.list_o_auth2_client_secrets(app_id)
    assert error is None
    made, answer, error = await sdk.create_o_auth2_client_secret(app_id)
    assert (error, answer.status_code, made.status) == (None, 201, "ACTIVE")
    for step, status in (("deactivate", "INACTIVE"), ("activate", "ACTIVE")):
        change = getattr(sdk, f"{step}_o_auth2_client_secret")
        changed, _, error = await change(app_id, made.id)
        assert (error, changed.status) == (None, status)
    await sdk.deactivate_o_auth2_client_secret(app_id, old.id)
    _, answer, error = await sdk.delete_o_auth2_client_secret(app_id, old.id)
    assert (error, answer.status_code) == (None, 204)
    left, _, error = await sdk.get_o_auth2_client_secret(app_id, made.id)
    assert (error, left.secret_hash) == (None, made.secret_hash)
    assert [secret.id for secret in caller.org.read_app(app_id).live_secrets] == [made.id]


async def test_the_sdk_reads_refusals(caller: Caller, app_id: str) -> None:
    """The SDK parses the refusal to stop the only active client secret, and that of a third."""
    sdk = caller.sdk
    (only,), _, _ = await sdk.list_o_auth2_client_secrets(app_id)
    *_, error = await sdk.deactivate_o_auth2_client_secret(app_id, only.id)
    assert (error.status, error.error_code) == (400, "E0000001")
    await sdk.create_o_auth2_client_secret(app_id)
    *_, error = await sdk.create_o_auth2_client_secret(app_id)
    assert "maximum number of client secrets" in error.message


async def test_the_sdk_pages_through_apps(caller: Caller) -> None:
    """The SDK's own pager goes through pages of two apps, and finds every app once."""
    from okta.pagination import paginate_pages

    for number in range(3):
        caller.org.create_app(AppDraft(f"App {number}"))
    pages = [page async for page in paginate_pages(caller.sdk.list_applications, limit=2)]
    found = [app.id for apps, _, _ in pages for app in apps]
    assert found == [app.id for app in caller.org.list_apps()]
    assert [more for _, _, more in pages] == [True] * (len(pages) - 1) + [False]
    assert len(pages) > 2


async def test_the_sdk_follows_the_links_to_the_next_page(caller: Caller) -> None:
    """`has_next` and `next` of the SDK's answers lead from page to page until there is none."""
    from okta.api_response import OktaAPIResponse

    executor = caller.sdk.get_request_executor()
    authorization = {"Authorization": f"SSWS {caller.org.seeded.api_token}"}
    asked, _ = await executor.create_request("GET", "/api/v1/apps?limit=1", {}, authorization)
    request, details, body, error = await executor.fire_request(asked)
    answer = OktaAPIResponse(executor, request, details, body)
    found = [app["id"] for app in answer.get_body()]
    while error is None and answer.has_next():
        page, error = await answer.next()
        found += [app["id"] for app in page]
    assert (error, found) == (None, [app.id for app in caller.org.list_apps()])
    assert len(found) > 1


async def test_the_sdk_grants_a_scope_and_takes_it_back(caller: Caller) -> None:
    """The SDK grants a scope, reads it alone and in the list, and revokes it."""
    from okta.models import OAuth2ScopeConsentGrant

    sdk, org = caller.sdk, caller.org
    app_id = org.create_app(AppDraft("Grantee", granted_scopes=("okta.apps.read",))).id
    asked = OAuth2ScopeConsentGrant(scope_id="okta.users.read", issuer=caller.url)
    made, _, error = await sdk.grant_consent_to_scope(app_id, asked)
    assert (error, made.scope_id, made.status) == (None, "okta.users.read", "ACTIVE")
    held, _, _ = await sdk.list_scope_consent_grants(app_id)
    assert [grant.scope_id for grant in held] == ["okta.apps.read", "okta.users.read"]
    alone, _, error = await sdk.get_scope_consent_grant(app_id, made.id)
    assert (error, alone.scope_id) == (None, "okta.users.read")
    _, answer, error = await sdk.revoke_scope_consent_grant(app_id, made.id)
    assert (error, answer.status_code) == (None, 204)
    assert org.read_app(app_id).granted_scopes == ("okta.apps.read",)


async def test_the_sdk_leads_a_device_through_its_life(caller: Caller) -> None:
    """The SDK parses devices and their users, and takes one from ACTIVE to deleted."""
    from okta.pagination import paginate_all

    sdk = caller.sdk
    devices = [device async for device in paginate_all(sdk.list_devices, limit=2, expand="user")]
    assert [device.status for device in devices] == ["ACTIVE", "ACTIVE", "SUSPENDED"]
    first = devices[0].id
    users, _, error = await sdk.list_device_users(first)
    assert (error, users[0].user.profile.login) == (None, "user@example.com")
    steps = {"suspend": "SUSPENDED", "unsuspend": "ACTIVE", "deactivate": "DEACTIVATED"}
    for step, status in steps.items():
        _, answer, error = await getattr(sdk, f"{step}_device")(first)
        assert (error, answer.status_code) == (None, 204)
        again, _, _ = await sdk.get_device(first)
        assert again.status == status
    _, answer, error = await sdk.delete_device(first)
    assert (error, answer.status_code) == (None, 204)
    *_, error = await sdk.get_device(first)
    assert error.error_code == "E0000007"


async def test_the_sdk_reads_the_log(caller: Caller, app_id: str) -> None:
    """The SDK finds by type and target the event that a client secret leaves, with its hash."""
    made, _, _ = await caller.sdk.create_o_auth2_client_secret(app_id)
    search = f'eventType eq "{CREATED}" and target.id eq "{app_id}"'
    events, _, error = await caller.sdk.list_log_events(filter=search)
    assert error is None
    hashes = [event.target[1].detail_entry["ClientSecret"] for event in events]
    assert hashes == [made.secret_hash]


async def test_the_sdk_pages_through_the_log(caller: Caller) -> None:
    """A search with an end is paged by its links, and every event comes once, in its order."""
    from okta.pagination import paginate_all

    made = [caller.org.create_app(AppDraft(f"App {number}")).id for number in range(3)]
    until = (caller.org.now() + timedelta(minutes=1)).isoformat()
    search: dict[str, Any] = {"until": until, "filter": f'eventType eq "{APP_CREATED}"', "limit": 2}
    found = [e.target[0].id async for e in paginate_all(caller.sdk.list_log_events, **search)]
    assert found[-3:] == made
    assert len(found) == len(set(found))
