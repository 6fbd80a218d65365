"""Whose an app is, by its label: a regular expression of the installation, or rules.

Decides from texts alone.
"""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.domain.ids import OrganizationId
from keyturn.domain.inventory import OwnerRule
from keyturn.domain.selector import Selector, Subject

GROUP = "owner"
"""The group of the regular expression that names the owner."""


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
