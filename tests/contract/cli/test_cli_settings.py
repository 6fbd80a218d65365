"""`keyturn settings` tells every setting, and no secret."""

import json

import pytest
from click.testing import CliRunner, Result

from keyturn.cli.main import cli
from keyturn.settings import Settings

TOKEN = "kt_admin_marked-value"


def settings(*flags: str, **env: str) -> Result:
    """Run the command under an environment."""
    return CliRunner(env=env).invoke(cli, ["settings", *flags])


def test_every_setting_is_listed_with_its_meaning() -> None:
    """No setting exists that the command does not explain."""
    listed = {one["name"]: one for one in json.loads(settings("--json").stdout)["settings"]}
    assert listed.keys() == Settings.model_fields.keys()
    assert [name for name, one in listed.items() if not one["meaning"]] == []
    assert listed["data_dir"]["variable"] == "KEYTURN_DATA_DIR"


def test_lines_tell_the_same_settings() -> None:
    """People read each variable with the value in force."""
    lines = settings(KEYTURN_OVERLAP_S="417").stdout.splitlines()
    assert "KEYTURN_OVERLAP_S = 417" in lines
    assert "KEYTURN_ROOT_KEY_FILE = (not set)" in lines
    assert "KEYTURN_METRICS_ADDRESS = (not set)" in lines
    assert "KEYTURN_ALLOW_PRIVATE_ADDRESSES = false" in lines


@pytest.mark.parametrize("flags", [(), ("--json",)], ids=["lines", "json"])
def test_a_secret_is_masked(flags: tuple[str, ...]) -> None:
    """That a token is set is told, and not which."""
    result = settings(*flags, KEYTURN_TOKEN=TOKEN)
    assert "**" in result.stdout
    assert TOKEN not in result.output


def test_a_setting_that_does_not_fit_is_named() -> None:
    """The variable at fault is named, in one line."""
    result = settings(KEYTURN_PORT="many")
    assert result.exit_code == 1
    assert "KEYTURN_PORT" in result.stderr
    assert len(result.stderr.splitlines()) == 1
