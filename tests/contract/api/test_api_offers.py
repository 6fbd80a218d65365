"""What the API offers: nothing that always refuses, and a warning where a date is far off."""

from api_kit import ROTATIONS, House, description, issues

from keyturn.domain.okta import CredentialKind

BASE = "/api/v2/secret-rotations"
OF_READERS = (
    ("post", ""),
    ("post", "/plan"),
    ("post", "/preview"),
    ("get", "/{rotation_id}/generated-credentials"),
    ("post", "/{rotation_id}/adopt-existing"),
)


async def test_key_of_a_connection_is_offered_what_it_can_have(house: House) -> None:
    """Routes that always refuse it are not described; every other type has them."""
    paths = description(house.world)["paths"]
    for kind in CredentialKind:
        described = [way for way, end in OF_READERS if way in paths.get(f"{BASE}/{kind}{end}", {})]
        assert len(described) == (0 if kind.rules.of_connection else len(OF_READERS))
    assert f"{BASE}/okta-connection-key/{{rotation_id}}/turns" in paths


async def test_whoever_asks_all_the_same_is_told_where_to_go(house: House) -> None:
    """The refusal stays, and names the route that turns such a key."""
    order = house.order(await house.connect())
    answer = await house.http.post(f"{BASE}/okta-connection-key", json=order)
    assert answer.status_code == 400
    assert "turn-key" in answer.json()["message"]


async def test_blackouts_for_ever_are_warned_of(house: House) -> None:
    """A schedule that starts nothing for a century is possible, and is told."""
    shut = {"blackouts": ["2026-01-01/2199-12-31"]}
    found = (await house.http.post(f"{ROTATIONS}/preview", json={"schedule": shut})).json()
    assert "leave no time within 7 days" in found["warning"]
    assert (await house.http.post(f"{ROTATIONS}/preview", json={})).json()["warning"] == ""


async def test_a_hundred_dates_a_century_apart_are_as_many_as_there_are(house: House) -> None:
    """The list ends with the calendar, not with an error."""
    asked = {"schedule": {"every": "100y"}}
    answer = await house.http.post(f"{ROTATIONS}/preview", json=asked, params={"count": 100})
    assert answer.status_code == 200
    assert len(answer.json()["dates"]) == 79


async def test_time_zone_of_the_machine_is_no_time_zone(house: House) -> None:
    """It would be another one wherever the database is moved to."""
    asked = {"schedule": {"timeZone": "localtime"}}
    answer = await house.http.post(f"{ROTATIONS}/preview", json=asked)
    assert issues(answer) == ["schedule.timeZone"]


async def test_paused_turn_is_a_state(house: House) -> None:
    """A list of rotations shows that one stands still."""
    rotation = await house.rotate_by_order()
    path = f"{ROTATIONS}/{rotation['id']}"
    await house.http.post(f"{path}/rotate-secrets")
    await house.http.post(f"{path}/turn/pause")
    standing = (await house.http.get(path)).json()["secretRotation"]["schedule"]
    assert standing["state"] == "paused"
    assert "since 2026-03-01 12:00 UTC" in standing["why"]
