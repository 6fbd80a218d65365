"""The wizard as a whole: from nothing to a rotation that is served, without any script."""

import asyncio
import shlex
from urllib.parse import urlencode

import pytest
from rotation_pages_kit import following, live
from surface_kit import log_in_as, make_role
from web_kit import Page, WebHouse, make_person, visitor_of
from wizard_kit import (
    ASKS,
    HOSTILE,
    SECRETS,
    connecting,
    fields_of,
    make_app,
    onward,
    reach,
    rotations,
    step_of,
    the_rotation,
    through,
)

from keyturn.cli.run import run
from keyturn.cli.secret import get
from keyturn.domain.access import Verb
from keyturn.domain.schedule import Schedule
from keyturn.domain.secret import Secret
from keyturn.sandbox import Fault
from keyturn.web.pages.wizard_answers import PATH

STEPS = [*ASKS]


async def test_a_new_user_gets_from_nothing_to_a_served_secret(web: WebHouse) -> None:
    """An org, a token and an app are all that has to be said; the rest has usual answers."""
    page = await through(web.visitor, **connecting(web), app=web.house.app_id)
    assert step_of(page) == "review"
    assert await rotations(web) == []
    made = await web.visitor.press(page, "Create rotation")
    rotation = await the_rotation(web)
    assert made.path == f"{PATH}/created/{rotation.id}"
    assert rotation.app_id == web.house.app_id
    assert rotation.name == "example-web-app"
    assert (rotation.mapping.client_id, rotation.mapping.client_secret) == (
        "OKTA_CLIENT_ID",
        "OKTA_CLIENT_SECRET",
    )
    assert rotation.schedule.plain
    assert rotation.schedule.interval_days == 30
    secret = web.house.org.read_app(web.house.app_id).live_secrets[0]
    assert await web.house.served() == secret.value
    assert secret.value not in made.html


async def test_the_page_of_what_was_created_says_how_it_is_read(web: WebHouse) -> None:
    """By commands and a request that can be copied, with the next turn and the way on."""
    made = await web.visitor.press(await reach(web), "Create rotation")
    rotation = await the_rotation(web)
    assert "It is served" in made.text
    assert "keyturn run --project example --env dev -- COMMAND" in made.text
    assert "keyturn secret get --project example --env dev OKTA_CLIENT_SECRET" in made.text
    url = "https://keyturn.example.com/api/v4/secrets/OKTA_CLIENT_SECRET"
    assert f'curl -sS -G "{url}"' in made.text
    assert "-d projectId=example -d environment=dev -d secretPath=/" in made.text
    assert f"/rotations/{rotation.id}" in [href for href, _ in made.links]
    assert rotation.next_rotation_at
    assert f"{rotation.next_rotation_at:%Y-%m-%dT%H:%M:%SZ}" in made.html
    query = {"projectId": "example", "environment": "dev", "secretPath": "/"}
    read = await web.house.http.get(url, params=query)
    assert read.json()["secret"]["secretValue"] == await web.house.served()


async def test_the_commands_of_what_was_created_are_ones(web: WebHouse) -> None:
    """Also where a name looks like an option, or like more than a word."""
    page = await reach(web, map_client_id="-ID", map_client_secret="-$(id)")
    made = await web.visitor.press(page, "Create rotation")
    text = made.text.split("One value on the command line: keyturn secret get")[1]
    context = get.make_context("get", shlex.split(text.split("Copy")[0]))
    assert (context.params["name"], context.params["environment"]) == ("-$(id)", "dev")
    words = shlex.split(made.text.split("keyturn run")[1].split("Copy")[0])
    assert run.make_context("run", words).params["environment"] == "dev"
    assert "/api/v4/secrets/-%24%28id%29" in made.text


async def test_creating_it_another_time_goes_on_where_the_first_was(web: WebHouse) -> None:
    """The next app in the same place is a link away, and its names are free ones."""
    made = await web.visitor.press(await reach(web), "Create rotation")
    page = await web.visitor.follow(made, "Create another")
    assert step_of(page) == "configuration"
    other = make_app(web, "Billing portal", None)
    page = await onward(web.visitor, page, app=other.id)
    assert fields_of(page)["map_client_id"] == "BILLING_PORTAL_CLIENT_ID"
    assert fields_of(page)["map_client_secret"] == "BILLING_PORTAL_CLIENT_SECRET"
    await web.visitor.press(page, "Create rotation")
    assert sorted(one.name for one in await rotations(web)) == ["billing-portal", "example-web-app"]


