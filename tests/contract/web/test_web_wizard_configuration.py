"""The wizard's first steps: what is turned, by which connection, when, and for whom."""

import asyncio
from datetime import time

import pytest
from web_kit import Page, WebHouse
from wizard_kit import (
    connecting,
    fields_of,
    onward,
    part,
    reach,
    rotations,
    step_of,
    the_rotation,
    through,
)

from keyturn.domain.okta import CredentialKind
from keyturn.domain.schedule import Schedule
from keyturn.domain.turn import Overlap
from keyturn.sandbox import Fault
from keyturn.web.pages.wizard_answers import PATH
from keyturn.web.pages.wizard_schedule import length, seconds_of, zones

STEP = "configuration"
EVERY = "Must be 5 minutes to 100 years"
LENGTH = "Must be a length of time of a year at most"


async def configured(web: WebHouse, **answers: str) -> Page:
    """Answer the step, with a connection that is there."""
    connection = await web.house.connect()
    page = await through(web.visitor, STEP, connection=connection)
    return await web.visitor.press(page, "Next", **{"connection": connection, **answers})


@pytest.mark.parametrize(
    ("answers", "field", "told"),
    [
        ({"days": "0"}, "days", "must be a whole number of days"),
        ({"days": "many"}, "days", "must be a whole number of days"),
        ({"days": ""}, "days", "must be a whole number of days"),
        ({"days": "36501"}, "days", EVERY),
        ({"often": "every", "every": "4m"}, "every", EVERY),
        ({"often": "every", "every": ""}, "every", EVERY),
        ({"often": "cron", "cron": ""}, "cron", "must be five fields of cron"),
        ({"often": "cron", "cron": "0 0 30 2 *"}, "cron", "must be five fields of cron"),
        ({"often": "cron", "cron": "* " * 400}, "cron", "must be five fields of cron"),
        ({"at": "25:00"}, "at", "must be a time of day"),
        ({"at": "", "zone": "Europe/Berlin"}, "at", "must be a time of day"),
        ({"zone": "Europe/Nowhere"}, "zone", "must be a time zone of the IANA database"),
        ({"overlap": "soon"}, "overlap", LENGTH),
        ({"overlap": "1m"}, "overlap", "must be at least 300"),
        ({"soak": "2000d"}, "soak", LENGTH),
        ({"backstop": "5m"}, "backstop", "must be longer than the overlap"),
        ({"quiet": "0"}, "quiet", "must be positive"),
        ({"path": "/nowhere"}, "path", "There is no folder /nowhere"),
        ({"path": "web"}, "path", "must be an absolute path"),
        ({"environment": "qa"}, "environment", "has no environment qa"),
        ({"connection": "none"}, "connection", "Choose a connection"),
    ],
)
async def test_what_does_not_fit_is_said_at_its_field(
    web: WebHouse, answers: dict[str, str], field: str, told: str
) -> None:
    """By the rules of the domain, with everything kept; nothing goes on."""
    page = await configured(web, **answers)
    assert (page.status >= 400, step_of(page)) == (True, STEP)
    assert f'href="#f-{field}"' in page.html
    assert told.lower() in page.text.lower()
    kept = fields_of(page)
    for name, typed in answers.items():
        if name not in ("zone", "environment", "connection"):
            assert kept[name] == typed.strip()[:2000]


async def test_several_things_that_do_not_fit_are_said_at_once(web: WebHouse) -> None:
    """Whoever mends one is not sent back for the next."""
    page = await configured(web, days="0", soak="x", quiet="y", path="web")
    for field in ("days", "soak", "quiet", "path"):
        assert f'href="#f-{field}"' in page.html


