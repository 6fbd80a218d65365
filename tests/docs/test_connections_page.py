"""What the page about connections shows is what the code takes."""

import re
import shlex
from dataclasses import fields
from pathlib import Path
from typing import get_args

import click
import pytest
from pydantic.alias_generators import to_camel

from keyturn.cli.main import cli
from keyturn.cli.provider_file import read_provider
from keyturn.domain.notice import KEPT_ANYWAY
from keyturn.domain.oauth import documents
from keyturn.domain.oauth.connectors import AUTOMATIC
from keyturn.domain.oauth.documents import ENDPOINTS
from keyturn.domain.oauth.lights import Light
from keyturn.domain.oauth.presets import PRESETS
from keyturn.domain.oauth.provider import BasicEncoding, ClientAuth, Part, Provider, RequestType
from keyturn.wire.oauth_connections import GrantType

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "connections.md").read_text(encoding="utf-8")
COMMAND = re.compile(
    r"(?:^    |^\$ )keyturn ((?:registration|connection|rotation|notice|channel) .*)$", re.MULTILINE
)


def rows(page: str) -> dict[str, str]:
    """Return the tables' rows by their first cell."""
    found = re.findall(r"^\| `?([^`|]+?)`? \| (.*) \|$", page, re.MULTILINE)
    return dict(found)


def unknown(page: str) -> list[str]:
    """List the commands of a page that are none, or have an option that they do not take."""
    lines = [line.split(" | ")[0] for line in COMMAND.findall(page.replace("\\\n", ""))]
    assert lines
    return [line for line in lines if not _taken(shlex.split(line))]


def _taken(words: list[str]) -> bool:
    command: click.Command = cli
    while isinstance(command, click.Group) and words:
        found = command.get_command(click.Context(command), words.pop(0))
        if found is None:
            return False
        command = found
    known = {name for each in command.params for name in each.opts}
    return {word for word in words if word.startswith("--")} <= known


def test_the_provider_file_of_the_page_is_taken(tmp_path: Path) -> None:
    """As it stands, and nothing in it is what is so by itself."""
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "shop.yaml").write_text(text)
    told = read_provider(tmp_path / "shop.yaml")
    assert documents.document_of(documents.parse(told)) == told


def test_every_member_and_every_value_is_on_the_page() -> None:
    """No member is missing, and neither is what it may be."""
    table = rows(PAGE)
    assert {to_camel(each.name) for each in fields(Provider)} <= table.keys()
    for member, kind in {
        "auth": ClientAuth,
        "basicEncoding": BasicEncoding,
        "endpoints": ENDPOINTS,
    }.items():
        assert [each for each in kind if f"`{each}`" not in table[member]] == []
    told = table["authOn"] + table["extras"]
    assert [each for each in (*RequestType, *Part) if f"`{each}`" not in told] == []


def test_grants_and_healths_are_those_of_the_code() -> None:
    """Each has its row."""
    table = rows(PAGE)
    assert {*get_args(GrantType)} <= table.keys()
    assert {each.replace("_", " ") for each in Light} <= table.keys()
    assert {*KEPT_ANYWAY} <= table.keys()


def test_every_preset_is_on_the_page() -> None:
    """With what to know of it, and no other."""
    (table,) = re.findall(r"^\| preset \|.*?\n\n", PAGE, re.DOTALL | re.MULTILINE)
    assert rows(table).keys() - {"---", "preset"} == PRESETS.keys()


def test_the_steps_of_the_workflows_app_are_eight() -> None:
    """Each is told by hand, in place and side by side."""
    steps = re.findall(r"^\| (\d)\. [^|]+ \| [^|]+ \| [^|]+ \|$", PAGE, re.MULTILINE)
    assert steps == [*"12345678"]


def test_scopes_that_need_no_grant_are_named() -> None:
    """All seven of them."""
    assert [each for each in AUTOMATIC if f"`{each}`" not in PAGE] == []


@pytest.mark.parametrize("page", ["docs/connections.md", "README.md"])
def test_commands_are_taken(page: str) -> None:
    """Each exists, with its options."""
    assert unknown((ROOT / page).read_text(encoding="utf-8")) == []


def test_a_command_that_is_none_is_found() -> None:
    """A word or an option that nobody takes is a fault."""
    assert unknown("    keyturn connection prove x\n    keyturn connection list --all") == [
        "connection prove x",
        "connection list --all",
    ]
