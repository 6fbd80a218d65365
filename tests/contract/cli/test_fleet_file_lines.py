"""What `keyturn plan` says of a fleet file's plan."""

from typing import Any

import pytest

from keyturn.cli.fleet_file import lines_of
from keyturn.wire.fleet_files import (
    Action,
    FleetField,
    FleetItem,
    FleetPlanAnswer,
    PlannedFleetChange,
)

LONG = "x" * 300


def planned(*fields: FleetField, left: int = 0, action: Action = "update") -> str:
    """Return the lines of a plan that changes these fields, and lets so many things be."""
    change = PlannedFleetChange(
        action=action,
        kind="rotation",
        name="web",
        line=4,
        fields=fields,
        org="",
        app="",
        label="",
        calls=(),
        second=0,
    )
    stays = [
        FleetItem(kind="folder" if number else "role", name=str(number)) for number in range(left)
    ]
    plan = FleetPlanAnswer(
        changes=(change,) if fields else (),
        left=tuple(stays),
        notes=(),
        references=(),
        calls=0,
        seconds=0,
        plan_hash="0" * 64,
    )
    return "\n".join(lines_of(plan))


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({"every": LONG, "after": 5}, {"every": LONG, "after": 1}, "web.after: 5 -> 1"),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}, "web.a.c: 2 -> none"),
        ({}, {"path": "x"}, 'web.path: none -> "x"'),
        (None, {"path": "x"}, 'web: none -> {"path": "x"}'),
        (f"{LONG}one", f"{LONG}two", f'web: …{"x" * 20}one" -> …{"x" * 20}two"'),
        (["a"], ["b"], 'web: ["a"] -> ["b"]'),
    ],
)
def test_what_differs_is_shown(before: Any, after: Any, told: str) -> None:  # noqa: ANN401  JSON
    """Member by member, from where long texts differ; what is alike is not told."""
    lines = planned(FleetField(name="web", before=before, after=after)).splitlines()
    assert lines[1:-1] == [f"    {told}"]


def test_much_that_stays_is_summed_up() -> None:
    """Ten things are told one by one, more by their kinds; a program is told them all."""
    assert planned(left=10).count("\n  folder ") == 9
    assert planned(left=41).splitlines()[0] == (
        "41 things are not in the file and stay (--json lists them): 1 role, 40 folder"
    )


def test_one_thing_that_stays_is_one() -> None:
    """A number of one is told as such."""
    assert planned(left=1).splitlines()[:2] == [
        "1 thing is not in the file and stays:",
        "  role 0",
    ]


def test_what_goes_with_a_thing_is_shown() -> None:
    """A policy takes its exceptions with it, and whoever agrees sees which."""
    gone = FleetField(name="policyExceptions", before=["app=0oa1: because"], after=None)
    lines = planned(gone, action="delete").splitlines()
    assert lines[:2] == [
        "- delete rotation web  (line 4)",
        '    policyExceptions: ["app=0oa1: because"] -> none',
    ]
