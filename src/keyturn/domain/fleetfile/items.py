"""What a fleet file speaks of, and how two sights of it differ: what is wanted and what there is.

Decides by natural keys alone: slugs, names and paths. What the file does not say of a thing is left
as it is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from keyturn.domain.compliance_reports import canonical, digest
from keyturn.domain.errors import FieldProblem

Fields = Mapping[str, object]
"""What is said of a thing: texts, numbers, truths, tuples of texts, and mappings of those."""


class Kind(StrEnum):
    """What a thing is, in the order in which they need each other."""

    PROJECT = "project"
    ENVIRONMENT = "environment"
    FOLDER = "folder"
    CONNECTION = "connection"
    POLICY = "compliance policy"
    EXCEPTION = "policy exception"
    ROTATION = "rotation"
    DESTINATION = "destination"
    CHANNEL = "channel"
    ROLE = "role"
    IDENTITY = "identity"
    ROLES = "project roles"


SECTIONS: Final[Mapping[str, frozenset[Kind]]] = MappingProxyType(
    {
        "projects": frozenset({Kind.PROJECT, Kind.ENVIRONMENT, Kind.FOLDER}),
        "connections": frozenset({Kind.CONNECTION}),
        "rotations": frozenset({Kind.ROTATION}),
        "destinations": frozenset({Kind.DESTINATION}),
        "channels": frozenset({Kind.CHANNEL}),
        "roles": frozenset({Kind.ROLE}),
        "identities": frozenset({Kind.IDENTITY, Kind.ROLES}),
        "compliancePolicies": frozenset({Kind.POLICY}),
        "policyExceptions": frozenset({Kind.EXCEPTION}),
    }
)
"""Which kinds a section of the file is about; of a section that it lacks it says nothing."""

PRUNED: Final = frozenset(Kind) - {Kind.PROJECT, Kind.ENVIRONMENT, Kind.FOLDER, Kind.ROTATION}
"""What may be removed because it is not in the file: nothing that holds a secret's only value."""

FIXED: Final[Mapping[Kind, frozenset[str]]] = MappingProxyType(
    {
        Kind.PROJECT: frozenset({"name"}),
        Kind.CONNECTION: frozenset({"project"}),
        Kind.ROTATION: frozenset({"app", "connection", "type"}),
        Kind.DESTINATION: frozenset({"kind"}),
        Kind.CHANNEL: frozenset({"kind", "project"}),
    }
)
"""What is said once, when a thing is made."""

CREDENTIAL: Final = "credential"
"""Where it comes from; never compared, because nobody can read what is there."""


class Action(StrEnum):
    """What is done to a thing."""

    CREATE = "create"
    ADOPT = "adopt"
    """A rotation takes an app over."""
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True)
class Item:
    """A thing, known again by ``key`` within its kind; ``line`` is where the file says it."""

    kind: Kind
    key: tuple[str, ...]
    fields: Fields = field(default_factory=dict)
    line: int = 0

    @property
    def id(self) -> tuple[Kind, tuple[str, ...]]:
        """Return by what it is known again."""
        return self.kind, self.key

    @property
    def name(self) -> str:
        """Return what people call it."""
        if len(self.key) < len(("project", "environment", "path")):
            return "/".join(self.key)
        project, environment, path, *name = self.key
        place = f"{project}/{environment}{path}"
        return f"{place}:{name[0]}" if name else place


@dataclass(frozen=True)
class FieldChange:
    """What is said of a thing, before and after; None is nothing."""

    name: str
    before: object
    after: object


@dataclass(frozen=True)
class Change:
    """One thing to do; ``item`` is as it is wanted, or as it is where it goes."""

    action: Action
    item: Item
    fields: tuple[FieldChange, ...] = ()

    @property
    def document(self) -> Mapping[str, object]:
        """Return what the hash of a plan is taken over."""
        fields = [[each.name, each.before, each.after] for each in self.fields]
        return {"do": self.action, "kind": self.item.kind, "key": self.item.key, "fields": fields}


@dataclass(frozen=True)
class Difference:
    """What is to be done, in order; ``left`` is there, is not in the file and stays."""

    changes: tuple[Change, ...]
    left: tuple[Item, ...]
    problems: tuple[FieldProblem, ...] = ()


def diff(
    wanted: Sequence[Item], standing: Sequence[Item], *, prune: bool = False, keep: str = ""
) -> Difference:
    """Compare what is wanted with what there is.

    With ``prune`` what may go and is not wanted goes, but for the identity called ``keep``.
    """
    known, asked = {each.id: each for each in standing}, {each.id for each in wanted}
    done: list[Change] = []
    problems: list[FieldProblem] = []
    for item in sorted(wanted, key=_rank):
        before = known.get(item.id)
        changed = changes_of(item, before)
        problems += _refused(item, changed if before else ())
        if before is None:
            made = Action.ADOPT if item.kind is Kind.ROTATION else Action.CREATE
            done.append(Change(made, item, changed))
        elif changed:
            done.append(Change(Action.UPDATE, item, changed))
    rest = [each for each in standing if each.id not in asked]
    doomed = [each for each in rest if prune and each.kind in PRUNED and not _is(each, keep)]
    gone = {each.key for each in doomed if each.kind is Kind.IDENTITY}
    deleted = [each for each in doomed if each.kind is not Kind.ROLES or each.key[:1] not in gone]
    done += (Change(Action.DELETE, each) for each in sorted(deleted, key=_rank, reverse=True))
    going = {each.id for each in doomed}
    left = tuple(each for each in rest if each.id not in going)
    return Difference(tuple(done), left, tuple(problems))


def changes_of(item: Item, before: Item | None) -> tuple[FieldChange, ...]:
    """Return what of a thing is to be otherwise than it is."""
    old = before.fields if before else {}
    names = [n for n in item.fields if before is None or n != CREDENTIAL]
    told = (FieldChange(name, old.get(name), item.fields[name]) for name in names)
    return tuple(each for each in told if before is None or each.before != each.after)


def plan_hash(changes: Iterable[Change]) -> str:
    """Return the hash of what is to be done, in hexadecimal digits."""
    return digest(canonical([each.document for each in changes]))


def problem_of(item: Item, name: str, rule: str) -> FieldProblem:
    """Return what is wrong with a thing, and where the file says it."""
    where = f" (line {item.line})" if item.line else ""
    return FieldProblem((f"{item.kind} {item.name}", name), f"{rule}{where}")


def _refused(item: Item, changed: Sequence[FieldChange]) -> Iterable[FieldProblem]:
    for each in changed:
        if each.name in FIXED.get(item.kind, ()):
            yield problem_of(item, each.name, f"is {each.before!r} and cannot be changed")


def _is(item: Item, name: str) -> bool:
    """Say whether something is an identity of this name, or its roles."""
    return item.kind in SECTIONS["identities"] and item.key[0] == name


_ORDER: Final = list(Kind)


def _rank(item: Item) -> int:
    return _ORDER.index(item.kind)
