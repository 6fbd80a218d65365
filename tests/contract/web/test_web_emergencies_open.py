"""What an emergency has not closed, in the browser: never told as closed, with what helps."""

from rotation_pages_kit import buttons, live, somebody
from web_fleet_kit import admin
from web_kit import Page, WebHouse
from web_rollout_kit import begun, break_adding, carry, closing, several, the_rollout

from keyturn.domain.rollout import State
from keyturn.domain.rotation import Rotation
from keyturn.services.orders import pause_turn
from keyturn.services.turns import rotate

LIST = "/emergencies"


async def paused(web: WebHouse, app_id: str) -> str:
    """Start the turn of an app and pause it; return the page of its rotation."""
    async with web.world.store.reading() as tx:
        [rotation] = await tx.list(Rotation, app_id=app_id)
    caller = await admin(web)
    await rotate(web.world, caller, rotation.id)
    await pause_turn(web.world, caller, rotation.id)
    return f"/rotations/{rotation.id}"


async def held_up(web: WebHouse) -> tuple[Page, str]:
    """Begin an emergency of three apps of which one has a turn that is paused, and one is off."""
    held, off, _ = await several(web)
    rotation = await paused(web, held)
    web.house.org.deactivate_app(off)
    page = await begun(web, 3)
    await carry(web, lambda one: one.tidied_at is not None)
    await live(web, 60)
    return await web.visitor.open(page.path), rotation


async def left_out(web: WebHouse) -> tuple[Page, str]:
    """Leave out what one has not closed until it ends; return its page, and that of a rotation."""
    page, rotation = await held_up(web)
    for _ in range(2):
        asked = await web.visitor.follow(page, "Leave out")
        page = await web.visitor.press(asked, "Leave it out")
    await carry(web)
    assert (await the_rollout(web)).state is State.FINISHED
    return await web.visitor.open(page.path), rotation


async def test_what_was_left_out_is_red_for_good_and_never_told_as_closed(web: WebHouse) -> None:
    """On the page, in the list and in its row, also once nothing is left to do."""
    page, rotation = await left_out(web)
    assert "2 apps are NOT CLOSED by this" in page.text
    assert "Finished, 2 not closed" in page.text
    assert "Of 2 apps the old client secret may still work." in page.text
    assert "Closed 1 of 3 apps" in page.text
    assert "May still work 2" in page.text
    assert "every old client secret" not in page.text
    assert "NOT CLOSED by this 2" in page.text
    assert "NOT CLOSED. Somebody has paused its turn." in page.text
    assert rotation in [href for href, _ in page.links]
    assert "Try again" not in buttons(page)
    listed = await web.visitor.open(LIST)
    assert "Finished, 2 not closed 1 of 3" in listed.text
    assert 'class="badge good"' not in listed.html


async def test_while_the_rest_is_tidied_up_what_was_left_out_stays_red(web: WebHouse) -> None:
    """Okta refuses the secrets of so many apps, and not of every one."""
    page, _ = await held_up(web)
    asked = await web.visitor.open(f"{page.path}/leave-out?app={(await several_of(web))[0]}")
    after = await web.visitor.press(asked, "Leave it out")
    assert "Tidying up, 1 not closed" in after.text
    assert "Okta refuses the old client secret of 1 app;" in after.text
    assert "Tidying up, 1 not closed" in (await web.visitor.open(LIST)).text


async def several_of(web: WebHouse) -> list[str]:
    """Return the ids of the apps, in the order in which they were made."""
    async with web.world.store.reading() as tx:
        found = await tx.list(Rotation)
    return [str(each.app_id) for each in sorted(found, key=lambda one: one.name)]


async def test_what_is_closed_by_another_later_is_not_told_as_open(web: WebHouse) -> None:
    """Nothing stays red that somebody has mended."""
    page, rotation = await left_out(web)
    held, off, _ = await several_of(web)
    await web.visitor.press(await web.visitor.open(rotation), "Resume")
    web.house.org.activate_app(off)
    await begun(web, 2, which="apps", apps=f"{held} {off}")
    await carry(web)
    again = await web.visitor.open(page.path)
    assert "are NOT CLOSED" not in again.text
    assert again.text.count("closed by another") == 2
    assert "Finished, 2 not closed" not in (await web.visitor.open(LIST)).text


