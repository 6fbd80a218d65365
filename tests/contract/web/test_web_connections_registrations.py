"""Client registrations by hand: made in each way, proved, given another secret, and consumers."""

import json
from pathlib import Path

import pytest
from api_kit import Body
from identity_kit import ask
from oauth_house_kit import (
    PERSONS,
    REGISTRATIONS,
    ROBOTS,
    authorize,
    connect,
    register,
)
from web_connections_kit import HOSTILE, SHOWN, commands_of, parse, somebody, stranger
from web_kit import Page, WebHouse

from keyturn.domain.oauth.presets import PRESETS
from keyturn.sandbox.state.records import App

LIST = "/connections/registrations"
NEW = f"{LIST}/new"
KNOWN = ("okta", "okta-devices", *PRESETS)
KINDS = (*KNOWN, "issuer", "document", "basic", "header", "none")


async def page_of(web: WebHouse, registration: Body, end: str = "") -> Page:
    """Open the page of a registration."""
    return await web.visitor.open(f"{LIST}/{registration['id']}{end}")


async def stored(web: WebHouse) -> list[dict[str, object]]:
    """Return the registrations as the API tells of them."""
    told = (await ask(web.house, "GET", f"{REGISTRATIONS}?projectId=example"))["registrations"]
    assert isinstance(told, list)
    return told


def persons(web: WebHouse) -> App:
    """Return the org's app that people log in with."""
    return next(each for each in web.house.org.apps.values() if each.label == PERSONS.label)


# --- made ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
async def test_each_kind_of_server_has_its_form(web: WebHouse, kind: str) -> None:
    """Found by a link of its name, with the command that does the same."""
    choices = await web.visitor.open(NEW)
    links = [href for href, _ in choices.links if f"kind={kind}&" in href]
    assert len(links) == 1
    page = await web.visitor.open(links[0])
    assert page.status == 200
    for words in commands_of(page):
        assert words[:3] == ["keyturn", "registration", "add"]


async def test_one_that_a_rotation_keeps_lies_beside_it(web: WebHouse) -> None:
    """Its client id comes with it, and whatever the rotation turns to is used from then on."""
    order = {"name": "crm-app", "environment": "prod"}
    rotation = await web.house.rotate_by_order(**order)
    page = await web.visitor.open(NEW, kind="okta")
    made = await web.visitor.press(
        page,
        "Make the registration",
        name="crm",
        domain="org.example.com",
        rotation=str(rotation["id"]),
    )
    assert "Made. Now make a connection with it" in made.text
    assert "Accepted" in made.text
    (found,) = await stored(web)
    assert (found["environment"], found["secretName"]) == ("prod", "OKTA_CLIENT_SECRET")
    assert (found["connector"], found["standing"]) == ("okta", "accepted")


async def test_one_of_its_own_value_shows_that_nowhere(web: WebHouse) -> None:
    """Typed in one line or in several; no page sends it back."""
    app = web.house.org.create_app(PERSONS)
    secret = app.live_secrets[0].value
    page = await web.visitor.open(NEW, kind="okta-devices")
    made = await web.visitor.press(
        page,
        "Make the registration",
        name="crm",
        domain="org.example.com",
        by="own",
        client_id=app.client_id,
        secret=secret,
        path="/",
        environment="dev",
    )
    assert "Accepted" in made.text
    assert app.client_id in made.text
    for end in ("", "/edit", "/secret", "/delete"):
        (found,) = await stored(web)
        shown = await web.visitor.open(f"{LIST}/{found['id']}{end}")
        assert shown.status == 200
        assert secret not in shown.html


async def test_a_service_that_is_known_needs_no_more_than_its_client(web: WebHouse) -> None:
    """The rest is in its preset."""
    page = await web.visitor.open(NEW, kind="google")
    made = await web.visitor.press(
        page,
        "Make the registration",
        name="mail",
        by="own",
        client_id="app-6",
        secret="canary-secret",
    )
    assert "https://oauth2.googleapis.com/token" in made.text
    assert "canary-secret" not in made.html
    assert (await stored(web))[0]["clientId"] == "app-6"


