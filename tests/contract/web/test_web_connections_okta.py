"""Okta connections by hand: made, tested, compared, given other credentials, their keys turned."""

import json
from pathlib import Path

import pytest
from api_kit import CONNECTIONS, ORG_URL
from identity_kit import ask
from oauth_house_kit import inner
from web_connections_kit import HOSTILE, SHOWN, commands_of, parse, somebody, stranger
from web_kit import Page, WebHouse

from keyturn.sandbox.state.keys import render_private

LIST = "/connections/okta"
NEW = f"{LIST}/new"


def key_of(web: WebHouse) -> str:
    """Return the private key of the org's service app."""
    return json.dumps(render_private(web.house.org.keys.service))


def client_of(web: WebHouse) -> str:
    """Return the client id of the org's service app."""
    return web.house.org.apps[web.house.org.seeded.service_app_id].client_id


async def connected(web: WebHouse, **changes: object) -> Page:
    """Make a connection by an API token, and open its page."""
    body = web.house.connection(**changes)
    made = (await ask(web.house, "POST", CONNECTIONS, body))["appConnection"]
    assert isinstance(made, dict)
    return await web.visitor.open(f"{LIST}/{made['id']}")


async def by_key(web: WebHouse) -> Page:
    """Connect an org by the key of its service app, by hand."""
    return await web.visitor.press(
        await web.visitor.open(NEW),
        "Connect it",
        name="own",
        url=ORG_URL,
        method="oauth-service-app",
        client_id=client_of(web),
        key=key_of(web),
    )


async def stored(web: WebHouse) -> list[dict[str, object]]:
    """Return the connections as the API tells of them."""
    told = (await ask(web.house, "GET", CONNECTIONS))["appConnections"]
    assert isinstance(told, list)
    return told


# --- made ----------------------------------------------------------------------------------------


async def test_an_org_is_connected_by_a_key_or_by_a_token(web: WebHouse) -> None:
    """Once it has accepted that; neither is on any page."""
    made = await by_key(web)
    assert "Okta accepts own: it is stored" in made.text
    assert "the key of a service app" in made.text
    second = await web.visitor.press(
        await web.visitor.open(NEW),
        "Connect it",
        name="other",
        url=ORG_URL,
        method="api-token",
        token=web.house.org.seeded.api_token,
        scope="organization",
        description=HOSTILE,
    )
    assert "every project" in second.text
    assert SHOWN in second.html
    values = [web.house.org.seeded.api_token, json.loads(key_of(web))["d"]]
    for one in await stored(web):
        for end in ("", "/edit", "/turn-key", "/delete"):
            page = await web.visitor.open(f"{LIST}/{one['id']}{end}")
            assert page.status == 200
            assert not [each for each in values if each in page.html]
    listed = await web.visitor.open(LIST)
    assert "own" in listed.text
    assert "<script>alert" not in listed.html


async def test_what_okta_does_not_accept_is_told_at_the_field_and_not_kept(web: WebHouse) -> None:
    """All that was typed is kept, but what is secret."""
    page = await web.visitor.open(NEW)
    wrong = "00" + "x" * 40
    plain = {"name": "my-okta", "url": ORG_URL, "method": "api-token", "description": HOSTILE}
    for sent, field, status in (
        ({"token": wrong}, "token", 502),
        ({"token": "no token"}, "token", 422),
        ({"token": wrong, "url": "http://example.com"}, "url", 400),
        ({"token": wrong, "url": "https://x-admin.okta.com"}, "url", 400),
        ({"method": "oauth-service-app", "client_id": "x", "key": "{}"}, "key", 422),
        ({"method": "oauth-service-app"}, "client_id", 422),
    ):
        again = await web.visitor.press(page, "Connect it", **(plain | sent))
        assert f'id="f-{field}-error"' in again.html, (sent, again.text[:900])
        assert again.status == status
        assert again.value("name") == "my-okta"
        assert again.value("description") == HOSTILE
        assert wrong not in again.html
    assert await stored(web) == []


# --- asked ---------------------------------------------------------------------------------------


async def test_a_connection_is_tested_at_the_org(web: WebHouse) -> None:
    """It says yes, or no in Okta's own words."""
    page = await web.visitor.press(await connected(web), "Test it")
    assert "Okta accepts the credentials of my-okta" in page.text
    web.house.org.api_tokens.clear()
    page = await web.visitor.press(page, "Test it")
    assert page.status == 502
    assert "Okta refused" in page.text


async def test_drift_is_looked_for_at_once_and_told(web: WebHouse) -> None:
    """With what it means, who must act, and the rotation that it is of."""
    rotation = await web.house.rotate_by_order()
    at = f"{LIST}/{rotation['connectionId']}"
    page = await web.visitor.press(await web.visitor.open(at), "Compare now")
    assert "Compared 1 rotation: nothing has drifted" in page.text
    web.house.org.create_secret(web.house.app_id)
    page = await web.visitor.press(page, "Compare now")
    assert "Compared 1 rotation: 1 of them drifted" in page.text
    assert "secret added" in page.text
    assert "Its owner must remove it" in page.text
    assert f"/rotations/{rotation['id']}" in [href for href, _ in page.links]
    assert "1 open" in (await web.visitor.open(LIST)).text
    web.house.org.api_tokens.clear()
    assert (await web.visitor.press(page, "Compare now")).status == 502


