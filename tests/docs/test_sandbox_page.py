"""The page about the sandbox says what the sandbox does."""

import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from keyturn.cli.sandbox import sandbox
from keyturn.sandbox import Fault
from keyturn.sandbox.faults import KINDS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "sandbox.md"
FAULT_ROW = re.compile(r"^\| `([\w-]+)` \|.*\| `({.*})` \|$", re.MULTILINE)
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


def test_every_fault_has_an_example_that_works() -> None:
    """Each kind is explained once, and its example is a fault of that kind."""
    rows = FAULT_ROW.findall(PAGE.read_text())
    assert [kind for kind, _ in rows] == [*KINDS]
    assert [Fault(**json.loads(example)).kind for _, example in rows] == [*KINDS]


def test_commands_use_options_that_exist() -> None:
    """No command on the page has an option that the program refuses."""
    assert unknown_options(PAGE.read_text()) == set()
    assert unknown_options("keyturn sandbox --org a=1 --orgs b") == {"--orgs"}
