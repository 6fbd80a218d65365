"""A rig for every test."""

from collections.abc import AsyncIterator

import pytest
from rig import Rig, rigged


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    """Set up an installation connected to a fresh org."""
    async with rigged() as it:
        yield it
