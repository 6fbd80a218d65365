"""What a folder gives: of several secrets of one name, the one that prevails."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Named(Generic[T]):
    """Something in a folder at an absolute path, by its name."""

    name: str
    path: str
    it: T


def prevailing(imports: Iterable[Iterable[Named[T]]], own: Iterable[Named[T]]) -> dict[str, T]:
    """Return by name what prevails: a folder's own over imports, a later import over an earlier.

    Of two of one name in folders below each other, the one nearer to the top prevails; of two that
    are equally near, the one whose path comes first.
    """
    ranked = (*(each for one in imports for each in one), *sorted(own, key=_rank, reverse=True))
    return {each.name: each.it for each in ranked}


def _rank(named: Named[T]) -> tuple[int, str]:
    path = named.path.strip("/")
    return path.count("/") + bool(path), path
