"""Schedules over HTTP: what is asked for, how it stands, the next dates."""

import threading
from datetime import datetime

import pytest
from api_kit import NO_ID, ROTATIONS, House, issues, problem

from keyturn.services import ical
from keyturn.services.ical import Blackouts, read_blackouts

OURS: dict[str, object] = {
    "every": "6mo",
    "at": "02:30",
    "timeZone": "Europe/Berlin",
    "windows": ["Mo-Fr 02:00-04:00", "Su 02:00-06:00"],
    "blackouts": ["2026-12-20/2027-01-03"],
    "staggerSeconds": 600,
    "quarantineAfter": 3,
}
ICS = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//example//EN\r\nBEGIN:VEVENT\r\nUID:1\r\n"
    "DTSTAMP:20260101T000000Z\r\nDTSTART;VALUE=DATE:20201224\r\nRRULE:FREQ=YEARLY\r\n"
    "END:VEVENT\r\nEND:VCALENDAR\r\n"
)


async def test_schedule_comes_back_as_it_was_asked_for(house: House) -> None:
    """Everything that was set is read again, with how the schedule stands."""
    schedule = (await house.rotate_by_order(schedule=OURS))["schedule"]
    assert isinstance(schedule, dict)
    assert {key: schedule[key] for key in OURS} == OURS
    assert (schedule["cron"], schedule["blackoutsKnownUntil"]) == (None, None)
    assert (schedule["state"], schedule["why"], schedule["failures"]) == ("scheduled", "", 0)
    assert schedule["dueAt"] == "2026-09-01T00:30:00.000Z"


async def test_infisical_s_interval_is_told_in_our_words_too(house: House) -> None:
    """Without anything of ours the schedule is the interval, in UTC, without limits."""
    schedule = (await house.rotate_by_order())["schedule"]
    assert isinstance(schedule, dict)
    assert (schedule["every"], schedule["timeZone"], schedule["windows"]) == ("30d", "UTC", [])
    assert schedule["dueAt"] == "2026-04-01T00:00:00.000Z"


async def test_patch_of_the_schedule_leaves_the_rest_and_null_takes_away(house: House) -> None:
    """A member that is absent stays; null, and the empty text, end it."""
    rotation = await house.rotate_by_order(schedule=OURS)
    path, body = f"{ROTATIONS}/{rotation['id']}", {"windows": None, "at": ""}
    answer = await house.http.patch(path, json={"schedule": body})
    after = answer.json()["secretRotation"]["schedule"]
    assert (after["windows"], after["at"]) == ([], None)
    assert (after["every"], after["timeZone"]) == ("6mo", "Europe/Berlin")


async def test_calendar_is_read_into_blackouts(house: House) -> None:
    """An iCalendar file becomes dates, and it is told until when they are known."""
    schedule = (await house.rotate_by_order(schedule={"calendar": ICS}))["schedule"]
    assert isinstance(schedule, dict)
    assert schedule["blackouts"] == [f"{year}-12-24" for year in range(2026, 2031)]
    assert schedule["blackoutsKnownUntil"] == "2031-02-28T12:00:00.000Z"