async def test_the_button_pressed_twice_creates_one(web: WebHouse) -> None:
    """Both presses lead to the page of the one rotation, one after the other or at once."""
    page = await reach(web)
    first = await web.visitor.press(page, "Create rotation")
    again = await web.visitor.press(page, "Create rotation")
    assert first.path == again.path == f"{PATH}/created/{(await the_rotation(web)).id}"


@pytest.mark.parametrize("existing", ["adopt", "issue"])
async def test_the_button_pressed_twice_at_once_creates_one(web: WebHouse, existing: str) -> None:
    """Okta is not asked for a second secret either."""
    page = await reach(web, **{f"existing:{web.house.app_id}": existing})
    pressed = [web.visitor.press(page, "Create rotation") for _ in range(3)]
    pages = await asyncio.gather(*pressed)
    assert {each.path for each in pages} == {f"{PATH}/created/{(await the_rotation(web)).id}"}
    added = 1 if existing == "issue" else 0
    assert len(web.house.org.read_app(web.house.app_id).live_secrets) == 1 + added


async def test_a_rotation_that_was_there_before_is_not_taken_for_the_new_one(web: WebHouse) -> None:
    """Only what was created since this wizard was begun is what it has created."""
    page = await reach(web)
    await web.visitor.press(page, "Create rotation")
    web.house.clock.advance(60)
    later = web.world.clock.now().isoformat()
    shown = await web.visitor.press(page, "Create rotation", since=later)
    assert shown.status == 400
    assert "There is a rotation example-web-app in example/dev/ already" in shown.text
    strange = await web.visitor.press(page, "Create rotation", since="whenever")
    assert strange.status == 400


async def test_the_way_back_from_what_was_created_leads_to_it_again(web: WebHouse) -> None:
    """The last step, opened once more, is done; with another answer it is another rotation."""
    page = await reach(web)
    made = await web.visitor.press(page, "Create rotation")
    assert (await web.visitor.open(page.path)).path == made.path
    other = await web.visitor.open(page.path.replace("step=review", "step=review&days=45"))
    assert other.status == 400
    assert "There is a rotation example-web-app in example/dev/ already" in other.text


async def test_loading_a_step_again_changes_nothing(web: WebHouse) -> None:
    """Each step has an address of its own, the last one too, and opening it does nothing."""
    page = await through(web.visitor, "parameters", **connecting(web))
    for _ in range(2):
        page = await web.visitor.open(page.path)
        assert step_of(page) == "parameters"
    page = await onward(web.visitor, page, app=web.house.app_id)
    same = await web.visitor.open(page.path)
    assert fields_of(same).keys() == fields_of(page).keys()
    assert await rotations(web) == []


async def test_a_link_from_elsewhere_prefills_what_it_answers(web: WebHouse) -> None:
    """A connection by its name is as good as by its id."""
    connection = await web.house.connect()
    query = {"connection": "my-okta", "app": web.house.app_id, "environment": "prod"}
    page = await web.visitor.open(PATH, **query)
    assert step_of(page) == "configuration"
    assert fields_of(page)["connection"] == connection
    assert fields_of(page)["environment"] == "prod"
    page = await web.visitor.press(await onward(web.visitor, page), "Create rotation")
    assert "It is served" in page.text
    where = {"projectId": "example", "environment": "prod"}
    read = await web.house.http.get("/api/v4/secrets/OKTA_CLIENT_ID", params=where)
    assert read.status_code == 200


@pytest.mark.parametrize("wanted", STEPS)
async def test_a_link_leads_as_far_as_its_answers_hold(web: WebHouse, wanted: str) -> None:
    """The first step that lacks something is shown, without a word of blame."""
    connection = await web.house.connect()
    page = await web.visitor.open(PATH, step=wanted, connection=connection)
    far = min(STEPS.index(wanted), STEPS.index("parameters"))
    assert (page.status, step_of(page)) == (200, STEPS[far])
    assert "error-summary" not in page.html
    whole = await web.visitor.open(PATH, step=wanted, connection=connection, app=web.house.app_id)
    assert (whole.status, step_of(whole)) == (200, wanted)


async def test_a_link_creates_nothing(web: WebHouse) -> None:
    """Neither a connection, nor a folder, nor a rotation."""
    told = connecting(web, path="/new", make_folder="on", go="create", step="review")
    page = await web.visitor.open(f"{PATH}?{urlencode(told | {'app': web.house.app_id})}")
    assert step_of(page) == "configuration"
    token = web.house.org.seeded.api_token
    assert page.html.count(token) == 0
    listed = await web.house.http.get("/api/v1/app-connections/okta")
    assert listed.json()["appConnections"] == []
    assert await rotations(web) == []


