"""Tags in the browser: made, renamed, deleted, by who may."""

from api_kit import NO_ID
from web_kit import Page, WebHouse, make_person, visitor_of

HOSTILE = "<script>alert(1)</script>\"'&"


async def made(web: WebHouse, slug: str = "hot", **fields: str) -> Page:
    """Make a tag, and return the page that says so."""
    page = await web.visitor.open("/settings/tags")
    return await web.visitor.press(page, "Make it", slug=slug, **fields)


async def tag_secret(web: WebHouse, page: Page) -> None:
    """Give a secret the tag of a page."""
    link = next(href for href, text in page.links if text == "Change")
    body = {"projectId": "example", "environment": "dev", "secretValue": "x"}
    with_tag = {**body, "tagIds": [link.split("/")[3]]}
    answer = await web.house.http.post("/api/v4/secrets/KEY", json=with_tag)
    assert answer.status_code == 200, answer.text


async def tags_of_secret(web: WebHouse) -> list[str]:
    """Return the tags of the secret that was given one."""
    query = {"projectId": "example", "environment": "dev", "viewSecretValue": "false"}
    found = (await web.house.http.get("/api/v4/secrets/KEY", params=query)).json()["secret"]
    return [each["slug"] for each in found["tags"]]


async def test_a_tag_is_made_renamed_and_deleted(web: WebHouse) -> None:
    """What has it keeps it under its new name, and stays when it is gone."""
    page = await made(web, name="Hot")
    assert "The tag hot is there now." in page.text
    await tag_secret(web, page)
    form = await web.visitor.follow(page, "Change")
    renamed = await web.visitor.press(form, "Save", slug="warm", color="#c00")
    assert "The tag warm is changed." in renamed.text
    assert "Hot" in renamed.text
    assert await tags_of_secret(web) == ["warm"]
    asked = await web.visitor.follow(renamed, "Delete")
    assert "The secrets that have it stay, without it." in asked.text
    gone = await web.visitor.press(asked, "Delete it")
    assert "The tag warm is deleted." in gone.text
    assert "No tag yet" in gone.text
    assert await tags_of_secret(web) == []
    assert (await web.visitor.open(asked.path)).status == 404


async def test_what_does_not_fit_is_said_and_stays_typed(web: WebHouse) -> None:
    """At the form that it was typed into; nothing is changed."""
    page = await made(web)
    await made(web, "cold")
    form = await web.visitor.follow(page, "Change")
    for slug, status in (("No Slug", 422), ("cold", 400)):
        wrong = await web.visitor.press(form, "Save", slug=slug, name="Heat")
        assert wrong.status == status
        assert (wrong.value("slug"), wrong.value("name")) == (slug, "Heat")
    taken = await made(web)
    assert taken.status == 400
    assert taken.value("slug") == "hot"


async def test_a_viewer_reads_tags_and_changes_none(web: WebHouse) -> None:
    """No form is shown, and none is taken."""
    page = await made(web, name=HOSTILE)
    assert "<script>alert" not in page.html
    await make_person(web.house, "grace@example.com", role="viewer")
    viewer = visitor_of(web.world)
    await viewer.log_in("grace@example.com")
    seen = await viewer.open("/settings/tags")
    assert HOSTILE in seen.text
    assert {button.text for form in seen.forms for button in form.buttons} == {"Log out"}
    ways = [href for href, text in page.links if text in ("Change", "Delete")]
    assert [(await viewer.open(way)).status for way in ways] == [403, 403]
    assert (await web.visitor.open(f"/settings/tags/{NO_ID}/delete")).status == 404
