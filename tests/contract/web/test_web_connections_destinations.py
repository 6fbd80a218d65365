"""Destinations by hand: made of each kind, delivered to, paused, changed, removed."""

from pathlib import Path

import pytest
from api_kit import Body
from identity_kit import ask
from web_connections_kit import HOSTILE, commands_of, parse, somebody, stranger
from web_kit import Page, WebHouse

from keyturn.domain.destination_kinds import KINDS, Kind
from keyturn.domain.errors import DestinationAway, DestinationRefused
from keyturn.testing import FakeCarriers

LIST = "/connections/destinations"
NEW = f"{LIST}/new"
DESTINATIONS = "/api/v1/destinations"
GOOD: dict[Kind, dict[str, str]] = {
    Kind.AWS: {
        "set-region": "eu-central-1",
        "key-accessKeyId": "CANARYKEYID000000001",
        "key-secretAccessKey": "canary-key",
    },
    Kind.GITHUB: {"set-repository": "acme/web", "key-token": "canary-key"},
    Kind.KUBERNETES: {
        "set-url": "https://10.0.0.1:6443",
        "set-namespace": "web",
        "set-secret": "app",
        "key-token": "canary-key",
    },
    Kind.VAULT: {
        "set-url": "https://vault.example.com",
        "set-path": "web/app",
        "key-token": "canary-key",
    },
    Kind.WEBHOOK: {
        "set-url": "https://hook.example.com/in?token=canary-key",
        "set-values": "false",
        "key-secret": "whsec_" + "Y2FuYXJ5LWtleS0" * 4,
    },
    Kind.FILE: {"set-path": "web/app.env", "set-format": "dotenv"},
}


def carriers(web: WebHouse) -> FakeCarriers:
    """Return what carries."""
    assert isinstance(web.world.carriers, FakeCarriers)
    return web.world.carriers


async def put(web: WebHouse, name: str, value: str) -> None:
    """Store a secret."""
    body = {**web.house.place, "secretValue": value}
    await ask(web.house, "POST", f"/api/v3/secrets/raw/{name}", body)


async def made(web: WebHouse, kind: Kind = Kind.FILE, **changes: str) -> Page:
    """Make a destination by hand, and return its page."""
    typed = {"name": "there"} | GOOD[kind] | changes
    page = await web.visitor.open(NEW, kind=kind)
    return await web.visitor.press(page, "Make the destination", **typed)


async def stored(web: WebHouse) -> list[dict[str, object]]:
    """Return the destinations as the API tells of them."""
    told = (await ask(web.house, "GET", f"{DESTINATIONS}?projectId=example"))["destinations"]
    assert isinstance(told, list)
    return told


@pytest.mark.parametrize("kind", Kind)
async def test_one_of_each_kind_is_made_by_its_own_fields(web: WebHouse, kind: Kind) -> None:
    """Found by a link; its credential is on no page, nor what an address has behind its path."""
    choices = await web.visitor.open(NEW)
    assert len([href for href, _ in choices.links if f"kind={kind}&" in href]) == 1
    page = await made(web, kind)
    assert "Made. What its folder holds is brought there now" in page.text
    (found,) = await stored(web)
    wanted = {name[4:]: text for name, text in GOOD[kind].items() if name.startswith("set-")}
    assert found["settings"] == wanted
    for end in ("", "/delete"):
        assert "canary-key" not in (await web.visitor.open(page.path + end)).html
    secrets = [text for name, text in GOOD[kind].items() if name.startswith("key-")]
    edit = await web.visitor.open(page.path + "/edit")
    assert not [each for each in secrets if each in edit.html]
    assert KINDS[kind].proof.value in page.text


async def test_a_kind_says_at_which_field_something_does_not_fit(web: WebHouse) -> None:
    """In words that name the field; all that was typed is kept but the credential."""
    page = await web.visitor.open(NEW, kind=Kind.KUBERNETES)
    for field, typed, why in (
        ("set-url", {"set-url": "ftp://x"}, "Address of the API server must be https://HOST"),
        ("set-namespace", {"set-namespace": ""}, "Namespace must be given"),
        ("key-token", {"key-token": ""}, "Token must be given"),
        ("mapping", {"mapping": "A B"}, "The mapping must be NAME=THERE"),
        ("mapping", {"prefix": "not/there "}, "give the destination a mapping or a prefix"),
        ("path", {"path": "a//b"}, "path"),
        ("only", {"only": "a:b"}, ""),
        ("name", {"name": "no name"}, "must be a slug"),
    ):
        sent = {"name": "cluster", "only": "KEY"} | GOOD[Kind.KUBERNETES] | typed
        again = await web.visitor.press(page, "Make the destination", **sent)
        assert again.status == 422, field
        assert f'id="f-{field}-error"' in again.html, (field, again.text[:900])
        assert why in again.text, (field, again.text[:900])
        assert again.value("set-secret") == "app"
        assert "canary-key" not in again.html
    assert await stored(web) == []


