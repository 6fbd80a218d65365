"""Watch a rotation's turns from outside, by what was recorded of them."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keyturn.client import KeyturnApi
    from keyturn.client.turns import Which
    from keyturn.wire.turns import Turn, TurnStep

LOOK_EVERY_S = 0.2
ENDED = frozenset({"finished", "rolled_back"})


class Follower:
    """Tells each phase that the newest turn comes to, once and in order.

    Phases are read from the recorded steps, so that none is missed between two looks.
    """

    def __init__(
        self, api: "KeyturnApi", which: "Which", tell: Callable[["TurnStep"], None]
    ) -> None:
        self._api, self._which, self._tell = api, which, tell
        self._turn_id, self._steps, self._phase = "", 0, ""

    async def begin(self) -> None:
        """Take what is there already as told."""
        turn = await self._api.find_newest_turn(self._which)
        if turn:
            self._turn_id, self._steps, self._phase = turn.id, len(turn.steps), turn.phase

    async def look(self) -> "Turn | None":
        """Tell what is new; return the newest turn."""
        turn = await self._api.find_newest_turn(self._which)
        if turn and turn.id != self._turn_id:
            self._turn_id, self._steps, self._phase = turn.id, 0, ""
        for step in turn.steps[self._steps :] if turn else ():
            self._steps += 1
            if step.phase != self._phase:
                self._phase = step.phase
                self._tell(step)
        return turn

    async def rotate(self, *, emergency: bool = False) -> "Turn":
        """Start a turn through the API and follow it until it is served. Raises ClientError."""
        await self.begin()
        rotating = asyncio.create_task(self._api.start_turn(self._which, emergency=emergency))
        try:
            while not rotating.done():
                await self.look()
                await asyncio.wait({rotating}, timeout=LOOK_EVERY_S)
        finally:
            rotating.cancel()
        turn = await self.look()
        rotating.result()
        if turn is None:
            raise LookupError("a rotation that has turned has a turn")
        return turn

    async def until_ended(self) -> "Turn":
        """Follow the newest turn until it has ended or stands still."""
        while True:
            turn = await self.look()
            if turn is None or turn.blocked or turn.phase in ENDED:
                break
            await asyncio.sleep(LOOK_EVERY_S)
        if turn is None:
            raise LookupError("there is no turn to follow")
        return turn
