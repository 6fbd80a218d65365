"""What the page about delivery shows is what the agent takes."""

import re
from pathlib import Path

import pytest

from keyturn.client.agent.config import BadConfig, parse_config
from keyturn.client.agent.keeping import RETRY_S
from keyturn.client.agent.plan import plan_jobs

PAGE = (Path(__file__).parents[2] / "docs" / "delivery.md").read_text(encoding="utf-8")


def test_the_config_of_the_page_is_taken(tmp_path: Path) -> None:
    """It fits as it stands, and its templates render what they say."""
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    source = tmp_path / "proxy.conf.tmpl"
    source.write_text("auth ${USER} $request")
    text = text.replace("/etc/keyturn/proxy.conf.tmpl", str(source)).replace("root:web", "0:0")
    web, proxy = plan_jobs(parse_config(text, "agent.toml"))
    values = {"OKTA_CLIENT_ID": "a", "OKTA_CLIENT_SECRET": 'b"', "STATE_KEY": "c/d"}
    made = [content.decode() for content in web.contents(values).values()]
    assert "OKTA_CLIENT_ID=a\n" in made[0]
    assert '"client_secret": "b\\"",' in made[1]
    assert "state=c%2Fd" in made[1]
    assert [*proxy.contents({"USER": "u"}).values()] == [b"auth u $request"]


def test_what_the_page_says_of_log_ins_is_taken() -> None:
    """Each method takes the keys that the page names."""
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    start, end = text.index("method = "), text.index("[cache]")
    platform = '"\nidentity_id = "x"\njwt = { file = "/run/jwt" }'
    logins = [f'method = "{each}{platform}' for each in ("oidc-auth", "jwt-auth")]
    for login in (*logins, 'method = "token"\ntoken = { env = "T" }'):
        assert parse_config(text[:start] + login + "\n" + text[end:], "").login.method in login


def test_the_page_says_when_it_is_tried_again() -> None:
    """The seconds are those of the table in the code."""
    *first, last = map(str, RETRY_S)
    told = f"{', '.join(first)}, then every {last} seconds"
    assert told in " ".join(PAGE.split())


def test_a_secret_in_the_config_is_refused() -> None:
    """As the page says."""
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    text = text.replace('{ file = "/etc/keyturn/agent.secret" }', '"marked"')
    with pytest.raises(BadConfig, match="has no place here"):
        parse_config(text, "agent.toml")
