"""Places in a file, what may stand there, and what is wrong with what does.

Knows texts, numbers, lists and mappings; what they mean in a flow, `reading` knows.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias, TypeGuard, TypeVar

from keyturn.domain.flows.spec import History, Security, Source, StartKind
from keyturn.domain.flows.values import Kind
from keyturn.domain.flows.yaml_text import Node

PROBLEMS_MAX: Final = 100
"""After how many problems a file is read no further."""
NUMBER_MAX: Final = 1e12

E = TypeVar("E", StartKind, Security, History, Kind, Source)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a flow: where, by the names that lead there, and what to do."""

    line: int
    where: str
    rule: str

    def __str__(self) -> str:
        return f"line {self.line}: {f'{self.where}: ' if self.where else ''}{self.rule}"


Path: TypeAlias = tuple[str | int, ...]
"""Names, and numbers from 1, that lead to a place in a file."""


def way(path: Path) -> str:
    """Return a path as people read it, as in cards[2].with.url."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step[:60]}" for step in path)
    return "".join(steps).removeprefix(".")


@dataclass(frozen=True)
class Spot:
    """A node, and the names and numbers that lead to it."""

    node: Node
    path: Path = ()

    @property
    def where(self) -> str:
        """Return the way to it."""
        return way(self.path)

    def members(self) -> Mapping[str, "Spot"]:
        """Return its members; none where it is no mapping."""
        of = self.node.of if isinstance(self.node.of, dict) else {}
        return {name: Spot(each, (*self.path, name)) for name, each in of.items()}

    def items(self) -> Iterator["Spot"]:
        """Give its items; none where it is no list."""
        of = self.node.of if isinstance(self.node.of, list) else []
        for number, each in enumerate(of, 1):
            yield Spot(each, (*self.path, number))


class Enough(Exception):
    """So much is wrong with a file that nobody reads on."""


@dataclass
class Judge:
    """Look at the spots of one file, and keep what is wrong with it."""

    problems: list[Problem] = field(default_factory=list)

    def wrong(self, spot: Spot, rule: str) -> None:
        """Keep something that is wrong. Raises Enough with the last that is kept."""
        self.problems.append(Problem(spot.node.line, spot.where, rule))
        if len(self.problems) == PROBLEMS_MAX:
            raise Enough

    def mapping(self, spot: Spot, known: tuple[str, ...] | None) -> Mapping[str, Spot]:
        """Return the members of what has to be a mapping of these names; None is any."""
        if not isinstance(spot.node.of, dict):
            self.wrong(spot, "must be a mapping of names")
        for name, each in spot.members().items():
            if known is not None and name not in known:
                self.wrong(each, f"is nothing that stands here; there may be {', '.join(known)}")
        return spot.members()

    def listed(self, spot: Spot, of: str) -> tuple[Spot, ...]:
        """Return the items of what has to be a list, with something in it."""
        items = tuple(spot.items())
        if not items:
            self.wrong(spot, f"must be a list of {of}")
        return items

    def text(self, spot: Spot | None) -> str:
        """Return what has to be a text."""
        if spot is None:
            return ""
        if not isinstance(spot.node.of, str):
            self.wrong(spot, "must be a text")
            return ""
        return spot.node.of

    def number(
        self, spot: Spot, *, least: float, most: float = NUMBER_MAX, whole: bool = False
    ) -> float:
        """Return what has to be a number between these."""
        of = spot.node.of
        if _is_number(of) and least <= of <= most and (not whole or of == int(of)):
            return of
        kind = "whole number" if whole else "number"
        self.wrong(spot, f"must be a {kind} from {least:g} to {most:g}")
        return least

    def texts(self, spot: Spot | None, names: re.Pattern[str]) -> Mapping[str, str]:
        """Return what has to be texts by names."""
        parts = self.mapping(spot, None) if spot else {}
        for name, each in parts.items():
            if not names.fullmatch(name):
                self.wrong(each, "must be called by a word of a-z, 0-9 and _")
        return {name: self.text(each) for name, each in parts.items()}

    def kinds(self, spot: Spot | None) -> Mapping[str, Kind]:
        """Return what has to be kinds by names."""
        parts = self.mapping(spot, None) if spot else {}
        return {name: self.one_of(each, Kind.ANY) for name, each in parts.items()}

    def one_of(self, spot: Spot | None, otherwise: E) -> E:
        """Return the member of an enum that a text names."""
        if spot is None:
            return otherwise
        kinds: list[E] = list(type(otherwise))
        found = next((kind for kind in kinds if kind.value == spot.node.of), None)
        if found is None:
            self.wrong(spot, f"must be one of {', '.join(kind.value for kind in kinds)}")
        return found or otherwise


def _is_number(of: object) -> TypeGuard[int | float]:
    return isinstance(of, int | float) and not isinstance(of, bool)
