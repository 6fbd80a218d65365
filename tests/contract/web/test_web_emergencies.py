"""Emergencies in the browser: planned, begun in proportion, followed, proved, ended."""

import json

from rotation_pages_kit import buttons, following, live, somebody
from web_fleet_kit import HOSTILE, admin, read_inventory
from web_kit import Page, WebHouse
from web_rollout_kit import (
    CLOSE,
    begun,
    break_adding,
    carry,
    closing,
    members,
    mend,
    several,
    the_rollout,
)

from keyturn.domain.rollout import Standing, State
from keyturn.services.ending import delete_rotation
from keyturn.services.projects import Where
from keyturn.services.secrets import read_secret

LIST = "/emergencies"


async def stuck(web: WebHouse) -> Page:
    """Begin an emergency that cannot close its three apps, and return its page."""
    await several(web)
    break_adding(web)
    page = await begun(web, 3)
    for _ in range(3):
        await live(web, 5)
    return page


async def test_the_plan_comes_first(web: WebHouse) -> None:
    """Which app is closed when and why there; nothing is begun, and Okta is not asked."""
    apps = await several(web)
    empty = await web.visitor.open(LIST)
    form = await web.visitor.follow(empty, "Close a leak")
    assert form.path == CLOSE
    last = web.house.org.journal.last
    plan = await closing(web, which="apps", apps=" ".join(apps), leaked=apps[2])
    assert "Close these 3 apps" in plan.text
    assert plan.text.index("app-2") < plan.text.index("app-0") < plan.text.index("app-1")
    assert "said to be public" in plan.text
    assert f"--leaked {apps[2]}" in plan.html
    assert web.house.org.journal.last == last
    changed = await web.visitor.press(plan, "Change it")
    assert changed.value("leaked") == apps[2]
    assert "There has been no emergency" in (await web.visitor.open(LIST)).text


async def test_an_address_fills_the_form_in(web: WebHouse) -> None:
    """A leak report leads there with its apps and why; the text is text."""
    page = await web.visitor.open(f"{CLOSE}?app=one&app=two&leaked=two&reason=Found+{HOSTILE}")
    assert page.value("apps") == "one\ntwo"
    assert page.value("leaked") == "two"
    assert "<script>alert" not in page.html
    assert page.value("which") == "apps"


async def test_it_is_begun_by_the_number_of_apps(web: WebHouse) -> None:
    """Another number begins nothing, and neither does another plan."""
    await several(web)
    plan = await closing(web, which="all")
    for typed in ("", "2"):
        again = await web.visitor.press(plan, "Close them", confirm=typed)
        assert again.status == 422, typed
        assert ("#f-confirm", "To begin, type 3, the number of apps.") in again.links
        assert again.value("confirm") == typed
        assert 'id="f-confirm-error"' in again.html
    again = await web.visitor.press(plan, "Close them", confirm="3", plan_hash="0" * 64)
    assert again.status == 400
    assert "The plan is about other apps now" in again.text
    assert "There has been no emergency" in (await web.visitor.open(LIST)).text
    page = await web.visitor.press(plan, "Close them", confirm="3")
    assert "The emergency has begun." in page.text
    assert page.path == f"{LIST}/{(await the_rollout(web)).id}"


async def test_what_does_not_fit_is_told_at_its_field(web: WebHouse) -> None:
    """And everything typed is kept."""
    await several(web)
    form = await web.visitor.open(CLOSE)
    for fields, told in (
        ({"reason": "x", "which": "apps", "apps": ""}, "The apps must be 1 to"),
        ({"reason": "x", "which": "apps", "apps": "0oaNone"}, "no rotation that you may see"),
        ({"reason": "x", "which": "selector", "selector": "odd"}, "The selector must be terms"),
        ({"reason": "x", "which": "selector", "selector": "*"}, "fits everything"),
        ({"reason": "", "which": "all"}, "The reason must have"),
        ({"reason": "x", "which": "all", "within": "soon"}, "time for consumers must be seconds"),
        ({"reason": "x", "which": "all", "within": "25h"}, "The time for consumers must be 0 to"),
        ({"reason": HOSTILE, "which": "apps", "apps": HOSTILE, "leaked": HOSTILE}, "keeps it"),
    ):
        page = await web.visitor.press(form, "Show the plan", **fields)
        assert page.status == 422, fields
        assert told in page.text, fields
        assert "<script>alert" not in page.html
        assert all(page.value(name) == value for name, value in fields.items()), fields


async def test_what_no_rotation_keeps_is_told_before_all_else(web: WebHouse) -> None:
    """The plan names the apps that it does not close, and what to do about them."""
    await read_inventory(web, "pay-ledger", HOSTILE)
    plan = await closing(web, which="all")
    assert "not closed by this: no rotation keeps them" in plan.text
    assert "pay-ledger" in plan.text
    assert "Admin Console" in plan.text
    assert "<script>alert" not in plan.html
    assert plan.text.index("pay-ledger") < plan.text.index("In this order")


