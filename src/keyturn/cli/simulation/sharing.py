"""Whether all workers together keep within Okta's rate limits, by the org's own count.

What Okta has counted in a window is compared with what the workers have taken out of the store's
record of that window. Keeps count of the calls that nobody could take: those by which a worker
learns what a window holds, and those whose answers never came or told nothing of it.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from keyturn.cli.simulation.calls import Sent
from keyturn.cli.simulation.events import Effect
from keyturn.domain.budget import Window
from keyturn.sandbox import Org
from keyturn.testing import Backup

SCOUTS = 3
"""Workers and servers: each may find out for itself what a new window holds."""

BUCKETS = {"integrations/api/v1": "/api/v1"}
"""What Okta calls a bucket that has another name here."""


class Kept(Protocol):
    """The store, as far as the judge looks into it."""

    def backup(self) -> Backup:
        """Return what is held now."""
        ...


@dataclass
class _Seen:
    """What has happened in one window of Okta's; ``unanswered`` are calls whose answers may come.

    ``untold`` counts the answers that said nothing of the window, as a gateway's do. In a window
    that is ``disturbed`` the workers were told lies, or of somebody else's window, or have
    forgotten.
    """

    reset: int = 0
    unanswered: list[Sent] = field(default_factory=list)
    untold: int = 0
    deaths: int = 0
    disturbed: bool = False


class Sharing:
    """Hear calls and answers, and compare what was counted with what was taken."""

    def __init__(self, org: Org) -> None:
        self.store: Kept | None = None
        self.principal = ""
        self._org = org
        self._seen: dict[str, _Seen] = defaultdict(_Seen)

    def calls_stay_within_what_was_shared_out(self, effect: Effect, bucket: str) -> Iterator[str]:
        """7: all workers together call no more than they have taken, and earn no 429 by that."""
        name = BUCKETS.get(bucket, f"/{bucket}")
        ours = (self.principal, name)
        window = self._org.limits._windows.get(ours)  # noqa: SLF001  the org's own record
        if window is None or self.store is None:
            return
        seen = self._seen[bucket]
        if seen.reset != window.reset:
            seen = self._seen[bucket] = _Seen(window.reset)
        misled = effect.entry.fault == "wrong-clock" or effect.entry.principal != self.principal
        seen.disturbed |= misled
        seen.unanswered.append(effect.sent)
        slack = SCOUTS + len(seen.unanswered) + seen.deaths
        taken = self._taken(bucket, window.reset)
        if not taken:  # whoever learns of the window at last counts these among what is gone
            slack += seen.untold
        if window.used > taken + slack and not seen.disturbed:
            yield f"{window.used} calls of {bucket} were made and {taken} had been taken"

    def _taken(self, bucket: str, reset: int) -> int:
        stored = self.store.backup().list(Window) if self.store else ()
        found = next((w for w in stored if w.bucket == bucket), None)
        if found is None or int(found.resets_at.timestamp()) - 1 != reset:
            return 0
        return found.limit - found.remaining

    def hear_answer(self, sent: Sent, *, told: bool) -> None:
        """Hear that an answer has reached the one who asked, and whether it told of the window."""
        for seen in self._seen.values():
            others = [each for each in seen.unanswered if each is not sent]
            seen.untold += 0 if told else len(seen.unanswered) - len(others)
            seen.unanswered = others

    def hear_death(self) -> None:
        """Hear that somebody has died who may not have told what it had learned."""
        for seen in self._seen.values():
            seen.deaths += 1

    def hear_restored(self) -> None:
        """Hear that the store has forgotten what was taken."""
        for seen in self._seen.values():
            seen.disturbed = True
