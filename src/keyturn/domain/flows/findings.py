"""What is found in a flow that can be read: where, by which rule, and how bad it is."""

from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from itertools import islice
from typing import Final

from keyturn.domain.flows.spots import Path, way

GUESSED_MAX: Final = 200
"""Among how many names one is looked for that may be meant."""
LISTED_MAX: Final = 10


class Severity(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    """The flow cannot do what it says."""
    WARNING = "warning"
    """It can, but somebody may have meant something else."""


@dataclass(frozen=True)
class Finding:
    """One thing that is found in a flow, in a line counted from 1."""

    line: int
    where: str
    rule: str
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        warning = "warning: " if self.severity is Severity.WARNING else ""
        return f"{warning}{f'{self.where}: ' if self.where else ''}{self.rule}"


@dataclass(frozen=True)
class Found:
    """A finding before anybody has looked up its line."""

    path: Path
    rule: str
    severity: Severity = Severity.ERROR

    def at(self, line: int) -> Finding:
        """Return it with its line."""
        return Finding(line, way(self.path), self.rule, self.severity)


def warning(path: Path, rule: str) -> Found:
    """Return a finding with which a flow still runs."""
    return Found(path, rule, Severity.WARNING)


def guess(name: str, names: Collection[str]) -> str:
    """Return the end of a sentence about a name that nobody knows: the one that is most like it."""
    few = sorted(names) if len(names) <= GUESSED_MAX else ()
    near = get_close_matches(name[:60], few, 1)
    return f"; is it {near[0]}?" if near else ""


def listing(names: Collection[str]) -> str:
    """Return names in a row, the first of them where they are many."""
    more = ", ..." if len(names) > LISTED_MAX else ""
    return ", ".join(islice(names, LISTED_MAX)) + more
