"""The decisions are listed, links inside the documents lead somewhere, the licence is whole."""

import hashlib
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ADRS = ROOT / "docs" / "adr"
SECTIONS = ["## Context", "## Drivers", "## Options", "## Outcome"]
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
TERMS = "efc42672d5e2255417ab2bbcef2a39e8400f0ab6d32f4c790d95a3640087923c"


def broken_links(page: Path) -> list[str]:
    """List the relative links of a page that lead nowhere."""
    text = page.read_text(encoding="utf-8")
    return [link for link in LINK.findall(text) if not (page.parent / link).exists()]


def unlisted(folder: Path) -> list[str]:
    """List the decisions that the folder's README does not link to."""
    links = LINK.findall((folder / "README.md").read_text(encoding="utf-8"))
    return sorted({path.name for path in folder.glob("[0-9]*.md")} - set(links))


def terms_hash(text: str) -> str:
    """Hash a licence's terms, whatever its line breaks."""
    terms = re.search(r"TERMS AND CONDITIONS FOR USE.*?(?=END OF TERMS)", text, re.DOTALL)
    return hashlib.sha256(" ".join((terms or [""])[0].split()).encode()).hexdigest()


def test_every_decision_is_listed() -> None:
    """A decision nobody can find decides nothing."""
    assert unlisted(ADRS) == []


@pytest.mark.parametrize("page", sorted(ADRS.glob("[0-9]*.md")), ids=lambda page: page.stem)
def test_every_decision_tells_why(page: Path) -> None:
    """A decision has a status and says what it answers, what counted and what was refused."""
    text = page.read_text(encoding="utf-8")
    assert re.search(r"^Status: (proposed|accepted|superseded by \[)", text, re.MULTILINE)
    assert [section for section in SECTIONS if f"\n{section}" not in text] == []


def test_links_inside_the_documents_lead_somewhere() -> None:
    """A relative link points to a file of this repository."""
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    broken = {str(page.relative_to(ROOT)): broken_links(page) for page in pages}
    assert {page: links for page, links in broken.items() if links} == {}


def test_the_licence_is_apache_2() -> None:
    """The terms are Apache's to the word, the authors are named, the package says the same."""
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert terms_hash(text) == TERMS
    assert "Copyright 2026 The Keyturn authors" in text
    assert project["license"] == "Apache-2.0"


def test_an_unlisted_decision_and_a_broken_link_are_found(tmp_path: Path) -> None:
    """A decision the list forgot, and a link to a page that went, are each a fault."""
    (tmp_path / "0001-kept.md").touch()
    (tmp_path / "0002-forgotten.md").touch()
    readme = tmp_path / "README.md"
    readme.write_text("[kept](0001-kept.md) [gone](0003-gone.md#x) [far](https://a.example/b)")
    assert unlisted(tmp_path) == ["0002-forgotten.md"]
    assert broken_links(readme) == ["0003-gone.md"]


def test_changed_terms_are_found() -> None:
    """One word less in the licence is another licence; another line break is not."""
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert terms_hash(text.replace("\n   ", "\n ")) == TERMS
    assert terms_hash(text.replace("royalty-free, ", "", 1)) != TERMS
    assert terms_hash("all rights reserved") != TERMS
