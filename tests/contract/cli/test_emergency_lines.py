"""Emergencies as lines: what is in the way, and what counts as closed."""

from datetime import UTC, datetime
from typing import Any

import click
import pytest
from click.testing import CliRunner

from keyturn.cli import emergency_lines
from keyturn.cli.emergency import hurrying
from keyturn.wire.emergencies import Emergency, EmergencyPlan, PlannedClosing

PLANNED: dict[str, Any] = {
    "app_id": "0oa1",
    "rotation_id": "r",
    "label": "",
    "owner": "",
    "connection": "okta",
    "exposure": 1,
    "why": (),
    "calls": 2,
    "closes_in_seconds": 0,
    "without_time": (),
}
PLAN: dict[str, Any] = {
    "unmanaged": (),
    "by_hand": "",
    "calls": 4,
    "lasts_seconds": 60,
    "apps_per_minute": {},
    "plan_hash": "x",
}
EMERGENCY: dict[str, Any] = {
    "id": "e",
    "name": "20260101",
    "reason": "leaked",
    "selector": "*",
    "state": "running",
    "told": "",
    "within_seconds": 0,
    "revoke_tokens": False,
    "apps": 3,
    "revoked": 0,
    "plan_hash": "x",
    "created_by": "me",
    "creator": "me",
    "created_at": datetime(2026, 1, 1, tzinfo=UTC),
    "tidied_at": None,
    "ended_at": None,
}


def test_a_plan_promises_nothing_of_apps_with_something_in_the_way() -> None:
    """They are named with what is on record, and not among those closed in time."""
    free = PlannedClosing(number=1, name="free", obstacles=(), **PLANNED)
    held = PlannedClosing(number=2, name="held", obstacles=("paused.", "gone."), **PLANNED)
    told = "\n".join(emergency_lines.plan(EmergencyPlan(members=(free, held), **PLAN), 20))
    assert "2 apps are closed, the most exposed first" in told
    assert "1 app may NOT BE CLOSED before somebody acts:" in told
    assert "paused; gone" in told
    assert "every other app is closed in about" in told
    told = "\n".join(emergency_lines.plan(EmergencyPlan(members=(free,), **PLAN), 20))
    assert "1 app is closed, the most exposed first" in told
    assert "NOT BE CLOSED" not in told
    assert "every app is closed in about" in told


def test_what_was_left_out_or_is_deactivated_does_not_count_as_closed() -> None:
    """It is told apart, with the command that lists it, also once nothing is left to do."""
    stands = {"done": 1, "skipped": 1, "inactive": 1}
    seen = Emergency(open=1, standings=stands, **EMERGENCY)
    told = "\n".join(emergency_lines.emergency(seen))
    assert "1 of 3 apps" in told
    listed = "1 app is NOT CLOSED: keyturn emergency apps 20260101 --standing skipped"
    assert listed in told
    over = seen.model_copy(update={"state": "finished"})
    assert listed in "\n".join(emergency_lines.emergency(over))
    assert "1 of 3  1           me" in "\n".join(emergency_lines.emergencies([over]))
    assert "1 app is deactivated at Okta" in told
    assert "keyturn emergency apps 20260101 --standing inactive" in told
    assert "1 of 3" in "\n".join(emergency_lines.emergencies([seen]))


@pytest.mark.parametrize(
    ("state", "stands", "still_open", "count"),
    [
        ("running", {"waiting": 1, "done": 1}, 1, 0),
        ("running", {"waiting": 1, "failed": 2}, 3, 2),
        ("running", {"waiting": 1, "failed": 2, "skipped": 1}, 4, 3),
        ("abandoned", {"waiting": 1, "turning": 3, "failed": 1}, 5, 2),
        ("finished", {"done": 1, "skipped": 1}, 1, 1),
        ("abandoned", {"done": 1, "skipped": 1}, 0, 0),
    ],
)
def test_what_nobody_closes_any_more_is_not_closed(
    state: str, stands: dict[str, int], still_open: int, count: int
) -> None:
    """What failed, was left out, or was not begun before an abort; and how to mend what can be."""
    seen = Emergency(open=still_open, standings=stands, **EMERGENCY | {"state": state})
    told = "\n".join(emergency_lines.emergency(seen))
    assert emergency_lines.not_closed(seen) == count
    assert ("NOT CLOSED: keyturn emergency apps" in told) is bool(count)
    assert ("keyturn emergency retry" in told) is bool(count and state == "running")
    assert ("1 waiting" in told) is (state == "running")
    assert ("1 not begun" in told) is (state == "abandoned" and "waiting" in stands)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("5m", 300), ("24h", 86_400), ("1d", 86_400)]
)
def test_consumers_are_left_a_length_of_time(text: str, seconds: int) -> None:
    """In seconds, minutes, hours or a day."""
    assert within(text) == (0, f"{seconds}\n")


@pytest.mark.parametrize("text", ["soon", "", "-1s", "1w", "25h", "2d", "400d", "999999h"])
def test_a_length_of_time_has_a_form_and_a_limit(text: str) -> None:
    """Both are said to whoever writes another."""
    code, told = within(text)
    assert code == 2
    assert "must be seconds, or like 90s, 5m, 1h; at most 24h" in " ".join(told.split())


def within(text: str) -> tuple[int, str]:
    """Say how long consumers have; return the exit code, and what was read or told."""

    @click.command()
    @hurrying
    def command(*, within_seconds: int, **_: object) -> None:
        click.echo(within_seconds)

    result = CliRunner().invoke(command, ["--within", text])
    return result.exit_code, result.output
