"""What a worker writes down of the turn it holds: moves, intents, failures, steps.

Everything is written under the turn's epoch, and only while the turn still stands where this
worker left it. Decides nothing of what comes next.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count
from typing import TypeVar

import structlog

from keyturn.domain.audit import Attempt
from keyturn.domain.budget import ROOM
from keyturn.domain.errors import (
    Fenced,
    KeyturnError,
    OktaAnswer,
    OktaRefused,
    OktaThrottled,
    OktaUnclear,
)
from keyturn.domain.orders import given_up
from keyturn.domain.outlook import last_turn, owed, rescheduled, taken_back
from keyturn.domain.rotation import Rotation
from keyturn.domain.schedule import LastTurn
from keyturn.domain.steps import Block, Wait
from keyturn.domain.turn import (
    TAKING_BACK,
    Act,
    Phase,
    Trigger,
    Turn,
    blocked,
    doubting,
    moved,
    waiting,
)
from keyturn.services import turn_news
from keyturn.services.flow_events import tell_turn
from keyturn.services.ports import OktaCall, TurnStep, World, Writing
from keyturn.services.records import must

MESSAGE_MAX = 1024
ENDS_A_TRY = (Phase.PROMOTED, Phase.BLOCKED)
"""Where it is known what has come of an attempt, though nothing else of its rotation may change."""
UNBEGUN = "It had not begun when its window was over or a blackout began."
Change = Callable[[Writing], Awaitable[None]]
T = TypeVar("T")

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Told:
    """What people are to be told of how the rotation goes; None is that all is well."""

    message: str | None


@dataclass(frozen=True)
class Note:
    """What a step came to, with Okta's ids for it where it failed there."""

    step: str
    detail: str
    answer: OktaAnswer | None = None

    @classmethod
    def of(cls, step: str, detail: str, error: KeyturnError | None) -> "Note":
        """Note a step with what Okta answered to it, where that is what went wrong."""
        answer = error.answer if isinstance(error, OktaRefused | OktaUnclear) else None
        return cls(step, detail, answer)


