"""Orders in the browser: what each says before it is given, what it does, when it is refused."""

import pytest
from rotation_pages_kit import (
    ask,
    buttons,
    live,
    now_at,
    phases,
    rotation,
    run,
    somebody,
    tick,
    turn_of,
)
from web_kit import EMAIL, WebHouse

from keyturn.domain.turn import Phase, Word
from keyturn.services.ports import Footing
from keyturn.services.rotations import view

NAME = "my-okta-rotation"


async def overlapping(web: WebHouse, **changes: object) -> str:
    """Return a rotation whose turn overlaps."""
    rotation_id = await rotation(web, **changes)
    await ask(web, rotation_id, "rotate-secrets")
    return rotation_id


async def test_a_turn_is_planned_call_by_call_and_then_begun(web: WebHouse) -> None:
    """The plan changes nothing; the button begins the turn, and the page tells how it goes."""
    rotation_id = await rotation(web)
    page = await web.visitor.open(f"/rotations/{rotation_id}")
    planned = await web.visitor.follow(page, "Turn now")
    at = f"/api/v1/apps/{web.house.app_id}/credentials/secrets"
    for told in (f"GET {at}", f"POST {at}", "POST /oauth2/v1/introspect", f"DELETE {at}/ID"):
        assert told in planned.text
    assert "Both work for 5 minutes; then the old one rests for 5 minutes" in planned.text
    assert f"keyturn rotation turn {NAME} --project example --plan" in planned.text
    assert (await view(web.world, rotation_id)).turn is None
    begun = await web.visitor.press(planned, "Turn now")
    assert "The turn has begun." in begun.text
    assert now_at(begun) == "Planned"
    await tick(web)
    assert now_at(await web.visitor.open(f"/rotations/{rotation_id}")) == "Overlapping"


async def test_a_process_whose_clock_is_off_begins_no_turn(web: WebHouse) -> None:
    """The page says why, and that another server is to be asked."""
    rotation_id = await rotation(web)
    planned = await web.visitor.follow(
        await web.visitor.open(f"/rotations/{rotation_id}"), "Turn now"
    )
    web.world.vitals.footing = Footing.CLOCK_OFF
    refused = await web.visitor.press(planned, "Turn now")
    assert refused.status == 503
    assert "ask another server" in refused.text
    assert (await view(web.world, rotation_id)).turn is None


async def test_an_emergency_wants_the_name_typed(web: WebHouse) -> None:
    """And waits for nothing then: the old one is gone at once."""
    rotation_id = await rotation(web)
    old = await web.house.served()
    page = await web.visitor.follow(
        await web.visitor.open(f"/rotations/{rotation_id}"), "Emergency"
    )
    assert "Nothing is waited for" in page.text
    wrong = await web.visitor.press(page, "Turn in an emergency", confirm="another")
    assert wrong.status == 400
    assert "This is not its name" in wrong.text
    assert (await view(web.world, rotation_id)).turn is None
    await web.visitor.press(wrong, "Turn in an emergency", confirm=NAME)
    turn = await turn_of(web, rotation_id)
    assert turn.word is Word.AT_ONCE
    assert (await run(web, rotation_id)).phase is Phase.FINISHED
    assert await web.house.served() != old
    assert len(web.house.org.read_app(web.house.app_id).live_secrets) == 1


async def test_a_turn_is_paused_and_resumed_by_one_button_each(web: WebHouse) -> None:
    """Nothing is asked: both can be undone."""
    rotation_id = await overlapping(web)
    page = await web.visitor.open(f"/rotations/{rotation_id}")
    still = await web.visitor.press(page, "Pause")
    assert "The turn stands still where it is." in still.text
    assert (await turn_of(web, rotation_id)).paused_at
    assert "Pause" not in buttons(still)
    going = await web.visitor.press(still, "Resume")
    assert "The turn goes on." in going.text
    assert (await turn_of(web, rotation_id)).running


