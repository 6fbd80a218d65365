"""Infisical's own SDK for Node, unmodified, over a socket."""

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from peer_kit import PEERS, absence, leave_out, run_script

from keyturn.bootstrap.opening import initialise
from keyturn.bootstrap.serving import serving
from keyturn.settings import Settings

pytestmark = [pytest.mark.anyio, pytest.mark.slow]  # it starts Node


@pytest.fixture
async def given(tmp_path: Path) -> AsyncIterator[dict[str, str]]:
    """Serve a new installation, and give what the SDK is told of it."""
    if missing := absence(PEERS, os.environ["PATH"]):
        leave_out(missing, os.environ)
    settings = Settings(data_dir=tmp_path / "data", port=0)
    installed = await initialise(settings)
    async with serving(settings) as url:
        yield {
            "url": url,
            "clientId": installed.client_id,
            "clientSecret": installed.client_secret.reveal(),
            "token": installed.admin_token.reveal(),
            "projectId": installed.project.id,
        }


async def test_the_node_sdk_reads_and_writes(given: dict[str, str], tmp_path: Path) -> None:
    """It logs in, renews, writes, reads with references, arranges folders, and understands all."""
    said = await run_script("infisical_sdk.mjs", json.dumps(given), environment=home(tmp_path))
    assert said["made"] == ["KEY", "why", 1]
    assert said["read"] == "to one"
    assert said["changed"] == ["NEW", 2]
    assert (sorted(said["listed"]), said["imports"]) == (["NEW", "REFERS"], [])
    assert said["gone"] == "REFERS"
    assert said["folders"] == ["team", ["team"]]
    assert (said["environment"], said["project"]) == ("qa", "Shop")


async def test_the_node_sdk_is_told_what_is_refused(given: dict[str, str], tmp_path: Path) -> None:
    """Status and message reach the SDK's user: what is not there, and what is not served."""
    said = await run_script("infisical_sdk.mjs", json.dumps(given), environment=home(tmp_path))
    refused = said["refused"]
    assert "404" in refused["unknown"]
    assert "no secret NONE" in refused["unknown"]
    assert "no such route" in refused["lease"]
    assert "no personal secrets" in refused["personal"]


def home(folder: Path) -> dict[str, str]:
    """Leave out proxies, and the settings in a developer's home."""
    return {"PATH": os.environ["PATH"], "HOME": str(folder)}