class Logbook:
    """A held turn as it was last written, and the calls that are still to be recorded.

    ``held_since_s`` is `Clock.uptime_s` from before the claim was sent.
    """

    def __init__(self, world: World, turn: Turn, held_since_s: float) -> None:
        self.turn = turn
        self.calls: list[OktaCall] = []
        self._heard_at: list[datetime] = []
        self._world = world
        self._held_since_s = held_since_s

    async def intend(
        self, turn: Turn, what: str, subject: str, look: Callable[[Writing], Awaitable[T]]
    ) -> T:
        """Make durable what is about to be changed at Okta, with its audit entry.

        Return what a look in the same transaction sees: what the call needs besides.
        """
        self._refuse_unsound()
        subject = f"app {self.turn.app_id}: {subject}"
        entry = Attempt(self._world.clock.now(), f"turn {turn.id}", what, subject, allowed=True)

        seen: list[T] = []

        async def change(tx: Writing) -> None:
            await tx.append_audit(entry)
            seen.append(await look(tx))

        await self._save(lambda: self._leased(turn), change)
        return seen[0]

    def hear(self, call: OktaCall) -> None:
        """Remember a call to Okta, and when it came to its end, until both are recorded."""
        self.calls.append(call)
        self._heard_at.append(self._world.clock.now())

    async def renew(self) -> None:
        """Hold the turn on once a third of the lease is spent: looking takes time too."""
        if self._spent_s() > self._world.limits.lease.total_seconds() / 3:
            await self._save(lambda: self._leased(self.turn))

    def _spent_s(self) -> float:
        return self._world.clock.uptime_s() - self._held_since_s

    def refuse_late(self) -> None:
        """Raise Fenced where the lease is too near its end to change anything at Okta.

        By the time the call arrives somebody else may hold the turn.
        """
        self._refuse_unsound()
        if self._spent_s() > self._world.limits.lease.total_seconds() * 2 / 3:
            raise Fenced("The lease is too near its end to change anything at Okta.")

    def _refuse_unsound(self) -> None:
        """Raise Fenced where a lease by this process's clock keeps nobody else away."""
        if self._world.vitals.footing:
            raise Fenced(self._world.vitals.footing.value)

    async def move(
        self,
        turn: Turn,
        act: Act,
        change: Change | None = None,
        *,
        message: str | None = None,
        why: str = "",
    ) -> None:
        """Record a move with what it changes, in one transaction."""

        def after() -> Turn:
            there = moved(turn, act, self._world.clock.now())
            return self._leased(there) if there.open else replace(there, wake_at=None, owner=None)

        await self._save(after, change, note=Note(act, why), told=Told(message))

    async def note(self, turn: Turn) -> None:
        """Make durable what is known of the turn, without a move."""
        await self._save(lambda: self._leased(turn))

    async def put_off(self) -> None:
        """End a scheduled turn that has not begun and may not now; it starts when one may again."""
        now, ended = self._world.clock.now(), given_up(self.turn, self._world.clock.now())

        async def change(tx: Writing) -> None:
            rotation = await must(tx.find(Rotation, id=self.turn.rotation_id))
            later = taken_back(rotation, now)
            await tx.replace(later)
            await turn_news.tell_put_off(tx, self._world, later, UNBEGUN)

        await self._save(lambda: ended, change, note=Note(Act.GIVE_UP, UNBEGUN))

    async def stop(self, step: Wait | Block, error: KeyturnError | None = None) -> None:
        """Let the turn sleep or stop, and give it back."""
        if isinstance(step, Wait):
            after = replace(self._asleep(step, error), wake_at=step.until, owner=None)
            message = error.message if error else None
            note = Note.of("failed", message, error) if message else Note("wait", step.why)
        else:
            after = blocked(self.turn, step.reason, step.detail, self._world.clock.now())
            message = str(after.blocked)
            note = Note.of("blocked", message, error)
            after = replace(after, owner=None)
        held_up = step.why == ROOM if isinstance(step, Wait) else False
        change = self._tell_held_up if held_up or isinstance(error, OktaThrottled) else None
        await self._save(lambda: after, change, note=note, told=Told(message) if message else None)

    def _asleep(self, step: Wait, error: KeyturnError | None) -> Turn:
        """Count what was in vain; where there was no room to try, nothing else is known."""
        if step.doubted:
            return doubting(self.turn, step.until)
        if error or step.tried:
            return waiting(self.turn, step.until)
        return self.turn if step.why == ROOM else replace(self.turn, attempts=0, doubts=0)

    async def _tell_held_up(self, tx: Writing) -> None:
        now = self._world.clock.now()
        await turn_news.tell_held_up(tx, self._world, self.turn, now)

    async def give_back(self) -> None:
        """Give up the hold, as far as it is still ours; nothing of it may be on its way to Okta.

        The turn is due at once also for those whose clock is behind this process's.
        """
        async with self._world.store.writing() as tx:
            held = await tx.find(Turn, id=self.turn.id)
            if held and (held.owner, held.epoch) == (self.turn.owner, self.turn.epoch):
                now = self._world.clock.now()
                due = min(now, await tx.clock() or now) if held.running else held.wake_at
                await tx.replace(replace(held, owner=None, wake_at=due))

    def _leased(self, turn: Turn) -> Turn:
        return replace(turn, wake_at=self._world.clock.now() + self._world.limits.lease)

    async def _save(
        self,
        after: Callable[[], Turn],
        change: Change | None = None,
        *,
        note: Note | None = None,
        told: Told | None = None,
    ) -> None:
        """Write the turn down as it is ``after``, which is asked once nobody else can write.

        By then time may have passed, and what a turn gives people counts from what they can see.
        """
        since_s = self._world.clock.uptime_s()
        async with self._world.store.writing() as tx:
            await self._still_ours(tx)
            turn = after()
            await tx.replace(turn)
            await tell_turn(tx, self._world, self.turn, turn)
            if change:
                await change(tx)
            if told:
                await self._tell(tx, turn, told.message)
            await turn_news.tell_turn(tx, self._world, self.turn, turn)
            fresh = await self._record(tx, turn, note)
        if fresh:
            self._tell_log(turn, fresh)
        self.turn, self._held_since_s = turn, since_s
        self.calls.clear()
        self._heard_at.clear()

    def _tell_log(self, turn: Turn, note: Note) -> None:
        """Log what is durable now, with Okta's request ids.

        The texts of notes stay in the record: some are Okta's.
        """
        asked = [call.request_id for call in self.calls if call.request_id]
        log.info(
            "turn",
            turn=turn.id,
            rotation=turn.rotation_id,
            did=note.step,
            phase=turn.phase,
            okta=asked,
        )

    async def _still_ours(self, tx: Writing) -> None:
        """Leave a turn alone that somebody decided about while this worker held it."""
        if await tx.find(Turn, id=self.turn.id) != self.turn:
            raise Fenced("Somebody has decided otherwise about the turn meanwhile.")

    async def _tell(self, tx: Writing, turn: Turn, message: str | None) -> None:
        """Tell the rotation how it goes, when it was tried last, and when it is due again."""
        before = await must(tx.find(Rotation, id=self.turn.rotation_id))
        told = replace(before, last_message=message[:MESSAGE_MAX] if message else None)
        after = self._rescheduled(told, turn)
        if turn.phase in ENDS_A_TRY or after != before:
            await tx.replace(replace(after, last_attempted_at=self._world.clock.now()))

    def _rescheduled(self, rotation: Rotation, turn: Turn) -> Rotation:
        """Come back later after a failure that lasts; else as the last turn commands.

        That somebody has taken a turn back is no failure: what is due next stays as it is.
        """
        if rotation.asked_at and not turn.open:
            return owed(rotation, self._world.clock.now())
        if turn.phase is Phase.ROLLED_BACK and turn.word in TAKING_BACK:
            return rotation
        if turn.blocked or turn.phase is Phase.ROLLED_BACK:
            return rescheduled(rotation, LastTurn(self._world.clock.now(), failed=True))
        if turn.phase not in (Phase.PROMOTED, Phase.FINISHED):
            return rotation
        served = turn.trigger is not Trigger.CONSENT or rotation.last_rotated_at >= turn.created_at
        failures = 0 if served else rotation.failures
        return rescheduled(replace(rotation, failures=failures), last_turn(rotation))

    async def _record(self, tx: Writing, turn: Turn, note: Note | None) -> Note | None:
        """Add what was done and called to the turn's record; return what was noted.

        Of what fails or waits as it did before, only the calls that may have changed something.
        """
        before = await tx.list(TurnStep, turn_id=turn.id)
        last = next(
            (step for step in reversed(before) if not step.detail.startswith("HTTP ")), None
        )
        again = last and note and (last.step, last.detail) == (note.step, note.detail)
        numbers = count(before[-1].number + 1 if before else 1)
        steps = [
            TurnStep(turn.id, next(numbers), at, turn.phase, call.what, *_answered(call))
            for call, at in zip(self.calls, self._heard_at, strict=True)
            if call.changes or not again
        ]
        fresh = None if again else note
        if fresh:
            now, told = self._world.clock.now(), (fresh.step, fresh.detail, *_ids(fresh))
            steps.append(TurnStep(turn.id, next(numbers), now, turn.phase, *told))
        await tx.add(*steps)
        return fresh


def _answered(call: OktaCall) -> tuple[str, str]:
    return f"HTTP {call.status}", call.request_id


def _ids(note: Note) -> tuple[str, ...]:
    """Return Okta's ids of the answer that a step failed by, where there is one."""
    return (note.answer.request_id, note.answer.error_id) if note.answer else ()
