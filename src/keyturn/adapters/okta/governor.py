"""Let a call go while Okta's rate limit has room for what it is for.

Learns from the headers of every answer and keeps count between them; who may go is decided by
`domain.budget`. What a new window holds is learned by one call while the others wait. Makes no
call itself.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

import structlog

from keyturn.adapters.okta.answers import Answer, Call
from keyturn.adapters.okta.buckets import Bucket
from keyturn.adapters.okta.rates import Told, bucket_name, read_rates
from keyturn.domain.budget import (
    HEAD_START_S,
    WINDOW_S,
    Allotment,
    Ask,
    Purpose,
    Room,
    Shares,
    Verdict,
    Window,
    decide,
)
from keyturn.domain.errors import OktaHeld, OursError
from keyturn.services.ports import Clock, Pool

log = structlog.get_logger(__name__)

MANY = 1000
"""So many buckets are worth tidying."""

FAIR = Shares()

MANAGEMENT = ("api/", "integrations/api/")
"""How the buckets of the management API begin."""

TELL_S = 1.0
"""How often the pool is told of others' calls at most."""

EDGE_S = 1.5
"""How long before its end a window may be over already: what many workers have left of it then
would come out of the next one, and in nobody's count. They wait for that."""

ANY = 2**31
"""As many as there may be."""

PAUSES_S = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 1.6)
"""After which the pool is asked again while another worker learns: a little more than `LEARN_S`."""

Key = tuple[str, str, str]
"""Org, principal and bucket."""


@dataclass
class Slot:
    """A call that may be made now; whoever makes it puts the answer here."""

    scout: bool
    answer: Answer | None = None


