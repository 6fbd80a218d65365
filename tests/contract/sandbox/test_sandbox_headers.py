"""The headers of every answer, as they were recorded, for machines and for people."""

import re

import pytest
from sandbox_kit import World

pytestmark = pytest.mark.anyio

ALWAYS = {
    "date": "Sun, 01 Mar 2026 12:00:00 GMT",
    "server": "nginx",
    "strict-transport-security": "max-age=315360000; includeSubDomains",
    "accept-ch": "Sec-CH-UA-Platform-Version",
}
UNCACHED = {"cache-control": "no-cache, no-store", "pragma": "no-cache", "expires": "0"}
COOKIE = re.compile(r"JSESSIONID=([0-9A-F]{32}); Path=/; Secure; HttpOnly")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/apps", 200),
        ("POST", "/api/v1/apps/{app}/credentials/secrets", 201),
        ("GET", "/api/v1/apps/unknown", 404),
        ("GET", "/api/v1/nowhere", 404),
        ("PUT", "/api/v1/logs", 405),
        ("GET", "/oauth2/v1/clients/unknown/roles", 404),
    ],
)
async def test_management_answers(world: World, method: str, path: str, status: int) -> None:
    """Every answer with a body carries them, whatever it says."""
    answer = await world.admin(method, path.format(app=world.app_id))
    assert answer.status_code == status
    assert (ALWAYS | UNCACHED).items() <= dict(answer.headers).items()
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-security-policy"].startswith("default-src 'self'")
    assert COOKIE.fullmatch(answer.headers["set-cookie"])


async def test_answer_without_a_body(world: World) -> None:
    """A 204 has the header against frames instead of the one against sniffing, and no length."""
    path = f"{world.secrets_path}/{(await world.make_secret())['id']}"
    await world.admin("POST", f"{path}/lifecycle/deactivate")
    answer = await world.admin("DELETE", path)
    assert (answer.status_code, answer.headers["x-frame-options"]) == (204, "SAMEORIGIN")
    assert not {"x-content-type-options", "content-type", "content-length"} & set(answer.headers)
    assert (ALWAYS | UNCACHED).items() <= dict(answer.headers).items()


async def test_429_tells_nothing_of_caching_or_of_waiting(world: World) -> None:
    """A client must take the end of the window from the rate headers."""
    world.org.change_settings(profile="free")
    for _ in range(11):
        answer = await world.admin("GET", "/api/v1/apps")
    assert answer.status_code == 429
    assert not {"retry-after", *UNCACHED} & set(answer.headers)
    assert ALWAYS.items() <= dict(answer.headers).items()
    assert answer.headers["x-rate-limit-remaining"] == "0"


async def test_token_answers(world: World) -> None:
    """Tokens come with the headers of the management API."""
    answer = await world.service_token()
    assert (ALWAYS | UNCACHED).items() <= dict(answer.headers).items()
    assert answer.headers["x-robots-tag"] == "noindex,nofollow"
    assert COOKIE.fullmatch(answer.headers["set-cookie"])


async def test_pages_are_not_oktas(world: World) -> None:
    """What the sandbox shows to people is not held to a policy made for other pages."""
    page = await world.http.get("/oauth2/v1/authorize")
    assert page.headers["content-type"].startswith("text/html")
    assert not {"content-security-policy", "set-cookie", "accept-ch"} & set(page.headers)


async def test_session_cookie_is_seeded_and_new_each_time() -> None:
    """The same seed gives the same cookies, one for each answer, none of them the request's id."""
    runs = []
    for _ in range(2):
        world = World(3)
        async with world.http:
            answers = [await world.admin("GET", "/api/v1/apps") for _ in range(3)]
        runs.append([answer.headers["set-cookie"] for answer in answers])
        ids = {answer.headers["x-okta-request-id"].upper() for answer in answers}
    assert runs[0] == runs[1]
    assert len(set(runs[0])) == 3
    assert not ids & {cookie[11:43] for cookie in runs[0]}
