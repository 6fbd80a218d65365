"""A rig for every test."""

from collections.abc import AsyncIterator

import pytest
from rig import Rig, rigged


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    """Set up an installation whose authorization servers are in memory."""
    async with rigged() as it:
        yield it
