"""Destinations: other stores that secrets of a folder are brought to.

Decides what a destination covers, how its secrets are called there, what its state becomes and when
it is tried again. Knows nothing of how anything is brought anywhere.

What is due is never written down: it is what differs between the version that is served and the
one that the destination has confirmed. So nothing can be forgotten, whatever dies when.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from keyturn.domain.destination_kinds import KINDS, Kind, KindRules
from keyturn.domain.errors import DestinationAway, OursError
from keyturn.domain.ids import DestinationId, FolderId, SecretId, VersionNo


class State(StrEnum):
    """How a destination stands."""

    WAITING = "waiting"
    """Something may be due; ``due_at`` says when it is looked at next."""
    CONFIRMED = "confirmed"
    """It has everything, as far as it was asked."""
    BLOCKED = "blocked"
    """It said no, and will again: somebody has to act. A new value is tried once all the same."""
    PAUSED = "paused"
    """Nothing is brought, and nobody waits for it."""


class Act(StrEnum):
    """What may happen to a destination."""

    WAKE = "wake"
    CONFIRM = "confirm"
    FAIL = "fail"
    BLOCK = "block"
    PAUSE = "pause"
    RESUME = "resume"


_TRIED = {Act.CONFIRM: State.CONFIRMED, Act.FAIL: State.WAITING, Act.BLOCK: State.BLOCKED}
_HANDLED = {Act.WAKE: State.WAITING, Act.PAUSE: State.PAUSED, **_TRIED}

MOVES: Mapping[State, Mapping[Act, State]] = MappingProxyType(
    {
        State.WAITING: _HANDLED,
        State.CONFIRMED: _HANDLED,
        State.BLOCKED: _HANDLED,
        State.PAUSED: {Act.WAKE: State.PAUSED, Act.PAUSE: State.PAUSED, Act.RESUME: State.WAITING},
    }
)
"""What follows from what; a move that is not here is a defect of ours."""


@dataclass(frozen=True)
class Destination:
    """A store, and the secrets of one folder that are brought to it.

    ``settings`` and ``mapping`` are keys and values by turns; ``only`` names the secrets that are
    covered, or none for all. ``sealed`` is its credential. While a worker has it in hand,
    ``leased_until`` is set, and every claim has the next ``epoch``. ``told`` is why it has not
    confirmed, in words that carry no value.
    """

    id: DestinationId
    folder_id: FolderId
    name: str
    kind: Kind
    settings: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
    sealed: bytes | None = None
    only: tuple[str, ...] = ()
    mapping: tuple[str, ...] = ()
    prefix: str = ""
    required: bool = True
    state: State = State.WAITING
    due_at: datetime | None = None
    leased_until: datetime | None = None
    epoch: int = 0
    attempts: int = 0
    told: str = ""

    @property
    def rules(self) -> KindRules:
        """Return what its kind asks for."""
        return KINDS[self.kind]

    @property
    def setting(self) -> Mapping[str, str]:
        """Return its settings by name."""
        return paired(self.settings)

    @property
    def renamed(self) -> Mapping[str, str]:
        """Return how secrets are called there that have another name there."""
        return paired(self.mapping)

    @property
    def holds(self) -> bool:
        """Say whether a turn waits for it."""
        return self.required and self.state is not State.PAUSED

    @property
    def in_one(self) -> bool:
        """Say whether all secrets are brought in one write, or each in one of its own."""
        always = self.rules.in_one
        return always if always is not None else "secret" in self.setting

    def covers(self, name: str) -> bool:
        """Say whether a secret of the folder is brought."""
        return not self.only or name in self.only

    def target(self, name: str) -> str:
        """Return what a secret is called there."""
        return self.renamed.get(name) or self.prefix + name


@dataclass(frozen=True)
class Delivery:
    """The version of one secret that a destination has confirmed, under which name.

    ``shown`` is what the destination showed of it: a version, a moment, the id of a key.
    """

    destination_id: DestinationId
    secret_id: SecretId
    target: str
    version: VersionNo
    confirmed_at: datetime
    shown: str = ""


BACKOFF_S = (
    2,  # 2 s in all
    5,  # 7 s
    15,  # 22 s
    60,  # about a minute and a half
    300,  # about 6 minutes
    900,  # and every 15 minutes from then on
)
RETRY_AFTER_MAX = timedelta(hours=1)
"""However long a destination asks to be left alone."""
TRIES_MAX = 300
"""About three days; from then on somebody has to look at it."""
SWEEP = timedelta(minutes=10)
"""How often what is confirmed is compared with what is served, though nobody said anything."""


def paired(flat: tuple[str, ...]) -> Mapping[str, str]:
    """Return keys and values by turns as a mapping."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


