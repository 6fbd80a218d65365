"""OAuth connections over HTTP: kept, used and given up; tokens are in one answer alone."""

from dataclasses import replace

import pytest
from api_kit import NO_ID, Body, House, issues, problem
from identity_kit import ask, holding
from oauth_house_kit import (
    ALIASES,
    CONNECTIONS,
    HEADER,
    PERSONS,
    REGISTRATIONS,
    authorize,
    connect,
    inner,
    register,
    robot,
)
from sandbox_oauth_kit import read_claims

from keyturn.domain.oauth.connection import Connection
from keyturn.services.clients import open_tokens
from keyturn.services.oauth_connections import view

DPOP: Body = {"dpop": True}


async def tokens_of(house: House, connection: Body) -> list[str]:
    """Return the tokens that are kept of a connection, in clear."""
    async with house.world.store.reading() as tx:
        stored = await tx.find(Connection, id=str(connection["id"]))
        assert stored
        assert stored.tokens
        place = (await view(tx, stored)).place
    opened = open_tokens(house.world, place.project, stored, stored.tokens)
    return [opened.access.reveal(), opened.refresh.reveal() if opened.refresh else "no refresh"]


async def test_one_that_needs_nobody_has_its_tokens_at_once(house: House) -> None:
    """It is healthy, and says until when its token lasts; the token itself is not shown."""
    one = await robot(house)
    assert (one["state"], one["light"], one["granted"]) == ("ready", "healthy", ["read"])
    assert one["expiresAt"] == "2026-03-01T13:00:00.000Z"
    read = await house.http.get(f"{CONNECTIONS}/{one['id']}")
    listed = await house.http.get(CONNECTIONS, params={"projectId": "example"})
    assert read.json()["connection"] == one == listed.json()["connections"][0]
    access, _ = await tokens_of(house, one)
    assert access not in read.text + listed.text


async def test_a_token_is_in_one_answer_alone(house: House) -> None:
    """Who asks for it is given headers; no other route of connections shows any part of it."""
    one = await authorize(house, await connect(house, await register(house)))
    at = f"{CONNECTIONS}/{one['id']}"
    given = await ask(house, "POST", f"{at}/token")
    access, refresh = await tokens_of(house, one)
    assert inner(given, "headers") == {"Authorization": f"Bearer {access}"}
    assert (given["number"], given["scopes"]) == (1, ["openid", "offline_access"])
    told = [given, await ask(house, "PATCH", at, {"description": "new"})]
    told += [await ask(house, "GET", path) for path in (at, f"{at}/usage")]
    told.append(await ask(house, "DELETE", at))
    assert refresh not in str(told)
    assert access not in str(told[1:])


async def test_a_token_that_a_service_refused_is_renewed_once(house: House) -> None:
    """Who names the number of a newer one is given that, and the server is not asked again."""
    at = f"{CONNECTIONS}/{(await robot(house))['id']}/token"
    first = await ask(house, "POST", at, {})
    assert await ask(house, "POST", at, {"refused": first["number"]}) == first  # it was just got
    house.clock.advance(30)
    second = await ask(house, "POST", at, {"refused": first["number"]})
    third = await ask(house, "POST", at, {"refused": first["number"]})
    assert (first["number"], second["number"], third["number"]) == (1, 2, 2)
    assert first["headers"] != second["headers"] == third["headers"]


async def test_a_bound_token_comes_with_a_proof_of_the_request(house: House) -> None:
    """RFC 9449, 4.2: of this method and address, with the nonce that the service asked for."""
    bound = replace(PERSONS, dpop_bound=True)
    one = await authorize(house, await connect(house, await register(house, bound, provider=DPOP)))
    wanted = {"method": "PUT", "url": "https://api.example.com/users?q=1", "nonce": "n-1"}
    given = await ask(house, "POST", f"{CONNECTIONS}/{one['id']}/token", wanted)
    headers = inner(given, "headers")
    claims = read_claims(str(headers["DPoP"]))
    assert str(headers["Authorization"]).startswith("DPoP ")
    assert (claims["htm"], claims["nonce"]) == ("PUT", "n-1")
    assert claims["htu"] == "https://api.example.com/users"
    without = await ask(house, "POST", f"{CONNECTIONS}/{one['id']}/token")
    assert "DPoP" not in inner(without, "headers")


