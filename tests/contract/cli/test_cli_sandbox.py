"""`keyturn sandbox`: several orgs, and orgs that are kept in a file."""

import json
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from keyturn.cli.main import cli

PORTS = ("--http-port=0", "--https-port=0", "--control-port=0")


@contextmanager
def running(*flags: str) -> Iterator[Any]:
    """Run the command until the block ends and give what it said when it was ready."""
    command = [sys.executable, "-m", "keyturn", "sandbox", *PORTS, "--json", *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "}\n")
        said = "".join(lines)
        try:
            yield json.loads(said + "}")
        finally:
            process.terminate()
            assert process.wait(30) == 0


@pytest.mark.slow
def test_several_orgs() -> None:
    """Each --org is there by its name; the first one is the one without a name."""
    with running("--org", "prod=1", "--org", "preview=2:free") as ready:
        assert [org["name"] for org in ready["orgs"]] == ["prod", "preview"]
        assert ready["ssws_token"] == ready["orgs"][0]["ssws_token"]
        assert ready["orgs"][1]["named_http_url"].startswith("http://preview.localhost:")


@pytest.mark.slow
def test_an_org_is_kept(tmp_path: Path) -> None:
    """The first start makes the org, the next ones go on with it, and the file is private."""
    path = tmp_path / "orgs.json"
    flags = ("--load", str(path), "--save", str(path), "--seed=4")
    with running(*flags) as first:
        pass
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with running(*flags) as second:
        assert second["service_private_jwk"] == first["service_private_jwk"]
        assert second["app"] == first["app"]


@pytest.mark.parametrize("org", ["prod", "=1", "prod=x", "prod=1:huge", "Prod=1", "prod="])
def test_an_org_that_cannot_be(org: str) -> None:
    """A name or seed that cannot be is refused with the form that is wanted."""
    result = CliRunner().invoke(cli, ["sandbox", *PORTS, "--org", org])
    assert (result.exit_code, f"--org {org}" in result.output) == (2, True)


def test_one_name_twice() -> None:
    """Two orgs cannot have one name."""
    result = CliRunner().invoke(cli, ["sandbox", *PORTS, "--org", "a=1", "--org", "a=2"])
    assert (result.exit_code, "only once" in result.output) == (2, True)


def test_a_file_brings_its_orgs(tmp_path: Path) -> None:
    """Orgs of a file and orgs of the command line do not mix."""
    path = tmp_path / "orgs.json"
    result = CliRunner().invoke(cli, ["sandbox", *PORTS, "--org=a=1", "--load", str(path)])
    assert (result.exit_code, "leave out --org" in result.output) == (2, True)


@pytest.mark.parametrize("text", ["no JSON", "{}", '{"format": "keyturn-sandbox", "version": 9}'])
def test_a_file_that_is_no_snapshot(tmp_path: Path, text: str) -> None:
    """A file of another kind or version is named, and why it does not fit."""
    path = tmp_path / "orgs.json"
    path.write_text(text)
    result = CliRunner().invoke(cli, ["sandbox", *PORTS, "--load", str(path)])
    assert result.exit_code == 1
    assert str(path) in result.output


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """Loading what does not exist is refused, unless it is where one saves."""
    result = CliRunner().invoke(cli, ["sandbox", *PORTS, "--load", str(tmp_path / "none.json")])
    assert result.exit_code == 1
