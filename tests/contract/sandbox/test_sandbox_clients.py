"""Apps as OAuth clients at `/oauth2/v1/clients`, read only."""

import pytest
from operation_recipes import jwk
from sandbox_kit import BASE, World, okta_error, without_id

pytestmark = pytest.mark.anyio

CLIENTS = "/oauth2/v1/clients"


async def test_a_client_is_the_app(world: World) -> None:
    """A client is read by its client id, in the words of registration, without its secret."""
    app = world.org.read_app(world.app_id)
    answer = await world.admin("GET", f"{CLIENTS}/{app.client_id}")
    assert answer.json() == {
        "client_id": app.client_id,
        "client_id_issued_at": int(app.created_at.timestamp()),
        "client_secret_expires_at": 0,
        "client_name": "Example web app",
        "client_uri": None,
        "logo_uri": None,
        "redirect_uris": ["http://127.0.0.1/callback"],
        "response_types": ["code"],
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "client_secret_basic",
        "application_type": "web",
    }


async def test_a_client_with_keys(world: World) -> None:
    """Public keys in use are shown, and nothing of a secret where there is none."""
    path = f"/api/v1/apps/{world.org.seeded.service_app_id}/credentials/jwks"
    made = await world.admin("POST", path, jwk("resting") | {"status": "INACTIVE"})
    assert made.json()["status"] == "INACTIVE"
    client = (await world.admin("GET", f"{CLIENTS}/{world.service_client_id}")).json()
    (key,) = client["jwks"]["keys"]
    assert (key["kid"], "d" in key) == (world.org.keys.service.kid, False)
    assert "client_secret_expires_at" not in client


async def test_pages_of_clients(world: World) -> None:
    """Pages follow one another, and `q` begins a client's name."""
    first = await world.admin("GET", CLIENTS, params={"limit": "1"})
    second = await world.admin("GET", first.links["next"]["url"].removeprefix(BASE))
    names = [page.json()[0]["client_name"] for page in (first, second)]
    assert names == ["Example web app", "Example service app"]
    assert "next" not in second.links
    found = await world.admin("GET", CLIENTS, params={"q": "example s"})
    assert [client["client_name"] for client in found.json()] == ["Example service app"]


async def test_an_unknown_client(world: World) -> None:
    """A client that does not exist, or is an API service integration, is not found."""
    body = {"type": "my_app_cie", "grantedScopes": ["okta.logs.read"]}
    made = (await world.admin("POST", "/integrations/api/v1/api-services", body)).json()
    integration = world.org.read_integration(made["id"])
    for client_id in ("nobody", integration.client_id):
        answer = await world.admin("GET", f"{CLIENTS}/{client_id}")
        text = f"Not found: Resource not found: {client_id} (PublicClientApp)"
        assert (answer.status_code, without_id(answer)) == (404, okta_error("E0000007", text))


async def test_reading_needs_its_scope(world: World) -> None:
    """A token without `okta.clients.read` is refused by a header."""
    token = (await world.service_token("okta.apps.read")).json()["access_token"]
    answer = await world.http.get(CLIENTS, headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 403
    assert 'scope="okta.clients.read"' in answer.headers["www-authenticate"]


async def test_discovery_for_a_client(world: World) -> None:
    """Discovery may name a client; one that does not exist is refused."""
    path = "/.well-known/openid-configuration"
    known = await world.http.get(path, params={"client_id": world.client_id})
    assert known.json() == (await world.http.get(path)).json()
    unknown = await world.http.get(path, params={"client_id": "nobody"})
    expected = okta_error("invalid_client", "Invalid value for 'client_id' parameter.")
    assert (unknown.status_code, without_id(unknown)) == (400, expected)
