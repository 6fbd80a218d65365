"""A rotation's settings in the browser, and its end: what is changed, refused, kept as typed."""

from dataclasses import replace
from datetime import time

import pytest
from rotation_pages_kit import HOSTILE, another, ask, rotation, run, somebody
from web_kit import Page, WebHouse
from web_secrets_kit import require_understood

from keyturn.domain.rotation import Rotation
from keyturn.domain.secret import Secret
from keyturn.domain.turn import Overlap
from keyturn.services.rotations import view

NAME = "my-okta-rotation"


async def settings(web: WebHouse, rotation_id: str) -> Page:
    """Open the settings of a rotation."""
    return await web.visitor.follow(await web.visitor.open(f"/rotations/{rotation_id}"), "Change")


async def stored(web: WebHouse, rotation_id: str) -> Rotation:
    """Return a rotation as it stands."""
    return (await view(web.world, rotation_id)).rotation


async def test_saving_what_is_shown_changes_nothing(web: WebHouse) -> None:
    """The form holds the rotation as it is."""
    schedule = {"every": "12h", "windows": ["Mo-Fr 09:00-17:00"], "timeZone": "Europe/Berlin"}
    schedule |= {"blackouts": ["2026-12-24"], "staggerSeconds": 600, "quarantineAfter": 3}
    rotation_id = await rotation(web, schedule=schedule, overlapPolicy="evidence")
    before = await stored(web, rotation_id)
    done = await web.visitor.press(await settings(web, rotation_id), "Save")
    assert "Changed. Nothing was changed at Okta." in done.text
    after = await stored(web, rotation_id)
    assert after == replace(before, updated_at=after.updated_at)


@pytest.mark.parametrize(
    "schedule",
    [
        {},
        {"cron": "30 2 * * sun", "timeZone": "Europe/Berlin"},
        {"every": "6mo", "at": "02:30", "timeZone": "Europe/Berlin"},
        {"at": "02:30", "timeZone": "America/New_York"},
    ],
)
async def test_every_sort_of_schedule_is_held(web: WebHouse, schedule: dict[str, str]) -> None:
    """What was set by any other way comes back as it was."""
    rotation_id = await rotation(web, schedule=schedule)
    before = await stored(web, rotation_id)
    await web.visitor.press(await settings(web, rotation_id), "Save")
    assert (await stored(web, rotation_id)).schedule == before.schedule


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"isAutoRotationEnabled": False}, "--overlap 300 --no-auto"),
        ({"schedule": {"cron": "0 3 * * sun"}}, "--auto --cron '0 3 * * sun'"),
        ({"schedule": {"every": "12h"}}, "--auto --every 12h"),
        ({"rotationInterval": 45}, "--auto --interval 45"),
    ],
)
async def test_the_command_says_the_schedule_as_it_is(
    web: WebHouse, changes: dict[str, object], told: str
) -> None:
    """What turns only when asked has no interval in it."""
    page = await settings(web, await rotation(web, **changes))
    (command,) = require_understood(page)
    assert command.endswith(f" {told} --project example")


async def test_name_names_and_description_are_changed(web: WebHouse) -> None:
    """Readers find it under its new name, and no more under the old."""
    rotation_id = await rotation(web)
    page = await settings(web, rotation_id)
    await web.visitor.press(
        page, "Save", name="shop", description=HOSTILE, map_client_secret="SHOP_SECRET"
    )
    after = await stored(web, rotation_id)
    assert (after.name, after.description) == ("shop", HOSTILE)
    assert await web.house.served("SHOP_SECRET")
    shown = await web.visitor.open(f"/rotations/{rotation_id}")
    assert HOSTILE in shown.text
    assert "<script>alert" not in shown.html
    assert "<script>alert" not in (await settings(web, rotation_id)).html


async def test_schedule_and_policy_are_changed(web: WebHouse) -> None:
    """In the words that people use for lengths of time."""
    rotation_id = await rotation(web)
    await web.visitor.press(
        await settings(web, rotation_id),
        "Save",
        days="7",
        at="03:15",
        zone="Europe/Berlin",
        windows="Mo-Fr 01:00-05:00\nSa 01:00-03:00",
        blackouts="2026-12-24\n2026-12-31",
        stagger="2h",
        quarantine="0",
        overlap_policy="evidence",
        overlap="15m",
        backstop="2d",
        soak="1h",
        log="on",
        quiet="30m",
        repair=["on"],
    )
    after = await stored(web, rotation_id)
    schedule, policy = after.schedule, after.policy
    assert (schedule.interval_days, schedule.at, schedule.zone) == (7, time(3, 15), "Europe/Berlin")
    assert schedule.windows == "Mo-Fr 01:00-05:00; Sa 01:00-03:00"
    assert schedule.blackouts == "2026-12-24 2026-12-31"
    assert (schedule.stagger_s, schedule.quarantine_after) == (7200, 0)
    assert (policy.overlap, policy.overlap_s, policy.backstop_s) == (Overlap.EVIDENCE, 900, 172800)
    assert (policy.soak_s, policy.quiet_s, policy.log, policy.repair) == (3600, 1800, True, True)


async def test_back_to_utc_is_back_to_utc(web: WebHouse) -> None:
    """A time of day elsewhere does not outlive the choice of UTC."""
    rotation_id = await rotation(web, schedule={"at": "02:30", "timeZone": "Europe/Berlin"})
    page = await settings(web, rotation_id)
    await web.visitor.press(page, "Save", zone="UTC", at="00:00")
    schedule = (await stored(web, rotation_id)).schedule
    assert (schedule.at, schedule.rotate_at, schedule.zone) == (None, time(0, 0), "UTC")


