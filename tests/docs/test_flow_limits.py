"""The page about flows tells the limits that the code keeps, and the events that there are."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from keyturn.domain.flows import reading, spec, tables, values, walk, yaml_text
from keyturn.domain.flows.cards import computing, table
from keyturn.domain.flows.events import Own
from keyturn.domain.flows.run import CHAIN_MAX, TAKEOVERS_MAX
from keyturn.services import hooks, seats
from keyturn.services.ports import Limits
from keyturn.settings import PREFIX, Settings

PAGE = (Path(__file__).parents[2] / "docs" / "flows.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \| [^|]+ \|$", PAGE, re.MULTILINE))
DEFAULTS = {each.name: each.default for each in fields(Limits)}


@pytest.mark.parametrize(
    ("what", "most"),
    [
        ("an endpoint's answer", f"{DEFAULTS['flow_answer_s']:.0f} s"),
        ("invocations of one flow", f"{DEFAULTS['flow_per_s']:.0f} a second"),
        ("runs in hand of a process", f"{DEFAULTS['flow_runs_at_once']}"),
        ("runs that wait for that", f"{seats.LINE} times as many"),
        ("CPU time of a run", f"{DEFAULTS['flow_cpu_s']:.0f} s"),
        ("cards that run in a run", f"{DEFAULTS['flow_steps']:,}"),
        ("memory of a run's values", f"{DEFAULTS['flow_memory_mb']:.0f} MB"),
        ("one card's time", f"{DEFAULTS['flow_card_s']:.0f} s"),
        ("a wait", f"{DEFAULTS['flow_wait_days']:.0f} days"),
        ("helper flows of a run", f"{DEFAULTS['flow_helpers']:,}"),
        ("flows that are switched on in an organization", f"{DEFAULTS['flows_active']}"),
        ("workers that die of a run", f"{TAKEOVERS_MAX}"),
        ("a file", f"{yaml_text.TEXT_MAX // 1024} kB"),
        ("inputs in a file", f"{reading.INPUTS_MAX:,}"),
        ("items of a list or an object that a card computes with", f"{computing.ITEMS_MAX:,}"),
        ("a value that a card looks through", f"{computing.LOOKED_BYTES // 1024**2} MB"),
        ("a text that a card reads a value from", f"{computing.READ_MAX:,} characters"),
        ("a text", f"{values.TEXT_MAX:,} characters"),
        ("tries after the first", f"{reading.RETRY_TIMES}"),
        ("history", f"{DEFAULTS['run_history'].days} days"),
        ("cards in a file", f"{reading.CARDS_MAX:,}"),
        ("lanes inside each other", f"{reading.LANES_DEEP}"),
        ("flows inside each other", f"{DEFAULTS['flow_depth']}"),
        ("flows that start each other", f"{CHAIN_MAX}"),
        ("events in a delivery", f"{hooks.EVENTS_MAX:,}"),
        ("rows of a table", f"{DEFAULTS['flow_table_rows']:,}"),
        ("columns of a table", f"{tables.COLUMNS_MAX}"),
        ("a value in a row", f"{tables.VALUE_BYTES // 1024} kB"),
        ("a row", f"{tables.ROW_BYTES // 1024} kB"),
        ("rows that a search finds", f"{table.LIMIT_MAX:,}"),
    ],
)
def test_a_limit_is_the_codes(what: str, most: str) -> None:
    """By its default."""
    assert ROWS[what] == most


def test_limits_of_the_domain_are_those_of_the_installation() -> None:
    """What is walked without an installation may take as much; settings are these by default."""
    allowed = walk.Allowance()
    assert allowed.memory_bytes == DEFAULTS["flow_memory_mb"] * 1024**2
    assert (allowed.steps, allowed.wait_s) == (DEFAULTS["flow_steps"], spec_wait_s())
    assert (allowed.helpers, allowed.depth) == (DEFAULTS["flow_helpers"], DEFAULTS["flow_depth"])
    assert DEFAULTS["flow_card_s"] == spec.LONGEST_S
    flows = {name for name in DEFAULTS if name.startswith("flow")}
    assert {name: DEFAULTS[name] for name in flows} == {
        name: Settings.model_fields[name].default for name in flows
    }


def spec_wait_s() -> float:
    """Return the longest wait in seconds."""
    return DEFAULTS["flow_wait_days"] * 86_400


def test_settings_and_shares_are_named_as_they_are() -> None:
    """Whoever reads the page can set them."""
    chapter = PAGE.partition("## Limits")[2].partition("\n## ")[0]
    named = re.findall(rf"`{PREFIX}([A-Z_]+)`", chapter)
    assert {name.lower() for name in named} <= set(Settings.model_fields)
    shares = set(re.findall(r"`limits: {(\w+)}`", chapter))
    assert shares == set(reading.LIMIT_KEYS)
    assert f"without it {table.LIMIT_DEFAULT}" in chapter


def test_every_event_of_keyturns_has_its_row() -> None:
    """And there are no others."""
    assert set(re.findall(r"^\| `(keyturn\.[a-z_.]+)`", PAGE, re.MULTILINE)) == {*Own}
