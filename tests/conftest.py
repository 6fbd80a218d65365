"""What every test stands on."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    """Run every test on asyncio, as the product runs."""
    return "asyncio"
