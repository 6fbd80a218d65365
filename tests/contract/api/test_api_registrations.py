"""Client registrations over HTTP: what is shown of them, what is not, and what is refused."""

import httpx2
import pytest
from api_kit import NO_ID, Body, House, issues, problem
from identity_kit import ask
from oauth_house_kit import (
    DOMAIN,
    HEADER,
    ISSUER,
    PERSONS,
    REGISTRATIONS,
    connect,
    inner,
    order,
    register,
    robot,
)
from surface_kit import put

CANARY = "canary-wrong-secret"


async def refused(house: House, **changes: object) -> httpx2.Response:
    """Ask for a registration that cannot be."""
    answer = await house.http.post(REGISTRATIONS, json=order(**changes))
    assert "canary" not in answer.text
    return answer


async def test_a_registration_is_proved_at_once_and_shown_without_its_secret(house: House) -> None:
    """Its org is spoken to as Okta's connector says; the answer tells how the secret stands."""
    one = await register(house)
    assert (one["standing"], one["version"], one["provedVersion"]) == ("accepted", 1, 1)
    assert one["testedBy"] == "introspection of a worthless token"
    assert inner(one, "provider")["issuer"] == f"https://{DOMAIN}"
    read = await house.http.get(f"{REGISTRATIONS}/{one['id']}")
    listed = await house.http.get(REGISTRATIONS, params={"projectId": "example"})
    assert read.json()["registration"] == one == listed.json()["registrations"][0]
    (app,) = [each for each in house.org.apps.values() if each.label == PERSONS.label]
    assert app.live_secrets[0].value not in read.text + listed.text


async def test_an_issuer_says_of_itself_how_it_is_spoken_to(house: House) -> None:
    """Its metadata become the provider's document; a wrong one is the server's fault, 502."""
    await robot(house)
    listed = await house.http.get(REGISTRATIONS, params={"projectId": "example"})
    provider = listed.json()["registrations"][0]["provider"]
    assert provider["issuer"] == ISSUER
    assert provider["endpoints"]["token"] == f"{ISSUER}/v1/token"
    bad = await refused(house, scheme="oauth", issuer=f"{ISSUER}/nothing")
    assert problem(bad) == (502, "BadGateway")


async def test_a_rotation_or_a_stored_secret_is_named_and_not_copied(house: House) -> None:
    """What is served under the name is what the client authenticates with from then on."""
    rotation = await house.rotate_by_order()
    told = order(clientId=None, clientSecret=None, rotation=rotation["name"], connector="okta")
    told |= {"scheme": "oauth", "domain": DOMAIN}
    one = inner(await ask(house, "POST", REGISTRATIONS, told), "registration")
    assert (one["secretName"], one["clientIdName"]) == ("OKTA_CLIENT_SECRET", "OKTA_CLIENT_ID")
    assert (one["standing"], one["clientId"]) == ("accepted", "")
    await put(house, "API_KEY", "canary-stored")
    named = order(name="key", clientSecret=None, secretName="API_KEY")
    two = inner(await ask(house, "POST", REGISTRATIONS, named), "registration")
    assert (two["secretName"], two["version"]) == ("API_KEY", 1)


async def test_another_secret_is_taken_once_the_server_accepts_it(house: House) -> None:
    """A wrong one changes nothing; a right one needs no client id beside it."""
    one = await register(house)
    at = f"{REGISTRATIONS}/{one['id']}"
    wrong = await house.http.patch(at, json={"clientSecret": CANARY})
    assert problem(wrong) == (400, "BadRequest")
    assert "nothing was changed" in wrong.json()["message"]
    assert CANARY not in wrong.text
    (app,) = [each for each in house.org.apps.values() if each.label == PERSONS.label]
    changed = await house.http.patch(at, json={"clientSecret": app.live_secrets[0].value})
    after = changed.json()["registration"]
    assert (after["version"], after["standing"]) == (2, "accepted")
    assert after["clientId"] == one["clientId"]


async def test_a_rejected_secret_is_told_and_proved_again_on_demand(house: House) -> None:
    """Whose matter it is stands in the message; the server is asked as soon as somebody wants."""
    one = await register(house, clientSecret=CANARY)
    assert (one["standing"], one["testedVersion"], one["provedVersion"]) == ("rejected", 1, 0)
    assert str(one["message"]).startswith("The authorization server rejects the client's credent")
    assert one["nextTestAt"]
    again = await ask(house, "POST", f"{REGISTRATIONS}/{one['id']}/prove")
    assert inner(again, "registration")["standing"] == "rejected"


async def test_another_provider_takes_the_secret_again(house: House) -> None:
    """So that nobody has the secret that is kept sent elsewhere."""
    one = await register(house)
    elsewhere = {"endpoints": {"token": "https://evil.example.com/token"}}
    at = f"{REGISTRATIONS}/{one['id']}"
    assert issues(await house.http.patch(at, json={"provider": elsewhere})) == ["clientSecret"]


