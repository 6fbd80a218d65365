"""Okta's clients for Node and a certified relying party, unmodified, over https."""

from typing import Any

import pytest
from peer_kit import Peers

from keyturn.sandbox.state.directory import AppDraft

pytestmark = [pytest.mark.anyio, pytest.mark.slow]  # each starts Node

SECRETS = "/api/v1/apps/{appId}/credentials/secrets"


async def used_methods(peers: Peers) -> set[str]:
    """Return how clients authenticated when they were granted tokens, by the System Log."""
    events = (await peers.look("/log"))["events"]
    return {e["debug"]["clientAuthType"] for e in events if "token.grant." in e["type"]}


async def refusals(peers: Peers) -> list[tuple[str, str]]:
    """Return where requests were refused, and why."""
    asked = (await peers.look("/requests"))["requests"]
    return [(r["route"], r["outcome"]) for r in asked if r["status"] >= 400]


async def read_app(peers: Peers, app_id: str) -> dict[str, Any]:
    """Return an app and its client secrets, deleted ones included, as the sandbox knows them."""
    apps = (await peers.look("/truth"))["apps"]
    (app,) = [app for app in apps if app["id"] == app_id]
    found: dict[str, Any] = app
    return found


@pytest.mark.parametrize("by", ["token", "key", "bound key"])
async def test_the_node_sdk_turns_a_client_secret(peers: Peers, by: str) -> None:
    """Okta's SDK creates a second secret, is refused a third, and takes the first away."""
    org = peers.ready.org
    org.change_dpop(org.seeded.service_app_id, bound=by == "bound key")
    said = await peers.run("okta_sdk.mjs", by=by.removeprefix("bound "))
    old, made = (await read_app(peers, org.seeded.web_app_id))["secrets"]
    assert said["secrets"] == [old["id"], made["id"]]
    assert "maximum number of client secrets" in said["refusal"]
    assert said["statuses"] == ["ACTIVE", "INACTIVE", "ACTIVE"]
    assert said["left"] == {"id": made["id"], "hash": made["hash"]}
    assert (old["status"], made["status"]) == ("DELETED", "ACTIVE")
    challenge = [("/oauth2/v1/token", "use_dpop_nonce")] if by == "bound key" else []
    assert await refusals(peers) == [*challenge, (SECRETS, "E0000001")]


async def test_the_node_sdk_pages_through_apps(peers: Peers) -> None:
    """Okta's SDK follows the links of three pages of two apps and finds every app once."""
    for number in range(3):
        peers.ready.org.create_app(AppDraft(f"App {number}"))
    said = await peers.run("okta_sdk.mjs", by="key")
    assert said["apps"] == [app["label"] for app in (await peers.look("/truth"))["apps"]]
    asked = (await peers.look("/requests"))["requests"]
    assert [r["route"] for r in asked].count("/api/v1/apps") == 3


@pytest.mark.parametrize(
    ("method", "server"),
    [
        ("client_secret_basic", ""),
        ("client_secret_basic", "/oauth2/default"),
        ("client_secret_post", ""),
        ("client_secret_jwt", ""),
        ("private_key_jwt", ""),
    ],
)
async def test_openid_client_goes_from_discovery_to_log_out(
    peers: Peers, method: str, server: str
) -> None:
    """A certified client logs in by PKCE, reads userinfo, refreshes, introspects and revokes."""
    said = await peers.run("openid_client.mjs", method=method, server=server)
    org = peers.ready.org
    assert said["login"] == org.users[org.seeded.user_id].login
    assert {"code_challenge", "nonce", "state"} <= set(said["asked"])
    assert (said["token_type"], said["renewed"], said["active"]) == ("bearer", True, [True, False])
    assert said["goodbye"] == "http://127.0.0.1/goodbye?state=bye"
    assert await used_methods(peers) == {method}
    assert await refusals(peers) == []


@pytest.mark.parametrize(
    ("method", "server"), [("client_secret_basic", ""), ("private_key_jwt", "/oauth2/default")]
)
async def test_openid_client_pushes_its_request_and_proves_possession(
    peers: Peers, method: str, server: str
) -> None:
    """With PAR the browser carries no more than a reference; with DPoP a key binds the tokens."""
    said = await peers.run("openid_client.mjs", method=method, server=server, par=True, dpop=True)
    assert sorted(said["asked"]) == ["client_id", "request_uri"]
    assert (said["token_type"], said["renewed"], said["active"]) == ("dpop", True, [True, False])
    assert await used_methods(peers) == {method}
    assert [outcome for _, outcome in await refusals(peers)] == ["use_dpop_nonce"]


@pytest.mark.parametrize(
    "method", ["client_secret_basic", "client_secret_post", "client_secret_jwt"]
)
async def test_a_deactivated_secret_ends_one_copy_of_a_client(peers: Peers, method: str) -> None:
    """Its refresh fails with invalid_client, the other secret's goes on; activating heals it."""
    said = await peers.run("turned_secret.mjs", method=method)
    working, broken = ["good", "good"], ["invalid_client", "good"]
    steps = [said[step] for step in ("overlap", "retired", "reinstated", "deleted")]
    assert steps == [working, broken, working, broken]
    secrets = (await read_app(peers, said["app"]))["secrets"]
    assert [secret["status"] for secret in secrets] == ["DELETED", "ACTIVE"]
    events = [e for e in (await peers.look("/log"))["events"] if "token.grant" in e["type"]]
    failed = {e["debug"]["clientSecret"] for e in events if e["result"] == "FAILURE"}
    assert failed == {said["old"]} == {secrets[0]["hash"]}


async def test_okta_verifier_for_node_tells_good_tokens_from_others(peers: Peers) -> None:
    """It takes the org's ID token and a custom server's access token, and nothing changed."""
    said = await peers.run("jwt_verifier.mjs")
    refused = {"tampered": "Signature", "audience": "audience"}
    assert said["access_token"] == {"good": "good", **refused}
    assert said["id_token"] == {"good": "good", **refused, "nonce": "nonce"}
    asked = [r["route"] for r in (await peers.look("/requests"))["requests"]]
    assert {"/oauth2/v1/keys", "/oauth2/{asId}/v1/keys"} <= set(asked)
