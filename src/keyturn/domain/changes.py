"""What has changed of the secrets that a project serves, told by comparing two looks at it.

What came and went between the two is not told: whoever hears of a change reads what is there now.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

Spot = tuple[str, str]
"""The slug of an environment, and a path in it."""


class Event(StrEnum):
    """What subscribers can be told of."""

    CREATED = "secret:create"
    UPDATED = "secret:update"
    DELETED = "secret:delete"
    IMPORTED = "secret:import-mutation"
    """What a folder imports has changed, or something in what it imports."""


@dataclass(frozen=True)
class Served:
    """A secret that is served, without its value; whatever changes of it, one of these does."""

    environment: str
    path: str
    name: str
    version_id: str
    updated_at: datetime

    @property
    def spot(self) -> Spot:
        """Return where it is."""
        return self.environment, self.path


@dataclass(frozen=True)
class Sight:
    """What a project serves as of a revision, and which folders read from which others."""

    revision: int
    served: Mapping[tuple[Spot, str], Served]
    imports: Mapping[Spot, tuple[Spot, ...]]

    def reached(self, spot: Spot) -> frozenset[Spot]:
        """Return every folder that one reads from, by others too."""
        reached: set[Spot] = set()
        ahead = [*self.imports.get(spot, ())]
        while ahead:
            each = ahead.pop()
            if each not in reached:
                reached.add(each)
                ahead += self.imports.get(each, ())
        return frozenset(reached - {spot})


@dataclass(frozen=True)
class Change:
    """One thing that has changed in a folder; ``sources`` are the imported folders at fault."""

    event: Event
    spot: Spot
    name: str = ""
    sources: frozenset[Spot] = frozenset()


def changes(before: Sight, after: Sight) -> tuple[Change, ...]:
    """Return what has changed between two looks at one project."""
    own = tuple(_own(before, after))
    return (*own, *_imported(before, after, {change.spot for change in own}))


def sight_of(
    revision: int, served: Iterable[Served], imports: Mapping[Spot, tuple[Spot, ...]]
) -> Sight:
    """Return a look at what is served."""
    return Sight(revision, {(each.spot, each.name): each for each in served}, imports)


def _own(before: Sight, after: Sight) -> Iterator[Change]:
    for (spot, name), served in after.served.items():
        known = before.served.get((spot, name))
        if known is None:
            yield Change(Event.CREATED, spot, name)
        elif known != served:
            yield Change(Event.UPDATED, spot, name)
    for spot, name in before.served.keys() - after.served.keys():
        yield Change(Event.DELETED, spot, name)


def _imported(before: Sight, after: Sight, changed: set[Spot]) -> Iterator[Change]:
    for spot in before.imports.keys() | after.imports.keys():
        known, now = before.reached(spot), after.reached(spot)
        sources = (changed & (known | now)) | (known ^ now)
        if before.imports.get(spot) != after.imports.get(spot):
            sources |= {*before.imports.get(spot, ()), *after.imports.get(spot, ())}
        if sources:
            yield Change(Event.IMPORTED, spot, sources=frozenset(sources))
