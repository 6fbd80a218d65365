"""OAuth connections by hand: listed with how each does, looked at, made, changed, given up."""

from pathlib import Path

import pytest
from api_kit import NO_ID, Body
from identity_kit import ask
from oauth_house_kit import (
    ALIASES,
    CONNECTIONS,
    PERSONS,
    REGISTRATIONS,
    authorize,
    connect,
    inner,
    register,
    robot,
)
from web_connections_kit import (
    HOSTILE,
    LIST,
    SHOWN,
    bearer_of,
    commands_of,
    one,
    parse,
    somebody,
    stranger,
)
from web_kit import Page, WebHouse

FLOW = """\
flow: offboard
start: {kind: api_endpoint, security: public}
cards: [{card: api.get, connection: people, with: {url: "https://x.example.com"}}]
"""


async def people(web: WebHouse, **changes: object) -> Body:
    """Make a connection that somebody has authorized."""
    return await authorize(
        web.house, await connect(web.house, await register(web.house), **changes)
    )


async def page_of(web: WebHouse, connection: Body, end: str = "") -> Page:
    """Open the page of a connection."""
    return await web.visitor.open(f"{LIST}/{connection['id']}{end}")


# --- looked at -----------------------------------------------------------------------------------


async def test_the_list_says_in_words_how_each_does_and_why(web: WebHouse) -> None:
    """Those in trouble come first, with when and why they will fail."""
    registration = await register(web.house)
    crm = await authorize(web.house, await connect(web.house, registration, name="crm"))
    await robot(web.house)
    await connect(web.house, registration, name="unasked")
    app = next(each for each in web.house.org.apps.values() if each.label == PERSONS.label)
    web.house.org.create_secret(app.id)
    for secret in app.live_secrets:
        web.house.org.deactivate_secret(app.id, secret.id)
    await ask(web.house, "POST", f"{REGISTRATIONS}/{registration['id']}/prove")
    page = await web.visitor.open(LIST)
    told = inner(await ask(web.house, "GET", f"{CONNECTIONS}/{crm['id']}"), "connection")
    assert told["light"] == "at_risk"
    reasons = told["reasons"]
    assert isinstance(reasons, list)
    assert reasons[0] in page.text
    assert "fails" in page.text
    rows = [text for href, text in page.links if href.startswith(f"{LIST}/") and len(href) > 40]
    assert rows == ["crm", "unasked", "robot"]


async def test_the_list_is_narrowed_to_a_health(web: WebHouse) -> None:
    """What is seen has an address, and a way back."""
    await robot(web.house)
    await connect(web.house, await register(web.house), name="unasked")
    page = await web.visitor.open(LIST, health="healthy")
    assert "robot" in page.text
    assert "unasked" not in page.text
    assert "No connection is like that" in (await web.visitor.open(LIST, health="broken")).text
    assert "unasked" in (await web.visitor.open(LIST, health="nonsense")).text


async def test_a_page_shows_numbers_and_ages_of_tokens_and_no_value(web: WebHouse) -> None:
    """Nor the client's secret: neither in its text nor in what it hides."""
    made = await people(web, scopes=["openid", "offline_access", "email"])
    bearer = await bearer_of(web.house, made)
    page = await page_of(web, made)
    assert "number 1, Bearer" in page.text
    assert "Healthy" in page.text
    assert "email yes granted" in page.text
    app = next(each for each in web.house.org.apps.values() if each.label == PERSONS.label)
    values = [bearer, app.live_secrets[0].value]
    for path in ("", "/edit", "/delete"):
        shown = await page_of(web, made, path)
        assert shown.status == 200
        assert not [each for each in values if each in shown.html]


