"""Claims about groups: of an app at the org's own server, and of custom servers."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from sandbox_kit import World
from sandbox_oauth_kit import Client, make_client, read_claims

from keyturn.sandbox import build_control

pytestmark = pytest.mark.anyio

SERVER = "/api/v1/authorizationServers/default"
CLAIMS = f"{SERVER}/claims"
SCOPE = "openid profile groups"
CLAIM: dict[str, object] = {
    "name": "groups",
    "claimType": "IDENTITY",
    "valueType": "GROUPS",
    "group_filter_type": "REGEX",
    "value": ".*",
    "alwaysIncludeInToken": True,
}


@pytest.fixture
async def control(world: World) -> AsyncIterator[httpx2.AsyncClient]:
    """Open the control port of the world's org."""
    transport = httpx2.ASGITransport(build_control(world.org, "t"))
    bearer = {"authorization": "Bearer t"}
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://127.0.0.1", headers=bearer
    ) as client:
        yield client


async def join(world: World, *names: str) -> list[str]:
    """Put the seeded person into new groups through the management API; return their ids."""
    ids = []
    for name in names:
        made = await world.admin("POST", "/api/v1/groups", {"profile": {"name": name}})
        ids.append(made.json()["id"])
        member = f"/api/v1/groups/{ids[-1]}/users/{world.org.seeded.user_id}"
        assert (await world.admin("PUT", member)).status_code == 204
    return ids


async def tell(control: httpx2.AsyncClient, client: Client, claim: object) -> httpx2.Response:
    """Set an app's groups claim at the console."""
    return await control.post(f"/apps/{client.app.id}/groups-claim", json={"groups_claim": claim})


async def id_claims(client: Client, scope: str = SCOPE) -> dict[str, object]:
    """Log in and return the claims of the ID token."""
    return read_claims((await client.tokens(scope=scope))["id_token"])


async def userinfo(client: Client, token: str) -> dict[str, object]:
    """Return what userinfo tells."""
    bearer = {"authorization": f"Bearer {token}"}
    answer = await client.world.http.get(f"{client.root}/userinfo", headers=bearer)
    told: dict[str, object] = answer.json()
    return told


async def test_an_app_whose_console_says_so_is_told_of_groups(
    world: World, control: httpx2.AsyncClient
) -> None:
    """In ID tokens and userinfo, for the scope `groups`; never in access tokens, nor before."""
    client = make_client(world)
    await join(world, "Keyturn Admins", "Everybody else")
    assert "groups" not in await id_claims(client)
    assert (await tell(control, client, {})).status_code == 200
    tokens = await client.tokens(scope=SCOPE)
    wanted = ["Keyturn Admins", "Everybody else"]
    assert read_claims(tokens["id_token"])["groups"] == wanted
    assert (await userinfo(client, tokens["access_token"]))["groups"] == wanted
    assert "groups" not in read_claims(tokens["access_token"])
    assert "groups" not in await id_claims(client, "openid profile")


@pytest.mark.parametrize(
    ("kind", "value", "told"),
    [
        ("STARTS_WITH", "KEYTURN ", ["Keyturn Admins"]),
        ("EQUALS", "keyturn admins", ["Keyturn Admins"]),
        ("EQUALS", "keyturn", None),
        ("CONTAINS", "MIN", ["Keyturn Admins", "minors"]),
        ("REGEX", "Key.*|x", ["Keyturn Admins"]),
        ("REGEX", "key.*", None),
        ("REGEX", "Key", None),
    ],
)
async def test_a_filter_chooses_groups(
    world: World,
    control: httpx2.AsyncClient,
    kind: str,
    value: str,
    told: list[str] | None,
) -> None:
    """Only the regular expression minds the case; a claim that names no group is left out."""
    client = make_client(world)
    await join(world, "Keyturn Admins", "minors")
    await tell(control, client, {"name": "teams", "filter": kind, "value": value})
    assert (await id_claims(client)).get("teams") == told


async def test_who_leaves_a_group_is_not_told_of_it(
    world: World, control: httpx2.AsyncClient
) -> None:
    """The next token tells of the groups as they are then."""
    client = make_client(world)
    (group_id,) = await join(world, "Keyturn Admins")
    await tell(control, client, {})
    assert "groups" in await id_claims(client)
    member = f"/api/v1/groups/{group_id}/users/{world.org.seeded.user_id}"
    await world.admin("DELETE", member)
    assert "groups" not in await id_claims(client)


