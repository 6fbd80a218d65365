"""The commands of the page about clients are run as they stand, against a server."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

PAGE = (Path(__file__).parents[2] / "docs" / "clients.md").read_text(encoding="utf-8")
PLACE = {"workspaceId": "example", "environment": "prod"}


def block(language: str) -> str:
    """Return the page's code in a language."""
    (code,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(code)


async def ran(installation: Any, *command: str) -> str:  # noqa: ANN401  the fixture
    """Serve one secret, and run a command as the identity of the installation."""
    await installation.start()
    await installation.ask("POST", "/api/v2/folders", json=PLACE | {"path": "/", "name": "web"})
    secret = PLACE | {"secretPath": "/web", "secretValue": "served"}
    await installation.ask("POST", "/api/v3/secrets/raw/OKTA_CLIENT_SECRET", json=secret)
    installed = installation.installed
    env = {
        "KEYTURN_URL": installation.url,
        "KEYTURN_CLIENT_ID": installed.client_id,
        "KEYTURN_CLIENT_SECRET": installed.client_secret.reveal(),
        "PROJECT_ID": installed.project.id,
    }

    def run() -> str:
        env_ = os.environ | env
        done = subprocess.run(command, env=env_, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return await asyncio.to_thread(run)


async def test_the_shell_commands_read_a_secret(
    installation: Any,  # noqa: ANN401  the fixture
) -> None:
    """With curl and sed alone."""
    assert '"secretValue":"served"' in await ran(installation, "sh", "-c", block("sh"))


async def test_the_python_lines_read_a_secret(
    installation: Any,  # noqa: ANN401  the fixture
) -> None:
    """With Infisical's own SDK."""
    said = await ran(installation, sys.executable, "-c", block("python"))
    assert said == "OKTA_CLIENT_SECRET 1\n"
