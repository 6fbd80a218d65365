"""What one API token or app may use of the rate limits, as an admin has set it."""

import json

import httpx2
import pytest
from sandbox_kit import BASE, World, okta_error, without_id

from keyturn.sandbox import build_app, build_control
from keyturn.sandbox.state.snapshot import new_org, parse_snapshot, render_snapshot

pytestmark = pytest.mark.anyio

LIMITS = "/api/v1/principal-rate-limits"
BOTH = ("okta.principalRateLimits.manage", "okta.principalRateLimits.read")


def shares(world: World, percent: object = 10, **more: object) -> dict[str, object]:
    """Return shares for the seeded API token."""
    token = world.org.api_tokens[world.org.seeded.api_token]
    body: dict[str, object] = {"principalId": token.id, "principalType": "SSWS_TOKEN"}
    return body | {"defaultPercentage": percent, "defaultConcurrencyPercentage": 75} | more


async def limit_of(world: World, path: str = "/api/v1/apps") -> int:
    """Return what a call's answer says of its limit."""
    return int((await world.admin("GET", path)).headers["x-rate-limit-limit"])


async def test_an_entry_is_made_and_read(world: World) -> None:
    """It says whose it is, what is set, and who set it when, in seconds."""
    made = await world.admin("POST", LIMITS, shares(world))
    entry = made.json()
    admin, at = world.org.api_tokens[world.org.seeded.api_token].user_id, "2026-03-01T12:00:00Z"
    assert made.status_code == 201
    assert entry["id"].startswith("prl")
    assert {**entry, "id": ""} == shares(world) | {
        "id": "",
        "orgId": world.org.seeded.org_id,
        "lastUpdate": at,
        "lastUpdatedBy": admin,
        "createdDate": at,
        "createdBy": admin,
    }
    assert (await world.admin("GET", f"{LIMITS}/{entry['id']}")).json() == entry


async def test_a_share_holds_at_once(world: World) -> None:
    """Half of the org's limit, then what was set, then what it was replaced by."""
    assert await limit_of(world) == 50
    entry = (await world.admin("POST", LIMITS, shares(world, 10))).json()
    assert await limit_of(world) == 10
    world.clock.advance(60)
    new = (await world.admin("PUT", f"{LIMITS}/{entry['id']}", shares(world, 100))).json()
    assert await limit_of(world) == 100
    assert (new["defaultPercentage"], new["lastUpdate"]) == (100, "2026-03-01T12:01:00Z")
    assert new["createdDate"] == entry["createdDate"]


async def test_a_used_up_share_refuses(world: World) -> None:
    """The call after the last one of the share is 429, and other callers go on."""
    await world.admin("POST", LIMITS, shares(world, 3))
    answers = [await world.admin("GET", "/api/v1/apps") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    token = (await world.service_token()).json()["access_token"]
    headers = {"authorization": f"Bearer {token}"}
    assert (await world.http.get("/api/v1/apps", headers=headers)).status_code == 200


async def test_no_share_is_nothing(world: World) -> None:
    """However small the share, one call a window is left to set another."""
    world.org.change_settings(profile="free")
    await world.admin("POST", LIMITS, shares(world, 1))
    assert await limit_of(world) == 1


async def test_an_app_has_a_share_of_the_token_endpoint(world: World) -> None:
    """A client's share counts wherever the client calls."""
    body = shares(world, 25, principalId=world.app_id, principalType="OAUTH_CLIENT")
    await world.admin("POST", LIMITS, body)
    answer = await world.post("token", {})
    assert answer.headers["x-rate-limit-limit"] == "500"


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"defaultPercentage": 0}, "defaultPercentage: must be a number from 1 to 100"),
        ({"defaultPercentage": "50"}, "defaultPercentage: must be a number from 1 to 100"),
        ({"defaultPercentage": True}, "defaultPercentage: must be a number from 1 to 100"),
        (
            {"defaultConcurrencyPercentage": 101},
            "defaultConcurrencyPercentage: must be a number from 1 to 100",
        ),
        ({"principalId": ""}, "principalId: The field cannot be left blank"),
        (
            {"principalType": "USER"},
            "principalType: Must be one of: OAUTH_CLIENT, SSWS_TOKEN",
        ),
    ],
)
async def test_entries_refused(world: World, change: dict[str, object], cause: str) -> None:
    """A percentage out of range, no principal and an unknown type are refused by member."""
    answer = await world.admin("POST", LIMITS, shares(world) | change)
    (member,) = change
    expected = okta_error("E0000001", f"Api validation failed: {member}", cause)
    assert (answer.status_code, without_id(answer)) == (400, expected)


async def test_one_entry_a_principal(world: World) -> None:
    """A second entry for a principal is refused, and an entry keeps its principal."""
    entry = (await world.admin("POST", LIMITS, shares(world))).json()
    again = await world.admin("POST", LIMITS, shares(world, 20))
    assert (again.status_code, again.json()["errorSummary"]) == (
        400,
        "Api validation failed: principalId",
    )
    body = shares(world, principalId=world.app_id, principalType="OAUTH_CLIENT")
    moved = await world.admin("PUT", f"{LIMITS}/{entry['id']}", body)
    assert (moved.status_code, moved.json()["errorSummary"]) == (
        400,
        "Api validation failed: principalId",
    )


