"""A log-in that ends while somebody types: nothing is done, and nothing that was typed is lost."""

import re
from pathlib import Path
from urllib.parse import urlencode

import httpx2
import pytest
from api_kit import PUBLIC_URL
from web_kit import EMAIL, PASSWORD, Page, WebHouse

from keyturn.domain.destination_kinds import Kind
from keyturn.web.ended import is_secret
from keyturn.web.pages.destinations_kinds import credential_of
from keyturn.web.rendering import ASSETS

BROWSER = {"origin": PUBLIC_URL, "sec-fetch-site": "same-origin"}
SCRIPT = BROWSER | {"hx-request": "true"}
HOSTILE = "<script>alert(1)</script>\"'&\r\nand more"
CANARY = "canary-of-a-value"
HERE = {"project": "example", "environment": "dev", "path": "/"}
TEMPLATES = Path(str(ASSETS)).parent / "templates"


async def send(web: WebHouse, url: str, /, *, files: object = None, **fields: str) -> Page:
    """Send a form as a browser does, from the page of the folder."""
    headers = BROWSER | {"referer": f"{PUBLIC_URL}/secrets?path=%2F"}
    answer = await web.visitor.http.post(
        url,
        data=fields,
        files=files,  # type: ignore[arg-type]
        headers=headers,
    )
    return Page(answer)


async def end(web: WebHouse) -> str:
    """Let the log-in end, and return the form token that a page had before."""
    token = (await web.visitor.open("/")).value("form_token")
    web.house.clock.advance(13 * 3600)
    return token


async def folders(web: WebHouse) -> list[str]:
    """Return the folders that there are."""
    answer = await web.house.http.get("/api/v1/folders", params=web.house.place)
    return [each["name"] for each in answer.json()["folders"]]


async def test_what_was_typed_is_sent_after_a_new_log_in(web: WebHouse) -> None:
    """The page of the answer holds it, without the value, which is asked for once more."""
    form, _ = (await web.visitor.open(f"/secrets/new?{urlencode(HERE)}")).form_with(
        "Store the secret"
    )
    web.house.clock.advance(13 * 3600)
    typed = {**dict(form.fields), "name": "KEY", "value": CANARY, "comment": HOSTILE}
    kept = await send(web, form.action, **typed)
    assert kept.status == 401
    assert "Nothing was done" in kept.text
    assert ("/log-in?after=/secrets%3Fpath%3D%252F", "Log in in another tab") in kept.links
    await web.visitor.log_in()
    again = await web.visitor.press(kept, "I am logged in: go on")
    assert again.status == 403
    assert f"as {EMAIL}" in again.text
    assert "<script>alert" not in kept.html + again.html
    assert CANARY not in kept.html + again.html
    assert again.value("value") == ""
    done = await web.visitor.press(again, "Send it", value="typed once more")
    assert done.status == 200
    read = await web.house.http.get("/api/v3/secrets/raw/KEY", params=web.house.place)
    made = read.json()["secret"]
    assert made["secretValue"] == "typed once more"
    assert made["secretComment"].split() == HOSTILE.split()


async def test_it_is_done_once_and_by_who_is_logged_in_now(web: WebHouse) -> None:
    """What a form would have made is there after the second sending, and not before."""
    token = await end(web)
    path = f"/secrets/folders/new?{urlencode(HERE)}"
    kept = await send(web, path, form_token=token, name="late", description="")
    assert (kept.status, await folders(web)) == (401, [])
    await web.visitor.log_in()
    again = await web.visitor.press(kept, "I am logged in: go on")
    assert (again.status, await folders(web)) == (403, [])
    done = await web.visitor.press(again, "Send it")
    assert (done.status, await folders(web)) == (200, ["late"])


async def test_a_page_of_an_earlier_log_in_sends_its_form_all_the_same(web: WebHouse) -> None:
    """Somebody logged in anew in another tab: one look more, and it is done."""
    token = await end(web)
    await web.visitor.log_in()
    path = f"/secrets/folders/new?{urlencode(HERE)}"
    again = await send(web, path, form_token=token, name="late", description="")
    assert (again.status, await folders(web)) == (403, [])
    assert (await web.visitor.press(again, "Send it")).status == 200
    assert await folders(web) == ["late"]


@pytest.mark.parametrize("headers", [{}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}])
@pytest.mark.parametrize("logged_in", [True, False])
async def test_nothing_goes_back_to_who_does_not_say_where_it_comes_from(
    web: WebHouse, headers: dict[str, str], *, logged_in: bool
) -> None:
    """Another site's form would otherwise be one press from being done."""
    if not logged_in:
        await end(web)
    answer = await web.visitor.http.post(
        "/secrets/folders/new", data={"name": "planted", "form_token": "x"}, headers=headers
    )
    assert answer.status_code in ((403,) if logged_in or headers else (303,))
    assert "planted" not in answer.text


