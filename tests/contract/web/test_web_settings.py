"""Settings: projects, their environments, and what the server runs with."""

from dataclasses import replace

import pytest
from web_kit import WebHouse, make_person, told_at, visitor_of
from web_secrets_kit import require_understood

from keyturn.services.ports import Setting

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


@pytest.mark.parametrize(
    ("button", "typed", "field", "status"),
    [
        ("Make it", {"name": "x" * 65, "slug": "odd"}, "name", 422),
        ("Make it", {"name": "Payments", "slug": "no slug"}, "slug", 422),
        ("Make it", {"name": "Payments", "slug": "example"}, "slug", 400),
        ("Add it", {"name": "x" * 65, "slug": "qa"}, "name", 422),
        ("Add it", {"name": "Quality", "slug": "no slug"}, "slug", 422),
        ("Add it", {"name": "Quality", "slug": "dev"}, "slug", 400),
        ("Rename", {"name": "x" * 65}, "name", 422),
    ],
)
async def test_what_does_not_fit_is_said_at_its_field(
    web: WebHouse, button: str, typed: dict[str, str], field: str, status: int
) -> None:
    """In the form that was sent and no other, with what was typed kept."""
    page = await web.visitor.open("/settings")
    again = await web.visitor.press(page, button, **typed)
    assert again.status == status
    told_at(again, field)
    kept = dict(again.form_with(button)[0].fields)
    assert kept | typed == kept
    others = [each for each in again.forms if each is not again.form_with(button)[0]]
    assert not {*typed.items()} & {each for form in others for each in form.fields}


async def test_both_pages_say_how_commands_do_the_same(web: WebHouse) -> None:
    """The list with what its forms make; the deletion of what it is of."""
    page = await web.visitor.open("/settings")
    assert [each.split()[:3] for each in require_understood(page)] == [
        ["keyturn", "project", "list"],
        ["keyturn", "project", "create"],
        ["keyturn", "environment", "create"],
        ["keyturn", "environment", "update"],
    ]
    asked = await web.visitor.follow(page, "Delete")
    command = "keyturn environment delete dev --project example"
    assert require_understood(asked) == [command]


async def test_the_settings_in_force_are_shown_to_who_administers(web: WebHouse) -> None:
    """Whatever is secret is masked before it comes here."""
    told = (Setting("KEYTURN_PORT", 8700, "Its port."), Setting("KEYTURN_ROOT_KEY", None, "Key."))
    visitor = visitor_of(replace(web.world, settings=told))
    await visitor.log_in()
    shown = await visitor.open("/settings/server")
    assert "KEYTURN_<wbr>PORT" in shown.html  # a long name is broken between its words alone
    assert "PORT 8700" in shown.text
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
