"""Whose an app is, by its label."""

import pytest

from keyturn.domain.errors import InvalidInput
from keyturn.domain.ids import OrganizationId
from keyturn.domain.owners import owner_pattern, owner_rules, owners_by

ORGANIZATION = OrganizationId("o-1")
BRACKETS = r"^\[(?P<owner>[^\]]+)\]"


@pytest.mark.parametrize(
    ("label", "owner"),
    [
        ("[payments] Checkout", "payments"),
        ("[ pay ] x", "pay"),
        ("Checkout", ""),
        ("legacy-1", "attic"),
        ("[payments] legacy", "payments"),
        ("LEGACY-2", "attic"),
    ],
)
def test_rules_come_before_the_pattern(label: str, owner: str) -> None:
    """The first rule that fits counts; then the pattern; else nobody is told."""
    rules = owner_rules(ORGANIZATION, [("legacy-*", "attic"), ("legacy*", "never")])
    assert owners_by(BRACKETS, rules)(label) == owner


def test_without_pattern_and_rules_nobody_owns_anything() -> None:
    """An installation that says nothing has no owners."""
    assert owners_by("", [])("[payments] Checkout") == ""


def test_a_group_that_took_no_part_names_nobody() -> None:
    """The pattern may fit without it."""
    assert owners_by(r"app(?P<owner>-\w+)?", [])("app") == ""


@pytest.mark.parametrize("pattern", ["(", "no group", "(?P<other>x)"])
def test_a_pattern_that_cannot_name_anybody_is_refused(pattern: str) -> None:
    """It is a setting: whoever set it is told at once."""
    with pytest.raises(ValueError, match=r"regular expression|group owner"):
        owner_pattern(pattern)
    assert owner_pattern(BRACKETS) == BRACKETS
    assert owner_pattern("") == ""


@pytest.mark.parametrize("pair", [("", "x"), ("x", " ")])
def test_a_rule_that_is_not_whole_is_named(pair: tuple[str, str]) -> None:
    """By its number, as it stands in the file."""
    with pytest.raises(InvalidInput, match=r"rules\.2"):
        owner_rules(ORGANIZATION, [("a", "b"), pair])