async def test_a_server_is_described_by_a_document(web: WebHouse) -> None:
    """In YAML or JSON; what is amiss is told at the field, and all that was typed is kept."""
    document = "endpoints: {token: https://id.example.com/token}\nauth: client_secret_post\n"
    page = await web.visitor.open(NEW, kind="document")
    told = {
        "a: [b": "no YAML, line 1",
        "- a": "no mapping of names",
        "auth: nonsense": "auth must be one of",
        "pkce: true": "endpoints.token must name the token endpoint",
        "[" * 9000: "nested too deep",
        "x" * 16_385: "at most 16384",
    }
    plain = {"name": "shop", "by": "own", "client_id": "app-8", "secret": "canary-secret"}
    for wrong, why in told.items():
        again = await web.visitor.press(
            page, "Make the registration", provider=wrong, description=HOSTILE, **plain
        )
        assert (again.status, why in again.text) == (422, True), (wrong[:40], again.text[:900])
        assert again.value("provider") == wrong
        assert again.value("description") == HOSTILE
        assert 'id="f-provider-error"' in again.html
        assert "canary-secret" not in again.html
    made = await web.visitor.press(page, "Make the registration", provider=document, **plain)
    assert "https://id.example.com/token" in made.text


async def test_an_issuer_is_asked_how_it_is_spoken_to(web: WebHouse) -> None:
    """One that says nothing is told with its own error, and nothing is kept."""
    app = web.house.org.create_app(ROBOTS)
    page = await web.visitor.open(NEW, kind="issuer")
    typed = {"name": "robots", "by": "own", "client_id": app.client_id}
    secret = app.live_secrets[0].value
    wrong = await web.visitor.press(
        page,
        "Make the registration",
        issuer="https://org.example.com/oauth2/nowhere",
        secret=secret,
        **typed,
    )
    assert wrong.status == 502
    assert wrong.value("issuer").endswith("nowhere")
    assert await stored(web) == []
    made = await web.visitor.press(
        page,
        "Make the registration",
        issuer="https://org.example.com/oauth2/default",
        secret=secret,
        **typed,
    )
    assert "https://org.example.com/oauth2/default/v1/token" in made.text


async def test_what_goes_out_as_it_is_has_no_secret(web: WebHouse) -> None:
    """Nor anything to prove."""
    page = await web.visitor.open(NEW, kind="none")
    made = await web.visitor.press(page, "Make the registration", name="plain")
    assert "Prove the secret" not in made.text
    assert "Replace the secret" not in made.text


async def test_what_is_missing_is_told_at_its_field(web: WebHouse) -> None:
    """A domain, a rotation, a stored secret, a value, a client id."""
    page = await web.visitor.open(NEW, kind="okta")
    for field, typed in {
        "domain": {"domain": "https://x.okta.com/", "by": "own"},
        "rotation": {"domain": "x.okta.com", "by": "rotation"},
        "secret_name": {"domain": "x.okta.com", "by": "stored", "client_id": "x"},
        "secret": {"domain": "x.okta.com", "by": "own", "client_id": "x"},
        "client_id": {"domain": "x.okta.com", "by": "own", "secret": "canary"},
        "path": {"domain": "x.okta.com", "by": "own", "path": "no//path"},
    }.items():
        sent = {"name": "crm"} | typed
        if field == "rotation":
            await web.house.rotate_by_order()
            page = await web.visitor.open(NEW, kind="okta")
            sent["rotation"] = "nonsense"
        again = await web.visitor.press(page, "Make the registration", **sent)
        assert again.status == 422, field
        assert f'href="#f-{field}"' in again.html, (field, again.text[:900])
        assert f'id="f-{field}-error"' in again.html or field == "rotation"
    assert await stored(web) == []


# --- its secret ----------------------------------------------------------------------------------


async def test_a_secret_is_proved_without_a_grant(web: WebHouse) -> None:
    """The page says by what the server told; one that is rejected is told with what to do."""
    made = await register(web.house)
    page = await web.visitor.press(await page_of(web, made), "Prove the secret")
    assert "Version 1: accepted, by introspection" in page.text
    app = persons(web)
    web.house.org.create_secret(app.id)
    web.house.org.deactivate_secret(app.id, app.live_secrets[0].id)
    page = await web.visitor.press(page, "Prove the secret")
    assert "Its server rejects the client secret" in page.text
    assert "no answer came" not in page.text
    assert "Rejected" in (await web.visitor.open(LIST)).text


