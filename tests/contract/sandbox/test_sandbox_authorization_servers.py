"""Custom authorization servers: their management, their metadata and what their tokens say."""

from datetime import timedelta

import jwt as pyjwt
import pytest
from sandbox_kit import BASE, CALLBACK, World, okta_error, without_id
from sandbox_oauth_kit import (
    ISSUER,
    Client,
    make_client,
    oauth_error,
    query,
    read_claims,
)

pytestmark = pytest.mark.anyio

SERVERS = "/api/v1/authorizationServers"
SCOPES = f"{SERVERS}/default/scopes"
CAR = {"name": "car:drive", "description": "Drive car"}


def make_service(world: World, **draft: object) -> Client:
    """Make a service app with a client secret."""
    grants = ("client_credentials",)
    return make_client(world, "default", application_type="service", grant_types=grants, **draft)


async def test_the_default_server(world: World) -> None:
    """A fresh org has one server, with the audience that Okta gives it."""
    (server,) = (await world.admin("GET", SERVERS)).json()
    assert (server["id"], server["audiences"]) == ("default", ["api://default"])
    assert (server["issuer"], server["status"]) == (ISSUER, "ACTIVE")
    assert (await world.admin("GET", f"{SERVERS}/default")).json() == server


async def test_a_server_is_made(world: World) -> None:
    """A new server has an id of its own, which is part of its issuer."""
    body = {"name": "Cars", "description": "All cars", "audiences": ["https://cars.example.com"]}
    made = await world.admin("POST", SERVERS, body)
    server = made.json()
    assert made.status_code == 201
    assert server["id"].startswith("aus")
    assert server["issuer"] == f"{BASE}/oauth2/{server['id']}"
    assert [s["id"] for s in (await world.admin("GET", SERVERS)).json()] == [
        "default",
        server["id"],
    ]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (
            {"audiences": ["a"]},
            ("Api validation failed: name", "name: The field cannot be left blank"),
        ),
        (
            {"name": "default", "audiences": ["a"]},
            (
                "Api validation failed: name",
                "name: An object with this field already exists in the current organization",
            ),
        ),
        (
            {"name": "x", "audiences": ["a", "b"]},
            (
                "Api validation failed: audiences",
                "audiences: Only one audience is supported, and it is required",
            ),
        ),
    ],
)
async def test_servers_refused(
    world: World, body: dict[str, object], error: tuple[str, str]
) -> None:
    """A server without a name, with a name that is taken, or with two audiences is refused."""
    answer = await world.admin("POST", SERVERS, body)
    assert (answer.status_code, without_id(answer)) == (400, okta_error("E0000001", *error))


async def test_unknown_server(world: World) -> None:
    """A server that does not exist is not found, in management and in discovery."""
    expected = okta_error("E0000007", "Not found: Resource not found: nope (AuthorizationServer)")
    for path in (f"{SERVERS}/nope", f"{SERVERS}/nope/scopes", f"{SERVERS}/nope/credentials/keys"):
        assert without_id(await world.admin("GET", path)) == expected
    answer = await world.http.get("/oauth2/nope/.well-known/openid-configuration")
    assert (answer.status_code, without_id(answer)) == (404, expected)


async def test_scopes_are_made_and_listed(world: World) -> None:
    """A custom scope joins those of OpenID Connect; its name is taken from then on."""
    made = await world.admin("POST", SCOPES, CAR)
    assert made.status_code == 201
    assert {**made.json(), "id": "", "_links": {}} == {
        **CAR,
        "id": "",
        "system": False,
        "default": False,
        "consent": "IMPLICIT",
        "optional": False,
        "metadataPublish": "NO_CLIENTS",
        "_links": {},
    }
    assert [s["name"] for s in (await world.admin("GET", SCOPES)).json()][-1] == "car:drive"
    again = await world.admin("POST", SCOPES, CAR)
    assert (again.status_code, again.json()["errorSummary"]) == (400, "Api validation failed: name")