async def test_an_order_that_came_too_late_says_why(web: WebHouse) -> None:
    """On the page where it was given, with nothing done."""
    rotation_id = await overlapping(web)
    page = await web.visitor.open(f"/rotations/{rotation_id}")
    await run(web, rotation_id)
    late = await web.visitor.press(page, "Pause")
    assert late.status == 400
    assert "Nothing was done" in late.text
    assert "there is nothing to pause" in late.text


async def test_only_what_would_be_heeded_is_offered(web: WebHouse) -> None:
    """And of everything else it is said why not."""
    rotation_id = await rotation(web)
    page = await web.visitor.open(f"/rotations/{rotation_id}")
    assert {"Turn now", "Emergency"} <= buttons(page)
    assert not buttons(page) & {"Pause", "Resume", "Finish now", "Abort", "Reinstate the old one"}
    assert "Pause No turn is open." in page.text
    await ask(web, rotation_id, "rotate-secrets")
    page = await web.visitor.open(f"/rotations/{rotation_id}")
    assert {"Pause", "Finish now", "Finish at once"} <= buttons(page)
    assert not buttons(page) & {"Turn now", "Resume", "Abort", "Emergency"}
    assert "Turn now A turn is under way: wait for its end, or cut it short." in page.text
    await live(web, 301)
    assert "Reinstate the old one" in buttons(await web.visitor.open(f"/rotations/{rotation_id}"))


async def test_a_soak_is_cut_short_and_names_who_lacks_the_new_one(web: WebHouse) -> None:
    """The call at Okta is named, and so is the reader that would be hurt."""
    rotation_id = await rotation(web)
    await web.house.served()
    await ask(web, rotation_id, "rotate-secrets")
    await live(web, 301)
    page = await web.visitor.follow(
        await web.visitor.open(f"/rotations/{rotation_id}"), "Finish now"
    )
    assert f"DELETE /api/v1/apps/{web.house.app_id}/credentials/secrets/ocs" in page.text
    assert "reader administrator, which has version 1" in page.text
    done = await web.visitor.press(page, "Finish it now")
    assert "The turn waits no longer than it must." in done.text
    await tick(web)
    assert (await turn_of(web, rotation_id)).phase is Phase.FINISHED


async def test_who_has_ordered_it_to_finish_is_said(web: WebHouse) -> None:
    """And it is not offered again; at once it still is."""
    rotation_id = await overlapping(web)
    page = await web.visitor.open(f"/rotations/{rotation_id}/finish")
    page = await web.visitor.press(page, "Finish it now")
    told = f"Finish ordered by {EMAIL}: the old one goes as soon as"
    assert told in page.text
    assert "Finish now" not in buttons(page)
    assert "Finish at once" in buttons(page)


async def test_finishing_at_once_wants_the_name_typed(web: WebHouse) -> None:
    """It cannot be undone."""
    rotation_id = await overlapping(web)
    page = await web.visitor.open(f"/rotations/{rotation_id}/finish-at-once")
    wrong = await web.visitor.press(page, "Finish it at once", confirm="")
    assert wrong.status == 400
    assert (await turn_of(web, rotation_id)).word is None
    await web.visitor.press(page, "Finish it at once", confirm=NAME)
    await tick(web)
    assert (await turn_of(web, rotation_id)).phase is Phase.FINISHED


async def test_the_old_one_is_reinstated_on_demand(web: WebHouse) -> None:
    """The turn goes back to its overlap."""
    rotation_id = await overlapping(web)
    await live(web, 301)
    page = await web.visitor.follow(
        await web.visitor.open(f"/rotations/{rotation_id}"), "Reinstate the old one"
    )
    assert "lifecycle/activate" in page.text
    await web.visitor.press(page, "Reinstate it")
    await tick(web)
    assert now_at(await web.visitor.open(f"/rotations/{rotation_id}")) == "Overlapping"


