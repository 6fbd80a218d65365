"""The list of rotations in the browser: what is found, what is told of each, how much it is."""

import gzip
from cProfile import Profile
from dataclasses import replace

import pytest
from rotation_pages_kit import HOSTILE, another, buttons, rotation, somebody
from web_kit import WebHouse

from keyturn.domain.rotation import Rotation
from keyturn.domain.secret import Secret, Version
from keyturn.services.logins import authenticate
from keyturn.services.rotations import RotationChange, update_rotation

LIMIT_BYTES = 100_000
LIMIT_CALLS = 200_000


async def test_each_is_told_with_its_place_app_age_and_standing(web: WebHouse) -> None:
    """The age is told against what the schedule allows, and the standing in words."""
    made = await another(web, await web.house.connect(), "billing")
    web.house.clock.advance(6 * 3_600)
    page = await web.visitor.open("/rotations")
    assert (f"/rotations/{made['id']}", "billing") in page.links
    for told in ("example/dev/", str(made["oktaClientId"]), "my-okta", "6 h", "of 30 d"):
        assert told in page.text
    assert "Scheduled" in page.text
    assert "keyturn fleet list" in page.text


async def test_tabs_count_each_standing_and_lead_to_it(web: WebHouse) -> None:
    """A tab is there for what there is, with how many there are."""
    connection = await web.house.connect()
    for name in ("one", "two"):
        await another(web, connection, name)
    await another(web, connection, "hand", isAutoRotationEnabled=False)
    page = await web.visitor.open("/rotations")
    told = {text for href, text in page.links if "state=" in href or href == "/rotations"}
    assert {"All 3", "Scheduled 2", "By hand 1"} <= told
    assert "Paused 0" not in page.text
    by_hand = await web.visitor.follow(page, "By hand 1")
    assert "hand" in by_hand.text
    assert "/rotations?state=off" in by_hand.path
    assert "keyturn fleet list --state off" in by_hand.text
    assert all(text != "one" for _, text in by_hand.links)


async def test_text_finds_by_name_and_app_and_keeps_what_was_typed(web: WebHouse) -> None:
    """Nothing that fits is told so, with the way back."""
    connection = await web.house.connect()
    made = await another(web, connection, "billing")
    await another(web, connection, "orders")
    page = await web.visitor.press(
        await web.visitor.open("/rotations"), "Find", find=str(made["oktaAppId"]).lower()
    )
    assert any(text == "billing" for _, text in page.links)
    assert not any(text == "orders" for _, text in page.links)
    assert page.value("find") == str(made["oktaAppId"]).lower()
    none = await web.visitor.open("/rotations", find="nothing is like that")
    assert "No rotation is like that." in none.text
    assert any(text == "orders" for _, text in (await web.visitor.follow(none, "Show all")).links)


async def test_rotations_are_listed_by_name(web: WebHouse) -> None:
    """Whatever came first, on each page of the list."""
    connection = await web.house.connect()
    names = ["orders", "billing", "web", "api"]
    for name in names:
        await another(web, connection, name)
    page = await web.visitor.open("/rotations")
    assert [text for _, text in page.links if text in names] == sorted(names)
    assert "They are listed by name." in page.text


async def test_an_age_can_be_asked_for_and_taken_away(web: WebHouse) -> None:
    """As the overview's picture leads here."""
    connection = await web.house.connect()
    await another(web, connection, "young")
    await another(web, connection, "endless", isAutoRotationEnabled=False)
    page = await web.visitor.open("/rotations", age="none")
    assert [text for _, text in page.links if text in ("young", "endless")] == ["endless"]
    assert "Age: Without a limit" in page.text
    assert (
        "young"
        in (await web.visitor.follow(page, "Age: Without a limit : take this filter away")).text
    )


@pytest.mark.parametrize(
    "query", ["state=nonsense", "age=nonsense", "start=-1", "start=x", "start=99999999"]
)
async def test_an_address_that_does_not_fit_shows_all(web: WebHouse, query: str) -> None:
    """Whoever mistypes one is not left with an error."""
    await another(web, await web.house.connect(), "billing")
    page = await web.visitor.open(f"/rotations?{query}")
    assert page.status == 200
    assert any(text == "billing" for _, text in page.links)


async def test_nothing_yet_leads_to_the_first(web: WebHouse) -> None:
    """A new installation says what comes next; whoever may not make one is not led there."""
    page = await web.visitor.open("/rotations")
    assert ("/rotations/new", "Make the first rotation") in page.links
    viewer = await somebody(web, "viewer")
    assert "New rotation" not in buttons(await viewer.open("/rotations"))


async def test_who_holds_nothing_there_is_told_so(web: WebHouse) -> None:
    """And learns of no rotation."""
    await rotation(web)
    page = await (await somebody(web, "")).open("/rotations")
    assert page.status == 403
    assert "my-okta-rotation" not in page.text


async def test_hostile_texts_are_shown_as_texts(web: WebHouse) -> None:
    """In what is looked for, and in what was typed long ago."""
    rotation_id = await rotation(web)
    admin = await authenticate(web.world, web.house.installed.admin_token)
    change = RotationChange(description=HOSTILE, described=True)
    await update_rotation(web.world, admin, rotation_id, change)
    for page in (
        await web.visitor.open("/rotations", find=HOSTILE),
        await web.visitor.open(f"/rotations/{rotation_id}"),
    ):
        assert "<script>alert" not in page.html
        assert HOSTILE in page.text or page.value("find") == HOSTILE


@pytest.mark.slow
async def test_a_thousand_are_paged_and_small_and_cheap(web: WebHouse) -> None:
    """Fifty a page, below 100 KB as it is sent, for so many calls of functions and no more.

    Calls are counted because no clock of a shared machine tells the same twice: 100,000 of them
    take some 60 ms of a core.
    """
    await another(web, await web.house.connect(), "first")
    await web.visitor.open("/rotations")  # templates are compiled
    await _multiply(web, 1_000)
    work = Profile()
    page = await web.visitor.open("/rotations")
    work.enable()
    answer = await web.visitor.http.get("/rotations")
    work.disable()
    assert "1 to 50 of 1000" in page.text
    assert page.html.count('<th scope="row">') == 50
    assert int(answer.headers["content-length"]) < LIMIT_BYTES
    assert len(gzip.compress(page.html.encode(), 5)) < LIMIT_BYTES
    assert sum(each.callcount for each in work.getstats()) < LIMIT_CALLS
    later = await web.visitor.follow(page, "More")
    assert "51 to 100 of 1000" in later.text
    assert "1 to 50 of 1000" in (await web.visitor.follow(later, "Back")).text


async def _multiply(web: WebHouse, count: int) -> None:
    """Copy the first rotation, with what it serves, until there are so many."""
    async with web.world.store.reading() as tx:
        (first,) = await tx.list(Rotation)
        secrets = await tx.list(Secret, rotation_id=first.id)
        versions = {each.id: await tx.list(Version, secret_id=each.id) for each in secrets}
    async with web.world.store.writing() as tx:
        for number in range(1, count):
            rotation_id = web.world.chance.uuid()
            await tx.add(
                replace(first, id=rotation_id, name=f"app-{number:04}", app_id=f"0oa{number}")
            )
            for secret in secrets:
                secret_id = web.world.chance.uuid()
                name = f"{secret.name}_{number}"
                await tx.add(replace(secret, id=secret_id, name=name, rotation_id=rotation_id))
                await tx.add(
                    *(
                        replace(each, id=web.world.chance.uuid(), secret_id=secret_id)
                        for each in versions[secret.id]
                    )
                )
