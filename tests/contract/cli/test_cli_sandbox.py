"""`keyturn sandbox`: several orgs, and orgs that are kept in a file."""

import json
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from click.testing import CliRunner
from joserfc import jwt
from joserfc.jwk import RSAKey

from keyturn.cli.main import cli

NOON = 1772366400
CLOCK = ("--clock", "2026-03-01T12:00:00Z", "--clock-rate", "0")
LATER = ("--clock", "2028-02-29T00:00:00Z")
PORTS = ("--http-port=0", "--https-port=0", "--control-port=0")


@contextmanager
def running(*flags: str) -> Iterator[Any]:
    """Run the command until the block ends and give what it said when it was ready."""
    command = [sys.executable, "-m", "keyturn", "sandbox", *PORTS, "--json", *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = ""
        while not said.endswith("\n}\n"):
            line = process.stdout.readline()
            assert line, "it ended before it was ready"
            said += line
        try:
            yield json.loads(said)
        finally:
            process.terminate()
            assert process.wait(30) == 0


@pytest.mark.slow
def test_several_orgs() -> None:
    """Each --org is there by its name; the first one is the one without a name."""
    with running("--org", "prod=1", "--org", "preview=2:free") as ready:
        assert [org["name"] for org in ready["orgs"]] == ["prod", "preview"]
        assert ready["ssws_token"] == ready["orgs"][0]["ssws_token"]
        assert ready["orgs"][1]["named_http_url"].startswith("http://preview.localhost:")


@pytest.mark.slow
def test_an_org_is_kept(tmp_path: Path) -> None:
    """The first start makes the org, the next ones go on with it, and the file is private."""
    path = tmp_path / "orgs.json"
    flags = ("--load", str(path), "--save", str(path))
    with running(*flags, "--seed=4", "--profile=free") as first:
        pass
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with running(*flags) as second:
        assert second["service_private_jwk"] == first["service_private_jwk"]
        assert second["app"] == first["app"]


def replay(ready: dict[str, Any]) -> list[tuple[int, bytes, list[tuple[str, str]]]]:
    """Return all that a fixed sequence of calls is answered, under one name for the host."""
    key, client_id = RSAKey.import_key(ready["service_private_jwk"]), ready["service_client_id"]
    claims = {"iss": client_id, "sub": client_id, "exp": NOON + 60, "jti": "1"}
    claims["aud"] = "http://okta.test/oauth2/v1/token"
    form = {
        "grant_type": "client_credentials",
        "scope": "okta.apps.read",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": jwt.encode({"alg": "RS256"}, claims, key),
    }
    secrets = f"/api/v1/apps/{ready['app']['id']}/credentials/secrets"
    headers = {"host": "okta.test", "authorization": f"SSWS {ready['ssws_token']}"}
    with httpx2.Client(base_url=ready["http_url"], headers=headers) as http:
        answers = [
            http.post("/oauth2/v1/token", data=form, headers={"authorization": ""}),
            http.get("/oauth2/v1/keys"),
            http.post(secrets),
            http.get(secrets),
            http.get("/api/v1/logs"),
            http.get("/.well-known/openid-configuration"),
        ]
    assert [answer.status_code for answer in answers] == [200, 200, 201, 200, 200, 200]
    return [(a.status_code, a.content, a.headers.multi_items()) for a in answers]


@pytest.mark.slow
def test_two_processes_of_one_seed_answer_alike() -> None:
    """Under a clock that stands, two runs of one seed send the same bytes, tokens included."""
    histories = []
    for _ in range(2):
        with running("--seed=7", *CLOCK) as ready:
            histories.append(replay(ready))
    assert histories[0] == histories[1]
    assert b"access_token" in histories[0][0][1]


@pytest.mark.slow
def test_a_saved_org_may_begin_at_a_moment(tmp_path: Path) -> None:
    """A loaded org goes on at the moment it was saved at, or begins at that of --clock."""
    path = tmp_path / "orgs.json"
    dates = []
    for flags in (
        ("--save", str(path), *CLOCK),
        ("--load", str(path)),
        ("--load", str(path), *LATER),
    ):
        with running(*flags) as ready:
            dates.append(httpx2.get(f"{ready['http_url']}/oauth2/v1/keys").headers["date"])
    assert [date[5:16] for date in dates] == ["01 Mar 2026", "01 Mar 2026", "29 Feb 2028"]


@pytest.mark.parametrize(
    "flags",
    [
        ("--clock", "yesterday"),
        ("--clock", "2026-03-01T12:00:00"),
        ("--clock", "1969-12-31T00:00:00Z"),
        ("--clock-rate", "-1"),
        ("--clock-rate", "nan"),
    ],
)
def test_a_clock_that_cannot_be(flags: tuple[str, ...]) -> None:
    """A time without zone, one that is none and a rate below 0 are refused with what is wanted."""
    result = CliRunner().invoke(cli, ["sandbox", *PORTS, *flags])
    assert (result.exit_code, "--clock-rate:" in result.output) == (2, True)


@pytest.mark.parametrize(
    "org", ["prod", "=1", "prod=x", "prod=1:huge", "Prod=1", "prod=", "a=" + "9" * 5000]
)
def test_an_org_that_cannot_be(org: str) -> None:
    """A name or seed that cannot be is refused with the form that is wanted."""
    result = CliRunner().invoke(cli, ["sandbox", *PORTS, "--org", org])
    assert (result.exit_code, f"--org {org}" in result.output) == (2, True)


def test_one_name_twice() -> None:
    """Two orgs cannot have one name."""
    result = CliRunner().invoke(cli, ["sandbox", *PORTS, "--org", "a=1", "--org", "a=2"])
    assert (result.exit_code, "only once" in result.output) == (2, True)


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (("--org=a=1", "--load=orgs.json"), "--org"),
        (("--seed=0", "--load=orgs.json"), "--seed"),
        (("--profile=off", "--load=orgs.json"), "--profile"),
        (("--org=a=1", "--seed=0"), "--seed"),
        (("--org=a=1", "--profile=off"), "--profile"),
    ],
)
def test_options_that_would_mean_nothing(flags: tuple[str, ...], named: str) -> None:
    """A file brings its orgs as they are, and --org its own seed: what they overrule is refused."""
    result = CliRunner().invoke(cli, ["sandbox", *PORTS, *flags])
    assert (result.exit_code, f"leave out {named}." in result.output) == (2, True), result.output


