"""What an org is asked of a connection when somebody wants to know now, over HTTP."""

from dataclasses import replace
from datetime import timedelta

from api_kit import CONNECTIONS, NO_ID, House, problem
from identity_kit import ask

from keyturn.domain.connection import OktaConnection

FINDINGS = "/api/v1/findings"


async def stored(house: House) -> OktaConnection:
    """Return the one connection as it stands."""
    async with house.world.store.reading() as tx:
        (found,) = await tx.list(OktaConnection)
    return found


async def findings(house: House) -> list[str]:
    """Return the kinds of what has drifted."""
    query = {"projectId": "example"}
    told = (await house.http.get(FINDINGS, params=query)).json()["findings"]
    return [each["kind"] for each in told]


async def test_a_connection_that_works_is_told_as_it_is(house: House) -> None:
    """Nothing is changed by the question, and the answer shows no credentials."""
    path = f"{CONNECTIONS}/{await house.connect()}"
    told = await ask(house, "POST", f"{path}/check")
    assert told == await ask(house, "GET", path)
    assert house.org.seeded.api_token not in str(told)


async def test_a_connection_whose_token_is_gone_is_told_with_okta_s_words(house: House) -> None:
    """It is the org that says no, in its own words."""
    path = f"{CONNECTIONS}/{await house.connect()}"
    house.org.api_tokens.clear()
    answer = await house.http.post(f"{path}/check")
    assert problem(answer)[0] == 400
    assert "Okta refused" in answer.json()["message"]


async def test_drift_is_found_at_once_where_somebody_asks(house: House) -> None:
    """Before the hour, and also where the System Log tells of nothing."""
    rotation = await house.rotate_by_order()
    path = f"{CONNECTIONS}/{rotation['connectionId']}"
    assert await ask(house, "POST", f"{path}/compare") == {"rotations": 1}
    app = house.org.read_app(house.app_id)
    off = tuple(replace(each, status="INACTIVE") for each in app.secrets)
    house.org.apps[app.id] = replace(app, secrets=off)  # behind the log's back
    assert await findings(house) == []
    assert await ask(house, "POST", f"{path}/compare") == {"rotations": 1}
    assert await findings(house) == ["secret_deactivated"]


async def test_a_comparison_that_okta_cuts_short_goes_on_before_long(house: House) -> None:
    """Whoever asked is told so, and the worker looks again in minutes instead of an hour."""
    rotation = await house.rotate_by_order()
    house.org.api_tokens.clear()
    path = f"{CONNECTIONS}/{rotation['connectionId']}/compare"
    assert problem(await house.http.post(path))[0] == 400
    soon = (await stored(house)).next_reconcile_at
    assert soon == house.clock.now() + timedelta(minutes=5)


async def test_unknown_connections_are_not_found(house: House) -> None:
    """By either question."""
    for what in ("check", "compare"):
        answer = await house.http.post(f"{CONNECTIONS}/{NO_ID}/{what}")
        assert problem(answer) == (404, "NotFound")