@pytest.mark.parametrize(
    ("field", "typed", "told"),
    [
        ("name", "No Name!", "Name"),
        ("map_client_secret", "with space", "secret"),
        ("map_client_secret", "OKTA_CLIENT_ID", "must differ"),
        ("days", "0", "must be 5 minutes"),
        ("zone", "Nowhere/Land", ""),
        ("windows", "nonsense", "must be weekdays and hours"),
        ("blackouts", "nonsense", "must be dates or times"),
        ("stagger", "x", "must be a length of time"),
        ("quarantine", "x", "must be a number of turns"),
        ("overlap", "1s", "must be at least 300"),
        ("soak", "never", "must be a length of time"),
        ("backstop", "1s", "must be longer than the overlap"),
    ],
)
async def test_what_does_not_fit_is_told_at_its_field(
    web: WebHouse, field: str, typed: str, told: str
) -> None:
    """With all that was typed kept, and nothing changed."""
    rotation_id = await rotation(web)
    before = await stored(web, rotation_id)
    page = await settings(web, rotation_id)
    wrong = await web.visitor.press(page, "Save", **{"description": "typed", field: typed})
    assert wrong.status == 422
    assert f'href="#f-{field}"' in wrong.html
    assert told.lower() in wrong.text.lower()
    assert wrong.value("description").strip() == "typed"
    if field != "zone":  # no option is called so
        assert wrong.value(field).strip() == typed
    assert await stored(web, rotation_id) == before


async def test_every_field_that_does_not_fit_is_told_at_once(web: WebHouse) -> None:
    """Nobody mends one only to be told of the next."""
    rotation_id = await rotation(web)
    page = await settings(web, rotation_id)
    wrong = await web.visitor.press(page, "Save", soak="x", stagger="x", quarantine="x")
    for field in ("soak", "stagger", "quarantine"):
        assert f'href="#f-{field}"' in wrong.html


async def test_a_name_that_is_taken_is_refused(web: WebHouse) -> None:
    """And nothing is changed."""
    connection = await web.house.connect()
    await another(web, connection, "one")
    made = await another(web, connection, "two")
    wrong = await web.visitor.press(await settings(web, str(made["id"])), "Save", name="one")
    assert wrong.status == 400
    assert "There is a rotation one in this folder already." in wrong.text


# --- the end --------------------------------------------------------------------------------------


async def end(web: WebHouse, rotation_id: str, **fields: str) -> Page:
    """End a rotation."""
    page = await web.visitor.follow(await settings(web, rotation_id), "End it")
    return await web.visitor.press(page, "End the rotation", **{"confirm": NAME, **fields})


async def test_a_rotation_ends_and_what_it_served_stays(web: WebHouse) -> None:
    """Its names are plain secrets then; Okta is not touched."""
    rotation_id = await rotation(web)
    value = await web.house.served()
    done = await end(web, rotation_id)
    assert done.path == "/rotations"
    assert f"Rotation {NAME} is ended." in done.text
    assert await web.house.served() == value
    async with web.world.store.reading() as tx:
        assert await tx.find(Rotation, id=rotation_id) is None


async def test_its_secrets_can_go_with_it(web: WebHouse) -> None:
    """Here; at Okta it works on."""
    rotation_id = await rotation(web)
    await end(web, rotation_id, what="delete")
    async with web.world.store.reading() as tx:
        assert await tx.list(Secret) == []
    assert web.house.org.read_app(web.house.app_id).live_secrets


async def test_the_last_secret_of_an_app_is_not_revoked(web: WebHouse) -> None:
    """Okta would refuse; the reason is told, and nothing has ended."""
    rotation_id = await rotation(web)
    refused = await end(web, rotation_id, what="revoke")
    assert refused.status == 400
    assert "would be left without an active client secret" in refused.text
    web.house.org.create_secret(web.house.app_id)
    await end(web, rotation_id, what="revoke")
    assert len(web.house.org.read_app(web.house.app_id).live_secrets) == 1


async def test_the_name_has_to_be_typed(web: WebHouse) -> None:
    """Otherwise nothing ends, and what was chosen is kept."""
    rotation_id = await rotation(web)
    wrong = await end(web, rotation_id, confirm="another", what="delete")
    assert wrong.status == 400
    assert wrong.value("what") == "delete"
    assert (await stored(web, rotation_id)).name == NAME


async def test_a_turn_under_way_keeps_a_rotation_from_ending(web: WebHouse) -> None:
    """The reason is told."""
    rotation_id = await rotation(web)
    await ask(web, rotation_id, "rotate-secrets")
    assert "is under way" in (await end(web, rotation_id)).text
    await run(web, rotation_id)
    assert "is ended." in (await end(web, rotation_id)).text


async def test_who_may_not_change_it_is_not_led_there(web: WebHouse) -> None:
    """And is refused who sends the form all the same."""
    rotation_id = await rotation(web)
    viewer = await somebody(web, "viewer")
    page = await viewer.open(f"/rotations/{rotation_id}")
    assert "Change" not in [text for _, text in page.links]
    token = (await viewer.open("/rotations")).value("form_token")
    for what in ("edit", "delete"):
        form = {"form_token": token, "name": "mine", "confirm": NAME}
        answer = await viewer.http.post(f"/rotations/{rotation_id}/{what}", data=form)
        assert answer.status_code == 403
    assert (await stored(web, rotation_id)).name == NAME
