"""Tags by commands: made, listed, renamed and deleted."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from command_kit import House, commanded

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Give an installation that runs."""
    with commanded(tmp_path_factory.mktemp("house"), public_url="") as it:
        yield it


def test_a_tag_is_made_renamed_and_deleted(house: House, tmp_path: Path) -> None:
    """What has it keeps it under its new name, and stays when it is gone."""
    made = house.ask("tag", "create", "hot", "--name", "Hot", "--color", "#c00")
    assert (made["slug"], made["name"], made["color"]) == ("hot", "Hot", "#c00")
    house.run("secret", "set", "KEY", "--env", "dev", "--stdin", stdin="value")
    house.run("secret", "edit", "KEY", "--env", "dev", "--tag", "hot")
    after = house.ask("tag", "update", "hot", "--slug", "warm")
    assert (after["slug"], after["name"], after["id"]) == ("warm", "Hot", made["id"])
    assert "warm" in house.run("tag", "list").stdout
    assert "Deleted tag warm" in house.run("tag", "delete", made["id"]).stdout
    assert house.ask("tag", "list") == {"tags": []}
    assert "has no tag warm" in house.run("tag", "delete", "warm", code=1).stderr
    assert "Say what is to change" in house.run("tag", "update", "warm", code=2).stderr