@pytest.mark.parametrize("change", [{"consent": "MAYBE"}, {"metadataPublish": "SOME"}])
async def test_scopes_refused(world: World, change: dict[str, str]) -> None:
    """An unknown consent type or publication is refused by its member's name."""
    answer = await world.admin("POST", SCOPES, CAR | change)
    (member,) = change
    assert (answer.status_code, answer.json()["errorSummary"]) == (
        400,
        f"Api validation failed: {member}",
    )


async def test_metadata_of_both_kinds(world: World) -> None:
    """A custom server publishes both documents, which agree; the org only that of OpenID."""
    well_known = "/oauth2/default/.well-known"
    openid = (await world.http.get(f"{well_known}/openid-configuration")).json()
    oauth = (await world.http.get(f"{well_known}/oauth-authorization-server")).json()
    assert {name for name in oauth if oauth[name] != openid[name]} == {"claims_supported"}
    assert (openid["issuer"], openid["token_endpoint"]) == (ISSUER, f"{ISSUER}/v1/token")
    answer = await world.http.get("/.well-known/oauth-authorization-server")
    assert answer.status_code == 404


async def test_only_published_scopes_are_in_the_metadata(world: World) -> None:
    """A custom scope is named in the metadata when it is published."""
    await world.admin("POST", SCOPES, CAR)
    await world.admin("POST", SCOPES, {"name": "seen", "metadataPublish": "ALL_CLIENTS"})
    path = "/oauth2/default/.well-known/openid-configuration"
    scopes = (await world.http.get(path)).json()["scopes_supported"]
    assert ("seen" in scopes, "car:drive" in scopes) == (True, False)


async def test_a_client_secret_earns_a_token(world: World) -> None:
    """client_credentials with a client secret works on a custom server, for configured scopes."""
    await world.admin("POST", SCOPES, CAR)
    client = make_service(world)
    answer = await client.grant("client_credentials", scope="car:drive")
    assert {**answer.json(), "access_token": ""} == {
        "token_type": "Bearer",
        "expires_in": 3600,
        "access_token": "",
        "scope": "car:drive",
    }
    token = answer.json()["access_token"]
    (jwk,) = (await world.http.get("/oauth2/default/v1/keys")).json()["keys"]
    options = {"verify_iat": False, "verify_exp": False}
    claims = pyjwt.decode(
        token, pyjwt.PyJWK(jwk), ["RS256"], audience="api://default", issuer=ISSUER, options=options
    )
    assert (claims["sub"], claims["cid"]) == (client.app.client_id, client.app.client_id)
    assert (claims["scp"], claims["exp"] - claims["iat"]) == (["car:drive"], 3600)
    assert pyjwt.get_unverified_header(token).keys() == {"alg", "kid"}


NO_DEFAULT = (
    "The authorization server resource does not have any configured default scopes, 'scope' must "
    "be provided."
)
NOT_CONFIGURED = "One or more scopes are not configured for the authorization server resource."


@pytest.mark.parametrize(
    ("scope", "error", "text"),
    [
        ("", "invalid_scope", NO_DEFAULT),
        ("nonsense", "invalid_scope", NOT_CONFIGURED),
        ("okta.apps.read", "invalid_scope", NOT_CONFIGURED),
        ("openid", "invalid_scope", "Cannot request 'openid' scopes using client credentials."),
        (
            "asks",
            "consent_required",
            (
                "The following scopes require user consent and cannot be granted for the client "
                "credentials grant type: [asks]."
            ),
        ),
    ],
)
async def test_scopes_without_a_person(world: World, scope: str, error: str, text: str) -> None:
    """What a client cannot have for itself is refused, each with its own text."""
    world.org.servers.add_scope("default", "asks", consent="REQUIRED")
    answer = await make_service(world).grant("client_credentials", scope=scope)
    assert oauth_error(answer) == (400, error, text)


async def test_default_scopes(world: World) -> None:
    """A default scope is granted when none was asked for."""
    world.org.servers.add_scope("default", "car:drive", default=True)
    answer = await make_service(world).grant("client_credentials")
    assert answer.json()["scope"] == "car:drive"


