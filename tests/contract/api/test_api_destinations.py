"""Destinations over HTTP: what is shown of them, and what is not."""

import httpx2
from api_kit import NO_ID, Body, House, problem
from surface_kit import put

URL = "/api/v1/destinations"
HOOK: Body = {
    "name": "hook",
    "kind": "webhook",
    "projectId": "example",
    "environment": "dev",
    "settings": {"url": "https://hook.example.com"},
    "credential": {"secret": "whsec_" + "Y2FuYXJ5LWtleS0" * 4},
}


async def made(house: House, **changes: object) -> Body:
    """Create a destination."""
    answer = await house.http.post(URL, json=HOOK | changes)
    assert answer.status_code == 200, answer.text
    body: Body = answer.json()["destination"]
    return body


async def test_a_destination_is_made_and_read_without_its_credential(house: House) -> None:
    """What was asked for comes back, and nothing of the credential does."""
    one = await made(house, prefix="X_", mapping={"A": "B"}, secrets=["A"], required=False)
    assert (one["state"], one["prefix"], one["mapping"]) == ("waiting", "X_", {"A": "B"})
    assert (one["secrets"], one["required"], one["secretPath"]) == (["A"], False, "/")
    read = await house.http.get(f"{URL}/{one['id']}")
    listed = await house.http.get(URL, params={"projectId": "example"})
    assert read.json()["destination"] == one == listed.json()["destinations"][0]
    assert "whsec" not in read.text + listed.text


async def test_deliveries_show_versions_and_no_value(house: House) -> None:
    """After it was brought by hand, each secret is confirmed with its version."""
    await put(house, "A", "canary-value")
    one = await made(house)
    after = await house.http.post(f"{URL}/{one['id']}/deliver")
    assert after.json()["destination"]["state"] == "confirmed"
    told = await house.http.get(f"{URL}/{one['id']}/deliveries")
    (delivery,) = told.json()["deliveries"]
    assert (delivery["secret"], delivery["confirmedVersion"]) == ("A", 1)
    assert (delivery["state"], delivery["shown"]) == ("confirmed", "in memory")
    assert "canary" not in told.text


async def test_a_destination_is_paused_resumed_and_deleted(house: House) -> None:
    """Each of these answers with how it stands then."""
    one = await made(house)
    at = f"{URL}/{one['id']}"
    states = []
    for paused in (True, False):
        answer = await house.http.patch(at, json={"paused": paused})
        states.append(answer.json()["destination"]["state"])
    assert states == ["paused", "waiting"]
    assert (await house.http.delete(at)).json()["destination"]["name"] == "hook"
    assert problem(await house.http.get(at)) == (404, "NotFound")


async def refused(house: House, **changes: object) -> httpx2.Response:
    """Ask for a destination that cannot be."""
    return await house.http.post(URL, json=HOOK | changes)


async def test_what_does_not_fit_is_named_and_not_repeated(house: House) -> None:
    """A wrong credential is not in the answer, an unknown kind is refused."""
    bad = await refused(house, credential={"secret": "canary"})
    assert problem(bad) == (422, "ValidationFailure")
    assert "canary" not in bad.text
    assert problem(await refused(house, kind="ftp"))[0] == 422
    assert problem(await refused(house, settings={"url": "https://h", "x": "canary"}))[0] == 422
    assert problem(await house.http.post(f"{URL}/{NO_ID}/deliver")) == (404, "NotFound")
