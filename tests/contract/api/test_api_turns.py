"""Turns and consent: the routes that are Keyturn's own."""

from dataclasses import replace

from api_kit import NO_ID, ROTATIONS, House, issues, problem

from keyturn.domain.ids import TurnId
from keyturn.domain.turn import Turn

TURN = {
    "id",
    "rotationId",
    "trigger",
    "phase",
    "createdAt",
    "enteredAt",
    "endedAt",
    "wakeAt",
    "pausedAt",
    "blocked",
    "word",
    "opened",
    "reinstated",
    "gate",
    "unconfirmed",
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
    assert issues(await house.http.post(path, json={})) == ["secretId", "made"]
    made = foreign.created_at.date().isoformat()
    wrong = await house.http.post(path, json={"secretId": "ocsUnknown", "made": made})
    assert problem(wrong) == (400, "BadRequest")
    other = await house.http.post(path, json={"secretId": foreign.id, "made": "2020-02-29"})
    assert problem(other) == (400, "BadRequest")
    answer = await house.http.post(path, json={"secretId": foreign.id, "made": made})
    assert answer.json()["secretRotation"]["id"] == rotation["id"]
    [turn] = (await house.http.get(f"{ROTATIONS}/{rotation['id']}/turns")).json()["turns"]
    assert (turn["trigger"], turn["old"]["oktaId"]) == ("consent", foreign.id)


async def test_turns_are_listed_by_the_page(house: House) -> None:
    """The newest come first, 20 unless asked otherwise; never more than 100 are asked for."""
    path = await turning(house)
    async with house.world.store.writing() as tx:
        (first,) = await tx.list(Turn)
        fresh = [TurnId(house.world.chance.uuid()) for _ in range(24)]
        await tx.add(*(replace(first, id=each, ended_at=first.created_at) for each in fresh))
    ids = [*reversed(fresh), first.id]
    for query, wanted in (
        ({}, ids[:20]),
        ({"limit": 1}, ids[:1]),
        ({"offset": 20, "limit": 100}, ids[20:]),
    ):
        found = (await house.http.get(f"{path}/turns", params=query)).json()["turns"]
        assert [turn["id"] for turn in found] == wanted
    for name, value in (("limit", 0), ("limit", 101), ("offset", -1), ("offset", 2**63)):
        assert issues(await house.http.get(f"{path}/turns", params={name: value})) == [name]


async def test_turns_of_nothing_are_404(house: House) -> None:
    """A rotation that does not exist has no turns to list."""
    assert problem(await house.http.get(f"{ROTATIONS}/{NO_ID}/turns")) == (404, "NotFound")


ORDERS = ("pause", "resume", "abort", "reinstate", "finish-now")


async def turning(house: House) -> str:
    """Turn a rotation; return its path while both secrets work."""
    rotation = await house.rotate_by_order()
    path = f"{ROTATIONS}/{rotation['id']}"
    assert (await house.http.post(f"{path}/turn")).status_code == 200
    return path


async def newest(house: House, path: str) -> dict[str, object]:
    """Return the newest turn of a rotation."""
    found: list[dict[str, object]] = (await house.http.get(f"{path}/turns")).json()["turns"]
    return found[0]


async def test_a_turn_is_paused_and_resumed(house: House) -> None:
    """A paused turn says since when, and is not looked at; a resumed one goes on."""
    path = await turning(house)
    assert (await house.http.post(f"{path}/turn/pause")).status_code == 200
    paused = await newest(house, path)
    assert paused["pausedAt"]
    assert paused["wakeAt"] is None
    assert (await house.http.post(f"{path}/turn/resume")).status_code == 200
    assert (await newest(house, path))["pausedAt"] is None


async def test_orders_that_do_not_fit_are_refused(house: House) -> None:
    """What is not safe or not possible in this phase is a 400 that says why."""
    path = await turning(house)
    for order, why in (
        ("resume", "nothing to resume"),
        ("abort", "readers may hold"),
        ("reinstate", "is retired"),
    ):
        answer = await house.http.post(f"{path}/turn/{order}")
        assert problem(answer) == (400, "BadRequest")
        assert why in answer.json()["message"]
    assert (await newest(house, path))["phase"] == "overlapping"


async def test_orders_need_a_turn_and_a_rotation(house: House) -> None:
    """Without an open turn an order is refused, without a rotation it finds nothing."""
    rotation = await house.rotate_by_order()
    for order in ORDERS:
        lost = await house.http.post(f"{ROTATIONS}/{NO_ID}/turn/{order}")
        assert problem(lost) == (404, "NotFound")
        none = await house.http.post(f"{ROTATIONS}/{rotation['id']}/turn/{order}")
        assert problem(none) == (400, "BadRequest")


async def test_finishing_now_is_noted(house: House) -> None:
    """The word is shown until it is heeded; in an emergency nothing is waited for."""
    path = await turning(house)
    await house.http.post(f"{path}/turn/finish-now")
    assert (await newest(house, path))["word"] == "finish"
    wrong = await house.http.post(f"{path}/turn/finish-now", json={"atOnce": "yes"})
    assert issues(wrong) == ["atOnce"]
    await house.http.post(f"{path}/turn/finish-now", json={"atOnce": True})
    assert (await newest(house, path))["word"] == "at once"


async def test_emergency_leaves_one_secret(house: House) -> None:
    """An emergency turn ends within its request, and the leaked secret is gone."""
    rotation = await house.rotate_by_order()
    path = f"{ROTATIONS}/{rotation['id']}"
    answer = await house.http.post(f"{path}/turn", json={"emergency": True})
    assert answer.status_code == 200
    turn = await newest(house, path)
    assert (turn["phase"], turn["opened"]) == ("finished", "word")
    assert len(house.org.read_app(house.app_id).live_secrets) == 1


async def test_gate_says_what_it_waits_for(house: House) -> None:
    """While both secrets work the turn shows why the old one is not retired yet."""
    turn = await newest(house, await turning(house))
    assert turn["gate"] == {
        "state": "shut",
        "by": None,
        "waiting": [{"cause": "the overlap", "who": "", "until": "2026-03-01T12:05:00.000Z"}],
    }


async def test_evidence_is_a_file_for_programs_and_for_people(house: House) -> None:
    """The record of a turn names org, app, secrets by hash and every step, and no value."""
    path = await turning(house)
    turn = await newest(house, path)
    where = f"{path}/turns/{turn['id']}/evidence"
    document = (await house.http.get(where)).json()
    assert document["turn"] == turn
    assert document["appId"] == house.app_id
    page = await house.http.get(where, params={"format": "markdown"})
    assert page.headers["content-type"].startswith("text/markdown")
    assert str(turn["id"]) in page.text
    assert all(f"| {step['phase']} | {step['step']} |" in page.text for step in turn["steps"])  # type: ignore[attr-defined,index]
    value = await house.served()
    assert value not in page.text
    assert value not in str(document)


async def test_evidence_of_another_rotations_turn_is_404(house: House) -> None:
    """A turn is read through its own rotation only."""
    path = await turning(house)
    assert problem(await house.http.get(f"{path}/turns/{NO_ID}/evidence")) == (404, "NotFound")
    turn = await newest(house, path)
    other = f"{ROTATIONS}/{NO_ID}/turns/{turn['id']}/evidence"
    assert problem(await house.http.get(other)) == (404, "NotFound")
