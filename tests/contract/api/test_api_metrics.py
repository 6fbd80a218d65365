"""Metrics over HTTP: who may read them, what they cost, and what each tells of a house."""

import platform
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import httpx2
import pytest
from alerts_kit import AwayStore
from api_kit import ORG_URL, ROTATIONS, House, problem
from identity_kit import bearer, newcomer
from metrics_kit import Samples, parsed, scraped, value
from storage_kit import (
    CHANNEL,
    COMPLIANCE_REPORT,
    DISPATCH,
    LEAK,
    NOTICE,
    REPORT_SCHEDULE,
    ROLLOUT,
)

from keyturn.api.app import build_api
from keyturn.domain.connection import OktaConnection
from keyturn.domain.ids import ReportId
from keyturn.domain.inventory import Inventory, Stage
from keyturn.domain.leaks import State as Reported
from keyturn.domain.rollout import Kind, State
from keyturn.services.backups import backed_up
from keyturn.services.duties import Doing
from keyturn.services.ports import Record
from keyturn.testing import ManualClock, MemoryStore

FRESH_S = 6


async def test_a_token_that_may_reads_them(house: House) -> None:
    """The administrator reads all metrics as text that Prometheus's own parser takes."""
    answer = await house.http.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert value(parsed(answer.text), "keyturn_store_up") == 1


async def test_nobody_reads_them_without_a_token(house: House) -> None:
    """The door that everybody reaches shows nothing to strangers."""
    assert problem(await house.http.get("/metrics", headers={"authorization": ""}))[0] == 401


@pytest.mark.parametrize(("role", "status"), [("auditor", 200), ("viewer", 403), ("admin", 200)])
async def test_a_role_decides(house: House, role: str, status: int) -> None:
    """Who holds metrics:read everywhere reads them; one project's role does not do."""
    _, token = await newcomer(house, (role, None))
    answer = await house.http.get("/metrics", headers=bearer(token))
    assert answer.status_code == status
    _, token = await newcomer(house, (role, house.installed.project.id))
    answer = await house.http.get("/metrics", headers=bearer(token))
    assert problem(answer) == (403, "PermissionDenied")


async def test_a_scraper_is_on_record_once_an_hour(house: House) -> None:
    """Somebody who asks every few seconds does not fill the audit log."""
    for _ in range(5):
        await house.http.get("/metrics")
        house.clock.advance(15)
    assert await told(house) == 1
    house.clock.advance(3600)
    await house.http.get("/metrics")
    assert await told(house) == 2


async def told(house: House) -> int:
    """Count the audit entries of reading metrics."""
    async with house.world.store.reading() as tx:
        every = await tx.list_audit(limit=10_000)
    return sum(entry.attempt.verb == "metrics:read" for entry in every)


class CountingStore(MemoryStore):
    """A store that counts its looks."""

    looks = 0

    def reading(self):  # type: ignore[no-untyped-def]  # noqa: ANN201  what the store returns
        """Open a snapshot."""
        self.looks += 1
        return super().reading()


async def test_the_store_is_looked_at_once_in_a_while(house: House) -> None:
    """However many scrapers come, the store is asked once in five seconds."""
    store = CountingStore()
    world = replace(house.world, store=store)
    for _ in range(10):
        await scraped(world)
    assert store.looks == 1
    house.clock.advance(FRESH_S)
    await scraped(world)
    assert store.looks == 2


async def test_a_store_that_is_away_is_told_of(house: House) -> None:
    """What the process knows of itself is told without a database; nothing is made up."""
    samples = await scraped(replace(house.world, store=AwayStore()))
    assert value(samples, "keyturn_store_up") == 0
    assert not [name for name, _ in samples if name == "keyturn_rotations"]
    assert value(samples, "process_resident_memory_bytes") > 0


# --- each metric, by what changes it --------------------------------------------------------------

Acts = Callable[[House], Awaitable[object]]


@dataclass(frozen=True)
class Change:
    """What somebody does, and which sample it takes from what to what."""

    does: Acts
    sample: str
    before: float | None
    after: float
    labels: tuple[tuple[str, str], ...] = ()


