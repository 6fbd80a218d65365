"""A whole journey by commands: a sandbox, a server, a connection, a rotation, a turn."""

import hashlib
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from click.testing import CliRunner, Result

from keyturn.cli.main import cli

pytestmark = pytest.mark.slow

KEYTURN = (sys.executable, "-m", "keyturn")
THEIRS = {
    "kty": "EC",
    "kid": "theirs",
    "crv": "P-256",
    "x": "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",
    "y": "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps",
}
"""Somebody else's key (the one of RFC 7518, appendix C)."""
ANY_PORTS = ("--http-port", "0", "--https-port", "0", "--control-port", "0")


@dataclass(frozen=True)
class House:
    """A server and an org that run, and how they are reached."""

    env: dict[str, str]
    org: dict[str, Any]

    def run(self, *words: str, stdin: str = "", code: int = 0) -> Result:
        """Run a command that is to end with this code; show its errors if it does not."""
        result = CliRunner(env=self.env).invoke(cli, words, input=stdin)
        assert result.exit_code == code, result.stderr
        return result

    def ask(self, *words: str) -> Any:  # noqa: ANN401  JSON
        """Run a command and read its JSON."""
        return json.loads(self.run(*words, "--json").stdout)


@contextmanager
def running(env: dict[str, str], *words: str) -> Iterator[str]:
    """Run a server until the block ends; give the first line it prints, and expect a clean end."""
    command, env = (*KEYTURN, *words), os.environ | env
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process.stdout.readline()
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Start an org and a server, and connect them."""
    folder = tmp_path_factory.mktemp("house")
    env = {"KEYTURN_DATA_DIR": str(folder / "data"), "KEYTURN_LOG_FILE": str(folder / "log")}
    env |= {"KEYTURN_ALLOW_PRIVATE_ADDRESSES": "true"}
    ready, init = folder / "ready", (*KEYTURN, "init", "--json")
    made = subprocess.run(init, env=os.environ | env, capture_output=True, check=True)
    env |= {"KEYTURN_TOKEN": json.loads(made.stdout)["adminToken"]}
    with (
        running(env, "sandbox", *ANY_PORTS, "--ready-file", str(ready)),
        running(env, "serve", "--port", "0") as line,
    ):
        org = json.loads(ready.read_text())
        house = House(env | {"KEYTURN_URL": line.split()[-1]}, org)
        add = ("connection", "okta", "add", "--name", "org", "--url", org["http_url"])
        house.run(*add, "--token-stdin", stdin=org["ssws_token"])
        yield house


@pytest.fixture(scope="module")
def rotation(house: House) -> dict[str, Any]:
    """Create a rotation."""
    app = ("--client-id", house.org["app"]["client_id"])
    words = ("--name", "web", "--connection", "org", "--env", "dev", "--rotate-at", "02:30")
    created: dict[str, Any] = house.ask("rotation", "create", *words, *app)
    return created


def test_the_ready_file_is_private_and_goes_with_the_sandbox(tmp_path: Path) -> None:
    """Only its owner may read the ready file, and it goes when the sandbox stops."""
    ready = tmp_path / "ready.json"
    with running({}, "sandbox", *ANY_PORTS, "--ready-file", str(ready)) as line:
        org = json.loads(ready.read_text())
        assert stat.S_IMODE(ready.stat().st_mode) == 0o600
        assert org["https_url"] in line
        assert org["ssws_token"] not in line
    assert list(tmp_path.iterdir()) == []


def test_a_connection_is_listed_without_its_token(house: House) -> None:
    """The connection is there, and its token is not shown."""
    result = house.run("connection", "okta", "list")
    assert house.org["http_url"] in result.stdout
    assert house.org["ssws_token"] not in result.stdout


def test_the_budget_is_shown(house: House) -> None:
    """What is left of the org's rate limits is there once something was called, and for whom."""
    shown = house.run("connection", "okta", "budget").stdout
    assert "api/v1/apps" in shown
    budget = house.ask("connection", "okta", "budget")["budgets"][0]
    assert budget["remaining"] < budget["limit"]
    digest = hashlib.sha256(house.org["ssws_token"].encode()).hexdigest()
    assert f"SSWS {digest[:8]} " in shown


