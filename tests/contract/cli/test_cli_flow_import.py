"""Flows brought over from Okta Workflows, and those that come with Keyturn, by the commands."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flopack_kit import PackFile, card, chart, helper, of

from keyturn.cli.main import cli
from keyturn.domain.flows.templates import list_templates

TOKEN = "SSWS 00abcdefghijklmnopqrstuvwxyz"


def run(*words: str | Path) -> Result:
    """Run a command on flows."""
    return CliRunner().invoke(cli, ["flow", *map(str, words)])


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """Write an export with a connection, a token, and a card that nobody knows."""
    ask = card(
        "a",
        "@httpfunctions:get",
        [of("URL", "https://x.example", group="Request"), of("Headers", {"authorization": TOKEN})],
        title="Get",
        config="c1",
    )
    post = card("b", "@slack:post", title="Post Message")
    file = PackFile().connection("c1", "CRM", "httpfunctions")
    path = tmp_path / "export.flopack"
    path.write_text(file.flow("f", "Ask the CRM", chart(helper(), ask, post)).text)
    return path


def test_flows_become_files_with_a_report(pack: Path, tmp_path: Path) -> None:
    """What is left to do is told: cards, connections, secrets; the token is nowhere."""
    result = run("import", pack, "--into", tmp_path / "flows")
    assert result.exit_code == 0
    for told in ("0 of 1 flows", "Post Message (@slack:post)", "Connections to make", "crm"):
        assert told in result.stdout
    written = (tmp_path / "flows" / "ask-the-crm.yaml").read_text()
    assert TOKEN[5:] not in result.output + written
    assert "/ask-the-crm/AUTHORIZATION" in result.stdout
    assert run("check", tmp_path / "flows" / "ask-the-crm.yaml").exit_code == 0


def test_the_report_in_json(pack: Path, tmp_path: Path) -> None:
    """With the same in it."""
    result = run("import", pack, "--into", tmp_path, "--json")
    (told,) = json.loads(result.stdout)["imported"]
    assert (told["cards"], told["mapped"], told["unmapped"]) == (
        3,
        2,
        {"Post Message (@slack:post)": 1},
    )
    assert told["aliases"] == [
        {"alias": "crm", "connector": "api", "called": "CRM", "flows": ["ask-the-crm"]}
    ]


def test_no_file_is_overwritten_unless_it_is_said(pack: Path, tmp_path: Path) -> None:
    """Nothing is written where one is there."""
    there = tmp_path / "ask-the-crm.yaml"
    there.write_text("mine")
    refused = run("import", pack, "--into", tmp_path)
    assert (refused.exit_code, there.read_text()) == (1, "mine")
    assert "--force" in refused.stderr
    assert run("import", pack, "--into", tmp_path, "--force").exit_code == 0
    assert "flow: ask-the-crm" in there.read_text()


def test_two_exports_with_a_flow_of_one_name(pack: Path, tmp_path: Path) -> None:
    """They are not mixed up."""
    other = tmp_path / "other.flopack"
    other.write_bytes(pack.read_bytes())
    result = run("import", pack, other, "--into", tmp_path / "flows")
    assert result.exit_code == 1
    assert "ask-the-crm" in result.stderr
    assert not (tmp_path / "flows").exists()


def test_what_is_left_out_makes_the_exit_code_1(tmp_path: Path) -> None:
    """The others are written."""
    circle = chart(helper(), card("a", "control:let"), before=["start>a", "a>start"])
    path = tmp_path / "export.flopack"
    path.write_text(PackFile().flow("a", "Odd", circle).flow("b", "Fine", chart(helper())).text)
    result = run("import", path, "--into", tmp_path)
    assert result.exit_code == 1
    assert "left out  Odd: its cards come before each other in a circle" in result.stdout
    assert (tmp_path / "fine.yaml").exists()


def test_what_is_no_export_is_refused(tmp_path: Path) -> None:
    """With the file and the reason."""
    path = tmp_path / "export.flopack"
    path.write_text("{}")
    result = run("import", path)
    assert result.exit_code == 1
    assert f"{path}: is no .flopack" in result.stderr


def test_templates_are_listed_and_shown() -> None:
    """Each with what it does; shown as its file is."""
    listed = json.loads(run("template", "list", "--json").stdout)["templates"]
    assert {each["name"] for each in listed} >= {"issue-token", "secured", "suspend-device"}
    for each in list_templates():
        assert run("template", "show", each.name).stdout == each.text


def test_a_template_is_copied_once(tmp_path: Path) -> None:
    """It passes the check as it is, and nothing is overwritten unless that is said."""
    assert run("template", "copy", "issue-token", "--into", tmp_path).exit_code == 0
    there = tmp_path / "issue-token.yaml"
    assert run("check", there).exit_code == 0
    there.write_text("mine")
    assert run("template", "copy", "issue-token", "--into", tmp_path).exit_code == 1
    assert there.read_text() == "mine"
    assert run("template", "copy", "issue-token", "--into", tmp_path, "--force").exit_code == 0


def test_a_template_that_is_none() -> None:
    """The one that is most like it is told."""
    result = run("template", "show", "isue-token")
    assert result.exit_code == 1
    assert "is it issue-token" in result.stderr