async def test_calendar_is_read_beside_the_event_loop(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long a calendar takes to be read, everybody else is answered meanwhile."""
    readers = []

    def read(text: str, now: datetime) -> Blackouts:
        readers.append(threading.current_thread())
        return read_blackouts(text, now)

    monkeypatch.setattr(ical, "read_blackouts", read)
    fields: dict[str, object] = {"calendar": ICS}
    rotation = await house.rotate_by_order(schedule=fields)
    await house.http.patch(f"{ROTATIONS}/{rotation['id']}", json={"schedule": fields})
    await house.http.post(f"{ROTATIONS}/preview", json={"schedule": fields})
    order = house.order(str(rotation["connectionId"]), name="other", schedule=fields)
    await house.http.post(f"{ROTATIONS}/plan", json=order)
    assert len(readers) == 4
    assert threading.main_thread() not in readers


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("every", "soon"),
        ("cron", "* * *"),
        ("at", "2:30pm"),
        ("timeZone", "Mars/Olympus"),
        ("windows", ["always"]),
        ("blackouts", ["christmas"]),
        ("calendar", "canary"),
        ("staggerSeconds", -1),
        ("quarantineAfter", -1),
    ],
)
async def test_wrong_member_of_a_schedule_is_named(house: House, field: str, value: object) -> None:
    """The member that breaks its rule is named, wherever a schedule is sent."""
    order = house.order(await house.connect(), schedule={field: value})
    for path, body in ((ROTATIONS, order), (f"{ROTATIONS}/preview", {"schedule": {field: value}})):
        answer = await house.http.post(path, json=body)
        assert issues(answer) == [f"schedule.{field}"]
        assert "canary" not in answer.text


async def test_next_dates_of_a_rotation(house: House) -> None:
    """Ten dates unless another count is asked for, the first as the rotation has it."""
    rotation = await house.rotate_by_order(schedule={"windows": ["Sa 02:00-04:00"]})
    path = f"{ROTATIONS}/{rotation['id']}/preview"
    found = (await house.http.get(path)).json()
    assert (found["timeZone"], found["state"], len(found["dates"])) == ("UTC", "scheduled", 10)
    assert found["dates"][0] == {
        "dueAt": "2026-04-01T00:00:00.000Z",
        "startsAt": rotation["nextRotationAt"],
    }
    assert rotation["nextRotationAt"] == "2026-04-04T02:00:00.000Z"
    few = (await house.http.get(path, params={"count": 3})).json()
    assert few["dates"] == found["dates"][:3]
    for count in (0, 101, "many"):
        assert issues(await house.http.get(path, params={"count": count})) == ["count"]


async def test_no_dates_for_what_turns_by_hand_only(house: House) -> None:
    """A rotation without the schedule has no dates and says why; an unknown one is not found."""
    rotation = await house.rotate_by_order(isAutoRotationEnabled=False)
    found = (await house.http.get(f"{ROTATIONS}/{rotation['id']}/preview")).json()
    assert (found["state"], found["dates"]) == ("off", [])
    assert found["why"]
    path = f"{ROTATIONS}/{NO_ID}/preview"
    assert problem(await house.http.get(path)) == (404, "NotFound")


async def test_next_dates_of_a_draft_store_nothing(house: House) -> None:
    """A schedule is tried before there is a rotation, with Infisical's members or ours."""
    path = f"{ROTATIONS}/preview"
    body = {"rotationInterval": 7, "rotateAtUtc": {"hours": 3, "minutes": 0}}
    found = (await house.http.post(path, json=body, params={"count": 1})).json()
    start = "2026-03-09T03:00:00.000Z"
    assert found["dates"] == [{"dueAt": start, "startsAt": start}]
    cron = {"cron": "30 2 29 2 *", "timeZone": "Europe/Berlin"}
    found = (await house.http.post(path, json={"schedule": cron}, params={"count": 1})).json()
    assert found["dates"][0]["startsAt"] == "2028-02-29T01:30:00.000Z"
    listed = await house.http.get(ROTATIONS, params={"projectId": "example"})
    assert listed.json() == {"secretRotations": []}


async def test_preview_needs_a_token(house: House) -> None:
    """Nobody looks at dates without logging in."""
    bare = {"authorization": "Bearer x"}
    for answer in (
        await house.http.get(f"{ROTATIONS}/{NO_ID}/preview", headers=bare),
        await house.http.post(f"{ROTATIONS}/preview", json={}, headers=bare),
    ):
        assert answer.status_code == 401


async def test_rotation_may_be_called_preview(house: House) -> None:
    """The name of a route is no name that is taken."""
    rotation = await house.rotate_by_order(name="preview")
    place = {"projectId": "example", "environment": "dev", "secretPath": "/"}
    found = await house.http.get(f"{ROTATIONS}/rotation-name/preview", params=place)
    assert found.json()["secretRotation"]["id"] == rotation["id"]
