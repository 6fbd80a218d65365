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


@dataclass
class Clean:
    """Texts that were searched for as many secrets as there were, and held none."""

    texts: set[str] = field(default_factory=set)
    secrets: int = 0


def no_secret_in_clear(texts: Iterable[str], secrets: set[str], clean: Clean) -> Wrong:
    """8: no value of a client secret or token is in a record, an error or a log line."""
    if clean.secrets != len(secrets):
        clean.texts, clean.secrets = set(), len(secrets)
    every = {*texts} - clean.texts
    if not every or secrets.isdisjoint(LIKE_A_VALUE.findall("\n".join(every))):
        clean.texts |= every
        return
    for text in sorted(every):
        for found in LIKE_A_VALUE.findall(text):
            if found in secrets:
                yield f"a secret is in clear in: {text.replace(found, '[the value]')[:300]}"


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
