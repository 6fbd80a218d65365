"""`keyturn plan`, `keyturn apply` and `keyturn fleet export`, against a server and an org."""

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from command_kit import House, commanded

from keyturn.cli.fleet_file import value_at

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
    assert "3 changes; 0 calls of Okta at most" in told
    assert "things are not in the file and stay:" in told
    assert "say --yes" in house.run("apply", *at, code=2).output
    done = house.run("apply", *at, "--yes").stdout
    assert "done: create identity pipeline" in done
    assert done.endswith("3 done, 0 left.\n")
    again = json.loads(house.run("apply", *at, "--yes", "--json").stdout)
    assert again == {"done": [], "failed": [], "left": 0}


def test_a_failure_is_told_with_its_change(house: House, tmp_path: Path) -> None:
    """The exit code is 1, and what was done is told all the same."""
    file = tmp_path / "fleet.yaml"
    file.write_text("version: 1\nidentities: [{name: a}, {name: b, role: no-such-role}]\n")
    failed = house.run("apply", "-f", str(file), "--yes", code=1)
    assert "done: create identity a" in failed.stdout
    assert "create identity b: role: must be the slug" in failed.stderr
    file.write_text("version: 1\nidentities: [{}]\n")
    assert "Required (line 2)" in house.run("plan", "-f", str(file), code=1).stderr


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
