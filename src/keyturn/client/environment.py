"""Which secrets go into a process's environment, and under which names.

Decides by names alone, and never says a value; knows no process.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from keyturn.formats.variables import is_variable


@dataclass(frozen=True)
class Injection:
    """An environment, and the names that found no place in it.

    ``unfit`` are no names of variables, or have a value that no variable can hold; ``kept`` were
    set before and stay as they were.
    """

    environment: Mapping[str, str] = field(repr=False)
    unfit: tuple[str, ...]
    kept: tuple[str, ...]


def inject(
    values: Mapping[str, str],
    inherited: Mapping[str, str],
    *,
    prefix: str = "",
    override: bool = False,
) -> Injection:
    """Add values to an environment, each name behind the prefix.

    A variable that is set already stays as it is, unless ``override``.
    """
    named = {prefix + name: value for name, value in values.items()}
    unfit = {name for name, value in named.items() if not is_variable(name) or "\0" in value}
    kept = set() if override else (named.keys() & inherited.keys()) - unfit
    added = {name: value for name, value in named.items() if name not in unfit | kept}
    return Injection({**inherited, **added}, tuple(sorted(unfit)), tuple(sorted(kept)))
