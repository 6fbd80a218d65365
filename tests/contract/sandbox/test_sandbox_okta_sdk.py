"""The official Okta SDK for Python, unmodified, drives the sandbox over https."""

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from okta.client import Client
from okta.models import OAuth2ScopeConsentGrant
from okta.pagination import PaginationHelper
from sandbox_kit import shared_keys

from keyturn.sandbox import Org, Ready, SandboxConfig, serving

pytestmark = [pytest.mark.anyio, pytest.mark.slow]  # loading the SDK takes seconds


@pytest.fixture
async def ready() -> AsyncIterator[Ready]:
    """Give a fresh org on free ports, under the real clock."""
    async with serving(SandboxConfig(0, 0, 0, org=Org(1, keys=shared_keys()))) as ready:
        yield ready


def by_token(ready: Ready) -> dict[str, object]:
    """Return the SDK's settings for the SSWS token."""
    return {"token": ready.as_json()["ssws_token"]}


def by_key(ready: Ready) -> dict[str, object]:
    """Return the SDK's settings for the service app, which signs with its private key."""
    return {
        "authorizationMode": "PrivateKey",
        "clientId": ready.as_json()["service_client_id"],
        "privateKey": ready.as_json()["service_private_jwk"],
        "scopes": ["okta.apps.manage", "okta.apps.read"],
    }


def by_bound_key(ready: Ready) -> dict[str, object]:
    """Return the settings of `by_key` for an app that must prove possession (DPoP)."""
    ready.org.change_dpop(ready.org.seeded.service_app_id, bound=True)
    return {**by_key(ready), "dpopEnabled": True}


@asynccontextmanager
async def sdk(ready: Ready, config: dict[str, object]) -> AsyncIterator[Any]:
    """Open the SDK, which has no setting for a CA, on a session that trusts the sandbox's."""
    client = Client({"orgUrl": ready.https_url, **config})
    trust = ssl.create_default_context(cafile=str(ready.ca_file))
    connector = aiohttp.TCPConnector(ssl=trust)
    async with aiohttp.ClientSession(connector=connector) as session:
        client.get_request_executor().set_session(session)
        yield client


@pytest.mark.parametrize("connect", [by_token, by_key, by_bound_key])
async def test_the_sdk_turns_a_client_secret(
    ready: Ready, connect: Callable[[Ready], dict[str, object]]
) -> None:
    """The SDK lists, creates, deactivates, activates and deletes client secrets."""
    app_id = ready.org.seeded.web_app_id
    async with sdk(ready, connect(ready)) as client:
        (old,), _, error = await client.list_o_auth2_client_secrets(app_id)
        assert error is None
        made, answer, error = await client.create_o_auth2_client_secret(app_id)
        assert (error, answer.status_code, made.status) == (None, 201, "ACTIVE")
        for step, status in (("deactivate", "INACTIVE"), ("activate", "ACTIVE")):
            change = getattr(client, f"{step}_o_auth2_client_secret")
            changed, _, error = await change(app_id, made.id)
            assert (error, changed.status) == (None, status)
        await client.deactivate_o_auth2_client_secret(app_id, old.id)
        _, answer, error = await client.delete_o_auth2_client_secret(app_id, old.id)
        assert (error, answer.status_code) == (None, 204)
    assert [secret.id for secret in ready.org.read_app(app_id).live_secrets] == [made.id]


async def test_the_sdk_reads_apps_and_refusals(ready: Ready) -> None:
    """The SDK parses the apps, and the refusal to stop the only active client secret."""
    async with sdk(ready, by_token(ready)) as client:
        apps, _, error = await client.list_applications(limit=1)
        assert (error, [app.label for app in apps]) == (None, ["Example web app"])
        (only,), _, _ = await client.list_o_auth2_client_secrets(apps[0].id)
        *_, error = await client.deactivate_o_auth2_client_secret(apps[0].id, only.id)
        assert error.error_code == "E0000001"


async def test_the_sdk_pages_through_apps(ready: Ready) -> None:
    """The SDK finds the cursor of the next page in the Link fields, until there is none."""
    labels, after = [], None
    async with sdk(ready, by_token(ready)) as client:
        while after or not labels:
            apps, answer, error = await client.list_applications(limit=1, after=after)
            assert error is None
            labels += [app.label for app in apps]
            after = PaginationHelper.extract_next_cursor(answer.headers)
    assert labels == ["Example web app", "Example service app"]


async def test_the_sdk_grants_a_scope_and_takes_it_back(ready: Ready) -> None:
    """The SDK parses grants, with the scope's name and status."""
    app_id = ready.org.seeded.service_app_id
    asked = OAuth2ScopeConsentGrant(scope_id="okta.users.read", issuer=ready.https_url)
    async with sdk(ready, by_token(ready)) as client:
        made, _, error = await client.grant_consent_to_scope(app_id, asked)
        assert (error, made.scope_id, made.status) == (None, "okta.users.read", "ACTIVE")
        held, _, _ = await client.list_scope_consent_grants(app_id)
        assert "okta.users.read" in [grant.scope_id for grant in held]
        _, answer, error = await client.revoke_scope_consent_grant(app_id, made.id)
        assert (error, answer.status_code) == (None, 204)
    assert "okta.users.read" not in ready.org.read_app(app_id).granted_scopes


async def test_the_sdk_suspends_a_device(ready: Ready) -> None:
    """The SDK parses devices and their users, and changes their status."""
    async with sdk(ready, by_token(ready)) as client:
        devices, _, error = await client.list_devices(expand="user")
        assert error is None
        first = devices[0]
        assert first.status == "ACTIVE"
        users, _, error = await client.list_device_users(first.id)
        assert (error, users[0].user.profile.login) == (None, "user@example.com")
        _, answer, error = await client.suspend_device(first.id)
        assert (error, answer.status_code) == (None, 204)
        again, _, _ = await client.get_device(first.id)
        assert again.status == "SUSPENDED"


async def test_the_sdk_reads_the_log(ready: Ready) -> None:
    """The SDK parses the event that a new client secret leaves, and finds it by its type."""
    app_id = ready.org.seeded.web_app_id
    kind = "app.oauth2.credentials.lifecycle.create"
    async with sdk(ready, by_token(ready)) as client:
        made, _, _ = await client.create_o_auth2_client_secret(app_id)
        events, _, error = await client.list_log_events(filter=f'eventType eq "{kind}"')
    assert error is None
    (entry,) = [target.detail_entry for event in events for target in event.target[1:]]
    assert entry["ClientSecret"] == made.secret_hash
