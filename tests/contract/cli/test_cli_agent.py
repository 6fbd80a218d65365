"""The agent as a process, and imports from Infisical by command, against servers that run."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from click.testing import CliRunner, Result

from keyturn.cli.main import cli

pytestmark = pytest.mark.slow

KEYTURN = (sys.executable, "-m", "keyturn")
LIMIT_S = 60
CONFIG = """
server = "{url}"
interval = "1h"

[login]
method = "universal-auth"
client_id = {{ env = "KEYTURN_CLIENT_ID" }}
client_secret = {{ file = "{folder}/client-secret" }}

[cache]
file = "{folder}/cache"
key = {{ file = "{folder}/cache.key" }}

[[folder]]
project = "example"
environment = "dev"

[[folder.file]]
destination = "{folder}/out.env"
format = "dotenv"

[folder.hook]
command = ["sh", "-c", "echo hooked"]
"""


@dataclass
class Server:
    """A server that runs, and who may do all of it."""

    url: str
    env: dict[str, str] = field(repr=False)
    admin: str = field(repr=False)

    def post(self, route: str, **body: object) -> None:
        """Make something."""
        headers = {"authorization": f"Bearer {self.admin}"}
        where = {"workspaceId": "example", "environment": "dev"}
        answer = httpx2.post(
            self.url + route, json=where | body, headers=headers, trust_env=False, timeout=LIMIT_S
        )
        assert answer.status_code == 200, answer.text

    def run(self, *words: str, code: int = 0, **env: str) -> Result:
        """Run a command that is to end with this code."""
        mine = {"KEYTURN_URL": self.url, "KEYTURN_TOKEN": self.admin}
        result = CliRunner(env=mine | env).invoke(cli, words)
        assert result.exit_code == code, result.stderr
        return result


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    """Set up an installation and serve it until the block ends."""
    folder.mkdir()
    env = {"KEYTURN_DATA_DIR": str(folder / "data"), "KEYTURN_LOG_FILE": str(folder / "log")}
    init = (*KEYTURN, "init", "--json")
    made = subprocess.run(init, env=os.environ | env, capture_output=True, check=True)
    told: dict[str, Any] = json.loads(made.stdout)
    command = (*KEYTURN, "serve", "--port", "0")
    with subprocess.Popen(
        command, env=os.environ | env, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        try:
            url = process.stdout.readline().split()[-1]
            identity = {"KEYTURN_CLIENT_ID": told["clientId"], "SECRET": told["clientSecret"]}
            yield Server(url, identity, told["adminToken"])
        finally:
            process.send_signal(signal.SIGTERM)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Serve an installation of the test's own."""
    with running(tmp_path / "house") as server:
        yield server


@pytest.fixture
def config(server: Server, tmp_path: Path) -> Path:
    """Write an agent's config, and the client secret beside it."""
    (tmp_path / "client-secret").write_text(server.env["SECRET"])
    file = tmp_path / "agent.toml"
    file.write_text(CONFIG.format(url=server.url, folder=tmp_path))
    return file


def lines(process: "subprocess.Popen[str]", word: str) -> list[str]:
    """Read what the agent says, until a word comes."""
    assert process.stderr
    said = []
    while not said or word not in said[-1]:
        line = process.stderr.readline()
        assert line, said
        said.append(line)
    return said


def test_an_agent_hears_of_changes_and_ends_when_asked(server: Server, config: Path) -> None:
    """With an hour between looks, a change reaches the file by an event; SIGTERM ends with 0."""
    server.post("/api/v3/secrets/raw/A", secretValue="first-canary")
    out, env = config.with_name("out.env"), os.environ | server.env
    command = (*KEYTURN, "agent", "--config", str(config))
    process = subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True)
    try:
        said = lines(process, "told the service")
        assert out.read_text() == "A=first-canary\n"
        server.post("/api/v3/secrets/raw/B", secretValue="second-canary")
        said += lines(process, "told the service")
        assert out.read_text() == "A=first-canary\nB=second-canary\n"
        config.write_text("server = 1")
        process.send_signal(signal.SIGHUP)
        said += lines(process, "stays in force")
        process.send_signal(signal.SIGTERM)
        _, rest = process.communicate(timeout=LIMIT_S)
    finally:
        process.kill()
    assert (process.returncode, rest) == (0, "")
    assert "canary" not in "".join(said)


