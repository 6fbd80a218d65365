"""Every alert fires once what it warns of is so, and not before."""

import asyncio
import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from alerts_kit import (
    FIRING,
    AwayStore,
    block,
    call,
    find,
    keyturn_compliance_evidence_old,
    keyturn_inventory_failing,
    keyturn_leak_unattended,
    put,
    report_compliance,
)
from api_kit import House
from metrics_kit import ROOT, parsed, rules, scraped, value
from okta_kit import reply
from storage_kit import ROLLOUT

from keyturn.adapters.runner import EmbeddedRunner
from keyturn.api.exposition import expose
from keyturn.domain.attention import READERS_REFUSED
from keyturn.domain.budget import PART_CALLS, Ask, Purpose, Room, Shares, Verdict, Window, decide
from keyturn.domain.drift import Kind
from keyturn.domain.rollout import Kind as Sort
from keyturn.domain.rollout import State
from keyturn.domain.turn import Reason
from keyturn.services.metrics import observe
from keyturn.services.ports import Observed, World

DASHBOARD = ROOT / "deploy" / "grafana" / "keyturn.json"
RULES = rules()

OUTSIDE = {"KeyturnDown": "up", "KeyturnMemory": "process_resident_memory_bytes"}
"""What Prometheus tells itself, and what no test wants to make true."""
UNSHOWN = {"keyturn_okta_connections"}
"""Metrics that nobody needs to see as they go."""


@pytest.mark.parametrize("name", FIRING)
async def test_an_alert_fires_once_what_it_warns_of_is_so(house: House, name: str) -> None:
    """Nothing fires in a new house; this alert does once its condition is true."""
    rule, before = RULES[name], await scraped(house.world)
    fires = {one.name for one in RULES.values() if one.fires({}, before)}
    assert fires <= {*OUTSIDE}  # the process of the tests holds more than a server
    world = await FIRING[name](house)
    house.clock.advance(6)
    now = await scraped(world or house.world)
    assert rule.fires(before, now), {of: seen for of, seen in now.items() if of[0] == rule.metric}


@pytest.mark.parametrize("reason", sorted(READERS_REFUSED))
async def test_whatever_has_readers_refused_wakes_somebody(house: House, reason: Reason) -> None:
    """What the fleet calls urgent for a blocked turn is paged."""
    await block(house, reason)
    house.clock.advance(6)
    assert RULES["KeyturnServedSecretRefused"].fires({}, await scraped(house.world))


async def test_a_leak_that_somebody_closes_wakes_nobody(house: House) -> None:
    """From when on an emergency closes it; its own alerts tell of that."""
    await keyturn_leak_unattended(house)
    [one] = (await house.http.get("/api/v1/leaks")).json()["leaks"]
    await house.http.post(f"/api/v1/leaks/{one['id']}/emergency", json={"reason": "leaked"})
    house.clock.advance(6)
    now = await scraped(house.world)
    assert value(now, "keyturn_leak_reports", state="open") == 1
    assert not RULES["KeyturnLeakUnattended"].fires({}, now)


async def test_a_report_of_the_last_midnight_is_new_enough(house: House) -> None:
    """One a day is what is promised: until the next one is due nobody is told."""
    await report_compliance(house)
    house.clock.advance(timedelta(days=1).total_seconds())
    assert not RULES["KeyturnComplianceEvidenceOld"].fires({}, await scraped(house.world))


async def test_a_rollout_that_waits_for_its_approval_is_not_halted(house: House) -> None:
    """Somebody wanted it to wait."""
    await put(house, replace(ROLLOUT, kind=Sort.WAVES, state=State.AWAITING))
    now = await scraped(house.world)
    assert value(now, "keyturn_rollouts", state="awaiting") == 1
    assert not RULES["KeyturnRolloutHalted"].fires({}, now)


async def test_an_app_that_was_deactivated_wakes_nobody(house: House) -> None:
    """Whoever deactivates an app means it, and it may be one for tests: it is told of as drift."""
    await find(house, Kind.APP_DEACTIVATED)
    house.clock.advance(6)
    now = await scraped(house.world)
    assert RULES["KeyturnDrift"].fires({}, now)
    assert not RULES["KeyturnServedSecretChanged"].fires({}, now)


