"""How the command line shows a rotation whose secret no path names, and a far-off date."""

from collections.abc import AsyncIterator

import pytest
from api_kit import House, open_house

from keyturn.cli.rotation import lines_of, row_of
from keyturn.cli.rotation_schedule import preview_lines
from keyturn.wire.rotations import Rotation
from keyturn.wire.schedules import PreviewAnswer


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """Set up an installation in memory."""
    async with open_house() as it:
        yield it


async def test_path_of_a_connections_key_is_not_shown(house: House) -> None:
    """Nobody can ask for it: the connection itself is served."""
    made = await house.rotate_by_order()
    hidden = {"id": made["folderId"], "path": "/.connection-keys/some-id"}
    shown = Rotation.model_validate(made | {"type": "okta-connection-key", "folder": hidden})
    assert "serves       the connection, nobody else" in lines_of(shown)
    assert not any(".connection-keys" in text for text in (*lines_of(shown), *row_of(shown)))
    assert row_of(Rotation.model_validate(made))[2] == "/"


def test_warning_of_a_preview_comes_first() -> None:
    """Whoever looks at dates reads it before them."""
    found = PreviewAnswer(time_zone="UTC", state=None, why="", dates=(), warning="Far off.")
    assert preview_lines(found, None) == ["warning: Far off."]
