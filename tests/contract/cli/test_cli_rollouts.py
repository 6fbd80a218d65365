"""Rollouts by commands, against a server and an org that run."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from click.testing import Result
from command_kit import House, commanded

pytestmark = pytest.mark.slow

GOOD = "correct horse battery"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Give an installation that runs, with one app that a rotation keeps."""
    with commanded(tmp_path_factory.mktemp("house"), public_url="") as it:
        yield it


def served(house: House, name: str) -> dict[str, Any]:
    """Wait until the one member's turn is served, and return the member."""
    for _ in range(300):
        [found] = house.ask("rollout", "members", name)["members"]
        if found["phase"] == "overlapping":
            return dict(found)
        time.sleep(0.1)
    raise AssertionError("its turn was not served")


def test_a_plan_is_shown_before_anything_turns(house: House) -> None:
    """With waves, calls, time and hash; who does not agree has changed nothing."""
    told = house.run("rollout", "plan", "spring", "--wave", "50%").stdout
    assert "Rollout spring turns 1 rotation" in told
    assert "the next 50% of all by name" in told
    assert "5 calls to Okta" in told
    refused = house.run("rollout", "start", "spring", "--wave", "50%", stdin="n\n", code=1)
    assert "Turn these 1 client secrets?" in refused.stderr
    assert house.run("rollout", "list").stdout == "none\n"
    house.run("rollout", "start", "spring", "--plan-hash", "0" * 64, code=1)
    assert "must be" in house.run("rollout", "plan", "spring", "--wave", "half", code=1).stderr
    assert "There is no rollout x" in house.run("rollout", "show", "x", code=1).stderr


def test_a_rollout_is_started_watched_and_ended(house: House) -> None:
    """By name from the first to the last; what somebody can do is told."""
    plan = house.ask("rollout", "plan", "summer", "--approvals", "--reason", "yearly")
    start = ("rollout", "start", "summer", "--approvals", "--reason", "yearly", "--follow")
    told = house.run(*start, "--plan-hash", plan["planHash"]).stdout
    assert "Rollout summer is awaiting." in told
    assert "keyturn rollout approve summer" in told
    asked = house.run("rollout", "approve", "summer", stdin="y\n", code=1).stderr
    assert "Who has started it, administrator, may not. Let wave 1 go?" in asked
    assert "example/dev/:web" in asked
    assert "second person" in asked
    for order, question in (("continue", "Let it go on?"), ("abort", "End it? It cannot be")):
        assert question in house.run("rollout", order, "summer", stdin="n\n", code=1).stderr
    assert [one["state"] for one in house.ask("rollout", "list")["rollouts"]] == ["awaiting"]
    assert "is awaiting" in house.run("rollout", "continue", "summer", "--yes", code=1).stderr
    assert "Aborted by administrator." in house.run("rollout", "abort", "summer", "--yes").stdout
    assert [one["state"] for one in house.ask("rollout", "list")["rollouts"]] == ["abandoned"]


def test_its_turns_are_seen(house: House) -> None:
    """Each member with how it stands and where its turn is."""
    house.run("rollout", "start", "autumn", "--yes", "--go-on-at", "overlapping")
    member = served(house, "autumn")
    assert member["name"] == "example/dev/:web"
    told = house.run("rollout", "members", "autumn", "--standing", "turning").stdout
    assert "overlapping" in told
    assert house.run("rollout", "members", "autumn", "--standing", "failed").stdout == "none\n"
    shown = house.run("rollout", "show", "autumn").stdout
    assert "1 turning" in shown
    house.run("rollout", "abort", "autumn", "--abort-turns", "--yes")


def test_a_person_approves_by_the_token_of_their_own_log_in(house: House) -> None:
    """One that was made for them by somebody else is none."""
    who = ("bea@example.com", "--password-stdin")
    house.run("person", "create", "--role", "admin", "--everywhere", *who, stdin=f"{GOOD}\n")
    house.run("rollout", "start", "winter", "--approvals", "--yes")
    made = house.run("identity", "token", "create", "bea@example.com").stdout.strip()
    refused = approved(house, "winter", made, code=1).stderr
    assert "keyturn person log-in" in refused
    wrong = house.run("person", "log-in", *who, stdin="a wrong horse battery\n", code=1).stderr
    assert "password is wrong" in wrong
    own = house.run("person", "log-in", *who, stdin=f"{GOOD}\n").stdout.strip()
    assert "was approved by bea@example.com" in approved(house, "winter", own).stdout
    house.run("rollout", "abort", "winter", "--yes")


def approved(house: House, name: str, token: str, *, code: int = 0) -> Result:
    """Approve a wave by a token."""
    as_them = replace(house, env=house.env | {"KEYTURN_TOKEN": token})
    return as_them.run("rollout", "approve", name, "--yes", code=code)
