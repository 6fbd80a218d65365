"""The destinations of a world, each with what it was truly given, and the way of a process there.

Decides how a fault looks from inside: the error that a carrier gives. When one strikes is decided
by `fates` and `weather`.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping

from keyturn.cli.simulation.calls import Sent
from keyturn.cli.simulation.judge import Judge
from keyturn.cli.simulation.processes import WORK, Died, Process
from keyturn.cli.simulation.rim import Fates, Strike
from keyturn.domain.destination_kinds import Kind
from keyturn.domain.errors import DestinationAway, DestinationRefused
from keyturn.services.ports import Errand


class Destinations:
    """What every destination holds, by its path and by the name of a secret there."""

    def __init__(self) -> None:
        self.held: defaultdict[str, dict[str, str]] = defaultdict(dict)
        self.away = False
        self.locked = False

    def check(self, kind: Kind, settings: Mapping[str, str]) -> None:
        """Take every setting for a good one."""

    async def deliver(self, kind: Kind, errand: Errand) -> str:
        """Keep what is brought. Raises DestinationAway and DestinationRefused by the weather."""
        errand.still_held()
        if self.away:
            raise DestinationAway("The destination cannot be reached.")
        if self.locked:
            raise DestinationRefused("The destination refuses: give it another credential.")
        place = self.held[errand.settings["path"]]
        place |= {item.name: item.value.reveal() for item in errand.items}
        return "in memory"


class RimCarriers:
    """The way of one process to the destinations (`services.ports.Carriers`)."""

    def __init__(
        self, destinations: Destinations, process: Process, fates: Fates, judge: Judge
    ) -> None:
        self._destinations = destinations
        self._process = process
        self._fates = fates
        self._judge = judge

    def check(self, kind: Kind, settings: Mapping[str, str]) -> None:
        """Take every setting for a good one."""

    async def deliver(self, kind: Kind, errand: Errand) -> str:
        """Bring something there, unless the process, the way or the answer is lost."""
        await asyncio.sleep(self._fates.network_pause_s())
        await self._process.thaw()
        self._process.require_alive()
        path = f"/destinations/{errand.settings['path']}"
        sent = Sent("PUT", path, WORK.get(), self._judge.ledger.now_s())
        strike = self._fates.at_a_call(self._process, sent)
        if strike is Strike.DIE_BEFORE:
            raise Died
        if strike in (Strike.FAIL, Strike.LATE):
            raise DestinationAway("The destination gave no answer.")
        shown = await self._destinations.deliver(kind, errand)
        self._judge.note("destination", path, *(f"{i.name} v{i.version}" for i in errand.items))
        if strike is Strike.DIE_AFTER:
            self._fates.dies_now(self._process)
            raise Died
        if strike is Strike.LOSE:
            raise DestinationAway("The destination's answer was lost.")
        await asyncio.sleep(self._fates.network_pause_s())
        return shown