class Governor:
    """Share out the rate windows of every org and principal.

    With a ``pool`` several processes share those of the management API, and each calls only what
    it has taken from there. Without one this process is alone and writes nothing down.
    """

    def __init__(self, clock: Clock, shares: Shares = FAIR, pool: Pool | None = None) -> None:
        self._clock: Final = clock
        self._shares: Final = shares
        self._pool: Final = pool
        self._buckets: dict[Key, Bucket] = {}
        self._ahead_s: dict[str, float] = {}
        self._tidied_s = 0.0

    @asynccontextmanager
    async def admitted(
        self, org: str, call: Call, purpose: Purpose, until: float
    ) -> AsyncIterator[Slot]:
        """Open the way for one call; all waiting ends at ``until``, in the loop's seconds.

        Raises OktaHeld where the window has no room for it.
        """
        key = (org, call.principal, bucket_name(call.path))
        follow = call.follow if purpose is not Purpose.BACKGROUND else 0
        ask = Ask(call.purpose or purpose, 1 + follow)
        bucket = self._bucket(key)
        bucket.users += 1
        try:
            slot = Slot(await self._admit(key, call, ask, until))
            bucket.in_flight += 1
            try:
                yield slot
            finally:
                bucket.in_flight -= 1
                await self._end(key, slot, ask)
        finally:
            bucket.users -= 1

    async def list_windows(self) -> Sequence[Window]:
        """List the windows that are known and go on."""
        shared = await self._pool.list(at=self._clock.now()) if self._pool else ()
        now_s, now = self._clock.uptime_s(), self._clock.now()
        own = [
            Window(*key, room.limit, room.mine + bucket.promised, _later(now, bucket, now_s))
            for key, bucket in self._buckets.items()
            if (room := bucket.known(now_s)) and self._pool_of(key) is None
        ]
        return [*shared, *own]

    # Before a call.

    async def _admit(self, key: Key, call: Call, ask: Ask, until: float) -> bool:
        """Return once the call may go; say whether it is the one that learns for all."""
        try:
            async with asyncio.timeout_at(until):
                while (scout := await self._judge(key, call, ask)) is None:
                    pass
                return scout
        except TimeoutError:
            raise OktaHeld(call.what, retry_after_s=1.0) from None

    async def _judge(self, key: Key, call: Call, ask: Ask) -> bool | None:
        """Let the call go, refuse it, or find out more; then this is to be asked again."""
        bucket, now_s = self._bucket(key), self._clock.uptime_s()
        room = bucket.known(now_s)
        if room is None:
            return await self._judge_unknown(key, call, ask)
        if (left_s := bucket.until_s - now_s) < EDGE_S and self._pool_of(key):
            await asyncio.sleep(left_s)
            return None
        promised = ask.purpose is not Purpose.BACKGROUND and bucket.redeem(call.about)
        room = bucket.known(now_s) or room
        wanted = Ask(Purpose.SAFETY) if promised and ask.calls == 1 else ask
        if ask.purpose is Purpose.SAFETY:  # before any promise
            room = replace(room, mine=room.mine + bucket.promised)
        match decide(room, wanted, self._shares):
            case Verdict.GO:
                bucket.spend(ask, call.about, now_s)
                return False
            case Verdict.TAKE:
                await self._take(key, room, replace(wanted, calls=wanted.calls - room.mine))
                return None
            case Verdict.GIVE_WAY:
                wait_s = bucket.began_s + HEAD_START_S - now_s
                raise OktaHeld(call.what, retry_after_s=wait_s)
            case Verdict.HOLD:
                wait_s = bucket.hold(ask, room.limit, self._shares, now_s)
                raise OktaHeld(call.what, retry_after_s=wait_s)

    async def _judge_unknown(self, key: Key, call: Call, ask: Ask) -> bool | None:
        """Let one call go alone, unless another worker knows already what the window holds."""
        bucket, now_s = self._bucket(key), self._clock.uptime_s()
        if now_s < bucket.unlimited_until_s:
            return False
        if bucket.learning:
            await bucket.learning.wait()
            return None
        bucket.forget()
        if (pool := self._pool_of(key)) and await self._claim(key, pool, ask):
            return None
        if bucket.learning is None:
            bucket.ask_alone()
            bucket.spend(ask, call.about, now_s)
            return True
        return None

    async def _take(self, key: Key, room: Room, ask: Ask) -> None:
        """Take more from the pool; it may have less than was thought."""
        bucket, pool = self._bucket(key), self._pool_of(key)
        if bucket.learning:
            await bucket.learning.wait()
        elif pool and not await self._ask(key, pool, room.pool, ask):
            bucket.forget()

    async def _ask(self, key: Key, pool: Pool, most: int, ask: Ask) -> bool:
        """Ask the pool while everybody else waits; say whether it knows the window."""
        bucket = self._bucket(key)
        bucket.ask_alone()
        try:
            wanted = Window(*key, 0, most, self._okta_now(key[0]))
            found = await pool.take(wanted, ask)
            if found:
                self._join(bucket, found, self._okta_now(key[0]))
            return found is not None
        finally:
            bucket.wake()

    async def _claim(self, key: Key, pool: Pool, ask: Ask) -> bool:
        """Say whether the pool knows the window, once no other worker learns it.

        Who knows nothing then is to learn it. One that has died does so for nobody, and by
        whatever clock it did: nobody waits for it longer than for all the pauses.
        """
        bucket, at, pauses = self._bucket(key), self._okta_now(key[0]), iter(PAUSES_S)
        bucket.ask_alone()
        try:
            while found := await pool.claim(Window(*key, 0, ANY, at), ask):
                if found.window.limit:
                    self._join(bucket, found, self._okta_now(key[0]))
                    return True
                if pause_s := next(pauses, None):
                    await asyncio.sleep(pause_s)
                    at = self._okta_now(key[0])
                else:
                    at, pauses = found.window.resets_at, iter(PAUSES_S)
            return False
        finally:
            bucket.wake()

    def _join(self, bucket: Bucket, found: Allotment, okta_now: datetime) -> None:
        now_s, reset = self._clock.uptime_s(), int(found.window.resets_at.timestamp()) - 1
        room = bucket.known(now_s)
        if room and bucket.reset == reset:
            pool = found.window.remaining
            bucket.room = replace(room, mine=room.mine + found.granted, pool=pool)
            return
        left_s = (found.window.resets_at - okta_now).total_seconds()
        bucket.begin(_room(found), reset, now_s, now_s + min(left_s, WINDOW_S + 1))

    # After a call.

    async def _end(self, key: Key, slot: Slot, ask: Ask) -> None:
        told = read_rates(slot.answer.headers) if slot.answer else None
        try:
            if told:
                await self._learn(key, told, ask, scout=slot.scout)
            elif slot.scout:
                await self._learn_nothing(key, slot.answer)
        finally:
            if slot.scout:
                self._bucket(key).wake()

    async def _learn_nothing(self, key: Key, answer: Answer | None) -> None:
        """Believe a success without headers; a failure may be a gateway's, which knows of none."""
        if answer and answer.status < 300:
            self._bucket(key).unlimited_until_s = self._clock.uptime_s() + WINDOW_S
        if pool := self._pool_of(key):
            try:
                await pool.give_up(Window(*key, 0, 0, self._okta_now(key[0])))
            except OursError as error:
                log.warning("rate window not shared", org=key[0], why=error.message)

    async def _learn(self, key: Key, told: Told, ask: Ask, *, scout: bool) -> None:
        bucket, now_s = self._bucket(key), self._clock.uptime_s()
        room = bucket.known(now_s)
        self._ahead_s[key[0]] = told.date - now_s
        until_s = now_s + told.wait_s
        if room and (told.limit, told.reset) == (room.limit, bucket.reset):
            bucket.until_s = min(bucket.until_s, until_s)
            if bucket.cap(told.remaining):
                await self._tell(key, now_s)
        elif scout or told.reset > bucket.reset or (room and told.limit != room.limit):
            begun = await self._begun(key, told, ask)
            bucket.begin(begun, told.reset, now_s, until_s)

    async def _tell(self, key: Key, now_s: float) -> None:
        """Tell the pool that it has less than was thought, now and then."""
        bucket, pool = self._bucket(key), self._pool_of(key)
        if not (pool and bucket.room) or bucket.learning or now_s < bucket.told_s + TELL_S:
            return
        bucket.told_s = now_s
        try:
            await self._ask(key, pool, bucket.room.pool, Ask(Purpose.FINISHING, 0))
        except OursError as error:
            log.warning("rate window not shared", org=key[0], why=error.message)

    async def _begun(self, key: Key, told: Told, ask: Ask) -> Room:
        """Return a new window's room; what came of the call itself must not be lost by that."""
        bucket, pool = self._bucket(key), self._pool_of(key)
        left = max(0, told.remaining - bucket.in_flight - bucket.promised)
        if pool is None:
            return Room(told.limit, left)
        resets_at = datetime.fromtimestamp(told.reset + 1, UTC)
        try:
            return _room(await pool.learn(Window(*key, told.limit, left, resets_at), ask))
        except OursError as error:
            log.warning("rate window not shared", org=key[0], why=error.message)
            return Room(told.limit, 0)

    # What is known.

    def _bucket(self, key: Key) -> Bucket:
        """Return the one bucket of this name; it stays the same while anybody uses it."""
        now_s = self._clock.uptime_s()
        if len(self._buckets) > MANY and now_s > self._tidied_s + WINDOW_S:
            self._tidied_s = now_s
            self._buckets = {k: b for k, b in self._buckets.items() if b.useful(now_s)}
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket()
        return bucket

    def _pool_of(self, key: Key) -> Pool | None:
        """Return the pool for what other workers use too; an app has one worker at a time."""
        return self._pool if key[2].startswith(MANAGEMENT) else None

    def _okta_now(self, org: str) -> datetime:
        """Return the time by Okta's clock, or by ours before Okta has told its own."""
        ahead_s = self._ahead_s.get(org)
        if ahead_s is None:
            return self._clock.now()
        return datetime.fromtimestamp(self._clock.uptime_s() + ahead_s, UTC)


def _room(found: Allotment) -> Room:
    return Room(found.window.limit, found.granted, found.window.remaining)


def _later(now: datetime, bucket: Bucket, now_s: float) -> datetime:
    return datetime.fromtimestamp(now.timestamp() + bucket.until_s - now_s, UTC)
