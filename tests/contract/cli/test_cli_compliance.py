"""Compliance by commands, against a server and an org that run."""

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from command_kit import House, commanded

pytestmark = pytest.mark.slow

SOON = f"{datetime.now(UTC) + timedelta(days=5):%Y-%m-%d}"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Give an installation that runs, with one app that a rotation keeps."""
    with commanded(tmp_path_factory.mktemp("house"), public_url="") as it:
        yield it


@pytest.fixture(scope="module")
def report(house: House) -> dict[str, Any]:
    """Make a policy, and give the first report of it, made before the inventory was read."""
    assert "no compliance policy" in house.run("compliance", "check", code=1).stderr
    assert "no report yet" in house.run("compliance", "evidence", code=1).stderr
    house.ask("compliance", "policy", "add", "kept", "--managed", "--selector", "label=*")
    for _ in range(200):
        found = house.ask("compliance", "reports")["reports"]
        if found:
            return dict(found[0])
        time.sleep(0.1)
    raise AssertionError("no report was made")


def test_pipelines_are_told_by_the_exit_code(house: House, report: dict[str, Any]) -> None:
    """3 where there are breaches, whichever are asked for while an org is not known."""
    assert (report["complete"], report["breaches"]) == (False, {"inventory-stale": 1})
    chosen = ("compliance", "check", "--kind", "too-old", "--policy", "kept")
    told = house.run(*chosen, code=3).stdout
    assert "never read" in told
    assert told.endswith("1 breach\n")
    house.run("inventory", "read")
    assert house.run(*chosen).stdout == "0 breaches\n"
    for name, value, says in (
        ("--policy", "nope", "must be the name or id of a policy"),
        ("--owner", "nope", "Nothing was judged. No app"),
        ("--selector", "label=pya-*", "Nothing was judged. No app"),
    ):
        assert says in house.run("compliance", "check", name, value, code=1).stderr
    assert "No app that policies" in house.run("compliance", "findings", "--owner", "nope").stdout
    found = json.loads(house.run("compliance", "check", "--json", code=3).stdout)
    assert found["breaches"] == len(found["findings"])
    assert {each["kind"] for each in found["findings"]} == {"unmanaged"}
    labels = {each["label"] for each in found["findings"]}
    assert "Workflows" not in labels
    until = ("--until", SOON, "--reason", "It is not ours.")
    for label in labels:
        words = ("compliance", "exception", "add", "--selector", f'label="{label}"', *until)
        assert house.run(*words).stdout.endswith("It fits 1 app now.\n")
    assert house.run("compliance", "check").stdout == "0 breaches\n"
    shown = house.run("compliance", "show").stdout
    assert "apps are in no breach (100.0 %)" in shown
    assert "exceptions about to expire" in shown
    listed = house.run("compliance", "findings").stdout
    assert f"excused until {SOON} 00:00:00 UTC" in listed
    assert "access-not-known" in listed
    assert house.ask("compliance", "findings", "--breaches")["total"] == 0


def test_evidence_is_exported_and_checked(
    house: House, report: dict[str, Any], tmp_path: Path
) -> None:
    """A file that was changed is told from one that was not, with a server and without."""
    file = tmp_path / "evidence.json"
    words = ("compliance", "evidence", report["id"], "--json", "--out", str(file))
    assert house.run(*words).stdout == f"Written to {file}.\n"
    verify = ("compliance", "verify", str(file))
    assert house.ask(*verify)["sha256"] == report["sha256"]
    assert "no server was asked" in house.run(*verify, "--offline").stdout
    whole = json.loads(file.read_text())
    file.write_text(json.dumps(whole, indent=3, sort_keys=True))
    house.run(*verify)
    file.write_text(json.dumps(whole | {"report": whole["report"] | {"compliant": 9}}))
    assert "not what the server has" in house.run(*verify, code=1).stderr
    file.write_text(json.dumps(whole | {"evidence": whole["evidence"] | {"findings": []}}))
    assert "was changed" in house.run(*verify, "--offline", code=1).stderr
    for text in (
        "",
        "[]",
        "{}",
        json.dumps({"report": {"id": "x"}, "evidence": {"reportId": "y"}}),
    ):
        file.write_text(text)
        assert "is no evidence" in house.run(*verify, code=1).stderr
    assert "# Compliance of client secrets" in house.run("compliance", "evidence").stdout
    assert report["id"] in house.run("compliance", "reports").stdout


def test_policies_and_exceptions_come_and_go(house: House) -> None:
    """By name; 0 takes a limit away, and an exception ends with its policy."""
    added = ("compliance", "policy", "add", "young", "--max-age", "90", "--unused", "30")
    made = house.ask(*added, "--selector", "owner=nobody", "--description", "For the auditors.")
    assert (made["maxAgeDays"], made["unusedDays"], made["maxOverlapDays"]) == (90, 30, None)
    edited = ("compliance", "policy", "edit", "young", "--unused", "0", "--name", "old")
    assert house.ask(*edited) == made | {
        "unusedDays": None,
        "name": "old",
        "updatedAt": house.ask("compliance", "policy", "list")["policies"][-1]["updatedAt"],
    }
    assert made["apps"] == house.ask("compliance", "policy", "list")["policies"][-1]["apps"] == 0
    assert "No app that policies" in house.run(*edited[:3], "old", "--unused", "0").stdout
    listed = house.run("compliance", "policy", "list").stdout
    assert re.search(r"old +owner=nobody +0 +90 d", listed)
    until = ("--until", SOON, "--reason", "It goes soon.", "--kind", "too-old")
    add = ("compliance", "exception", "add", "--app", "0oa1", "--app", "0oa2", "--policy", "old")
    excused = house.ask(*add, *until)
    assert (excused["selector"], excused["policy"]) == ("app=0oa1 app=0oa2", "old")
    twice = ("--selector", "label=a*", "--selector", "label=b*")
    for apps in ((), twice, ("--app", "0oa1", *twice[:2])):
        told = house.run("compliance", "exception", "add", *apps, *until, code=2).stderr
        assert "Say which apps, by --app" in told
    assert "It goes soon." in house.run("compliance", "exception", "list").stdout
    house.run("compliance", "policy", "delete", "old")
    told = house.run("compliance", "exception", "delete", excused["id"], code=1).stderr
    assert "no policy exception" in told
    assert "no compliance policy" in house.run(*edited, code=1).stderr
    alone = house.ask("compliance", "exception", "add", "--app", "0oa1", *until)
    gone = house.run("compliance", "exception", "delete", alone["id"]).stdout
    assert gone == "Withdrawn: the exception for app=0oa1.\n"
