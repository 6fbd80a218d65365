"""An installation that was set up once, of which tests take copies: the schema takes long."""

import asyncio
from pathlib import Path
from shutil import copytree

import pytest

from keyturn.bootstrap.opening import initialise
from keyturn.settings import Settings


@pytest.fixture(scope="session")
def set_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Set up an installation on SQLite, in a data directory that nobody writes to again."""
    it = Settings(data_dir=tmp_path_factory.mktemp("set-up") / "data", database_url=None)
    asyncio.run(initialise(it))
    return it.data_dir


@pytest.fixture
def new(set_up: Path, tmp_path: Path) -> Settings:
    """Give an installation of the test's own, as it is after it was set up."""
    return Settings(data_dir=copytree(set_up, tmp_path / "data"), database_url=None)
