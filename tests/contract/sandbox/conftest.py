"""Fixtures for the sandbox's own contract: an org under a clock turned by hand."""

from collections.abc import AsyncIterator

import pytest
from sandbox_kit import World


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Give a fresh org, reached in process, at a fixed moment."""
    world = World()
    async with world.http:
        yield world