async def test_what_takes_no_tokens_is_authorized_by_what_is_registered(house: House) -> None:
    """The header's name and value; there is nothing that ends."""
    registration = await register(house, None, **HEADER)
    one = await connect(house, registration, grantType="none", scopes=[])
    given = await ask(house, "POST", f"{CONNECTIONS}/{one['id']}/token")
    assert given == {
        "headers": {"X-Api-Key": "canary-api-key"},
        "number": 0,
        "expiresAt": None,
        "scopes": [],
    }


async def test_without_a_token_it_is_424_and_says_whose_matter_it_is(house: House) -> None:
    """Where waiting helps it says for how long; where somebody has to act it does not."""
    new = await connect(house, await register(house))
    nothing = await house.http.post(f"{CONNECTIONS}/{new['id']}/token")
    assert problem(nothing) == (424, "FailedDependency")
    assert "Nobody has authorized" in nothing.json()["message"]
    assert "retry-after" not in nothing.headers
    registration = await register(house, clientSecret="canary-wrong-secret", name="wrong")
    brought = {"grantType": "refresh_token", "given": {"refresh_token": "canary-refresh"}}
    one = await connect(house, registration, name="brought", **brought)
    assert (one["light"], one["state"]) == ("broken", "ready")
    later = await house.http.post(f"{CONNECTIONS}/{one['id']}/token")
    assert problem(later) == (424, "FailedDependency")
    assert 0 < int(later.headers["retry-after"]) <= 60
    assert "canary" not in nothing.text + later.text + str(one)


async def test_a_secret_that_is_rejected_shows_before_anything_fails(house: House) -> None:
    """The token still lasts: at risk, why, and at which moment it fails."""
    registration = await register(house)
    one = await authorize(house, await connect(house, registration))
    (app,) = [each for each in house.org.apps.values() if each.label == "Persons"]
    wrong = next(secret for secret in app.live_secrets)
    house.org.create_secret(app.id, None)
    house.org.deactivate_secret(app.id, wrong.id)
    await ask(house, "POST", f"{REGISTRATIONS}/{registration['id']}/prove")
    after = inner(await ask(house, "GET", f"{CONNECTIONS}/{one['id']}"), "connection")
    assert (after["light"], after["failsAt"]) == ("at_risk", one["expiresAt"])
    (reason,) = after["reasons"] if isinstance(after["reasons"], list) else ()
    assert reason.startswith("It will fail at its next refresh.")


async def test_c10_at_okta_another_authorization_revokes_the_one_before(house: House) -> None:
    """Each stands by itself there; whoever has the token before is given the new one at once."""
    one = await connect(house, await register(house))
    await authorize(house, one)
    at = f"{CONNECTIONS}/{one['id']}/token"
    first, (access, refresh) = await ask(house, "POST", at), await tokens_of(house, one)
    await authorize(house, one)
    tokens, now = house.org.tokens, house.org.now()
    assert tokens.find_refresh(refresh, now) is None
    gone = tokens.find_access(access)
    assert gone
    assert tokens.revoked(gone)
    again = await ask(house, "POST", at, {"refused": first["number"]})
    assert again["number"] == 2
    assert tokens.find_refresh((await tokens_of(house, one))[1], now)


