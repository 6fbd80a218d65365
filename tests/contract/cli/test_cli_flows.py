"""Flows by commands, against a server and an org that run; Okta's guide from a terminal."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from command_kit import KEYTURN, House, commanded

from keyturn.domain.okta import KeyAlgorithm
from keyturn.domain.sensitive import Sensitive
from keyturn.jose.keys import new_private_key, public_half
from keyturn.testing import SeededChance

pytestmark = pytest.mark.slow

INVOKE = "okta.workflows.invoke.manage"
GREET = """\
flow: greet
description: Say hello.
start: {kind: api_endpoint, security: client_token, query: {name: text}}
outputs: {greeting: text}
cards:
- id: greeting
  card: text.compose
  with: {text: "Hello {{ start.query.name? }}"}
- card: flow.return
  with: {greeting: "{{ greeting.text }}"}
"""
ADD = """\
flow: add
start: {kind: helper, inputs: {one: number, other: number}}
cards:
- id: sum
  card: number.add
  with: {a: "{{ start.inputs.one }}", b: "{{ start.inputs.other }}"}
- card: flow.return
  with: {sum: "{{ sum.number }}"}
"""
SECURED = """\
flow: secured
start: {kind: api_endpoint, security: oauth2, oauth: {registration: workflows}}
cards:
- card: flow.return
  with: {hello: true}
"""
ISSUE = """\
flow: issue-token
start: {kind: helper}
secrets: {key: SIGNING_KEY}
cards:
- id: assertion
  card: jwt.sign
  with:
    key: "{{ secrets.key }}"
    algorithm: ES256
    payload: {}
    issuer: CLIENT
    subject: CLIENT
    audience: ORG/oauth2/v1/token
    expires_in: 300
    jwtid: one
- id: answer
  card: api.post
  with:
    url: ORG/oauth2/v1/token
    headers: {content-type: application/x-www-form-urlencoded}
    body:
      grant_type: client_credentials
      scope: okta.workflows.invoke.manage
      client_assertion_type: urn:ietf:params:oauth:client-assertion-type:jwt-bearer
      client_assertion: "{{ assertion.token }}"
