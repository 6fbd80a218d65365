"""The wizard's names, and the command that does the same: what is free, and what is told."""

import json
import shlex

import click
import pytest
from surface_kit import make_folder, put
from web_kit import Page, WebHouse
from wizard_kit import fields_of, make_app, part, reach, rotations, step_of, the_rotation

from keyturn.cli.rotation import create
from keyturn.cli.rotation_draft import Draft
from keyturn.domain.errors import Refused
from keyturn.domain.foreign import Consent
from keyturn.domain.ids import CredentialId
from keyturn.domain.rotation import SecretsMapping
from keyturn.services.logins import authenticate
from keyturn.services.onboarding import RotationDraft, preview_rotation
from keyturn.services.projects import Where
from keyturn.services.schedules import DEFAULT
from keyturn.web.pages.wizard_answers import PATH

LONG = "A" * 256


@pytest.mark.parametrize(
    ("client_id", "secret", "field", "told"),
    [
        ("", "B", "map_client_id", "must be a printable name"),
        ("A B", "B", "map_client_id", "without colon, slash or space"),
        ("A", "a/b", "map_client_secret", "without colon, slash or space"),
        ("A", "A", "map_client_secret", "must differ from the name for the client id"),
        ("A", LONG, "map_client_secret", "at most 255 characters"),
        ("TAKEN", "B", "map_client_id", "There is a secret TAKEN in example/dev/ already"),
        ("A", "TAKEN", "map_client_secret", "There is a secret TAKEN in example/dev/ already"),
    ],
)
async def test_names_that_cannot_be_are_told_while_typing_and_by_the_button(
    web: WebHouse, client_id: str, secret: str, field: str, told: str
) -> None:
    """In the same words, and what was typed is kept."""
    await put(web.house, "TAKEN", "value-of-somebody")
    page = await reach(web, "mappings")
    typed = {"map_client_id": client_id, "map_client_secret": secret}
    said = await part(web, page, **typed)
    assert said.status == 200
    if client_id:
        assert told.lower() in said.text.lower()
    refused = await web.visitor.press(page, "Next", **typed)
    assert (refused.status in (400, 422), step_of(refused)) == (True, "mappings")
    assert f'href="#f-{field}"' in refused.html
    assert told.lower() in refused.text.lower()
    kept = fields_of(refused)
    assert (kept["map_client_id"], kept["map_client_secret"]) == (client_id, secret)


async def test_names_that_are_free_are_said_to_be(web: WebHouse) -> None:
    """A secret of the same name in another folder is in nobody's way."""
    await make_folder(web.house, "/apps")
    await put(web.house, "OKTA_CLIENT_ID", "value-of-somebody")
    page = await reach(web, "mappings", path="/apps")
    assert fields_of(page)["map_client_id"] == "OKTA_CLIENT_ID"
    assert "OKTA_CLIENT_ID is free" in page.text
    assert "FREE_TOO is free" in (await part(web, page, map_client_secret="FREE_TOO")).text


async def test_names_are_proposed_that_nothing_has(web: WebHouse) -> None:
    """The usual ones, then those of the app, then numbered ones."""
    app = make_app(web, "Billing: portal (EU)", None)
    connection = await web.house.connect()
    for taken, proposed in (
        ("OKTA_CLIENT_ID", "BILLING_PORTAL_EU_CLIENT_SECRET"),
        ("BILLING_PORTAL_EU_CLIENT_SECRET", "BILLING_PORTAL_EU_2_CLIENT_SECRET"),
    ):
        await put(web.house, taken, "value-of-somebody")
        page = await reach(web, "mappings", connection=connection, app=app.id)
        assert fields_of(page)["map_client_secret"] == proposed


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Not a slug", "must be a slug"),
        ("a" * 65, "must be a slug"),
        ("Example-Web-App", "There is a rotation example-web-app in example/dev/ already"),
    ],
)
async def test_a_name_that_cannot_be_is_told_while_typing_and_by_the_button(
    web: WebHouse, name: str, told: str
) -> None:
    """As the names of secrets are."""
    await web.visitor.press(await reach(web), "Create rotation")
    connection = (await the_rotation(web)).connection_id
    app = make_app(web, "Example web app", None)
    page = await reach(web, "details", connection=connection, app=app.id)
    assert fields_of(page)["name"] == "example-web-app-2"
    assert told in (await part(web, page, name=name)).text.replace("Must", "must")
    refused = await web.visitor.press(page, "Next", name=name, description="kept")
    assert (refused.status in (400, 422), step_of(refused)) == (True, "details")
    assert told in refused.text
    assert (fields_of(refused)["name"], fields_of(refused)["description"]) == (name, "kept")


async def test_a_description_is_not_endless(web: WebHouse) -> None:
    """The rule is the API's, and what was typed is kept to be shortened."""
    page = await reach(web, "details")
    refused = await web.visitor.press(page, "Next", description="d" * 257)
    assert refused.status == 422
    assert "Description: must be at most 256 characters" in refused.text
    assert fields_of(refused)["description"] == "d" * 257


async def test_answers_too_long_for_a_link_go_on_without_one(web: WebHouse) -> None:
    """The step is shown at once, and nothing is lost."""
    page = await reach(web, "details")
    back = await web.visitor.press(page, "Back", description="d" * 1900, name="n" * 1900)
    assert (back.status, step_of(back)) == (200, "mappings")
    assert back.path == "/rotations/new"
    assert fields_of(back)["description"] == "d" * 1900


