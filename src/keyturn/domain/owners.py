"""Whose an app is, by its label: a regular expression of the installation, or rules.

Decides from texts alone.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.domain.ids import OrganizationId
from keyturn.domain.inventory import OwnerRule
from keyturn.domain.selector import Selector, Subject

GROUP = "owner"
"""The group of the regular expression that names the owner."""


RULES_MAX = 10_000
"""As many rules as there are at most: each is held against the label of each app."""

LONGEST = 255
"""As many characters as a pattern has at most, and an owner."""


def owner_pattern(text: str) -> str:
    """Return a regular expression with a group ``owner``, or "" for none. Raises ValueError."""
    try:
        groups = re.compile(text).groupindex
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from None
    if text and GROUP not in groups:
        raise ValueError(r"needs a group owner, as in ^\[(?P<owner>[^\]]+)\]")
    return text


def owners_by(pattern: str, rules: Iterable[OwnerRule]) -> Callable[[str], str]:
    """Return what tells from a label whose the app is, or "": rules come before the pattern."""
    ordered = sorted(rules, key=lambda rule: rule.number)
    chosen = [(Selector((f"label={rule.pattern}",)), rule.owner) for rule in ordered]

    def owner(label: str) -> str:
        for apps, whose in chosen:
            if apps.fits(Subject(label=label)):
                return whose
        found = _compiled(pattern).search(label) if pattern else None
        return (found[GROUP] or "").strip() if found else ""

    return owner


def read_rules(text: str) -> Sequence[tuple[str, str]]:
    """Read pairs of pattern and owner from CSV; a first line ``pattern,owner`` is passed over.

    Raises InvalidInput for what is no CSV, for a line that is no pair, and for too many.
    """
    try:
        every = [*csv.reader(io.StringIO(text, newline=""), strict=True)]
    except csv.Error as error:
        raise _wrong(f"must be CSV: {error}") from None
    rows = [cells for row in every if any(cells := [cell.strip() for cell in row])]
    if rows and [cell.lower() for cell in rows[0]] == ["pattern", "owner"]:
        rows = rows[1:]
    if len(rows) > RULES_MAX:
        raise _wrong(f"must be at most {RULES_MAX:,} rules; there are {len(rows):,}")
    for number, row in enumerate(rows, 1):
        if len(row) != 2 or not all(row):
            raise _wrong(f"rule {number} must be a pattern, a comma and an owner")
        if max(map(len, row)) > LONGEST:
            raise _wrong(f"rule {number} has more than {LONGEST} characters in a column")
    return [(pattern, owner) for pattern, owner in rows]


def _wrong(rule: str) -> InvalidInput:
    return InvalidInput(FieldProblem(("rules",), rule))


def owner_rules(
    organization_id: OrganizationId, lines: Iterable[tuple[str, str]]
) -> tuple[OwnerRule, ...]:
    """Return rules of pairs of pattern and owner, the first that fits counting.

    Raises InvalidInput for one that lacks either.
    """
    pairs = [(pattern.strip(), owner.strip()) for pattern, owner in lines]
    for number, pair in enumerate(pairs, 1):
        if not all(pair):
            raise InvalidInput(
                FieldProblem(("rules", str(number)), "must have a pattern and an owner")
            )
    return tuple(OwnerRule(organization_id, n, *pair) for n, pair in enumerate(pairs, 1))


_compiled = lru_cache(maxsize=16)(re.compile)
