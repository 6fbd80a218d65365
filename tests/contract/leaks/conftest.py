"""An installation that is connected to an org."""

from collections.abc import AsyncIterator

import pytest
from rig import Rig, rigged


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    """Give a rig."""
    async with rigged() as it:
        yield it
