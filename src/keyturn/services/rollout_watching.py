"""Rollouts and emergencies, looked at again and again: the gate is passed when somebody comes.

A look at thousands of members takes its time, so that the next one waits for longer after it.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final, Generic, TypeVar

from keyturn.domain.access import Caller, Verb
from keyturn.domain.emergency import as_told
from keyturn.domain.errors import Forbidden
from keyturn.domain.rollout import Member, Rollout, Standing
from keyturn.services import emergencies, gate, rollouts
from keyturn.services.emergencies import EmergencyView, view_emergency
from keyturn.services.emergency_evidence import Proof, list_proofs
from keyturn.services.ports import Reading, World
from keyturn.services.rollout_plans import ALL
from keyturn.services.rollouts import (
    MemberPage,
    RolloutView,
    current_rollout,
    members_of,
    page_of,
    view_rollout,
)

SHARE: Final = 0.1
"""The part of the time that looks may take."""

S = TypeVar("S")


@dataclass(frozen=True)
class Part:
    """Which members are looked at one by one: those of a standing, or all, from ``offset`` on."""

    standing: Standing | None = None
    offset: int = 0
    limit: int = 50

    def of(self, members: Sequence[Member]) -> Sequence[Member]:
        """Return those of this standing."""
        return [each for each in members if self.standing in (None, each.standing)]


@dataclass(frozen=True)
class RolloutSight:
    """A rollout, some of its members, and those that failed."""

    of: RolloutView
    page: MemberPage
    failed: Sequence[Member]


@dataclass(frozen=True)
class EmergencySight:
    """An emergency with all ``members``, and what proves of some of ``total`` that they closed."""

    of: EmergencyView
    members: Sequence[Member]
    proofs: Sequence[Proof]
    total: int


class Watch(Generic[S]):
    """Something of a rollout that somebody looks at."""

    def __init__(self, world: World, read: Callable[[Reading], Awaitable[S]]) -> None:
        self._world: Final = world
        self._read: Final = read
        self._last: S | None = None
        self._due_s = -inf

    async def look(self, caller: Caller) -> S:
        """Return it as it is now, or was a moment ago. Raises Forbidden, NotFound."""
        if not gate.may(caller, Verb.READ_ROLLOUTS, ALL):
            raise Forbidden(f"It takes the permission {Verb.READ_ROLLOUTS}.")
        clock = self._world.clock
        began_s = clock.uptime_s()
        if self._last is not None and began_s < self._due_s:
            return self._last
        async with self._world.store.reading() as tx:
            self._last = await self._read(tx)
        self._due_s = clock.uptime_s() + (clock.uptime_s() - began_s) / SHARE
        return self._last


async def watch_rollout(
    world: World, caller: Caller, rollout_id: str, part: Part
) -> Watch[RolloutSight]:
    """Begin to look at a rollout in waves. Raises NotFound, Forbidden."""
    one = await rollouts.admit(world, caller, Verb.READ_ROLLOUTS, rollout_id)

    async def read(tx: Reading) -> RolloutSight:
        rollout, members = await _members(tx, one)
        failed = Part(Standing.FAILED).of(members)
        page = await page_of(tx, part.of(members), part.offset, part.limit)
        return RolloutSight(await view_rollout(tx, rollout, members), page, failed)

    return Watch(world, read)


async def watch_emergency(
    world: World, caller: Caller, emergency_id: str, part: Part
) -> Watch[EmergencySight]:
    """Begin to look at an emergency, by its id or name. Raises NotFound, Forbidden."""
    one = await emergencies.admit(world, caller, Verb.READ_ROLLOUTS, emergency_id)

    async def read(tx: Reading) -> EmergencySight:
        rollout, found = await _members(tx, one)
        members = [as_told(each, rollout.state) for each in found]
        wanted = part.of(members)
        proofs = await list_proofs(tx, wanted[part.offset : part.offset + part.limit])
        return EmergencySight(view_emergency(rollout, members), members, proofs, len(wanted))

    return Watch(world, read)


async def _members(tx: Reading, one: Rollout) -> tuple[Rollout, Sequence[Member]]:
    return await current_rollout(tx, one.id), await members_of(tx, one.id)
