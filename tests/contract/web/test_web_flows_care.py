"""Flows in the browser: switched, opened by a token, looked back at, removed; tables, imports."""

import re

import pytest
from endpoint_kit import FLOWS
from flopack_kit import COMPOSE, PackFile, card, chart, helper
from web_flows_kit import DOUBLE, GREET, HOSTILE, buttons, save, somebody, source_of
from web_kit import Page, WebHouse

TABLES = "/api/v1/flow-tables"


async def test_a_flow_is_switched_off_and_on(web: WebHouse) -> None:
    """By one button each; its address is gone meanwhile."""
    flow_id = await save(web, GREET)
    off = await web.visitor.press(await web.visitor.open(f"/flows/{flow_id}"), "Switch off")
    assert "greet is switched off." in off.text
    assert not (await web.house.http.get(f"{FLOWS}/{flow_id}")).json()["flow"]["enabled"]
    on = await web.visitor.press(off, "Switch on")
    assert "greet is switched on." in on.text
    assert (await web.house.http.get(f"{FLOWS}/{flow_id}")).json()["flow"]["enabled"]


async def test_a_client_token_is_shown_once_and_opens_the_endpoint(web: WebHouse) -> None:
    """The page is neither kept nor compressed; the next token ends the one before."""
    page = await web.visitor.open(f"/flows/{await save(web, GREET)}")
    first = await make_token(web, page, "Make the token")
    url = re.search(r"/api/flo/[0-9a-f]+/invoke", page.text)
    assert url
    opened = await web.house.http.post(url.group(), headers={"x-api-client-token": first})
    assert opened.status_code == 200
    page = await web.visitor.open(page.path)
    assert first not in page.html
    second = await make_token(web, page, "Make a new one")
    refused = await web.house.http.post(url.group(), headers={"x-api-client-token": first})
    assert refused.status_code == 401
    assert second != first


async def make_token(web: WebHouse, page: Page, link: str) -> str:
    """Make a client token by its page, and return it."""
    shown = await web.visitor.press(await web.visitor.follow(page, link), "Make it, and show it")
    assert shown.answer.headers["content-encoding"] == "identity"
    assert shown.answer.headers["cache-control"] == "no-store"
    found = re.search(r"<code>([0-9a-f]{64})</code>", shown.html)
    assert found
    return found.group(1)


async def test_an_older_version_is_read_compared_and_taken_back(web: WebHouse) -> None:
    """It says what the newest does otherwise, and comes into the editor; saving makes it new."""
    flow_id = await save(web, GREET)
    await save(web, GREET.replace("Hello", "Good day,"))
    page = await web.visitor.open(f"/flows/{flow_id}/versions")
    old = await web.visitor.follow(page, "Version 1")
    assert "changed card greeting.with.text" in old.text
    typed = await web.visitor.press(old, "Take it into the editor")
    assert typed.value("source") == GREET
    saved = await web.visitor.press(typed, "Save")
    assert "It is saved as version 3." in saved.text
    assert await source_of(web, flow_id) == (3, GREET)
    assert (await web.visitor.open(f"/flows/{flow_id}/versions/9")).status == 404
    assert (await web.visitor.open(f"/flows/{flow_id}/versions/x")).status == 404


async def test_a_flow_is_removed_once_its_name_is_typed(web: WebHouse) -> None:
    """Another name removes nothing."""
    flow_id = await save(web, GREET)
    asked = await web.visitor.follow(await web.visitor.open(f"/flows/{flow_id}"), "Remove it")
    wrong = await web.visitor.press(asked, "Remove it", confirm="other")
    assert wrong.status == 422
    assert (await web.house.http.get(f"{FLOWS}/{flow_id}")).status_code == 200
    gone = await web.visitor.press(wrong, "Remove it", confirm="greet")
    assert "greet is removed." in gone.text
    assert (await web.house.http.get(f"{FLOWS}/{flow_id}")).status_code == 404


# --- imported -------------------------------------------------------------------------------------


async def send(web: WebHouse, content: bytes, name: str = "export.flopack") -> Page:
    """Send a file to the page that imports."""
    page = await web.visitor.open("/flows/import")
    origin = str(web.visitor.http.base_url).rstrip("/")
    headers = {"origin": origin, "sec-fetch-site": "same-origin"}
    fields = {"form_token": page.value("form_token"), "project": "example"}
    files = {"file": (name, content, "application/json")} if name else None
    answer = await web.visitor.http.post("/flows/import", data=fields, files=files, headers=headers)
    return Page(answer)


