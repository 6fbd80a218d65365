"""Setting up, and opening what was set up."""

from pathlib import Path

import pytest

from keyturn.adapters.crypto import write_root_key
from keyturn.adapters.storage import SqliteStore, moved_file
from keyturn.bootstrap.opening import initialise, opened
from keyturn.domain.errors import Refused
from keyturn.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Name a data directory that is not there yet."""
    return Settings(data_dir=tmp_path / "data")


async def test_new_installation_opens(settings: Settings) -> None:
    """What was set up can be opened."""
    await initialise(settings)
    async with opened(settings) as world:
        assert world.limits.overlap_floor_s == 300


async def test_second_set_up_changes_nothing(settings: Settings) -> None:
    """Setting up twice is refused; key and data stay as they are."""
    await initialise(settings)
    key = settings.key_file.read_bytes()
    with pytest.raises(Refused, match="set up already"):
        await initialise(settings)
    assert settings.key_file.read_bytes() == key


async def test_lost_key_is_not_replaced(settings: Settings) -> None:
    """A new key beside old data would only look like a repair."""
    await initialise(settings)
    settings.key_file.unlink()
    with pytest.raises(Refused, match="set up already"):
        await initialise(settings)
    assert not settings.key_file.exists()


async def test_interrupted_set_up_is_named_and_can_be_made_again(settings: Settings) -> None:
    """A process that died between the file and its first records leaves nothing in the way."""
    write_root_key(settings.key_file, bytes(32))
    await (await SqliteStore.open(settings.database_file)).aclose()
    with pytest.raises(Refused, match="interrupted"):
        async with opened(settings):
            pass
    await initialise(settings)
    async with opened(settings):
        pass


async def test_wrong_root_key_is_found_at_once(settings: Settings) -> None:
    """A key of another installation is refused before anybody is served."""
    await initialise(settings)
    settings.key_file.unlink()
    write_root_key(settings.key_file, bytes(32))
    with pytest.raises(Refused, match="root key"):
        async with opened(settings):
            pass


async def test_nothing_to_open_is_said(settings: Settings) -> None:
    """An empty place is told from a broken one."""
    with pytest.raises(Refused, match="keyturn init"):
        async with opened(settings):
            pass


async def test_moved_installation_is_not_set_up_again(settings: Settings) -> None:
    """Where the file was put aside people learn of the database, and a second one is not made."""
    await initialise(settings)
    settings.database_file.rename(moved_file(settings.database_file))
    with pytest.raises(Refused, match="KEYTURN_DATABASE_URL"):
        async with opened(settings):
            pass
    with pytest.raises(Refused, match="moved to PostgreSQL"):
        await initialise(settings)
    assert not settings.database_file.exists()


def test_overlap_below_its_floor_is_refused() -> None:
    """An overlap that no rotation could have is refused at the door."""
    with pytest.raises(ValueError, match="KEYTURN_OVERLAP_S"):
        Settings(overlap_s=10)
