"""Fixtures for the API's contract: a whole house in memory, reached as a client would."""

from collections.abc import AsyncIterator

import pytest
from api_kit import House, open_house


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """Give a fresh installation beside a fresh Okta org."""
    async with open_house() as house:
        yield house
