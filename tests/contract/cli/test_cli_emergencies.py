"""Emergencies by commands, against a server and an org that run."""

import json
from collections.abc import Iterator

import pytest
from command_kit import House, commanded

pytestmark = pytest.mark.slow

BEGIN = ("emergency", "begin", "--all", "--reason", "a laptop was lost")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Give an installation that runs, with one app that a rotation keeps."""
    with commanded(tmp_path_factory.mktemp("house"), public_url="") as it:
        yield it


def test_the_plan_is_shown_and_changes_nothing(house: House) -> None:
    """Who is closed, by how many calls, in what time, and by what hash it is begun."""
    told = house.run(*BEGIN, "--plan").stdout
    assert "1 app is closed, the most exposed first" in told
    assert "2 calls to Okta; every app is closed in about 1 minute." in told
    assert house.ask(*BEGIN, "--plan")["planHash"] in told
    assert house.run("emergency", "list").stdout == "none\n"


def test_the_number_of_apps_is_typed_before_anything_is_begun(house: House) -> None:
    """A slip of the pen begins nothing, nor does --yes without what was shown."""
    asked = house.run(*BEGIN, stdin="2\n", code=1).stderr
    assert "Type 1 to close 1 app:" in asked
    assert "Nothing was begun" in asked
    house.run(*BEGIN, "--yes", code=2)
    house.run(*BEGIN, "--within", "soon", code=2)
    house.run(*BEGIN, "--yes", "--plan-hash", "0" * 64, code=1)
    house.run("emergency", "begin", "--all", code=2)
    other = house.run(*BEGIN, "--leaked", "other", "--plan", code=1).stderr
    assert "other: not among the apps that are closed" in other
    assert (
        "all are meant"
        in house.run(
            "emergency", "begin", "--selector", "*", "--reason", "x", "--plan", code=1
        ).stderr
    )
    assert house.run("emergency", "list").stdout == "none\n"


def test_an_emergency_is_begun_watched_and_proved(house: House) -> None:
    """From the number that is typed to Okta's own words in the file."""
    told = house.run(*BEGIN, stdin="1\n").stdout
    assert "closed  1 of 1 app" in told
    [one] = house.ask("emergency", "list")["emergencies"]
    assert (one["reason"], one["open"]) == ("a laptop was lost", 0)
    assert one["name"] in house.run("emergency", "list").stdout
    assert "a laptop was lost" in house.run("emergency", "show", one["name"], "--follow").stdout
    assert "1 of 1" in house.run("emergency", "list").stdout
    [app] = house.ask("emergency", "apps", one["id"])["apps"]
    assert app["closedAt"]
    assert app["appId"] in house.run("emergency", "apps", one["name"]).stdout
    proof = json.loads(house.run("emergency", "evidence", one["id"], "--json").stdout)
    [closed] = proof["apps"]
    assert (closed["deactivated"]["told"], closed["refused"]["told"]) == ("HTTP 200", "HTTP 401")
    page = house.run("emergency", "evidence", one["name"]).stdout
    assert closed["refused"]["requestId"] in page
    assert page.startswith("# Emergency ")
    assert (
        "no app that could be tried again"
        in house.run("emergency", "retry", one["id"], code=1).stderr
    )
    refused = house.run("emergency", "leave-out", one["id"], "x", "--yes", code=1)
    assert "has no app x" in refused.stderr


def test_a_script_is_told_of_what_is_not_closed_however_it_looks(house: House) -> None:
    """An app whose turn is paused: the exit code says so, also to who only follows."""
    house.run("rotation", "turn", "web")
    house.run("turn", "pause", "web")
    begun = house.run(*BEGIN, stdin="1\n", code=3)
    assert "1 app is NOT CLOSED: keyturn emergency apps" in begun.stdout
    name = house.ask("emergency", "list")["emergencies"][0]["name"]
    house.run("emergency", "show", name)
    house.run("emergency", "show", name, "--follow", code=3)
    [app] = house.ask("emergency", "apps", name, "--standing", "failed")["apps"]
    assert "keyturn turn resume" in app["told"]


@pytest.mark.parametrize("order", ["leave-out", "abort"])
def test_an_order_that_leaves_apps_open_is_asked_about(house: House, order: str) -> None:
    """Unless somebody says that nobody is to be asked."""
    [name, *_] = [one["name"] for one in house.ask("emergency", "list")["emergencies"]]
    [app] = house.ask("emergency", "apps", name)["apps"]
    words = ("emergency", order, name, *([app["appId"]] if order == "leave-out" else []))
    asked = house.run(*words, stdin="n\n", code=1).stderr
    assert f"Emergency {name} is running" in asked
    assert "Aborted!" in asked
    assert house.ask("emergency", "show", name)["standings"] == {"failed": 1}
    if order == "abort":
        assert "is aborted" in house.run(*words, "--yes").stdout
    assert "There is no emergency x" in house.run("emergency", "abort", "x", code=1).stderr
