"""What every test stands on."""

import gc
import os
import sys
from collections.abc import Generator, Iterator
from uuid import uuid4

import pytest
from hypothesis import settings
from postgres_kit import PACKAGED, Cluster, find_programs, started

from keyturn.domain.sensitive import Sensitive

# httpx2 looks for sniffio at every request in this process, and searches every folder for it.
sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]  how Python notes what is not there

IN_MEMORY = "/dev/shm"  # noqa: S108  pytest makes folders of its own in it
ROOM = 4 * 2**30
"""Bytes that have to be free there, so that no test runs out of them."""


def _has_room(folder: str) -> bool:
    """Say whether tests can keep their files there, and run what they wrote."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return False
    return found.f_bavail * found.f_frsize >= ROOM and not found.f_flag & os.ST_NOEXEC


# A commit waits for the disk, which takes as long as a hundred tests that do not ask for one.
if _has_room(IN_MEMORY):
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", IN_MEMORY)

# How long one example takes is the machine's affair.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Spare the garbage collector what is imported: it stays, and is far more than a test makes."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)
        gc.enable()


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
