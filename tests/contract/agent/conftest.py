"""Fixtures for the agent: a host beside a whole house in memory."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from agent_kit import Bench, bench_of
from api_kit import open_house


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """Give an agent's host beside a house that has a rotation and another secret."""
    async with open_house() as house:
        yield await bench_of(house, tmp_path)