def flat(pairs: Mapping[str, str]) -> tuple[str, ...]:
    """Return a mapping as keys and values by turns, in the order of its keys."""
    return tuple(part for key in sorted(pairs) for part in (key, pairs[key]))


def misnamed(destination: Destination, names: Iterable[str]) -> Mapping[str, str]:
    """Tell of each of these secrets why it cannot be called what it would be; of most, nothing.

    Either its name is none there, or another one would have the same, and overwrite it for ever.
    """
    assigned = {name: destination.target(name) for name in names}
    twice = [target for target, count in Counter(assigned.values()).items() if count > 1]
    told, rules = {}, destination.rules
    for name, target in assigned.items():
        if not re.fullmatch(rules.target, target):
            told[name] = (
                f"Secret {name} would be called {target} there, and names {rules.target_rule}: "
                "give the destination a mapping or a prefix for it."
            )
        elif target in twice:
            told[name] = (
                f"Two secrets would be called {target} there: give the destination a mapping."
            )
    return told


def _become(destination: Destination, act: Act) -> Destination:
    after = MOVES[destination.state].get(act)
    if after is None:
        raise OursError(f"A destination that is {destination.state} has no {act}.")
    return replace(destination, state=after)


def claimable(destination: Destination, now: datetime) -> bool:
    """Say whether a worker may take it in hand; whether anything is due is seen then."""
    leased = destination.leased_until is not None and destination.leased_until > now
    return destination.state is not State.PAUSED and not leased


def claimed(destination: Destination, until: datetime) -> Destination:
    """Return it in a worker's hands until then; it comes due again if that worker dies."""
    epoch = destination.epoch + 1
    return replace(destination, due_at=until, leased_until=until, epoch=epoch)


def renewed(destination: Destination, until: datetime) -> Destination:
    """Return it held on until then; who woke it meanwhile is not forgotten."""
    woken = destination.due_at != destination.leased_until
    due_at = destination.due_at if woken else until
    return replace(destination, due_at=due_at, leased_until=until)


def woken(destination: Destination, now: datetime) -> Destination:
    """Return it to be looked at soon: something of its folder has changed."""
    after = _become(destination, Act.WAKE)
    return after if after.state is State.PAUSED else replace(after, due_at=now)


def confirmed(destination: Destination, now: datetime) -> Destination:
    """Return it given back by its worker, with nothing left that was due when that looked."""
    if destination.due_at != destination.leased_until:
        return replace(destination, leased_until=None)  # it was woken meanwhile
    after = _become(destination, Act.CONFIRM)
    return replace(after, due_at=now + SWEEP, leased_until=None, attempts=0, told="")


def failed(destination: Destination, error: DestinationAway, now: datetime) -> Destination:
    """Return it given back after a failure that may pass: it is tried again for some days."""
    attempts = destination.attempts + 1
    if attempts >= TRIES_MAX:
        gave_up = f"{error.message} It was tried {attempts} times; `keyturn destination deliver` "
        return blocked(replace(destination, attempts=attempts), f"{gave_up}tries again.")
    due_at = now + pause_after(attempts, error.retry_after_s)
    after = _become(destination, Act.FAIL)
    return replace(after, due_at=due_at, leased_until=None, attempts=attempts, told=error.message)


def blocked(destination: Destination, told: str) -> Destination:
    """Return it given back after a refusal that will be the same tomorrow."""
    after = _become(destination, Act.BLOCK)
    woken = destination.due_at != destination.leased_until
    due_at = destination.due_at if woken else None
    return replace(after, due_at=due_at, leased_until=None, told=told)


def paused(destination: Destination) -> Destination:
    """Return it left alone until it is resumed; who has it in hand writes nothing down any more."""
    after = _become(destination, Act.PAUSE)
    return replace(after, due_at=None, epoch=destination.epoch + 1, told="")


def resumed(destination: Destination, now: datetime) -> Destination:
    """Return it due again, where it was paused."""
    if destination.state is not State.PAUSED:
        return destination
    return replace(_become(destination, Act.RESUME), due_at=now, attempts=0)


def pause_after(attempts: int, retry_after_s: float | None = None) -> timedelta:
    """Tell how long to wait after so many failed tries, and longer where that was asked for."""
    own = timedelta(seconds=BACKOFF_S[min(attempts, len(BACKOFF_S)) - 1])
    if retry_after_s is None:
        return own
    return max(own, timedelta(seconds=min(retry_after_s, RETRY_AFTER_MAX.total_seconds())))
