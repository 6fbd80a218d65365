"""Fixtures for the contract of a vault."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    """Run every asynchronous test on asyncio."""
    return "asyncio"
