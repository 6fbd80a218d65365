"""`keyturn plan`, `keyturn apply` and `keyturn fleet export`, against a server and an org."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import pytest
from command_kit import KEYTURN, LIMIT_S, House, commanded, make_app, served

from keyturn.cli.fleet_apply import value_at

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Give an installation that runs."""
    with commanded(tmp_path_factory.mktemp("house"), public_url="") as it:
        yield it


def test_a_file_is_planned_and_applied(house: House, tmp_path: Path) -> None:
    """What was exported changes nothing; what is written besides is shown, agreed to and done."""
    file = tmp_path / "fleet.yaml"
    at = ("-f", str(file))
    file.write_text(house.run("fleet", "export").stdout)
    plan = ("plan", *at, "--detailed-exitcode")
    assert "Nothing is to be changed." in house.run(*plan).stdout
    file.write_text(
        "version: 1\n"
        "projects: [{slug: shop, name: Shop, environments: [{slug: prod, name: Live}]}]\n"
        "identities: [{name: pipeline, role: viewer}]\n"
    )
    told = house.run(*plan, code=2).stdout
    assert "+ create project shop  (line 2)" in told
    assert '~ update environment shop/prod  (line 2)\n    name: "Production" -> "Live"' in told
    assert "3 changes; 0 calls of Okta at most\n" in told
    assert "things are not in the file and stay:" in told
    assert "say --yes" in house.run("apply", *at, code=2).output
    done = house.run("apply", *at, "--yes").stdout
    assert "3/3 done: create identity pipeline" in done
    assert done.endswith("3 done, 0 left.\n")
    again = json.loads(house.run("apply", *at, "--yes", "--json").stdout)
    assert again == {"done": [], "failed": [], "left": 0}


def test_a_failure_is_told_with_its_change(house: House, tmp_path: Path) -> None:
    """The exit code is 1, and what was done is told all the same."""
    file = tmp_path / "fleet.yaml"
    file.write_text(
        "version: 1\nidentities: [{name: a}]\n"
        "connections: [{name: b, instanceUrl: 'https://127.0.0.1:9', method: api-token, "
        "credential: 'env:PATH'}]\n"
    )
    failed = house.run("apply", "-f", str(file), "--yes", "--keep-going", code=1)
    assert "1/2 done: create identity a" in failed.stdout
    assert "2/2 failed: create connection b" in failed.stdout
    assert "create connection b: " in failed.stderr
    file.write_text("version: 1\nidentities: [{}]\n")
    assert "Required (line 2)" in house.run("plan", "-f", str(file), code=1).stderr


FOLDERS = ", ".join(f"/folder-{number:03}" for number in range(160))
MANY = f"""
version: 1
projects:
  - slug: many
    name: Many
    environments: [{{slug: prod, folders: [{FOLDERS}]}}]
"""


@contextmanager
def applying(house: House, file: Path, *more: str) -> Iterator["subprocess.Popen[str]"]:
    """Begin to apply a file, and go on once something of it is done."""
    command = (*KEYTURN, "apply", "-f", str(file), "--yes", *more)
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, env=os.environ | house.env, stdout=pipe, stderr=pipe, text=True
    ) as process:
        assert process.stdout
        next(line for line in process.stdout if " done: " in line)
        yield process


def test_ctrl_c_says_how_to_go_on(house: House, tmp_path: Path) -> None:
    """What was done stays; applied again, it goes on where it ended."""
    file = tmp_path / "fleet.yaml"
    file.write_text(MANY)
    with applying(house, file) as process:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=LIMIT_S)
    assert process.returncode != 0
    assert re.search(r"Stopped\. \d+ of 161 are known to be done\.", errors)
    assert "apply the file again, and it goes on where it ended" in errors
    assert house.run("apply", "-f", str(file), "--yes").stdout.endswith(" done, 0 left.\n")
    assert house.ask("plan", "-f", str(file))["changes"] == []


def test_what_failed_is_told_when_the_plan_is_another(house: House, tmp_path: Path) -> None:
    """Of two that apply at once, the one that stops says why what it tried has failed."""
    file, other = tmp_path / "fleet.yaml", tmp_path / "other.yaml"
    people = [f"  - {{name: one-{number:03}}}\n" for number in range(120)]
    connection = (
        "connections: [{name: dead, instanceUrl: 'https://127.0.0.1:9', method: api-token, "
        "credential: 'env:PATH'}]\n"
    )
    file.write_text(f"version: 1\n{connection}identities:\n{''.join(people)}")
    other.write_text(f"version: 1\nidentities:\n{people[-1]}")
    with applying(house, file, "--keep-going") as process:
        process.send_signal(signal.SIGSTOP)
        house.run("apply", "-f", str(other), "--yes")
        process.send_signal(signal.SIGCONT)
        _, errors = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 1
    assert errors.startswith("create connection dead: ")
    assert "plan again, and look" in errors