async def test_what_a_grant_takes_is_given_anew(house: House) -> None:
    """It is tried at once, and in no answer; what the grant does not take changes nothing."""
    registration = await register(house)
    brought = {"grantType": "refresh_token", "given": {"refresh_token": "canary-refresh"}}
    one = await connect(house, registration, name="brought", **brought)
    assert (one["state"], one["cause"]) == ("lapsed", "refused")
    people = await authorize(house, await connect(house, registration))
    _, refresh = await tokens_of(house, people)
    at = f"{CONNECTIONS}/{one['id']}"
    told = await ask(house, "PATCH", at, {"given": {"refresh_token": refresh}})
    after = inner(told, "connection")
    assert (after["state"], after["light"], refresh in str(told)) == ("ready", "healthy", False)
    wrong = await house.http.patch(at, json={"given": {"password": "canary"}})
    assert issues(wrong) == ["refresh_token", "password"]
    assert "canary" not in wrong.text
    twice = await house.http.post(
        CONNECTIONS,
        json={"name": "x", "registrationId": registration["id"], "grantType": "refresh_token"}
        | {"given": {"refresh_token": refresh}},
    )
    assert problem(twice)[0] == 400
    assert "connection brought was brought the same" in twice.json()["message"]


async def test_other_scopes_are_asked_for_next_time(house: House) -> None:
    """Until then they are lacking, by name."""
    one = await authorize(house, await connect(house, await register(house)))
    scopes = ["openid", "email"]
    changed = await ask(house, "PATCH", f"{CONNECTIONS}/{one['id']}", {"scopes": scopes})
    after = inner(changed, "connection")
    assert (after["scopes"], after["lacking"], after["light"]) == (scopes, ["email"], "at_risk")


async def test_one_that_an_alias_leads_to_is_given_up_by_force_alone(house: House) -> None:
    """The alias is named; forced, it goes along."""
    one = await connect(house, await register(house))
    at = f"{CONNECTIONS}/{one['id']}"
    await ask(house, "POST", ALIASES, {"name": "default", "connectionId": one["id"]})
    assert "default" in (await house.http.delete(at)).json()["message"]
    assert inner(await ask(house, "GET", at), "connection")["aliases"] == ["default"]
    await ask(house, "DELETE", f"{at}?force=true")
    assert problem(await house.http.get(at)) == (404, "NotFound")
    listed = await house.http.get(ALIASES, params={"projectId": "example"})
    assert listed.json() == {"aliases": []}


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"name": "no slug"}, ["name"]),
        ({"grantType": "telepathy"}, ["grantType"]),
        ({"grantType": "none"}, ["grantType"]),
        ({"scopes": ['sc"ope']}, ["scopes"]),
        ({"scopes": "openid"}, ["scopes"]),
        ({"given": {"password": "canary"}}, ["password"]),
        ({"grantType": "jwt_bearer"}, ["assertion"]),
        ({"source": NO_ID}, ["source"]),
        ({"registrationId": "x"}, ["registrationId"]),
    ],
)
async def test_what_does_not_fit_is_named_and_not_repeated(
    house: House, changes: Body, fields: list[str]
) -> None:
    """Every field that is amiss, by its name."""
    registration = await register(house)
    body = {"name": "x", "registrationId": registration["id"], "grantType": "authorization_code"}
    answer = await house.http.post(CONNECTIONS, json=body | changes)
    assert issues(answer) == fields
    assert "canary" not in answer.text


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"refused": -1}, ["refused"]),
        ({"method": "get it"}, ["method"]),
        ({"url": "file:///etc/passwd"}, ["url"]),
    ],
)
async def test_a_token_is_wanted_in_known_ways(house: House, body: Body, fields: list[str]) -> None:
    """What is asked for is looked at before anybody is asked."""
    one = await connect(house, await register(house))
    answer = await house.http.post(f"{CONNECTIONS}/{one['id']}/token", json=body)
    assert issues(answer) == fields


