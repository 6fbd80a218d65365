"""What other projects have of a kind of which the one that is shown has none."""

from collections.abc import Awaitable, Sequence
from typing import Final, Protocol

from keyturn.domain.access import Caller, Verb
from keyturn.services.ports import World
from keyturn.services.projects import anywhere_in
from keyturn.web.visiting import Visit

PROJECTS_MAX: Final = 20
"""As many projects are looked into."""


class Lister(Protocol):
    """A use case that lists what a project has."""

    def __call__(
        self, world: World, caller: Caller, /, *, project: str
    ) -> Awaitable[Sequence[object]]:
        """List it."""
        ...


async def count_elsewhere(
    visit: Visit, path: str, verb: Verb, lister: Lister
) -> Sequence[tuple[str, str, int]]:
    """Return the other projects that have some: name, address of the list there, and how many."""
    whole, projects = await visit.projects()
    others = [each.project for each in projects if each is not whole]
    found = []
    for one in others[:PROJECTS_MAX]:
        if visit.may(verb, anywhere_in(one.id)):
            count = len(await lister(visit.world, visit.caller, project=one.id))
            if count:
                found.append((one.name, f"{path}?project={one.slug}", count))
    return found