def test_an_agent_that_is_killed_goes_on_where_it_was(server: Server, config: Path) -> None:
    """Killed while its hook runs, it runs the hook again at the next start, and leaves no draft."""
    server.post("/api/v3/secrets/raw/A", secretValue="1")
    kill = "test -e {0} || {{ touch {0}; kill -9 $PPID; }}".format(config.with_name("killed"))
    config.write_text(config.read_text().replace("echo hooked", kill))
    command = (*KEYTURN, "agent", "--config", str(config), "--once")
    runs = [
        subprocess.run(
            command, env=os.environ | server.env, capture_output=True, text=True, check=False
        )
        for _ in range(3)
    ]
    assert [each.returncode for each in runs] == [-signal.SIGKILL, 0, 0]
    assert ["told the service" in each.stderr for each in runs] == [False, True, False]
    left = {each.name for each in config.parent.iterdir()} - {"house", config.name, "killed"}
    assert left == {"cache", "cache.key", "client-secret", "out.env"}


def test_once_and_check_by_command(server: Server, config: Path) -> None:
    """A check says what would be written and run, once does it; both can say it as JSON."""
    server.post("/api/v3/secrets/raw/A", secretValue="1")
    words = ("agent", "--config", str(config))
    told = json.loads(server.run(*words, "--check", "--json", **server.env).stdout)
    out = str(config.with_name("out.env"))
    assert told["files"] == [{"file": out, "written": True, "hook": "sh -c 'echo hooked'"}]
    result = server.run(*words, "--once", "--json", **server.env)
    assert json.loads(result.stderr.splitlines()[0])["told"].endswith(out)
    assert "left as it is" in server.run(*words, "--check", **server.env).stdout
    config.write_text(config.read_text().replace(server.url, "http://127.0.0.1:9"))
    server.run(*words, "--once", code=1, **server.env)


def test_mistakes_are_one_line(server: Server, config: Path) -> None:
    """A config that does not fit ends with 1 and its line; two ways at once are a usage error."""
    config.write_text(config.read_text().replace('"1h"', '"soon"'))
    words = ("agent", "--config", str(config))
    assert "line 3, interval" in server.run(*words, code=1).stderr
    assert "Choose one" in server.run(*words, "--once", "--check", code=2).stderr


def test_an_infisical_server_is_brought_by_command(server: Server, tmp_path: Path) -> None:
    """A plan changes nothing; done, all is there; done again, nothing is."""
    server.post("/api/v3/secrets/raw/A", secretValue="canary-${B}", secretComment="why")
    server.post("/api/v1/folders", name="web", path="/")
    with running(tmp_path / "other") as here:
        words = ("import", "infisical", "--from", server.url + "/api", "--from-project", "example")
        token = {"KEYTURN_FROM_TOKEN": server.admin}
        told = here.run(*words, "--plan", **token).stdout
        assert ("dev/web  folder  new" in told, "canary" in told) == (True, False)
        assert "0 secrets" not in told
        plan = json.loads(here.run(*words, "--json", **token).stdout)
        assert plan["written"] == 1
        identity = {
            "KEYTURN_FROM_CLIENT_ID": server.env["KEYTURN_CLIENT_ID"],
            "KEYTURN_FROM_CLIENT_SECRET": server.env["SECRET"],
        }
        again = json.loads(here.run(*words, "--overwrite", "--json", **identity).stdout)
        assert (again["written"], again["folders"][0]["secrets"]["same"]) == (0, ["A"])
        assert "KEYTURN_FROM_TOKEN" in here.run(*words, code=1).stderr


def test_an_export_is_brought_by_command(server: Server, tmp_path: Path) -> None:
    """A file's ending says its format, and --env and --path where it goes."""
    file = tmp_path / "export.yaml"
    file.write_text('A: "1"\nB: |-\n  2\n  3\n')
    words = ("import", "infisical", "--file", str(file), "--env", "dev", "--path", "/new/below")
    assert json.loads(server.run(*words, "--json").stdout)["written"] == 2
    read = ("secret", "get", "B", "--env", "dev", "--path", "/new/below")
    assert server.run(*read).stdout == "2\n3\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "either --from or --file"),
        (("--from", "https://a.example"), "--from-project"),
        (("--file", __file__), "--env"),
    ],
)
def test_half_an_origin_is_a_usage_error(words: tuple[str, ...], told: str) -> None:
    """Before anything is asked of anybody."""
    result = CliRunner().invoke(cli, ["import", "infisical", *words])
    assert (result.exit_code, told in result.stderr) == (2, True)