async def test_what_hangs_on_a_connection_is_drawn_with_links(web: WebHouse) -> None:
    """From the secret that a rotation turns, by the registration, to the flows."""
    rotation = await web.house.rotate_by_order()
    order: Body = {"name": "crm", "projectId": "example", "environment": "dev"}
    of_rotation = {"connector": "okta", "domain": "org.example.com", "rotation": rotation["name"]}
    registration = inner(
        await ask(web.house, "POST", REGISTRATIONS, order | of_rotation), "registration"
    )
    made = await connect(web.house, registration)
    flow: Body = {"projectId": "example", "environment": "dev", "source": FLOW}
    saved = inner(await ask(web.house, "POST", "/api/v1/flows", flow), "flow")
    links = [href for href, _ in (await page_of(web, made)).links]
    assert f"/rotations/{rotation['id']}" in links
    assert f"{LIST}/registrations/{registration['id']}" in links
    assert f"/flows/{saved['id']}" in links


async def test_scopes_that_lack_are_told_apart_from_those_that_nobody_wants(web: WebHouse) -> None:
    """Asked for and granted, side by side."""
    made = await people(web, scopes=["openid", "offline_access", "email", "okta.users.manage"])
    page = await page_of(web, made)
    assert "okta.users.manage yes not granted" in page.text
    assert "Authorize it again" in page.text
    change = {"scopes": ["openid", "offline_access"]}
    await ask(web.house, "PATCH", f"{CONNECTIONS}/{made['id']}", change)
    page = await page_of(web, made)
    assert "email no granted, not asked for" in page.text
    assert "Authorize it again" not in page.text


# --- made ----------------------------------------------------------------------------------------


async def test_a_connection_is_made_in_two_pages(web: WebHouse) -> None:
    """With a registration, by a grant that fits it; then somebody is to authorize it."""
    await register(web.house)
    page = await web.visitor.follow(await web.visitor.open(f"{LIST}/new"), "crm")
    assert "okta.users.manage" in page.value("scopes")
    made = await web.visitor.press(
        page,
        "Make the connection",
        name="people",
        scopes="openid\nemail\n",
        description="For tests",
    )
    assert "Made. Now somebody has to authorize it" in made.text
    assert "Nobody has authorized it yet" in made.text
    told = (await ask(web.house, "GET", f"{CONNECTIONS}?projectId=example"))["connections"]
    assert isinstance(told, list)
    (stored,) = told
    assert (stored["scopes"], stored["description"]) == (["openid", "email"], "For tests")
    assert stored["grantType"] == "authorization_code"


async def test_what_needs_nobody_has_its_first_token_at_once(web: WebHouse) -> None:
    """A client that acts for itself."""
    bot = await robot(web.house)
    registration_id = (await one(web.house, bot))["registrationId"]
    page = await web.visitor.open(f"{LIST}/new", registration=str(registration_id))
    made = await web.visitor.press(
        page, "Make the connection", name="other", grant="client_credentials", scopes="read"
    )
    assert "Healthy" in made.text
    assert "number 1, Bearer" in made.text


async def test_only_grants_that_fit_are_offered(web: WebHouse) -> None:
    """Without OAuth there are no tokens."""
    header = await register(web.house, None, name="weather")
    page = await web.visitor.open(f"{LIST}/new", registration=str(header["id"]))
    assert 'value="none"' in page.html
    assert 'value="password"' not in page.html
    made = await web.visitor.press(page, "Make the connection", name="weather")
    assert "Requests are authorized by what the registration holds" in made.text


async def test_what_does_not_fit_is_told_at_its_field_and_the_rest_is_kept(web: WebHouse) -> None:
    """But what is secret: that is typed again."""
    registration = await register(web.house)
    page = await web.visitor.open(f"{LIST}/new", registration=str(registration["id"]))
    again = await web.visitor.press(
        page,
        "Make the connection",
        name="not a name",
        grant="password",
        username="ada",
        password="canary-password",
        scopes='one "two"',
        description=HOSTILE,
    )
    assert again.status == 422
    assert "must be a slug" in again.text
    assert (again.value("name"), again.value("username")) == ("not a name", "ada")
    assert again.value("scopes") == 'one "two"'
    assert again.value("description") == HOSTILE
    assert 'value="password" checked' in again.html
    assert "canary-password" not in again.html
    missing = await web.visitor.press(again, "Make the connection", name="good", scopes="one")
    assert "The password must be given" in missing.text
    assert 'id="f-password-error"' in missing.html


