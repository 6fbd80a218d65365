"""What is in the places at Okta, and the plan of a turn, over HTTP: ids, and never a value."""

from api_kit import NO_ID, ROTATIONS, Body, House, problem
from identity_kit import ask, bearer, newcomer


async def slots(house: House, rotation: Body, **query: str) -> list[Body]:
    """Return what is in the places."""
    path = f"{ROTATIONS}/{rotation['id']}/slots"
    told = (await house.http.get(path, params=query)).json()
    assert told["most"] == 2
    assert (told["checkedAt"] is not None) is bool(query)
    found: list[Body] = told["slots"]
    return found


async def test_an_adopted_secret_is_alone_in_its_place(house: House) -> None:
    """Served since it was adopted; nothing is to become of it."""
    rotation = await house.rotate_by_order()
    (one,) = await slots(house, rotation)
    assert (one["version"], one["state"], one["status"]) == (1, "current", "ACTIVE")
    assert (one["servedTo"], one["retiresAt"], one["deletesAt"]) == (None, None, None)
    (secret,) = house.org.read_app(house.app_id).live_secrets
    assert (one["oktaId"], one["hash"]) == (secret.id, secret.hash)


async def test_a_turn_fills_both_places(house: House) -> None:
    """The new one is served from where the old one is not any more, which goes at a known time."""
    rotation = await house.rotate_by_order()
    house.clock.advance(60)
    await house.http.post(f"{ROTATIONS}/{rotation['id']}/rotate-secrets")
    new, old = await slots(house, rotation)
    assert (new["state"], old["state"]) == ("current", "previous")
    assert new["servedFrom"] == old["servedTo"] == "2026-03-01T12:01:00.000Z"
    assert (new["retiresAt"], new["deletesAt"]) == (None, None)
    assert old["retiresAt"] == "2026-03-01T12:06:00.000Z"
    assert old["deletesAt"] == "2026-03-01T12:11:00.000Z"


async def test_oktas_list_shows_what_nobody_here_knows(house: House) -> None:
    """Who asks is told of a secret that is not Keyturn's, and of what somebody has deactivated."""
    rotation = await house.rotate_by_order()
    foreign = house.org.create_secret(house.app_id)
    (secret, _) = house.org.read_app(house.app_id).live_secrets
    house.org.deactivate_secret(house.app_id, secret.id)
    (recorded,) = await slots(house, rotation)
    ours, theirs = await slots(house, rotation, checkOkta="true")
    assert (recorded["status"], ours["status"]) == ("ACTIVE", "INACTIVE")
    assert (theirs["oktaId"], theirs["version"], theirs["state"]) == (foreign.id, None, None)


async def test_no_value_is_told(house: House) -> None:
    """Though Okta's list shows values to whoever may see it."""
    rotation = await house.rotate_by_order()
    path = f"{ROTATIONS}/{rotation['id']}/slots"
    answer = await house.http.get(path, params={"checkOkta": "true"})
    assert await house.served() not in answer.text


async def test_a_plan_names_the_calls_and_changes_nothing(house: House) -> None:
    """Of a turn, and of one in an emergency, in which nothing is waited for."""
    rotation = await house.rotate_by_order()
    path = f"{ROTATIONS}/{rotation['id']}"
    told = (await ask(house, "GET", f"{path}/plan"))["plan"]
    at = f"/api/v1/apps/{house.app_id}/credentials/secrets"
    steps = told["steps"]
    assert [step["calls"][0] for step in steps[:2]] == [f"GET {at}", f"POST {at}"]
    assert (told["appId"], told["emergency"], told["byHand"]) == (house.app_id, False, [])
    assert told["usage"]["rotation"]["name"] == rotation["name"]
    hasty = (await ask(house, "GET", f"{path}/plan?emergency=true"))["plan"]
    assert hasty["waits"].startswith("Nothing is waited for")
    assert (await ask(house, "GET", f"{path}/turns"))["turns"] == []


async def test_a_turn_that_nobody_waits_for_is_begun(house: House) -> None:
    """It is answered at once; whoever runs turns takes it from there."""
    rotation = await house.rotate_by_order()
    path = f"{ROTATIONS}/{rotation['id']}"
    await ask(house, "POST", f"{path}/turn", {"wait": False})
    (turn,) = (await ask(house, "GET", f"{path}/turns"))["turns"]
    assert (turn["phase"], turn["trigger"]) == ("planned", "manual")
    assert [step["step"] for step in turn["steps"]] == ["turn"]


async def test_of_what_does_not_exist_nothing_is_told(house: House) -> None:
    """Neither places nor a plan."""
    for what in ("slots", "plan"):
        answer = await house.http.get(f"{ROTATIONS}/{NO_ID}/{what}")
        assert problem(answer)[0] == 404


async def test_who_only_looks_on_leaves_the_rate_limit_to_turns(house: House) -> None:
    """A viewer is answered while half of it is left, whoever may turn it as a turn would be."""
    rotation = await house.rotate_by_order()
    path = f"{ROTATIONS}/{rotation['id']}/slots?checkOkta=true"
    _, token = await newcomer(house, ("viewer", None))
    viewer = bearer(token)
    while (await house.http.get(path, headers=viewer)).status_code == 200:
        pass
    assert (await house.http.get(path)).status_code == 200
