"""Flows in the browser: the list, and the text beside its picture, checked and saved."""

import re

import pytest
from api_kit import NO_ID
from web_flows_kit import (
    CANARY,
    DOUBLE,
    FAIL,
    GREET,
    HOSTILE,
    NOTED,
    TELL,
    WAIT,
    buttons,
    run,
    save,
    somebody,
    source_of,
    store,
)
from web_kit import WebHouse, visitor_of

from keyturn.domain.flows import checking
from keyturn.domain.flows.run import FlowVersion, SavedFlow
from keyturn.domain.flows.yaml_text import Node, parse_yaml

BAD = GREET.replace("text.compose", "text.composed")


async def test_the_list_says_what_starts_each_and_how_it_went(web: WebHouse) -> None:
    """With the state of the last run, and bars of those before it."""
    flow_id = await save(web, GREET)
    await save(web, WAIT)
    await run(web, flow_id, query={"name": "Ada"})
    page = await web.visitor.open("/flows")
    assert page.status == 200
    assert "A request by whoever has its client token" in page.text
    assert "Other flows" in page.text
    assert "Finished" in page.text
    assert "The last runs of greet" in page.text
    assert page.text.count("never") == 1
    assert (f"/flows/{flow_id}", "greet") in page.links


async def test_the_list_finds_by_name_and_by_standing(web: WebHouse) -> None:
    """What is asked for stands in the address; what is none of it is not shown."""
    flow_id = await save(web, GREET)
    await save(web, WAIT)
    found = await web.visitor.open("/flows", find="gree")
    assert "greet" in buttons(found)
    assert "wait" not in buttons(found)
    await web.house.http.patch(f"/api/v1/flows/{flow_id}", json={"enabled": False})
    off = await web.visitor.open("/flows", show="off")
    assert "greet" in buttons(off)
    assert "wait" not in buttons(off)
    none = await web.visitor.open("/flows", find=HOSTILE)
    assert "No flow is like that." in none.text
    assert HOSTILE not in none.html


async def test_flows_are_listed_some_at_a_time(web: WebHouse) -> None:
    """More than a page holds are on the next one, and the way back is there."""
    for number in range(53):
        await save(web, DOUBLE.replace("flow: double", f"flow: double-{number:02}"))
    first = await web.visitor.open("/flows")
    assert "double-49" in buttons(first)
    assert "double-50" not in buttons(first)
    second = await web.visitor.follow(first, "More")
    assert {"double-50", "double-52"} <= buttons(second)
    assert "51 to 53 of 53" in second.text
    assert "double-00" in buttons(await web.visitor.follow(second, "Back"))


async def test_a_flow_that_cannot_be_read_is_listed_and_can_be_replaced(web: WebHouse) -> None:
    """Its page says why, and its text can be mended and saved."""
    flow_id = await save(web, GREET)
    async with web.world.store.writing() as tx:
        saved = await tx.find(SavedFlow, id=flow_id)
        assert saved
        await tx.replace(SavedFlow(**{**vars(saved), "number": 2}))
        at = saved.created_at
        await tx.add(FlowVersion(saved.id, 2, "flow: greet\nversion: 99\n", "somebody", at))
    assert "Cannot be read" in (await web.visitor.open("/flows")).text
    page = await web.visitor.open(f"/flows/{flow_id}")
    assert page.status == 200
    assert "It does not run" in page.text
    assert "Try it" not in buttons(page)
    mended = await web.visitor.press(page, "Save", source=GREET)
    assert "It is saved as version 3." in mended.text


async def test_a_flow_is_shown_as_text_and_as_picture(web: WebHouse) -> None:
    """Each card leads to its line, which bears its number."""
    page = await web.visitor.open(f"/flows/{await save(web, GREET)}")
    assert page.value("source") == GREET
    assert "Nothing wrong" in page.text
    assert 'href="#line-11"' in page.html
    assert 'id="line-11"' in page.html
    assert "/api/flo/" in page.text


async def test_checking_shows_findings_and_saves_nothing(web: WebHouse) -> None:
    """What is typed stays, the finding names its line and leads to it, and the line is quoted."""
    flow_id = await save(web, GREET)
    page = await web.visitor.open(f"/flows/{flow_id}")
    checked = await web.visitor.press(page, "Check", source=BAD)
    assert checked.status == 200
    assert checked.value("source") == BAD
    assert "1 error" in checked.text
    assert ("#line-12", "Line 12") in checked.links
    assert "card: text.composed" in checked.text
    assert await source_of(web, flow_id) == (1, GREET)


async def test_what_is_not_there_is_found_by_checking(web: WebHouse) -> None:
    """A connection that nobody has made is an error at its card, in the picture as well."""
    calls = (
        "flow: call\nstart: {kind: helper}\ncards:\n"
        '- {card: api.get, connection: nowhere, with: {url: "https://a.example"}}\n'
    )
    page = await web.visitor.open("/flows/new")
    checked = await web.visitor.press(page, "Check", source=calls)
    assert "there is no connection nowhere" in checked.text
    assert re.search(r"<svg.*pic-bad", checked.html, re.DOTALL)


