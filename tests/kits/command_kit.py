"""A server, an org and commands that are run against both, for tests of connections."""

import asyncio
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from browser_kit import Browser
from click.testing import CliRunner, Result

from keyturn.cli.main import cli

KEYTURN = (sys.executable, "-m", "keyturn")
ANY_PORTS = ("--http-port", "0", "--https-port", "0", "--control-port", "0")
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
LIMIT_S = 60
PUBLIC_URL = "https://keyturn.example.com"
SCOPES = ("openid", "offline_access", "okta.devices.read")


@dataclass(frozen=True)
class House:
    """A server and an org that run, an app there, and the port that it is registered with."""

    env: dict[str, str]
    org: dict[str, Any]
    app: dict[str, Any]
    port: str

    def run(self, *words: str, stdin: str = "", code: int = 0) -> Result:
        """Run a command that is to end with this code; show its errors if it does not."""
        result = CliRunner(env=self.env).invoke(cli, words, input=stdin)
        assert result.exit_code == code, result.output
        return result

    def ask(self, *words: str, stdin: str = "") -> Any:  # noqa: ANN401  JSON
        """Run a command and read its JSON."""
        return json.loads(self.run(*words, "--json", stdin=stdin).stdout)

    @contextmanager
    def asking(
        self, *command: str, stdin: int | None = None, **env: str
    ) -> Iterator[tuple["subprocess.Popen[str]", str]]:
        """Run a command that asks for consent, and give the address that it prints."""
        whole, environment = (*KEYTURN, *command, "--json"), os.environ | self.env | env
        pipe = subprocess.PIPE
        with subprocess.Popen(
            whole, env=environment, stdin=stdin, stdout=pipe, stderr=pipe, text=True
        ) as process:
            assert process.stderr
            lines = (line.strip() for line in process.stderr)
            try:
                yield process, next(line for line in lines if line.startswith("http"))
            finally:
                process.terminate()

    def agreed(self, *command: str, **env: str) -> dict[str, Any]:
        """Run a command that asks for consent, agree in a browser, and read what it tells."""
        with self.asking(*command, stdin=subprocess.DEVNULL, **env) as (process, address):
            asyncio.run(self._agree(address))
            told, errors = process.communicate(timeout=LIMIT_S)
        assert process.returncode == 0, errors
        found: dict[str, Any] = json.loads(told)
        return found

    def authorize(self, *words: str, **env: str) -> dict[str, Any]:
        """Run `connection authorize`, agree in a browser, and read what the command tells."""
        return self.agreed("connection", "authorize", *words, **env)

    def age(self, name: str, seconds: int = 60) -> None:
        """Let the tokens of a connection be so much older; they end when they did."""
        change = "UPDATE connection SET tokens_issued_at = tokens_issued_at - ? WHERE name = ?"
        with closing(sqlite3.connect(f"{self.env['KEYTURN_DATA_DIR']}/keyturn.db")) as database:
            database.execute(change, (seconds * 1_000_000, name))
            database.commit()

    async def _agree(self, address: str) -> None:
        async with httpx2.AsyncClient(trust_env=False) as http:
            agreed = {"decision": "approve"}
            await Browser(http, self.org["user"] | agreed).visit(address)


@contextmanager
def served(env: dict[str, str], *words: str) -> Iterator[str]:
    """Run a server until the block ends; give the first line it prints."""
    command, env = (*KEYTURN, *words), os.environ | env
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process.stdout.readline()
        finally:
            process.send_signal(signal.SIGTERM)


def make_app(org: dict[str, Any], port: str) -> Any:  # noqa: ANN401  JSON
    """Make an app in the org that somebody can log in to, with one scope granted of two."""
    draft = {
        "label": "Workflows",
        "grant_types": ["authorization_code", "refresh_token", DEVICE_CODE],
        "redirect_uris": [f"http://127.0.0.1:{port}/callback"],
        "granted_scopes": ["okta.devices.read"],
    }
    headers = {"authorization": f"Bearer {org['control_token']}"}
    url = f"{org['control_url']}/apps"
    return httpx2.post(url, json=draft, headers=headers, trust_env=False).raise_for_status().json()


def free_port() -> str:
    """Return a port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


@contextmanager
def commanded(folder: Path, public_url: str = PUBLIC_URL) -> Iterator[House]:
    """Start an org and a server; a rotation keeps the app's secret, a registration refers to it."""
    env = {"KEYTURN_DATA_DIR": str(folder / "data"), "KEYTURN_LOG_FILE": str(folder / "log")}
    env |= {"KEYTURN_ALLOW_PRIVATE_ADDRESSES": "true"}
    env |= {"KEYTURN_PUBLIC_URL": public_url}
    ready, init = folder / "ready", (*KEYTURN, "init", "--json")
    made = subprocess.run(init, env=os.environ | env, capture_output=True, check=True)
    env |= {"KEYTURN_TOKEN": json.loads(made.stdout)["adminToken"]}
    port = free_port()
    with (
        served(env, "sandbox", *ANY_PORTS, "--ready-file", str(ready)),
        served(env, "serve", "--port", "0") as line,
    ):
        org = json.loads(ready.read_text())
        house = House(env | {"KEYTURN_URL": line.split()[-1]}, org, make_app(org, port), port)
        add = ("connection", "okta", "add", "--name", "org", "--url", org["http_url"])
        house.run(*add, "--token-stdin", stdin=org["ssws_token"])
        create = ("rotation", "create", "--name", "web", "--connection", "org", "--env", "dev")
        house.run(*create, "--client-id", house.app["client_id"])
        domain = org["http_url"].removeprefix("http://")
        register = ("registration", "add", "workflows", "--env", "dev", "--rotation", "web")
        house.run(*register, "--connector", "okta-devices", "--domain", domain)
        yield house


def made(house: House, name: str, *words: str, scopes: Sequence[str] = SCOPES) -> dict[str, Any]:
    """Make a connection of the registration."""
    asked = [word for scope in scopes for word in ("--scope", scope)]
    add = ("connection", "add", name, "--registration", "workflows", *asked, *words)
    found: dict[str, Any] = house.ask(*add)
    return found
