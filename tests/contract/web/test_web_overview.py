"""The overview: what it shows is how things stand."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from types import SimpleNamespace

import pytest
from api_kit import ROTATIONS
from rotation_pages_kit import Followed, another, ask, entries, following, live, rotation, somebody
from web_kit import WebHouse, make_person, visitor_of

from keyturn.domain.errors import Forbidden
from keyturn.domain.ids import LeakId, SecretHash
from keyturn.domain.leaks import LeakReport, Source, State, Which
from keyturn.domain.sensitive import Sensitive
from keyturn.services.fleet import FRESH_S, PAUSE_S, FleetSights, watch_fleet
from keyturn.services.leaks import LeakDraft, report_leaks
from keyturn.services.logins import authenticate
from keyturn.services.ports import Store

LIVE = "/overview/live"


async def test_an_empty_installation_leads_to_the_first_rotation(web: WebHouse) -> None:
    """And to nothing else."""
    page = await web.visitor.open("/")
    assert "No client secret is under a rotation yet" in page.text
    wizard = await web.visitor.follow(page, "Make the first rotation")
    assert wizard.path.startswith("/rotations/new")


async def test_a_rotation_is_counted_and_its_next_turn_told(web: WebHouse) -> None:
    """Its age is drawn, and told as a table as well."""
    made = await web.house.rotate_by_order()
    page = await web.visitor.open("/")
    assert "Nothing needs anybody" in page.text
    assert f"/rotations/{made['id']}" in [href for href, _ in page.links]
    assert "<svg" in page.html
    assert "The same as a table" in page.text


async def test_of_a_turn_under_way_it_is_told_what_it_waits_for(web: WebHouse) -> None:
    """Until when both secrets work, and then until when the old one rests."""
    rotation_id = await rotation(web)
    await ask(web, rotation_id, "turn", {"wait": False})
    assert "Keyturn looks at what the app has at Okta" in (await web.visitor.open("/")).text
    await live(web, 0)
    page = await web.visitor.open("/")
    assert "What it waits for" in page.text
    assert "Both work until 1 Mar 2026, 12:05 UTC" in page.text
    await live(web, 301)
    page = await web.visitor.open("/")
    assert "The old one rests, and can be reinstated, until 1 Mar 2026, 12:10 UTC" in page.text


async def test_what_needs_somebody_comes_first_and_leads_there(web: WebHouse) -> None:
    """A second secret that nobody here made blocks the turn: its owner must choose."""
    made = await web.house.rotate_by_order()
    web.house.org.create_secret(web.house.app_id)
    path = f"/api/v2/secret-rotations/okta-client-secret/{made['id']}/rotate-secrets"
    await web.house.http.post(path)
    page = await web.visitor.open("/")
    assert "Needs somebody" in page.text
    assert "neither made nor adopted" in page.text
    assert f"/rotations/{made['id']}" in [href for href, _ in page.links]


async def test_a_secret_that_has_leaked_presses_and_leads_to_its_report(web: WebHouse) -> None:
    """It works still, so nothing is said to need nobody."""
    await web.house.rotate_by_order()
    value = Sensitive(await web.house.served())
    caller = await authenticate(web.world, web.house.installed.admin_token)
    received = await report_leaks(web.world, caller, [LeakDraft(value=value)])
    assert received.reports
    [one] = received.reports
    page = await web.visitor.open("/")
    assert (f"/leaks/{one.id}", f"Leak of {one.app}") in page.links
    assert "Urgent" in page.text
    assert "is reported as leaked: close the app" in page.text
    assert "Nothing needs anybody" not in page.text


async def test_what_needs_somebody_is_told_before_the_first_rotation(web: WebHouse) -> None:
    """A secret of an app that no rotation keeps may leak as well."""
    home = web.house.installed.organization.id
    leak = LeakReport(
        LeakId("l"), home, web.house.clock.now(), Source.GITHUB, "GitHub", SecretHash("h"), "", "",
        State.OPEN, Which.FOREIGN, "Checkout",
    )  # fmt: skip
    async with web.world.store.writing() as tx:
        await tx.add(leak)
    page = await web.visitor.open("/")
    assert ("/leaks/l", "Leak of Checkout") in page.links
    assert "replace it in Okta's Admin Console" in page.text
    assert "Make the first rotation" in page.text


async def test_who_holds_no_role_is_told_who_they_are_and_whom_to_ask(web: WebHouse) -> None:
    """They land there from the log-in and from everywhere, and the menu offers nothing else."""
    await make_person(web.house, "nobody@example.com", role="")
    visitor = visitor_of(web.world)
    page = await visitor.log_in("nobody@example.com")
    for shown in (page, await visitor.open("/"), await visitor.open("/access")):
        assert (shown.status, shown.path) == (200, "/access/you")
        assert "Welcome, nobody@example.com" in shown.text
        assert "nobody has given you a role yet" in shown.text
        assert "Ask whoever administers Keyturn" in shown.text
    assert "/rotations" not in dict(page.links)


async def test_the_tile_of_blocked_rotations_is_called_by_what_it_counts(web: WebHouse) -> None:
    """What needs somebody is more than that, and is counted nowhere by its number."""
    made = await web.house.rotate_by_order()
    web.house.org.create_secret(web.house.app_id)
    await web.house.http.post(f"{ROTATIONS}/{made['id']}/rotate-secrets")
    page = await web.visitor.open("/")
    (tile,) = [text for href, text in page.links if href == "/rotations?state=blocked"]
    assert tile == "Blocked"


async def test_the_way_out_is_a_link_for_who_may_go_it(web: WebHouse) -> None:
    """No command is told on a page; who may not turn anything is told what would be done."""
    made = await web.house.rotate_by_order()
    web.house.org.create_secret(web.house.app_id)
    await web.house.http.post(f"{ROTATIONS}/{made['id']}/rotate-secrets")
    page = await web.visitor.open("/")
    assert (f"/rotations/{made['id']}", "Resume") in page.links
    retire = await web.visitor.follow(page, "Retire")
    assert "Consent to retire it" in {each.text for form in retire.forms for each in form.buttons}
    assert "keyturn turn" not in page.html
    seen = await (await somebody(web, "viewer")).open("/")
    assert "Resume" in seen.text
    assert not {"Resume", "Retire"} & {text for _, text in seen.links}
    assert "keyturn turn" not in seen.html


async def test_whether_access_to_okta_works_is_told_of_each_connection(web: WebHouse) -> None:
    """By the last time that it was asked, with the way to the connection's own page."""
    made = await web.house.rotate_by_order()
    at = f"/connections/okta/{made['connectionId']}"
    page = await web.visitor.open("/")
    assert (at, "my-okta") in page.links
    assert "Works Last accepted 1 Mar 2026, 12:00 UTC" in page.text
    web.house.org.api_tokens.clear()
    await web.visitor.press(await web.visitor.open(at), "Compare now")
    await live(web, 3600)
    broken = await web.visitor.open("/")
    assert "Fails" in broken.text
    assert "Works Last accepted" not in broken.text
    told = (await web.house.http.get("/api/v1/fleet")).json()["access"]
    assert [(each["name"], each["state"]) for each in told] == [("my-okta", "failing")]
    await web.house.http.post(f"{ROTATIONS}/{made['id']}/rotate-secrets")
    refused = await web.visitor.open("/")
    assert "Refused Okta refuses Keyturn's own access" in refused.text


