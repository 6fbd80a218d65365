"""The inventory in the browser: every app, found and sorted, how it is read, and owners."""

import re

from rotation_pages_kit import entries, following
from web_fleet_kit import HOSTILE, admin, keep, make_app, read_inventory
from web_kit import WebHouse, make_person, visitor_of

from keyturn.services.inventory import begin_inventory

LIST, READ, OWNERS = "/inventory", "/inventory/read", "/inventory/owners"


async def test_without_an_org_the_page_leads_to_one(web: WebHouse) -> None:
    """And after that, to the reading, which says what it asks of Okta."""
    page = await web.visitor.open(LIST)
    assert "No org is connected yet" in page.text
    assert ("/connections/okta/new", "Connect an org") in page.links
    await web.house.connect()
    page = await web.visitor.open(LIST)
    assert "Nobody has asked for an inventory yet" in page.text
    asked = await web.visitor.follow(page, "Read the inventory")
    assert "Okta puts on its own record that they were looked at" in asked.text
    begun = await web.visitor.press(asked, "Read it")
    assert begun.path == LIST
    assert "The workers read it now" in begun.text
    assert "Listing the apps" in begun.text
    await keep(web)
    known = await web.visitor.open(LIST)
    assert "Known" in known.text
    assert "Example web app" in known.text


async def test_the_word_of_the_menu_leads_to_the_first_page_of_the_fleet(web: WebHouse) -> None:
    """Whoever types it into the address finds what is open to them."""
    assert (await web.visitor.open("/fleet")).path == LIST


async def test_apps_are_shown_as_they_are(web: WebHouse) -> None:
    """How many, whose, how old, used when, and kept by what."""
    make_app(web, "Single page", auth_method="none", application_type="browser", pkce_required=True)
    await read_inventory(web, "pay-ledger")
    page = await web.visitor.open(LIST)
    assert "client secret, in a header" in page.text
    assert "nothing (a public client)" in page.text
    assert "20 d" in page.text
    assert "my-okta-rotation" in [told for _, told in page.links]
    assert "known to no rotation" in page.text
    assert "keyturn inventory show" in page.text


async def test_a_selector_and_choices_narrow_the_list(web: WebHouse) -> None:
    """Each by itself, and together; the grammar is explained beside."""
    await read_inventory(web, "pay-ledger", "shop-till")
    page = await web.visitor.open(LIST)
    assert "environment" in page.text
    found = await web.visitor.press(page, "Show", selector="label=PAY-*")
    assert "pay-ledger" in found.text
    assert "shop-till" not in found.text
    assert "keyturn inventory show 'label=PAY-*'" in found.text
    kept = await web.visitor.press(page, "Show", kept="yes")
    assert "my-okta-rotation" in kept.text
    assert "pay-ledger" not in kept.text
    foreign = await web.visitor.press(page, "Show", secrets="foreign", kept="no")
    assert "pay-ledger" in foreign.text
    aged = await web.visitor.press(page, "Show", age="365+")
    assert "No app is like that." in aged.text
    assert "keyturn inventory show --age 365+" in aged.text
    assert "keyturn inventory show --unmanaged --foreign" in foreign.text
    assert "pay-ledger" in (await web.visitor.press(page, "Show", age="0-30")).text
    wrong = await web.visitor.press(page, "Show", selector="colour=red")
    assert wrong.status == 422
    assert wrong.value("selector") == "colour=red"
    assert "must be terms like label=pay-*" in wrong.text


async def test_the_oldest_comes_first_and_pages_follow(web: WebHouse) -> None:
    """Fifty a page, and each app on one of them."""
    await read_inventory(web, *(f"app-{n:03}" for n in range(60)), days=1)
    make_app(web, "youngest")
    first = await web.visitor.open(LIST, selector="label=app-*")
    second = await web.visitor.follow(first, "More")
    seen = [f"app-{n:03}" for n in range(60) if f"app-{n:03}" in first.text]
    rest = [f"app-{n:03}" for n in range(60) if f"app-{n:03}" in second.text]
    assert (len(seen), len(rest)) == (50, 10)
    assert not set(seen) & set(rest)
    assert (await web.visitor.follow(second, "Back")).text.count("app-000") == 1


async def test_a_rotation_is_made_of_an_app(web: WebHouse) -> None:
    """The wizard begins with its connection, and shows the app as the chosen one."""
    await read_inventory(web, "pay-ledger")
    page = await web.visitor.open(LIST, selector="label=pay-ledger")
    wizard = await web.visitor.follow(page, "Make a rotation")
    assert "my-okta" in wizard.text
    step = await web.visitor.press(wizard, "Next")
    assert "pay-ledger" in step.text
    assert step.value("search") == "pay-ledger"
    assert "step 4 of 6" in (await web.visitor.press(step, "Next")).title


