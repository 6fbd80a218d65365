"""One rate bucket as this process knows it: what is left, what is promised, who waits.

Decides nothing of who may go (`domain.budget` does), and knows no header and no pool. All times
are seconds of uptime.
"""

import asyncio
from dataclasses import dataclass, field, replace

from keyturn.domain.budget import (
    HEAD_START_S,
    LATER,
    WINDOW_S,
    Ask,
    Purpose,
    Room,
    Shares,
    starts,
)

STRIDE_S = WINDOW_S + 2.0
"""From one window to the next: they begin with a call, which comes when the last one is over."""

PROMISE_S = 20.0
"""How long room is kept for the next call of a part: longer than one call may take."""


@dataclass
class Bucket:
    """What is known of the window that goes on; ``reset`` is Okta's name for it.

    ``room`` is None where nothing is known; `Room.mine` leaves out what is promised. ``started``
    counts the turns that have started in the window, ``held`` those it had no room for, and
    ``owing`` the calls of turns under way it had none for.
    ``told_s`` is when the pool was told last that there is less.
    ``learning`` is set while one call, or the pool, is asked what there is.
    """

    room: Room | None = None
    reset: int = 0
    began_s: float = 0.0
    until_s: float = 0.0
    unlimited_until_s: float = 0.0
    told_s: float = -WINDOW_S
    users: int = 0
    in_flight: int = 0
    started: int = 0
    held: int = 0
    owing: int = 0
    promises: dict[str, tuple[int, float]] = field(default_factory=dict)
    learning: asyncio.Event | None = None

    @property
    def promised(self) -> int:
        """How many calls are promised."""
        return sum(calls for calls, _ in self.promises.values())

    def known(self, now_s: float) -> Room | None:
        """Return the room of the window that goes on."""
        if self.room is None or now_s >= self.until_s:
            return None
        for about in [a for a, (_, until_s) in self.promises.items() if until_s <= now_s]:
            self.redeem(about)
        early = now_s < self.began_s + HEAD_START_S
        return self.room if early else replace(self.room, owed=0)

    def useful(self, now_s: float) -> bool:
        """Say whether anybody uses it, or there is anything to remember."""
        ends_s = max(self.until_s, self.unlimited_until_s) + WINDOW_S
        return now_s < ends_s or self.users > 0

    def begin(self, room: Room, reset: int, now_s: float, until_s: float) -> None:
        """Know a window; a new one begins with what the last one owed."""
        if self.known(now_s) is None:
            self.began_s = now_s
            room, self.owing = replace(room, owed=self.owing), 0
        self.room, self.reset, self.until_s = room, reset, until_s

    def forget(self) -> None:
        """Know nothing any more; what was promised and counted in the last window is void."""
        self.room, self.started, self.held = None, 0, 0
        self.promises.clear()

    def spend(self, ask: Ask, about: str, now_s: float) -> None:
        """Take a call out of what is mine, and promise the room for those that follow it."""
        if ask.purpose is Purpose.STARTING:
            self.started += 1
        if ask.calls > 1:
            self.promises[about] = (ask.calls - 1, now_s + PROMISE_S)
        if self.room:
            paid = 0 if ask.purpose in LATER else ask.calls
            owed = max(0, self.room.owed - paid)
            self.room = replace(self.room, mine=self.room.mine - ask.calls, owed=owed)

    def redeem(self, about: str) -> bool:
        """Give back what was promised; say whether anything was."""
        calls, _ = self.promises.pop(about, (0, 0.0))
        if self.room and calls:
            self.room = replace(self.room, mine=self.room.mine + calls)
        return calls > 0

    def cap(self, remaining: int) -> bool:
        """Believe Okta where less remains than was counted; say whether the pool has less too."""
        if self.room is None:
            return False
        before, mine, promised = self.room.pool, self.room.mine, self.promised
        pool = max(0, min(before, remaining - mine - promised))
        if remaining < mine + promised:
            if remaining < promised:
                self.promises.clear()
            mine = max(0, remaining - self.promised - self.in_flight)
        self.room = replace(self.room, mine=mine, pool=pool)
        return pool < before

    def hold(self, ask: Ask, limit: int, shares: Shares, now_s: float) -> float:
        """Note who has to wait, and say how long.

        Turns to start are spread over windows, a few more for each than this one had room for.
        """
        wait_s = self.until_s - now_s
        if ask.purpose is Purpose.STARTING:
            each = max(self.started, starts(limit, shares) // 3) + 2
            wait_s += self.held // each * STRIDE_S
            self.held += 1
        elif ask.purpose not in LATER:
            self.owing += ask.calls
        return wait_s

    def ask_alone(self) -> None:
        """Let everybody wait for what one learns."""
        self.learning = asyncio.Event()

    def wake(self) -> None:
        """Let those go on who waited for it."""
        if self.learning:
            self.learning.set()
            self.learning = None