async def test_a_turn_that_served_nobody_is_aborted(web: WebHouse) -> None:
    """And ends as rolled back, which its page shows."""
    rotation_id = await rotation(web)
    await ask(web, rotation_id, "turn", {"wait": False})
    page = await web.visitor.follow(await web.visitor.open(f"/rotations/{rotation_id}"), "Abort")
    assert "Nobody was given it." in page.text
    done = await web.visitor.press(page, "Abort it")
    assert ("Rolled back", "failed") in phases(done)


@pytest.mark.parametrize("what", ["finish", "finish-at-once", "reinstate", "abort"])
async def test_where_nothing_is_open_there_is_nothing_to_order(web: WebHouse, what: str) -> None:
    """The page says so, and has no button."""
    rotation_id = await rotation(web)
    page = await web.visitor.open(f"/rotations/{rotation_id}/{what}")
    assert "No turn is open." in page.text
    assert not any(form.action.endswith(what) for form in page.forms)


async def test_a_second_turn_is_refused_with_the_reason(web: WebHouse) -> None:
    """On the page of the plan, whether it is asked about or begun from a page that is old."""
    rotation_id = await rotation(web)
    old = await web.visitor.open(f"/rotations/{rotation_id}/turn")
    await ask(web, rotation_id, "rotate-secrets")
    page = await web.visitor.open(f"/rotations/{rotation_id}/turn")
    assert "A turn is under way" in page.text
    late = await web.visitor.press(old, "Turn now")
    assert late.status == 400
    assert "is under way (overlapping" in late.text


async def test_a_blocked_turn_is_tried_again(web: WebHouse) -> None:
    """By the same button under another name."""
    rotation_id = await rotation(web)
    foreign = web.house.org.create_secret(web.house.app_id)
    await ask_refused(web, rotation_id)
    web.house.org.deactivate_secret(web.house.app_id, foreign.id)
    web.house.org.delete_secret(web.house.app_id, foreign.id)
    page = await web.visitor.follow(
        await web.visitor.open(f"/rotations/{rotation_id}"), "Try again"
    )
    await web.visitor.press(page, "Try again")
    await tick(web)
    assert (await turn_of(web, rotation_id)).phase is Phase.OVERLAPPING


async def test_turns_start_by_the_schedule_or_only_when_asked(web: WebHouse) -> None:
    """One button changes it, the other way round as well."""
    rotation_id = await rotation(web)
    page = await web.visitor.open(f"/rotations/{rotation_id}")
    off = await web.visitor.press(page, "Turn only when asked")
    assert "Turns start only when somebody asks." in off.text
    assert not (await view(web.world, rotation_id)).rotation.schedule.automatic
    on = await web.visitor.press(off, "Turn by the schedule")
    assert "Turns start by the schedule." in on.text
    assert (await view(web.world, rotation_id)).rotation.schedule.automatic


@pytest.mark.parametrize(
    "what", ["turn", "emergency", "pause", "resume", "auto", "finish", "abort", "reinstate"]
)
async def test_a_viewer_who_sends_an_order_anyway_is_refused(web: WebHouse, what: str) -> None:
    """Whatever the form said."""
    rotation_id = await overlapping(web)
    before = await turn_of(web, rotation_id)
    viewer = await somebody(web, "viewer")
    token = (await viewer.open("/rotations")).value("form_token")
    answer = await viewer.http.post(
        f"/rotations/{rotation_id}/{what}",
        data={"form_token": token, "confirm": NAME, "automatic": "off"},
    )
    assert answer.status_code == 403
    assert await turn_of(web, rotation_id) == before


async def ask_refused(web: WebHouse, rotation_id: str) -> None:
    """Have a turn blocked."""
    path = f"/api/v2/secret-rotations/okta-client-secret/{rotation_id}/rotate-secrets"
    await web.house.http.post(path)
    assert (await turn_of(web, rotation_id)).blocked
