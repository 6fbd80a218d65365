"""Access by hand: people, machines, roles, and why somebody may or may not."""

import re

import pytest
from api_kit import NO_ID
from web_kit import (
    EMAIL,
    PASSWORD,
    Page,
    Visitor,
    WebHouse,
    make_person,
    told_at,
    visitor_of,
)
from web_secrets_kit import require_understood

from keyturn.domain.sensitive import Sensitive
from keyturn.services.logins import log_in

HOSTILE = "<script>alert(1)</script>\"'&"
NEW = "a new and long enough password"


async def one(web: WebHouse, name: str) -> Page:
    """Open the page of an identity by its name."""
    return await web.visitor.follow(await web.visitor.open("/access"), name)


async def somebody(web: WebHouse, role: str) -> Visitor:
    """Log another person in, who holds a role everywhere."""
    await make_person(web.house, f"{role}@example.com", role=role)
    other = visitor_of(web.world)
    await other.log_in(f"{role}@example.com")
    return other


async def test_a_person_who_was_made_logs_in_and_changes_the_password(web: WebHouse) -> None:
    """The password that somebody else chose is gone then, and every log-in by it."""
    made = await web.visitor.press(
        await web.visitor.open("/access"),
        "Let them log in",
        email="grace@example.com",
        password=PASSWORD,
        role="viewer",
    )
    assert "grace@example.com can log in now" in made.text
    grace = visitor_of(web.world)
    await grace.log_in("grace@example.com")
    you = await grace.open("/access/you")
    assert "Viewer" in you.text
    unlike = await grace.press(you, "Change it", old=PASSWORD, new=NEW, again="another")
    assert unlike.status == 422
    assert "the same new password" in told_at(unlike, "again")
    short = await grace.press(you, "Change it", old=PASSWORD, new="short", again="short")
    assert told_at(short, "new")
    wrong = await grace.press(you, "Change it", old="wrong", new=NEW, again=NEW)
    assert wrong.status == 400
    out = await grace.press(you, "Change it", old=PASSWORD, new=NEW, again=NEW)
    assert out.path == "/log-in"
    assert (await grace.log_in("grace@example.com", NEW)).path == "/"


@pytest.mark.parametrize(
    ("email", "password", "field", "status"),
    [
        ("no address", PASSWORD, "email", 422),
        (EMAIL, PASSWORD, "email", 400),
        ("new@example.com", "short", "password", 422),
    ],
)
async def test_what_does_not_fit_is_said_at_its_field(
    web: WebHouse, email: str, password: str, field: str, status: int
) -> None:
    """What was typed is kept, but the password, which is typed again."""
    page = await web.visitor.open("/access")
    again = await web.visitor.press(
        page, "Let them log in", email=email, password=password, role="viewer"
    )
    assert again.status == status
    assert told_at(again, field)
    kept = dict(again.form_with("Let them log in")[0].fields)
    assert (kept["email"], kept["password"], kept["role"]) == (email, "", "viewer")
    assert password not in again.html or password == "short"


async def test_a_machine_whose_name_cannot_be_is_told_at_its_field(web: WebHouse) -> None:
    """The form beside it is as it was."""
    page = await web.visitor.open("/access")
    again = await web.visitor.press(
        page, "Make it, and show its client secret", name="x" * 65, role="viewer"
    )
    assert (again.status, told_at(again, "name")) == (
        422,
        "The name must be 1 to 64 characters on one line.",
    )
    kept = dict(again.form_with("Make it, and show its client secret")[0].fields)
    assert (kept["name"], kept["role"]) == ("x" * 65, "viewer")
    assert dict(again.form_with("Let them log in")[0].fields)["role"] == ""


async def test_ones_own_page_has_its_command(web: WebHouse) -> None:
    """That of the password for who has one."""
    page = await web.visitor.open("/access/you")
    assert require_understood(page) == [f"keyturn person password {EMAIL}"]
    assert f'<p title="{EMAIL}">' in page.html, "where it is too long for the menu"