async def test_one_with_connections_stays(house: House) -> None:
    """Each may have somebody's consent; without any it goes."""
    one = await register(house)
    at = f"{REGISTRATIONS}/{one['id']}"
    made = await connect(house, one)
    assert "people" in (await house.http.delete(at)).json()["message"]
    await ask(house, "DELETE", f"/api/v1/connections/{made['id']}")
    assert inner(await ask(house, "DELETE", at), "registration")["name"] == "crm"
    assert problem(await house.http.get(at)) == (404, "NotFound")


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"name": "no slug"}, ["name"]),
        ({"scheme": "kerberos"}, ["scheme"]),
        ({"connector": "fax"}, ["connector"]),
        ({"clientSecret": None}, ["clientSecret"]),
        ({"clientId": None}, ["clientId"]),
        ({"clientSecret": "canary" * 20_000}, ["clientSecret"]),
        ({"secretName": "NOTHING", "clientSecret": None}, ["secretName"]),
        ({"scheme": "oauth"}, ["provider.endpoints.token"]),
        ({"scheme": "oauth", "connector": "okta", "domain": "example-admin.okta.com"}, ["domain"]),
        ({"scheme": "oauth", "issuer": "https://org.example.com?x"}, ["issuer"]),
        (
            {"scheme": "oauth", "provider": {"auth": "canary", "dpop": 1}},
            ["provider.auth", "provider.dpop"],
        ),
        ({"provider": "text"}, ["provider"]),
    ],
)
async def test_what_does_not_fit_is_named_and_not_repeated(
    house: House, changes: Body, fields: list[str]
) -> None:
    """Every field that is amiss, by its name."""
    assert issues(await refused(house, **changes)) == fields


async def test_other_refusals_have_a_status_of_their_own(house: House) -> None:
    """A name that is taken, a rotation that is not there, an address to which nobody goes."""
    await register(house, None)
    assert problem(await refused(house))[0] == 400
    nothing = await refused(house, name="other", rotation="nothing", clientSecret=None)
    assert problem(nothing) == (404, "NotFound")
    inside = {"endpoints": {"token": "http://10.0.0.1/token"}}
    away = await refused(house, name="other", scheme="oauth", provider=inside)
    assert problem(away) == (400, "BadRequest")
    assert problem(await house.http.post(f"{REGISTRATIONS}/{NO_ID}/prove")) == (404, "NotFound")


async def test_a_secret_that_is_gone_is_told_by_424(house: House) -> None:
    """Somebody has to act, and no time is named at which it would be worth asking again."""
    await put(house, "KEY", "canary-stored")
    one = await register(house, clientSecret=None, secretName="KEY", scheme="oauth")
    await ask(house, "DELETE", "/api/v4/secrets/KEY", house.place)
    gone = await house.http.post(f"{REGISTRATIONS}/{one['id']}/prove")
    assert problem(gone) == (424, "FailedDependency")
    assert "retry-after" not in gone.headers
    assert "give the registration another one" in gone.json()["message"]


# --- consumers ------------------------------------------------------------------------------------


async def test_consumers_are_kept_with_the_version_that_they_use(house: House) -> None:
    """Who is told of uses what is served; afterwards each says so, or is said to."""
    one = await register(house, None, **HEADER)
    at = f"{REGISTRATIONS}/{one['id']}/consumers"
    told = {"name": "etl", "adoption": "restart", "note": "nightly", "required": False}
    made = inner(await ask(house, "POST", at, told), "consumer")
    assert (made["confirmedVersion"], made["adoption"], made["note"]) == (1, "restart", "nightly")
    assert made["required"] is False
    await ask(house, "PATCH", f"{REGISTRATIONS}/{one['id']}", {"clientSecret": "canary-2"})
    assert (await ask(house, "GET", at))["consumers"] == [made]
    after = inner(await ask(house, "POST", f"{at}/etl/confirm"), "consumer")
    assert after["confirmedVersion"] == 2
    assert inner(await ask(house, "DELETE", f"{at}/etl"), "consumer")["name"] == "etl"
    assert (await ask(house, "GET", at))["consumers"] == []


async def test_what_cannot_be_said_of_a_consumer_is_refused(house: House) -> None:
    """An unknown way, an identity that nobody is, a version that is not served, a taken name."""
    one = await register(house, None, **HEADER)
    at = f"{REGISTRATIONS}/{one['id']}/consumers"
    etl = {"name": "etl", "adoption": "live"}
    assert issues(await house.http.post(at, json=etl | {"adoption": "luck"})) == ["adoption"]
    assert issues(await house.http.post(at, json=etl | {"identityId": NO_ID})) == ["identityId"]
    await ask(house, "POST", at, etl)
    assert problem(await house.http.post(at, json=etl))[0] == 400
    late = await house.http.post(f"{at}/etl/confirm", json={"version": 2})
    assert issues(late) == ["version"]
    assert issues(await house.http.post(f"{at}/etl/confirm", json={"version": 0})) == ["version"]
    assert problem(await house.http.post(f"{at}/nobody/confirm")) == (404, "NotFound")
    assert problem(await house.http.delete(f"{at}/nobody")) == (404, "NotFound")


async def test_a_connection_inside_okta_workflows_has_a_name_and_reads_nothing(
    house: House,
) -> None:
    """It is kept by the name that Okta shows; who reads the secret here is none."""
    one = await register(house, None, **HEADER)
    at = f"{REGISTRATIONS}/{one['id']}/consumers"
    told = {"name": "flows", "adoption": "restart", "workflowsConnection": " Okta (prod) "}
    for wrong in ({"adoption": "live"}, {"workflowsConnection": " "}):
        assert issues(await house.http.post(at, json=told | wrong)) == ["workflowsConnection"]
    made = inner(await ask(house, "POST", at, told), "consumer")
    assert (made["workflowsConnection"], made["confirmedBy"]) == ("Okta (prod)", "word")
    assert (made["judgedVersion"], made["touchedAt"], made["lacks"]) == (0, None, "")