def test_a_rotation_is_created_as_the_options_say(rotation: dict[str, Any]) -> None:
    """The options become the fields of the rotation."""
    assert rotation["name"] == "web"
    assert rotation["rotationInterval"] == 30
    assert rotation["rotateAtUtc"] == {"hours": 2, "minutes": 30}
    assert rotation["environment"]["slug"] == "dev"


def test_a_rotation_that_has_not_turned_says_so(house: House, rotation: dict[str, Any]) -> None:
    """The day of its creation is not told as that of a turn."""
    assert "last turn    not yet; serves since " in house.run("rotation", "show", "web").stdout
    assert "not yet" in house.run("rotation", "list").stdout


def test_the_fleet_is_shown_and_searched(house: House, rotation: dict[str, Any]) -> None:
    """All rotations together, and those that a text finds, in the words that a page has."""
    shown = house.run("fleet", "show", "--project", "example").stdout
    assert "1 rotation: scheduled 1" in shown
    assert "next turns" in shown
    assert house.ask("fleet", "show")["rotations"] == 1
    assert "1 of 1" in house.run("fleet", "list", "WEB", "--state", "scheduled").stdout
    assert house.ask("fleet", "list", "--state", "off", "--state", "blocked")["total"] == 0
    assert house.run("fleet", "list", "nothing", "--band", "overdue").stdout == "none\n0 of 0\n"


def test_apps_are_looked_up_by_their_labels(house: House, rotation: dict[str, Any]) -> None:
    """Whoever creates a rotation need not look for ids in Okta's console."""
    shown = house.run("okta", "apps", "--connection", "org", "example w").stdout
    assert "Example web app" in shown
    assert " web" in shown.splitlines()[1]
    (found,) = house.ask("okta", "apps", "--connection", "org", rotation["oktaAppId"])["apps"]
    assert found["rotation"]["name"] == "web"
    more = house.run("okta", "apps", "--connection", "org", "--limit", "1").stdout
    assert "There are more: type more of the label." in more


def test_the_audit_log_is_listed_from_its_end(house: House) -> None:
    """The newest entries are the first to be looked for; each page asks for the one before."""
    newest = house.ask("audit", "list", "--newest", "--limit", "3")["entries"]
    numbers = [entry["number"] for entry in newest]
    assert numbers == sorted(numbers, reverse=True)
    before = ("--newest", "--before", str(numbers[-1]), "--limit", "1")
    (earlier,) = house.ask("audit", "list", *before)["entries"]
    assert earlier["number"] == numbers[-1] - 1
    house.run("audit", "list", "--before", "2", code=2)
    house.run("audit", "list", "--newest", "--after", "2", code=2)


def test_a_turn_tells_its_phases_and_serves(house: House, rotation: dict[str, Any]) -> None:
    """A turn prints its phases in order and ends served, with the overlap under way."""
    before = house.run("secret", "get", "OKTA_CLIENT_SECRET", "--env", "dev").stdout
    lines = house.run("rotation", "turn", "web").stdout.splitlines()
    phases = [line.split()[-1] for line in lines[:-1]]
    assert phases == [
        "planned",
        "written",
        "issued",
        "verified",
        "promoted",
        "delivered",
        "overlapping",
    ]
    assert lines[-1].startswith("Served.")
    assert house.run("secret", "get", "OKTA_CLIENT_SECRET", "--env", "dev").stdout != before
    assert "under way" in house.run("rotation", "turn", "web", code=1).stderr


def test_a_plan_changes_nothing(house: House, rotation: dict[str, Any]) -> None:
    """The plans of a turn and of a retirement are told, and the history stays as it was."""
    before = house.ask("rotation", "show", "web")
    assert "add a client secret" in house.run("rotation", "turn", "web", "--plan").stdout
    retire = ("rotation", "retire-existing", "web", "ocs1", "--made=2026-01-01", "--plan")
    assert "deactivate client secret ocs1" in house.run(*retire).stdout
    assert house.ask("rotation", "show", "web")["turn"] == before["turn"]


def test_what_is_at_okta_is_listed_without_values(house: House, rotation: dict[str, Any]) -> None:
    """By what is on record, and by Okta's own list, which shows the same."""
    value = house.run("secret", "get", "OKTA_CLIENT_SECRET", "--env", "dev").stdout.strip()
    for look in ((), ("--check-okta",)):
        shown = house.run("rotation", "slots", "web", *look).stdout
        assert "ACTIVE" in shown
        assert "current" in shown
        assert value not in shown
    told = house.ask("rotation", "slots", "web", "--check-okta")
    assert told["most"] == 2
    assert told["checkedAt"]