async def test_an_inventory_is_read_again_and_forgotten(web: WebHouse) -> None:
    """One that is forgotten is kept no longer, and Okta is left as it is."""
    await read_inventory(web, "pay-ledger")
    page = await web.visitor.open(LIST)
    apps = re.search(r'data-label="Apps">(\d+)', page.html)
    again = await web.visitor.press(await web.visitor.open(READ), "Read it", whole="on")
    assert "Listing the apps" in again.text
    assert apps
    assert apps[0] in again.html  # as many as are known, not as were listed so far
    forget = await web.visitor.follow(page, "Forget")
    assert "Nothing at Okta changes" in forget.text
    gone = await web.visitor.press(forget, "Forget it")
    assert "Nobody has asked for an inventory yet" in gone.text
    assert (await web.visitor.open(forget.path)).status == 404


async def test_another_connection_to_the_same_org_is_told(web: WebHouse) -> None:
    """It is read by the older one: asked for by itself, it is refused at the form."""
    await web.house.connect()
    web.house.clock.advance(60)
    body = web.house.connection(name="second")
    await web.house.http.post("/api/v1/app-connections/okta", json=body)
    await web.visitor.press(await web.visitor.open(READ), "Read it")
    listed = await web.visitor.open(LIST)
    assert "Read by my-okta" in listed.text
    asked = await web.visitor.open(READ)
    refused = await web.visitor.press(asked, "Read it", connection="second")
    assert refused.status == 400
    assert "is read by connection my-okta" in refused.text


async def test_owners_are_said_by_lines(web: WebHouse) -> None:
    """They count at once; a line that is none is told of, and nothing is changed."""
    await read_inventory(web, "pay-ledger")
    page = await web.visitor.follow(await web.visitor.open(LIST), "Owners")
    saved = await web.visitor.press(page, "Save", rules='pay-*,"Team, A"\n\nshop-*,Shop\n')
    assert "it counts from now on" in saved.text
    assert saved.value("rules") == 'pay-*,"Team, A"\nshop-*,Shop\n'
    assert "Team, A" in (await web.visitor.open(LIST, selector='owner="Team, A"')).text
    wrong = await web.visitor.press(saved, "Save", rules="pay-*\n")
    assert wrong.status == 422
    assert "rule 1 must be a pattern, a comma and an owner" in wrong.text
    assert wrong.value("rules") == "pay-*\n"
    assert (await web.visitor.open(OWNERS)).value("rules") == saved.value("rules")


async def test_a_reading_is_followed_without_being_loaded(web: WebHouse) -> None:
    """Each step of it is sent; that somebody looks on is on record once."""
    await read_inventory(web)
    page = await web.visitor.open(LIST)
    assert 'sse-connect="/inventory/live"' in page.html
    before = len(await entries(web))
    async with following(web, "/inventory/live") as followed:
        assert "Known" in (await followed.part() or "")
        await begin_inventory(web.world, await admin(web), whole=True)
        assert "Listing the apps" in (await followed.part() or "")
        await keep(web)
        while "Known" not in (part := await followed.part() or ""):
            assert part
    verbs = [each.attempt.verb for each in (await entries(web))[before:]]
    assert verbs.count("inventory:read") == 1


async def test_what_apps_are_called_is_text(web: WebHouse) -> None:
    """In every list and every form."""
    await read_inventory(web, HOSTILE)
    await web.visitor.press(await web.visitor.open(OWNERS), "Save", rules=f"*,{HOSTILE[:25]}")
    for path in (LIST, f"{LIST}?selector={HOSTILE}", OWNERS):
        assert "<script>alert(1)" not in (await web.visitor.open(path)).html


async def test_no_value_is_on_the_page(web: WebHouse) -> None:
    """Nor is the hash of one."""
    await read_inventory(web, "pay-ledger")
    page = await web.visitor.open(LIST)
    assert await web.house.served() not in page.html


async def test_a_viewer_reads_and_starts_nothing(web: WebHouse) -> None:
    """No button leads to what would be refused."""
    await read_inventory(web, "pay-ledger")
    await make_person(web.house, "grace@example.com", role="viewer")
    viewer = visitor_of(web.world)
    await viewer.log_in("grace@example.com")
    page = await viewer.open(LIST)
    assert "pay-ledger" in page.text
    assert not {"Read", "Forget", "Make a rotation"} & {told for _, told in page.links}
    assert (await viewer.open(READ)).status == 403
    owners = await viewer.open(OWNERS)
    assert owners.status == 200
    assert not [form for form in owners.forms if form.action == OWNERS]
