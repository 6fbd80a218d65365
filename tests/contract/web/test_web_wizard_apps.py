"""The wizard's choice of an app: how it is found, and what becomes of the secrets that it has."""

import pytest
from kinds_kit import DRAFTS
from web_kit import Page, WebHouse
from wizard_kit import (
    SECRETS,
    connecting,
    discreet,
    fields_of,
    make_app,
    onward,
    part,
    reach,
    rotations,
    step_of,
    the_rotation,
    through,
    wait_days,
)

from keyturn.domain.okta import CredentialKind, secret_hash
from keyturn.domain.sensitive import Sensitive
from keyturn.sandbox import Fault
from keyturn.web.pages.wizard import STEPS

STEP = "parameters"
VALUE = "a-value-that-its-owner-has-0123456789abcdefghi"
OTHER = "another-value-of-the-same-app-0123456789abcdef"


async def searched(web: WebHouse, text: str, page: Page | None = None) -> Page:
    """Search by the button."""
    page = page or await reach(web, STEP)
    return await web.visitor.press(page, "Search", search=text)


def offered(page: Page, app_id: str) -> list[str]:
    """Return the codes of what can become of what an app has."""
    parts = page.html.split(f'name="existing:{app_id}"')[1:]
    return [part.split('value="')[1].split('"')[0] for part in parts]


async def create(web: WebHouse, page: Page, **fields: str) -> Page:
    """Go on to the end, and create."""
    page = await onward(web.visitor, page)
    return await web.visitor.press(page, "Create rotation", **fields)


# --- finding it -------------------------------------------------------------------------------


async def test_an_app_is_found_by_the_beginning_of_its_label(web: WebHouse) -> None:
    """And shown with what its owner knows it by: client id, method, secrets with their age."""
    app = make_app(web, "Billing portal", None, auth_method="client_secret_post")
    make_app(web, "Reports", None)
    await wait_days(web, 3)
    page = await searched(web, "bill")
    assert app.client_id in page.text
    assert "client secret, in the body" in page.text
    secret = app.live_secrets[0]
    assert f"{secret.id} (ACTIVE, made 2026-03-01, 3 days ago)" in page.text
    assert "Reports" not in page.text
    assert secret.value not in page.html
    assert step_of(await web.visitor.press(page, "Next")) == "mappings"  # the only one is chosen


async def test_many_apps_are_narrowed_by_typing_more(web: WebHouse) -> None:
    """As many as fit are shown, and that there are more is said."""
    for number in range(12):
        make_app(web, f"Service {number:02}", None)
    page = await searched(web, "service")
    assert "Service 07" in page.text
    assert "There are more" in page.text
    page = await searched(web, "service 11", page)
    assert "There are more" not in page.text
    assert "No app has such a label" in (await searched(web, "zzz", page)).text


async def test_apps_that_are_free_come_first(web: WebHouse) -> None:
    """And where none is, it is said what to do."""
    await web.visitor.press(await reach(web), "Create rotation")
    rotation = await the_rotation(web)
    page = await reach(web, STEP, connection=rotation.connection_id)
    assert "None of these apps can be taken" in page.text
    make_app(web, "Zebra", None)
    page = await reach(web, STEP, connection=rotation.connection_id)
    assert page.text.index("Zebra") < page.text.index("kept by a rotation already")
    assert "None of these apps" not in page.text


@pytest.mark.parametrize("button", ["Search", "Go on"])
async def test_an_id_that_is_pasted_leads_to_its_app(web: WebHouse, button: str) -> None:
    """An app id and a client id alike, by the button and by the key Enter."""
    app = make_app(web, "Billing portal", None, client_id="billing-client")
    page = await reach(web, STEP)
    for pasted in (app.id, "billing-client"):
        found = await web.visitor.press(page, button, search=pasted)
        assert step_of(found) == STEP
        assert fields_of(found)["app"] == app.id
        assert step_of(await web.visitor.press(found, "Go on")) == "mappings"


async def test_what_is_typed_is_searched_at_once(web: WebHouse) -> None:
    """The part alone is sent; what was chosen before stays chosen and is shown first."""
    make_app(web, "Billing portal", None)
    page = await reach(web, STEP)
    shown = await part(web, page, search="Bill", app=web.house.app_id)
    assert shown.status == 200
    assert "<html" not in shown.html
    assert shown.text.index("Example web app") < shown.text.index("Billing portal")
    assert 'name="searched" value="Bill"' in shown.html