async def test_a_script_asks_for_findings_and_picture_alone(web: WebHouse) -> None:
    """The answer is a part of the page, made by the same check, and for whoever has its token."""
    flow_id = await save(web, GREET)
    page = await web.visitor.open(f"/flows/{flow_id}")
    fields = {"form_token": page.value("form_token"), "source": BAD, "base": "1"}
    origin = str(web.visitor.http.base_url).rstrip("/")
    headers = {"hx-request": "true", "origin": origin, "sec-fetch-site": "same-origin"}
    url = f"/flows/{flow_id}/check"
    answer = await web.visitor.http.post(url, data=fields, headers=headers)
    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert "1 error" in answer.text
    without = await web.visitor.http.post(url, data={"source": BAD}, headers=headers)
    assert without.status_code == 403


async def test_saving_makes_the_next_version(web: WebHouse) -> None:
    """With the text as it was typed; the same text again is no version more."""
    flow_id = await save(web, GREET)
    page = await web.visitor.open(f"/flows/{flow_id}")
    changed = GREET.replace("Hello", "Good day,")
    saved = await web.visitor.press(page, "Save", source=changed.replace("\n", "\r\n"))
    assert "It is saved as version 2." in saved.text
    assert await source_of(web, flow_id) == (2, changed)
    same = await web.visitor.press(saved, "Save")
    assert "Nothing has changed" in same.text
    assert await source_of(web, flow_id) == (2, changed)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (BAD, "text.composed"),
        ("flow: [", "Mend the errors"),
        ("", "Mend the errors"),
        (GREET.replace("flow: greet", "flow: other"), "The text names the flow other"),
    ],
)
async def test_what_cannot_be_saved_is_said_and_stays_typed(
    web: WebHouse, source: str, told: str
) -> None:
    """Nothing is changed then, also where the text is of another flow."""
    flow_id = await save(web, GREET)
    await save(web, DOUBLE.replace("flow: double", "flow: other"))
    page = await web.visitor.open(f"/flows/{flow_id}")
    refused = await web.visitor.press(page, "Save", source=source)
    assert refused.status in (400, 422)
    assert told in refused.text
    assert refused.value("source") == source
    assert await source_of(web, flow_id) == (1, GREET)


async def test_who_was_slower_is_told_and_keeps_what_was_typed(web: WebHouse) -> None:
    """A version that somebody has saved meanwhile is not saved over."""
    flow_id = await save(web, GREET)
    page = await web.visitor.open(f"/flows/{flow_id}")
    await save(web, GREET.replace("Hello", "Hi"))
    mine = GREET.replace("Hello", "Good day,")
    late = await web.visitor.press(page, "Save", source=mine)
    assert late.status == 400
    assert "Somebody else was quicker" in late.text
    assert late.value("source") == mine
    assert (await source_of(web, flow_id))[0] == 2


async def test_a_new_flow_begins_with_one_that_works(web: WebHouse) -> None:
    """It is saved where it is said to lie, and switched on."""
    page = await web.visitor.open("/flows/new")
    assert "Nothing wrong" in page.text
    made = await web.visitor.press(page, "Save", environment="staging")
    assert "greet is saved, and switched on." in made.text
    assert "example/staging/" in made.text


async def test_a_new_flow_begins_with_a_template(web: WebHouse) -> None:
    """What it needs and is not there is found at once."""
    page = await web.visitor.open("/flows/new", template="unused-apps")
    assert "flow: unused-apps" in page.value("source")
    assert "there is no connection okta" in page.text
    assert (await web.visitor.open("/flows/new", template="../secret")).status == 404


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"path": "/nowhere"}, "/nowhere"),
        ({"path": "no folder//"}, "must"),
        ({"source": BAD}, "1 error"),
        ({"source": GREET.replace("flow: greet", "flow: taken")}, "taken"),
    ],
)
async def test_a_new_flow_that_cannot_be_saved_stays_typed(
    web: WebHouse, fields: dict[str, str], told: str
) -> None:
    """The folder is wrong, or the text, or there is a flow of its name already."""
    await save(web, DOUBLE.replace("flow: double", "flow: taken"))
    page = await web.visitor.open("/flows/new")
    refused = await web.visitor.press(page, "Save", **fields)
    assert refused.status in (400, 404, 422)
    assert told in refused.text
    for name, typed in fields.items():
        assert refused.value(name) == typed


