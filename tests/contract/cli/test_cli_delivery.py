"""Secrets go into a process, a file, and back: by commands, against a server that runs."""

import json
import os
import pty
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx2
import pytest
from click.testing import CliRunner, Result
from dotenv import dotenv_values

from keyturn.cli.main import cli
from keyturn.formats.dotenv import render_dotenv

pytestmark = pytest.mark.slow

KEYTURN = (sys.executable, "-m", "keyturn")
PLACE = ("--env", "dev")
AWKWARD = {"LINES": "1\n2\n", "QUOTES": "'\"\\", "MONEY": "$HOME `id`", "EMPTY": "", "E": "é😀"}
LIMIT_S = 60
SAYS = """
trap 'echo stopped; exit 5' TERM
trap 'echo told' HUP
echo ready $A
while :; do sleep 0.05; done
"""


@dataclass(frozen=True)
class House:
    """A server that runs, and how it is reached."""

    env: dict[str, str]
    path: str = "/"

    def run(self, *words: str, code: int = 0) -> Result:
        """Run a command that is to end with this code; show its errors if it does not."""
        result = CliRunner(env=self.env).invoke(cli, [*words, *PLACE, "--path", self.path])
        assert result.exit_code == code, result.stderr
        return result

    def bring(self, folder: Path, text: str, *flags: str) -> dict[str, list[str]]:
        """Import a dotenv text, and return the plan."""
        file = folder / "brought.env"
        file.write_text(text)
        plan = json.loads(self.run("import", "dotenv", str(file), "--json", *flags).stdout)
        return {sort: names for sort, names in plan.items() if names}

    def values(self) -> dict[str, str]:
        """Return what the folder gives."""
        values: dict[str, str] = json.loads(self.run("export", "--format", "json").stdout)
        return values

    def start(self, *flags: str, script: str = SAYS) -> "subprocess.Popen[str]":
        """Run a script with the folder's secrets, in a process of its own."""
        words = ("run", *PLACE, "--path", self.path, *flags, "--", "sh", "-c", script)
        out, env = subprocess.PIPE, os.environ | self.env
        return subprocess.Popen((*KEYTURN, *words), env=env, text=True, stdout=out, stderr=out)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