async def test_what_uses_it_and_what_is_left_of_the_limits_is_shown(web: WebHouse) -> None:
    """The rotations, with how they stand, and a bar for each window that goes on."""
    rotation = await web.house.rotate_by_order()
    page = await web.visitor.open(f"{LIST}/{rotation['connectionId']}")
    assert "my-okta-rotation" in page.text
    assert "Scheduled" in page.text
    assert "api/v1/apps" in page.text
    assert "kept for safety" in page.text
    web.house.clock.advance(120)
    page = await web.visitor.open(f"{LIST}/{rotation['connectionId']}")
    assert "was not called within the last minute" in page.text


async def test_the_key_that_keyturn_logs_in_by_is_turned(web: WebHouse) -> None:
    """What will happen is said first; the record is a rotation, to which the page then leads."""
    page = await web.visitor.follow(await by_key(web), "Turn its key")
    assert "never without a key that works" in page.text
    done = await web.visitor.press(page, "Turn the key", algorithm="ES256")
    assert done.path.startswith("/rotations/")
    assert "own uses its new key" in done.text
    (one,) = await stored(web)
    assert one["version"] == 2
    shown = await web.visitor.open(f"{LIST}/{one['id']}")
    assert "a rotation of its own" in shown.text
    assert "None yet" in shown.text
    again = await web.visitor.press(
        await web.visitor.follow(shown, "Turn its key"), "Turn the key", algorithm="RS256"
    )
    assert again.status == 400
    assert "The key was not turned" in again.text


async def test_an_api_token_has_no_key_to_turn(web: WebHouse) -> None:
    """The page says what to do instead, and so does the refusal."""
    page = await connected(web)
    assert "give it the key of a service app" in page.text
    assert "Turn its key" not in page.text
    asked = await web.visitor.open(f"{page.path}/turn-key")
    assert (await web.visitor.press(asked, "Turn the key")).status == 400


# --- changed -------------------------------------------------------------------------------------


async def test_credentials_are_replaced_once_okta_has_accepted_them(web: WebHouse) -> None:
    """What is left empty stays; another address takes them again."""
    page = await connected(web)
    edit = await web.visitor.follow(page, "Change")
    saved = await web.visitor.press(edit, "Save", description="For tests")
    assert "Saved." in saved.text
    wrong = await web.visitor.press(edit, "Save", url="https://other.okta.com")
    assert wrong.status == 422
    assert wrong.value("url") == "https://other.okta.com"
    refused = await web.visitor.press(edit, "Save", token="00" + "y" * 40)
    assert refused.status == 502
    done = await web.visitor.press(
        edit, "Save", method="oauth-service-app", client_id=client_of(web), key=key_of(web)
    )
    assert "used from now on" in done.text
    assert "the key of a service app" in done.text


async def test_a_connection_is_removed_once_no_rotation_uses_it(web: WebHouse) -> None:
    """And its name was typed."""
    rotation = await web.house.rotate_by_order()
    used = await web.visitor.open(f"{LIST}/{rotation['connectionId']}/delete")
    assert "It is used by my-okta-rotation" in used.text
    token = used.value("form_token")
    data = {"form_token": token, "confirm": "my-okta"}
    assert (await web.visitor.http.post(used.path, data=data)).status_code == 400
    free = await by_key(web)
    page = await web.visitor.follow(free, "Delete")
    kept = await web.visitor.press(page, "Delete the connection", confirm="onw")
    assert kept.status == 400
    gone = await web.visitor.press(kept, "Delete the connection", confirm="own")
    assert "own is gone" in gone.text
    assert [one["name"] for one in await stored(web)] == ["my-okta"]


# --- by whom -------------------------------------------------------------------------------------


async def test_who_may_only_look_sees_no_button_and_is_refused(web: WebHouse) -> None:
    """Who may use it may have the org asked, and no more; who is of another project sees none."""
    at = (await connected(web, projectId=web.house.installed.project.id)).path
    viewer, rotator = await somebody(web, "viewer"), await somebody(web, "rotator")
    for visitor, buttons in ((viewer, set[str]()), (rotator, {"Test it", "Compare now"})):
        page = await visitor.open(at)
        found = {button.text for form in page.forms for button in form.buttons}
        assert found == buttons | {"Log out"}
        assert not [href for href, _ in page.links if href.endswith(("/edit", "/turn-key", "/new"))]
        token = page.value("form_token")
        for order in ("edit", "turn-key", "delete"):
            data = {"form_token": token, "name": "x", "url": ORG_URL, "confirm": "my-okta"}
            answer = await visitor.http.post(f"{at}/{order}", data=data)
            assert answer.status_code == 403, order
    for order in ("check", "compare"):
        token = (await viewer.open(at)).value("form_token")
        answer = await viewer.http.post(f"{at}/{order}", data={"form_token": token})
        assert answer.status_code == 403
    other = await stranger(web)
    assert "my-okta" not in (await other.open(LIST)).text
    assert (await other.open(at)).status in (403, 404)


async def test_every_page_has_the_command_that_does_the_same(
    web: WebHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command line takes it as it stands."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "FILE").write_text("{}")
    at = (await by_key(web)).path
    for path in (LIST, NEW, *(f"{at}{end}" for end in ("", "/edit", "/turn-key", "/delete"))):
        commands = commands_of(await web.visitor.open(path))
        assert commands, path
        for words in commands:
            parse(words)


async def test_only_what_lies_in_the_project_is_listed(web: WebHouse) -> None:
    """One of another project is not offered here."""
    elsewhere = await ask(web.house, "POST", "/api/v2/workspace", {"projectName": "Elsewhere"})
    slug = str(inner(elsewhere, "project")["slug"])
    await connected(web, projectId=web.house.installed.project.id)
    assert "my-okta" in (await web.visitor.open(LIST)).text
    page = await web.visitor.open(LIST, project=slug)
    assert "No org is connected yet" in page.text