@pytest.mark.parametrize("port", ["--http-port", "--https-port", "--control-port"])
@pytest.mark.parametrize("number", ["99999", "-1"])
def test_a_port_that_cannot_be(port: str, number: str) -> None:
    """A port outside 0 to 65535 is refused by the option's name."""
    result = CliRunner().invoke(cli, ["sandbox", *PORTS, f"{port}={number}"])
    assert (result.exit_code, port in result.output) == (2, True)


def test_a_further_org_beyond_the_last_port() -> None:
    """Where the ports of a further org would be too high it is said, in one line."""
    flags = ("--http-port=65530", "--https-port=0", "--control-port=0", "--org=a=1", "--org=b=2")
    result = CliRunner().invoke(cli, ["sandbox", *flags])
    assert result.exit_code == 1
    assert "there is no port 65540" in result.output


HEAD = b'{"format": "keyturn-sandbox", "version": '
BROKEN = {
    "no JSON": b"no JSON",
    "bytes": b"\xff\xfe\x00\x80",
    "deep": b"[" * 100_000,
    "another": b"{}",
    "version": HEAD + b"9}",
    "a list": HEAD + b'2, "orgs": {"main": []}}',
    "half": HEAD + b'2, "orgs": {"main": {"apps": null}}}',
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_file_that_is_no_snapshot(tmp_path: Path, content: bytes) -> None:
    """A file of another kind or version is named, in one line that says why it does not fit."""
    path, ready = tmp_path / "orgs.json", tmp_path / "ready.json"
    path.write_bytes(content)
    ready.write_text("left by a run that was killed")
    flags = ("--load", str(path), "--ready-file", str(ready))
    result = CliRunner().invoke(cli, ["sandbox", *PORTS, *flags])
    assert (result.exit_code, type(result.exception)) == (1, SystemExit)
    assert result.output.startswith(f"Error: {path}: ")
    assert result.output.count("\n") == 1
    assert not ready.exists()


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """Loading what does not exist is refused, unless it is where one saves."""
    result = CliRunner().invoke(cli, ["sandbox", *PORTS, "--load", str(tmp_path / "none.json")])
    assert result.exit_code == 1
