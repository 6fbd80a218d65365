"""Destinations by commands, against a server that runs."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from keyturn.cli.destination import delivered
from keyturn.cli.main import cli
from keyturn.wire.destinations import Destination

pytestmark = pytest.mark.slow

KEYTURN = (sys.executable, "-m", "keyturn")
ADD = ("destination", "add", "file", "web", "--env", "dev", "--set", "path=web.json")


@dataclass(frozen=True)
class House:
    """A server that runs, and the folder in which it may write files."""

    env: dict[str, str]
    out: Path

    def run(self, *words: str, code: int = 0) -> Result:
        """Run a command that is to end with this code; show its errors if it does not."""
        result = CliRunner(env=self.env).invoke(cli, words)
        assert result.exit_code == code, result.stderr
        return result

    def ask(self, *words: str) -> Any:  # noqa: ANN401  JSON
        """Run a command and read its JSON."""
        return json.loads(self.run(*words, "--json").stdout)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Set up an installation with one secret, and serve it; nothing is ticked for a while."""
    folder = tmp_path_factory.mktemp("house")
    env = {
        "KEYTURN_DATA_DIR": str(folder / "data"),
        "KEYTURN_LOG_FILE": str(folder / "log"),
        "KEYTURN_DELIVERY_DIR": str(folder / "out"),
    }
    made = subprocess.run(
        (*KEYTURN, "init", "--json"), env=os.environ | env, capture_output=True, check=True
    )
    env["KEYTURN_TOKEN"] = json.loads(made.stdout)["adminToken"]
    command = (*KEYTURN, "serve", "--port", "0")
    with subprocess.Popen(
        command, env=os.environ | env, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        try:
            env["KEYTURN_URL"] = process.stdout.readline().split()[-1]
            (folder / "in.env").write_text("A=canary-one\n")
            it = House(env, folder / "out")
            it.run("import", "dotenv", str(folder / "in.env"), "--env", "dev")
            yield it
        finally:
            process.send_signal(signal.SIGTERM)


@pytest.fixture
def web(house: House) -> Iterator[str]:
    """Add a destination, and remove it in the end."""
    made: str = house.ask(*ADD)["id"]
    yield made
    house.run("destination", "remove", made)


def test_a_destination_is_added_shown_and_delivered_to(house: House, web: str) -> None:
    """The file is there once it was delivered to by hand, and no command shows the value."""
    told = house.run("destination", "deliver", "web")
    assert json.loads((house.out / "web.json").read_text()) == {"A": "canary-one"}
    shown = house.run("destination", "show", web)
    assert "confirmed" in shown.stdout
    assert "read back" in shown.stdout
    assert "canary" not in told.stdout + shown.stdout
    assert house.ask("destination", "show", web)["deliveries"][0]["confirmedVersion"] == 1
    assert house.ask("destination", "list")["destinations"][0]["name"] == "web"


@pytest.mark.parametrize("ends", [{"state": "confirmed"}, {"state": "waiting", "attempts": 1}])
async def test_what_a_worker_has_in_hand_is_waited_for(ends: dict[str, object]) -> None:
    """The command answers once it is known how it went, not while somebody else is at it."""
    before = Destination.model_construct(state="waiting", attempts=0)
    looks = [before, Destination.model_construct(**{"attempts": 0, **ends})]

    class Busy:
        async def deliver(self, destination_id: str) -> Destination:
            return before

        async def read_destination(self, destination_id: str) -> Destination:
            return looks.pop(0)

    found = await delivered(Busy(), "d")  # type: ignore[arg-type]
    assert (found.state, looks) == (ends["state"], [])


def test_a_plan_changes_nothing(house: House) -> None:
    """What would be brought is said; nothing is stored, and nothing is written."""
    told = house.run(*ADD, "--plan").stdout
    assert "every secret of example/dev/ would be brought to web (file)" in told
    assert house.ask("destination", "list") == {"destinations": []}
    house.ask(*ADD)
    plan = house.ask("destination", "deliver", "web", "--plan")["plan"]
    assert plan[1:] == ["A version 1 as A"]
    house.run("destination", "remove", "web")


def test_a_destination_is_changed_paused_and_resumed(house: House, web: str) -> None:
    """Each command answers with how it stands then."""
    changed = house.ask("destination", "update", web, "--map", "A=ALPHA", "--optional")
    assert (changed["mapping"], changed["required"]) == ({"A": "ALPHA"}, False)
    assert house.ask("destination", "pause", web)["state"] == "paused"
    assert house.ask("destination", "resume", web)["state"] == "waiting"
    house.run("destination", "deliver", web)
    assert "ALPHA" in (house.out / "web.json").read_text()


def test_credentials_are_never_arguments(house: House, tmp_path: Path) -> None:
    """They come from a file or the environment, and are named where they are not there."""
    (tmp_path / "token").write_text("canary-token\n")
    add = ("destination", "add", "github-actions", "gh", "--env", "dev", "--set", "repository=o/r")
    lacking = house.run(*add, "--credential-env", "token=NOWHERE", code=2)
    assert "NOWHERE" in lacking.stderr
    made = house.run(*add, "--credential-file", f"token={tmp_path / 'token'}", "--json")
    assert "canary" not in made.stdout
    house.run("destination", "remove", "gh")


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("show", "nowhere"), 1, "keyturn destination list"),
        (("update", "nowhere"), 2, "Say what to change"),
        (("add", "file", "x", "--env", "dev", "--set", "path"), 2, "NAME=TEXT"),
        (("add", "file", "x", "--env", "dev"), 1, "--set path: Required"),
        (("add", "file", "x", "--env", "dev", "--set-file", "path=/nowhere"), 2, "cannot be read"),
    ],
)
def test_errors_say_what_to_do(house: House, words: tuple[str, ...], code: int, told: str) -> None:
    """A wrong word ends with a sentence about it."""
    assert told in house.run("destination", *words, code=code).stderr
