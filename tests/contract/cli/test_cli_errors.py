"""What goes wrong is one clear line on stderr: whose fault, and what to do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from keyturn.cli.main import cli

NOBODY_THERE = "http://127.0.0.1:9"
ADD = ("connection", "okta", "add", "--name", "org", "--url", "https://example.okta.com")
CREATE = ("rotation", "create", "--name", "r", "--connection", "c", "--env", "dev")
TOKEN = "00" + "a" * 40


def keyturn(*words: str, **env: str) -> Result:
    """Run a command against an address where nobody listens."""
    env = {"KEYTURN_URL": NOBODY_THERE, "KEYTURN_TOKEN": "t", **env}
    return CliRunner(env=env).invoke(cli, words)


def test_no_server_is_told_with_the_remedy() -> None:
    """Where nobody answers, the address and the way to start a server are named."""
    result = keyturn("rotation", "list")
    assert result.exit_code == 1
    assert NOBODY_THERE in result.stderr
    assert "keyturn serve" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_missing_token_is_told_before_anything_is_asked() -> None:
    """Without a token the variable to set is named."""
    result = keyturn("secret", "list", "--env", "dev", KEYTURN_TOKEN="")
    assert result.exit_code == 1
    assert "KEYTURN_TOKEN" in result.stderr


@pytest.mark.parametrize(
    "flags",
    [(), ("--token-stdin", "--token-env", "T"), ("--client-id", "0oa1"), ("--token-env", "EMPTY")],
    ids=["none", "two", "half", "empty"],
)
def test_credentials_come_in_exactly_one_way(flags: tuple[str, ...]) -> None:
    """No credentials, two of them, or half of one are usage errors."""
    assert keyturn(*ADD, *flags, T=TOKEN).exit_code == 2


def test_a_token_that_is_none_is_not_repeated() -> None:
    """A value in the wrong place is refused without showing it."""
    result = keyturn(*ADD, "--token-env", "T", T="not-an-okta-token")
    assert result.exit_code == 2
    assert "credentials.apiToken: must be an Okta API token: 00 and 40 more" in result.stderr
    assert "not-an-okta-token" not in result.output


def test_a_token_is_never_an_argument() -> None:
    """There is no option that takes a token itself."""
    result = keyturn(*ADD, "--token", TOKEN)
    assert result.exit_code == 2
    assert TOKEN not in result.output


def test_a_time_that_is_none_is_a_usage_error() -> None:
    """The time of day is HH:MM."""
    result = keyturn(*CREATE, "--client-id", "0oa1", "--rotate-at", "25:00")
    assert result.exit_code == 2


@pytest.mark.slow
def test_serving_nothing_is_refused_without_a_traceback(tmp_path: Path) -> None:
    """A data directory without an installation is named, with what to do."""
    env = {**os.environ, "KEYTURN_DATA_DIR": str(tmp_path / "none")}
    command = [sys.executable, "-m", "keyturn", "serve"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "keyturn init" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "flags",
    [(), ("--url", "https://example.okta.com"), ("--client-id", "0oa1"), ("--token-env", "EMPTY")],
    ids=["nothing", "address alone", "half", "empty"],
)
def test_an_update_says_what_to_change(flags: tuple[str, ...]) -> None:
    """An update of nothing, and an address without credentials, are usage errors."""
    result = keyturn("connection", "okta", "update", "org", *flags)
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_settings_that_do_not_go_together_are_told_in_one_line() -> None:
    """A rule about two settings names both."""
    env = {"KEYTURN_OVERLAP_S": "10", "KEYTURN_OVERLAP_FLOOR_S": "20"}
    result = keyturn("rotation", "list", **env)
    assert result.exit_code == 1
    told = "Settings do not fit. KEYTURN_OVERLAP_S is below KEYTURN_OVERLAP_FLOOR_S"
    assert result.stderr.splitlines() == [f"Error: {told}"]


EXCEPTION = ("compliance", "exception", "add", "--app", "0oa1", "--until", "2027-01-01", "--reason")
WEBHOOK = ("channel", "add", "webhook", "a", "--url", "https://a.test")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("inventory", "show", "--csv", "--json"), "--csv stands alone: leave out --json"),
        ((*EXCEPTION, " "), "reason: must not be empty"),
        (
            (*WEBHOOK, "--quiet-from", "25:00"),
            "timing.quiet_from: must be a time of day, 00:00 to 23:59",
        ),
    ],
)
def test_what_cannot_be_is_told_in_words(words: tuple[str, ...], told: str) -> None:
    """Before anything is asked of a server, and without a pattern or a silent choice."""
    result = keyturn(*words)
    assert result.exit_code == 2
    assert told in result.stderr