async def order(house: House) -> str:
    """Create a connection and a rotation."""
    return str((await house.rotate_by_order())["id"])


async def turn(house: House) -> str:
    """Create a rotation and turn it."""
    rotation = await order(house)
    await house.http.post(f"{ROTATIONS}/{rotation}/rotate-secrets")
    return rotation


async def pause(house: House) -> None:
    """Turn, and pause the turn."""
    rotation = await turn(house)
    paused = await house.http.post(f"{ROTATIONS}/{rotation}/turn/pause")
    assert paused.status_code == 200


async def wait(house: House) -> None:
    """Turn, and let a minute of the overlap pass."""
    await turn(house)
    house.clock.advance(60)


async def stray(house: House) -> None:
    """Ask for what is not there."""
    await house.http.get("/api/v1/nowhere")


async def tempt(house: House) -> None:
    """Name a connection after something that nobody may read in a metric."""
    await house.http.post("/api/v1/app-connections/okta", json=house.connection(name="canary-name"))


async def add(house: House, *records: Record) -> None:
    """Add records of the organization there is."""
    home = house.installed.organization.id
    async with house.world.store.writing() as tx:
        for one in records:
            ours = replace(one, organization_id=home) if hasattr(one, "organization_id") else one
            await tx.add(ours)


async def follow(house: House) -> None:
    """Keep an inventory, and let a minute pass without a word of Okta's log."""
    await order(house)
    now = house.clock.now()
    async with house.world.store.reading() as tx:
        [org] = await tx.list(OktaConnection)
    await add(house, Inventory(org.id, Stage.FOLLOWING, now, log_read_at=now))
    house.clock.advance(60)


async def fail_to_tell(house: House) -> None:
    """Have a notice that did not arrive at the first try."""
    told = replace(NOTICE, project_id=None)
    await add(house, told, CHANNEL, replace(DISPATCH, due_at=house.clock.now(), attempts=1))


async def pass_by(house: House) -> None:
    """Let a minute pass without a backup."""
    house.clock.advance(60)


async def back_up(house: House) -> None:
    """Back up after a day, and let a minute pass."""
    house.clock.advance(86_400)
    await house.world.store.append_audit(backed_up(house.clock.now(), "x.ktb"))
    house.clock.advance(60)


async def halt(house: House) -> None:
    """Let a rollout stand still."""
    await add(house, replace(ROLLOUT, kind=Kind.WAVES, state=State.HALTED))


async def leak(house: House) -> None:
    """Have a secret reported."""
    await add(house, replace(LEAK, state=Reported.OPEN, ended_at=None))


async def report(house: House) -> None:
    """Report compliance twice, and let a minute pass."""
    now = house.clock.now()
    last = replace(COMPLIANCE_REPORT, made_at=now, breaches=("too-old=2", "unused=1"))
    first = replace(last, id=ReportId("first"), breaches=("too-old=9",))
    await add(house, REPORT_SCHEDULE, first, last)
    house.clock.advance(60)


OVERLAPPING = (("phase", "overlapping"),)
APPS = (("org", ORG_URL), ("bucket", "api/v1/apps"))
CHANGES = (
    Change(order, "keyturn_rotations", 0, 1),
    Change(order, "keyturn_okta_connections", 0, 1),
    Change(order, "keyturn_next_turn_timestamp_seconds", None, 1775001600),
    Change(turn, "keyturn_turns_open", 0, 1, OVERLAPPING),
    Change(pause, "keyturn_turns_paused", 0, 1),
    Change(wait, "keyturn_overlap_age_seconds", 0, 66),
    Change(order, "keyturn_okta_budget_limit", None, 50, APPS),
    Change(stray, "keyturn_http_requests_total", 0, 1, (("status", "4xx"),)),
    Change(follow, "keyturn_inventory_age_seconds", None, 66),
    Change(fail_to_tell, "keyturn_notices_undelivered", 0, 1),
    Change(pass_by, "keyturn_backup_age_seconds", 0, 66),
    Change(back_up, "keyturn_backup_age_seconds", 0, 66),
    Change(order, "keyturn_okta_budget_spare", None, 46, APPS),
    Change(halt, "keyturn_rollouts", 0, 1, (("state", "halted"),)),
    Change(leak, "keyturn_leak_reports", 0, 1, (("state", "open"),)),
    Change(leak, "keyturn_leak_reports_unattended", 0, 1),
    Change(report, "keyturn_compliance_breaches", None, 2, (("kind", "too_old"),)),
    Change(report, "keyturn_compliance_evidence_age_seconds", None, 66),
)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.sample)
async def test_a_metric_follows_what_is_done_over_http(house: House, change: Change) -> None:
    """What somebody does by the API is seen at the next scrape."""
    of = (change.sample, frozenset(change.labels))
    before = await scraped(house.world)
    assert before.get(of) == change.before
    await change.does(house)
    house.clock.advance(FRESH_S)
    assert (await scraped(house.world))[of] == change.after


