"""Settings: projects, their environments, and what the server runs with."""

from dataclasses import replace

from web_kit import WebHouse, make_person, visitor_of

from keyturn.services.ports import Setting
from keyturn.services.projects import resolve_project

HOSTILE = "<script>alert(1)</script>\"'&"


async def test_a_project_is_made_and_its_environments_change(web: WebHouse) -> None:
    """Each by a form; what does not fit is said, and what was typed is kept."""
    page = await web.visitor.open("/settings")
    made = await web.visitor.press(page, "Make it", name="Payments", slug="payments")
    assert "The project payments is there now" in made.text
    taken = await web.visitor.press(made, "Make it", name="Payments", slug="payments")
    assert taken.status == 400
    assert ("slug", "payments") in [field for form in taken.forms for field in form.fields]
    added = await web.visitor.press(made, "Add it", name="Quality", slug="qa")
    assert "The environment qa is there now" in added.text
    named = await web.visitor.press(added, "Rename", name="Development and play")
    assert ("name", "Development and play") in [
        each for form in named.forms for each in form.fields
    ]


async def test_an_environment_is_deleted_once_its_slug_was_typed(web: WebHouse) -> None:
    """Not before."""
    page = await web.visitor.follow(await web.visitor.open("/settings"), "Delete")
    assert "deleted with all versions" in page.text
    for wrong in ("def", ""):
        kept = await web.visitor.press(page, "Delete it", confirm=wrong)
        assert kept.status == 400
    gone = await web.visitor.press(kept, "Delete it", confirm="dev")
    assert "The environment dev is deleted" in gone.text
    assert (await web.visitor.open(page.path)).status == 404


async def test_both_pages_say_how_the_api_does_the_same(web: WebHouse) -> None:
    """The list with what its forms make; the deletion by the ids that it is of."""
    page = await web.visitor.open("/settings")
    for told in ("/api/v1/workspace", "/api/v1/projects -H", "/PROJECT_ID/environments -H"):
        assert told in page.text
    asked = await web.visitor.follow(page, "Delete")
    project_id = await resolve_project(web.world, "example")
    environment_id = asked.path.rsplit("/", 2)[1]
    assert f"/projects/{project_id}/environments/{environment_id}" in asked.text
    assert "curl -X DELETE" in asked.text


async def test_the_settings_in_force_are_shown_to_who_administers(web: WebHouse) -> None:
    """Whatever is secret is masked before it comes here."""
    told = (Setting("KEYTURN_PORT", 8700, "Its port."), Setting("KEYTURN_ROOT_KEY", None, "Key."))
    visitor = visitor_of(replace(web.world, settings=told))
    await visitor.log_in()
    shown = await visitor.open("/settings/server")
    assert "KEYTURN_PORT 8700" in shown.text
    assert "not set" in shown.text
    await make_person(web.house, "grace@example.com", role="viewer")
    viewer = visitor_of(web.world)
    await viewer.log_in("grace@example.com")
    assert (await viewer.open("/settings/server")).status == 403
    page = await viewer.open("/settings")
    assert [
        each.text for form in page.forms for each in form.buttons if each.text != "Log out"
    ] == []


async def test_hostile_names_are_text(web: WebHouse) -> None:
    """Wherever they are shown."""
    page = await web.visitor.open("/settings")
    made = await web.visitor.press(page, "Make it", name=HOSTILE, slug="odd")
    added = await web.visitor.press(made, "Rename", name=HOSTILE)
    for shown in (made, added):
        assert "<script>alert" not in shown.html
        assert "&lt;script&gt;alert" in shown.html
