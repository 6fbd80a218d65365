"""Apps that come under a rotation while everything goes wrong.

Their owner asks through the API, again and again until it is so. The rotation is watched from its
first record on, so that a first turn is judged wherever it is struck.
"""

import asyncio
from collections.abc import Callable
from random import Random

from keyturn.cli.simulation.parts import Part
from keyturn.cli.simulation.people import Operators
from keyturn.cli.simulation.stage import Cast, Stage, ask, find_cast, make_app
from keyturn.domain.rotation import Rotation
from keyturn.services.ports import World

SOONEST_S, LATEST_S = 60.0, 12 * 3600.0
AGAIN_S = 1800.0


class Newcomer:
    """One app, and the rotation that its owner asks for."""

    def __init__(self, stage: Stage, operators: Operators, part: Part, chance: Random) -> None:
        self._stage = stage
        self._operators = operators
        self._part = part
        self._chance = chance
        self._app = make_app(stage, part)
        self.cast: Cast | None = None
        stage.judge.bells.append(self._watch)

    async def run(self, until_s: float, served: Callable[[Cast], None]) -> None:
        """Ask until the rotation is there and serves something, and tell of that."""
        await asyncio.sleep(self._chance.uniform(SOONEST_S, LATEST_S))
        while self._stage.clock.uptime_s() < until_s:
            if self.cast is None:
                await self._operators.attempt("create", self._part.name, self._ask)
            if self.cast and self.cast.kept.current:
                served(self.cast)
                return
            await asyncio.sleep(AGAIN_S)

    async def _ask(self, world: World) -> None:
        app = self._stage.org.apps[self._app.id]
        await ask(self._stage, world, self._part, app)

    def _watch(self) -> None:
        """Watch the rotation as soon as it is stored; one that was taken back is forgotten."""
        if self.cast is None:
            self.cast = find_cast(self._stage, self._part)
        elif all(r.id != self.cast.rotation_id for r in self._stage.store.backup().list(Rotation)):
            self._stage.casts.remove(self.cast)
            self._stage.ledger.forget(self.cast.kept)
            self.cast = None