@pytest.mark.parametrize(
    ("answers", "stored"),
    [
        ({}, Schedule(30, time(0, 0))),
        ({"days": "7", "at": "02:30"}, Schedule(7, time(2, 30))),
        (
            {"at": "02:30", "zone": "Europe/Berlin"},
            Schedule(30, time(0, 0), at=time(2, 30), zone="Europe/Berlin"),
        ),
        (
            {"often": "every", "every": "6mo"},
            Schedule(182, time(0, 0), every="6mo"),
        ),
        (
            {"often": "every", "every": "12H", "at": "", "zone": "Europe/Berlin"},
            Schedule(1, time(0, 0), every="12h"),
        ),
        (
            {"often": "cron", "cron": "30 2 * * sun", "zone": "Europe/Berlin"},
            Schedule(30, time(0, 0), cron="30 2 * * sun", zone="Europe/Berlin"),
        ),
        ({"automatic": "off"}, Schedule(30, time(0, 0), automatic=False)),
    ],
)
async def test_what_was_answered_is_what_is_stored(
    web: WebHouse, answers: dict[str, str], stored: Schedule
) -> None:
    """In UTC the schedule is one that Infisical's clients show as it is."""
    await web.visitor.press(await reach(web, **answers), "Create rotation")
    assert (await the_rotation(web)).schedule == stored


async def test_how_long_turns_take_is_stored_as_it_was_answered(web: WebHouse) -> None:
    """Lengths of time are typed with their units; what is empty is as the installation has it."""
    page = await reach(
        web,
        overlap_policy="evidence",
        overlap="15m",
        backstop="2d",
        soak="1h",
        log="on",
        quiet="90m",
    )
    assert "until nobody uses the old one any more, 15 minutes to 2 days" in page.text
    await web.visitor.press(page, "Create rotation")
    policy = (await the_rotation(web)).policy
    assert (policy.overlap, policy.overlap_s, policy.backstop_s) == (Overlap.EVIDENCE, 900, 172_800)
    assert (policy.soak_s, policy.quiet_s, policy.log) == (3600, 5400, True)
    assert policy.repair is web.world.limits.policy.repair


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("90s", 90),
        ("15m", 900),
        ("15 min", 900),
        ("12H", 43_200),
        ("2d", 172_800),
        ("1w", 604_800),
        *((none, None) for none in ("", "-1", "1y", "366d", "1.5h", "soon")),
    ],
)
def test_lengths_of_time_are_read(text: str, seconds: int | None) -> None:
    """In whole units, of a year at most."""
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(
    ("seconds", "short"),
    [(0, "0s"), (1, "1s"), (300, "5m"), (3600, "1h"), (172_800, "2d"), (3601, "3601s")],
)
def test_lengths_of_time_are_told(seconds: int, short: str) -> None:
    """As they can be typed."""
    assert length(seconds) == short
    assert seconds_of(short) == seconds


async def test_dates_are_shown_by_the_clock_of_the_person_and_in_utc(web: WebHouse) -> None:
    """Also where the clocks change between them."""
    page = await configured(web, at="02:30", zone="Europe/Berlin", days="0")
    mended = await web.visitor.press(page, "Show the dates", days="30")
    assert "Wed 1 Apr 2026, 02:30 00:30" in mended.text
    connection = fields_of(page)["connection"]
    review = await reach(web, at="22:30", zone="America/New_York", connection=connection)
    assert "America/New_York" in review.text
    assert "Tue 31 Mar 2026, 22:30 1 Apr, 02:30" in review.text


async def test_dates_follow_what_is_typed(web: WebHouse) -> None:
    """The part alone is sent; what does not fit is said in it, and is no error of the page."""
    connection = await web.house.connect()
    page = await through(web.visitor, STEP, connection=connection)
    for days, told in (("7", "Mon 9 Mar 2026"), ("x", "Must be 5 minutes")):
        shown = await part(web, page, days=days)
        assert shown.status == 200
        assert told in shown.text
        assert "<html" not in shown.html


async def test_no_dates_are_shown_where_turns_start_by_hand(web: WebHouse) -> None:
    """Neither here nor at the end."""
    page = await reach(web, automatic="off", cron="nonsense")
    assert "turns start only when somebody asks" in page.text
    back = await through_back(web, page, STEP)
    assert "No dates: turns start only when somebody asks" in back.text


