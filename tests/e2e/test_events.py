"""Whoever uses a secret hears of the next one: the Python client, and commands that are kept up."""

import asyncio
import json
import os
import re
import signal
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest

from keyturn.sandbox import AppDraft

pytestmark = pytest.mark.slow

KEYTURN = (sys.executable, "-m", "keyturn")
DELIVERY = Path(__file__).parents[2] / "docs" / "delivery.md"
ROTATIONS = "/api/v2/secret-rotations/okta-client-secret"
SCOPES = "/api/v1/authorizationServers/default/scopes"
SECRET = "/api/v3/secrets/raw/KEY"


def environment(installation: Any) -> dict[str, str]:  # noqa: ANN401  the fixture
    """Return the environment of who reaches the server as its administrator."""
    token = installation.installed.admin_token.reveal()
    return os.environ | {"KEYTURN_URL": installation.url, "KEYTURN_TOKEN": token}


async def output(*command: str, env: dict[str, str]) -> str:
    """Run a command that is to end well, and return what it printed."""
    process = await asyncio.create_subprocess_exec(
        *command, env=env, stdout=asyncio.subprocess.PIPE
    )
    told, _ = await process.communicate()
    assert process.returncode == 0
    return told.decode()


async def test_a_command_is_restarted_when_a_value_changes(
    installation: Any,  # noqa: ANN401  the fixture
) -> None:
    """Nobody waits for the interval to pass: the change itself is heard of."""
    await installation.start()
    where = {"workspaceId": "example", "environment": "dev"}
    await installation.ask("POST", SECRET, json=where | {"secretValue": "first"})
    flags = ("--env", "dev", "--on-change", "restart", "--interval", "24h")
    process = await asyncio.create_subprocess_exec(
        *(*KEYTURN, "run", *flags, "--", "sh", "-c", "echo $KEY; exec sleep 1000"),
        env=environment(installation),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    async with asyncio.timeout(60):
        assert await process.stdout.readline() == b"first\n"
        await installation.ask("PATCH", SECRET, json=where | {"secretValue": "second"})
        assert await process.stdout.readline() == b"second\n"
    process.send_signal(signal.SIGTERM)
    await process.wait()


def example() -> str:
    """Return the Python example of the page."""
    (found,) = re.findall(r"```python\n(.*?)```", DELIVERY.read_text(encoding="utf-8"), re.DOTALL)
    return str(found)


async def make_job(installation: Any) -> dict[str, str]:  # noqa: ANN401  the fixture
    """Make a service app that may have tokens, and a rotation of its secret; return their ids."""
    org = installation.org.org
    grants = ("client_credentials",)
    app = org.create_app(AppDraft("Job", application_type="service", grant_types=grants))
    url, token = installation.org.http_url, installation.org.as_json()["ssws_token"]
    credentials = {"instanceUrl": url, "apiToken": token}
    async with httpx2.AsyncClient(headers={"authorization": f"SSWS {token}"}) as http:
        answer = await http.post(f"{url}{SCOPES}", json={"name": "jobs"})
    assert answer.status_code == 201
    connection = {"name": "okta", "method": "api-token", "credentials": credentials}
    made = await installation.ask("POST", "/api/v1/app-connections/okta", json=connection)
    order = {
        "name": "job",
        "projectId": installation.installed.project.id,
        "connectionId": made["appConnection"]["id"],
        "environment": "dev",
        "secretPath": "/",
        "rotationInterval": 30,
        "parameters": {"clientId": app.id},
        "secretsMapping": {"clientId": "OKTA_CLIENT_ID", "clientSecret": "OKTA_CLIENT_SECRET"},
    }
    rotation = await installation.ask("POST", ROTATIONS, json=order)
    return {"rotation": rotation["secretRotation"]["id"], "app": app.id}


async def test_the_example_of_the_page_runs(
    installation: Any,  # noqa: ANN401  the fixture
) -> None:
    """It is given a token by each client secret, and what it has acknowledged is told."""
    await installation.start()
    made = await make_job(installation)
    env = environment(installation) | {
        "KEYTURN_CLIENT_ID": installation.installed.client_id,
        "KEYTURN_CLIENT_SECRET": installation.installed.client_secret.reveal(),
        "TOKEN_URL": f"{installation.org.http_url}/oauth2/default/v1/token",
        "SCOPE": "jobs",
    }
    for version in (1, 2):
        if version == 2:
            path = f"{ROTATIONS}/{made['rotation']}/turn"
            await installation.ask("POST", path, json={"emergency": True})
        told = await output(sys.executable, "-c", example(), env=env)
        assert told == f"version {version} is in use\n"
        words = ("secret", "holders", "OKTA_CLIENT_SECRET", "--env", "dev")
        holders = json.loads(await output(*KEYTURN, *words, "--json", env=env))["holders"]
        held = [each["acknowledgedVersion"] for each in holders if each["acknowledgedAt"]]
        assert held == [version]
        shown = await output(*KEYTURN, *words, env=env)
        assert f"{version} (newest)" in shown
