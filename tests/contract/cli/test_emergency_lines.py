"""Emergencies as lines: what is in the way, and what counts as closed."""

from datetime import UTC, datetime
from typing import Any

from keyturn.cli import emergency_lines
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
    held = PlannedClosing(number=2, name="held", obstacles=("paused", "gone"), **PLANNED)
    told = "\n".join(emergency_lines.plan(EmergencyPlan(members=(free, held), **PLAN), 20))
    assert "1 apps may NOT BE CLOSED before somebody acts:" in told
    assert "paused; gone" in told
    assert "every other app is closed in about" in told
    told = "\n".join(emergency_lines.plan(EmergencyPlan(members=(free,), **PLAN), 20))
    assert "NOT BE CLOSED" not in told
    assert "every app is closed in about" in told


def test_what_was_left_out_or_is_deactivated_does_not_count_as_closed() -> None:
    """It is told apart, with the command that lists it."""
    stands = {"done": 1, "skipped": 1, "inactive": 1}
    seen = Emergency(open=0, standings=stands, **EMERGENCY)
    told = "\n".join(emergency_lines.emergency(seen))
    assert "1 of 3 apps" in told
    assert "1 apps are deactivated at Okta" in told
    assert "keyturn emergency apps 20260101 --standing inactive" in told
    assert "1 of 3" in "\n".join(emergency_lines.emergencies([seen]))
