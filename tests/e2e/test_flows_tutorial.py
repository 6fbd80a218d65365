"""The tutorial about flows is run as it stands, against the sandbox and a server."""

import asyncio
import os
import re
import shutil
import socket
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PAGE = (Path(__file__).parents[2] / "docs" / "tutorial-flows.md").read_text(encoding="utf-8")
ANY_PORT = "--http-port 0 --https-port 0 --control-port 0"


def script() -> str:
    """Return the page's commands as one script, at ports that are free."""
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    moved = blocks.replace("keyturn sandbox", f"keyturn sandbox {ANY_PORT}")
    moved = moved.replace(":8700", f":{port}")
    ended = "trap 'kill $(jobs -p); wait' EXIT"
    return f"set -eu\nexport KEYTURN_PORT={port}\n{ended}\n{moved}"


@pytest.mark.skipif(not shutil.which("jq"), reason="the page's commands need jq")
async def test_the_page_runs(tmp_path: Path) -> None:
    """What it says is printed is printed, in its order; the key and the token are in no log."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", script()),
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = (each.decode() for each in await process.communicate())
    assert process.returncode == 0, errors
    (expected,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    found = [out.find(line) for line in expected.splitlines()]
    assert -1 not in found, out
    assert found == sorted(found)
    (token,) = set(re.findall(r'"access_token": "(eyJ[^"]+)"', out))
    assert out.count(token) == 1
    assert token not in (tmp_path / "serve.log").read_text()