async def test_without_a_registration_one_is_made_first(web: WebHouse) -> None:
    """The page leads there."""
    page = await web.visitor.open(f"{LIST}/new")
    assert "No client registration yet" in page.text
    there = await web.visitor.follow(page, "New client registration")
    assert there.path.startswith(f"{LIST}/registrations/new")


# --- changed -------------------------------------------------------------------------------------


async def test_a_connection_is_renamed_and_its_scopes_are_changed(web: WebHouse) -> None:
    """Other scopes are asked for at the next authorization, and the page says so."""
    made = await people(web)
    page = await page_of(web, made, "/edit")
    wrong = await web.visitor.press(page, "Save", name="two words", scopes="openid é")
    assert wrong.status == 422
    assert wrong.value("scopes") == "openid é"
    saved = await web.visitor.press(
        wrong, "Save", name="staff", scopes="openid offline_access email", description="x"
    )
    assert "authorize it again" in saved.text
    assert "staff" in saved.title
    same = await web.visitor.press(await page_of(web, made, "/edit"), "Save", description="y")
    assert "Saved." in same.text
    assert "authorize it again" not in same.text
    assert (await one(web.house, made))["description"] == "y"


async def test_what_a_grant_was_given_is_given_anew(web: WebHouse) -> None:
    """A refresh token from elsewhere, which is tried at once; left empty, nothing is."""
    registration = await register(web.house)
    grant: Body = {"grantType": "refresh_token", "given": {"refresh_token": "worthless"}}
    made = await connect(web.house, registration, name="brought", **grant)
    before = await one(web.house, made)
    page = await page_of(web, made, "/edit")
    await web.visitor.press(page, "Save")
    assert (await one(web.house, made))["state"] == before["state"]
    page = await page_of(web, made, "/edit")
    saved = await web.visitor.press(page, "Save", refresh_token="canary-refresh-token")
    assert "Saved." in saved.text
    assert "canary-refresh-token" not in saved.html


async def test_a_connection_is_given_up_once_its_name_was_typed(web: WebHouse) -> None:
    """What goes with it is said first: aliases, flows, somebody's consent."""
    made = await people(web)
    await ask(web.house, "POST", ALIASES, {"name": "directory", "connectionId": made["id"]})
    flow: Body = {"projectId": "example", "environment": "dev", "source": FLOW}
    await ask(web.house, "POST", "/api/v1/flows", flow)
    page = await page_of(web, made, "/delete")
    assert "The aliases directory are removed" in page.text
    assert "These flows fail from then on: offboard" in page.text
    assert "somebody's consent again" in page.text
    kept = await web.visitor.press(page, "Delete the connection", confirm="peopel")
    assert kept.status == 400
    gone = await web.visitor.press(kept, "Delete the connection", confirm="people")
    assert "people is gone" in gone.text
    assert (await page_of(web, made)).status == 404


async def test_aliases_are_given_led_elsewhere_back_and_taken(web: WebHouse) -> None:
    """To connections of the same folder."""
    registration = await register(web.house)
    first = await connect(web.house, registration, name="first")
    second = await connect(web.house, registration, name="second")
    page = await web.visitor.press(await page_of(web, first), "Add it", alias="directory")
    assert "directory leads here" in page.text
    taken = await web.visitor.press(page, "Add it", alias="directory")
    assert taken.status == 400
    assert "There is an alias directory" in taken.text
    led = await web.visitor.press(page, "Lead it there", to=str(second["id"]))
    assert led.path == f"{LIST}/{second['id']}"
    assert (await one(web.house, second))["aliases"] == ["directory"]
    assert "first (as before)" in led.text
    back = await web.visitor.press(led, "Lead it there")
    assert back.path == f"{LIST}/{first['id']}"
    gone = await web.visitor.press(back, "Remove")
    assert "directory leads nowhere now" in gone.text
    assert (await one(web.house, first))["aliases"] == []