def test_a_rotation_is_ended(house: House) -> None:
    """What it serves stays, or goes here, or goes at Okta as well where another is left there."""
    oauth = {"application_type": "web", "grant_types": ["authorization_code"]}
    oauth |= {"response_types": ["code"], "redirect_uris": ["http://localhost/callback"]}
    body = {"name": "oidc_client", "label": "Ended", "signOnMode": "OPENID_CONNECT"}
    body |= {"settings": {"oauthClient": oauth}}
    app = made_at_okta(house, "/api/v1/apps", body)
    words = ("--name", "ended", "--connection", "org", "--env", "dev", "--client-id", app)
    names = ("--map-client-id", "ENDED_ID", "--map-client-secret", "ENDED_SECRET")
    house.run("rotation", "create", *words, *names)
    assert "--delete-secrets" in house.run("rotation", "delete", "ended", "--revoke", code=2).stderr
    both = ("--delete-secrets", "--revoke")
    told = house.run("rotation", "delete", "ended", *both, code=1).stderr
    assert "would be left without an active client secret" in told
    assert "is ended" in house.run("rotation", "delete", "ended").stdout
    assert house.run("secret", "get", "ENDED_SECRET", "--env", "dev").stdout


def test_show_tells_the_phase_the_date_and_the_steps(
    house: House, rotation: dict[str, Any]
) -> None:
    """One command tells where a rotation stands; by name and by id it is the same."""
    shown = house.run("rotation", "show", "web").stdout
    assert "next turn" in shown
    assert "every 30 days at 02:30 UTC" in shown
    assert house.ask("rotation", "show", rotation["id"])["rotation"]["name"] == "web"
    assert [one["name"] for one in house.ask("rotation", "list")["rotations"]] == ["web"]


def test_get_prints_the_bare_value(house: House, rotation: dict[str, Any]) -> None:
    """Standard output is the value and its line break, fit for a shell's $()."""
    result = house.run("secret", "get", "OKTA_CLIENT_ID", "--env", "dev")
    assert (result.stdout, result.stderr) == (f"{house.org['app']['client_id']}\n", "")


def test_a_list_shows_values_only_when_asked(house: House, rotation: dict[str, Any]) -> None:
    """Names are listed; a value is in neither form of the list without --values."""
    value = house.run("secret", "get", "OKTA_CLIENT_SECRET", "--env", "dev").stdout.strip()
    words = ("secret", "list", "--env", "dev")
    assert "OKTA_CLIENT_SECRET" in house.run(*words).stdout
    assert value not in house.run(*words).stdout + house.run(*words, "--json").stdout
    assert value in house.run(*words, "--values").stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("rotation", "show", "nope"), "no rotation nope"),
        (("secret", "get", "NOPE", "--env", "dev"), "HTTP 404"),
        (("rotation", "retire-existing", "web", "ocsnope", "--made=2026-01-01"), "ocsnope"),
        (("secret", "list", "--env", "nope"), "nope"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[1],
)
def test_what_is_not_there_is_told(
    house: House, rotation: dict[str, Any], words: tuple[str, ...], told: str
) -> None:
    """A name that leads nowhere is named, in one line."""
    stderr = house.run(*words, code=1).stderr
    assert told in stderr
    assert len(stderr.splitlines()) == 1


def test_a_wrong_token_is_told_with_the_variable_to_set(house: House) -> None:
    """Nobody is let in, and what to set is named."""
    stranger = House(house.env | {"KEYTURN_TOKEN": "wrong"}, house.org)
    assert "KEYTURN_TOKEN" in stranger.run("rotation", "list", code=1).stderr


def test_a_connection_is_changed_and_deleted(house: House) -> None:
    """By name or id; its address stays where none is given, and its token is renewed in place."""
    token = house.org["ssws_token"]
    url, okta = house.org["http_url"], ("connection", "okta")
    house.run(*okta, "add", "--name", "second", "--url", url, "--token-stdin", stdin=token)
    house.run(*okta, "update", "second", "--name", "third", "--description", "d")
    house.run(*okta, "update", "third", "--token-stdin", stdin=token)
    (third,) = (one for one in house.ask(*okta, "list")["connections"] if one["name"] == "third")
    assert (third["version"], third["description"]) == (3, "d")
    assert third["credentials"] == {"instanceUrl": url}
    assert house.ask(*okta, "delete", third["id"])["name"] == "third"
    assert "third" not in house.run(*okta, "list").stdout
    assert "no Okta connection third" in house.run(*okta, "delete", "third", code=1).stderr