async def test_the_app_has_to_be_chosen(web: WebHouse) -> None:
    """Nothing is guessed where there are several, and an unknown one is told so."""
    make_app(web, "Another", None)
    page = await reach(web, STEP)
    refused = await web.visitor.press(page, "Next")
    assert (refused.status, step_of(refused)) == (422, STEP)
    assert "Choose the app" in refused.text
    refused = await web.visitor.press(page, "Next", app="0oaNoneOfThemIsThis00")
    assert (refused.status, step_of(refused)) == (400, STEP)
    assert "has no OAuth app with the app id or client id" in refused.text


async def test_what_cannot_be_turned_says_why_and_cannot_be_chosen(web: WebHouse) -> None:
    """No secret by nature, inactive, kept already, or what Keyturn itself logs in as."""
    await web.visitor.press(await reach(web), "Create rotation")
    rotation = await the_rotation(web)
    off = make_app(web, "Switched off", None)
    web.house.org.deactivate_app(off.id)
    keys = web.house.org.create_app(DRAFTS[CredentialKind.CLIENT_KEY])
    page = await reach(web, STEP, connection=rotation.connection_id)
    assert "It is kept by a rotation already" in page.text
    assert f"/rotations/{rotation.id}" in page.html
    assert "It is INACTIVE at Okta" in page.text
    assert "It has no client secret: it authenticates by JWT signed by its private key" in page.text
    for app_id, told in (
        (rotation.app_id, "is kept by rotation example-web-app already"),
        (off.id, "is INACTIVE at Okta"),
        (keys.id, "there is nothing to rotate"),
    ):
        refused = await web.visitor.press(page, "Next", app=app_id)
        assert (refused.status, step_of(refused)) == (400, STEP)
        assert told in refused.text


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault("drop-before-effect", "GET", "/api/v1/apps"), "Okta could not be reached"),
        (Fault("rate-limit", "GET", "/api/v1/apps"), "Okta"),
        (Fault("error-before-effect", "GET", "/api/v1/apps", status=403), "Okta refused"),
    ],
)
async def test_errors_of_okta_are_shown_at_the_step(web: WebHouse, fault: Fault, told: str) -> None:
    """With all that was answered kept; once Okta is back the same page goes on."""
    connection = await web.house.connect()
    web.house.org.add_fault(fault)
    page = await reach(web, STEP, connection=connection, days="45")
    if step_of(page) != STEP:
        page = await web.visitor.press(page, "Next")
    assert (page.status, step_of(page)) == (502, STEP)
    assert told in page.text
    assert fields_of(page)["days"] == "45"
    web.house.org.remove_fault()
    web.house.clock.advance(120)
    page = await web.visitor.press(page, "Search")
    assert "Example web app" in page.text
    made = await create(web, await web.visitor.press(page, "Next", app=web.house.app_id))
    assert "It is served" in made.text


async def test_an_app_whose_secrets_could_not_be_listed_is_looked_at_when_chosen(
    web: WebHouse,
) -> None:
    """A rate limit without room for the list stops nobody."""
    crowded = make_app(web, "Crowded", None, None)
    fault = Fault("error-before-effect", "GET", SECRETS, status=500)
    connection = await web.house.connect()
    web.house.org.add_fault(fault)
    page = await reach(web, STEP, connection=connection)
    assert "rate limit had no room" in page.text
    web.house.org.remove_fault()
    page = await web.visitor.press(page, "Next", app=crowded.id)
    assert (page.status, step_of(page)) == (422, STEP)
    assert offered(page, crowded.id)


# --- what becomes of what it has --------------------------------------------------------------


async def test_one_secret_is_adopted_and_nothing_changes_at_okta(web: WebHouse) -> None:
    """That is the usual choice, and the review says so, call by call."""
    page = await reach(web)
    app = web.house.org.read_app(web.house.app_id)
    assert f"Adopt {app.live_secrets[0].id}" in page.text
    assert "Nothing changes at Okta" in page.text
    assert f"GET /api/v1/apps/{app.id}/credentials/secrets" in page.text
    assert "POST /oauth2/v1/introspect" in page.text
    await web.visitor.press(page, "Create rotation")
    assert web.house.org.read_app(app.id) == app


async def test_a_new_secret_beside_leaves_the_old_one_alone(web: WebHouse) -> None:
    """And that the first turn will stop for it is said before."""
    app_id = web.house.app_id
    before = web.house.org.read_app(app_id).live_secrets[0]
    page = await reach(web, STEP)
    assert "the first turn will stop until it is removed" in page.text
    page = await web.visitor.press(page, "Next", **{"app": app_id, f"existing:{app_id}": "issue"})
    page = await onward(web.visitor, page)
    assert f"POST /api/v1/apps/{app_id}/credentials/secrets" in page.text
    assert "--no-adopt" in page.text
    await web.visitor.press(page, "Create rotation")
    old, new = web.house.org.read_app(app_id).live_secrets
    assert old == before
    assert await web.house.served() == new.value