async def test_an_export_becomes_flows_in_the_editor(web: WebHouse) -> None:
    """Nothing is saved before somebody has looked at it; the report names what is left to do."""
    pack = PackFile().flow("f", "Say it", chart(helper(), card("a", COMPOSE)))
    page = await send(web, pack.text.encode())
    assert page.status == 200
    assert "What came of the export" in page.text
    typed = await web.visitor.press(page, "Open it in the editor")
    assert "flow: say-it" in typed.value("source")
    assert not (await web.house.http.get(f"{FLOWS}?projectId=example")).json()["flows"]
    saved = await web.visitor.press(typed, "Save")
    assert "say-it is saved" in saved.text


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe", b"[" * 10_000, HOSTILE.encode()])
async def test_what_is_no_export_is_refused(web: WebHouse, content: bytes) -> None:
    """With what is wrong with it."""
    page = await send(web, content)
    assert page.status == 422
    assert "Nothing was imported" in page.text
    assert (await send(web, b"", name="")).status == 422


# --- tables ---------------------------------------------------------------------------------------


async def test_a_table_is_made_filled_paged_and_removed(web: WebHouse) -> None:
    """Its rows are shown some at a time, each value as it is kept."""
    page = await web.visitor.open("/flows/tables")
    made = await web.visitor.press(page, "Make it", name="seen", columns="user\ncount:number")
    assert "The table seen is made." in made.text
    added = await web.visitor.press(made, "Add it", **{"row.user": HOSTILE, "row.count": "7"})
    assert "The row is added." in added.text
    assert "<script>alert" not in added.html
    assert HOSTILE in added.text
    table_id = made.path.rpartition("/")[2]
    rows = [{"user": f"user-{number}", "count": number} for number in range(60)]
    await web.house.http.post(f"{TABLES}/{table_id}/rows", json={"rows": rows})
    first = await web.visitor.open(made.path)
    assert "user-48" in first.text
    assert "user-49" not in first.text
    assert "user-59" in (await web.visitor.follow(first, "More")).text
    asked = await web.visitor.follow(first, "Remove all rows")
    assert (await web.visitor.press(asked, "Remove the rows", confirm="x")).status == 422
    cleared = await web.visitor.press(asked, "Remove the rows", confirm="seen")
    assert "It has no rows." in cleared.text
    asked = await web.visitor.follow(cleared, "Remove the table")
    assert (await web.visitor.press(asked, "Remove it", confirm="x")).status == 422
    gone = await web.visitor.press(asked, "Remove it", confirm="seen")
    assert "The table seen is removed." in gone.text


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"name": "No name", "columns": "a"}, "name"),
        ({"name": "good", "columns": "a:colour"}, "colour is no kind"),
        ({"name": "good", "columns": "a" * 65}, "64"),
    ],
)
async def test_a_table_that_does_not_fit_stays_typed(
    web: WebHouse, fields: dict[str, str], told: str
) -> None:
    """And is not made."""
    page = await web.visitor.open("/flows/tables")
    refused = await web.visitor.press(page, "Make it", **fields)
    assert refused.status == 422
    assert told in refused.text
    for name, typed in fields.items():
        assert refused.value(name) == typed


async def test_a_row_that_does_not_fit_is_not_added(web: WebHouse) -> None:
    """What is of another kind is said, and stays typed."""
    page = await web.visitor.open("/flows/tables")
    made = await web.visitor.press(page, "Make it", name="seen", columns="count:number")
    refused = await web.visitor.press(made, "Add it", **{"row.count": "many"})
    assert refused.status == 422
    assert "Nothing was changed" in refused.text
    assert refused.value("row.count") == "many"


async def test_a_viewer_sees_columns_and_no_rows(web: WebHouse) -> None:
    """Rows take the permission to run flows; no button changes anything."""
    await save(web, DOUBLE)
    page = await web.visitor.open("/flows/tables")
    made = await web.visitor.press(page, "Make it", name="seen", columns="user")
    await web.visitor.press(made, "Add it", **{"row.user": "somebody-there"})
    viewer = await somebody(web, "viewer")
    listed = await viewer.open("/flows/tables")
    assert "Make it" not in buttons(listed)
    one = await viewer.open(made.path)
    assert one.status == 200
    assert "somebody-there" not in one.text
    assert not {"Add it", "Remove the table", "Remove all rows"} & buttons(one)