def test_a_token_that_okta_refuses_is_not_blamed_on_keyturns(house: House) -> None:
    """Who gave a wrong API token is not sent to change the access token."""
    wrong = ("--name", "wrong", "--url", house.org["http_url"], "--token-stdin")
    stderr = house.run("connection", "okta", "add", *wrong, stdin="00" + "x" * 40, code=1).stderr
    assert "HTTP 401" in stderr
    assert "KEYTURN_TOKEN" not in stderr


def test_what_is_no_http_is_a_line_of_json_in_the_log(house: House) -> None:
    """What the server's library warns of is where the other lines are, in their form."""
    host, _, port = house.env["KEYTURN_URL"].removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=30) as stranger:
        stranger.sendall(b"canary canary canary\r\n\r\n")
        assert b"400" in stranger.recv(4096)
    lines = Path(house.env["KEYTURN_LOG_FILE"]).read_text().splitlines()
    told = [json.loads(line) for line in lines if "Invalid HTTP" in line]
    assert [(one["level"], one["logger"]) for one in told] == [("warning", "uvicorn.error")]
    assert "canary" not in "".join(lines)


def test_a_turn_is_given_orders(house: House, rotation: dict[str, Any]) -> None:
    """Pause, resume, finish: each shows how the turn then stands, and its record tells who."""
    name = rotation["name"]
    if not _open(house, name):
        house.run("rotation", "turn", name)
    assert "paused" in house.run("turn", "pause", name).stdout
    assert house.ask("turn", "list", name)["turns"][0]["pausedAt"]
    house.run("turn", "resume", name)
    assert "readers may hold" in house.run("turn", "abort", name, code=1).stderr.lower()
    assert "retired" in house.run("turn", "reinstate", name, code=1).stderr
    house.run("turn", "finish-now", name)
    page = house.run("turn", "evidence", name).stdout
    assert "# Turn of web" in page
    assert re.search(r"\| \*\*soak\*\* \| \d+ (second|minute|hour)s? \|", page)
    assert "By administrator." in page or "finish now" in page
    document = house.ask("turn", "evidence", name)
    assert document["rotationName"] == name


def _open(house: House, name: str) -> bool:
    """Say whether the newest turn overlaps still."""
    turns = house.ask("turn", "list", name)["turns"]
    return bool(turns and turns[0]["phase"] == "overlapping")


def test_evidence_is_written_to_a_file(
    house: House, rotation: dict[str, Any], tmp_path: Path
) -> None:
    """The file holds what would have been printed; one that cannot be written is one line."""
    out, name = tmp_path / "evidence.md", rotation["name"]
    if not house.ask("turn", "list", name)["turns"]:
        house.run("rotation", "turn", name)
    house.run("turn", "evidence", name, "--out", str(out))
    assert out.read_text().startswith("# Turn of ")
    nowhere = tmp_path / "nowhere" / "evidence.md"
    stderr = house.run("turn", "evidence", name, "--out", str(nowhere), code=1).stderr
    assert stderr == f"Error: This machine refuses: {nowhere}: No such file or directory.\n"


def test_okta_is_asked_at_once(house: House) -> None:
    """Whether it accepts the connection's credentials, and what has drifted there."""
    assert "Okta accepts connection org" in house.run("connection", "okta", "check", "org").stdout
    compared = house.run("drift", "compare", "org").stdout
    assert compared.startswith("Rotations compared: ")
    assert house.ask("drift", "compare", "org") == {"findings": []}


def test_drift_of_nothing_is_none(house: House) -> None:
    """Without drift the list says so; an unknown finding is told."""
    assert house.run("drift", "list").stdout == "none\n"
    unknown = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
    assert "no finding" in house.run("drift", "repair", unknown, code=1).stderr


