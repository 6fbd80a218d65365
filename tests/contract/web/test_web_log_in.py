"""Logging in at a browser: who may, what the cookie is like, and what no other site can do."""

import re
from collections.abc import Sequence

import httpx2
import pytest
from api_kit import PUBLIC_URL
from web_kit import EMAIL, PASSWORD, Page, WebHouse, visitor_of

from keyturn.api.app import build_api
from keyturn.domain.audit import AuditEntry
from keyturn.domain.sensitive import Sensitive
from keyturn.web.app import build_pages
from keyturn.web.sessions import form_token

PROOF = bytes(32)


async def test_who_is_nobody_logs_in_first_and_comes_back(web: WebHouse) -> None:
    """The page that was wanted is shown after the log-in, its query and all."""
    somebody = visitor_of(web.world)
    asked = await somebody.open("/?project=none")
    assert asked.path.startswith("/log-in")
    home = await somebody.press(asked, "Log in", email=EMAIL, password=PASSWORD)
    assert (home.path, home.status) == ("/?project=none", 200)
    assert EMAIL in home.text


@pytest.mark.parametrize(
    "after",
    [
        "https://evil.example.com/",
        "//evil.example.com/",
        "///evil.example.com/",
        "////evil.example.com/",
        "/\\evil.example.com",
        "javascript:alert(1)",
        "http:evil",
        "/a\nSet-Cookie: x=y",
        "https://[",
    ],
)
async def test_no_log_in_leads_to_another_site(web: WebHouse, after: str) -> None:
    """What comes after a log-in is a page of ours, whatever a link says."""
    somebody = visitor_of(web.world)
    shown = await somebody.open("/log-in", after=after)
    home = await somebody.press(shown, "Log in", email=EMAIL, password=PASSWORD)
    assert (home.answer.url.host, home.path) == ("keyturn.example.com", "/")


async def test_a_wrong_password_is_said_and_the_address_kept(web: WebHouse) -> None:
    """It is not said which of the two is wrong, and the password is not shown again."""
    somebody = visitor_of(web.world)
    shown = await somebody.log_in(password="a wrong password")
    assert shown.status == 401
    assert "e-mail address or the password is wrong" in shown.text
    assert shown.value("email") == EMAIL
    assert "a wrong password" not in shown.html


async def test_an_access_token_logs_in_and_survives_the_log_out(web: WebHouse) -> None:
    """What somebody brought is theirs; the session's own token ends with the session."""
    token = web.house.installed.admin_token.reveal()
    somebody = visitor_of(web.world)
    home = await somebody.press(
        await somebody.open("/log-in"), "Log in with the token", token=token
    )
    assert home.path == "/"
    out = await somebody.press(home, "Log out")
    assert out.path == "/log-in"
    assert "You are logged out" in out.text
    again = await visitor_of(web.world).http.get(
        "/api/v1/app-connections/okta", headers=bearer(token)
    )
    assert again.status_code == 200


async def test_a_log_out_ends_the_session_at_the_server(web: WebHouse) -> None:
    """Who copied the cookie holds nothing."""
    copied = session(web)
    await web.visitor.press(await web.visitor.open("/"), "Log out")
    answer = await visitor_of(web.world).http.get(
        "/api/v1/app-connections/okta", headers=bearer(copied)
    )
    assert answer.status_code == 401


async def test_no_script_reads_the_cookie_and_no_other_host_sets_it(web: WebHouse) -> None:
    """It is bound to the host and to TLS, and does not come with other sites' forms."""
    somebody = visitor_of(web.world)
    answer = await somebody.http.post(
        "/log-in", data={"email": EMAIL, "password": PASSWORD, "after": "/"}
    )
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-keyturn=")
    for wanted in ("HttpOnly", "Secure", "SameSite=lax", "Path=/"):
        assert wanted in cookie
    assert "domain" not in cookie.lower()


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example.com"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": PUBLIC_URL, "sec-fetch-site": "none"},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/log-out", "/log-in"])
async def test_a_form_of_another_site_does_nothing(
    web: WebHouse, path: str, headers: dict[str, str]
) -> None:
    """Even one that carries the right token, or the right password."""
    form = {
        "form_token": form_token(Sensitive(session(web)), PROOF),
        "email": EMAIL,
        "password": PASSWORD,
    }
    answer = await web.visitor.http.post(path, data=form, headers=headers)
    assert answer.status_code == 403
    assert "nothing was done" in answer.text
    assert (await web.visitor.open("/")).path == "/"


@pytest.mark.parametrize("token", ["", "AAAA", "no base64 ä", "A" * 88, "another session's"])
async def test_a_form_without_this_sessions_token_does_nothing(web: WebHouse, token: str) -> None:
    """A token that is missing, made up, or of another log-in is none."""
    if token == "another session's":
        token = form_token(web.house.installed.admin_token, PROOF)
    answer = await web.visitor.http.post("/log-out", data={"form_token": token})
    assert answer.status_code == 403
    assert (await web.visitor.open("/")).path == "/"


async def test_each_page_carries_another_token_that_is_good(web: WebHouse) -> None:
    """So the length of a compressed page tells nothing of it."""
    pages = [await web.visitor.open("/") for _ in range(2)]
    first, second = (page.value("form_token") for page in pages)
    assert first != second
    out = await web.visitor.press(pages[0], "Log out")
    assert out.path == "/log-in"


