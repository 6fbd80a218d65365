"""Leak reports by commands, against a server and an org that run."""

import json
from collections.abc import Iterator

import pytest
from command_kit import House, commanded

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Give an installation that runs, with one app that a rotation keeps."""
    with commanded(tmp_path_factory.mktemp("house"), public_url="") as it:
        yield it


def test_a_leak_is_reported_closed_and_ended(house: House) -> None:
    """From the value on stdin to an app that is closed, and a report that says so."""
    value = house.run("secret", "get", "OKTA_CLIENT_SECRET", "--env", "dev").stdout.strip()
    told = house.run("leak", "report", "--value-stdin", "--where", "a chat", stdin=value).stdout
    assert "open  leak" in told
    assert f"current of {house.app['label']}" in told or "current of web" in told
    [one] = house.ask("leak", "list", "--state", "open")["leaks"]
    for given in (("--prefix-stdin", value[:16]), ("--hash", one["hash"])):
        words = ("leak", "report", given[0], *(given[1:] if given[0] == "--hash" else ()))
        again = house.ask(*words, "--where", "a chat", stdin=given[1])
        assert again["reports"] == [one]
    assert value[:12] not in house.run("leak", "show", one["id"], "--json").stdout
    plan = house.run("leak", "emergency", one["id"], "--plan").stdout
    assert "1 app is closed" in plan
    house.run("leak", "emergency", one["id"], "--yes", code=2)
    closed = house.run("leak", "emergency", one["id"], stdin="1\n").stdout
    assert "closed  1 of 1 app\n" in closed
    after = house.ask("leak", "show", one["id"])
    assert after["emergencyId"] == house.ask("emergency", "list")["emergencies"][0]["id"]
    again = house.run("leak", "emergency", one["id"], stdin="1\n", code=1).stderr
    assert "closes it already" in again or "nothing to close" in again


def test_what_nothing_here_has_is_told_so_and_ended_by_hand(house: House) -> None:
    """With a reason; what does not fit is refused."""
    told = house.run("leak", "report", "--hash", "x" * 22, "--where", "x\x1b[2J").stdout
    assert "\x1b" not in told
    one = house.ask("leak", "report", "--hash", "x" * 22, "--where", "x\x1b[2J")["reports"][0]
    assert one["state"] == "unknown"
    assert "names no app" in house.run("leak", "emergency", one["id"], code=1).stderr
    house.run("leak", "end", one["id"], code=2)
    ended = house.run("leak", "end", one["id"], "--reason", "a sample", "--false-alarm").stdout
    assert "false_alarm" in ended
    assert "a sample" in house.run("leak", "show", one["id"]).stdout
    house.run("leak", "end", one["id"], "--reason", "again", code=1)
    house.run("leak", "report", "--value-stdin", "--hash", "x", code=2)
    house.run("leak", "report", code=2)
    short = house.run("leak", "report", "--prefix-stdin", stdin="short-of-it\n", code=1).stderr
    assert "12" in short
    assert "short-of-it" not in short
    assert house.run("leak", "list", "--state", "closed", "--limit", "5").stdout


def test_a_key_of_many_lines_is_read_whole(house: House) -> None:
    """As it stands in a file: its thumbprint is that of all of it."""
    jwk = json.dumps({"kty": "EC", "crv": "P-256", "x": "x", "y": "y", "d": "d"}, indent=2)
    told = house.ask("leak", "report", "--value-stdin", stdin=f"{jwk}\n")
    assert len(told["reports"][0]["hash"]) == 43
