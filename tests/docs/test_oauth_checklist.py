"""Every rule that an OAuth client has to keep is a test, and the page names them."""

import re
from pathlib import Path

from keyturn.domain.oauth.presets import PRESETS

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "oauth.md"
RULES = range(1, 19)


def names(text: str) -> set[str]:
    """Return the names of tests of rules that a text has."""
    return set(re.findall(r"test_c\d+_\w+", text))


def test_every_rule_has_a_test_that_names_a_section() -> None:
    """Each of them is kept by one that says which section of which document it is of."""
    every = set[str]().union(*(names(path.read_text()) for path in TESTS.rglob("test_*.py")))
    cited = {name for name in every if re.search(r"rfc\d{4}|oidc|by_", name)}
    for rule in RULES:
        assert any(re.match(rf"test_c{rule}_", name) for name in cited), f"C{rule} has no test"


def test_the_page_names_tests_that_are_there() -> None:
    """No row of the page's table leads nowhere, and no rule is missing."""
    there = set[str]().union(*(names(path.read_text()) for path in TESTS.rglob("test_*.py")))
    named = names(PAGE.read_text())
    assert named <= there
    assert {int(re.match(r"test_c(\d+)_", name)[1]) for name in named} == {*RULES}  # type: ignore[index]  # it matches


def test_the_page_names_the_presets_that_go_without_pkce() -> None:
    """No other does, and the page promises no more than that."""
    (row,) = re.findall(r"^\| PKCE by S256 (.*?) \|", PAGE.read_text(), re.MULTILINE)
    without = {name for name, each in PRESETS.items() if each.document.get("pkce") is False}
    assert set(re.findall(r"`(\w+)`", row)) == without


def test_the_page_says_where_a_mix_up_is_not_noticed() -> None:
    """Its row leads to what to do where no answer carries ``iss``."""
    text = PAGE.read_text()
    assert "[where neither](#where-a-server-sends-no-iss)" in text
    assert "## Where a server sends no `iss`\n" in text
