"""Notices over HTTP, and the page that they lead to."""

from dataclasses import replace

import pytest
from api_kit import NO_ID, PUBLIC_URL, House, issues
from oauth_house_kit import authorize, connect, nobody, register

from keyturn.cli.notice import lines_of
from keyturn.domain.oauth.connection import Cause, Connection, lapsed
from keyturn.services.notices import tell_due
from keyturn.services.records import must
from keyturn.wire.notices import Notice

NOTICES = "/api/v1/notices"
PROJECT = {"projectId": "example"}


async def noticed(house: House) -> Notice:
    """Have a grant end, and return the notice of that."""
    one = await authorize(house, await connect(house, await register(house)))
    async with house.world.store.writing() as tx:
        stored = await must(tx.find(Connection, id=one["id"]))
        ended = lapsed(stored, Cause.REFUSED, "Its grant has ended.", house.clock.now())
        await tx.replace(ended)
    limits = replace(house.world.limits, public_url=PUBLIC_URL)
    await tell_due(replace(house.world, limits=limits))
    answer = await house.http.get(NOTICES, params=PROJECT)
    assert answer.status_code == 200, answer.text
    (found,) = answer.json()["notices"]
    return Notice.model_validate(found)


async def test_a_notice_tells_what_changed_and_what_to_do(house: House) -> None:
    """Of what, before and after, why, when it fails; nobody was there to be told."""
    told = await noticed(house)
    assert (told.kind, told.subject, told.after) == ("connection.health", "people", "at_risk")
    assert told.message == "Its grant has ended."
    assert told.fails_at
    assert told.fails_at > told.created_at == house.clock.now()
    assert (told.delivered_at, told.next_attempt_at, told.attempts) == (None, None, 0)


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


async def test_a_list_needs_its_project(house: House) -> None:
    """As every list of a project's things does."""
    assert issues(await house.http.get(NOTICES)) == ["projectId"]
    assert (await house.http.get(NOTICES, params=PROJECT)).json() == {"notices": []}


async def test_lines_for_people(house: House) -> None:
    """What changed where, why, when it fails, the page, and whether anybody was told."""
    told = await noticed(house)
    lines = lines_of(told)
    assert lines[0].endswith("connection people of dev/: unknown -> at risk")
    assert lines[1:] == [
        "    Its grant has ended.",
        f"    fails at {told.fails_at:%Y-%m-%d %H:%M:%S} UTC",
        f"    {told.link}",
        "    told nobody: KEYTURN_NOTIFY_URL is not set",
    ]


AT = "2026-01-01T10:00:00Z"


@pytest.mark.parametrize(
    ("fate", "expected"),
    [
        ({"deliveredAt": AT}, "told 2026-01-01 10:00:00 UTC"),
        ({"nextAttemptAt": AT}, "to be told now"),
        ({"nextAttemptAt": AT, "failure": "Away."}, "not told, again at 2026-01-01 10:00:00 UTC"),
        ({"failure": "Away."}, "not told, given up: Away."),
    ],
    ids=["told", "new", "failed", "given up"],
)
async def test_its_fate_is_told(house: House, fate: dict[str, str], expected: str) -> None:
    """Whether it has arrived, and if not, why and when it is tried again."""
    plain = (await noticed(house)).model_dump(mode="json", by_alias=True)
    told = Notice.model_validate(plain | {"kind": "registration.secret_rejected"} | fate)
    *_, last = lines_of(told)
    assert last.strip().startswith(expected)
    assert "    connections: 1" in lines_of(told)