async def test_what_was_confirmed_is_shown_secret_by_secret(web: WebHouse) -> None:
    """With what each is called there, and what is left out."""
    await put(web, "DATABASE_URL", "canary-database")
    await put(web, "FULL", "${DATABASE_URL}?x")
    page = await made(web, mapping="DATABASE_URL=URL", prefix="APP_")
    assert "DATABASE_URL URL 1 never on its way" in page.text
    page = await web.visitor.press(page, "Deliver now")
    assert "Everything is there" in page.text
    assert "confirmed" in page.text
    assert "FULL APP_FULL 1 never left out" in page.text
    assert carriers(web).held == {"URL": "canary-database"}
    assert "canary-database" not in page.html
    assert "Confirmed" in (await web.visitor.open(LIST)).text


async def test_what_a_destination_says_no_to_is_told_with_what_to_do(web: WebHouse) -> None:
    """A refusal blocks it; no answer is tried again, and the page says when."""
    await put(web, "KEY", "canary-value")
    page = await made(web)
    carriers(web).faults.append(DestinationRefused(f"It refused. {HOSTILE}"))
    page = await web.visitor.press(page, "Deliver now")
    assert "Blocked" in page.text
    assert "It refused." in page.text
    assert "not there" in page.text
    assert "<script>alert" not in page.html
    carriers(web).faults.append(DestinationAway("It gave no good answer."))
    page = await web.visitor.press(page, "Deliver now")
    assert "Tried 1 time; again" in page.text


async def test_one_is_paused_and_resumed(web: WebHouse) -> None:
    """Nothing is brought meanwhile, and no button offers it."""
    page = await web.visitor.press(await made(web), "Pause")
    assert "no turn waits for it" in page.text
    assert "Deliver now" not in page.text
    token = page.value("form_token")
    answer = await web.visitor.http.post(f"{page.path}/deliver", data={"form_token": token})
    assert answer.status_code == 422
    page = await web.visitor.press(page, "Resume")
    assert "What it lacks is brought there now" in page.text


async def test_a_change_that_leads_elsewhere_takes_the_credential_again(web: WebHouse) -> None:
    """A name, or whether turns wait, takes none."""
    await made(web, Kind.KUBERNETES)
    page = await web.visitor.open(f"{LIST}/{(await stored(web))[0]['id']}/edit")
    saved = await web.visitor.press(page, "Save", name="cluster", required=[])
    assert "goes on without it" in saved.text
    wrong = await web.visitor.press(page, "Save", **{"set-namespace": "other"})
    assert wrong.status == 422
    told = "must be given again, because the settings lead elsewhere."
    assert [href for href, text in wrong.links if told in text] == ["#f-key-token"]
    assert wrong.value("set-namespace") == "other"
    moved = await web.visitor.press(
        page, "Save", **{"set-namespace": "other", "key-token": "canary-other", "only": "A\nB"}
    )
    assert "canary-other" not in moved.html
    (found,) = await stored(web)
    settings = found["settings"]
    assert isinstance(settings, dict)
    assert (settings["namespace"], found["secrets"]) == ("other", ["A", "B"])


async def test_one_is_removed(web: WebHouse) -> None:
    """What was brought there stays there, as the page says first."""
    page = await web.visitor.follow(await made(web), "Remove")
    assert "stays there, and grows old" in page.text
    gone = await web.visitor.press(page, "Remove the destination")
    assert "there is removed" in gone.text
    assert await stored(web) == []


async def test_who_may_only_look_sees_no_button_and_is_refused(web: WebHouse) -> None:
    """Who may deliver sees that one; who is of another project learns nothing."""
    at = (await made(web)).path
    viewer, rotator = await somebody(web, "viewer"), await somebody(web, "rotator")
    for visitor, buttons in ((viewer, set[str]()), (rotator, {"Deliver now"})):
        page = await visitor.open(at)
        found = {button.text for form in page.forms for button in form.buttons}
        assert found == buttons | {"Log out"}
        token = page.value("form_token")
        for order in ("pause", "resume", "edit", "delete"):
            data = {"form_token": token, "name": "x", "set-path": "x"}
            answer = await visitor.http.post(f"{at}/{order}", data=data)
            assert answer.status_code == 403, order
    token = (await viewer.open(at)).value("form_token")
    answer = await viewer.http.post(f"{at}/deliver", data={"form_token": token})
    assert answer.status_code == 403
    assert (await rotator.press(await rotator.open(at), "Deliver now")).status == 200
    other = await stranger(web)
    assert "there" not in [text for _, text in (await other.open(LIST)).links]
    assert (await other.open(at)).status in (403, 404)


async def test_every_page_has_the_command_that_does_the_same(
    web: WebHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command line takes it as it stands."""
    monkeypatch.chdir(tmp_path)
    at = (await made(web)).path
    paths = [LIST, NEW, *(f"{NEW}?kind={each}" for each in Kind)]
    for path in (*paths, *(f"{at}{end}" for end in ("", "/edit", "/delete"))):
        commands = commands_of(await web.visitor.open(path))
        assert commands, path
        for words in commands:
            parse(words)


async def test_an_unknown_kind_is_not_found(web: WebHouse) -> None:
    """Neither offered nor made."""
    assert "Where do secrets go?" in (await web.visitor.open(NEW, kind="floppy")).text
    page = await web.visitor.open(NEW, kind=Kind.FILE)
    body: Body = {"form_token": page.value("form_token"), "kind": "floppy"}
    assert (await web.visitor.http.post(NEW, data=body)).status_code == 404
