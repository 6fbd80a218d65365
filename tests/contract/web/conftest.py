"""Fixtures for the pages' contract: a whole house in memory, and a browser without scripts."""

from collections.abc import AsyncIterator

import pytest
from web_kit import WebHouse, open_web


@pytest.fixture
async def web() -> AsyncIterator[WebHouse]:
    """Give a fresh installation, and its administrator's browser, logged in."""
    async with open_web() as web:
        yield web
