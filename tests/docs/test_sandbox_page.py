"""The page about the sandbox says what the sandbox does."""

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from sandbox_kit import World

from keyturn.cli.sandbox import sandbox

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "sandbox.md"
OPTION = re.compile(r"(?<!\S)--[a-z-]+")


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    """Load the script that renders the page's tables."""
    path = ROOT / "tools" / "sandbox_operations.py"
    spec = importlib.util.spec_from_file_location("sandbox_operations", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def unknown_options(page: str) -> set[str]:
    """List the options that commands on a page use and `keyturn sandbox` lacks."""
    known = {word for option in sandbox.params for word in option.opts}
    lines = re.findall(r"^keyturn sandbox .*$", page, re.MULTILINE)
    return {word for line in lines for word in OPTION.findall(line)} - known


def test_tables_are_those_of_the_code(tool: ModuleType) -> None:
    """Operations of Okta's documents, further ones, and the control port's."""
    assert tool.redrawn(PAGE.read_text()) == PAGE.read_text()


def test_what_is_not_there_has_a_reason(tool: ModuleType) -> None:
    """No operation is missing in silence, and no reason outlives its operation's absence."""
    assert tool.unexplained() == []


async def test_what_is_not_there_is_answered_as_the_table_says(tool: ModuleType) -> None:
    """The table tells a path that takes other methods from one that does not exist."""
    world = World()
    absent = [row for row in tool.rows() if not row.there()]
    assert {row.known() for row in absent} == {True, False}
    for row in absent:
        answer = await world.admin(row.method, row.path.replace("{", "").replace("}", ""))
        assert f"{answer.status_code} `{answer.json()['errorCode']}`" in tool.said(row), row


def test_a_stale_table_would_show(tool: ModuleType) -> None:
    """A page that lacks one operation is not equal to its redrawn self."""
    stale = re.sub(r"^\| listDevices .*\n", "", PAGE.read_text(), flags=re.MULTILINE)
    assert tool.redrawn(stale) == PAGE.read_text() != stale


def test_an_unexplained_absence_would_show(
    tool: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its reason an operation that is not there is named."""
    monkeypatch.delitem(tool.REASONS, "generateNewClientSecret")
    assert tool.unexplained() == ["generateNewClientSecret"]


def test_commands_use_options_that_exist() -> None:
    """No command on the page has an option that the program refuses."""
    assert unknown_options(PAGE.read_text()) == set()
    assert unknown_options("keyturn sandbox --org a=1 --orgs b") == {"--orgs"}