async def test_a_machines_client_secret_is_shown_once_and_logs_in(web: WebHouse) -> None:
    """The page that shows it is neither kept nor compressed, and no other page has it."""
    page = await web.visitor.open("/access")
    shown = await web.visitor.press(
        page, "Make it, and show its client secret", name="billing", role="viewer"
    )
    client_id, secret = pair(shown)
    assert shown.answer.headers["content-encoding"] == "identity"
    assert shown.answer.headers["cache-control"] == "no-store"
    assert await log_in(web.world, client_id=client_id, client_secret=Sensitive(secret))
    page = await one(web, "billing")
    assert secret not in page.html
    ended = await web.visitor.press(page, "End it")
    assert "good for nothing now" in ended.text
    with pytest.raises(Exception, match="wrong"):
        await log_in(web.world, client_id=client_id, client_secret=Sensitive(secret))
    again = await web.visitor.press(ended, "Make it", description="for tests")
    assert pair(again)[1] != secret


def pair(page: Page) -> tuple[str, str]:
    """Return the client id and the client secret that a page shows."""
    found = re.findall(r"kt_[a-z]+_[A-Za-z0-9_-]{43}|[0-9a-f]{8}-[0-9a-f-]{27}", page.html)
    secret = next(each for each in found if each.startswith("kt_"))
    return next(each for each in found if not each.startswith("kt_")), secret


async def test_roles_are_given_and_taken(web: WebHouse) -> None:
    """In a project, and everywhere."""
    page = await web.visitor.open("/access")
    await web.visitor.press(page, "Make it, and show its client secret", name="billing")
    page = await one(web, "billing")
    assert "It holds no role" in page.text
    page = await web.visitor.press(page, "Give it", role="developer")
    page = await web.visitor.press(page, "Give it", role="rotator")
    assert "developer" in page.text
    assert "rotator" in page.text
    page = await web.visitor.press(page, "Take every role there")
    assert "holds no role in" in page.text
    page = await web.visitor.press(page, "Set it", role="viewer")
    assert "It holds the role viewer everywhere now" in page.text
    page = await web.visitor.press(page, "Set it", role="")
    assert "It holds no role everywhere" in page.text


async def test_an_identity_is_deleted_once_its_name_was_typed(web: WebHouse) -> None:
    """Not before."""
    page = await web.visitor.open("/access")
    await web.visitor.press(page, "Make it, and show its client secret", name="billing")
    page = await web.visitor.follow(await one(web, "billing"), "Delete billing")
    kept = await web.visitor.press(page, "Delete it", confirm="biling")
    assert kept.status == 400
    gone = await web.visitor.press(kept, "Delete it", confirm="billing")
    assert "billing is deleted" in gone.text
    assert "billing" not in [text for _, text in gone.links]


async def test_a_password_is_set_anew_by_who_administers(web: WebHouse) -> None:
    """The one before logs nobody in."""
    await make_person(web.house, "grace@example.com", role="viewer")
    page = await one(web, "grace@example.com")
    short = await web.visitor.press(page, "Set the password", password="short")
    assert short.status == 422
    assert "12 to" in told_at(short, "password")
    done = await web.visitor.press(short, "Set the password", password=NEW)
    assert "The password is set" in done.text
    assert (await visitor_of(web.world).log_in("grace@example.com")).status == 401
    assert (await visitor_of(web.world).log_in("grace@example.com", NEW)).status == 200