async def test_a_groups_claim_is_taken_away(world: World, control: httpx2.AsyncClient) -> None:
    """By null; a replacement of the app leaves it, as the API does not know of it."""
    client = make_client(world)
    await join(world, "Keyturn Admins")
    await tell(control, client, {})
    path = f"/api/v1/apps/{client.app.id}"
    await world.admin("PUT", path, (await world.admin("GET", path)).json())
    assert "groups" in await id_claims(client)
    assert (await tell(control, client, None)).status_code == 200
    assert "groups" not in await id_claims(client)


@pytest.mark.parametrize(
    "claim", [[], "x", {"filter": "LIKE"}, {"value": "("}, {"value": ""}, {"regex": ".*"}]
)
async def test_groups_claims_that_are_none(
    world: World, control: httpx2.AsyncClient, claim: object
) -> None:
    """Are refused, and nothing is changed."""
    client = make_client(world)
    assert (await tell(control, client, claim)).status_code == 400
    assert world.org.read_app(client.app.id).groups_claim is None


async def test_a_custom_server_tells_by_its_claims(world: World) -> None:
    """For ID tokens or for access tokens, for some scopes or for any."""
    client = make_client(world, "default")
    await join(world, "Keyturn Admins")
    told = {"name": "teams", "conditions": {"scopes": ["email"]}}
    await world.admin("POST", CLAIMS, CLAIM)
    await world.admin("POST", CLAIMS, CLAIM | told | {"claimType": "RESOURCE"})
    for scope, access in (("openid profile", None), ("openid email", ["Keyturn Admins"])):
        tokens = await client.tokens(scope=scope)
        assert read_claims(tokens["id_token"])["groups"] == ["Keyturn Admins"]
        assert read_claims(tokens["access_token"]).get("teams") == access
        assert "teams" not in read_claims(tokens["id_token"])


async def test_a_claim_that_is_not_always_told_is_left_to_userinfo(world: World) -> None:
    """Beside an access token the ID token is without it (the document's alwaysIncludeInToken)."""
    client = make_client(world, "default")
    await join(world, "Keyturn Admins")
    await world.admin("POST", CLAIMS, CLAIM | {"alwaysIncludeInToken": False})
    tokens = await client.tokens(scope="openid")
    assert "groups" not in read_claims(tokens["id_token"])
    assert (await userinfo(client, tokens["access_token"]))["groups"] == ["Keyturn Admins"]


async def test_claims_are_changed_and_removed(world: World) -> None:
    """One that is INACTIVE or gone is told of no more; each change is in the log."""
    client = make_client(world, "default")
    await join(world, "Keyturn Admins")
    made = (await world.admin("POST", CLAIMS, CLAIM)).json()
    path = f"{CLAIMS}/{made['id']}"
    assert (await world.admin("GET", CLAIMS)).json() == [made]
    stopped = (await world.admin("PUT", path, CLAIM | {"status": "INACTIVE"})).json()
    assert stopped == made | {"status": "INACTIVE"}
    assert "groups" not in await id_claims(client, "openid")
    assert (await world.admin("DELETE", path)).status_code == 204
    assert (await world.admin("GET", path)).status_code == 404
    kinds = [event.type for event in world.org.system_log.events()]
    assert [kind for kind in kinds if kind.startswith("oauth2.claim.")] == [
        *("oauth2.claim.created", "oauth2.claim.updated", "oauth2.claim.deleted")
    ]


@pytest.mark.parametrize(
    ("change", "member"),
    [
        ({"name": ""}, "name"),
        ({"value": "("}, "value"),
        ({"value": None}, "value"),
        ({"group_filter_type": "LIKE"}, "group_filter_type"),
        ({"claimType": "BOTH"}, "claimType"),
        ({"valueType": "EXPRESSION"}, "valueType"),
        ({"status": "ASLEEP"}, "status"),
    ],
)
async def test_claims_refused(world: World, change: dict[str, object], member: str) -> None:
    """By the member that is wrong; expressions are not emulated."""
    answer = await world.admin("POST", CLAIMS, CLAIM | change)
    summary = f"Api validation failed: {member}"
    assert (answer.status_code, answer.json()["errorSummary"]) == (400, summary)
    assert (await world.admin("GET", CLAIMS)).json() == []


async def test_a_name_is_there_once_a_type(world: World) -> None:
    """An ID token's claim and an access token's may share a name, two of one type may not."""
    assert (await world.admin("POST", CLAIMS, CLAIM)).status_code == 201
    assert (await world.admin("POST", CLAIMS, CLAIM)).status_code == 400
    other = CLAIM | {"claimType": "RESOURCE"}
    assert (await world.admin("POST", CLAIMS, other)).status_code == 201
