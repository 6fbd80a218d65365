"""Look at one run again and again, as somebody does who has its page open.

The gate is passed once, when they come; as long as they look on it is seen to that they still may.
"""

from typing import Final

from keyturn.domain.access import Caller, Verb
from keyturn.domain.errors import NotFound
from keyturn.services.ports import World
from keyturn.services.run_history import RunView, find_seen, read_run, with_steps


class RunWatch:
    """One run that somebody looks at."""

    def __init__(self, world: World, first: RunView) -> None:
        self._world: Final = world
        self._last = first

    async def look(self, caller: Caller) -> RunView:
        """Return it as it is now, with its steps, which are read where there are more than before.

        Raises NotFound where it is gone, or may not be seen any more.
        """
        run_id, before = self._last.run.id, self._last.run
        async with self._world.store.reading() as tx:
            found = await find_seen(tx, caller, Verb.READ_RUNS, run_id)
        if found is None:
            raise NotFound(f"There is no run {run_id} any more.")
        if (found.run.pages, found.run.phase) == (before.pages, before.phase):
            return self._last
        self._last = await with_steps(self._world, found)
        return self._last


async def watch_run(world: World, caller: Caller, run_id: str) -> RunWatch:
    """Begin to look at a run. Raises NotFound, Forbidden."""
    return RunWatch(world, await read_run(world, caller, run_id))
