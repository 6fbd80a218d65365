"""Destinations in memory: what was brought where, and what goes wrong on the way."""

from collections import deque
from collections.abc import Mapping

from keyturn.domain.destination_kinds import Kind
from keyturn.domain.errors import KeyturnError
from keyturn.services.ports import Errand


class FakeCarriers:
    """Keep what is brought (`services.ports.Carriers`); ``faults`` are raised first, one a try.

    ``held`` is what destinations have, by name there; ``errands`` is every try, failed or not.
    """

    def __init__(self) -> None:
        self.held: dict[str, str] = {}
        self.errands: list[Errand] = []
        self.faults: deque[KeyturnError] = deque()
        self.away: KeyturnError | None = None

    def check(self, kind: Kind, settings: Mapping[str, str]) -> None:
        """Take every setting for a good one."""

    async def deliver(self, kind: Kind, errand: Errand) -> str:
        """Keep the items, unless something is to go wrong first."""
        self.errands.append(errand)
        if self.faults:
            raise self.faults.popleft()
        if self.away:
            raise self.away
        errand.still_held()
        self.held |= {item.name: item.value.reveal() for item in errand.items}
        return "in memory"
