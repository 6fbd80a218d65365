"""A first run with something to see: it starts, says how to get in, shows every standing, ends."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
from click.testing import CliRunner

from keyturn.cli.main import cli

KEYTURN = (sys.executable, "-m", "keyturn")
SERVE = ("serve", "--sandbox")
SIGNS = {
    "url": r"Keyturn serves at (\S+)",
    "email": r"log in as  (\S+)\n",
    "password": r"password   (\S+)",
    "person": r"sandbox org.*\n  log in as  (\S+) with",
    "person_password": r"log in as  \S+ with (\S+)",
    "org": r"sandbox org serves at (\S+)",
    "control": r"control    (\S+)/\?token=",
    "control_token": r"\?token=(\S+)",
    "token": r"KEYTURN_TOKEN=(\S+)",
    "directory": r"are in (\S+)\.",
}
ROTATIONS = {
    "checkout": "turning",
    "customer-portal": "turning",
    "data-warehouse": "waiting",
    "mobile-gateway": "scheduled",
    "marketing-site": "paused",
    "storefront-dev": "off",
    "warehouse-sync": "blocked",
}
APPS = ("okta", "apps", "--connection", "acme-okta")
FREE = {"Support Desk": 1, "Payroll Bridge": 1, "Invoice Archive": 2}
"""Apps for whoever wants to make a rotation, with their client secrets."""


@dataclass(frozen=True)
class Shown:
    """A showcase that runs, and what it has said of itself."""

    process: "subprocess.Popen[str]"
    told: str
    said: Mapping[str, str]

    def post(self, path: str, body: object) -> httpx2.Response:
        """Ask without any token."""
        return httpx2.post(self.said["url"] + path, json=body, trust_env=False)

    def log_in(self, password: str) -> httpx2.Response:
        """Log in as the person that it names."""
        return self.post("/api/v1/auth/login", {"email": self.said["email"], "password": password})

    def ask(self, *words: str, token: str = "") -> Any:  # noqa: ANN401  JSON
        """Run a command with what it says that has to be exported, or another token."""
        env = {"KEYTURN_URL": self.said["url"], "KEYTURN_TOKEN": token or self.said["token"]}
        result = CliRunner(env=env).invoke(cli, [*words, "--json"])
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def turn_clock(self, **how: object) -> datetime:
        """Turn the org's clock at the control port, and return what it shows."""
        bearer = {"authorization": f"Bearer {self.said['control_token']}"}
        url = f"{self.said['control']}/clock"
        told = httpx2.post(url, json=how, headers=bearer, trust_env=False).raise_for_status()
        return datetime.fromisoformat(told.json()["now"])

    def end(self) -> int:
        """Press Ctrl-C, and return how it ends."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=30)


@contextmanager
def showing(folder: Path, *words: str) -> Iterator[Shown]:
    """Start a showcase whose environment leads elsewhere, and wait for all that it says."""
    elsewhere = {"KEYTURN_DATA_DIR": str(folder / "own"), "KEYTURN_ROOT_KEY": "nonsense"}
    env = os.environ | elsewhere | {"TMPDIR": str(folder), "KEYTURN_PORT": "0"}
    command = (*KEYTURN, *words)
    with subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout
        told = ""
        for line in process.stdout:
            told += line
            if "Ctrl-C" in line:
                break
        try:
            yield Shown(process, told, {name: _found(sign, told) for name, sign in SIGNS.items()})
        finally:
            process.kill()


def _found(sign: str, told: str) -> str:
    found = re.search(sign, told)
    assert found, told
    return found[1]


def log_in_with_okta(shown: Shown) -> str:
    """Follow “Log in with Okta” as a browser does, and return the page that it ends at."""
    person = {"login": shown.said["person"], "password": shown.said["person_password"]}
    with httpx2.Client(base_url=shown.said["url"], trust_env=False) as browser:
        assert "Log in with Okta" in browser.get("/log-in").text
        site = {"sec-fetch-site": "same-origin"}
        away = browser.post("/log-in/okta", data={"after": "/rotations"}, headers=site)
        address = away.headers["refresh"].partition("url=")[2]
        asked = dict(parse_qsl(urlsplit(address).query))
        answer = browser.post(address.partition("?")[0], data=asked | person)
        back = browser.get(answer.headers["location"], follow_redirects=True)
    assert back.status_code == 200, back.text
    assert back.url.path == "/rotations"
    return back.text


@pytest.mark.slow
def test_it_shows_every_standing_and_leaves_nothing(tmp_path: Path) -> None:
    """One gets in by what it prints; something of everything is there, and no value in its log."""
    with showing(tmp_path, *SERVE) as shown:
        directory = Path(shown.said["directory"])
        logged_in = shown.log_in(shown.said["password"])
        assert logged_in.status_code == 200
        assert shown.log_in("something else").status_code == 401
        assert "keyturn-log-in" in log_in_with_okta(shown)
        told = [
            each
            for project in ("example", "back-office")
            for each in shown.ask("rotation", "list", "--project", project)["rotations"]
        ]
        states = {each["name"]: each["schedule"]["state"] for each in told}
        assert states | ROTATIONS == states
        assert len(told) >= 12
        assert len(shown.ask("drift", "list")["findings"]) == 2
        lights = {
            each["name"]: each["light"]
            for project in ("example", "back-office")
            for each in shown.ask("connection", "list", "--project", project)["connections"]
        }
        assert lights == {
            "okta": "healthy",
            "okta-devices": "at_risk",
            "onboarding": "broken",
            "analytics": "broken",
        }
        assert [each["stage"] for each in shown.ask("inventory", "status")["inventories"]] == [
            "fresh"
        ]
        compliance = shown.ask("compliance", "show")
        assert compliance["complete"]
        assert compliance["breaches"]
        assert compliance["excused"]
        assert shown.ask("audit", "verify")["entries"] > 500
        free = [each for each in shown.ask(*APPS)["apps"] if not each["rotation"]]
        chosen = {each["label"]: each["foreign"] for each in free if each["types"]}
        assert chosen | FREE == chosen
        person = logged_in.json()["accessToken"]
        waits = shown.ask("rollout", "show", "before-the-sale")
        assert waits["state"] == "awaiting"
        hash_ = ("--plan-hash", waits["planHash"])
        shown.ask("rollout", "approve", "before-the-sale", "--yes", *hash_, token=person)
        log = (directory / "keyturn.log").read_text()
        secret = ("password", "token", "control_token")
        assert not any(shown.said[name] in log for name in secret)
        assert (directory / "delivered" / "order-service.env").exists()
        assert shown.end() == 0
        assert not directory.exists()
    assert not (tmp_path / "own").exists()


@pytest.mark.slow
def test_a_second_start_goes_on_where_the_first_has_ended(tmp_path: Path) -> None:
    """Rotations, org, its address and its clock are the same; the log-in is another.

    `keyturn demo --web` serves the same, and says what there is to look at.
    """
    kept = str(tmp_path / "kept")
    with showing(tmp_path, *SERVE, "--data-dir", kept) as first:
        turned = first.ask("rotation", "turn", "mobile-gateway")
        left_at = first.turn_clock(advance_s=600)
        assert first.end() == 0
    with showing(tmp_path, "demo", "--web", "--keep-data", kept) as second:
        assert second.said["org"] == first.said["org"]
        assert second.turn_clock() >= left_at
        assert second.log_in(first.said["password"]).status_code == 401
        assert second.log_in(second.said["password"]).status_code == 200
        log_in_with_okta(second)  # at another port
        shown = second.ask("rotation", "show", "mobile-gateway")
        assert shown["rotation"]["id"] == turned["rotation"]["id"]
        assert shown["rotation"]["schedule"]["state"] == "turning"
        assert second.ask("rotation", "turn", "grafana", "--project", "back-office")
        assert second.end() == 0
        assert second.process.stdout
        tour = second.process.stdout.read()
        assert all(name in tour for name in ROTATIONS if name != "mobile-gateway")


@pytest.mark.slow
def test_nobody_has_to_wait_for_the_past(tmp_path: Path) -> None:
    """Ctrl-C in the middle of it ends it, and leaves no half of an installation."""
    command = (*KEYTURN, *SERVE, "--data-dir", str(tmp_path / "kept"))
    env = os.environ | {"KEYTURN_PORT": "0"}
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert "100 days" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 1
    assert not [*tmp_path.glob("kept/*.db"), *tmp_path.glob("kept/*.json")]


@pytest.mark.parametrize("name", ["keyturn.db", "root.key"])
def test_an_installation_of_ones_own_is_left_alone(tmp_path: Path, name: str) -> None:
    """A directory in which there is something else is refused before anything starts."""
    (tmp_path / name).write_bytes(b"mine")
    result = CliRunner().invoke(cli, [*SERVE, "--port", "0", "--data-dir", str(tmp_path)])
    assert result.exit_code == 1
    assert "no sandbox's" in result.output
    assert (tmp_path / name).read_bytes() == b"mine"


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    """Whoever has an earlier run open learns of it before a past is lived through."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        words = ["serve", "--sandbox", "--port", port, "--data-dir", str(tmp_path / "new")]
        result = CliRunner().invoke(cli, words)
    assert result.exit_code == 1
    assert f"Port {port}" in result.output
    assert not (tmp_path / "new").exists()


def test_the_demo_refuses_what_it_would_ignore() -> None:
    """With --web there are no turns to count."""
    result = CliRunner().invoke(cli, ["demo", "--web", "--turns", "3"])
    assert result.exit_code == 2
    assert "leave out --turns" in result.output
