"""Whose an app is, by its label."""

import pytest

from keyturn.domain.errors import InvalidInput
from keyturn.domain.ids import OrganizationId
from keyturn.domain.owners import (
    RULES_MAX,
    owner_pattern,
    owner_rules,
    owners_by,
    read_rules,
)

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


def test_rules_are_read_from_csv() -> None:
    """A line that names the columns, and empty ones, are passed over."""
    text = 'Pattern, Owner\n\npay-*, "Team, A"\r\n ,\n"shop\n*",Shop\n'
    assert read_rules(text.replace(', "', ',"')) == [("pay-*", "Team, A"), ("shop\n*", "Shop")]
    assert read_rules("pattern,owner\n") == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a,b\nc\n", "rule 2 must be a pattern, a comma and an owner"),
        ("a,b,c\n", "rule 1 must be"),
        ("pattern,owner\na, \n", "rule 1 must be"),
        (f"a,b\n{'x' * 256},b\n", "rule 2 has more than 255 characters"),
        ('a,"b\nc,d\n', "must be CSV"),
        ("a,b\n" * (RULES_MAX + 1), "at most 10,000 rules; there are 10,001"),
    ],
)
def test_a_file_of_rules_that_is_none_is_refused(text: str, why: str) -> None:
    """By what is wrong, with the number of the rule."""
    with pytest.raises(InvalidInput, match=why):
        read_rules(text)
