"""Where the values of an export come from in a flow of ours, and how things are called there.

Decides which names can be referred to. Okta's cards call the members of its users and events by
names for people; the tables here lead from those to the members as its API has them.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from keyturn.domain.flows.expressions import HEAD, Reference
from keyturn.domain.flows.reading import NAME_MAX, NUMBERED, OUR_WORDS
from keyturn.domain.flows.values import Kind

Names: TypeAlias = Mapping[str, tuple[str, ...]]
"""Our ways to members by what Okta calls them; * is the way to any other."""

STEPS_MAX: Final = 40
_STEP: Final = re.compile(r'[^"\\{}\x00-\x1f]{1,150}')
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

USER: Final[Names] = {
    "Raw Output": (),
    "ID": ("id",),
    "Status": ("status",),
    "Created": ("created",),
    "Activated": ("activated",),
    "Status Changed": ("statusChanged",),
    "Last Login": ("lastLogin",),
    "Last Updated": ("lastUpdated",),
    "Password Changed": ("passwordChanged",),
    "First Name": ("profile", "firstName"),
    "Last Name": ("profile", "lastName"),
    "Mobile Phone": ("profile", "mobilePhone"),
    "Second Email": ("profile", "secondEmail"),
    "Secondary email": ("profile", "secondEmail"),
    "Login": ("profile", "login"),
    "Username": ("profile", "login"),
    "Email": ("profile", "email"),
    "Primary email": ("profile", "email"),
    "Display Name": ("profile", "displayName"),
    "Department": ("profile", "department"),
    "Title": ("profile", "title"),
    "Manager": ("profile", "manager"),
}
GROUP: Final[Names] = {
    "Raw Output": (),
    "ID": ("id",),
    "Name": ("profile", "name"),
    "Description": ("profile", "description"),
    "Type": ("type",),
}
WHO: Final[Names] = {
    "ID": ("id",),
    "Alternate ID": ("alternateId",),
    "Display Name": ("displayName",),
    "Type": ("type",),
}
ROW: Final[Names] = {"Row ID": ("row",), "*": ("values",)}
ERROR: Final[Names] = {"code": ("status",), "statusCode": ("status",)}


@dataclass(frozen=True)
class Source:
    """Where a value comes from; ``sure`` unless the card that gives it may not have run."""

    way: tuple[str | int, ...]
    kind: Kind = Kind.ANY
    sure: bool = True
    names: Names = field(default_factory=dict)

    def lead(self, steps: tuple[str, ...]) -> "Source":
        """Return where a member lies, by the names that Okta's cards have for it."""
        if not steps:
            return self
        first, *rest = steps
        own = (*self.names["*"], first) if "*" in self.names else (first,)
        way = (*self.way, *self.names.get(first, own), *rest)
        return Source(tuple(map(_numbered, way)), sure=False)

    @property
    def can_be_written(self) -> bool:
        """Say whether a reference can lead there."""
        named = (step for step in self.way[1:] if isinstance(step, str))
        return len(self.way) <= STEPS_MAX and all(map(_STEP.fullmatch, named))

    def __str__(self) -> str:
        head, *path = self.way
        return str(Reference(str(head), tuple(path), optional=not self.sure))

    def doubtful(self) -> "Source":
        """Return it for places where its card may not have run."""
        return replace(self, sure=False)


def _numbered(step: str | int) -> str | int:
    is_place = isinstance(step, str) and re.fullmatch("[0-9]{1,6}", step)
    return int(step) if is_place else step


def can_be_named(key: str) -> bool:
    """Say whether a reference can lead to a member of this name."""
    return _STEP.fullmatch(key) is not None and not re.fullmatch("[0-9]{1,6}", key)


def slug(text: str, taken: Collection[str], otherwise: str) -> str:
    """Return a name as flows and connections have it, which nobody has yet."""
    words = "-".join(re.findall("[a-z0-9]+", text.lower()))[: NAME_MAX - 5].strip("-")
    return _free(words or otherwise, taken, "-")


def word(text: str, taken: Collection[str], otherwise: str) -> str:
    """Return a word as cards and secrets are called by, which nobody has yet."""
    told = "_".join(_WORD.findall(text)).lower()[: NAME_MAX - 6].strip("_")
    if not HEAD.fullmatch(told) or NUMBERED.fullmatch(told):
        told = otherwise
    return _free(told, {*taken, *OUR_WORDS}, "_")


def _free(name: str, taken: Collection[str], between: str) -> str:
    if name not in taken:
        return name
    number = 2
    while f"{name}{between}{number}" in taken:
        number += 1
    return f"{name}{between}{number}"
