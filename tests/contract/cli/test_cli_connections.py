"""OAuth connections by commands, against a server and an org that run."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from browser_kit import query
from command_kit import KEYTURN, LIMIT_S, SCOPES, House, commanded, made

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Start an org and a server; a rotation keeps the app's secret, a registration refers to it."""
    with commanded(tmp_path_factory.mktemp("house")) as it:
        yield it


@pytest.fixture(scope="module")
def devices(house: House) -> dict[str, Any]:
    """Make a connection that wants a scope which is not granted, and have it authorized."""
    made(house, "devices", scopes=(*SCOPES, "okta.devices.manage"))
    return house.authorize("devices", "--port", house.port)


def test_a_registration_is_proved_at_once(house: House) -> None:
    """What is told of it says by what, and never the secret."""
    shown = house.run("registration", "show", "workflows").stdout
    assert "stands        accepted (version 1, by introspection of a worthless token" in shown
    assert "client id     that of OKTA_CLIENT_ID" in shown
    assert "secret        OKTA_CLIENT_SECRET, version 1" in shown
    value = house.run("secret", "get", "OKTA_CLIENT_SECRET", "--env", "dev").stdout.strip()
    listed = (
        house.run("registration", "list").stdout
        + house.run("registration", "list", "--json").stdout
    )
    assert "workflows" in listed
    assert value not in shown + listed


def test_consent_tells_what_is_granted_and_what_is_lacking(
    house: House, devices: dict[str, Any]
) -> None:
    """A scope that the app was not granted is left out by Okta, and told here."""
    assert devices["state"] == "ready"
    assert "okta.devices.read" in devices["granted"]
    assert devices["lacking"] == ["okta.devices.manage"]
    shown = house.run("connection", "show", "devices").stdout
    assert "health        at risk" in shown
    assert "Not granted: okta.devices.manage." in shown


def test_a_token_authorizes_a_request_by_an_alias_too(
    house: House, devices: dict[str, Any]
) -> None:
    """What is printed are the headers, and nothing else."""
    house.run("connection", "alias", "add", "crm", "devices")
    lines = house.run("connection", "token", "crm").stdout.splitlines()
    (header,) = [line.split(": ", 1) for line in lines]
    url = f"{house.org['http_url']}/oauth2/v1/userinfo"
    assert httpx2.get(url, headers=[(header[0], header[1])], trust_env=False).status_code == 200
    house.run("connection", "alias", "remove", "crm")


def test_no_token_is_printed_to_a_terminal(house: House, devices: dict[str, Any]) -> None:
    """Others may look on; only who says so sees it there."""
    near, far = pty.openpty()
    command = (*KEYTURN, "connection", "token", "devices")
    env = os.environ | house.env
    refused = subprocess.run(
        command, env=env, stdout=far, stderr=subprocess.PIPE, text=True, check=False
    )
    assert refused.returncode == 2
    assert "--show" in refused.stderr
    subprocess.run((*command, "--show"), env=env, stdout=far, check=True)
    assert os.read(near, 4096).startswith(b"Authorization: Bearer ")
    os.close(near)
    os.close(far)


def test_a_turn_shows_what_it_touches_and_needs_no_consent(
    house: House, devices: dict[str, Any]
) -> None:
    """The connection goes on with the new secret and the refresh token that it has."""
    tree = house.run("rotation", "usage", "web").stdout
    assert "client registration workflows in dev/: accepted, version 1" in tree
    assert "connection devices: at risk" in tree
    assert "connection devices" in house.run("rotation", "turn", "web", "--plan").stdout
    number = house.ask("connection", "token", "devices")["number"]
    house.age("devices")
    inside = ("registration", "consumer", "add", "workflows", "prod", "--workflows", "Okta prod")
    house.run(*inside)
    house.run("rotation", "turn", "web")
    assert "[ ] created or reauthorized" in house.run("rotation", "show", "web").stdout
    assert house.ask("rotation", "show", "web")["workflows"][0]["name"] == "prod"
    house.run("registration", "consumer", "remove", "workflows", "prod")
    assert house.run("registration", "prove", "workflows").stdout.count("version 2") == 2
    again = house.ask("connection", "token", "devices", "--refused", str(number))
    assert again["number"] == number + 1
    assert house.ask("connection", "usage", "devices")["rotation"]["name"] == "web"


def test_a_connection_waits_for_its_author_until_then(house: House) -> None:
    """It says what to do, and a token cannot be had."""
    found = made(house, "fresh")
    assert (found["light"], found["state"]) == ("unknown", "new")
    shown = house.run("connection", "show", found["id"]).stdout
    assert "Next: keyturn connection authorize fresh" in shown
    told = house.run("connection", "token", "fresh", code=1).stderr
    assert "Nobody has authorized the connection yet" in told
    assert house.ask("connection", "update", "fresh", "--scope", "openid")["scopes"] == ["openid"]
    house.run("connection", "remove", "fresh")


