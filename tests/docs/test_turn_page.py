"""The page about turns says what the table says."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "turn.md"


@pytest.fixture(scope="module")
def draw_turn() -> ModuleType:
    """Load the script that draws the page's diagram."""
    spec = importlib.util.spec_from_file_location("draw_turn", ROOT / "tools" / "draw_turn.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_diagram_is_that_of_the_table(draw_turn: ModuleType) -> None:
    """The committed diagram is what the table of moves draws."""
    assert draw_turn.diagram() in PAGE.read_text()


def test_a_missing_move_would_show(draw_turn: ModuleType) -> None:
    """A page that lacks one arrow is not equal to its redrawn self."""
    stale = PAGE.read_text().replace("    issued --> verified: verify\n", "")
    assert draw_turn.redrawn(stale) != stale
    assert draw_turn.redrawn(stale) == PAGE.read_text()
