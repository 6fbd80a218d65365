"""Look at one rotation again and again, as somebody does who has its page open.

The gate is passed once, when they come; as long as they look on it is seen to that they still may.
A look is two small ones as long as neither the rotation nor its turn has moved; what hangs on them
besides is looked at every few seconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from keyturn.domain.access import Caller, Verb
from keyturn.domain.drift import Finding
from keyturn.domain.errors import NotFound
from keyturn.domain.rotation import Rotation
from keyturn.domain.secret import Secret, State, Version
from keyturn.domain.slots import Slot
from keyturn.domain.turn import Turn
from keyturn.services.ports import Reading, World
from keyturn.services.records import must
from keyturn.services.reports import TurnView, tell_turn_of
from keyturn.services.rotations import RotationView, admit, find_seen, view
from keyturn.services.slots import slots_in
from keyturn.services.takers import Taker, list_takers

FRESH_S: Final = 3.0
"""As long as it is not looked who reads, proves and confirms what."""


@dataclass(frozen=True)
class Sight:
    """A rotation as it stands, its open or last turn, and who has what it serves.

    ``served`` is the version that readers are given, 0 before the first; ``findings`` are open.
    """

    of: RotationView
    turn: TurnView | None
    served: int
    slots: Sequence[Slot]
    takers: Sequence[Taker]
    findings: Sequence[Finding]


@dataclass(frozen=True)
class _Seen:
    """What was seen, by which records, and when."""

    mark: tuple[Rotation, Turn | None]
    at_s: float
    sight: Sight


class Watch:
    """One rotation that somebody looks at."""

    def __init__(self, world: World, rotation_id: str) -> None:
        self._world: Final = world
        self._id: Final = rotation_id
        self._last: _Seen | None = None

    async def look(self, caller: Caller) -> Sight:
        """Return it as it is now, and the very same as before where nothing has moved.

        Raises NotFound where it is gone, or may not be seen any more.
        """
        at_s, last = self._world.clock.uptime_s(), self._last
        async with self._world.store.reading() as tx:
            seen = await find_seen(tx, caller, Verb.READ_ROTATIONS, self._id)
            if seen is None:
                raise NotFound(f"There is no rotation {self._id} any more.")
            rotation = seen[0]
            mark = rotation, next(iter(await tx.list_turns(rotation.id)), None)
            if last and last.mark == mark and at_s < last.at_s + FRESH_S:
                return last.sight
            around = await _look_around(tx, rotation)
        of = await view(self._world, self._id)
        told = await tell_turn_of(self._world, of.rotation, of.turn) if of.turn else None
        sight = Sight(of, told, *around)
        self._last = _Seen(mark, at_s, sight)
        return sight


async def _look_around(
    tx: Reading, rotation: Rotation
) -> tuple[int, Sequence[Slot], Sequence[Taker], Sequence[Finding]]:
    """Return which version is served, what is at Okta, who has what is served, what drifted."""
    name = rotation.mapping.client_secret
    secret = await must(tx.find(Secret, rotation_id=rotation.id, name=name))
    current = await tx.find(Version, secret_id=secret.id, state=State.CURRENT)
    served = current.number if current else 0
    return (
        served,
        await slots_in(tx, rotation),
        await list_takers(tx, rotation, served),
        await tx.list(Finding, rotation_id=rotation.id, closed_at=None),
    )


async def watch_rotation(world: World, caller: Caller, rotation_id: str) -> Watch:
    """Begin to look at a rotation. Raises NotFound, Forbidden."""
    await admit(world, caller, Verb.READ_ROTATIONS, rotation_id)
    return Watch(world, rotation_id)
