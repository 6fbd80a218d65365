"""SIGKILL at random moments, on both databases, while secrets turn and consumers log in."""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from keyturn.cli.rehearsal.kill_stage import KillPlan
from keyturn.cli.rehearsal.kills import KillReport, kill_at_random
from keyturn.cli.rehearsal.nursery import kill
from keyturn.domain.sensitive import Sensitive

pytestmark = pytest.mark.slow

BROKEN = str(Path(__file__).with_name("broken_nursery.py"))


async def rehearsed(plan: KillPlan) -> KillReport:
    """Rehearse for as long as `make soak` says, and print the report (pytest -rP)."""
    minutes = float(os.environ.get("KEYTURN_KILL_MINUTES", "0"))
    if minutes:
        plan = replace(plan, minutes=minutes, seed=int(time.time()))
    report = await kill_at_random(plan, lambda struck, tally: None)
    print(json.dumps(report.as_json(), indent=2))  # noqa: T201
    return report


def assert_whole(report: KillReport, plan: KillPlan) -> None:
    """Nobody was refused, nothing is wrong, and turns were struck and came to their end."""
    assert (report.failed, report.failures, report.wrongs) == (0, {}, [])
    assert report.kills >= plan.kills
    assert report.turns["finished"] >= plan.apps
    assert sum(report.held_when_killed.values()) >= plan.kills / 2
    assert report.requests > plan.kills


async def test_no_kill_of_the_server_on_sqlite_is_noticed() -> None:
    """A server that dies a hundred times is started again, and no request of a consumer fails."""
    plan = KillPlan(kills=100)
    assert_whole(await rehearsed(plan), plan)


async def test_no_kill_of_a_process_on_postgresql_is_noticed(database: Sensitive) -> None:
    """A server and workers die a hundred times, two at once too, and no request fails."""
    plan = KillPlan(kills=100, database=database)
    report = await rehearsed(plan)
    assert_whole(report, plan)
    assert report.two_at_once


@pytest.mark.parametrize(
    ("product", "told"),
    [
        ("serves before Okta accepts", " failed"),
        ("sends what it has not stored", "no turn knows"),
    ],
)
async def test_the_judge_sees_what_is_broken(product: str, told: str) -> None:
    """A product with one guard less is found out by a few turns."""
    plan = KillPlan(kills=4, apps=3, propagation_s=5, nursery=(BROKEN, product))
    report = await kill_at_random(plan, lambda struck, tally: None)
    found = [*report.wrongs, *(f"{kind} failed" for kind in report.failures)]
    assert any(told in each for each in found), found


def test_who_died_before_the_kill_is_told_apart() -> None:
    """A process that had ended by itself is not taken for one that was killed."""
    ended = subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"])
    os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
    living = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert kill([ended.pid, living.pid]) == (3, -9)
    for process in (ended, living):
        process.communicate()
