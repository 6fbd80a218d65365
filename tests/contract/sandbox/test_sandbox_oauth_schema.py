"""Every OAuth operation that is there answers within Okta's own document of it."""

import json
from collections.abc import Awaitable, Callable

import httpx2
import pytest
from okta_spec import Operation, oauth
from sandbox_kit import CALLBACK, World
from sandbox_oauth_kit import (
    ALL_GRANTS,
    DEVICE_CODE,
    ISSUER,
    JWT_GRANT,
    TOKEN_EXCHANGE,
    Client,
    make_client,
    query,
)

from keyturn.sandbox import Fault
from keyturn.sandbox.routes import ROUTES

pytestmark = pytest.mark.anyio
Ask = Callable[[Client], Awaitable[httpx2.Response]]
Case = tuple[str, int, Ask]
ROUTED = {Operation("", route.method, route.pattern, {}).shape for route in ROUTES}
THERE = {one.id: one for one in oauth().operations.values() if one.shape in ROUTED}
GRANTS = (*ALL_GRANTS, JWT_GRANT)
WELL_KNOWN = "/.well-known/openid-configuration"
OAUTH_METADATA = "/.well-known/oauth-authorization-server"
ID_JAG = "urn:ietf:params:oauth:token-type:id-jag"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"


# --- requests ------------------------------------------------------------------------------------


def get(path: str, **query: str) -> Ask:
    """Fetch what anybody may read, below the issuer."""
    return lambda client: client.world.http.get(issuer_path(client) + path, params=query)


def issuer_path(client: Client) -> str:
    """Return the path of a client's server."""
    return f"/oauth2/{client.server}" if client.server else ""


def anonymous(path: str) -> Ask:
    """Fetch what needs a token, without one."""
    return lambda client: client.world.http.get(f"{client.root}/{path}")


def nowhere(path: str) -> Ask:
    """Fetch what anybody may read, of a server that does not exist."""
    return lambda client: client.world.http.get(f"/oauth2/nowhere{path}")


def post(path: str, **form: str) -> Ask:
    """Post a form as the client."""
    return lambda client: client.post(path, **form)


def impostor(path: str, **form: str) -> Ask:
    """Post a form as the client, with a wrong secret."""

    async def ask(client: Client) -> httpx2.Response:
        auth = (client.app.client_id, "wrong")
        return await client.world.http.post(f"{client.root}/{path}", data=form, auth=auth)

    return ask


def admin(path: str) -> Ask:
    """Fetch what admins may read."""
    return lambda client: client.world.admin("GET", path)


async def read_own_client(client: Client) -> httpx2.Response:
    """Read the client that the app is."""
    return await client.world.admin("GET", f"/oauth2/v1/clients/{client.app.client_id}")


def outsider(path: str) -> Ask:
    """Fetch what admins may read with the API token of somebody else."""

    async def ask(client: Client) -> httpx2.Response:
        org = client.world.org
        token = org.create_api_token("outsider", org.seeded.user_id)
        headers = {"authorization": f"SSWS {token}"}
        return await client.world.http.get(path, headers=headers)

    return ask


async def redeem(client: Client) -> httpx2.Response:
    """Log somebody in and redeem the code."""
    code = query(await client.sign_in())["code"]
    return await client.grant("authorization_code", code=code, redirect_uri=CALLBACK)


async def denied(client: Client) -> httpx2.Response:
    """Poll for a device that a person has turned down."""
    org = client.world.org
    asked = (await client.post("device/authorize", scope="openid")).json()
    code = org.interactions.find_user_code(asked["user_code"], org.now())
    assert code
    org.interactions.decide(code, org.seeded.user_id, org.now(), approve=False)
    return await client.grant(DEVICE_CODE, device_code=asked["device_code"])


async def mint_id_jag(client: Client) -> httpx2.Response:
    """Exchange an ID token for an ID-JAG."""
    client.world.org.servers.add_scope("default", "chat.read")
    return await client.grant(
        TOKEN_EXCHANGE,
        requested_token_type=ID_JAG,
        subject_token=(await client.tokens())["id_token"],
        subject_token_type=ID_TOKEN,
        audience=ISSUER,
        scope="chat.read",
    )


async def redeem_id_jag(client: Client) -> httpx2.Response:
    """Redeem an ID-JAG of the org's own server."""
    jag = (await mint_id_jag(Client(client.world, client.app))).json()["access_token"]
    return await client.grant(JWT_GRANT, assertion=jag)


def introspect(name: str) -> Ask:
    """Introspect one of the tokens of a log-in."""

    async def ask(client: Client) -> httpx2.Response:
        return await client.post("introspect", token=(await client.tokens())[name])

    return ask


def userinfo(scope: str) -> Ask:
    """Ask who it is, with a token of these scopes."""

    async def ask(client: Client) -> httpx2.Response:
        client.world.org.servers.add_scope("default", "car:drive")
        tokens = await client.tokens(scope=scope)
        headers = {"authorization": f"Bearer {tokens['access_token']}"}
        return await client.world.http.get(f"{client.root}/userinfo", headers=headers)

    return ask


ASKED = {"redirect_uri": CALLBACK, "response_type": "code", "state": "s"}


# --- what is called ------------------------------------------------------------------------------