def tiles(part: str | None) -> dict[str, str]:
    """Return what the tiles of an overview count."""
    found = re.findall(r'stat-label">(.*?)</.*?stat-value">(.*?)</', part or "", re.DOTALL)
    return {re.sub("<[^>]*>", "", name).strip(): count.strip() for name, count in found}


async def next_part(web: WebHouse, page: Followed, seconds: float = PAUSE_S) -> str:
    """Let time pass and return what is sent then."""
    web.house.clock.advance(seconds)
    part = await page.part()
    assert part
    return part


async def test_a_pause_reaches_an_open_overview_tiles_and_all(web: WebHouse) -> None:
    """Well within a second, by what the page follows; every figure is in that part."""
    rotation_id = await rotation(web)
    await ask(web, rotation_id, "turn", {"wait": False})
    assert f'sse-connect="{LIVE}"' in (await web.visitor.open("/")).html
    async with following(web, LIVE) as page:
        first = await page.part()
        assert first
        assert tiles(first) == {"Client secrets under rotation": "1", "Turning": "1"}
        for told in ("Ages against policy", "Due next", "Okta access", "rate budget"):
            assert told in first
        await ask(web, rotation_id, "turn/pause")
        paused = tiles(await next_part(web, page))
        assert paused == {"Client secrets under rotation": "1", "Paused": "1"}


