"""Open values, with what they refer to in its place.

A reference discloses what it leads to, so every place that one leads into passes the gate as if it
had been asked for; a caller who may not read it is told the place, and no value.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from keyturn.domain.access import Caller, Target, Verb
from keyturn.domain.project import Project
from keyturn.domain.references import DEPTH_MAX, SOURCES_MAX, Source, expanded, sources
from keyturn.domain.sensitive import Sensitive
from keyturn.services import gate
from keyturn.services.found import Found, find_found
from keyturn.services.ports import World
from keyturn.services.projects import find_place
from keyturn.services.sealing import open_version

_Spot = tuple[str, str]


@dataclass(frozen=True)
class Opened:
    """Values in the order of what was found, and the secrets that went into them besides."""

    values: Sequence[Sensitive]
    used: Sequence[Found]


async def open_expanded(world: World, caller: Caller, found: Sequence[Found]) -> Opened:
    """Open values with their references expanded. Raises Forbidden, which names the place.

    The caller has passed the gate for the places of what was found.
    """
    texts = [open_version(world, each.place.project, each.version) for each in found]
    if not any(each.version.refers for each in found):
        return Opened(texts, ())
    gathering = _Gathering(world, caller, found[0].place.project, {_spot(f.source) for f in found})
    pairs = [*zip(found, texts, strict=True)]
    await gathering.follow({each.source: text for each, text in pairs if each.version.refers})
    values = [
        Sensitive(expanded(text.reveal(), each.source, gathering.known)) for each, text in pairs
    ]
    return Opened(values, gathering.used)


class _Gathering:
    """What references lead to, read level by level."""

    def __init__(
        self, world: World, caller: Caller, project: Project, permitted: set[_Spot]
    ) -> None:
        self._world = world
        self._caller = caller
        self._project = project
        self._permitted = permitted
        self._asked: set[Source] = set()
        self.known: dict[Source, str] = {}
        self.used: list[Found] = []

    async def follow(self, texts: Mapping[Source, Sensitive]) -> None:
        """Read what some texts refer to, and what that refers to, as far as it goes."""
        for _ in range(DEPTH_MAX):
            wanted = self._wanted(texts)
            if not wanted:
                return
            await self._require(wanted)
            texts = await self._read(wanted)

    def _wanted(self, texts: Mapping[Source, Sensitive]) -> Sequence[Source]:
        named = frozenset[Source]().union(*(sources(t.reveal(), at) for at, t in texts.items()))
        room = SOURCES_MAX - len(self._asked)
        return sorted(named - self._asked)[:room]

    async def _require(self, wanted: Sequence[Source]) -> None:
        for spot in sorted({_spot(source) for source in wanted} - self._permitted):
            environment, path = spot
            subject = f"secrets {self._project.slug}/{environment}{path} by reference"
            target = Target(self._project.id, environment, path)
            await gate.require(
                self._world, self._caller, Verb.READ_SECRETS, target, subject=subject
            )
            self._permitted.add(spot)

    async def _read(self, wanted: Sequence[Source]) -> Mapping[Source, Sensitive]:
        """Read what is there; return what refers further."""
        self._asked |= {*wanted}
        async with self._world.store.reading() as tx:
            places = {
                spot: await find_place(tx, self._project, *spot)
                for spot in {_spot(source) for source in wanted}
            }
            read = [
                await find_found(tx, place, source.name)
                for source in wanted
                if (place := places[_spot(source)])
            ]
        texts = {
            found.source: open_version(self._world, self._project, found.version)
            for found in read
            if found
        }
        self.used += [found for found in read if found]
        self.known |= {source: text.reveal() for source, text in texts.items()}
        refers = {found.source for found in read if found and found.version.refers}
        return {source: texts[source] for source in refers}


def _spot(source: Source) -> _Spot:
    return source.environment, source.path
