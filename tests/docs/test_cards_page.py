"""The page about cards says what the cards declare."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from keyturn.domain.flows.catalogue import CARDS
from keyturn.domain.flows.reading import read_flow

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "cards.md"
CARD = re.compile(r"^### (\S+)\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
EXAMPLE = re.compile(r"```yaml\n(.*?)```", re.DOTALL)


@pytest.fixture(scope="module")
def draw_cards() -> ModuleType:
    """Load the script that draws the page."""
    spec = importlib.util.spec_from_file_location("draw_cards", ROOT / "tools" / "draw_cards.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_cards_declare(draw_cards: ModuleType) -> None:
    """Drawn anew (`python tools/draw_cards.py docs/cards.md`), the page stays as it is."""
    assert draw_cards.page() == PAGE.read_text(encoding="utf-8")


def test_every_card_has_its_place() -> None:
    """The page has a chapter on each card, with its inputs, its outputs and an example."""
    chapters = dict(CARD.findall(PAGE.read_text(encoding="utf-8")))
    assert chapters.keys() == CARDS.keys()
    for name, chapter in chapters.items():
        named = {each.name for each in (*CARDS[name].inputs, *CARDS[name].outputs)}
        assert {each for each in named if f"| `{each}` |" not in chapter} == set()
        assert EXAMPLE.search(chapter)


def test_every_example_of_the_page_is_a_flow() -> None:
    """An example can be copied into a file: a card among others, or a whole flow."""
    for _, chapter in CARD.findall(PAGE.read_text(encoding="utf-8")):
        example = EXAMPLE.findall(chapter)[0]
        if not example.startswith("flow:"):
            card = "- " + example.rstrip().replace("\n", "\n  ")
            example = f"flow: example\nstart: {{kind: helper}}\ncards:\n{card}\n"
        assert read_flow(example).cards