async def test_a_runner_that_looks_no_more_is_told_of(house: House) -> None:
    """A runner that has not found its database for minutes fires; one that goes on does not."""
    rule, vitals = RULES["KeyturnRunnerSilent"], house.world.vitals
    async with EmbeddedRunner(house.world, tick_s=3600, concurrency=1):
        while vitals.found_at_s is None:
            await asyncio.sleep(0)
        assert not rule.fires({}, await scraped(house.world))
        house.clock.advance(120)
        assert rule.fires({}, await scraped(house.world))
    house.clock.advance(6)
    assert not rule.fires({}, await scraped(house.world))


async def test_a_runner_that_never_found_its_database_is_told_of(house: House) -> None:
    """It is counted from when it began; that its database is away is no failure of its own."""
    world = replace(house.world, store=AwayStore())
    async with EmbeddedRunner(world, tick_s=0.001, concurrency=1):
        before = await scraped(world)
        house.clock.advance(120)
        await asyncio.sleep(0.05)
        now = await scraped(world)
    assert not RULES["KeyturnRunnerSilent"].fires({}, before)
    assert RULES["KeyturnRunnerSilent"].fires(before, now)
    assert RULES["KeyturnDatabaseAway"].fires(before, now)
    assert not RULES["KeyturnWorkerFailures"].fires({}, now)


async def test_an_installation_that_was_never_backed_up_is_told_of(house: House) -> None:
    """Two days after it was set up, as if it had been backed up then."""
    rule = RULES["KeyturnBackupOld"]
    house.clock.advance(timedelta(days=1).total_seconds())
    assert not rule.fires({}, await scraped(house.world))
    house.clock.advance(timedelta(days=2).total_seconds())
    assert rule.fires({}, await scraped(house.world))


@pytest.mark.parametrize("limit", [10, 50, 100, 600])
async def test_a_budget_is_low_where_turns_are_held_back(house: House, limit: int) -> None:
    """In a bucket of any size: exactly where no part of a turn may be called for any more."""
    rule, shares, now = RULES["KeyturnOktaBudgetLow"], Shares(), house.clock.now()
    for left in range(limit // 4 + 2):
        window = Window("https://x.example", "me", "api/v1/apps", limit, left, now)
        seen = parsed(expose(house.world, Observed(now, None, [window]), version="0").decode())
        held = decide(Room(limit, left), Ask(Purpose.FINISHING, PART_CALLS), shares)
        assert rule.fires({}, seen) is (held is Verdict.HOLD), (left, limit)


def test_every_alert_was_made_to_fire() -> None:
    """No alert is there that nobody has seen fire, but what is Prometheus's own to tell."""
    assert RULES.keys() == {*FIRING, *OUTSIDE, "KeyturnRunnerSilent"}
    assert {name: RULES[name].metric for name in OUTSIDE} == OUTSIDE


async def test_the_dashboard_shows_what_there_is(house: House) -> None:
    """What a panel asks for is a metric of a running server, and each of ours is asked for."""
    await call(house, 1, reply(200, [], x_rate_limit_limit="100"))
    await keyturn_inventory_failing(house)
    await keyturn_compliance_evidence_old(house)
    async with EmbeddedRunner(house.world, tick_s=3600, concurrency=1):
        while house.world.vitals.found_at_s is None:
            await asyncio.sleep(0)
        text = await _text_of(house.world)
    told = {family.removesuffix("_total") for family, _ in parsed(text)}
    told |= set(re.findall(r"^# TYPE (\w+?)(?:_total)? ", text, flags=re.MULTILINE))
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    asked = {
        name.removesuffix("_total")
        for panel in panels
        for target in panel.get("targets", [])
        for name in re.findall(r"\b(?:keyturn|process)_\w+", target["expr"])
    }
    assert asked - told == set()
    assert {name for name in told - asked if name.startswith("keyturn_")} == UNSHOWN


async def _text_of(world: World) -> str:
    return expose(world, await observe(world), version="0").decode()