async def through_back(web: WebHouse, page: Page, until: str) -> Page:
    """Go back to a step."""
    while step_of(page) != until:
        page = await web.visitor.press(page, "Back")
    return page


def test_zones_can_be_chosen_by_all_names_that_browsers_tell() -> None:
    """UTC comes first, and names that were replaced long ago are still there."""
    assert zones()[0] == "UTC"
    assert {"Europe/Berlin", "Asia/Calcutta", "America/New_York"} <= {*zones()}
    assert len(zones()) == len({*zones()})


async def test_a_missing_folder_is_made_if_that_is_wished(web: WebHouse) -> None:
    """It is offered with the error, and not done without a word."""
    page = await configured(web, path="/apps/web")
    assert "make_folder" in page.form_with("Next")[0].names
    again = await web.visitor.press(page, "Next")
    assert step_of(again) == STEP
    gone_on = await web.visitor.press(page, "Next", make_folder="on")
    assert step_of(gone_on) == "parameters"
    made = await onward(web.visitor, gone_on, app=web.house.app_id)
    assert "example/dev/apps/web" in made.text
    assert "The folder /apps/web is there already. Nothing has been changed at Okta" in made.text
    done = await web.visitor.press(made, "Create rotation")
    assert "--path /apps/web" in done.text


async def test_every_type_can_be_chosen(web: WebHouse) -> None:
    """And nothing that is none, such as the key of a connection."""
    page = await web.visitor.open(PATH)
    for kind in ("okta-connection-key", "nonsense", ""):
        refused = await web.visitor.press(page, "Next", kind=kind)
        assert (refused.status, step_of(refused)) == (422, "type")
    refused = await web.visitor.press(
        page, "Next", kind=CredentialKind.CLIENT_KEY, algorithm="HS256"
    )
    assert refused.status == 422
    for kind in ("okta-client-secret", "okta-api-service-secret", "okta-client-key"):
        assert step_of(await web.visitor.press(page, "Next", kind=kind)) == STEP


async def test_a_project_is_chosen_where_there_are_several(web: WebHouse) -> None:
    """The places and the connections are those of the one that is chosen."""
    await web.house.connect()
    wanted = {"projectName": "Payments", "slug": "payments"}
    assert (await web.house.http.post("/api/v2/workspace", json=wanted)).status_code == 200
    page = await web.visitor.open(PATH)
    page = await web.visitor.press(page, "Next", project="payments")
    page = await onward(web.visitor, page, **connecting(web), app=web.house.app_id)
    assert "payments/dev/" in page.text
    assert "It is served" in (await web.visitor.press(page, "Create rotation")).text


# --- a connection that is made on the way -----------------------------------------------------


async def test_a_connection_is_made_by_the_step_and_used_from_then_on(web: WebHouse) -> None:
    """It is proved at Okta, belongs to the project, and is there when one goes back."""
    page = await through(web.visitor, "parameters", **connecting(web, new_name="Our-Okta"))
    assert "Connection our-okta to https://org.example.com is made" in page.text
    (listed,) = (await web.house.http.get("/api/v1/app-connections/okta")).json()["appConnections"]
    assert listed["projectId"] == web.house.installed.project.id
    assert fields_of(page)["connection"] == listed["id"]
    back = await web.visitor.press(page, "Back")
    assert fields_of(back)["connection"] == listed["id"]
    on = await web.visitor.press(back, "Next")
    assert step_of(on) == "parameters"
    assert "is made" not in on.text
    review = await onward(web.visitor, on, app=web.house.app_id)
    assert "The connection our-okta is there already. Nothing has been changed at" in review.text