async def test_another_secret_is_taken_where_its_server_accepts_it(web: WebHouse) -> None:
    """One that it rejects changes nothing; connections keep their grants."""
    made = await register(web.house)
    await authorize(web.house, await connect(web.house, made))
    page = await page_of(web, made, "/secret")
    wrong = await web.visitor.press(page, "Replace it", by="own", secret="canary-wrong")
    assert wrong.status == 400
    assert "rejects this secret" in wrong.text
    assert "canary-wrong" not in wrong.html
    second = web.house.org.create_secret(persons(web).id).value
    done = await web.visitor.press(wrong, "Replace it", by="own", secret=second)
    assert "Version 2 is used from now on" in done.text
    assert second not in done.html
    empty = await web.visitor.press(await page_of(web, made, "/secret"), "Replace it", by="own")
    assert empty.status == 422


async def test_how_its_server_is_spoken_to_is_changed_along_with_the_secret(web: WebHouse) -> None:
    """Without the secret it is refused, so that nobody has the one that is kept sent elsewhere."""
    made, app = await register(web.house), persons(web)
    page = await web.visitor.follow(await page_of(web, made, "/edit"), "along with the secret")
    document = json.loads(page.value("provider"))
    assert document == made["provider"]
    other = json.dumps(document | {"auth": "client_secret_post"})
    lacking = await web.visitor.press(page, "Replace it", by="own", provider=other)
    assert lacking.status == 422
    assert "given again with another provider" in lacking.text
    assert json.loads(lacking.value("provider"))["auth"] == "client_secret_post"
    for wrong in ("{", "colour: red", "- a"):
        refused = await web.visitor.press(
            page, "Replace it", by="own", provider=wrong, secret=app.live_secrets[0].value
        )
        assert refused.status == 422
        assert refused.value("provider") == wrong
    assert (await stored(web))[0]["provider"] == document
    secret = app.live_secrets[0].value
    done = await web.visitor.press(lacking, "Replace it", by="own", secret=secret)
    assert done.status == 200, done.text
    assert (await stored(web))[0]["provider"] == json.loads(other)


async def test_a_secret_of_its_own_gives_way_to_a_rotation_of_its_folder(web: WebHouse) -> None:
    """From then on it follows the turns; a rotation of another folder is not offered."""
    await web.house.rotate_by_order()
    made = await register(web.house)
    other = await register(web.house, name="far", environment="prod")
    assert 'value="rotation"' not in (await page_of(web, other, "/secret")).html
    page = await page_of(web, made, "/secret")
    app = web.house.org.read_app(web.house.app_id)
    done = await web.visitor.press(page, "Replace it", by="rotation")
    assert done.status == 200, done.text[:900]
    found = next(each for each in await stored(web) if each["name"] == "crm")
    assert found["secretName"] == "OKTA_CLIENT_SECRET"
    assert app.live_secrets[0].value not in done.html


async def test_a_registration_is_renamed_and_deleted_once_nothing_uses_it(web: WebHouse) -> None:
    """A name that is taken is told at the field."""
    made = await register(web.house)
    await register(web.house, None, name="taken")
    await connect(web.house, made)
    page = await page_of(web, made, "/edit")
    wrong = await web.visitor.press(page, "Save", name="taken", description="x")
    assert wrong.status == 400
    assert wrong.value("name") == "taken"
    saved = await web.visitor.press(wrong, "Save", name="customers")
    assert "customers" in saved.title
    assert "It cannot be deleted" in (await page_of(web, made, "/delete")).text
    free = next(each for each in await stored(web) if each["name"] == "taken")
    gone = await web.visitor.press(await page_of(web, free, "/delete"), "Delete the registration")
    assert "taken is deleted" in gone.text
    assert [each["name"] for each in await stored(web)] == ["customers"]


# --- consumers -----------------------------------------------------------------------------------


