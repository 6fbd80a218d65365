"""`make help` tells of every target, and no page tells of a target that is not there."""

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
TARGET = re.compile(r"^([a-z][a-z-]*):(?!=)(.*)$", re.MULTILINE)
MENTION = re.compile(r"(?:`|^\s*)make ([a-z][a-z-]*)", re.MULTILINE)


def makefile() -> str:
    """Read the Makefile."""
    return (ROOT / "Makefile").read_text(encoding="utf-8")


def without_help(text: str) -> list[str]:
    """List the targets whose line has no help text."""
    return [name for name, rest in TARGET.findall(text) if not re.search(r"## \S", rest)]


def unknown(page: str, text: str) -> set[str]:
    """List the targets a page mentions that a Makefile does not have."""
    return set(MENTION.findall(page)) - {name for name, _ in TARGET.findall(text)}


def test_every_target_has_a_line_of_help() -> None:
    """Nothing that can be run is hidden from `make help`."""
    assert without_help(makefile()) == []


def test_help_is_the_default_and_lists_every_target() -> None:
    """A bare `make` in a new checkout prints the list and does nothing else."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    run = subprocess.run(["make"], cwd=ROOT, env=env, capture_output=True, check=True, text=True)
    listed = [line.split()[1] for line in run.stdout.splitlines()]
    assert listed == [name for name, _ in TARGET.findall(makefile())]


def test_pages_mention_only_targets_that_exist() -> None:
    """A reader who types what a page says gets what the page says."""
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / ".ci" / "run"]
    mentioned = {page.name: unknown(page.read_text(encoding="utf-8"), makefile()) for page in pages}
    assert {name: targets for name, targets in mentioned.items() if targets} == {}


def test_a_target_without_help_is_found() -> None:
    """A target that says nothing, or has an empty help, is a fault."""
    assert without_help("one: ## Say one\ntwo: one\nthree: ##\nFOUR := 4\n") == ["two", "three"]


def test_an_unknown_target_is_found() -> None:
    """A page that names a target the Makefile lost is a fault, inline or in a block."""
    page = "Run `make one`, then `make two`.\n\n    make three\n\nThis will make four."
    assert unknown(page, "one: ## Say one\n") == {"two", "three"}