async def test_a_file_is_chosen_again(web: WebHouse) -> None:
    """Neither what is in it nor a text that may hold secrets goes back."""
    token = await end(web)
    files = {"file": ("a.env", b"KEY=canary-of-a-file", "text/plain")}
    fields = {"form_token": token, "text": "OTHER=canary\nMORE=canary", "format": "dotenv"}
    kept = await send(web, "/secrets/import", files=files, **fields)
    assert "Not kept, and asked for again: Text, File" in kept.text
    await web.visitor.log_in()
    again = await web.visitor.press(kept, "I am logged in: go on")
    assert "canary" not in kept.html + again.html
    assert 'enctype="multipart/form-data"' in again.html
    assert re.search(r'<input id="f-file" name="file" type="file"[^>]* required', again.html)
    assert re.search(r'<textarea id="f-text" name="text"[^>]* required', again.html)
    assert again.value("format") == "dotenv"


async def test_a_form_that_says_nothing_leads_to_the_log_in_and_back(web: WebHouse) -> None:
    """There is nothing to lose: after the log-in, the page of the form is shown."""
    token = await end(web)
    answer = await web.visitor.http.post(
        "/log-out",
        data={"form_token": token},
        headers=BROWSER | {"referer": f"{PUBLIC_URL}/access/you?a=b"},
        follow_redirects=True,
    )
    asked = Page(answer)
    assert "nothing was done" in asked.text
    home = await web.visitor.press(asked, "Log in", email=EMAIL, password=PASSWORD)
    assert home.path == "/access/you?a=b"


@pytest.mark.parametrize("referer", ["https://evil.example.com/x", "https://[", "/log-in?after=/"])
async def test_the_way_back_is_a_page_of_ours(web: WebHouse, referer: str) -> None:
    """Whatever a browser says that the form was on."""
    token = await end(web)
    answer = await web.visitor.http.post(
        "/log-out", data={"form_token": token}, headers=BROWSER | {"referer": referer}
    )
    assert answer.headers["location"] == "/log-in"


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/overview/live"), ("POST", "/flows/new/check")]
)
async def test_a_script_is_told_in_a_word(web: WebHouse, method: str, path: str) -> None:
    """No log-in page is drawn into a part of a page."""
    await end(web)
    answer = await web.visitor.http.request(method, path, headers=SCRIPT)
    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("text/plain")
    assert "form-token" not in answer.headers


async def test_a_stream_is_told_in_a_word(web: WebHouse) -> None:
    """The log-in page is no stream of events."""
    await end(web)
    headers = {"accept": "text/event-stream"}
    answer = await web.visitor.http.get("/rotations/any/live", headers=headers)
    assert answer.status_code == 401


async def test_a_script_of_an_earlier_log_in_is_given_the_new_proof(web: WebHouse) -> None:
    """What it asks for with that is done; a script of another site is given none."""
    token = await end(web)
    await web.visitor.log_in()
    path = "/flows/new/check"

    async def ask(token: str, headers: dict[str, str]) -> httpx2.Response:
        fields = {"form_token": token, "source": "flow: x"}
        return await web.visitor.http.post(path, data=fields, headers=headers)

    refused = await ask(token, SCRIPT)
    assert refused.status_code == 403
    for headers in (SCRIPT | {"sec-fetch-site": "cross-site"}, {"hx-request": "true"}):
        assert "form-token" not in (await ask(token, headers)).headers
    found = await ask(refused.headers["form-token"], SCRIPT)
    assert found.status_code == 200


def test_every_field_that_hides_what_is_typed_is_known_as_secret() -> None:
    """What a form hides is never given back in a page."""
    hidden = re.compile(r'ui\.field\([^"\n]*"?[^"\n]*"?, "(\w+)"[^\n]*?type="password"')
    names = {
        name for file in TEMPLATES.rglob("*.html") for name in hidden.findall(file.read_text())
    }
    assert len(names) >= 9
    assert {each for each in names if not is_secret(each)} == set()


def test_every_credential_of_a_destination_is_known_as_secret() -> None:
    """They are asked for by names that their kinds give them."""
    names = [each.name for kind in Kind for each in credential_of(kind)]
    assert names
    assert [each for each in names if not is_secret(each)] == []
    assert not is_secret("map_client_secret")  # what the secret is called, not what it is
