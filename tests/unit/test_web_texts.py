"""Texts as pages show them: sentences with commands, steps of turns, schedules in words."""

import re
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from keyturn.domain.ids import TurnId
from keyturn.domain.schedule import Schedule
from keyturn.services.ports import TurnStep
from keyturn.web.phases import lines_of
from keyturn.web.prose import prose
from keyturn.web.schedule_told import schedule_told

AT = datetime(2026, 11, 21, 12, 5, 7, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script>\"'&"
PLAIN = Schedule(30, time(0, 0))


def test_a_command_in_a_sentence_is_the_name_of_its_button() -> None:
    """It is a link where it is known what about; what no page does stays code."""
    assert prose("Then `keyturn turn resume x`.") == "Then <strong>Resume</strong>."
    linked = 'Or <a href="/rotations/r/abort">Abort</a>.'
    assert prose("Or `keyturn turn abort`.", "/rotations/r") == linked
    assert prose("See `keyturn settings`.") == "See <code>keyturn settings</code>."
    assert prose("a ` b") == "a ` b"


def test_nothing_in_a_sentence_is_read_as_markup() -> None:
    """Neither around a command nor in it."""
    told = prose(f"{HOSTILE} `{HOSTILE}`")
    assert "<script>" not in told
    assert told.count("&lt;script&gt;") == 2


def test_a_step_tells_when_what_and_by_which_request() -> None:
    """Okta's ids are set apart, and nothing of it is read as markup."""
    step = TurnStep(TurnId("t"), 1, AT, "issued", "add", HOSTILE, "req<1>", "err&2")
    (line,) = lines_of([step], AT)
    assert "12:05:07" in line
    assert "<code>req&lt;1&gt;</code>" in line
    assert "<code>err&amp;2</code>" in line
    assert "<script>" not in line
    (bare,) = lines_of([replace(step, detail="", request_id="", error_id="")], AT)
    assert "code" not in bare
    assert "told" not in bare


def test_the_day_is_told_where_another_one_begins() -> None:
    """A step of the same day as what was told before it tells the time alone."""
    plain = TurnStep(TurnId("t"), 1, AT, "issued", "wait", "", "", "")
    steps = [replace(plain, at=AT + timedelta(hours=hours)) for hours in (0, 1, 13, 14)]
    told = [re.sub("<[^>]*>", "", line) for line in lines_of(steps, AT)]
    assert told == [
        "12:05:07 UTC wait",
        "13:05:07 UTC wait",
        "22 Nov 01:05:07 UTC wait",
        "02:05:07 UTC wait",
    ]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "Every 30 days at 00:00 UTC"),
        ({"interval_days": 1}, "Every day at 00:00 UTC"),
        ({"at": time(2, 30), "zone": "Europe/Berlin"}, "Every 30 days at 02:30 Europe/Berlin"),
        ({"every": "6mo"}, "Every 6 months at 00:00 UTC"),
        ({"every": "12h"}, "Every 12 hours"),
        ({"cron": "30 2 * * sun", "zone": "Europe/Berlin"}, "By cron 30 2 * * sun (Europe/Berlin)"),
        (
            {"every": "1h", "windows": "Mo-Fr 09:00-17:00", "zone": "Europe/Berlin"},
            "Every hour, only Mo-Fr 09:00-17:00 (Europe/Berlin)",
        ),
        ({"automatic": False}, "Only when somebody asks"),
    ],
)
def test_a_schedule_is_told_in_words(changes: dict[str, object], told: str) -> None:
    """As people say when something happens."""
    assert schedule_told(replace(PLAIN, **changes)) == told
