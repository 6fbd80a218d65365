"""What the tests of peers stand on: a served sandbox, and Node's clients pointed at it."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from peer_kit import PEERS, Peers, absence, leave_out

from keyturn.sandbox import Org, SandboxConfig, serving


@pytest.fixture
async def peers(tmp_path: Path) -> AsyncIterator[Peers]:
    """Give a fresh org on free ports, with what runs Node's clients against it."""
    missing = absence(PEERS, os.environ["PATH"])
    if missing:
        leave_out(missing, os.environ)
    async with serving(SandboxConfig(0, 0, 0, org=Org(1))) as ready:
        yield Peers(ready, tmp_path)
