"""Channels and notices over HTTP, and the page that a notice of a connection leads to."""

from dataclasses import replace
from typing import Any

import pytest
from api_kit import NO_ID, PUBLIC_URL, House, issues
from oauth_house_kit import authorize, connect, nobody, register

from keyturn.cli.channel import fate
from keyturn.cli.notice import lines_of, ways_of
from keyturn.domain.oauth.connection import Cause, Connection, lapsed
from keyturn.services.connection_news import look_due
from keyturn.services.records import must
from keyturn.wire.channels import Delivery
from keyturn.wire.notices import Notice

NOTICES, CHANNELS = "/api/v1/notices", "/api/v1/channels"
KEY = "whsec_" + "Y2FuYXJ5LWtleS0" * 4
ORDER: dict[str, Any] = {
    "name": "people",
    "kind": "webhook",
    "settings": {"url": "https://people.example.com/"},
    "credential": {"secret": KEY},
}
TIMING = {
    "digest": "daily",
    "digestAt": "09:00",
    "zone": "Europe/Berlin",
    "quietFrom": "22:00",
    "quietTo": "07:30",
}


async def noticed(house: House) -> Notice:
    """Have a grant end, and return the notice of that."""
    one = await authorize(house, await connect(house, await register(house)))
    async with house.world.store.writing() as tx:
        stored = await must(tx.find(Connection, id=one["id"]))
        ended = lapsed(stored, Cause.REFUSED, "Its grant has ended.", house.clock.now())
        await tx.replace(ended)
    limits = replace(house.world.limits, public_url=PUBLIC_URL)
    object.__setattr__(house.world, "limits", limits)  # the routes hold this very world
    await look_due(house.world)
    answer = await house.http.get(NOTICES, params={"projectId": "example"})
    assert answer.status_code == 200, answer.text
    (found,) = answer.json()["notices"]
    return Notice.model_validate(found)


async def made(house: House, **changes: Any) -> dict[str, Any]:  # noqa: ANN401  of the body
    """Create a channel, and return it."""
    answer = await house.http.post(CHANNELS, json=ORDER | changes)
    assert answer.status_code == 200, answer.text
    assert "Y2FuYXJ5" not in answer.text
    found: dict[str, Any] = answer.json()["channel"]
    return found


# --- channels -------------------------------------------------------------------------------------


async def test_a_channel_is_made_read_changed_and_removed(house: House) -> None:
    """By its id or its name; what is secret of it is in no answer."""
    one = await made(house, timing=TIMING, selector="label=pay-*", kinds=["turn.blocked"])
    assert (one["timing"], one["selector"], one["aheadS"]) == (TIMING, "label=pay-*", 86_400)
    assert (await house.http.get(f"{CHANNELS}/people")).json()["channel"] == one
    assert (await house.http.get(CHANNELS)).json()["channels"] == [one]
    path = f"{CHANNELS}/{one['id']}"
    changed = (await house.http.patch(path, json={"paused": True, "name": "others"})).json()
    assert (changed["channel"]["paused"], changed["channel"]["name"]) == (True, "others")
    assert (await house.http.delete(path)).json()["channel"]["id"] == one["id"]
    assert (await house.http.get(path)).status_code == 404


BAD = [
    ({"kind": "pager"}, "kind"),
    ({"settings": {}}, "settings.url"),
    ({"credential": {"secret": "canary"}}, "credential.secret"),
    ({"kinds": ["turn.unheard"]}, "kinds"),
    ({"selector": "colour=red"}, "selector"),
    ({"timing": {"digest": "daily"}}, "digestAt"),
    ({"timing": {"quietFrom": "25:00", "quietTo": "07:00"}}, "timing.quietFrom"),
    ({"aheadS": 1}, "aheadS"),
]


@pytest.mark.parametrize(("changes", "field"), BAD)
async def test_what_does_not_fit_names_its_field(
    house: House, changes: dict[str, Any], field: str
) -> None:
    """Nothing is made, and no secret is repeated."""
    answer = await house.http.post(CHANNELS, json=ORDER | changes)
    assert answer.status_code == 422
    assert field in answer.text.replace('","', ".")
    assert "anary" not in answer.text
    assert (await house.http.get(CHANNELS)).json() == {"channels": []}


async def test_a_test_tells_whether_it_arrived(house: House) -> None:
    """That it did not is no fault of whoever asks."""
    await made(house)
    answer = await house.http.post(f"{CHANNELS}/people/test")
    assert answer.status_code == 200
    assert answer.json()["delivered"] is False
    assert answer.json()["failure"]