async def test_a_role_is_made_and_deleted(web: WebHouse) -> None:
    """It grants what was ticked, where the patterns say."""
    page = await web.visitor.open("/access/roles")
    made = await web.visitor.press(
        page,
        "Make the role",
        slug="payments",
        verbs=["secrets:read", "secrets:describe"],
        environments="prod stag*",
        paths="/payments/**",
    )
    assert "The role payments can be given now" in made.text
    assert "prod, stag*" in made.text
    empty = await web.visitor.press(made, "Make the role", slug="nothing")
    assert empty.status == 422
    assert told_at(empty, "verbs") == "Tick one verb at least."
    assert ("slug", "nothing") in [field for form in empty.forms for field in form.fields]
    gone = await web.visitor.press(made, "Delete")
    assert "The role payments is deleted" in gone.text


@pytest.mark.parametrize(
    ("typed", "status"),
    [
        ({"slug": "no slug"}, 422),
        ({"slug": "admin"}, 422),
        ({"slug": "taken"}, 400),
        ({"name": "x" * 65}, 422),
        ({"description": "x" * 257}, 422),
        ({"environments": "d.v"}, 422),
        ({"paths": "payments"}, 422),
        ({"paths": "/" + "*/" * 11}, 422),
        ({"connections": "x " * 51}, 422),
    ],
)
async def test_a_role_that_cannot_be_is_told_at_its_field(
    web: WebHouse, typed: dict[str, str], status: int
) -> None:
    """With everything kept, the verbs as well."""
    page = await web.visitor.open("/access/roles")
    verbs = ["secrets:read", "secrets:describe"]
    page = await web.visitor.press(page, "Make the role", slug="taken", verbs=verbs)
    again = await web.visitor.press(page, "Make the role", **{"slug": "new", **typed}, verbs=verbs)
    assert again.status == status
    for field in typed:
        assert told_at(again, field)
    kept = again.form_with("Make the role")[0].fields
    assert {("verbs", verb) for verb in verbs} <= {*kept}
    assert {(name, text.strip()) for name, text in typed.items()} <= {*kept}


async def test_it_is_explained_why_somebody_may_not(web: WebHouse) -> None:
    """By each role that they hold."""
    await make_person(web.house, "grace@example.com", role="viewer")
    page = await web.visitor.open("/access/explain")
    listed = dict(re.findall(r'<option value="([^"]+)"[^>]*>([^<]+)</option>', page.html))
    grace = next(key for key, name in listed.items() if name == "grace@example.com")
    told = await web.visitor.press(page, "Explain", identity=grace, verb="secrets:create")
    assert "grace@example.com may not secrets:create" in told.text
    told = await web.visitor.press(page, "Explain", identity=grace, verb="secrets:describe")
    assert "grace@example.com may secrets:describe, by the role viewer" in told.text
    odd = await web.visitor.open("/access/explain", identity=grace, verb="secrets:juggle")
    assert odd.status == 422
    nobody = await web.visitor.open("/access/explain", identity=NO_ID, verb="secrets:read")
    assert nobody.status == 404


@pytest.mark.parametrize("path", ["/access/roles", "/access/explain"])
async def test_who_may_not_see_who_may_log_in_is_told_so(web: WebHouse, path: str) -> None:
    """A page that says why, and nothing of what is behind it."""
    viewer = await somebody(web, "viewer")
    shown = await viewer.open(path)
    assert shown.status == 403
    assert "identity:read" in shown.text or "role:read" in shown.text
    assert EMAIL not in shown.text


async def test_hostile_names_are_text(web: WebHouse) -> None:
    """Wherever they are shown."""
    page = await web.visitor.open("/access")
    again = await web.visitor.press(page, "Let them log in", email=HOSTILE, password=PASSWORD)
    shown = [again.html]
    made = await web.visitor.press(page, "Make it, and show its client secret", name=HOSTILE)
    shown.append(made.html)
    shown.append((await web.visitor.open("/access")).html)
    again = await web.visitor.press(
        await web.visitor.open("/access/roles"), "Make the role", slug=HOSTILE
    )
    shown.append(again.html)
    assert all("<script>alert" not in each for each in shown)
    assert any("&lt;script&gt;alert" in each for each in shown)