async def test_consumers_are_told_of_confirmed_and_forgotten(web: WebHouse) -> None:
    """A turn waits for those that it has to."""
    made = await register(web.house)
    page = await web.visitor.press(
        await page_of(web, made), "Tell of it", name="apache", note="web-01", adoption="reload"
    )
    assert "Turns wait for apache from now on" in page.text
    assert "version 1" in page.text
    second = web.house.org.create_secret(persons(web).id).value
    await web.visitor.press(
        await page_of(web, made, "/secret"), "Replace it", by="own", secret=second
    )
    page = await web.visitor.press(await page_of(web, made), "It uses version 2")
    assert "apache uses version 2" in page.text
    assert "It uses version 2" not in page.text.replace("apache uses version 2", "")
    page = await web.visitor.press(page, "Forget")
    assert "No turn waits for apache any more" in page.text


async def test_a_consumer_that_does_not_fit_is_told_at_its_field(web: WebHouse) -> None:
    """What was typed is kept, hostile text as text."""
    made = await register(web.house)
    again = await web.visitor.press(
        await page_of(web, made), "Tell of it", name="two words", note=HOSTILE, adoption="live"
    )
    assert again.status == 422
    assert (again.value("name"), again.value("note")) == ("two words", HOSTILE)
    wrong = await web.visitor.press(
        again, "Tell of it", name="flows", workflows="Okta (prod)", adoption="live", note="x"
    )
    assert 'id="f-workflows-error"' in wrong.html
    told = await web.visitor.press(
        wrong, "Tell of it", adoption="restart", note=HOSTILE, required=[]
    )
    assert "flows is known" in told.text
    assert SHOWN in told.html
    assert "<script>alert" not in told.html
    assert "the connection “Okta (prod)” inside Okta Workflows" in told.text


# --- by whom -------------------------------------------------------------------------------------


async def test_who_may_only_look_sees_no_button_and_is_refused(web: WebHouse) -> None:
    """And who is of another project learns nothing."""
    made = await register(web.house, description=HOSTILE)
    viewer = await somebody(web, "viewer")
    for path in (LIST, f"{LIST}/{made['id']}"):
        page = await viewer.open(path)
        assert page.status == 200
        assert {button.text for form in page.forms for button in form.buttons} == {"Log out"}
        assert not [href for href, _ in page.links if href.endswith(("/edit", "/secret", "/new"))]
        assert "<script>alert" not in page.html
    token = (await viewer.open(LIST)).value("form_token")
    for order in ("prove", "edit", "secret", "delete", "consumers", "consumers/confirm"):
        at = f"{LIST}/{made['id']}/{order}"
        answer = await viewer.http.post(
            at, data={"form_token": token, "name": "x", "secret": "x", "by": "own"}
        )
        assert answer.status_code == 403, order
    new = {"form_token": token, "kind": "none", "name": "x", "environment": "dev", "path": "/"}
    assert (await viewer.http.post(NEW, data=new)).status_code == 403
    other = await stranger(web)
    assert "crm" not in (await other.open(LIST)).text
    assert (await other.open(f"{LIST}/{made['id']}")).status in (403, 404)


async def test_what_a_server_is_spoken_to_with_is_shown_by_names_alone(web: WebHouse) -> None:
    """Further parameters may carry what is secret."""
    extra = {"in": "header", "name": "X-Shop-Key", "value": "canary-extra"}
    provider: Body = {"endpoints": {"token": "https://id.example.com/t"}, "extras": [extra]}
    there: Body = {"connector": "api", "domain": None, "provider": provider}
    made = await register(web.house, ROBOTS, **there)
    page = await page_of(web, made)
    assert "X-Shop-Key in the header" in page.text
    assert "canary-extra" not in page.html


async def test_every_page_has_the_command_that_does_the_same(
    web: WebHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command line takes it as it stands."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "FILE").write_text("{}")
    made = await register(web.house)
    paths = [LIST, NEW, *(f"{NEW}?kind={each}" for each in KINDS)]
    paths += [f"{LIST}/{made['id']}{end}" for end in ("", "/edit", "/secret", "/delete")]
    for path in paths:
        commands = commands_of(await web.visitor.open(path))
        assert commands, path
        if path.startswith(f"{NEW}?"):
            assert commands[0][3] == "NAME", "the kind of server is no name"
        for words in commands:
            parse(words)