async def test_a_form_after_the_log_in_has_ended_does_nothing_and_says_so(web: WebHouse) -> None:
    """Nobody believes that it was done."""
    shown = await web.visitor.open("/")
    web.house.clock.advance(13 * 3600)
    late = await web.visitor.press(shown, "Log out")
    assert late.path == "/log-in"
    assert "nothing was done" in late.text


async def test_pages_forbid_what_is_not_ours(web: WebHouse) -> None:
    """No script, style, frame or form of anybody else's, and none in line."""
    answer = await web.visitor.http.get("/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", answer.text)


async def test_assets_are_kept_for_ever_under_their_content(web: WebHouse) -> None:
    """Their path changes with what is in them; another path has nothing."""
    page = await web.visitor.http.get("/")
    paths = re.findall(r'(?:src|href)="(/assets/[^"]+)"', page.text)
    assert len(paths) >= 4
    for path in paths:
        answer = await web.visitor.http.get(path)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        assert (
            await web.visitor.http.get(path.replace("/assets/", "/assets/x"))
        ).status_code == 404
    for path in ("/assets/x/../app.py", "/assets/0/none.css", "/assets/0/LICENSE"):
        assert (await web.visitor.http.get(path)).status_code == 404


async def test_what_is_not_there_is_a_page_that_says_so(web: WebHouse) -> None:
    """People get a page; programs get JSON at the API's paths."""
    shown = await web.visitor.open("/nothing-here")
    assert shown.status == 404
    assert "no page here" in shown.text
    assert shown.answer.headers["x-request-id"] in shown.text
    answer = await web.visitor.http.get("/api/v1/nothing-here")
    assert answer.json()["statusCode"] == 404


async def test_what_an_address_takes_is_told_where_it_takes_no_such_request(
    web: WebHouse,
) -> None:
    """A program learns from the header how it may be asked; a person gets the page."""
    found = Page(await web.visitor.http.request("POST", "/access/you"))
    assert found.status == 405
    assert "GET" in found.answer.headers["allow"].split(", ")


@pytest.mark.parametrize(("method", "path"), [("GET", "/nothing-here"), ("POST", "/access/you")])
async def test_what_is_not_there_has_the_menu_for_who_is_logged_in(
    web: WebHouse, method: str, path: str
) -> None:
    """They go on from there, or log out; nobody else is shown it, and nothing goes on record."""
    before = await entries(web)
    found = Page(await web.visitor.http.request(method, path))
    assert found.status in (404, 405)
    assert ("/rotations", "Rotations") in found.links
    assert (await web.visitor.press(found, "Log out")).path == "/log-in"
    assert [each.attempt.verb for each in (await entries(web))[len(before) :]] == ["revoke a token"]
    somebody = Page(await visitor_of(web.world).http.request(method, path))
    assert (somebody.status, somebody.forms) == (found.status, [])
    assert ("/rotations", "Rotations") not in somebody.links


async def entries(web: WebHouse) -> Sequence[AuditEntry]:
    """Return the audit log."""
    async with web.world.store.reading() as tx:
        return await tx.list_audit()


@pytest.mark.parametrize(
    ("public_url", "origin", "status"),
    [
        ("http://keys.example.com:8080", "http://keys.example.com:8080", 303),
        ("http://keys.example.com", "http://keys.example.com:80", 303),
        ("http://Keys.Example.com/", "http://keys.example.com", 303),
        ("https://keys.example.com", "http://keys.example.com", 403),
        ("http://keys.example.com", "http://keys.example.com:8080", 403),
        ("http://keys.example.com", "http://keys.example.com.evil.example.com", 403),
        ("http://keys.example.com", "null", 403),
        ("", "null", 403),
        ("", "http://keys.example.com", 403),
    ],
)
async def test_a_proxy_may_put_another_host_into_the_request(
    web: WebHouse, public_url: str, origin: str, status: int
) -> None:
    """Browsers say by plain http no more than the origin: it is that of the address they use."""
    pages = build_pages(web.world, version="0", public_url=public_url)
    app = build_api(web.world, version="0", public_url=public_url, pages=pages)
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://inside:8000") as http:
        form = {"email": EMAIL, "password": PASSWORD}
        answer = await http.post("/log-in", data=form, headers={"origin": origin})
    assert answer.status_code == status


async def test_too_large_a_form_is_refused(web: WebHouse) -> None:
    """The limit of the API's bodies holds for forms, too."""
    answer = await web.visitor.http.post("/log-in", data={"email": "x" * 1_100_000})
    assert answer.status_code == 413


def session(web: WebHouse) -> str:
    """Return the session's token."""
    return web.visitor.http.cookies["__Host-keyturn"]


def bearer(token: str) -> dict[str, str]:
    """Return the header that proves a token to the API."""
    return {"authorization": f"Bearer {token}"}


async def test_a_page_that_hides_where_people_come_from_may_hold_a_form(web: WebHouse) -> None:
    """Chromium then keeps the origin back, and says all the same that it is the same site."""
    form = {"form_token": form_token(Sensitive(session(web)), PROOF)}
    headers = {"origin": "null", "sec-fetch-site": "same-origin"}
    answer = await web.visitor.http.post("/log-out", data=form, headers=headers)
    assert answer.status_code == 303