# --- notices --------------------------------------------------------------------------------------


async def test_a_notice_tells_what_changed_and_what_to_do(house: House) -> None:
    """Of what, before and after, why, when it fails."""
    told = await noticed(house)
    assert (told.kind, told.subject, told.after) == ("connection.health", "people", "at_risk")
    assert (told.title, told.message) == ("Connection people is at risk", "Its grant has ended.")
    assert told.comes_at
    assert told.comes_at > told.created_at == house.clock.now()
    assert (told.project, told.environment, told.secret_path) == ("example", "dev", "/")


async def test_a_notice_has_its_ways_to_people(house: House) -> None:
    """One for each channel that wanted it, which lists the same."""
    one = await made(house)
    told = await noticed(house)
    seen = (await house.http.get(f"{NOTICES}/{told.id}")).json()
    (way,) = seen["deliveries"]
    assert (way["channel"], way["kind"], way["deliveredAt"]) == ("people", told.kind, None)
    assert way["nextAttemptAt"]
    log = (await house.http.get(f"{CHANNELS}/{one['id']}/deliveries")).json()
    assert log["deliveries"] == [way]
    assert (await house.http.get(f"{NOTICES}/{NO_ID}")).status_code == 404


async def test_its_page_says_how_to_authorize_again_and_opens_nothing(house: House) -> None:
    """Whoever has the address learns a command, and neither whether nor what the connection is."""
    told = await noticed(house)
    assert told.link
    path = told.link.removeprefix(PUBLIC_URL)
    answer = await nobody(house).http.get(path)
    assert f"keyturn connection authorize {told.subject_id} --link" in answer.text
    assert "people" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    unknown = await nobody(house).http.get(path.replace(told.subject_id, NO_ID))
    assert unknown.text == answer.text.replace(told.subject_id, NO_ID)


async def test_notices_are_chosen_by_kind_and_project(house: House) -> None:
    """Without either, all that the caller may see; a kind that is none is refused."""
    told = await noticed(house)
    for query, count in (({}, 1), ({"kind": told.kind}, 1), ({"kind": "turn.blocked"}, 0)):
        found = (await house.http.get(NOTICES, params=query)).json()["notices"]
        assert len(found) == count
    assert issues(await house.http.get(NOTICES, params={"kind": "none"})) == ["kind"]
    assert issues(await house.http.get(NOTICES, params={"limit": "0"})) == ["limit"]


async def test_lines_for_people(house: House) -> None:
    """What changed where, why, when it fails, the page, the command, and who was told."""
    told = await noticed(house)
    lines = lines_of(told)
    assert lines[0].endswith("Connection people is at risk of example/dev/  [connection.health]")
    assert lines[1:] == [
        "    Its grant has ended.",
        f"    when: {told.comes_at:%Y-%m-%d %H:%M:%S} UTC",
        f"    {told.link}",
        f"    keyturn connection show {told.subject_id} --project example",
        f"    id {told.id}",
    ]
    assert ways_of(()) == ["    told nobody: no channel hears of it"]


AT = "2026-01-01T10:00:00Z"
WAY = {
    "noticeId": "n",
    "kind": "turn.blocked",
    "subject": "pay",
    "channelId": "c",
    "channel": "people",
    "createdAt": AT,
    "digest": False,
    "attempts": 0,
    "deliveredAt": None,
    "nextAttemptAt": None,
    "failure": "",
}
FATES = [
    ({"deliveredAt": AT}, "arrived 2026-01-01 10:00:00 UTC"),
    ({"nextAttemptAt": AT}, "due 2026-01-01 10:00:00 UTC"),
    ({"nextAttemptAt": AT, "digest": True}, "in the digest of 2026-01-01 10:00:00 UTC"),
    ({"nextAttemptAt": AT, "failure": "Away."}, "again at 2026-01-01 10:00:00 UTC: Away."),
    ({"failure": "Away."}, "given up: Away."),
    ({"failure": "left out: the channel is paused"}, "left out: the channel is paused"),
]


@pytest.mark.parametrize(("changes", "expected"), FATES, ids=[told for _, told in FATES])
def test_its_fate_is_told(changes: dict[str, Any], expected: str) -> None:
    """Whether it has arrived, and if not, why and when it is tried again."""
    assert fate(Delivery.model_validate(WAY | changes)) == expected
