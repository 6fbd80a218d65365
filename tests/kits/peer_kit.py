"""Runs other people's clients, in Node, against a sandbox or a Keyturn that is being served.

A peer is a script in `tests/peers`; it reads the sandbox's ready file and prints one line of JSON,
which holds no value of a secret or token. What a peer says is judged by what the sandbox saw.
"""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import anyio
import httpx2
import pytest

from keyturn.sandbox import Ready

PEERS = Path(__file__).parents[1] / "peers"
REQUIRED = "KEYTURN_REQUIRE_PEERS"  # set where a missing Node is a fault, as in CI
TIME_LIMIT_S = 60


@dataclass(frozen=True)
class Peers:
    """Node's clients, pointed at one sandbox; `folder` receives the ready file."""

    ready: Ready
    folder: Path

    async def run(self, script: str, **given: object) -> dict[str, Any]:
        """Run a script on what it is given, and return what it reports."""
        file = self.folder / "ready.json"
        file.write_text(json.dumps(self.ready.as_json()), encoding="utf-8")
        arguments = (str(file), json.dumps(given))
        return await run_script(script, *arguments, environment=self._environment())

    def _environment(self) -> dict[str, str]:
        """Trust the sandbox; leave out proxies and the settings in a developer's home."""
        known = {"PATH": os.environ["PATH"], "HOME": str(self.folder)}
        return known | {"NODE_EXTRA_CA_CERTS": str(self.ready.ca_file)}

    async def look(self, path: str) -> dict[str, Any]:
        """Read at the control port what the sandbox holds or saw."""
        headers = {"authorization": f"Bearer {self.ready.control_token}"}
        async with httpx2.AsyncClient(base_url=self.ready.control_url, headers=headers) as http:
            seen: dict[str, Any] = (await http.get(path)).raise_for_status().json()
            return seen


async def run_script(
    script: str, *arguments: str, environment: Mapping[str, str]
) -> dict[str, Any]:
    """Run a script of the peers, and return what it reports."""
    command = ["node", str(PEERS / script), *arguments]
    with anyio.fail_after(TIME_LIMIT_S):
        done = await anyio.run_process(command, check=False, env=environment)
    assert done.returncode == 0, done.stderr.decode()
    reported: dict[str, Any] = json.loads(done.stdout)
    return reported


def absence(folder: Path, search: str) -> str | None:
    """Say what is missing to run the peers of a folder; `search` is a PATH. None: nothing is."""
    if shutil.which("node", path=search) is None:
        return "Node 18 or newer is not installed"
    if not (folder / "node_modules").is_dir():
        return "the clients in Node are not installed: make peers"
    return None


def leave_out(reason: str, environment: Mapping[str, str]) -> NoReturn:
    """Skip a test, or fail it where the peers are required."""
    if environment.get(REQUIRED):
        pytest.fail(f"{reason} ({REQUIRED} is set)", pytrace=False)
    pytest.skip(reason)
