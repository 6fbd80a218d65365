"""Apps: creation, lists with paging, lifecycle and deletion."""

import re

import pytest
from sandbox_kit import BASE, World, okta_error, without_id

pytestmark = pytest.mark.anyio

WEB_APP = {
    "name": "oidc_client",
    "label": "Shop",
    "signOnMode": "OPENID_CONNECT",
    "credentials": {"oauthClient": {"client_id": "shop_client"}},
    "settings": {
        "oauthClient": {
            "application_type": "web",
            "client_uri": "https://shop.example.com",
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "redirect_uris": ["https://shop.example.com/cb"],
        }
    },
}


async def test_creation_shows_the_secret_once(world: World) -> None:
    """POST answers 200 with the client secret; reading and listing leave it out."""
    answer = await world.admin("POST", "/api/v1/apps", WEB_APP)
    made = answer.json()
    client = made["credentials"]["oauthClient"]
    assert (answer.status_code, made["status"], client["client_id"]) == (
        200,
        "ACTIVE",
        "shop_client",
    )
    (stored,) = world.org.read_app(made["id"]).live_secrets
    assert client["client_secret"] == stored.value
    read = await world.admin("GET", f"/api/v1/apps/{made['id']}")
    assert read.status_code == 200
    for text in (read.text, (await world.admin("GET", "/api/v1/apps")).text):
        assert stored.value not in text


async def test_created_app_keeps_its_settings(world: World) -> None:
    """What was given comes back, and Okta's own members are added."""
    made = (await world.admin("POST", "/api/v1/apps", WEB_APP)).json()
    settings = made["settings"]["oauthClient"]
    given = WEB_APP["settings"]["oauthClient"]  # type: ignore[index]  # a nested literal
    assert given.items() <= settings.items()
    assert settings["wildcard_redirect"] == "DISABLED"
    assert made["universalLogout"] is None
    assert made["_links"]["clientCredentials"] == [
        {"name": "secrets", "href": f"{BASE}/api/v1/apps/{made['id']}/credentials/secrets"}
    ]


async def test_created_inactive(world: World) -> None:
    """`activate=false` leaves the app INACTIVE."""
    made = await world.admin("POST", "/api/v1/apps?activate=false", WEB_APP)
    assert made.json()["status"] == "INACTIVE"


async def test_label_is_required(world: World) -> None:
    """An app without a label is refused."""
    answer = await world.admin("POST", "/api/v1/apps", {**WEB_APP, "label": None})
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "E0000001")


async def test_pages_are_linked_by_two_fields(world: World) -> None:
    """`self` and `next` are two Link fields; the last page has no `next`."""
    for number in range(3):
        await world.admin(
            "POST", "/api/v1/apps", {**WEB_APP, "label": f"My app {number}", "credentials": {}}
        )
    path = "/api/v1/apps?q=my+app&limit=2&filter=status+eq+%22ACTIVE%22"
    first = await world.admin("GET", path)
    last_id = first.json()[-1]["id"]
    tail = "limit=2&q=my+app&filter=status+eq+%22ACTIVE%22"
    assert first.headers.get_list("link") == [
        f'<{BASE}/api/v1/apps?{tail}>; rel="self"',
        f'<{BASE}/api/v1/apps?after={last_id}&{tail}>; rel="next"',
    ]
    following = re.findall("<(.*)>", first.headers.get_list("link")[1])[0]
    second = await world.admin("GET", following)
    assert [app["label"] for app in second.json()] == ["My app 2"]
    assert len(second.headers.get_list("link")) == 1


async def test_default_page_says_20(world: World) -> None:
    """Without a limit the self link says 20, also for an empty result."""
    answer = await world.admin("GET", "/api/v1/apps?q=nothing")
    assert answer.json() == []
    assert answer.headers.get_list("link") == [
        f'<{BASE}/api/v1/apps?limit=20&q=nothing>; rel="self"'
    ]


@pytest.mark.parametrize(
    ("query", "labels"),
    [
        ('filter=status eq "INACTIVE"', []),
        ('filter=name eq "oidc_client"', ["Example web app", "Example service app"]),
        ("q=example w", ["Example web app"]),
    ],
)
async def test_filters(world: World, query: str, labels: list[str]) -> None:
    """Lists can be narrowed by status, name and the beginning of the label."""
    answer = await world.admin("GET", f"/api/v1/apps?{query}")
    assert [app["label"] for app in answer.json()] == labels


async def test_lifecycle_and_deletion(world: World) -> None:
    """An ACTIVE app cannot be deleted; once stopped it can, and is gone."""
    path = f"/api/v1/apps/{world.app_id}"
    refused = await world.admin("DELETE", path)
    cause = "The application must be deactivated before deletion."
    assert refused.status_code == 403
    assert without_id(refused) == okta_error("E0000056", "Delete application forbidden.", cause)
    for step in ("deactivate", "activate", "deactivate"):
        answer = await world.admin("POST", f"{path}/lifecycle/{step}")
        assert (answer.status_code, answer.json()) == (200, {})
    assert (await world.admin("DELETE", path)).status_code == 204
    assert (await world.admin("GET", path)).status_code == 404


async def test_stopped_app_cannot_authenticate(world: World) -> None:
    """The client of an INACTIVE app is unknown to the token endpoint."""
    await world.admin("POST", f"/api/v1/apps/{world.app_id}/lifecycle/deactivate")
    answer = await world.post("introspect", {"token": "junk"})
    assert answer.status_code == 401
    assert answer.json()["error_description"] == "Invalid value for 'client_id' parameter."
