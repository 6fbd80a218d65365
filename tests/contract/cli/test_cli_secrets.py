"""Secrets and folders that are written by hand, by commands, against a server that runs."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from command_kit import KEYTURN

from keyturn.cli.main import cli

pytestmark = pytest.mark.slow
CANARY = "canary-of-a-value"


@dataclass(frozen=True)
class House:
    """A server that runs, and how it is reached."""

    env: dict[str, str]

    def run(self, *words: str, stdin: str = "", code: int = 0) -> Result:
        """Run a command of the development that is to end with this code."""
        result = CliRunner(env=self.env).invoke(cli, [*words, "--env", "dev"], input=stdin)
        assert result.exit_code == code, result.output
        return result

    def ask(self, *words: str) -> Any:  # noqa: ANN401  JSON
        """Run a command and read its JSON."""
        return json.loads(self.run(*words, "--json").stdout)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Serve a new installation until the tests are over."""
    folder = tmp_path_factory.mktemp("house")
    env = {"KEYTURN_DATA_DIR": str(folder / "data"), "KEYTURN_LOG_FILE": str(folder / "log")}
    whole, pipe = os.environ | env, subprocess.PIPE
    init = subprocess.run((*KEYTURN, "init", "--json"), env=whole, stdout=pipe, check=True)
    env["KEYTURN_TOKEN"] = json.loads(init.stdout)["adminToken"]
    command = (*KEYTURN, "serve", "--port", "0")
    with subprocess.Popen(command, env=whole, stdout=pipe, text=True) as process:
        assert process.stdout
        try:
            yield House(env | {"KEYTURN_URL": process.stdout.readline().split()[-1]})
        finally:
            process.send_signal(signal.SIGTERM)


def test_a_secret_is_set_changed_and_deleted(house: House) -> None:
    """Each new value is the next version; what is beside it is changed without one."""
    told = house.run("secret", "set", "KEY", "--stdin", "--comment", "Mine", stdin=f"{CANARY}\n")
    assert told.output == "KEY: version 1 is served\n"
    house.run("secret", "set", "KEY", stdin="v2\nv2\n")
    assert house.ask("secret", "get", "KEY") == {"name": "KEY", "version": 2, "value": "v2"}
    versions = house.ask("secret", "versions", "KEY")["versions"]
    assert [(each["version"], each["state"]) for each in versions] == [
        (2, "current"),
        (1, "previous"),
    ]
    assert CANARY not in house.run("secret", "versions", "KEY").output
    house.run("secret", "edit", "KEY", "--name", "OTHER", "--metadata", "owner=me=you")
    assert house.ask("secret", "get", "OTHER")["version"] == 2
    house.run("secret", "delete", "OTHER", stdin="n\n", code=1)
    assert house.ask("secret", "delete", "OTHER", "--yes") == {"name": "OTHER", "version": 2}
    assert "There is no secret OTHER" in house.run("secret", "get", "OTHER", code=1).output


def test_what_would_change_nothing_or_nothing_known_is_refused(house: House) -> None:
    """Before anything is asked of the server, or of its tags."""
    house.run("secret", "edit", "KEY", code=2)
    house.run("secret", "set", "KEY", "--stdin", "--metadata", "no sign", code=2)
    told = house.run("secret", "set", "KEY", "--stdin", "--tag", "none", stdin="v", code=1)
    assert "no tag none" in told.output
    assert "no secret KEY" in house.run("secret", "versions", "KEY", code=1).output


def test_folders_are_made_renamed_and_deleted(house: House) -> None:
    """With those above them, and all that is in them."""
    assert house.ask("folder", "create", "--path", "/a/b") == {"path": "/a/b"}
    house.run("folder", "rename", "c", "--path", "/a/b", "--description", "Of the shop")
    found = house.ask("folder", "list")["folders"]
    assert [(each["path"], each["description"]) for each in found] == [
        ("/a", None),
        ("/a/c", "Of the shop"),
    ]
    assert [each["path"] for each in house.ask("folder", "list", "--path", "/a")["folders"]] == [
        "/a/c"
    ]
    house.run("folder", "delete", "--path", "/a", stdin="n\n", code=1)
    house.run("folder", "delete", "--path", "/a", "--yes")
    assert house.run("folder", "list").output == "none\n"


def test_a_folder_imports_others_in_an_order(house: House) -> None:
    """A source is named by its environment and its path."""
    for name in ("x", "y"):
        house.run("folder", "create", "--path", f"/{name}")
        house.run("folder", "import", "add", f"dev/{name}")
    house.run("folder", "import", "move", "dev/y", "1")
    listed = house.run("folder", "import", "list").output.splitlines()
    assert [line.split() for line in listed[1:]] == [["1", "dev/y"], ["2", "dev/x"]]
    assert house.ask("folder", "import", "remove", "dev/y") == {"source": "dev/y", "position": 1}
    told = house.run("folder", "import", "remove", "dev/y", code=1)
    assert "does not read from dev/y" in told.output
    house.run("folder", "import", "remove", "dev/x")


@pytest.mark.parametrize(
    ("form", "text"),
    [("dotenv", "A=1\nB='two'\n"), ("json", '{"A": "1", "B": "two"}'), ("yaml", "A: 1\nB: two\n")],
)
def test_a_file_of_any_format_is_brought(
    house: House, form: str, text: str, tmp_path: Path
) -> None:
    """First what would change, then the change; one that is no such file is told by its line."""
    path = f"/{form}"
    house.run("folder", "create", "--path", path)
    file = tmp_path / "file"
    file.write_text(text)
    plan = house.ask("import", form, str(file), "--path", path, "--plan")
    assert (plan["new"], plan["written"]) == (["A", "B"], [])
    house.run("import", form, str(file), "--path", path)
    values = json.loads(house.run("export", "--format", "json", "--path", path).stdout)
    assert values == {"A": "1", "B": "two"}
    file.write_text(f"{{{CANARY}")
    told = house.run("import", form, str(file), code=1)
    assert CANARY not in told.output
