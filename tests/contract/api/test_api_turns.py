"""Turns and consent: the routes that are Keyturn's own."""

from api_kit import NO_ID, ROTATIONS, House, issues, problem

TURN = {
    "id",
    "rotationId",
    "trigger",
    "phase",
    "createdAt",
    "enteredAt",
    "endedAt",
    "wakeAt",
    "blocked",
    "old",
    "new",
    "steps",
}


async def test_turn_tells_its_journey(house: House) -> None:
    """A turn is shown with its secrets by hash and id, and with its steps, without a value."""
    rotation = await house.rotate_by_order()
    path = f"{ROTATIONS}/{rotation['id']}"
    assert (await house.http.get(f"{path}/turns")).json() == {"turns": []}
    await house.http.post(f"{path}/rotate-secrets")
    answer = await house.http.get(f"{path}/turns")
    [turn] = answer.json()["turns"]
    assert turn.keys() == TURN
    assert (turn["trigger"], turn["phase"], turn["blocked"]) == ("manual", "overlapping", None)
    assert turn["old"].keys() == turn["new"].keys() == {"hash", "oktaId", "version"}
    assert [step["number"] for step in turn["steps"]] == list(range(1, len(turn["steps"]) + 1))
    assert await house.served() not in answer.text


async def test_blocked_turn_says_who_must_act(house: House) -> None:
    """A turn that cannot go on names its reason for programs and tells it to people."""
    rotation = await house.rotate_by_order()
    path = f"{ROTATIONS}/{rotation['id']}"
    house.org.create_secret(house.app_id)
    await house.http.post(f"{path}/rotate-secrets")
    [turn] = (await house.http.get(f"{path}/turns")).json()["turns"]
    assert turn["phase"] == "blocked"
    assert turn["blocked"]["reason"] == "foreign_secret"
    assert turn["blocked"]["phase"] == "planned"
    assert "The app's owner must" in turn["blocked"]["detail"]


async def test_consent_retires_a_foreign_secret(house: House) -> None:
    """A foreign secret starts to be retired once its id is given, and nothing else is."""
    rotation = await house.rotate_by_order()
    foreign = house.org.create_secret(house.app_id)
    path = f"{ROTATIONS}/{rotation['id']}/retire-existing"
    assert issues(await house.http.post(path, json={})) == ["secretId"]
    wrong = await house.http.post(path, json={"secretId": "ocsUnknown"})
    assert problem(wrong) == (400, "BadRequest")
    answer = await house.http.post(path, json={"secretId": foreign.id})
    assert answer.json()["secretRotation"]["id"] == rotation["id"]
    [turn] = (await house.http.get(f"{ROTATIONS}/{rotation['id']}/turns")).json()["turns"]
    assert (turn["trigger"], turn["old"]["oktaId"]) == ("consent", foreign.id)


async def test_turns_of_nothing_are_404(house: House) -> None:
    """A rotation that does not exist has no turns to list."""
    assert problem(await house.http.get(f"{ROTATIONS}/{NO_ID}/turns")) == (404, "NotFound")
