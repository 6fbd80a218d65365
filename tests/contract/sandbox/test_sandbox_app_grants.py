"""Okta scopes granted to an app, and admin roles of its client: what they open, what is refused."""

import pytest
from sandbox_kit import BASE, World, okta_error, without_id

pytestmark = pytest.mark.anyio

NO_PERMISSION = okta_error("E0000006", "You do not have permission to perform the requested action")


@pytest.fixture
def path(world: World) -> str:
    """Return the path of the service app's grants."""
    return f"/api/v1/apps/{world.org.seeded.service_app_id}/grants"


@pytest.fixture
def roles(world: World) -> str:
    """Return the path of the service app's admin roles."""
    return f"/oauth2/v1/clients/{world.service_client_id}/roles"


def grant(scope: str | None, issuer: str | None = BASE) -> dict[str, str | None]:
    """Return the body of a new grant."""
    return {"scopeId": scope, "issuer": issuer}


async def test_grant_in_oktas_order(world: World, path: str) -> None:
    """POST answers 201 with the grant and, unlike GET, the scope embedded."""
    answer = await world.admin("POST", path, grant("okta.users.read"))
    made = answer.json()
    names = "id status created createdBy lastUpdated issuer clientId scopeId source"
    assert (answer.status_code, list(made)) == (201, [*names.split(), "_embedded", "_links"])
    assert (made["id"][:3], made["status"], made["source"]) == ("oag", "ACTIVE", "ADMIN")
    assert made["_embedded"] == {"scope": {"id": "okta.users.read"}}
    assert made["_links"]["self"]["href"] == f"{BASE}{path}/{made['id']}"
    admin = next(iter(world.org.users))
    assert made["createdBy"] == {"id": admin, "type": "User"}
    read = (await world.admin("GET", f"{path}/{made['id']}")).json()
    assert "_embedded" not in read
    assert (await world.admin("GET", f"{path}/{made['id']}?expand=scope")).json() == made


async def test_seeded_scopes_are_grants(world: World, path: str) -> None:
    """What an app was given at its making is listed, oldest first."""
    listed = (await world.admin("GET", path)).json()
    assert [item["scopeId"] for item in listed] == [
        "okta.apps.manage",
        "okta.apps.read",
        "okta.logs.read",
    ]


async def test_grants_decide_what_a_service_app_gets(world: World, path: str) -> None:
    """A scope is refused before its grant, issued after it, refused after its revocation."""
    statuses = [(await world.service_token("okta.users.read")).status_code]
    made = (await world.admin("POST", path, grant("okta.users.read"))).json()
    statuses.append((await world.service_token("okta.users.read")).status_code)
    assert (await world.admin("DELETE", f"{path}/{made['id']}")).status_code == 204
    refused = await world.service_token("okta.users.read")
    assert [*statuses, refused.status_code] == [400, 200, 400]
    assert refused.json()["error"] == "consent_required"
    assert (await world.admin("GET", f"{path}/{made['id']}")).status_code == 404


@pytest.mark.parametrize(
    ("body", "member", "rule"),
    [
        (grant("okta.nothing.read"), "scopeId", "Invalid scope."),
        (grant("profile"), "scopeId", "Invalid scope."),
        (grant(None), "scopeId", "The field cannot be left blank"),
        (grant("okta.users.read", None), "issuer", "The field cannot be left blank"),
        (grant("okta.users.read", "https://else.example"), "issuer", "Invalid issuer."),
        (
            grant("okta.apps.read"),
            "scopeId",
            "An object with this field already exists in the current organization",
        ),
    ],
)
async def test_refused_grants(
    world: World, path: str, body: dict[str, str | None], member: str, rule: str
) -> None:
    """An unknown scope, another issuer, half a body and a repetition are refused."""
    answer = await world.admin("POST", path, body)
    assert answer.status_code == 400
    assert without_id(answer) == okta_error(
        "E0000001", f"Api validation failed: {member}", f"{member}: {rule}"
    )


async def test_only_a_super_admin_grants(world: World, path: str) -> None:
    """A client with the scope but a lesser role cannot grant."""
    await world.admin("POST", path, grant("okta.appGrants.manage"))
    token = (await world.service_token("okta.appGrants.manage")).json()["access_token"]
    headers = {"authorization": f"Bearer {token}"}
    body = grant("okta.users.read")
    assert (await world.http.post(path, json=body, headers=headers)).status_code == 201
    world.org.change_admin_role(world.org.seeded.service_app_id, "ORG_ADMIN")
    answer = await world.http.post(path, json=body, headers=headers)
    assert (answer.status_code, without_id(answer)) == (403, NO_PERMISSION)