async def test_hostile_texts_are_shown_as_texts(web: WebHouse) -> None:
    """In the list, the text, the findings, the picture and the page's title."""
    flow_id = await save(web, NOTED)
    run_id = await run(web, flow_id)
    for path in ("/flows", f"/flows/{flow_id}", f"/flows/runs/{run_id}"):
        page = await web.visitor.open(path)
        assert page.status == 200
        assert "<script>alert" not in page.html
        assert "&lt;script&gt;alert" in page.html
    assert re.search(r"<svg.*N &lt;script&gt;.*</svg>", page.html, re.DOTALL)
    broken = f"flow: x\n{HOSTILE}: 1\nstart: {{kind: '{HOSTILE}'}}\n- {HOSTILE}\n"
    checked = await web.visitor.press(await web.visitor.open("/flows/new"), "Check", source=broken)
    assert checked.value("source") == broken
    assert "<script>alert" not in checked.html


async def test_a_viewer_sees_flows_and_changes_none(web: WebHouse) -> None:
    """No button is there that they may not use, and what they send all the same is refused."""
    flow_id = await save(web, GREET)
    viewer = await somebody(web, "viewer")
    listed = await viewer.open("/flows")
    assert "greet" in buttons(listed)
    assert not {"New flow", "Import"} & buttons(listed)
    page = await viewer.open(f"/flows/{flow_id}")
    assert page.status == 200
    assert "Hello {{ start.query.name? }}" in page.text
    assert not {"Save", "Check", "Switch off", "Try it", "Remove it"} & buttons(page)
    mine = await web.visitor.open(f"/flows/{flow_id}")
    form = mine.form_with("Save")[0]
    theirs = {name: value for name, value in form.fields if name != "form_token"}
    token = next(f for f in page.forms if "form_token" in f.names).fields[0][1]
    origin = str(viewer.http.base_url).rstrip("/")
    sent = theirs | {"form_token": token, "source": GREET + "# more\n"}
    headers = {"origin": origin, "sec-fetch-site": "same-origin"}
    answer = await viewer.http.post(f"/flows/{flow_id}/save", data=sent, headers=headers)
    assert answer.status_code == 403
    for what in ("enable", "disable", "token", "run", "delete"):
        fields = {"form_token": token, "confirm": "greet"}
        path = f"/flows/{flow_id}/{what}"
        refused = await viewer.http.post(path, data=fields, headers=headers)
        assert refused.status_code == 403, what
    assert await source_of(web, flow_id) == (1, GREET)


async def test_nobody_sees_flows_without_logging_in(web: WebHouse) -> None:
    """Each page leads to the log-in; what is not there is not there."""
    flow_id = await save(web, GREET)
    stranger = visitor_of(web.world)
    for path in ("/flows", f"/flows/{flow_id}", "/flows/new", "/flows/tables"):
        assert (await stranger.open(path)).path.startswith("/log-in")
    for path in (f"/flows/{NO_ID}", f"/flows/runs/{NO_ID}", f"/flows/tables/{NO_ID}"):
        assert (await web.visitor.open(path)).status == 404


async def test_no_page_of_a_flow_shows_a_secret(web: WebHouse) -> None:
    """Neither its text, nor its history, nor what it answered."""
    await store(web)
    flow_id = await save(web, TELL)
    run_id = await run(web, flow_id)
    one = f"/flows/{flow_id}"
    paths = ("/flows", one, f"{one}/runs", f"{one}/versions/1", f"/flows/runs/{run_id}")
    for path in paths:
        page = await web.visitor.open(path)
        assert page.status == 200
        assert CANARY not in page.html
    assert "(masked)" in page.html
    found = await web.visitor.open(f"{one}/runs", find=CANARY)
    assert "No run is like that." in found.text
    failed = await save(web, FAIL % HOSTILE.replace('"', '\\"'))
    page = await web.visitor.open(f"/flows/runs/{await run(web, failed)}")
    assert "Failed" in page.text
    assert "<script>alert" not in page.html


async def test_a_text_is_read_once_for_a_page(
    web: WebHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is found in it and what is drawn of it come of the same reading."""
    path = f"/flows/{await save(web, GREET)}"
    await web.visitor.open(path)
    read: list[str] = []

    def noted(text: str) -> Node:
        read.append(text)
        return parse_yaml(text)

    monkeypatch.setattr(checking, "parse_yaml", noted)
    assert (await web.visitor.open(path)).status == 200
    assert read == [GREET]


@pytest.mark.parametrize("path", ["/flows/new", "/flows/tables", "/connections/registrations/new"])
async def test_projects_are_looked_up_once_for_a_page(web: WebHouse, path: str) -> None:
    """However many of its parts name them, one entry goes on record."""
    async with web.world.store.reading() as tx:
        newest = await tx.latest_audit()
    assert newest is not None
    assert (await web.visitor.open(path)).status == 200
    async with web.world.store.reading() as tx:
        entries = await tx.list_audit(after=newest.number)
    assert [each.attempt.subject for each in entries].count("projects") == 1