SHARED: list[Case] = [
    ("token", 200, redeem),
    ("token", 400, post("token", grant_type="authorization_code", code="junk")),
    ("token", 400, post("token", grant_type="refresh_token", refresh_token="junk")),
    ("token", 400, post("token", grant_type="password")),
    ("token", 401, impostor("token", grant_type="authorization_code")),
    ("token", 403, denied),
    ("introspect", 200, introspect("access_token")),
    ("introspect", 200, introspect("refresh_token")),
    ("introspect", 200, introspect("id_token")),
    ("introspect", 200, post("introspect", token="junk")),
    ("introspect", 400, post("introspect")),
    ("introspect", 401, impostor("introspect", token="junk")),
    ("revoke", 200, post("revoke", token="junk")),
    ("revoke", 400, post("revoke")),
    ("revoke", 401, impostor("revoke", token="junk")),
    ("par", 200, post("par", **ASKED, scope="openid")),
    ("par", 400, post("par", **ASKED)),
    ("par", 401, impostor("par", **ASKED)),
    ("par", 403, post("par", **ASKED, scope="profile")),
    ("deviceAuthorize", 200, post("device/authorize", scope="openid")),
    ("deviceAuthorize", 400, post("device/authorize")),
    ("deviceAuthorize", 401, impostor("device/authorize", scope="openid")),
    ("userinfo", 200, userinfo("openid profile email")),
    ("userinfo", 401, anonymous("userinfo")),
    ("getWellKnownOpenIDConfiguration", 200, get(WELL_KNOWN)),
    ("getWellKnownOpenIDConfiguration", 400, get(WELL_KNOWN, client_id="nobody")),
]
ORG: list[Case] = [
    ("token", 200, mint_id_jag),
    ("userinfo", 403, userinfo("okta.users.read.self")),
    ("oauthKeys", 200, get("/oauth2/v1/keys")),
    ("listClients", 200, admin("/oauth2/v1/clients")),
    ("listClients", 403, outsider("/oauth2/v1/clients")),
    ("getClient", 200, read_own_client),
    ("getClient", 403, outsider("/oauth2/v1/clients/nobody")),
    ("getClient", 404, admin("/oauth2/v1/clients/nobody")),
]
CUSTOM: list[Case] = [
    ("tokenCustomAS", 200, redeem_id_jag),
    ("userinfoCustomAS", 403, userinfo("car:drive")),
    ("oauthKeysCustomAS", 200, get("/v1/keys")),
    ("getWellKnownOAuthConfigurationCustomAS", 200, get(OAUTH_METADATA)),
    ("getWellKnownOAuthConfigurationCustomAS", 400, get(OAUTH_METADATA, client_id="nobody")),
    ("getWellKnownOAuthConfigurationCustomAS", 404, nowhere(OAUTH_METADATA)),
    ("getWellKnownOpenIDConfigurationCustomAS", 404, nowhere(WELL_KNOWN)),
]
CASES: list[tuple[str, str | None, int, Ask]] = [
    *((name, None, status, ask) for name, status, ask in (*SHARED, *ORG)),
    *((f"{name}CustomAS", "default", status, ask) for name, status, ask in SHARED),
    *((name, "default", status, ask) for name, status, ask in CUSTOM),
]
# For people: the document says of them at most that they are there.
PAGES = {
    "authorize": ("authorize", None),
    "authorizeWithPost": ("authorize", None),
    "authorizeCustomAS": ("authorize", "default"),
    "authorizeCustomASWithPost": ("authorize", "default"),
    "logout": ("logout", None),
    "logoutWithPost": ("logout", None),
    "logoutCustomAS": ("logout", "default"),
    "logoutCustomASWithPost": ("logout", "default"),
}


# --- what is expected ----------------------------------------------------------------------------


def make_asker(world: World, server: str | None = None) -> Client:
    """Make an app that may ask for everything, at a server."""
    granted = ("okta.users.read.self",)
    return make_client(world, server, grant_types=GRANTS, granted_scopes=granted)


@pytest.mark.parametrize(("operation", "server", "status", "ask"), CASES)
async def test_answer_is_as_the_document_says(
    world: World, operation: str, server: str | None, status: int, ask: Ask
) -> None:
    """The status expected, and a body that keeps the schema promised for it."""
    answer = await ask(make_asker(world, server))
    assert answer.status_code == status, answer.text
    assert oauth().faults(operation, status, answer.content) == []


@pytest.mark.parametrize("operation", sorted(THERE))
async def test_too_many_requests_are_as_the_document_says(world: World, operation: str) -> None:
    """Each operation can be refused for the rate, with Okta's error object."""
    one = THERE[operation]
    world.org.add_fault(Fault("rate-limit"))
    answer = await world.http.request(one.method, one.example)
    assert answer.status_code == 429
    assert oauth().error_faults(answer.content) == []


@pytest.mark.parametrize("operation", sorted(PAGES))
async def test_people_get_a_page(world: World, operation: str) -> None:
    """What a browser opens is answered with a page."""
    page, server = PAGES[operation]
    client = make_asker(world, server)
    sent = client.asked()
    if page == "logout":
        sent = {"id_token_hint": (await client.tokens())["id_token"]}
    path, way = f"{client.root}/{page}", THERE[operation].method
    sending = {"data": sent} if way == "POST" else {"params": sent}
    answer = await client.world.http.request(way, path, **sending)  # type: ignore[arg-type]  # passed on
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")


def test_every_promise_is_tried() -> None:
    """Each status that the document has for an operation that is there is called for above."""
    promised = {(name, status) for name, one in THERE.items() for status in one.responses}
    tried = {(name, status) for name, _, status, _ in CASES} | {(name, 200) for name in PAGES}
    assert {(name, status) for name, status in promised - tried if status != 429} == set()
    assert {name for name, _ in tried} == {*THERE}


async def test_a_wrong_answer_is_caught(world: World) -> None:
    """A lifetime in words, and an error of no known kind, are faults."""
    whole = (await redeem(make_asker(world))).json()
    wrong = json.dumps(whole | {"expires_in": "an hour"}).encode()
    assert oauth().faults("token", 200, wrong) != []
    assert oauth().faults("token", 400, b'{"error": 7}') != []
