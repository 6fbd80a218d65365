"""Identities, roles and people by commands, against a server that runs."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from keyturn.cli.main import cli

pytestmark = pytest.mark.slow

KEYTURN = (sys.executable, "-m", "keyturn")


@dataclass(frozen=True)
class Server:
    """A server that runs, and how it is reached."""

    env: dict[str, str]

    def run(self, *words: str, stdin: str = "", code: int = 0) -> Result:
        """Run a command that is to end with this code; show its errors if it does not."""
        result = CliRunner(env=self.env).invoke(cli, words, input=stdin)
        assert result.exit_code == code, result.output
        return result

    def ask(self, *words: str, stdin: str = "", code: int = 0) -> Any:  # noqa: ANN401  JSON
        """Run a command and read its JSON."""
        return json.loads(self.run(*words, "--json", stdin=stdin, code=code).stdout)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Start a server of a new installation."""
    folder = tmp_path_factory.mktemp("server")
    env = {"KEYTURN_DATA_DIR": str(folder / "data"), "KEYTURN_LOG_FILE": str(folder / "log")}
    init = subprocess.run(
        (*KEYTURN, "init", "--json"), env=os.environ | env, capture_output=True, check=True
    )
    env |= {"KEYTURN_TOKEN": json.loads(init.stdout)["adminToken"]}
    serve = (*KEYTURN, "serve", "--port", "0")
    with subprocess.Popen(serve, env=os.environ | env, stdout=subprocess.PIPE, text=True) as it:
        assert it.stdout
        try:
            yield Server(env | {"KEYTURN_URL": it.stdout.readline().split()[-1]})
        finally:
            it.send_signal(signal.SIGTERM)
        assert it.wait(30) == 0


def test_an_identity_is_made_shown_and_deleted(server: Server) -> None:
    """Its client secret is printed once, and its name is enough to find it."""
    made = server.ask("identity", "create", "ci", "--role", "viewer")
    assert made["clientSecret"].startswith("kt_cs_")
    shown = server.run("identity", "show", "ci").stdout
    assert made["clientSecret"] not in shown
    assert "viewer" in shown
    assert "universal-auth" in shown
    assert "ci" in server.run("identity", "list").stdout
    assert "not locked out" in server.run("identity", "unlock", "ci").stdout
    server.run("identity", "delete", "ci")
    assert "There is no identity ci" in server.run("identity", "show", "ci", code=1).output


def test_an_identity_of_two_is_told_by_id(server: Server) -> None:
    """A name that several have is no name."""
    ids = [
        server.ask("identity", "create", "twin", "--role", "admin", "--everywhere")["id"]
        for _ in "ab"
    ]
    assert all(each in server.run("identity", "show", "twin", code=1).output for each in ids)
    for each in ids:
        server.run("identity", "delete", each)


def test_client_secrets_and_tokens_are_made_listed_and_ended(server: Server) -> None:
    """What is made is listed without its value, and can be ended by its id."""
    server.run("identity", "create", "robot", "--role", "viewer")
    made = server.ask("identity", "secret", "create", "robot", "--ttl", "60", "--uses", "1")
    listed = server.run("identity", "secret", "list", "robot").stdout
    assert (made["id"] in listed, made["clientSecret"] in listed) == (True, False)
    server.run("identity", "secret", "revoke", "robot", made["id"])
    assert "revoked" in server.run("identity", "secret", "list", "robot").stdout
    token = server.ask(
        "identity", "token", "create", "robot", "--label", "x", "--from", "127.0.0.1"
    )
    robot = Server(server.env | {"KEYTURN_TOKEN": token["accessToken"]})
    assert robot.ask("secret", "list", "--env", "dev") == {"secrets": []}
    assert "token-auth" in server.run("identity", "token", "list", "robot").stdout
    server.run("identity", "token", "revoke", token["id"])
    assert "log in again" in robot.run("secret", "list", "--env", "dev", code=1).output


def test_roles_are_given_and_taken(server: Server) -> None:
    """In one project by many, in every project by one."""
    server.run("identity", "create", "clerk")
    for words in (["viewer"], ["rotator", "auditor"], ["viewer", "--everywhere"]):
        server.run("identity", "role", "set", "clerk", *words)
    held = {each["role"] for each in server.ask("identity", "show", "clerk")["roles"]}
    assert held == {"rotator", "auditor", "viewer"}
    for words in ([], ["--everywhere"]):
        server.run("identity", "role", "remove", "clerk", *words)
    assert server.ask("identity", "show", "clerk")["roles"] == []


def test_a_role_is_made_and_its_reach_explained(server: Server, tmp_path: Path) -> None:
    """Verbs and places come from options or a file; the explanation says which role counts."""
    where = ("--env", "dev", "--path", "/app/**")
    server.run("role", "create", "app", "--verb", "secrets:read", *where)
    assert "secrets:read" in server.run("role", "show", "app").stdout
    assert "app" in server.run("role", "list").stdout
    server.run("identity", "create", "worker", "--role", "app")
    explain = ("access", "explain", "worker", "secrets:read", "--env", "dev")
    assert "by the role app" in server.run(*explain, "--path", "/app").stdout
    assert "path / is not /app/**" in server.run(*explain, "--path", "/", code=1).stdout
    assert server.ask(*explain, "--path", "/", code=1)["allowed"] is False
    grants = tmp_path / "grants.json"
    grants.write_text('[{"verbs": ["secrets:read"]}]')
    server.run("role", "update", "app", "--grants", str(grants), "--description", "wider")
    assert "by the role app" in server.run(*explain, "--path", "/").stdout
    server.run("role", "delete", "app", code=1)
    server.run("identity", "delete", "worker")
    server.run("role", "delete", "app")


def test_people_are_made_listed_and_deleted(server: Server) -> None:
    """A password comes from stdin, is shown nowhere, and can be set anew."""
    words = ("person", "create", "ada@example.com", "--role", "viewer", "--password-stdin")
    made = server.run(*words, stdin="correct horse battery\n")
    assert "correct horse" not in made.output
    listed = server.ask("person", "list")["people"]
    assert [(each["name"], each["role"]) for each in listed] == [("ada@example.com", "no-access")]
    assert "viewer" in server.run("person", "list").stdout
    words = ("person", "password", "ada@example.com", "--password-stdin")
    server.run(*words, stdin="short\n", code=1)
    server.run(*words, stdin="another horse battery\n")
    server.run("person", "delete", "ada@example.com")
    assert server.ask("person", "list") == {"people": []}
