"""Whole worlds by their seeds: always the same ones, and each time some that nobody has seen."""

import json
import os
import random
import subprocess
import sys

import pytest
from click.testing import CliRunner

from keyturn.cli.main import cli
from keyturn.cli.simulation.kinds import PROPS
from keyturn.cli.simulation.many import simulate_many
from keyturn.cli.simulation.simulation import simulate

PRINT_DIGEST = """
from keyturn.cli.simulation.simulation import simulate
print(simulate(12, tracing=True).digest)
"""


def fresh_seeds(count: int) -> list[int]:
    """Choose seeds that are new each time; a failure names its own."""
    return [random.SystemRandom().randrange(10**6, 10**9) for _ in range(count)]


KNOWN = (1, 2, 4, 5)
"""Some worlds, the same ones each time.

What becomes of a seed changes as soon as the product waits once more or less, so that none stands
for what it found once: that has a test of its own.
"""


@pytest.mark.parametrize("seed", KNOWN)
def test_nothing_is_violated_in_a_known_world(seed: int) -> None:
    """The fixed seeds tell whether it is a change of the product that breaks something."""
    assert [str(each) for each in simulate(seed).violations] == []


@pytest.mark.parametrize("seed", fresh_seeds(2), ids=lambda seed: "fresh")
def test_nothing_is_violated_in_a_new_world(seed: int) -> None:
    """The fresh seeds find what is new; replay one by `keyturn simulate --seed N --trace`."""
    told = [str(each) for each in simulate(seed).violations]
    assert told == [], f"seed {seed}"


@pytest.mark.slow
def test_nothing_is_violated_in_many_worlds() -> None:
    """A hundred worlds, with turns and faults in plenty."""
    totals = simulate_many(range(1, 101), jobs=2)
    assert [f"seed {seed}: {each}" for seed, each in totals.violations] == []
    assert sum(totals.turns.values()) >= 1000
    assert len(totals.faults) >= 20


@pytest.mark.slow
def test_worlds_have_all_that_the_product_does() -> None:
    """Every kind is turned, first turns begin amid faults, drift is found, connections lapse."""
    events = simulate_many(range(101, 141), jobs=2).events
    of_connections = ("tokens given", "connections troubled", "connections lapsed")
    for what in (*(f"turns of {kind}" for kind in PROPS), "turns begun: first", *of_connections):
        assert events[what] > 0, what
    assert any(what.startswith("found: ") for what in events)


@pytest.mark.slow
def test_a_seed_replays_byte_for_byte() -> None:
    """The trace follows from the seed alone, also in another process with other hashes."""
    here = simulate(12, tracing=True).digest
    env = {**os.environ, "PYTHONHASHSEED": "1"}
    run = [sys.executable, "-c", PRINT_DIGEST]
    there = subprocess.run(run, env=env, capture_output=True, check=True, text=True)
    assert there.stdout.strip() == here
    assert simulate(29, tracing=True).digest != here


def test_command_tells_what_was_simulated() -> None:
    """Turns, ends, faults by kind, crash points, orders and violations, as one document."""
    result = CliRunner().invoke(cli, ["simulate", "--seeds", "12:13", "--json"])
    told = json.loads(result.output)
    assert result.exit_code == 0
    assert told["seeds"] == 2
    assert told["turns"] > 0
    assert told["faults_by_kind"]
    assert told["violations"] == []


@pytest.mark.slow
def test_command_prints_one_world_in_full() -> None:
    """`--trace` shows every event of a seed, twice the same."""
    shown = [CliRunner().invoke(cli, ["simulate", "--seed", "12", "--trace"]) for _ in range(2)]
    assert shown[0].output == shown[1].output
    assert "okta POST" in shown[0].output


@pytest.mark.parametrize("seeds", ["a", "1:b", "-1", "5:1"])
def test_command_refuses_what_are_no_seeds(seeds: str) -> None:
    """A range of seeds is two numbers with a colon, the first of which is no greater."""
    assert CliRunner().invoke(cli, ["simulate", "--seeds", seeds]).exit_code == 2


def test_trace_needs_one_seed() -> None:
    """A trace is of one world."""
    assert CliRunner().invoke(cli, ["simulate", "--trace"]).exit_code == 2
