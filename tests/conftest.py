"""What every test stands on."""

import os
from collections.abc import Iterator
from uuid import uuid4

import pytest
from postgres_kit import PACKAGED, Cluster, find_programs, started

from keyturn.domain.sensitive import Sensitive


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Call slow what needs a PostgreSQL server."""
    for item in items:
        if isinstance(item, pytest.Function) and "cluster" in item.fixturenames:
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def anyio_backend() -> str:
    """Run every test on asyncio, as the product runs."""
    return "asyncio"


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Run a PostgreSQL server for this run of the tests."""
    it = started(find_programs(os.environ["PATH"], PACKAGED), os.environ)
    yield it
    it.remove()


@pytest.fixture
def database(cluster: Cluster) -> Iterator[Sensitive]:
    """Name an empty PostgreSQL database of the test's own."""
    name = f"test-{uuid4()}"
    yield Sensitive(cluster.create_database(name))
    cluster.drop_database(name)