@contextmanager
def serving(env: dict[str, str], port: str = "0") -> Iterator[str]:
    """Serve until the block ends; give the address."""
    command = (*KEYTURN, "serve", "--port", port)
    with subprocess.Popen(
        command, env=os.environ | env, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().split()[-1]
        finally:
            process.send_signal(signal.SIGTERM)


@contextmanager
def ended(process: "subprocess.Popen[str]", number: int = signal.SIGTERM) -> Iterator[list[str]]:
    """Wait until the script is ready; in the end send a signal. Gives what it said first."""
    assert process.stdout
    said = [process.stdout.readline().strip()]
    try:
        yield said
        process.send_signal(number)
        said += process.communicate(timeout=LIMIT_S)
    finally:
        process.terminate()
        process.wait(LIMIT_S)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Set up an installation, and return the environment of who uses it."""
    folder = tmp_path_factory.mktemp("house")
    env = {"KEYTURN_DATA_DIR": str(folder / "data"), "KEYTURN_LOG_FILE": str(folder / "log")}
    init = (*KEYTURN, "init", "--json")
    made = subprocess.run(init, env=os.environ | env, capture_output=True, check=True)
    told = json.loads(made.stdout)
    login = {"KEYTURN_CLIENT_ID": told["clientId"], "KEYTURN_CLIENT_SECRET": told["clientSecret"]}
    return env | login | {"KEYTURN_TOKEN": "", "ADMIN": told["adminToken"]}


@pytest.fixture(scope="module")
def server(installed: dict[str, str]) -> Iterator[House]:
    """Serve; commands log in by an identity."""
    with serving(installed) as url:
        yield House(installed | {"KEYTURN_URL": url})


@pytest.fixture
def house(server: House, request: pytest.FixtureRequest) -> House:
    """Give each test a folder of its own."""
    name = request.node.name.partition("[")[0]
    headers = {"authorization": f"Bearer {server.env['ADMIN']}"}
    body = {"workspaceId": "example", "environment": "dev", "name": name, "path": "/"}
    url = f"{server.env['KEYTURN_URL']}/api/v1/folders"
    httpx2.post(url, json=body, headers=headers, trust_env=False)
    return replace(server, path=f"/{name}")


def test_what_was_imported_is_exported(house: House, tmp_path: Path) -> None:
    """Awkward values come back as they were, from a file that only its owner may read."""
    text = render_dotenv(AWKWARD)
    assert house.bring(tmp_path, text)["new"] == sorted(AWKWARD)
    out = tmp_path / "out.env"
    result = house.run("export", "--out", str(out))
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert dotenv_values(out, interpolate=False) == AWKWARD == house.values()
    assert (result.stdout, "5 secrets" in result.stderr) == ("", True)
    assert {each.name for each in tmp_path.iterdir()} == {"out.env", "brought.env"}


def test_folders_below_are_taken_when_asked(house: House, tmp_path: Path) -> None:
    """From the top, a secret of this folder is there with --recursive alone."""
    house.bring(tmp_path, "BELOW=1\n")
    top = replace(house, path="/")
    assert "BELOW" not in top.values()
    assert '"BELOW","1"' in top.run("export", "--format", "csv", "--recursive").stdout


def test_an_import_is_planned_before_it_is_done(house: House, tmp_path: Path) -> None:
    """A plan writes nothing; without --overwrite what differs is left; values are not told."""
    assert house.bring(tmp_path, "A=1\nB=1\n")["written"] == ["A", "B"]
    text = "A=1\nB=marked\nC=marked\n"
    plan = {"new": ["C"], "changed": ["B"], "same": ["A"]}
    assert house.bring(tmp_path, text, "--plan") == plan
    assert house.bring(tmp_path, text) == plan | {"written": ["C"]}
    assert house.values() == {"A": "1", "B": "1", "C": "marked"}
    said = house.run("import", "dotenv", str(tmp_path / "brought.env"), "--overwrite").output
    assert house.values()["B"] == "marked"
    assert "marked" not in said


def test_what_a_format_cannot_hold_is_refused_whole(house: House, tmp_path: Path) -> None:
    """The name is told, nothing is written, and the file of before stays."""
    house.bring(tmp_path, "A.B=marked\n")
    out = tmp_path / "out"
    out.write_text("before")
    stderr = house.run("export", "--out", str(out), code=1).stderr
    assert "A.B" in stderr
    assert "marked" not in stderr
    assert out.read_text() == "before"


def test_a_command_is_run_with_the_secrets(house: House, tmp_path: Path) -> None:
    """They are in its environment, what is set stays, and its exit code is passed on."""
    house.bring(tmp_path, "A=1\nPATH=/nowhere\nNO.NAME=marked\n")
    process = house.start("--prefix", "", script='echo "$A"; exit 7')
    stdout, stderr = process.communicate(timeout=LIMIT_S)
    assert (stdout, process.returncode) == ("1\n", 7)
    assert "PATH" in stderr
    assert "NO.NAME" in stderr
    assert "marked" not in stderr


@pytest.mark.parametrize(
    ("flags", "told"), [((), "none"), (("--pass-credentials",), "kt_cs_")], ids=["", "passed"]
)
def test_keyturns_own_credentials_stay_behind(
    house: House, flags: tuple[str, ...], told: str
) -> None:
    """The command has them where that is asked for; everything else it inherits as ever."""
    script = 'echo "${KEYTURN_CLIENT_SECRET-none}" "$KEYTURN_CLIENT_ID" "$KEYTURN_URL"'
    stdout, _ = house.start(*flags, script=script).communicate(timeout=LIMIT_S)
    secret, client_id, url = stdout.split()
    assert secret.startswith(told)
    assert (client_id, url) == (house.env["KEYTURN_CLIENT_ID"], house.env["KEYTURN_URL"])


@pytest.mark.parametrize(
    ("script", "code"), [("kill -9 $$", 137), ("kill -TERM $$", 143), ("nope-nope", 127)]
)
def test_the_end_of_a_command_is_told_as_a_shell_does(house: House, script: str, code: int) -> None:
    """A signal is 128 and its number."""
    process = house.start(script=script)
    process.communicate(timeout=LIMIT_S)
    assert process.returncode == code


def test_a_command_that_is_not_there_is_named(house: House) -> None:
    """No such command is 127, and one that is no program 126, as a shell has it."""
    done = {
        word: subprocess.run(
            (*KEYTURN, "run", *PLACE, "--", word),
            env=os.environ | house.env,
            capture_output=True,
            text=True,
            check=False,
        )
        for word in ("nope-nope", "/etc/passwd")
    }
    assert [(each.returncode, word in each.stderr) for word, each in done.items()] == [
        (127, True),
        (126, True),
    ]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 5), (signal.SIGINT, 130)])
def test_signals_reach_the_command(house: House, number: int, code: int) -> None:
    """The command decides what a signal means, and its exit code is ours."""
    process = house.start()
    with ended(process, number) as said:
        process.send_signal(signal.SIGHUP)
        assert process.stdout
        said.append(process.stdout.readline().strip())
    assert said[1] == "told"
    assert process.returncode == code


def test_the_command_has_a_group_of_its_own(house: House) -> None:
    """Its group is not ours, so that what is for us is not delivered to it twice."""
    process = house.start(script="ps -o pgid= -p $$; echo $$")
    stdout, _ = process.communicate(timeout=LIMIT_S)
    group, pid = stdout.split()
    assert group == pid


def test_a_new_value_restarts_the_command(house: House, tmp_path: Path) -> None:
    """The command is asked to stop, and starts with the new value."""
    house.bring(tmp_path, "A=first\n")
    process = house.start("--on-change", "restart", "--interval", "1s")
    with ended(process) as said:
        house.bring(tmp_path, "A=second\n", "--overwrite")
        assert process.stdout
        said += [process.stdout.readline().strip() for _ in range(2)]
    assert said[:3] == ["ready first", "stopped", "ready second"]
    assert process.returncode == 5


def test_a_new_value_signals_the_command(house: House, tmp_path: Path) -> None:
    """The command goes on, and is told."""
    house.bring(tmp_path, "A=first\n")
    process = house.start("--on-change", "signal:HUP", "--interval", "1s")
    with ended(process) as said:
        house.bring(tmp_path, "A=second\n", "--overwrite")
        assert process.stdout
        said.append(process.stdout.readline().strip())
    assert said[:2] == ["ready first", "told"]


def test_a_server_that_goes_away_stops_nothing(installed: dict[str, str]) -> None:
    """It is told once, the command runs on, and when the server is back that is told."""
    port = str(free_port())
    own = installed | {"KEYTURN_DATA_DIR": installed["KEYTURN_DATA_DIR"] + "-away"}
    init = (*KEYTURN, "init", "--json")
    made = subprocess.run(init, env=os.environ | own, capture_output=True, check=True)
    own |= {"KEYTURN_TOKEN": json.loads(made.stdout)["adminToken"]}
    with serving(own, port) as url:
        house = House(own | {"KEYTURN_URL": url})
        process = house.start("--on-change", "restart", "--interval", "1s")
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    assert process.stderr
    said = [process.stderr.readline()]
    with serving(own, port):
        said.append(process.stderr.readline())
    process.terminate()
    process.communicate(timeout=LIMIT_S)
    assert "stays in force" in said[0]
    assert "answers again" in said[1]
    assert process.returncode == 5


def test_a_terminal_is_lent_to_the_command(house: House) -> None:
    """What is typed reaches the command, and Ctrl-C is for it alone."""
    script = "trap 'exit 9' INT; read line; echo got $line; while :; do sleep 0.05; done"
    words = (*KEYTURN, "run", *PLACE, "--path", house.path, "--", "sh", "-c", script)
    ours, theirs = pty.openpty()
    opened = ("sh", "-c", 'exec "$@" <"$0" >"$0" 2>&1', os.ttyname(theirs))
    with subprocess.Popen(
        (*opened, *words), env=os.environ | house.env, start_new_session=True
    ) as process:
        os.write(ours, b"typed\n")
        said = b""
        while b"got typed" not in said:
            said += os.read(ours, 4096)
        os.write(ours, b"\x03")
        assert process.wait(LIMIT_S) == 9
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize(
    "words",
    [
        ("--on-change", "signal:NOPE"),
        ("--on-change", "HUP"),
        ("--interval", "0"),
        ("--interval", "x"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(words: tuple[str, str]) -> None:
    """Before anything is asked of the server."""
    result = CliRunner().invoke(cli, ["run", *PLACE, *words, "--", "true"])
    assert result.exit_code == 2
    assert words[1] in result.stderr


def test_no_credentials_are_told_with_the_variables() -> None:
    """Half of an identity is none."""
    env = {"KEYTURN_TOKEN": "", "KEYTURN_CLIENT_ID": "id", "KEYTURN_CLIENT_SECRET": ""}
    result = CliRunner(env=env).invoke(cli, ["export", *PLACE])
    assert result.exit_code == 1
    assert "KEYTURN_CLIENT_SECRET" in result.stderr