@pytest.mark.parametrize(
    ("kind", "named"), [("OAUTH_CLIENT", "AppInstance"), ("SSWS_TOKEN", "ApiToken")]
)
async def test_unknown_principals(world: World, kind: str, named: str) -> None:
    """A principal that does not exist is not found, nor is an entry."""
    body = shares(world, principalId="nobody", principalType=kind)
    answer = await world.admin("POST", LIMITS, body)
    expected = okta_error("E0000007", f"Not found: Resource not found: nobody ({named})")
    assert (answer.status_code, without_id(answer)) == (404, expected)
    for method, path in (("GET", f"{LIMITS}/prl1"), ("PUT", f"{LIMITS}/prl1")):
        answer = await world.admin(method, path, shares(world) if method == "PUT" else None)
        assert (answer.status_code, answer.json()["errorCode"]) == (404, "E0000007")


async def test_a_deleted_app_is_no_principal(world: World) -> None:
    """Nothing can be set for an app that is gone."""
    world.org.deactivate_app(world.app_id)
    world.org.delete_app(world.app_id)
    body = shares(world, principalId=world.app_id, principalType="OAUTH_CLIENT")
    assert (await world.admin("POST", LIMITS, body)).status_code == 404


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ('principalType eq "SSWS_TOKEN"', 1),
        ('principalType eq "OAUTH_CLIENT"', 2),
        ('principalType eq "OAUTH_CLIENT" and principalId eq "{app}"', 1),
        ('principalId eq "nobody"', 0),
        ("", None),
        ('principalType sw "S"', None),
        ('status eq "ACTIVE"', None),
    ],
)
async def test_lists_are_filtered(world: World, expression: str, found: int | None) -> None:
    """By type, by principal or by both; a list without a filter, or by another one, is refused."""
    await world.admin("POST", LIMITS, shares(world))
    for app_id in (world.app_id, world.org.seeded.service_app_id):
        body = shares(world, principalId=app_id, principalType="OAUTH_CLIENT")
        await world.admin("POST", LIMITS, body)
    query = {"filter": expression.format(app=world.app_id)}
    answer = await world.admin("GET", LIMITS, params=query)
    assert answer.status_code == (400 if found is None else 200)
    assert found is None or len(answer.json()) == found


async def test_pages_hold_fifty_at_most(world: World) -> None:
    """A greater limit than 50 is 50, and the filter goes along to the next page."""
    for app_id in (world.app_id, world.org.seeded.service_app_id):
        body = shares(world, principalId=app_id, principalType="OAUTH_CLIENT")
        await world.admin("POST", LIMITS, body)
    query = {"filter": 'principalType eq "OAUTH_CLIENT"', "limit": "200"}
    assert "limit=50" in (await world.admin("GET", LIMITS, params=query)).headers["link"]
    first = await world.admin("GET", LIMITS, params=query | {"limit": "1"})
    second = await world.admin("GET", first.links["next"]["url"].removeprefix(BASE))
    assert [len(page.json()) for page in (first, second)] == [1, 1]
    assert first.json() != second.json()


async def test_the_scopes_that_are_needed(world: World) -> None:
    """Reading needs the one scope, setting the other."""
    grants = f"/api/v1/apps/{world.org.seeded.service_app_id}/grants"
    for scope in BOTH:
        await world.admin("POST", grants, {"scopeId": scope, "issuer": BASE})
    for scope, method, status in (
        (BOTH[1], "GET", 400),
        (BOTH[1], "POST", 403),
        (BOTH[0], "POST", 201),
        (BOTH[0], "GET", 403),
    ):
        token = (await world.service_token(scope)).json()["access_token"]
        headers = {"authorization": f"Bearer {token}"}
        body = {"json": shares(world)} if method == "POST" else {}
        answer = await world.http.request(method, LIMITS, headers=headers, **body)  # type: ignore[arg-type]  # passed on
        assert answer.status_code == status, (scope, method)


async def test_setting_is_logged(world: World) -> None:
    """The System Log names the principal whose share was set."""
    await world.admin("POST", LIMITS, shares(world))
    (event,) = [e for e in world.org.system_log.events() if "configuration" in e.type]
    assert event.type == "system.rate_limit.configuration.update"
    assert [target.id for target in event.targets] == [shares(world)["principalId"]]


async def test_shares_survive_a_snapshot(world: World) -> None:
    """An org that was loaded keeps the entries, and they hold."""
    await world.admin("POST", LIMITS, shares(world))
    org = new_org(parse_snapshot(json.loads(json.dumps(render_snapshot({"a": world.org}))))["a"])
    assert org.principal_limits.list() == world.org.principal_limits.list()
    org.clock.set(world.clock.at)
    transport = httpx2.ASGITransport(build_app(org))
    headers = {"authorization": f"SSWS {org.seeded.api_token}"}
    async with httpx2.AsyncClient(transport=transport, base_url=BASE) as http:
        answer = await http.get("/api/v1/apps", headers=headers)
    assert answer.headers["x-rate-limit-limit"] == "10"


async def test_the_control_port_names_api_tokens(world: World) -> None:
    """A test learns the id of an SSWS token there, and nothing of its value."""
    transport = httpx2.ASGITransport(build_control(world.org, "t"))
    headers = {"authorization": "Bearer t"}
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://127.0.0.1:8712", headers=headers
    ) as control:
        made = (await control.post("/api-tokens", json={"label": "mine"})).json()
        listed = await control.get("/api-tokens")
    assert [token["id"] for token in listed.json()["api_tokens"]] == [
        shares(world)["principalId"],
        made["id"],
    ]
    assert made["ssws_token"] not in listed.text
