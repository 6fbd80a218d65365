"""What goes wrong is one clear line on stderr: whose fault, and what to do."""

import errno
import os
import socket
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from keyturn.cli.faults import told_by_machine, told_by_server
from keyturn.cli.main import cli
from keyturn.cli.running import run
from keyturn.cli.serve import serve
from keyturn.client import ApiError

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
    assert "--token-env: must be an Okta API token: 00 and 40 more" in result.stderr
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
        ((*EXCEPTION, " "), "--reason: must not be empty"),
        (
            (*WEBHOOK, "--quiet-from", "25:00"),
            "--quiet-from: must be a time of day, 00:00 to 23:59",
        ),
    ],
)
def test_what_cannot_be_is_told_in_words(words: tuple[str, ...], told: str) -> None:
    """Before anything is asked of a server, and without a pattern or a silent choice."""
    result = keyturn(*words)
    assert result.exit_code == 2
    assert told in result.stderr


def test_number_that_no_database_holds_is_a_usage_error() -> None:
    """Nobody is asked for the turns after so many."""
    result = keyturn("turn", "list", "web", "--offset", str(2**63))
    assert result.exit_code == 2
    assert "is not in the range" in result.stderr


def refused(status: int, message: str) -> ApiError:
    """Return what the server answers."""
    return ApiError(status, "Refused", message, "r1")


@pytest.mark.parametrize(
    ("words", "message", "told"),
    [
        (("leak", "show"), "leak_id: must be a UUID", "LEAK: must be a UUID"),
        (("leak", "report"), "reports.0.where: too long; x: y", "--where: too long; x: y"),
        (("destination", "add"), "settings.path: is no path", "--set path: is no path"),
        (("rotation", "create"), "projectId: no such; name: taken", "--project: no such; --name"),
        (("rotation", "preview"), "schedule.staggerSeconds: 1", "--stagger: 1"),
        (("rotation", "show"), "policy.soakSeconds: too long", "policy.soakSeconds: too long"),
    ],
)
def test_fields_are_called_by_their_options(
    words: tuple[str, str], message: str, told: str
) -> None:
    """What a request calls it says nothing to whoever typed an option; what has none stays."""
    group = cli.get_command(click.Context(cli), words[0])
    assert isinstance(group, click.Group)
    with click.Context(group.commands[words[1]]):
        assert told_by_server(refused(422, message)).startswith(told)
        assert told_by_server(refused(400, message)).startswith(message)


def test_a_folder_that_is_not_there_can_be_made() -> None:
    """Whoever names one that is missing is told by what."""
    told = told_by_server(refused(400, "There is no folder /web in example/prod."))
    assert "in example/prod. `keyturn folder create` makes one. (HTTP 400" in told


def test_whoever_leaves_out_the_environment_is_told_what_lists_them() -> None:
    """They are known to the server alone."""
    result = keyturn("secret", "get", "A")
    assert result.exit_code == 2
    assert "Missing option '--env'. `keyturn environment list` has those" in result.stderr


def test_a_port_that_is_taken_is_told_with_what_names_another(tmp_path: Path) -> None:
    """The address is named, and by what another one is chosen."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ready = str(tmp_path / "org.json")
        result = keyturn("sandbox", "--http-port", port, "--ready-file", ready)
        context = click.Context(serve, info_name="serve")
        with context, pytest.raises(OSError, match="in use") as caught:
            socket.create_server(("127.0.0.1", int(port)))
        with context:
            told = told_by_machine(caught.value)
    assert result.exit_code == 1
    assert port in result.stderr
    assert "choose another by --http-port" in result.stderr
    assert told.endswith("choose another by --port, KEYTURN_PORT, KEYTURN_METRICS_ADDRESS.")


def test_a_reader_that_has_enough_is_no_fault() -> None:
    """`keyturn … | head` says nothing of a pipe that was closed."""

    @click.command()
    def command() -> None:
        async def work() -> None:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")

        run(work())

    result = CliRunner().invoke(command)
    assert (result.exit_code, result.stderr) == (1, "")


def test_a_file_of_secrets_is_not_overwritten(tmp_path: Path) -> None:
    """A file that `init` would write to is named with what to do, and nothing is set up."""
    out = tmp_path / "init.json"
    out.write_text("kept")
    result = keyturn("init", "--out", str(out), KEYTURN_DATA_DIR=str(tmp_path / "data"))
    assert result.exit_code == 1
    assert "is there already" in result.stderr
    assert "name another file by --out" in result.stderr
    assert (out.read_text(), (tmp_path / "data").exists()) == ("kept", False)