- card: flow.return
  with: {token: "{{ answer.body.access_token }}"}
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Start an org and a server that is reached where it listens."""
    with commanded(tmp_path_factory.mktemp("house"), public_url="") as it:
        yield it


@pytest.fixture(scope="module")
def key() -> Sensitive:
    """Make the key of a service app."""
    return Sensitive(json.dumps(new_private_key(SeededChance(4), KeyAlgorithm.ES256)))


def service(house: House, key: Sensitive, **more: object) -> str:
    """Make a service app with a key, which may invoke flows; return its client id."""
    draft = {
        "label": "Service",
        "application_type": "service",
        "auth_method": "private_key_jwt",
        "grant_types": ["client_credentials"],
        "jwks": [public_half(key)],
        "granted_scopes": [INVOKE, "okta.users.read"],
        "secrets": 0,
    }
    headers = {"authorization": f"Bearer {house.org['control_token']}"}
    url = f"{house.org['control_url']}/apps"
    made = httpx2.post(url, json=draft | more, headers=headers, trust_env=False)
    return str(made.raise_for_status().json()["client_id"])


def keep(house: House, name: str, value: Sensitive) -> None:
    """Have a value be kept as a secret."""
    told = {"workspaceId": "example", "environment": "dev", "secretValue": value.reveal()}
    headers = {"authorization": f"Bearer {house.env['KEYTURN_TOKEN']}"}
    url = f"{house.env['KEYTURN_URL']}/api/v3/secrets/raw/{name}"
    httpx2.post(url, json=told, headers=headers, trust_env=False).raise_for_status()


def push(house: House, folder: Path, source: str, *words: str) -> Any:  # noqa: ANN401  JSON
    """Push a flow from a file."""
    file = folder / "flow.yaml"
    file.write_text(source)
    ((told),) = house.ask("flow", "push", str(file), "--env", "dev", *words)["flows"]
    return told


def test_runs_are_followed_until_somebody_has_seen_enough(house: House, tmp_path: Path) -> None:
    """A line an event, also as JSON, of one flow or of all; Ctrl-C is no failure."""
    push(house, tmp_path, ADD)
    follow = (*KEYTURN, "flow", "runs", "follow")
    plain, one = ((*follow,), (*follow, "add", "--phase", "failed", "--json"))
    pipe, env = subprocess.PIPE, os.environ | house.env
    with (
        subprocess.Popen(plain, env=env, stdout=pipe, stderr=pipe, text=True) as every,
        subprocess.Popen(one, env=env, stdout=pipe, stderr=pipe, text=True) as failed,
    ):
        try:
            ready(house, 2)
            given = ("--given", "one=1", "--given", "other=2", "--wait")
            ran = house.ask("flow", "run", "add", *given)["run"]["id"]
            wrong = house.ask("flow", "run", "add", "--wait")["run"]["id"]
            assert every.stdout
            assert failed.stdout
            lines = [every.stdout.readline() for _ in range(4)]
            told = json.loads(failed.stdout.readline())
        finally:
            for each in (every, failed):
                each.send_signal(signal.SIGINT)
        assert [each.communicate(timeout=60) for each in (every, failed)] == [("", "")] * 2
    assert (every.returncode, failed.returncode) == (0, 0)
    assert (told["runId"], told["event"], told["card"]) == (wrong, "ended", "sum")
    assert any(f"{ran}  dev/:add v1  started (by_hand)" in line for line in lines)
    assert any(f"{ran}  dev/:add v1  finished in" in line for line in lines)
    assert any(f"{wrong}  dev/:add v1  failed in" in line for line in lines)


def ready(house: House, number: int) -> None:
    """Wait until so many follow runs, as the audit log tells."""
    headers = {"authorization": f"Bearer {house.env['KEYTURN_TOKEN']}"}
    url = f"{house.env['KEYTURN_URL']}/api/v1/audit?verb=flow-runs:read"
    for _ in range(600):
        entries = httpx2.get(url, headers=headers, trust_env=False).json()["entries"]
        if sum(each["subject"] == "runs of example" for each in entries) >= number:
            return
        time.sleep(0.1)
    raise AssertionError("nobody follows")


def test_a_file_is_pushed_as_the_next_version(house: House, tmp_path: Path) -> None:
    """Created, left alone while it is as it was, and updated; with --check only told."""
    would = push(house, tmp_path, GREET, "--check")
    assert would == {"name": "greet", "what": "would be created", "version": 1}
    done = [push(house, tmp_path, each)["what"] for each in (GREET, GREET, GREET + "\n# more\n")]
    assert done == ["created", "unchanged", "updated"]
    assert house.run("flow", "pull", "greet").stdout == GREET + "\n# more\n"
    assert house.run("flow", "pull", "greet", "--version", "1").stdout == GREET
    listed = house.run("flow", "list").stdout
    assert "greet  dev/    api_endpoint (client_token)  2        on" in listed
    shown = house.run("flow", "show", "greet").stdout
    assert "Next: keyturn flow token greet" in shown
    assert f"address      {house.env['KEYTURN_URL']}/api/flo/" in shown


def test_what_is_wrong_is_told_with_its_line_and_nothing_is_pushed(
    house: House, tmp_path: Path
) -> None:
    """By the file, and by the server for what no file can know."""
    file = tmp_path / "wrong.yaml"
    file.write_text(GREET.replace("text.compose", "text.composed"))
    told = house.run("flow", "push", str(file), "--env", "dev", code=1).stderr
    assert "wrong.yaml:7: cards[1].card: there is no card text.composed" in told
    file.write_text(SECURED.replace("workflows", "nobody").replace("secured", "wrong"))
    told = house.run("flow", "push", str(file), "--env", "dev", code=1).stderr
    assert "there is no client registration nobody in" in told
    assert "wrong" not in house.run("flow", "list").stdout


def test_helpers_are_pushed_before_the_flows_that_run_them(house: House, tmp_path: Path) -> None:
    """In whatever order the files are named; and no flow is pushed twice at once."""
    above, below, twin = (tmp_path / f"{name}.yaml" for name in ("a-above", "below", "twin"))
    call = "cards: [{card: flow.call, with: {flow: below}}]\n"
    above.write_text(f"flow: above\nstart: {{kind: helper}}\n{call}")
    below.write_text("flow: below\nstart: {kind: helper}\ncards: [{card: flow.return}]\n")
    twin.write_text(below.read_text())
    missing = house.run("flow", "check", str(above), "--env", "dev", code=1)
    assert "a-above.yaml:3: cards[1].with.flow: there is no flow below" in missing.stdout
    assert house.run("flow", "check", str(above), str(below), "--env", "dev").stdout == ""
    done = house.ask("flow", "push", str(above), str(below), "--env", "dev")["flows"]
    assert [each["name"] for each in done] == ["below", "above"]
    told = house.run("flow", "push", str(below), str(twin), "--env", "dev", code=2).stderr
    assert "one flow" in told


def test_a_client_token_opens_a_flow(house: House, tmp_path: Path) -> None:
    """From a file or standard input; without it the refusal is told, and exits with 1."""
    push(house, tmp_path, GREET.replace("greet\n", "opened\n"))
    token = house.run("flow", "token", "opened").stdout.strip()
    (tmp_path / "token").write_text(token + "\n")
    asked = ("flow", "invoke", "opened", "--query", "name=Ada")
    told = house.ask(*asked, "--client-token-file", str(tmp_path / "token"))
    assert (told["status"], told["body"]) == (200, {"greeting": "Hello Ada"})
    piped = house.run(*asked, "--client-token-stdin", "--method", "GET", stdin=token)
    assert json.loads(piped.stdout) == {"greeting": "Hello Ada"}
    refused = house.run("flow", "invoke", "opened", code=1)
    assert 'HTTP 401: ClientToken realm="keyturn"' in refused.stderr
    house.run("flow", "disable", "opened")
    off = house.run(*asked, "--client-token-stdin", stdin=token, code=1)
    assert "HTTP 404" in off.stderr
    assert "switched on" in house.run("flow", "enable", "opened").stdout
    assert "Removed flow opened" in house.run("flow", "remove", "opened").stdout


def test_a_helper_is_run_by_hand_and_its_runs_are_kept(house: House, tmp_path: Path) -> None:
    """Listed, searched, shown card by card, replayed, and answered in full."""
    push(house, tmp_path, ADD)
    given = ("--given", "one=1", "--given", '{"other": 41}')
    done = house.ask("flow", "run", "add", *given, "--wait")
    assert (done["run"]["phase"], done["result"]["body"]) == ("finished", {"sum": 42})
    run_id = done["run"]["id"]
    assert run_id in house.run("flow", "runs", "list", "add", "--search", "42").stdout
    assert run_id not in house.run("flow", "runs", "list", "add", "--search", "canary").stdout
    shown = house.run("flow", "runs", "show", run_id).stdout
    assert "sum (number.add)" in shown
    assert "finished" in shown
    assert json.loads(house.run("flow", "runs", "result", run_id).stdout) == {"sum": 42}
    again = house.ask("flow", "runs", "replay", run_id, "--from", "sum")
    assert again["cause"] == "replayed"
    assert "has ended already" in house.run("flow", "runs", "cancel", run_id, code=1).stderr
    assert "no such input" in house.run("flow", "run", "add", "--given", "two=2", code=1).stderr


@pytest.mark.parametrize("bound", [False, True], ids=["bearer", "dpop"])
def test_oktas_guide_from_a_terminal(
    house: House, tmp_path: Path, key: Sensitive, *, bound: bool
) -> None:
    """A service app's key gets a token, and that opens the secured flow; no other scope does."""
    client_id, file = service(house, key, dpop_bound=bound), tmp_path / "key.json"
    file.write_text(key.reveal())
    push(house, tmp_path, SECURED)
    url = house.ask("flow", "show", "secured")["invokeUrl"]
    app = ("--issuer", house.org["http_url"], "--client-id", client_id, "--key-file", str(file))
    dpop = ("--dpop",) if bound else ()
    told = house.ask("flow", "invoke", "secured", *app, *dpop)
    assert (told["status"], told["body"]) == (200, {"hello": True})
    request = ("--url", url) if bound else ()
    lines = house.run("token", *app, *dpop, *request).stdout.splitlines()
    headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
    assert [name for name, _ in headers] == ["Authorization", "DPoP"][: 1 + bound]
    assert httpx2.post(url, headers=headers, trust_env=False).status_code == 200
    other = house.run("flow", "invoke", url, *app, *dpop, "--scope", "okta.users.read", code=1)
    assert 'error="insufficient_scope"' in other.stderr
    nothing = house.run("flow", "invoke", url, code=1)
    assert 'HTTP 401: Bearer realm="keyturn", DPoP algs=' in nothing.stderr