# --- by whom, and in what ------------------------------------------------------------------------


async def test_who_may_only_look_sees_no_button(web: WebHouse) -> None:
    """And is refused where one is pressed all the same."""
    made = await people(web)
    viewer = await somebody(web, "viewer")
    for path in (LIST, f"{LIST}/{made['id']}"):
        page = await viewer.open(path)
        assert page.status == 200
        assert "people" in page.text
        buttons = {button.text for form in page.forms for button in form.buttons}
        assert buttons == {"Log out"}
        assert "New connection" not in page.text
        assert not [href for href, _ in page.links if href.endswith(("/edit", "/delete"))]
    page = await page_of(web, made)
    for button in ("Authorize again", "Renew now", "Prove the client secret", "Add it"):
        form, _ = page.form_with(button)
        token = (await viewer.open(LIST)).value("form_token")
        answer = await viewer.http.post(form.action, data={"form_token": token, "alias": "x"})
        assert answer.status_code == 403, button


async def test_who_belongs_to_another_project_learns_nothing(web: WebHouse) -> None:
    """Neither that there is a connection nor what it is called."""
    made = await people(web)
    other = await stranger(web)
    assert "people" not in (await other.open(LIST)).text
    page = await other.open(f"{LIST}/{made['id']}")
    assert page.status in (403, 404)
    unknown = await other.open(f"{LIST}/{NO_ID}")
    assert (unknown.status, "people" in page.text) == (page.status, False)


async def test_whatever_is_written_is_shown_as_text(web: WebHouse) -> None:
    """In the list of scopes, in descriptions, and in what a form has kept."""
    registration = await register(web.house, description=HOSTILE)
    made = await connect(web.house, registration, description=HOSTILE, scopes=["<b>&'x"])
    for path in (LIST, f"{LIST}/{made['id']}", f"{LIST}/{made['id']}/edit"):
        page = await web.visitor.open(path)
        assert "<script>alert" not in page.html
        assert "<b>&" not in page.html
    assert SHOWN in (await page_of(web, made)).html
    assert (await page_of(web, made, "/edit")).value("description") == HOSTILE
    wrong = await web.visitor.press(await page_of(web, made), "Add it", alias=HOSTILE)
    assert wrong.status == 422
    assert "<script>alert" not in wrong.html


async def test_every_page_has_the_command_that_does_the_same(
    web: WebHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command line takes it as it stands."""
    monkeypatch.chdir(tmp_path)
    registration = await register(web.house)
    made = await connect(web.house, registration)
    device = await connect(web.house, registration, name="tv", grantType="device_code")
    new = f"{LIST}/new?registration={registration['id']}"
    paths = [f"{LIST}/{made['id']}{end}" for end in ("", "/edit", "/delete")]
    pages = [await web.visitor.open(each) for each in (LIST, f"{LIST}/new", new, *paths)]
    pages.append(await web.visitor.press(await page_of(web, device), "Authorize"))
    for page in pages:
        commands = commands_of(page)
        assert commands, page.path
        for words in commands:
            parse(words)


async def test_an_empty_list_says_what_other_projects_have(web: WebHouse) -> None:
    """And leads there: of connections, registrations, flows and tables alike."""
    await connect(web.house, await register(web.house))
    made = await ask(web.house, "POST", "/api/v2/workspace", {"projectName": "Other"})
    other = inner(made, "project")["slug"]
    for path, what in ((LIST, "Connections"), (f"{LIST}/registrations", "Client registrations")):
        page = await web.visitor.open(f"{path}?project={other}")
        assert f"{what} in other projects: Example" in page.text
        there = next(href for href, _ in page.links if href == f"{path}?project=example")
        assert "in other projects" not in (await web.visitor.open(there)).text
    for path in ("/flows", "/flows/tables"):
        page = await web.visitor.open(f"{path}?project={other}")
        assert page.status == 200
        assert "in other projects" not in page.text