async def test_a_secret_is_retired_by_a_consent_that_names_its_id_and_age(web: WebHouse) -> None:
    """Without the tick nothing is done, and the rest is kept."""
    app_id = web.house.app_id
    old = web.house.org.read_app(app_id).live_secrets[0]
    await wait_days(web, 2)
    code = f"issue:{old.id}:2026-03-01"
    page = await reach(web, **{f"existing:{app_id}": code})
    assert f"Retire {old.id} (ACTIVE, made 2026-03-01, 2 days ago)" in page.text
    assert (
        f"POST /api/v1/apps/{app_id}/credentials/secrets/{old.id}/lifecycle/deactivate" in page.text
    )
    assert f"DELETE /api/v1/apps/{app_id}/credentials/secrets/{old.id}" in page.text
    assert f"--retire-existing {old.id}" in page.text
    assert "--retire-existing-made 2026-03-01" in page.text
    refused = await web.visitor.press(page, "Create rotation")
    assert refused.status == 422
    assert "Consent to it by ticking the box" in refused.text
    assert await rotations(web) == []
    await web.visitor.press(refused, "Create rotation", consent="on")
    rotation = await the_rotation(web)
    async with web.world.store.reading() as tx:
        (turn,) = await tx.list_turns(rotation.id)
    assert turn.old
    assert turn.old.okta_id == old.id


async def test_a_consent_that_does_not_fit_any_more_retires_nothing(web: WebHouse) -> None:
    """Another secret by that id and day is not meant."""
    app_id = web.house.app_id
    old = web.house.org.read_app(app_id).live_secrets[0]
    page = await reach(web, **{f"existing:{app_id}": f"issue:{old.id}:2026-03-01"})
    for code in (f"issue:{old.id}:2026-02-28", "issue:ocsOther:2026-03-01"):
        refused = await web.visitor.press(page, "Create rotation", existing=code, consent="on")
        assert refused.status == 400
    assert await rotations(web) == []


async def test_two_secrets_need_a_choice_and_nothing_is_touched_unnamed(web: WebHouse) -> None:
    """Which one is served and which one goes is said by the owner alone."""
    app = make_app(web, "Crowded", VALUE, OTHER)
    one, other = app.live_secrets
    page = await searched(web, "crowded")
    assert "No rotation here keeps them" in page.text
    assert "there is no room for a new one until one goes" in page.text
    refused = await web.visitor.press(page, "Next", app=app.id)
    assert refused.status == 422
    assert "Choose what becomes of the secrets that Crowded has" in refused.text
    codes = offered(refused, app.id)
    assert codes == [f"adopt:{other.id}:2026-03-01", f"adopt:{one.id}:2026-03-01", "value"]
    page = await web.visitor.press(refused, "Next", **{f"existing:{app.id}": codes[1]})
    await create(web, page, consent="on")
    assert await web.house.served() == OTHER
    assert [each.status for each in web.house.org.read_app(app.id).live_secrets] == ["ACTIVE"] * 2


async def test_of_two_the_one_in_use_is_named_by_its_value(web: WebHouse) -> None:
    """The value is asked for at the last step, compared with Okta's list, and shown nowhere."""
    app = make_app(web, "Crowded", VALUE, OTHER)
    page = await reach(web, app=app.id, **{f"existing:{app.id}": "value"})
    assert "--existing-value-stdin" in page.text
    refused = await web.visitor.press(page, "Create rotation")
    assert refused.status == 422
    assert "Give the value that is to be adopted" in refused.text
    for wrong, status in (("not-one-of-them", 400), ("x" * 20_000, 422)):
        refused = await web.visitor.press(page, "Create rotation", existing_value=wrong)
        assert refused.status == status
        assert wrong not in refused.html
    made = await web.visitor.press(page, "Create rotation", existing_value=OTHER)
    assert OTHER not in made.html
    assert await web.house.served() == OTHER


async def test_two_secrets_that_are_both_inactive_have_to_be_tidied_up_first(
    web: WebHouse,
) -> None:
    """There is no way, so none is offered."""
    app = make_app(web, "Stale")
    for _ in range(2):
        web.house.org.create_secret(app.id, None, status="INACTIVE")
    page = await searched(web, "stale")
    assert "both are INACTIVE: remove one there" in page.text
    refused = await web.visitor.press(page, "Next", app=app.id)
    assert refused.status == 400


