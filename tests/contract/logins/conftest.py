"""A rig for every test, and a desk at which its org's people log in."""

from collections.abc import AsyncIterator

import pytest
from okta_login_kit import Desk, desk_at
from rig import Rig, rigged


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    """Set up an installation beside a fresh org."""
    async with rigged() as it:
        yield it


@pytest.fixture
async def desk(rig: Rig) -> AsyncIterator[Desk]:
    """Let people log in at the org's own authorization server."""
    async with desk_at(rig) as it:
        yield it
