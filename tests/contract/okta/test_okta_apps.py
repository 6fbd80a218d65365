"""An app is found by its id, and failing that by its client id, wherever the list holds it."""

import httpx2
import pytest
from okta_kit import APP, BASE, ScriptedOkta, app, refusal, reply

from keyturn.domain.errors import OktaRefused, OktaThrottled, OktaUnclear
from keyturn.domain.ids import AppId, ClientId
from keyturn.domain.okta import App, AuthMethod, FoundApps, Status

GONE = refusal(404, "E0000007", "Not found: Resource not found: x (AppInstance)")
FIRST = "/api/v1/apps?limit=200&filter=status+eq+%22ACTIVE%22"
FOUND = App(APP, ClientId("client1"), "An app", Status.ACTIVE, AuthMethod.CLIENT_SECRET_BASIC)


def page(*apps: object, after: str | None = None, path: str = "/api/v1/apps") -> httpx2.Response:
    """Render one page; Okta sends two Link header fields."""
    links = [("link", f'<{BASE}/api/v1/apps?limit=200>; rel="self"')]
    if after:
        links.append(("link", f'<{BASE}{path}?after={after}&limit=200>; rel="next"'))
    content_type = ("content-type", "application/json")
    return httpx2.Response(200, headers=[content_type, *links], content=reply(200, [*apps]).content)


def other(name: str) -> dict[str, object]:
    """Render another app."""
    client = {"client_id": name, "token_endpoint_auth_method": "tls_client_auth"}
    return app(id=name, credentials={"oauthClient": client})


async def test_by_app_id(okta: ScriptedOkta) -> None:
    """One call is enough where the app id is known."""
    assert await okta.script(reply(200, app())).find_app(APP) == FOUND
    assert okta.asked == ["GET /api/v1/apps/0oa1"]


async def test_an_id_with_slashes_is_searched_as_one_name(okta: ScriptedOkta) -> None:
    """Somebody's odd input does not lead to another path of Okta's API."""
    assert await okta.script(GONE, page()).find_app("../users?x") is None
    assert okta.asked == ["GET /api/v1/apps/..%2Fusers%3Fx", f"GET {FIRST}"]


async def test_by_client_id_on_a_later_page(okta: ScriptedOkta) -> None:
    """The search follows the next link, past apps that are none of our business."""
    saml = {"id": "0oa9", "credentials": {"scheme": "x"}}
    org = okta.script(GONE, page(other("a"), saml, after="a"), page(other("b"), app()))
    assert await org.find_app("client1") == FOUND
    assert okta.asked[1:] == [f"GET {FIRST}", "GET /api/v1/apps?after=a&limit=200"]


async def test_nowhere(okta: ScriptedOkta) -> None:
    """An app on no page does not exist."""
    assert await okta.script(GONE, page(other("a"), after="a"), page()).find_app("client1") is None


@pytest.mark.parametrize("credentials", [None, {}, {"userNameTemplate": {}}])
async def test_an_app_without_oauth_is_not_found(okta: ScriptedOkta, credentials: object) -> None:
    """A SAML app has no client secret, so it is none to us."""
    assert await okta.script(reply(200, app(credentials=credentials))).find_app(APP) is None


@pytest.mark.parametrize(
    "path",
    ["@evil.test/api/v1/apps", ".evil.test/api/v1/apps", "/api/v1/apps/../users", "/api/v1/users"],
)
async def test_a_next_link_to_somewhere_else_is_not_followed(okta: ScriptedOkta, path: str) -> None:
    """The credentials travel to nothing but the list itself."""
    with pytest.raises(OktaUnclear, match="somewhere else"):
        await okta.script(GONE, page(after="a", path=path)).find_app("client1")
    assert len(okta.asked) == 2


async def test_a_loop_of_pages_ends(okta: ScriptedOkta) -> None:
    """A next link that was followed before is not followed again."""
    org = okta.script(GONE, page(after="a"), page(after="b"), page(after="a"))
    with pytest.raises(OktaUnclear, match="no end"):
        await org.find_app("client1")
    assert len(okta.asked) == 4


async def test_pages_without_end_are_left(okta: ScriptedOkta) -> None:
    """There is a last page, however many Okta promises."""
    org = okta.script(GONE, *(page(after=str(number)) for number in range(501)))
    with pytest.raises(OktaUnclear, match="no end"):
        await org.find_app("client1")
    assert len(okta.asked) == 501


async def test_other_refusals_are_not_taken_for_absence(okta: ScriptedOkta) -> None:
    """Only a 404 means that there is no such app."""
    with pytest.raises(OktaRefused):
        await okta.script(refusal(403, "E0000006", "No")).find_app(APP)
    with pytest.raises(OktaThrottled):
        await okta.script(refusal(429, "E0000047", "Too many")).find_app(APP)


@pytest.mark.parametrize(
    "garbled",
    [
        {},
        {"id": 1},
        app(label=None),
        app(status="GONE"),
        other("a"),
        app(credentials={"oauthClient": []}),
    ],
)
async def test_a_garbled_app_is_unclear(okta: ScriptedOkta, garbled: dict[str, object]) -> None:
    """What cannot be read whole is not guessed at."""
    with pytest.raises(OktaUnclear):
        await okta.script(reply(200, garbled)).find_app(AppId("a"))


BY_LABEL = "GET /api/v1/apps?limit=200&q="


async def test_apps_are_listed_by_how_their_labels_begin(okta: ScriptedOkta) -> None:
    """Okta searches; what is no OAuth app, or none that we know how to turn, is passed over."""
    saml = {"id": "0oa9", "status": "ACTIVE", "credentials": {"scheme": "x"}}
    deleted = app(id="0oa8", status="DELETED")
    org = okta.script(page(saml, other("a"), deleted, app()))
    assert await org.list_apps("my app & co", most=20) == FoundApps((FOUND,), more=False)
    assert okta.asked == [f"{BY_LABEL}my+app+%26+co"]


async def test_listed_apps_are_as_many_as_wanted(okta: ScriptedOkta) -> None:
    """No more pages are read than are needed, and that there are more is told."""
    one, two = app(), app(id="0oa2")
    found = await okta.script(page(one, two, after="x")).list_apps("", most=1)
    assert (len(found.apps), found.more) == (1, True)
    found = await okta.script(page(one, after="a"), page(two)).list_apps("", most=2)
    assert (len(found.apps), found.more) == (2, False)
    assert len(okta.asked) == 3


async def test_pages_without_an_oauth_app_are_left_after_five(okta: ScriptedOkta) -> None:
    """Somebody waits: an org full of other apps is not read to its end."""
    pages = [page(other("a"), after=f"{number}") for number in range(9)]
    found = await okta.script(*pages).list_apps("", most=20)
    assert found == FoundApps((), more=True)
    assert len(okta.asked) == 5
