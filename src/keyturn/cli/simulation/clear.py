"""What nobody may find written anywhere, and where it is searched for.

Numbered as in `invariants`.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, is_dataclass
from datetime import datetime, time, timedelta
from enum import Enum
from functools import cache
from itertools import compress

from keyturn.cli.simulation.events import Commit
from keyturn.cli.simulation.invariants import Wrong
from keyturn.domain.secret import Version

SHORTEST = 32
LIKE_A_VALUE = re.compile(rf"[A-Za-z0-9_\-]{{{SHORTEST},}}")
NO_TEXT = (int, float, datetime, time, timedelta, Enum, type(None))


PIECE = SHORTEST // 2
"""Of a run as long as the shortest value one piece at least begins at a multiple of this."""
TELLING = 128
"""As much of a value is searched for: the rest of a longer one says no more."""


@dataclass
class Clean:
    """Texts that were searched for the pieces of all secrets there were, and held none."""

    texts: set[str] = field(default_factory=set)
    secrets: set[str] = field(default_factory=set)
    pieces: set[str] = field(default_factory=set)

    def learn(self, secrets: set[str]) -> None:
        """Take up secrets that are new; every text is searched anew then."""
        if len(self.secrets) == len(secrets):
            return
        for secret in secrets - self.secrets:
            told = secret[:TELLING]
            self.pieces |= {told[at : at + PIECE] for at in range(len(told) - PIECE + 1)}
        self.texts, self.secrets = set(), {*secrets}

    def tells(self, token: str) -> bool:
        """Say whether a word of a text holds a secret, or nearly the whole of one."""
        ends = range(PIECE, len(token) + 1, PIECE)
        return any(token[end - PIECE : end] in self.pieces for end in ends)


def no_secret_in_clear(texts: Iterable[str], secrets: set[str], clean: Clean) -> Wrong:
    """8: no value of a client secret or token is in a record, a URL, an error or a log line."""
    clean.learn(secrets)
    every = {*texts} - clean.texts
    if not every or not any(map(clean.tells, LIKE_A_VALUE.findall("\n".join(every)))):
        clean.texts |= every
        return
    for text in sorted(every):
        shown = text
        for found in filter(clean.tells, LIKE_A_VALUE.findall(text)):
            shown = shown.replace(found, "[the value]")
        if shown != text:
            yield f"a secret is in clear in: {shown[:300]}"


def texts_of(commit: Commit) -> Iterator[str]:
    """Yield what a transaction wrote that carries no sealed value, and is no shorter than one."""
    todo: list[object] = [each for each in commit.changed if not isinstance(each, Version)]
    todo += [entry.attempt for entry in commit.audit]
    for held in todo:  # to write whole records out takes ten times as long
        nature = _nature(type(held))  # type: ignore[arg-type]  # a type has a hash
        if nature == "text":
            text = str(held)
            if len(text) >= SHORTEST:
                yield text
        elif nature == "fields":
            values = vars(held).values()
            todo += compress(values, map(_nature, map(type, values)))
        elif nature == "other":
            yield repr(held)


@cache
def _nature(kind: type) -> str:
    if issubclass(kind, str):
        return "text"
    if issubclass(kind, NO_TEXT):
        return ""
    return "fields" if is_dataclass(kind) else "other"