async def test_whatever_a_worker_does_is_counted_from_nothing(house: House) -> None:
    """A counter that is absent until its first error alerts nobody of that."""
    name = "keyturn_worker_failures_total"
    now = await scraped(house.world)
    found = {dict(labels)["doing"]: seen for (of, labels), seen in now.items() if of == name}
    assert found == dict.fromkeys(Doing, 0)


class SlowStore(MemoryStore):
    """A store that takes two seconds for each look, by the clock of the house."""

    clock: ManualClock

    def reading(self):  # type: ignore[no-untyped-def]  # noqa: ANN201  what the store returns
        """Open a snapshot."""
        self.clock.advance(2)
        return super().reading()


async def test_the_time_that_requests_take_is_added_up(house: House) -> None:
    """Two requests of two seconds are four."""
    slow = SlowStore()
    slow.clock = house.clock
    way = httpx2.ASGITransport(build_api(replace(house.world, store=slow), version="0"))
    before = value(await scraped(house.world), "keyturn_http_request_seconds_total")
    async with httpx2.AsyncClient(transport=way, base_url=ORG_URL) as http:
        for _ in range(2):
            await http.get("/api/v1/workspace", headers=bearer("nobody's"))
    house.clock.advance(FRESH_S)
    now = value(await scraped(house.world), "keyturn_http_request_seconds_total")
    assert now - before == 4


async def test_which_keyturn_runs_is_told(house: House) -> None:
    """Its version and Python's are labels of one sample that is always 1."""
    about = {"version": "1.2.3", "python": platform.python_version()}
    assert value(await scraped(house.world), "keyturn_build_info", **about) == 1


async def test_calls_to_okta_are_counted_by_what_came_of_them(house: House) -> None:
    """A turn is some calls that were served; each is counted once."""
    before = await scraped(house.world)
    await turn(house)
    now = await scraped(house.world)
    served = _gone_up(before, now, outcome="served")
    assert served > 5
    assert _gone_up(before, now, outcome="throttled") == 0


def _gone_up(before: Samples, now: Samples, **labels: str) -> float:
    name = "keyturn_okta_calls_total"
    return value(now, name, **labels) - value(before, name, **labels)


async def test_no_metric_names_what_people_named(house: House) -> None:
    """Neither names of apps, connections and secrets nor values stand in a label."""
    await tempt(house)
    await turn(house)
    text = (await house.http.get("/metrics")).text
    served = await house.served()
    for hidden in ("canary-name", "OKTA_CLIENT", house.app_id, served, "my-okta-rotation"):
        assert hidden not in text


async def test_every_metric_says_what_it_is(house: House) -> None:
    """Help and type stand before each metric, and all of ours begin alike."""
    text = (await house.http.get("/metrics")).text
    helped = set(re.findall(r"^# HELP (\w+) \S", text, flags=re.MULTILINE))
    typed = set(re.findall(r"^# TYPE (\w+) ", text, flags=re.MULTILINE))
    named = {name for name, _ in parsed(text)}
    assert named <= helped == typed
    assert {name for name in named if not name.startswith(("keyturn_", "process_"))} == set()