async def test_a_last_step_that_was_made_up_is_led_back_to_what_is_missing(web: WebHouse) -> None:
    """Whatever an address or a form claims to have answered is judged before anything is done."""
    bare = await web.visitor.open(PATH, step="review", since="2026-03-01T12:00:00+00:00")
    assert (bare.status, step_of(bare)) == (422, "parameters")
    page = await reach(web)
    broken = await web.visitor.press(page, "Create rotation", map_client_id="A B", days="0")
    assert (broken.status, step_of(broken)) == (422, "configuration")
    broken = await web.visitor.press(page, "Create rotation", map_client_id="A B")
    assert (broken.status, step_of(broken)) == (422, "mappings")
    assert "Must be a printable name" in broken.text
    broken = await web.visitor.press(page, "Create rotation", connection="nothing")
    assert broken.status == 404
    assert await rotations(web) == []


async def test_what_is_in_the_way_meanwhile_is_said_at_the_end(web: WebHouse) -> None:
    """Somebody took the name between the review and the button; everything is kept."""
    page = await reach(web)
    await web.house.http.post(
        "/api/v3/secrets/raw/OKTA_CLIENT_SECRET", json=web.house.place | {"secretValue": "mine"}
    )
    refused = await web.visitor.press(page, "Create rotation")
    assert refused.status == 400
    assert "There are secrets named OKTA_CLIENT_SECRET in example/dev/" in refused.text
    back = await web.visitor.press(refused, "Back")
    assert step_of(back) == "details"
    assert fields_of(back)["app"] == web.house.app_id


async def test_errors_of_okta_at_the_end_are_told_and_nothing_is_lost(web: WebHouse) -> None:
    """The page can be tried again once Okta is back."""
    page = await reach(web)
    web.house.org.add_fault(Fault("drop-before-effect", "GET", SECRETS))
    refused = await web.visitor.press(page, "Create rotation")
    assert refused.status == 502
    assert "Okta could not be reached" in refused.text
    assert await rotations(web) == []
    web.house.org.remove_fault()
    page = await web.visitor.press(refused, "Try again")
    made = await web.visitor.press(page, "Create rotation")
    assert "It is served" in made.text


async def test_a_first_secret_that_okta_does_not_know_yet_is_served_later(web: WebHouse) -> None:
    """The page says so, and follows it; nothing is claimed that is not so."""
    web.house.org.change_settings(propagation_s=90.0)
    page = await reach(web, **{f"existing:{web.house.app_id}": "issue"})
    made = await web.visitor.press(page, "Create rotation")
    assert "Not served yet" in made.text
    assert f"{made.path}/live" in made.html
    async with following(web, f"{made.path}/live") as stream:
        assert "Not served yet" in (await stream.part() or "")
        await live(web, 120)
        assert "It is served" in (await stream.part() or "")


async def test_whoever_may_create_nothing_is_told_so(web: WebHouse) -> None:
    """By the page and by the form; who holds the role for it goes all the way."""
    await make_person(web.house, "vera@example.com", role="viewer")
    viewer = visitor_of(web.world)
    await viewer.log_in("vera@example.com")
    refused = await viewer.open(PATH)
    assert refused.status == 403
    assert "secret-rotation:create" in refused.text
    connection = await web.house.connect()
    await make_person(web.house, "rosa@example.com", role="rotator")
    rotator = visitor_of(web.world)
    await rotator.log_in("rosa@example.com")
    page = await through(rotator, connection=connection, app=web.house.app_id)
    assert "Make a new connection" not in (await rotator.press(page, "Back")).html
    assert "It is served" in (await rotator.press(page, "Create rotation")).text


async def test_whoever_may_create_in_one_place_alone_is_told_at_the_place(web: WebHouse) -> None:
    """Nothing is learned of the others, and the one goes all the way."""
    connection = await web.house.connect()
    sees = (Verb.READ_PROJECT, Verb.READ_CONNECTIONS, Verb.READ_ROTATIONS)
    near = await make_role(web.house, *sees, slug="near")
    makes = (Verb.CREATE_ROTATIONS, Verb.USE_CONNECTIONS)
    narrow = await make_role(web.house, *makes, environments=("dev",))
    somebody = await log_in_as(web.house, near, narrow)
    token = somebody.http.headers["authorization"].removeprefix("Bearer ")
    visitor = visitor_of(web.world)
    await visitor.press(await visitor.open("/log-in"), "Log in with the token", token=token)
    page = await through(visitor, "configuration")
    refused = await visitor.press(page, "Next", connection=connection, environment="prod")
    assert (refused.status, step_of(refused)) == (403, "configuration")
    assert 'href="#f-environment"' in refused.html
    page = await visitor.press(refused, "Next", environment="dev")
    assert (page.status, step_of(page)) == (403, "parameters")  # the list is of all places
    page = await visitor.press(page, "Search", search=web.house.app_id)
    page = await onward(visitor, await visitor.press(page, "Next"))
    assert "It is served" in (await visitor.press(page, "Create rotation")).text


