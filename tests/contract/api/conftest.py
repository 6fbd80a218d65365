"""Fixtures for the API's contract: a whole house in memory, reached as a client would."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

# Test folders are no packages; the kit that these tests share is found beside them.
sys.path.append(str(Path(__file__).parent))

from api_kit import House, open_house  # found only now


@pytest.fixture
def anyio_backend() -> str:
    """Run every test on asyncio, as the product runs."""
    return "asyncio"


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """Give a fresh installation beside a fresh Okta org."""
    async with open_house() as house:
        yield house