async def test_the_first_rotation_comes_to_an_empty_overview(web: WebHouse) -> None:
    """What leads to the first one gives way to the figures, and the one after that counts."""
    async with following(web, LIVE) as page:
        assert "Make the first rotation" in str(await page.part())
        made = await web.house.rotate_by_order()
        assert "Make the first rotation" not in await next_part(web, page)
        await another(web, made["connectionId"], "orders")
        assert tiles(await next_part(web, page))["Client secrets under rotation"] == "2"


async def test_looking_on_at_the_overview_is_on_record_once(web: WebHouse) -> None:
    """Not once a look; and it ends with the right to look."""
    rotation_id = await rotation(web)
    await ask(web, rotation_id, "turn", {"wait": False})
    before = len(await entries(web))
    async with following(web, LIVE) as page:
        await page.part()
        for what in ("turn/pause", "turn/resume", "turn/pause"):
            await ask(web, rotation_id, what)
            await next_part(web, page)
    subjects = [each.attempt.subject for each in (await entries(web))[before:]]
    assert subjects.count("fleet (watch)") == 1
    assert "fleet" not in subjects


async def test_a_fleet_is_read_anew_only_once_it_has_moved(web: WebHouse) -> None:
    """Else every few seconds; whoever may see the same is shown the same."""
    rotation_id, sights = await rotation(web), FleetSights()
    caller = await authenticate(web.world, web.house.installed.admin_token)
    watch = await watch_fleet(web.world, caller, None, sights)
    first = await watch.look(caller)
    web.house.clock.advance(FRESH_S - PAUSE_S)
    assert await watch.look(caller) is first
    web.house.clock.advance(PAUSE_S)
    second = await watch.look(caller)
    assert second is not first
    await ask(web, rotation_id, "turn", {"wait": False})
    web.house.clock.advance(PAUSE_S)
    other = await watch_fleet(web.world, caller, None, sights)
    third = await other.look(caller)
    assert third is not second
    assert await watch.look(caller) is third


class Counts:
    """A store of which nothing but its two counts can be read."""

    def __init__(self, store: Store) -> None:
        self.store = store

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[object]:
        """Open a snapshot, and keep its records to itself."""
        async with self.store.reading() as tx:
            yield SimpleNamespace(revision=tx.revision, standing=tx.standing)


async def test_a_look_at_nothing_new_reads_no_rotation(web: WebHouse) -> None:
    """However large the fleet is, two counts tell that nothing has moved."""
    await rotation(web)
    caller, sights = await authenticate(web.world, web.house.installed.admin_token), FleetSights()
    first = await sights.look(web.world, caller, None)
    web.house.clock.advance(PAUSE_S)
    counted = replace(web.world, store=Counts(web.world.store))  # type: ignore[arg-type]
    assert await sights.look(counted, caller, None) is first


class SlowStore:
    """A store whose looks take a tenth of a second each."""

    def __init__(self, web: WebHouse) -> None:
        self.web = web

    def __getattr__(self, name: str) -> object:
        """Leave it to the store, after a while where it is looked at."""
        if name == "reading":
            self.web.house.clock.advance(0.1)
        return getattr(self.web.world.store, name)


async def test_a_large_fleet_is_looked_at_less_often(web: WebHouse) -> None:
    """Looks take a tenth of the time at most, however long one of them takes."""
    rotation_id, sights = await rotation(web), FleetSights()
    caller = await authenticate(web.world, web.house.installed.admin_token)
    slow = replace(web.world, store=SlowStore(web))  # type: ignore[arg-type]
    first = await sights.look(slow, caller, None)
    await ask(web, rotation_id, "turn", {"wait": False})
    assert await sights.look(web.world, caller, None) is first
    web.house.clock.advance(1)
    assert await sights.look(web.world, caller, None) is not first


async def test_looking_on_ends_with_the_right_to_look(web: WebHouse) -> None:
    """What others were shown is not shown to who may not see it, by now or at all."""
    await rotation(web)
    caller, sights = await authenticate(web.world, web.house.installed.admin_token), FleetSights()
    assert (await sights.look(web.world, caller, "example")).rotations
    for project in (None, "example"):
        watch = await watch_fleet(web.world, caller, project, sights)
        with pytest.raises(Forbidden):
            await watch.look(replace(caller, holdings=()))


async def test_an_overview_of_one_project_follows_that_alone(web: WebHouse) -> None:
    """The part that comes is of the project that the page was asked for."""
    await rotation(web)
    of = f"{LIVE}?project=example"
    page = await web.visitor.open("/", project="example")
    assert f'sse-connect="{of}"' in page.html
    async with following(web, of) as followed:
        assert tiles(await followed.part())["Client secrets under rotation"] == "1"