# --- roles ------------------------------------------------------------------------------------


async def test_standard_role(world: World, roles: str) -> None:
    """A standard role is assigned with 201, listed and read."""
    answer = await world.admin("POST", roles, {"type": "HELP_DESK_ADMIN"})
    made = answer.json()
    assert (answer.status_code, made["label"]) == (201, "Help Desk Administrator")
    assert list(made)[:4] == ["id", "label", "type", "status"]
    assert list(made)[4:] == ["created", "lastUpdated", "assignmentType", "_links"]
    assert (await world.admin("GET", roles)).json()[1:] == [made]
    assert (await world.admin("GET", f"{roles}/{made['id']}")).json() == made


async def test_custom_role(world: World, roles: str) -> None:
    """A custom role names its role and resource set."""
    body = {"type": "CUSTOM", "role": "cr0a", "resource-set": "iam1"}
    made = (await world.admin("POST", roles, body)).json()
    assert (made["id"][:3], made["role"], made["resource-set"]) == ("irb", "cr0a", "iam1")
    member = f"{BASE}/api/v1/iam/resource-sets/iam1/bindings/cr0a/members/{made['id']}"
    assert made["_links"]["member"] == {"href": member}


async def test_without_a_role_nothing_opens(world: World, roles: str) -> None:
    """A good token is 403 E0000006 once the last role is gone, and good again with one."""
    token = (await world.service_token("okta.apps.read")).json()["access_token"]
    headers = {"authorization": f"Bearer {token}"}
    (only,) = (await world.admin("GET", roles)).json()
    assert (await world.admin("DELETE", f"{roles}/{only['id']}")).status_code == 204
    answer = await world.http.get("/api/v1/apps", headers=headers)
    assert (answer.status_code, without_id(answer)) == (403, NO_PERMISSION)
    await world.admin("POST", roles, {"type": "APP_ADMIN"})
    assert (await world.http.get("/api/v1/apps", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (
            {"type": "SUPER_ADMIN"},
            409,
            okta_error(
                "E0000090",
                "Duplicate role assignment exception.",
                "The role specified is already assigned to the user.",
            ),
        ),
        (
            {"type": "KING"},
            400,
            okta_error("E0000001", "Api validation failed: type", "type: Invalid role type."),
        ),
        (
            {"type": "CUSTOM", "role": "cr0a"},
            400,
            okta_error(
                "E0000001",
                "Api validation failed: resource-set",
                "resource-set: The field cannot be left blank",
            ),
        ),
    ],
)
async def test_refused_roles(
    world: World, roles: str, body: dict[str, str], status: int, error: dict[str, object]
) -> None:
    """A role held already, an unknown one and half a custom one are refused."""
    answer = await world.admin("POST", roles, body)
    assert (answer.status_code, without_id(answer)) == (status, error)


async def test_unknown_client(world: World) -> None:
    """Roles of a client that does not exist are 404."""
    answer = await world.admin("GET", "/oauth2/v1/clients/nobody/roles")
    assert answer.status_code == 404
    assert without_id(answer) == okta_error(
        "E0000007", "Not found: Resource not found: nobody (PublicClientApp)"
    )


async def test_roles_have_their_own_bucket(world: World, roles: str) -> None:
    """`/oauth2/v1/clients` counts apart from the apps."""
    world.org.change_settings(profile="free")
    answer = await world.admin("GET", roles)
    assert answer.headers["x-rate-limit-limit"] == "12"


async def test_grants_and_roles_are_told_in_the_system_log(
    world: World, path: str, roles: str
) -> None:
    """Granting and assigning, and their undoing, are events."""
    last = world.org.system_log.last
    for place, body in ((path, grant("okta.users.read")), (roles, {"type": "APP_ADMIN"})):
        made = (await world.admin("POST", place, body)).json()
        await world.admin("DELETE", f"{place}/{made['id']}")
    assert [event.type for event in world.org.system_log.events(last)] == [
        "app.oauth2.admin.consent.grant",
        "app.oauth2.admin.consent.revoke",
        "app.oauth2.client.privilege.grant",
        "app.oauth2.client.privilege.revoke",
    ]
