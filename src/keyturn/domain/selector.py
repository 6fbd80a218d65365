"""A selector: which apps of a fleet something is about, written as ``label=pay-* grant=*``.

Whatever picks apps picks them by this: policies, rollouts, emergencies, routes of notices. Decides
by what is known of an app alone, and touches nothing.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from types import MappingProxyType

from keyturn.domain.errors import FieldProblem, InvalidInput

LONGEST = 1000
"""As many characters as a selector has at most."""


@dataclass(frozen=True)
class Subject:
    """What is known of one app, and of the rotation that keeps it, if one does.

    ``label`` is Okta's; ``owner`` whose it is; ``grant`` are its grant types, ``group`` the groups
    that it is assigned to, of those that an inventory reads; ``auth`` is how it authenticates;
    ``connection`` is the name of the connection to its org. The others are names of where its
    rotation is: project and environment by slug, ``path`` of the folder.
    """

    app: str = ""
    client: str = ""
    label: str = ""
    owner: str = ""
    grant: tuple[str, ...] = ()
    group: tuple[str, ...] = ()
    auth: str = ""
    connection: str = ""
    rotation: str = ""
    project: str = ""
    environment: str = ""
    path: str = ""


NAMES: Sequence[str] = tuple(field.name for field in fields(Subject))
"""The words that a term may begin with."""


@dataclass(frozen=True)
class Selector:
    """Patterns by name: of each name one has to fit, ``*`` stands for any characters.

    One without patterns fits everything.
    """

    patterns: tuple[str, ...] = ()
    """Each is ``name=pattern``, as they were written."""

    def fits(self, subject: Subject) -> bool:
        """Say whether an app is one of those that are meant."""
        return all(
            any(_any_fits(pattern, getattr(subject, name)) for pattern in patterns)
            for name, patterns in self.by_name.items()
        )

    @property
    def by_name(self) -> Mapping[str, Sequence[str]]:
        """Return the patterns of each name that is asked for."""
        return _grouped(self.patterns)

    def __str__(self) -> str:
        """Write it as `parse_selector` reads it."""
        return " ".join(_quoted(each) for each in self.patterns)


EVERYTHING = Selector()


def require_groups(selector: Selector, read: Sequence[str], field: str = "selector") -> None:
    """Raise InvalidInput for a group of which no inventory reads what is assigned to it.

    ``read`` are the groups whose apps are. Of others nothing is known, so that nothing would fit.
    """
    for pattern in selector.by_name.get("group", ()):
        if not _any_fits(pattern, tuple(read)):
            rule = (
                f"names the group {pattern}, of which no inventory reads the apps: name it in "
                "KEYTURN_INVENTORY_GROUPS, and have the inventory read"
            )
            raise InvalidInput(FieldProblem((field,), rule))


def groups_meant(selector: Selector, read: Sequence[str]) -> frozenset[str]:
    """Return those groups, of the ones that are read, that a selector names."""
    patterns = selector.by_name.get("group", ())
    return frozenset(each for each in read if any(_any_fits(one, each) for one in patterns))


_TERM = re.compile(r'\s*(?:([a-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s"]+)))(?=\s|$)')
_ESCAPED = re.compile(r"\\(.)")


def parse_selector(text: str, field: str = "selector") -> Selector:
    """Parse ``name=pattern name="pattern with blanks"``; nothing, or ``*``, is everything.

    ``field`` is what an error names. Raises InvalidInput.
    """
    if len(text) > LONGEST:
        raise InvalidInput(FieldProblem((field,), f"must have at most {LONGEST} characters"))
    rest, patterns = text.strip(), list[str]()
    while rest and rest != "*":
        term = _TERM.match(rest)
        if term is None or term[1] not in NAMES:
            words, wrong = ", ".join(NAMES), rest.split(maxsplit=1)[0][:60]
            rule = (
                f"must be terms like label=pay-* with blanks between, and {wrong!r} is none; a "
                f"term begins with {words}"
            )
            raise InvalidInput(FieldProblem((field,), rule))
        quoted = _ESCAPED.sub(r"\1", term[2]) if term[2] is not None else term[3]
        patterns.append(f"{term[1]}={quoted}")
        rest = rest[term.end() :].lstrip()
    return Selector(tuple(patterns))


def _quoted(term: str) -> str:
    name, _, pattern = term.partition("=")
    if pattern and not re.search(r'[\s"\\]', pattern):
        return term
    escaped = pattern.replace("\\", "\\\\").replace('"', '\\"')
    return f'{name}="{escaped}"'


@lru_cache(maxsize=256)
def _grouped(patterns: tuple[str, ...]) -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    for each in patterns:
        name, _, pattern = each.partition("=")
        found.setdefault(name, []).append(pattern)
    return MappingProxyType(found)


def _any_fits(pattern: str, found: str | tuple[str, ...]) -> bool:
    values = found if isinstance(found, tuple) else (found,)
    return any(_compiled(pattern).fullmatch(value) for value in values)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = (re.escape(part) for part in re.split(r"\*+", pattern))
    return re.compile(".*".join(parts), re.DOTALL | re.IGNORECASE)
