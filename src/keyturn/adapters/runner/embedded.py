"""Run due turns inside this process, by nothing but the database.

On SQLite it is the only one; on PostgreSQL any number of them share the work, because a claim is
one transaction and no two are open at a time.
"""

import asyncio

from keyturn.adapters.runner.ticking import Ticking
from keyturn.services.duties import claim_due
from keyturn.services.ports import World


class EmbeddedRunner(Ticking):
    """Claim due turns and advance them, a bounded number at a time (`port.Runner`)."""

    def __init__(self, world: World, *, tick_s: float, concurrency: int) -> None:
        super().__init__(world, tick_s=tick_s, concurrency=concurrency)
        self._journeys: set[asyncio.Task[None]] = set()

    async def __aexit__(self, *error: object) -> None:
        await super().__aexit__(*error)
        await asyncio.gather(*self._journeys)

    async def _take_due(self) -> None:
        room = self._concurrency - len(self._journeys)
        if room <= 0:
            return
        for claim in await claim_due(self._world, owner=self._owner, limit=room):
            name = f"turn {claim.turn.id}"
            going = self._advance(claim.turn, claim.held_since_s)
            journey = asyncio.create_task(going, name=name)
            self._journeys.add(journey)
            journey.add_done_callback(self._journeys.discard)