def test_a_browser_is_opened_where_that_is_asked_for(house: House, tmp_path: Path) -> None:
    """It is sent to the address that is printed."""
    made(house, "opened")
    script, file = tmp_path / "browser.py", tmp_path / "address"
    script.write_text(f"import sys; open({str(file)!r}, 'w').write(sys.argv[1])")
    browser = {"BROWSER": f"{sys.executable} {script} %s"}
    house.authorize("opened", "--open", "--port", house.port, **browser)
    assert file.read_text().startswith(f"{house.org['http_url']}/oauth2/v1/authorize?")
    house.run("connection", "remove", "opened")


def test_somebody_who_says_no_is_told_of(house: House) -> None:
    """The command ends with it, and the connection is as it was."""
    made(house, "denied")
    asking = house.asking("connection", "authorize", "denied", "--port", house.port)
    with asking as (process, address):
        asked = query(address)
        back = {"error": "access_denied", "state": asked["state"]}
        page = httpx2.get(asked["redirect_uri"], params=back, trust_env=False)
        assert "The answer has arrived" in page.text
        _, errors = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 1
    assert "The authorization was denied" in errors
    assert house.ask("connection", "show", "denied")["state"] == "new"
    house.run("connection", "remove", "denied")


def test_a_link_is_printed_for_a_browser_elsewhere(house: House) -> None:
    """It leads to the address by which the server is known."""
    made(house, "far")
    link = house.ask("connection", "authorize", "far", "--link")["link"]
    assert link.startswith("https://keyturn.example.com/api/v1/oauth/begin?")
    house.run("connection", "remove", "far")


def test_a_code_is_waited_for_until_somebody_enters_it(house: House) -> None:
    """As often as the server allows, the command asks."""
    made(house, "console", "--grant", "device_code")
    assert house.authorize("console")["state"] == "ready"
    house.run("connection", "remove", "console")


def test_an_alias_is_led_elsewhere_and_back(house: House) -> None:
    """The way back is kept."""
    for name in ("one", "two"):
        made(house, name)
    assert house.ask("connection", "alias", "add", "both", "one")["connectionName"] == "one"
    assert house.ask("connection", "alias", "lead", "both", "two")["connectionName"] == "two"
    assert house.ask("connection", "alias", "back", "both")["connectionName"] == "one"
    assert "both" in house.run("connection", "alias", "list").stdout
    plan = house.run("connection", "remove", "one", "--plan").stdout
    assert "need --force, and remove the aliases both too" in plan
    assert "used by the aliases both" in house.run("connection", "remove", "one", code=1).stderr
    house.run("connection", "remove", "one", "--force")
    assert house.ask("connection", "alias", "list") == {"aliases": []}
    house.run("connection", "remove", "two")


def test_a_consumer_is_told_of_and_confirms(house: House) -> None:
    """It counts as using what is served, from the beginning and once it has confirmed."""
    told = ("registration", "consumer")
    add = (*told, "add", "workflows", "apache", "--adoption", "reload", "--note", "ask Una")
    version = house.ask(*add)["confirmedVersion"]
    assert version == house.ask("registration", "show", "workflows")["version"]
    shown = house.run("registration", "show", "workflows").stdout
    assert "apache    reload" in shown
    confirmed = house.ask(*told, "confirm", "workflows", "apache", "--version", "1")
    assert confirmed["confirmedVersion"] == version
    assert "consumer apache (reload)" in house.run("rotation", "usage", "web").stdout
    house.run(*told, "remove", "workflows", "apache")
    assert house.run(*told, "list", "workflows").stdout == "none\n"


def test_a_connection_inside_okta_workflows_is_told_of(house: House) -> None:
    """The plan says what an admin does there, and what is known is ticked off."""
    told = ("registration", "consumer")
    made = house.ask(*told, "add", "workflows", "flows", "--workflows", "Okta prod")
    assert (made["workflowsConnection"], made["confirmedBy"]) == ("Okta prod", "word")
    plan = house.run("rotation", "turn", "web", "--plan").stdout
    assert 'at "Okta prod" (consumer flows)' in plan
    shown = house.run("registration", "show", "workflows").stdout
    assert "[x] confirmed by word" in shown
    read = ("secret", "get", "OKTA_CLIENT_SECRET", "--env", "dev")
    assert house.run(*read, "--acknowledge").stdout == house.run(*read).stdout
    held = house.run("secret", "holders", "OKTA_CLIENT_SECRET", "--env", "dev").stdout
    assert "never" not in held
    assert "Say --adoption" in house.run(*told, "add", "workflows", "no", code=2).stderr
    house.run(*told, "remove", "workflows", "flows")


