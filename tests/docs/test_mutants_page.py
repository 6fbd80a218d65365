"""What the page says of surviving mutants is about lines that are there."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "proof.md"
ROW = re.compile(r"^\| `(\w+)\.\S+` \| `(.+?)` → `(.*?)` \| \S", re.MULTILINE)


def mutated() -> dict[str, Path]:
    """Return the files of rules that are broken on purpose, by the names of their modules."""
    configured = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    paths = [ROOT / path for path in configured["tool"]["mutmut"]["source_paths"]]
    found = {path.stem: path for path in paths}
    assert len(found) == len(paths)
    return found


def stale(page: str) -> list[str]:
    """List the explained lines that their module does not have."""
    rules = mutated()
    rows = ROW.findall(page.replace(r"\|", "|"))
    return [was for module, was, _ in rows if was not in squeezed(rules[module])]


def squeezed(path: Path) -> str:
    """Read a module with one blank for any white space."""
    return " ".join(path.read_text(encoding="utf-8").split())


def test_explained_lines_are_there() -> None:
    """A rule that was rewritten needs no explanation, or another one: `make mutate` tells."""
    assert stale(PAGE.read_text(encoding="utf-8")) == []


def test_a_line_that_is_gone_is_found() -> None:
    """A row about a line that no rule has is stale."""
    assert stale("| `steps.x` | `nothing like it` → `None` | why |\n") == ["nothing like it"]


@pytest.mark.parametrize("name", ["evidence", "orders", "steps", "turn", "token_steps"])
def test_rules_are_mutated(name: str) -> None:
    """A file of rules that was moved is still among those that are broken on purpose."""
    assert name in mutated()
    assert all(path.is_file() for path in mutated().values())
