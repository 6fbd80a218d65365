"""Channels and notices by commands: made, listed, tried, changed, paused and deleted."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from command_kit import House, commanded

pytestmark = pytest.mark.slow

KEY = "whsec_" + "Y2FuYXJ5LWtleS0" * 4
MAIL = ("--host", "127.0.0.1", "--port", "9", "--security", "none", "--from", "k@example.com")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Give an installation that runs."""
    with commanded(tmp_path_factory.mktemp("house"), public_url="") as it:
        yield it


def test_a_channel_goes_all_its_ways(house: House, tmp_path: Path) -> None:
    """Its secret comes from a file or the environment; what is not given stays as it was."""
    key = tmp_path / "key"
    key.write_text(KEY)
    url = ("--url", "https://127.0.0.1:9/")
    made = house.ask("channel", "add", "webhook", "pager", *url, "--secret-file", str(key))
    assert (made["name"], made["kind"], made["timing"]["digest"]) == (
        "pager",
        "webhook",
        "immediately",
    )
    times = ("--digest", "daily", "--digest-at", "09:00", "--zone", "Europe/Berlin")
    quiet = ("--quiet-from", "22:00", "--quiet-to", "07:00")
    changed = house.ask("channel", "update", "pager", *times, *quiet, "--kind", "turn.blocked")
    assert changed["timing"] == {
        "digest": "daily",
        "digestAt": "09:00",
        "zone": "Europe/Berlin",
        "quietFrom": "22:00",
        "quietTo": "07:00",
    }
    hourly = house.ask("channel", "update", "pager", "--digest", "hourly")
    assert (hourly["timing"]["digestAt"], hourly["kinds"]) == (None, ["turn.blocked"])
    awake = house.ask("channel", "update", "pager", "--quiet-from", "")
    assert (awake["timing"]["quietFrom"], awake["timing"]["quietTo"]) == (None, None)
    assert house.ask("channel", "update", "pager", "--kind", "")["kinds"] == []
    half = ("--quiet-from", "", "--quiet-to", "07:00")
    refused = house.run("channel", "update", "pager", *half, code=1)
    assert "--quiet-to: goes together with quietFrom" in refused.stderr
    assert '--quiet-from "" ends quiet hours' in house.run("channel", "update", "--help").stdout
    shown = house.run("channel", "show", "pager").stdout
    assert "hears of     every app" in shown
    assert "Y2FuYXJ5" not in shown
    assert "It has not arrived." in house.run("channel", "test", "pager", code=1).stdout
    assert house.ask("channel", "pause", "pager")["paused"]
    assert "paused" in house.run("channel", "list").stdout
    assert not house.ask("channel", "resume", "pager")["paused"]
    assert house.run("channel", "log", "pager").stdout.strip() == "none"
    assert "channel pager deleted" in house.run("channel", "delete", "pager").stdout


def test_mail_is_told_to_several(house: House) -> None:
    """Receivers are named one by one; a server that is away is told to be."""
    to = ("--to", "a@example.com", "--to", "b@example.com")
    made = house.ask("channel", "add", "email", "owners", *MAIL, *to)
    assert made["settings"]["to"] == "a@example.com, b@example.com"
    told = house.run("channel", "test", "owners", code=1).stdout
    assert "No answer came from the mail server" in told
    wrong = house.run("channel", "add", "email", "others", *MAIL, "--to", "nobody", code=1)
    assert "must be e-mail addresses" in wrong.stderr


def test_what_is_lacking_is_said(house: House) -> None:
    """A secret that is nowhere, and a change of nothing."""
    lacking = house.run("channel", "add", "slack", "x", "--url-env", "NOBODY_SET_IT", code=2)
    assert "NOBODY_SET_IT is empty or not set" in lacking.stderr
    assert "Say what to change" in house.run("channel", "update", "x", code=2).stderr
    assert "There is no channel x" in house.run("channel", "show", "x", code=1).stderr


def test_notices_are_listed(house: House) -> None:
    """Where nothing has happened there are none, and one that is not there is told so."""
    assert house.run("notice", "list").stdout.strip() == "none"
    assert house.ask("notice", "list", "--kind", "turn.blocked") == {"notices": []}
    missing = "00000000-0000-4000-8000-000000000000"
    assert "There is no notice" in house.run("notice", "show", missing, code=1).stderr