def test_a_token_that_is_bound_to_nothing_is_not_taken_for_one_that_is(
    house: House, tmp_path: Path, key: Sensitive
) -> None:
    """Where the app does not have its tokens bound: said is what to switch on."""
    file = tmp_path / "key.json"
    file.write_text(key.reveal())
    app = ("--issuer", house.org["http_url"], "--client-id", service(house, key))
    done = house.run("token", *app, "--key-file", str(file), "--dpop", "--url", "https://a", code=1)
    assert "dpop_bound_access_tokens" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("bound", [False, True], ids=["bearer", "dpop"])
def test_a_connection_opens_a_flow(
    house: House, tmp_path: Path, key: Sensitive, *, bound: bool
) -> None:
    """Keyturn's own connection of a service app, with its proof where its tokens are bound."""
    push(house, tmp_path, SECURED)
    org, name = house.org["http_url"], f"robot-{bound}".lower()
    provider, file = tmp_path / "provider.yaml", tmp_path / "key.json"
    how = f"auth: private_key_jwt\ndpop: {str(bound).lower()}\n"
    provider.write_text(f"issuer: {org}\nendpoints: {{token: {org}/oauth2/v1/token}}\n{how}")
    file.write_text(key.reveal())
    client_id = service(house, key, dpop_bound=bound)
    given = ("--client-id", client_id, "--secret-file", str(file), "--provider", str(provider))
    house.run("registration", "add", name, "--env", "dev", *given)
    grant = ("--grant", "client_credentials", "--scope", INVOKE)
    house.run("connection", "add", name, "--registration", name, *grant)
    told = house.ask("flow", "invoke", "secured", "--connection", name)
    assert (told["status"], told["body"]) == (200, {"hello": True})