async def test_it_is_followed_to_its_proof(web: WebHouse) -> None:
    """Each app is closed with Okta's own words, and the same is a file to keep."""
    await several(web)
    page = await begun(web, 3, revoke="on")
    await carry(web)
    done = await web.visitor.open(page.path)
    assert "deactivated: HTTP 200" in done.text
    assert "refused: HTTP 401" in done.text
    assert "NOT CLOSED" not in done.text
    assert {each.standing for each in await members(web)} == {Standing.DONE}
    text = await web.visitor.open(f"{page.path}/evidence.md")
    assert text.answer.headers["content-type"].startswith("text/markdown")
    assert "# Emergency" in text.html
    told = json.loads((await web.visitor.open(f"{page.path}/evidence.json")).html)
    assert len(told["apps"]) == 3
    assert (await web.visitor.open(f"{page.path}/evidence.pdf")).status == 404
    assert "Finished" in (await web.visitor.open(LIST)).text


async def test_what_is_not_closed_is_loud_and_first(web: WebHouse) -> None:
    """Before all else, in the overview, and until somebody has mended it."""
    page = await stuck(web)
    shown = await web.visitor.open(page.path)
    assert "3 apps are NOT CLOSED" in shown.text
    assert shown.text.index("NOT CLOSED") < shown.text.index("May still work")
    overview = await web.visitor.open("/")
    assert "3 apps are NOT CLOSED" in overview.text
    assert page.path in [href for href, _ in overview.links]
    mend(web)
    asked = await web.visitor.follow(shown, "Try again")
    again = await web.visitor.press(asked, "Try again")
    assert "Every app that is not closed has another try." in again.text
    await carry(web)
    assert "NOT CLOSED" not in (await web.visitor.open(page.path)).text
    over = await web.visitor.open(f"{page.path}/retry")
    assert "It has ended." in over.text


async def test_a_deactivated_app_is_told_and_left_out(web: WebHouse) -> None:
    """It is not among those that may still work; the next plan says what is in its way."""
    first, *_ = await several(web)
    web.house.org.deactivate_app(first)
    page = await begun(web, 3)
    await carry(web, lambda one: one.tidied_at is not None)
    await live(web, 60)
    shown = await web.visitor.open(page.path)
    assert "1 app is deactivated at Okta" in shown.text
    assert "NOT CLOSED" not in shown.text
    plan = await closing(web, which="all")
    assert "Something is in the way of 1 app" in plan.text
    asked = await web.visitor.follow(shown, "Leave out")
    assert f"keyturn emergency leave-out {(await the_rollout(web)).name} {first}" in asked.html
    left = await web.visitor.press(asked, "Leave it out")
    assert "It is left out." in left.text
    await carry(web)
    assert (await the_rollout(web)).state is State.FINISHED


async def test_who_had_no_time_is_named(web: WebHouse) -> None:
    """In the plan as whom it will hit, and afterwards as whom it may have hit."""
    await several(web)
    await read_secret(web.world, await admin(web), Where("example", "dev"), "APP-0_SECRET")
    plan = await closing(web, which="all")
    assert "reader administrator" in plan.text
    await web.visitor.press(plan, "Close them", confirm="3")
    await carry(web)
    page = await web.visitor.open(f"{LIST}/{(await the_rollout(web)).id}")
    assert "Not known to have had the new one in time" in page.text
    assert "reader administrator" in page.text


async def test_a_proof_that_went_with_its_rotation_is_not_told_as_to_come(web: WebHouse) -> None:
    """The app was closed; by which answers is not known any more."""
    await several(web)
    page = await begun(web, 3)
    await carry(web)
    first = (await members(web))[0]
    world, caller = web.house.world, await admin(web)
    await delete_rotation(world, caller, first.rotation_id, delete_secrets=True, revoke=False)
    told = (await web.visitor.open(page.path)).text
    assert told.count("not on record any more") == 1
    assert "none yet" not in told


async def test_an_abort_says_what_is_not_closed(web: WebHouse) -> None:
    """Its page says so before and after."""
    page = await stuck(web)
    asked = await web.visitor.follow(await web.visitor.open(page.path), "Abort")
    assert "3 apps that are NOT CLOSED stay so" in asked.text
    assert " 0 " not in asked.text
    ended = await web.visitor.press(asked, "Abort the emergency")
    assert "No further app is begun." in ended.text
    assert "NOT CLOSED" in ended.text
    assert "Try again" not in buttons(ended)
    assert "Aborted, 3 not closed" in ended.text
    assert "begin another" in ended.text
    assert "Aborted, 3 not closed" in (await web.visitor.open(LIST)).text
    assert (await the_rollout(web)).state is State.ABANDONED
    assert "It has ended." in (await web.visitor.open(f"{page.path}/abort")).text


async def test_a_viewer_sees_all_and_may_do_nothing(web: WebHouse) -> None:
    """No button leads anywhere, and the forms name the permission that they take."""
    page = await stuck(web)
    viewer = await somebody(web, "viewer")
    seen = await viewer.open(page.path)
    assert "NOT CLOSED" in seen.text
    assert not {"Try again", "Abort"} & buttons(seen)
    assert "Close a leak" not in (await viewer.open(LIST)).text
    for form in (CLOSE, f"{page.path}/retry", f"{page.path}/abort"):
        refused = await viewer.open(form)
        assert refused.status == 403
        assert "rollouts:edit" in refused.text


async def test_the_page_follows_what_happens(web: WebHouse) -> None:
    """A stream sends the part anew once apps are closed."""
    await several(web)
    page = await begun(web, 3)
    async with following(web, f"{page.path}/live") as stream:
        assert "Of 3 apps the old client secret may still work" in str(await stream.part())
        await carry(web)
        assert "It ended" in str(await stream.part())