def test_a_file_is_piped_in(house: House) -> None:
    """It is planned and applied as any other; it cannot refer to the same pipe."""
    text = "version: 1\nidentities: [{name: piped}]\n"
    assert "create identity piped" in house.run("plan", "-f", "-", stdin=text).stdout
    assert "say --yes" in house.run("apply", "-f", "-", stdin=text, code=2).output
    applied = house.run("apply", "-f", "-", "--yes", stdin=text).stdout
    assert applied.endswith("1 done, 0 left.\n")
    text = (
        "version: 1\nconnections: [{name: b, instanceUrl: 'https://b.okta.com', method: api-token, "
        "credential: stdin}]\n"
    )
    told = house.run("apply", "-f", "-", "--yes", stdin=text, code=2).output
    assert "Standard input holds the file itself" in told


def test_a_killed_server_is_told_and_made_good(tmp_path: Path) -> None:
    """The command ends and says how to go on; another server goes on."""
    env = {"KEYTURN_DATA_DIR": str(tmp_path / "data"), "KEYTURN_LOG_FILE": str(tmp_path / "log")}
    init = (*KEYTURN, "init", "--json")
    made = subprocess.run(init, env=os.environ | env, capture_output=True, check=True)
    env |= {"KEYTURN_TOKEN": json.loads(made.stdout)["adminToken"]}
    file = tmp_path / "fleet.yaml"
    file.write_text(MANY)

    def at(line: str) -> House:
        return House(env | {"KEYTURN_URL": line.rsplit(maxsplit=1)[-1]}, {}, {}, "")

    with subprocess.Popen(
        (*KEYTURN, "serve", "--port", "0"),
        env=os.environ | env,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout
        with applying(at(server.stdout.readline()), file) as process:
            server.kill()
            _, errors = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 1
    assert "are known to be done. Nothing is lost: apply the file again" in errors
    with served(env, "serve", "--port", "0") as line:
        again = at(line)
        assert again.run("apply", "-f", str(file), "--yes").stdout.endswith(" done, 0 left.\n")
        assert again.ask("plan", "-f", str(file))["changes"] == []


def test_the_calls_of_okta_are_listed(house: House, tmp_path: Path) -> None:
    """Each under its change while they are few, or when asked for; a program is told them all."""
    app = make_app(house.org, house.port)["id"]
    file = tmp_path / "fleet.yaml"
    file.write_text(
        "version: 1\nrotations:\n"
        "  - {name: other, project: example, environment: dev, connection: org, "
        f"app: {app}, mapping: {{clientId: A_ID, clientSecret: A_SECRET}}}}\n"
    )
    at = ("-f", str(file))
    told = house.run("plan", *at).stdout
    assert re.search(
        rf"\+ adopt rotation .*:other  \(line 3; app {app}; 6 calls at most by second", told
    )
    assert re.search(
        r"\d s  GET  /api/v1/apps/\{appId\}/credentials/secrets  look again, and add a client", told
    )
    assert re.search(
        r"1 change; 6 calls of Okta at most, in \d+ seconds? at the allowed rate\n", told
    )
    short = house.run("plan", *at, "--no-calls").stdout
    assert "GET" not in short
    assert "(--calls lists them)" in short
    [change] = house.ask("plan", *at)["changes"]
    assert [each["method"] for each in change["calls"]] == ["GET"] * 4 + ["POST"] * 2


def test_credentials_come_from_where_the_file_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the environment or a file of this machine; what is not there is told."""
    file = tmp_path / "key"
    file.write_text("canary\n")
    assert value_at(f"file:{file}") == "canary"
    monkeypatch.setenv("FLEET_TOKEN", "canary")
    assert value_at("env:FLEET_TOKEN") == "canary"
    monkeypatch.delenv("FLEET_TOKEN")
    with pytest.raises(click.UsageError, match="no FLEET_TOKEN"):
        value_at("env:FLEET_TOKEN")
    with pytest.raises(click.UsageError):
        value_at("file:/nowhere/at/all")
