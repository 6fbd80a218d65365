"""A config that does not fit says where, and holds no secret itself."""

import os
import signal
from pathlib import Path

import pytest

from keyturn.client.agent.config import BadConfig, line_of, parse_config
from keyturn.client.agent.hooks import CommandHook, SignalHook
from keyturn.client.agent.plan import NoCredentials, credentials_of, plan_jobs
from keyturn.client.calls import Identity, Token, Workload

GOOD = """server = "https://keyturn.example.com"
[login]
method = "universal-auth"
client_id = "id"
client_secret = { env = "SECRET" }
[[folder]]
project = "example"
environment = "prod"
[[folder.file]]
destination = "/a"
format = "json"
[folder.hook]
command = ["true"]
timeout = "5s"
"""
BAD = [
    ("server =", "servant =", r"line 1, servant: .*not permitted"),
    ('method = "universal-auth"', 'method = "magic"', r"line 2, login: .*'jwt-auth'"),
    ('{ env = "SECRET" }', '"marked"', r"line 5, login\.client_secret: a secret has no place"),
    ('{ env = "SECRET" }', '{ env = "A", file = "/b" }', r"line 5, .*either a file or an env"),
    ('"/a"', '"a"', r"line 10, folder\.0\.file\.0\.destination: must be an absolute path"),
    ('"json"', '"xml"', r"line 9, folder\.0\.file\.0: give a template, a source, or a format"),
    ('"json"', '"json"\nmode = "999"', r"line 12, folder\.0\.file\.0\.mode: .*octal"),
    ('"json"', '"json"\ntemplate = "a"\nsource = "/b"', r"line 9, .*not both"),
    ('"5s"', '"5"', r"line 14, folder\.0\.hook\.timeout: must be a time"),
    ('"5s"', '"0s"', r"must be a time"),
    ('command = ["true"]', "command = []", r"line 13, folder\.0\.hook\.command: .*empty"),
    ('command = ["true"]', 'signal = "HUP"', r"line 12, folder\.0\.hook: give either"),
    ('command = ["true"]', 'signal = "HOP"', r"line 13, .*signal such as HUP"),
    ("[[folder.file]]", "[[folder.file", r"not TOML: .*line 9"),
    ("[login]", 'folder = "x"\n[login]', "not TOML"),
    (
        "[folder.hook]",
        '[[folder.file]]\ndestination = "/a"\nformat = "json"\n[folder.hook]',
        "several files have the same destination: /a",
    ),
]


@pytest.mark.parametrize(("old", "new", "told"), BAD, ids=[new for _, new, _ in BAD])
def test_what_does_not_fit_is_told_with_its_line(old: str, new: str, told: str) -> None:
    """Each mistake names its line and what is allowed; nothing that stands there is repeated."""
    with pytest.raises(BadConfig, match=told) as caught:
        parse_config(GOOD.replace(old, new, 1), "agent.toml")
    assert "marked" not in str(caught.value)


def test_a_line_is_where_a_value_ends() -> None:
    """Of a text over several lines that is the last one."""
    text = 'a = """\nx\n[b]\n"""\n[b]\nc = [\n1,\n2]\n'
    assert [line_of(text, where) for where in [("a",), ("b",), ("b", "c", 1)]] == [4, 5, 8]


def test_a_config_becomes_jobs(tmp_path: Path) -> None:
    """Templates are read and checked, owners are looked up, hooks are what they say."""
    source = tmp_path / "t"
    source.write_text("${A}")
    text = GOOD.replace('format = "json"', f'source = "{source}"\nowner = "{os.getuid()}:0"')
    (job,) = plan_jobs(parse_config(text, "agent.toml"))
    (rendering,) = job.renderings
    assert job.contents({"A": "1", "B": "2"}) == {rendering.target: b"1"}
    assert job.names({"A": "1", "B": "2"}) == {"A"}
    assert (rendering.target.uid, rendering.target.gid) == (os.getuid(), 0)
    assert job.hook == CommandHook(("true",), 5)
    text = text.replace('command = ["true"]', 'signal = "HUP"\npid_file = "/p"')
    assert plan_jobs(parse_config(text, ""))[0].hook == SignalHook(signal.SIGHUP, Path("/p"))


@pytest.mark.parametrize(
    ("more", "told"),
    [('owner = "nobody-there"', "no nobody-there"), ('source = "/none"', "/none cannot be read")],
)
def test_what_this_host_has_not_is_told(more: str, told: str) -> None:
    """An owner or a template that is missing is told before anything is begun."""
    text = GOOD.replace('format = "json"', f'format = "json"\n{more}')
    with pytest.raises(BadConfig, match=told):
        plan_jobs(parse_config(text, "agent.toml"))


LOGINS = [
    ('client_id = "id"\nclient_secret = { env = "SECRET" }', Identity("id", "s")),
    ('client_id = { env = "ID" }\nclient_secret = { file = "FILE" }', Identity("i", "f")),
    ('method = "token"\ntoken = { file = "FILE" }', Token("f")),
    ('method = "jwt-auth"\nidentity_id = "x"\njwt = { file = "FILE" }', Workload("x", "f")),
    (
        'method = "oidc-auth"\nidentity_id = "x"\njwt = { file = "FILE" }',
        Workload("x", "f", oidc=True),
    ),
]


@pytest.mark.parametrize(("login", "credentials"), LOGINS)
def test_an_agent_logs_in_by_what_is_kept_elsewhere(
    tmp_path: Path, login: str, credentials: object
) -> None:
    """From files and from the environment, without line breaks; read anew whenever asked."""
    file = tmp_path / "file"
    file.write_text("f\n")
    login = login if "method" in login else f'method = "universal-auth"\n{login}'
    start, end = GOOD.index("method ="), GOOD.index("[[folder]]")
    text = GOOD[:start] + login.replace("FILE", str(file)) + "\n" + GOOD[end:]
    source = credentials_of(parse_config(text, ""), {"SECRET": "s", "ID": "i"})
    assert source() == credentials
    file.write_text(" ")
    if "FILE" in login:
        with pytest.raises(NoCredentials, match="nothing in"):
            source()