async def test_a_paused_app_is_only_to_be_resumed(web: WebHouse) -> None:
    """One link leads there; trying again is offered for what somebody has to mend."""
    page, rotation = await held_up(web)
    assert "1 app is NOT CLOSED Its old client secret may still work." in page.text
    assert (rotation, "Resume its turn") in page.links
    assert "Mend what it says" not in page.text
    assert "keyturn emergency retry" not in page.text
    notice = page.html[page.html.index('role="alert"') : page.html.index("deactivated at Okta")]
    assert "/retry" not in notice
    viewer = await somebody(web, "viewer")
    assert "Resume its turn" not in (await viewer.open(page.path)).text


async def test_an_aborted_emergency_says_what_to_do_instead(web: WebHouse) -> None:
    """It does nothing more for what is not closed, and nobody is told that it goes on."""
    page, _ = await held_up(web)
    asked = await web.visitor.follow(page, "Abort")
    assert "1 app that is NOT CLOSED stays so: its old client secret" in asked.text
    assert "1 app that is deactivated at Okta stays as it is" in asked.text
    assert "that waits is" not in asked.text
    assert "being closed" not in asked.text
    ended = await web.visitor.press(asked, "Abort the emergency")
    assert "Aborted, 1 not closed" in ended.text
    assert "1 app is deactivated at Okta" in ended.text
    assert "begin another emergency right after that." in ended.text
    assert ("/emergencies/new", "begin another") in ended.links
    assert "or resume a turn that is paused by hand." in ended.text
    assert "lets the emergency go on" not in ended.text
    assert "Abandoned" not in ended.text
    assert ended.text.count("not by this") == 2
    assert "not yet" not in ended.text
    shown = await web.visitor.open(f"{page.path}?standing=failed")
    assert "lets the emergency go on" not in shown.text


async def test_what_an_abort_leaves_unbegun_is_told_as_not_closed(web: WebHouse) -> None:
    """Nobody begins it any more."""
    await several(web)
    page = await begun(web, 3)
    asked = await web.visitor.open(f"{page.path}/abort")
    assert "3 apps that wait are NOT closed: their old client secrets work on." in asked.text
    ended = await web.visitor.press(asked, "Abort the emergency")
    assert "3 apps are NOT CLOSED by this" in ended.text
    assert "It was not begun." in ended.text


async def test_orders_count_and_name_as_the_page_does(web: WebHouse) -> None:
    """What is not closed and what is deactivated apart, and an app by its name."""
    page, _ = await held_up(web)
    asked = await web.visitor.open(f"{page.path}/retry")
    told = "1 app that is NOT CLOSED and 1 app that is deactivated at Okta are begun once more"
    assert told in asked.text
    [held, *_] = await several_of(web)
    asked = await web.visitor.open(f"{page.path}/leave-out?app={held}")
    assert f"Leave {held}" not in asked.text
    assert "app-0 out?" in asked.text
    unknown = await web.visitor.open(f"{page.path}/leave-out?app=other")
    assert "Leave other out?" in unknown.text


async def test_what_is_in_the_way_leads_to_where_it_is_mended(web: WebHouse) -> None:
    """Names and orders in the warnings of a plan are links, each said once."""
    held, *_ = await several(web)
    rotation = await paused(web, held)
    plan = await closing(web, which="all", within="5m")
    leads = [text for href, text in plan.links if href == rotation]
    assert len(leads) == 2
    assert "Resume" in leads
    assert plan.text.count("Somebody has paused its turn") == 1
    assert "5 min after the new one is served." in plan.text
    assert "asked for." not in plan.text


async def test_a_public_secret_that_would_be_left_aside_is_told_at_its_field(
    web: WebHouse,
) -> None:
    """And everything typed is kept."""
    apps = await several(web)
    page = await closing(web, which="apps", apps=apps[0], leaked=apps[1])
    assert page.status == 422
    assert f"{apps[1]}: not among the apps that are closed." in page.text
    assert 'href="#f-leaked"' in page.html
    assert page.value("leaked") == apps[1]


async def test_what_failed_beside_what_is_paused_is_tried_again(web: WebHouse) -> None:
    """The button stays where there is something that it helps."""
    held, *_ = await several(web)
    await paused(web, held)
    break_adding(web)
    page = await begun(web, 3)
    for _ in range(3):
        await live(web, 5)
    shown = await web.visitor.open(page.path)
    assert "3 apps are NOT CLOSED" in shown.text
    assert "Try again" in buttons(shown)
    assert "Resume its turn" in shown.text