@pytest.mark.parametrize(
    ("changes", "field", "told", "status"),
    [
        ({"new_token": "short"}, "new_token", "00 and 40 more characters", 422),
        ({"new_token": ""}, "new_token", "00 and 40 more characters", 422),
        ({"new_token": "00" + "x" * 40}, "new_token", "Okta refused", 502),
        ({"new_name": "Not a slug"}, "new_name", "must be a slug", 422),
        ({"new_name": ""}, "new_name", "must be a slug", 422),
        ({"new_url": ""}, "new_url", "must be https://HOST", 400),
        ({"new_url": "http://org.example.com"}, "new_url", "must begin with https://", 400),
        ({"new_url": "https://org-admin.okta.com"}, "new_url", "without -admin", 400),
        ({"new_method": "oauth-service-app"}, "new_client_id", "must not be empty", 422),
        ({"new_method": "oauth-service-app"}, "new_key", "must not be empty", 422),
        (
            {"new_method": "oauth-service-app", "new_client_id": "0oa1", "new_key": "no key"},
            "new_key",
            "key",
            422,
        ),
    ],
)
async def test_what_is_wrong_with_a_connection_is_said_at_its_field(
    web: WebHouse, changes: dict[str, str], field: str, told: str, status: int
) -> None:
    """Everything typed is kept but the token, which is never sent back; no connection is made."""
    typed = connecting(web, **changes) | {"days": "45", "zone": "Europe/Berlin"}
    page = await through(web.visitor, STEP)
    page = await web.visitor.press(page, "Next", **typed)
    assert (page.status, step_of(page)) == (status, STEP)
    assert f'href="#f-{field}"' in page.html
    assert told.lower() in page.text.lower()
    kept = fields_of(page)
    for name in typed.keys() - {"new_token", "new_key"}:
        assert kept[name] == typed[name] or not typed[name]
    assert kept["new_token"] == kept["new_key"] == ""
    if changes.get("new_token"):
        assert changes["new_token"] not in page.html
    listed = (await web.house.http.get("/api/v1/app-connections/okta")).json()
    assert listed["appConnections"] == []


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault("drop-before-effect"), "Okta could not be reached"),
        (Fault("rate-limit"), "Okta"),
        (Fault("html", status=503), "Okta gave no clear answer"),
    ],
)
async def test_an_org_that_does_not_answer_is_told_with_everything_kept(
    web: WebHouse, fault: Fault, told: str
) -> None:
    """And once it answers, the same form goes on."""
    page = await through(web.visitor, STEP)
    web.house.org.add_fault(fault)
    page = await web.visitor.press(page, "Next", **connecting(web), days="45")
    assert (page.status, step_of(page)) == (502, STEP)
    assert told in page.text
    web.house.org.remove_fault()
    web.house.clock.advance(120)
    token = web.house.org.seeded.api_token
    page = await web.visitor.press(page, "Next", new_token=token)
    assert (page.status, step_of(page)) == (200, "parameters")


async def test_a_connection_is_kept_when_something_else_does_not_fit(web: WebHouse) -> None:
    """Nobody has to find the token a second time."""
    page = await through(web.visitor, STEP)
    page = await web.visitor.press(page, "Next", **connecting(web), days="0")
    assert (page.status, step_of(page)) == (422, STEP)
    assert "Connection okta to https://org.example.com is made" in page.text
    assert fields_of(page)["connection"] != "new"
    assert step_of(await web.visitor.press(page, "Next", days="10")) == "parameters"


async def test_a_form_sent_twice_makes_one_connection(web: WebHouse) -> None:
    """The second time it is found, if it came of the same form; another's name is taken."""
    page = await through(web.visitor, STEP)
    for _ in range(2):
        assert step_of(await web.visitor.press(page, "Next", **connecting(web))) == "parameters"
    web.house.clock.advance(60)
    other = await through(web.visitor, STEP)
    refused = await web.visitor.press(other, "Next", **connecting(web))
    assert refused.status == 400
    assert "There is a connection okta already" in refused.text
    assert await rotations(web) == []


async def test_a_form_sent_twice_at_once_makes_one_connection(web: WebHouse) -> None:
    """Both answers lead on with it."""
    page = await through(web.visitor, STEP)
    pages = await asyncio.gather(
        *(web.visitor.press(page, "Next", **connecting(web)) for _ in range(3))
    )
    assert [step_of(each) for each in pages] == ["parameters"] * 3
    listed = (await web.house.http.get("/api/v1/app-connections/okta")).json()
    assert len(listed["appConnections"]) == 1