async def test_an_app_without_secrets_gets_its_first(web: WebHouse) -> None:
    """Nothing is asked about it."""
    app = make_app(web, "Empty")
    page = await searched(web, "empty")
    assert "It has no client secret yet" in page.text
    await create(web, await web.visitor.press(page, "Next", app=app.id))
    (first,) = web.house.org.read_app(app.id).live_secrets
    assert await web.house.served() == first.value


# --- an org that shows no values --------------------------------------------------------------


async def test_where_okta_hides_the_value_a_new_one_is_issued_or_the_value_given(
    web: WebHouse,
) -> None:
    """The review says which, and offers the other."""
    app = make_app(web, "Shy", VALUE)
    async with discreet(web) as hidden:
        page = await reach(hidden, app=app.id)
        assert "Okta does not show the value of the secret that the app has" in page.text
        assert f"POST /api/v1/apps/{app.id}/credentials/secrets" in page.text
        made = await hidden.visitor.press(page, "Create rotation", existing_value=VALUE)
        assert VALUE not in made.html
        assert len(web.house.org.read_app(app.id).live_secrets) == 1
        assert await web.house.served() == VALUE


async def test_where_okta_hides_the_value_of_two_it_has_to_be_given(web: WebHouse) -> None:
    """Adopting one and retiring the other hangs on it."""
    app = make_app(web, "Shy", VALUE, OTHER)
    _, other = app.live_secrets
    async with discreet(web) as hidden:
        code = f"adopt:{other.id}:2026-03-01"
        page = await reach(hidden, app=app.id, **{f"existing:{app.id}": code})
        refused = await hidden.visitor.press(page, "Create rotation", consent="on")
        assert refused.status in (400, 422)
        made = await hidden.visitor.press(
            refused, "Create rotation", consent="on", existing_value=VALUE
        )
        assert "It is served" in made.text
        assert await web.house.served() == VALUE


# --- the other types --------------------------------------------------------------------------


async def test_a_client_key_is_added_beside_those_that_the_app_has(web: WebHouse) -> None:
    """The algorithm is the one that was chosen; readers find a private key."""
    app = web.house.org.create_app(DRAFTS[CredentialKind.CLIENT_KEY])
    page = await reach(web, kind="okta-client-key", algorithm="ES256", app=app.id)
    assert f"POST /api/v1/apps/{app.id}/credentials/jwks" in page.text
    assert "--key-algorithm ES256" in page.text
    assert fields_of(page)["map_client_secret"] == "OKTA_PRIVATE_JWK"
    await web.visitor.press(page, "Create rotation")
    rotation = await the_rotation(web)
    assert (rotation.kind, rotation.algorithm) == (CredentialKind.CLIENT_KEY, "ES256")
    assert len(web.house.org.read_app(app.id).keys) == 2
    assert '"kty"' in await web.house.served("OKTA_PRIVATE_JWK")


async def test_an_api_service_integration_is_found_by_its_id_alone(web: WebHouse) -> None:
    """Its one secret is retired, left, or adopted by its value, which Okta never shows."""
    app = web.house.org.create_app(DRAFTS[CredentialKind.API_SERVICE_SECRET])
    secret = app.live_secrets[0]
    page = await reach(web, STEP, kind="okta-api-service-secret")
    assert "Id of the integration" in page.text
    assert "Search" not in [each.text for each in page.form_with("Next")[0].buttons]
    page = await web.visitor.press(page, "Next", app=app.id)
    assert page.status == 422
    codes = offered(page, app.id)
    assert codes == ["value", f"issue:{secret.id}:2026-03-01", "issue"]
    page = await web.visitor.press(page, "Next", **{f"existing:{app.id}": "value"})
    page = await onward(web.visitor, page)
    made = await web.visitor.press(page, "Create rotation", existing_value=secret.value)
    assert "It is served" in made.text
    rotation = await the_rotation(web)
    assert rotation.kind is CredentialKind.API_SERVICE_SECRET
    served = await web.house.served()
    assert secret_hash(Sensitive(served)) == secret_hash(Sensitive(secret.value))


async def test_the_next_step_is_only_ever_the_next(web: WebHouse) -> None:
    """Even with a connection that is made on the way."""
    page = await through(web.visitor, STEP, **connecting(web))
    assert [step.name for step in STEPS].index(step_of(page)) == 2
