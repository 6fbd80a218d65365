"""The page about flows tells the limits that the code keeps, and the events that there are."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from keyturn.domain.flows import reading, spec, tables, walk
from keyturn.domain.flows.cards import flow, table
from keyturn.domain.flows.events import Own
from keyturn.services import hooks
from keyturn.services.cards.flow import CHAIN_MAX
from keyturn.services.ports import Limits
from keyturn.settings import PREFIX, Settings

PAGE = (Path(__file__).parents[2] / "docs" / "flows.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \| [^|]+ \|$", PAGE, re.MULTILINE))
DEFAULTS = {each.name: each.default for each in fields(Limits)}
ALLOWED = walk.Allowance()
DAY_S = 86_400


@pytest.mark.parametrize(
    ("what", "most"),
    [
        ("an endpoint's answer", f"{DEFAULTS['flow_answer_s']:.0f} s"),
        ("invocations of one flow", f"{DEFAULTS['flow_per_s']:.0f} a second"),
        ("cards that run in a run", f"{ALLOWED.steps:,}"),
        ("memory of a run's values", f"{ALLOWED.memory_bytes // 1024**2} MB"),
        ("one card's time", f"{spec.LONGEST_S:.0f} s"),
        ("a wait", f"{flow.WAIT_MAX_S / DAY_S:.0f} days"),
        ("tries after the first", f"{reading.RETRY_TIMES}"),
        ("history", f"{DEFAULTS['run_history'].days} days"),
        ("cards in a file", f"{reading.CARDS_MAX:,}"),
        ("lanes inside each other", f"{reading.LANES_DEEP}"),
        ("flows inside each other", f"{walk.DEPTH_MAX}"),
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