def test_a_secret_of_its_own_comes_from_a_file_or_stdin_and_is_never_shown(
    house: House, tmp_path: Path
) -> None:
    """One that the server rejects is refused when it is to replace another."""
    (tmp_path / "p.json").write_text(
        json.dumps({"endpoints": {"token": f"{house.org['http_url']}/oauth2/v1/token"}})
    )
    (tmp_path / "secret").write_text("canary-one\n")
    add = ("registration", "add", "own", "--env", "dev", "--provider", str(tmp_path / "p.json"))
    client = ("--client-id", house.app["client_id"], "--secret-file", str(tmp_path / "secret"))
    told = house.run(*add, *client).stdout + house.run("registration", "show", "own").stdout
    assert "secret        its own, version 1" in told
    again = ("registration", "update", "own", "--secret-stdin")
    refused = house.run(*again, stdin="canary-two\n", code=1)
    assert "rejects this secret" in refused.stderr
    assert "canary" not in told + refused.output
    secret = house.run("secret", "get", "OKTA_CLIENT_SECRET", "--env", "dev").stdout
    assert house.ask(*again, stdin=secret)["standing"] == "accepted"
    house.run("registration", "delete", "own")


def test_a_service_without_oauth_takes_what_the_registration_holds(house: House) -> None:
    """A connection of it takes the grant none by itself, and answers with the header."""
    add = ("registration", "add", "legacy", "--env", "dev", "--scheme", "header")
    house.run(*add, "--client-id", "X-Api-Key", "--secret-stdin", stdin="canary\n")
    made_of = house.ask("connection", "add", "plain", "--registration", "legacy")
    assert made_of["grantType"] == "none"
    assert house.run("connection", "token", "plain").stdout == "X-Api-Key: canary\n"
    house.run("connection", "remove", "plain")
    house.run("registration", "delete", "legacy")


def test_a_secret_is_asked_for_at_a_terminal(house: House) -> None:
    """It can be typed there, and is not an argument then either."""
    near, far = pty.openpty()
    add = (
        "registration",
        "add",
        "typed",
        "--env",
        "dev",
        "--scheme",
        "basic",
        "--client-id",
        "una",
    )
    command = (*KEYTURN, *add, "--secret-stdin")
    env, pipe = os.environ | house.env, subprocess.PIPE
    with subprocess.Popen(
        command, env=env, stdin=far, stdout=pipe, stderr=pipe, start_new_session=True
    ) as process:
        assert process.stderr
        asked = process.stderr.read(len("Secret: "))  # what is typed before is thrown away
        os.write(near, b"canary\n")
        told, errors = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, asked, b"canary" in told + errors) == (0, b"Secret: ", False)
    os.close(near)
    os.close(far)
    house.run("registration", "delete", "typed")


NOWHERE = ("--issuer", "http://127.0.0.1:9")
ADD = ("registration", "add", "x", "--env", "dev")


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("registration", "show", "nowhere"), 1, "keyturn registration list"),
        (("registration", "update", "workflows"), 2, "Say what to change"),
        (("registration", "delete", "workflows"), 1, "delete them first"),
        ((*ADD, "--rotation", "web", "--secret-stdin"), 2, "at most"),
        ((*ADD, "--rotation", "web", "--client-id", "c"), 2, "keeps the client id"),
        ((*ADD, "--client-id", "c", "--secret-stdin"), 2, "holds nothing"),
        ((*ADD, "--connector", "okta", "--domain", "https://a.okta.com"), 1, "the domain alone"),
        ((*ADD, "--client-id", "c", *NOWHERE), 1, "says nothing of itself"),
        (("connection", "show", "nowhere"), 1, "keyturn connection list"),
        (("connection", "update", "devices"), 2, "Say what to change"),
        (("connection", "add", "x", "--registration", "no"), 1, "keyturn registration list"),
        (("connection", "add", "x", "--registration", "r", "--given-file", "a"), 2, "NAME=FILE"),
        (("connection", "token", "devices", "--method", "get"), 2, "method"),
        (("connection", "alias", "back", "nowhere"), 1, "keyturn connection alias list"),
        (("registration", "consumer", "confirm", "workflows", "no"), 1, "no consumer no"),
    ],
)
def test_errors_say_what_to_do(
    house: House, devices: dict[str, Any], words: tuple[str, ...], code: int, told: str
) -> None:
    """A wrong word ends with a sentence about it."""
    assert told in house.run(*words, code=code).stderr