def test_policy_is_changed_and_shown(house: House, rotation: dict[str, Any]) -> None:
    """What a turn waits for is set by options and told by `show`."""
    words = ("--overlap-policy", "evidence", "--backstop", "86400", "--read-system-log")
    shown = house.run("rotation", "update", rotation["name"], *words).stdout
    assert "on evidence, between 5 minutes and 1 day, Okta's log quiet for 1 hour" in shown
    wrong = house.run("rotation", "update", rotation["name"], "--backstop", "10", code=1)
    assert "--backstop: " in wrong.stderr


def made_at_okta(house: House, path: str, body: dict[str, Any]) -> str:
    """Make an app or an integration by Okta's own API, and return its id."""
    headers = {"authorization": f"SSWS {house.org['ssws_token']}"}
    answer = httpx2.post(house.org["http_url"] + path, json=body, headers=headers)
    assert answer.status_code in (200, 201), answer.text
    return str(answer.json()["id"])


def test_a_secret_of_an_integration_is_issued_and_served(house: House) -> None:
    """Okta shows the value once, to Keyturn; readers get it by name."""
    body = {"type": "my_app", "grantedScopes": ["okta.users.read"]}
    app = made_at_okta(house, "/integrations/api/v1/api-services", body)
    words = ("--name", "service", "--connection", "org", "--env", "staging", "--client-id", app)
    kind = ("--type", "okta-api-service-secret")
    plan = house.run("rotation", "create", *words, *kind, "--plan").stdout
    assert "have Okta make a client secret" in plan
    assert "a client secret whose value Okta makes" in plan
    assert "Every 30 days" in plan
    asked = house.ask("rotation", "create", *words, *kind, "--plan")
    assert (asked["appId"], asked["adopts"]) == (app, None)
    assert house.ask("rotation", "create", *words, *kind)["type"] == "okta-api-service-secret"
    served = house.run("secret", "get", "OKTA_CLIENT_SECRET", "--env", "staging").stdout
    assert len(served.strip()) == 64


def test_a_client_key_is_issued_and_turned(house: House) -> None:
    """Readers are given a private key under a name of its own; a turn tells its phases."""
    client = {"token_endpoint_auth_method": "private_key_jwt"}
    oauth = {"application_type": "service", "grant_types": ["client_credentials"]}
    oauth |= {"response_types": ["token"], "jwks": {"keys": [THEIRS]}}
    body = {"name": "oidc_client", "label": "Keys", "signOnMode": "OPENID_CONNECT"}
    body |= {"credentials": {"oauthClient": client}, "settings": {"oauthClient": oauth}}
    app = made_at_okta(house, "/api/v1/apps", body)
    words = ("--name", "keys", "--connection", "org", "--env", "prod", "--client-id", app)
    kind = ("--type", "okta-client-key", "--key-algorithm", "ES256", "--no-auto")
    assert (
        "add a client key of Keyturn's own"
        in house.run("rotation", "create", *words, *kind, "--plan").stdout
    )
    house.run("rotation", "create", *words, *kind)
    read = ("secret", "get", "OKTA_PRIVATE_JWK", "--env", "prod")
    before = json.loads(house.run(*read).stdout)
    assert (before["kty"], before["alg"]) == ("EC", "ES256")
    assert "Served." in house.run("rotation", "turn", "keys").stdout
    assert json.loads(house.run(*read).stdout)["kid"] != before["kid"]
    assert "add the public half" in house.run("rotation", "turn", "keys", "--plan").stdout


def test_the_key_of_a_connection_is_turned(house: House, tmp_path: Path) -> None:
    """The plan changes nothing; the turn changes the connection, and shows no key."""
    jwk, okta = tmp_path / "key.json", ("connection", "okta")
    jwk.write_text(json.dumps(house.org["service_private_jwk"]))
    way = ("--client-id", house.org["service_client_id"], "--private-jwk-file", str(jwk))
    house.run(*okta, "add", "--name", "own", "--url", house.org["http_url"], *way)
    assert "super administrator" in house.run(*okta, "turn-key", "own", "--plan").stdout
    told = house.run(*okta, "turn-key", "own", "--key-algorithm", "ES256").stdout
    assert "uses its new key" in told
    versions = {one["name"]: one["version"] for one in house.ask(*okta, "list")["connections"]}
    assert versions["own"] == 2
    assert "key-of-own" in house.run("rotation", "list").stdout
    assert "API token" in house.run(*okta, "turn-key", "org", code=1).stderr