def test_a_flow_gets_the_token_that_opens_another(
    house: House, tmp_path: Path, key: Sensitive
) -> None:
    """The walk of Okta's guide: sign an assertion, post it, invoke; its history shows no token."""
    client_id = service(house, key)
    keep(house, "SIGNING_KEY", key)
    source = ISSUE.replace("ORG", house.org["http_url"]).replace("CLIENT", client_id)
    push(house, tmp_path, source)
    push(house, tmp_path, SECURED)
    done = house.ask("flow", "run", "issue-token", "--wait")
    assert done["result"]["status"] == 200, done
    token = done["result"]["body"]["token"]
    url = house.ask("flow", "show", "secured")["invokeUrl"]
    bearer = {"authorization": f"Bearer {token}"}
    assert httpx2.post(url, headers=bearer, trust_env=False).json() == {"hello": True}
    history = house.run("flow", "runs", "show", done["run"]["id"], "--json").stdout
    assert token not in history
    assert json.loads(key.reveal())["d"] not in history


def test_half_a_way_to_be_let_in_is_a_usage_error(house: House) -> None:
    """And so are two."""
    assert "one way" in house.run("flow", "invoke", "x", "--client-id", "a", code=2).stderr
    two = ("--connection", "a", "--client-token-stdin")
    assert "one way" in house.run("flow", "invoke", "x", *two, code=2).stderr
    assert "NAME=VALUE" in house.run("flow", "run", "x", "--given", "a", code=2).stderr
