"""Fixtures for the sandbox's own contract: an org under a clock turned by hand."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

# Test folders are no packages; the kit that these tests share is found beside them.
sys.path.append(str(Path(__file__).parent))

from sandbox_kit import World  # found only now


@pytest.fixture
def anyio_backend() -> str:
    """Run every test on asyncio, which the sandbox's server needs."""
    return "asyncio"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Give a fresh org, reached in process, at a fixed moment."""
    world = World()
    async with world.http:
        yield world
