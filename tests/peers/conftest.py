"""What the tests of peers stand on: a served sandbox, and Node's clients pointed at it.

And authorization servers that nobody here wrote, each started once, when a test first needs it.
"""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from authorization_kit import Certified, Server, certify, reached, running
from peer_kit import PEERS, Peers, absence, leave_out

from keyturn.sandbox import Org, SandboxConfig, serving

OIDC_PROVIDER, TOOLKIT = "oidc-provider", "django-oauth-toolkit"


@pytest.fixture
async def peers(tmp_path: Path) -> AsyncIterator[Peers]:
    """Give a fresh org on free ports, with what runs Node's clients against it."""
    require_node()
    async with serving(SandboxConfig(0, 0, 0, org=Org(1))) as ready:
        yield Peers(ready, tmp_path)


def require_node() -> None:
    """Leave a test out where Node or its packages are missing."""
    missing = absence(PEERS, os.environ["PATH"])
    if missing:
        leave_out(missing, os.environ)


@pytest.fixture(scope="session")
def address_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """Give what starts a server by name, unless it runs, and tells its address."""
    started: dict[str, str] = {}
    with ExitStack() as stack:

        def find(name: str) -> str:
            if name not in started:
                started[name] = stack.enter_context(running(name, tmp_path_factory.mktemp(name)))
            return started[name]

        yield find


@pytest.fixture
async def oidc_provider(address_of: Callable[[str], str]) -> AsyncIterator[Server]:
    """Give oidc-provider, from a browser of its own."""
    require_node()
    async with reached(OIDC_PROVIDER, address_of(OIDC_PROVIDER)) as server:
        yield server


@pytest.fixture
async def toolkit(address_of: Callable[[str], str]) -> AsyncIterator[Server]:
    """Give django-oauth-toolkit, from a browser of its own."""
    async with reached(TOOLKIT, address_of(TOOLKIT)) as server:
        yield server


@pytest.fixture(params=[OIDC_PROVIDER, TOOLKIT])
async def server(
    request: pytest.FixtureRequest, address_of: Callable[[str], str]
) -> AsyncIterator[Server]:
    """Give each server in its turn."""
    if request.param == OIDC_PROVIDER:
        require_node()
    async with reached(request.param, address_of(request.param)) as server:
        yield server


@pytest.fixture
async def oidc_provider_over_tls(tmp_path: Path) -> AsyncIterator[tuple[Server, Certified]]:
    """Give oidc-provider over TLS, to a client whose certificate it knows."""
    require_node()
    files = certify(tmp_path / "certificates")
    with running(OIDC_PROVIDER, tmp_path, tls=files.of_server) as url:
        async with reached(OIDC_PROVIDER, url, verify=files.context()) as server:
            yield server, files