async def test_nothing_is_not_found(house: House) -> None:
    """By no route."""
    asked = [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/usage"), ("POST", "/token")]
    asked += [("POST", "/authorize/link"), ("POST", "/device"), ("POST", f"/device/{NO_ID}")]
    for method, end in asked:
        body = None if method == "GET" else {}
        answer = await house.http.request(method, f"{CONNECTIONS}/{NO_ID}{end}", json=body)
        assert problem(answer) == (404, "NotFound"), (method, end)
    made = {"name": "x", "registrationId": NO_ID, "grantType": "none"}
    assert problem(await house.http.post(CONNECTIONS, json=made)) == (404, "NotFound")


# --- aliases --------------------------------------------------------------------------------------


async def test_an_alias_is_led_elsewhere_and_back(house: House) -> None:
    """Where it led before is kept; each answer says where it leads now."""
    registration = await register(house)
    one = await connect(house, registration)
    two = await connect(house, registration, name="other")
    made = await ask(house, "POST", ALIASES, {"name": "default", "connectionId": one["id"]})
    at = f"{ALIASES}/{inner(made, 'alias')['id']}"
    led = inner(await ask(house, "PATCH", at, {"connectionId": two["id"]}), "alias")
    assert (led["connectionName"], led["previousId"]) == ("other", one["id"])
    back = inner(await ask(house, "POST", f"{at}/back"), "alias")
    assert (back["connectionName"], back["previousId"]) == ("people", two["id"])
    listed = await house.http.get(ALIASES, params={"projectId": "example"})
    assert listed.json() == {"aliases": [back]}
    assert inner(await ask(house, "DELETE", at), "alias")["name"] == "default"
    assert problem(await house.http.delete(at)) == (404, "NotFound")


async def test_a_token_is_had_by_an_alias_or_else_by_a_name(house: House) -> None:
    """An alias comes before a connection of that name, and is asked as the connection is."""
    one = await robot(house)
    registration = await register(house, None, **HEADER)
    two = await connect(house, registration, name="key", grantType="none", scopes=[])
    at, by = f"{CONNECTIONS}/token", dict(house.place) | {"projectId": "example"}
    plain = await ask(house, "POST", at, by | {"name": one["name"]})
    assert plain == await ask(house, "POST", f"{CONNECTIONS}/{one['id']}/token")
    house.clock.advance(30)
    newer = await ask(house, "POST", at, by | {"name": one["name"], "refused": plain["number"]})
    assert newer["number"] == 2
    await ask(house, "POST", ALIASES, {"name": one["name"], "connectionId": two["id"]})
    led = await ask(house, "POST", at, by | {"name": one["name"]})
    assert led["headers"] == {"X-Api-Key": "canary-api-key"}


async def test_a_name_tells_who_may_not_use_it_nothing(house: House) -> None:
    """Whether it is there or not, they are refused alike; who may, is told what is not there."""
    one = await robot(house)
    at, by = f"{CONNECTIONS}/token", {"projectId": "example", "environment": "dev"}
    async with holding(house, ("viewer", house.installed.project.id)) as viewer:
        there = await viewer.http.post(at, json=by | {"name": one["name"]})
        gone = await viewer.http.post(at, json=by | {"name": "gone"})
    assert problem(there) == problem(gone) == (403, "PermissionDenied")
    assert there.json()["message"].replace(str(one["name"]), "gone") == gone.json()["message"]
    for odd in ({}, {"environment": "none"}, {"secretPath": "/none"}):
        nothing = await house.http.post(at, json=by | {"name": "gone"} | odd)
        assert problem(nothing) == (404, "NotFound")


async def test_an_alias_leads_to_what_is_in_its_folder(house: House) -> None:
    """A taken name, another folder, and a way back that there is none of are refused."""
    one = await connect(house, await register(house))
    elsewhere = await register(house, environment="prod")
    two = await connect(house, elsewhere)
    named = {"name": "default", "connectionId": one["id"]}
    made = await ask(house, "POST", ALIASES, named)
    at = f"{ALIASES}/{inner(made, 'alias')['id']}"
    assert problem(await house.http.post(ALIASES, json=named))[0] == 400
    assert problem(await house.http.patch(at, json={"connectionId": two["id"]}))[0] == 400
    assert problem(await house.http.post(f"{at}/back"))[0] == 400
    assert issues(await house.http.post(ALIASES, json=named | {"name": "a b"})) == ["name"]
    nothing = named | {"connectionId": NO_ID}
    assert problem(await house.http.post(ALIASES, json=nothing)) == (404, "NotFound")