async def test_whoever_may_make_no_connection_makes_none(web: WebHouse) -> None:
    """The form is not offered, and what is sent all the same is refused."""
    await make_person(web.house, "rosa@example.com", role="rotator")
    rotator = visitor_of(web.world)
    await rotator.log_in("rosa@example.com")
    page = await through(rotator, "configuration")
    assert "you may not make one" in page.text
    form, _ = page.form_with("Next")
    assert "new_token" not in form.names
    form.names |= {"new_url", "new_token", "new_name"}
    refused = await rotator.press(page, "Next", **connecting(web))
    assert refused.status == 403
    assert "may not app-connections:create" in refused.text


async def test_hostile_answers_are_text(web: WebHouse) -> None:
    """In every field of every step, whatever they break."""
    page = await web.visitor.open(PATH)
    connection, app = await web.house.connect(), make_app(web, HOSTILE, None)
    texts = {"kind", "algorithm", "often", "automatic", "new_method", "overlap_policy", "log"}
    for step, asked in ASKS.items():
        assert step_of(page) == step
        choices = {*texts, "project", "connection", "environment", "zone", "app", "existing"}
        if step != "review":
            form = page.form_with("Next")[0]
            typed = {name: HOSTILE for name in asked if name in form.names - choices}
            bad = await web.visitor.press(page, "Next", **typed)
            assert "<script>alert" not in bad.html
            right = {"connection": connection} if step == "configuration" else {}
            right |= {"app": app.id} if step == "parameters" else {}
            page = await web.visitor.press(page, "Next", **right)
    assert "<script>alert" not in page.html
    assert HOSTILE.replace("&", "") in page.text.replace("&", "")
    made = await web.visitor.press(page, "Create rotation")
    assert "<script>alert" not in made.html
    assert made.status == 200


async def test_hostile_links_are_text(web: WebHouse) -> None:
    """An answer can come by an address too."""
    await web.house.connect()
    for step, asked in ASKS.items():
        told = dict.fromkeys([*asked, "label", "since", "searched"], HOSTILE) | {"step": step}
        told.pop("project", None)
        page = await web.visitor.open(f"{PATH}?{urlencode(told)}")
        assert "<script>alert" not in page.html
        assert page.status < 500


async def test_a_strange_project_is_not_taken_for_another(web: WebHouse) -> None:
    """Nothing is created in a project that nobody named."""
    page = await web.visitor.open(PATH, project="elsewhere")
    assert page.status == 404


async def test_a_form_of_another_page_does_nothing(web: WebHouse) -> None:
    """Neither the steps nor their parts."""
    page = await reach(web)
    for button in ("Create rotation", "Back"):
        refused = await web.visitor.press(page, button, form_token="stolen")
        assert refused.status == 403
    assert await rotations(web) == []


async def test_every_secret_of_the_way_stays_out_of_addresses_and_pages(web: WebHouse) -> None:
    """The token is used by the request that brings it, and is not seen again."""
    token = web.house.org.seeded.api_token
    value = web.house.org.read_app(web.house.app_id).live_secrets[0].value
    page = await through(web.visitor, "configuration")
    bad = await web.visitor.press(page, "Next", **connecting(web, days="0"))
    pages: list[Page] = [bad, await onward(web.visitor, page, **connecting(web), days="30")]
    pages.append(await web.visitor.press(pages[-1], "Back"))
    for each in pages:
        assert token not in each.html + each.path
        assert value not in each.html + each.path


async def test_the_same_is_stored_as_by_the_api(web: WebHouse) -> None:
    """With the same answers a rotation is the same in all but what is new each time."""
    await web.visitor.press(
        await reach(web, name="one", description="my client secret rotation"), "Create rotation"
    )
    by_page = await the_rotation(web)
    connection = by_page.connection_id
    gone = await web.house.http.delete(
        f"/api/v2/secret-rotations/okta-client-secret/{by_page.id}?deleteSecrets=true"
    )
    assert gone.status_code == 200
    order = web.house.order(connection, name="one")
    await web.house.http.post("/api/v2/secret-rotations/okta-client-secret", json=order)
    by_api = await the_rotation(web)
    for name in ("name", "description", "parameter", "mapping", "policy", "kind", "folder_id"):
        assert getattr(by_page, name) == getattr(by_api, name)
    assert by_page.schedule == by_api.schedule == Schedule(30, by_api.schedule.rotate_at)
    async with web.world.store.reading() as tx:
        assert len(await tx.list(Secret)) == 2