# --- the same from the command line -----------------------------------------------------------


def command_of(page: Page) -> list[str]:
    """Return the words of the command that the review shows."""
    text = page.text.split("keyturn rotation create")[1].split("Copy the command")[0]
    return shlex.split(text.replace("\\ ", " "))


ANSWERS = [
    {},
    {"description": 'It\'s "mine" & $HOME `id`', "name": "other-name", "environment": "prod"},
    {"days": "7", "at": "02:30"},
    {"at": "02:30", "zone": "Europe/Berlin", "overlap": "2h", "soak": "1d"},
    {"often": "every", "every": "6mo", "at": "05:00", "automatic": "off"},
    {"often": "every", "every": "12h"},
    {"often": "cron", "cron": "30 2 * * sun", "zone": "Asia/Tokyo", "log": "off"},
    {"overlap_policy": "evidence", "backstop": "3d", "quiet": "30m", "log": "on"},
    {"map_client_id": "$(id)", "map_client_secret": "it's"},
]


@pytest.mark.parametrize("answers", ANSWERS)
async def test_the_command_creates_the_same(web: WebHouse, answers: dict[str, str]) -> None:
    """What the command line would send is what the page has stored."""
    page = await reach(web, **answers)
    words = command_of(page)
    await web.visitor.press(page, "Create rotation")
    by_page = await the_rotation(web)
    gone = f"/api/v2/secret-rotations/okta-client-secret/{by_page.id}?deleteSecrets=true"
    assert (await web.house.http.delete(gone)).status_code == 200
    await send(web, words, by_page.connection_id)
    by_command = await the_rotation(web)
    for name in ("name", "description", "parameter", "mapping", "policy", "schedule", "folder_id"):
        assert getattr(by_command, name) == getattr(by_page, name)


async def test_the_command_says_as_much_as_was_answered(web: WebHouse) -> None:
    """What is still to be answered stands in it in capitals, at each step."""
    page = await web.visitor.open(PATH)
    words = command_of(page)
    assert {"NAME", "CONNECTION", "ENVIRONMENT", "APP"} <= {*words}
    page = await reach(web, "parameters", days="45", environment="prod")
    params = create.make_context("create", command_of(page)).params
    assert (params["interval"], params["environment"]) == (45, "prod")
    assert (params["name"], params["client_id"]) == ("NAME", "APP")
    bad = await web.visitor.press(await web.visitor.press(page, "Back"), "Next", soak="x; rm -rf /")
    assert "rm" not in command_of(bad)


async def send(web: WebHouse, words: list[str], connection_id: str) -> None:
    """Send what the command would, as its options are read."""
    from keyturn.cli import rotation_draft

    context = create.make_context("create", words)
    given = {k: v for k, v in context.params.items() if k not in ("plan", "server", "as_json")}
    draft: Draft = given  # type: ignore[assignment]  # click's own dict
    fields = rotation_draft._fields(draft)
    fields |= {"projectId": web.house.installed.project.id, "connectionId": connection_id}
    sent = json.loads(json.dumps(fields))
    answer = await web.house.http.post(f"/api/v2/secret-rotations/{draft['kind']}", json=sent)
    assert answer.status_code == 200, answer.text


async def test_the_command_of_every_choice_is_one(web: WebHouse) -> None:
    """Each of its options exists, and none asks for more."""
    app = make_app(web, "Crowded", None, None)
    one, other = app.live_secrets
    connection = await web.house.connect()
    for code in (f"adopt:{one.id}:2026-03-01", f"adopt:{other.id}:2026-03-01", "value"):
        answers = {"connection": connection, "app": app.id, f"existing:{app.id}": code}
        words = command_of(await reach(web, **answers))
        words = words[: words.index("<")] if "<" in words else words
        params = create.make_context("create", words).params
        assert params["client_id"] == app.id
        assert params["retire_existing"] == (code.split(":")[1] if ":" in code else None)
        assert params["existing_value_stdin"] is (code == "value")
    with pytest.raises(click.UsageError):
        create.make_context("create", ["--no-such-option"])


# --- what the services tell before anything is done -------------------------------------------


async def test_a_preview_stores_nothing_and_only_reads_at_okta(web: WebHouse) -> None:
    """It is on record as a preview, and holds no value."""
    await reach(web)
    assert await rotations(web) == []
    told = web.house.org.requests()
    requests = told["requests"]
    assert isinstance(requests, list)
    assert {each["method"] for each in requests} == {"GET"}
    async with web.world.store.reading() as tx:
        subjects = [each.attempt.subject for each in await tx.list_audit()]
    assert any(each.endswith("example-web-app (preview)") for each in subjects)


async def test_a_preview_tells_of_a_consent_that_names_nothing(web: WebHouse) -> None:
    """Also where the value is still to come."""
    admin = await authenticate(web.world, web.house.installed.admin_token)
    draft = RotationDraft(
        name="one",
        description=None,
        where=Where("example", "dev"),
        connection_id=await web.house.connect(),
        parameter=web.house.app_id,
        mapping=SecretsMapping("A", "B"),
        schedule=DEFAULT,
        retire_existing=Consent(CredentialId("ocsNone"), web.world.clock.now().date()),
    )
    with pytest.raises(Refused, match="has no client secret ocsNone"):
        await preview_rotation(web.world, admin, draft, value_follows=True)