@pytest.mark.parametrize("seconds", [300, 86400])
async def test_lifetime_is_settable(world: World, seconds: int) -> None:
    """An access token lives as long as its server says."""
    world.org.servers.add_scope("default", "car:drive")
    world.org.servers.change_lifetimes("default", access=timedelta(seconds=seconds))
    client = make_service(world)
    body = (await client.grant("client_credentials", scope="car:drive")).json()
    assert body["expires_in"] == seconds
    world.clock.advance(seconds - 1)
    assert await client.is_active(body["access_token"])
    world.clock.advance(1)
    assert not await client.is_active(body["access_token"])


@pytest.mark.parametrize("seconds", [299, 86401])
async def test_lifetime_has_bounds(world: World, seconds: int) -> None:
    """Less than five minutes or more than a day is refused."""
    with pytest.raises(ValueError, match="300 to 86400"):
        world.org.servers.change_lifetimes("default", access=timedelta(seconds=seconds))


async def test_a_person_at_a_custom_server(world: World) -> None:
    """Log-in, tokens, userinfo and introspection all name the custom server."""
    client = make_client(world, "default")
    tokens = await client.tokens(scope="openid profile offline_access")
    access, identity = read_claims(tokens["access_token"]), read_claims(tokens["id_token"])
    assert (access["iss"], identity["iss"], access["aud"]) == (ISSUER, ISSUER, "api://default")
    headers = {"authorization": f"Bearer {tokens['access_token']}"}
    told = (await world.http.get("/oauth2/default/v1/userinfo", headers=headers)).json()
    assert told["preferred_username"] == access["sub"]
    seen = (await client.post("introspect", token=tokens["access_token"])).json()
    assert (seen["active"], seen["aud"], seen["iss"]) == (True, "api://default", ISSUER)


async def test_servers_do_not_know_each_others_tokens(world: World) -> None:
    """Elsewhere a token is inactive, no key to userinfo or the API, and not refreshed."""
    at_default = make_client(world, "default")
    at_org = Client(world, at_default.app)
    tokens = await at_default.tokens()
    assert not await at_org.is_active(tokens["access_token"])
    assert not await at_org.is_active(tokens["refresh_token"])
    headers = {"authorization": f"Bearer {tokens['access_token']}"}
    assert (await world.http.get("/oauth2/v1/userinfo", headers=headers)).status_code == 401
    api = await world.http.get("/api/v1/apps", headers=headers)
    assert "The access token provided is not intended for Okta." in api.headers["www-authenticate"]
    refused = await at_org.refresh(tokens["refresh_token"])
    text = "The grant was issued for another authorization server."
    assert oauth_error(refused) == (400, "invalid_request", text)


async def test_a_code_of_another_server(world: World) -> None:
    """A code is good only where it was issued."""
    client = make_client(world, "default")
    code = query(await client.sign_in())["code"]
    answer = await Client(world, client.app).grant(
        "authorization_code", code=code, redirect_uri=CALLBACK
    )
    assert oauth_error(answer)[2] == "The grant was issued for another authorization server."


async def test_a_stopped_server(world: World) -> None:
    """An INACTIVE or unknown server issues nothing, and says so in a page or in JSON."""
    world.org.servers.change_status("default", active=False)
    for server in ("default", "nope"):
        client = make_client(world, server)
        text = "The authorization server id is invalid."
        assert oauth_error(await client.grant("client_credentials")) == (
            400,
            "invalid_request",
            text,
        )
        page = await client.look()
        assert (page.status_code, text in page.text) == (400, True)


async def test_unused_refresh_token_of_a_custom_server(world: World) -> None:
    """There a refresh token has no end while it is used, and ends unused after seven days."""
    client = make_client(world, "default")
    token = (await client.tokens())["refresh_token"]
    for _ in range(30):
        world.clock.advance(6 * 86400)
        assert (await client.refresh(token)).status_code == 200
    world.clock.advance(7 * 86400)
    assert (await client.refresh(token)).status_code == 400
