"""Channels: how notices are brought to people, which of them, and when.

Decides whether a notice is for a channel, whether it is brought at once or in a digest, and when
what did not arrive is tried again. Knows nothing of how anything is sent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from enum import StrEnum

from keyturn.domain.channel_kinds import ChannelKind
from keyturn.domain.destination import paired, pause_after
from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.domain.ids import ChannelId, NoticeId, OrganizationId, ProjectId
from keyturn.domain.notice import URGENT, Kind, Notice, NoticeDraft
from keyturn.domain.selector import parse_selector
from keyturn.domain.zones import instants, wall_of, zone_of

AHEAD_S = 86_400
"""How long before a turn starts it is told, where a channel says nothing else: a day."""
AHEAD_MAX_S = 30 * 86_400
LOOK_EVERY = timedelta(minutes=10)
"""How often it is looked for turns that start before long."""
GIVE_UP_AFTER = timedelta(days=3)
"""How long it is tried to bring a notice."""


LEFT_OUT = "left out: "
"""How the log begins to tell why a notice is not brought that a channel was to bring."""


class Rhythm(StrEnum):
    """When notices are brought that can wait."""

    IMMEDIATELY = "immediately"
    HOURLY = "hourly"
    DAILY = "daily"


@dataclass(frozen=True)
class Timing:
    """When a channel may speak, by the clock on the wall of ``zone``.

    ``daily_at`` is the time of a daily digest. Between ``quiet_from`` and ``quiet_to``, which may
    lie beyond midnight, only what is urgent is brought.
    """

    rhythm: Rhythm = Rhythm.IMMEDIATELY
    zone: str = "UTC"
    daily_at: time | None = None
    quiet_from: time | None = None
    quiet_to: time | None = None


ALWAYS = Timing()
"""Notices are brought at once, at any time."""


@dataclass(frozen=True)
class Channel:
    """A way to people.

    ``settings`` are keys and values by turns; ``sealed`` holds what is secret. One with a project
    hears of that alone. ``selector`` says of which apps, ``kinds`` of what; empty is everything.
    ``ahead_s`` is how many seconds before a turn starts that is told. ``look_at`` is when it is
    looked for such turns next, ``due_at`` when there is anything to do for the channel. While a
    worker has it in hand ``leased_until`` is set, and every claim has the next ``epoch``.
    ``attempts`` are those that failed since anything arrived, ``told`` is why the last one did;
    until ``retry_at`` it is left alone.
    """

    id: ChannelId
    organization_id: OrganizationId
    project_id: ProjectId | None
    name: str
    kind: ChannelKind
    settings: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
    sealed: bytes | None = None
    selector: str = ""
    kinds: tuple[str, ...] = ()
    timing: Timing = ALWAYS
    ahead_s: int = AHEAD_S
    paused: bool = False
    look_at: datetime | None = None
    due_at: datetime | None = None
    leased_until: datetime | None = None
    epoch: int = 0
    attempts: int = 0
    failing_since: datetime | None = None
    retry_at: datetime | None = None
    told: str = ""

    @property
    def setting(self) -> Mapping[str, str]:
        """Return its settings by name."""
        return paired(self.settings)

    def wants(self, kind: Kind) -> bool:
        """Say whether it hears of such things at all."""
        return not self.paused and (not self.kinds or kind.value in self.kinds)


@dataclass(frozen=True)
class Dispatch:
    """A notice on its way through a channel, and what has come of it: an entry of its log.

    ``digest`` is whether it is brought with others in one message, ``urgent`` whether it goes
    before all else, at any hour. ``due_at`` is when it is brought, None where nobody tries any
    more; ``failure`` is why it has not arrived.
    """

    notice_id: NoticeId
    channel_id: ChannelId
    created_at: datetime
    due_at: datetime | None
    digest: bool = False
    urgent: bool = False
    attempts: int = 0
    delivered_at: datetime | None = None
    failure: str = ""


@dataclass(frozen=True)
class Brought:
    """The channel brings the notice then; at once, or with others in a digest."""

    at: datetime
    digest: bool


@dataclass(frozen=True)
class Unwanted:
    """The notice is not for the channel, and why."""

    why: str


# --- what is for whom, and when -------------------------------------------------------------------


def decide(notice: NoticeDraft, channel: Channel, now: datetime) -> Brought | Unwanted:
    """Decide whether a channel brings a notice, and when; what is urgent waits for nothing.

    People are told together of turns that come, which are looked for many at a time.
    """
    if channel.paused:
        return Unwanted("the channel is paused")
    if not channel.wants(notice.kind):
        return Unwanted(f"the channel does not hear of {notice.kind}")
    if channel.project_id not in (None, notice.project_id):
        return Unwanted("the channel is of another project")
    if not parse_selector(channel.selector).fits(notice.of):
        return Unwanted(f"it is not one of {channel.selector}")
    if notice.kind in URGENT:
        return Brought(now, digest=False)
    at = quiet_until(channel.timing, next_digest(channel.timing, now))
    together = notice.kind is Kind.UPCOMING and channel.kind is not ChannelKind.WEBHOOK
    return Brought(at, digest=at > now or together)


def decide_again(dispatch: Dispatch, notice: Notice, channel: Channel, now: datetime) -> Dispatch:
    """Return what is on its way as a changed channel brings it, or left out where it does not.

    What has failed is tried at once, unless the hours are quiet.
    """
    way = decide(notice, channel, dispatch.created_at)
    if isinstance(way, Unwanted):
        return replace(dispatch, due_at=None, failure=f"{LEFT_OUT}{way.why}")
    at = now if dispatch.attempts else max(way.at, now)
    return put_off(replace(dispatch, digest=way.digest), channel.timing, at)


def put_off(dispatch: Dispatch, timing: Timing, at: datetime) -> Dispatch:
    """Return it brought at a moment, or with others at the end of quiet hours that this lies in."""
    end = at if dispatch.urgent else quiet_until(timing, at)
    return replace(dispatch, due_at=end, digest=dispatch.digest or end > at)


def next_digest(timing: Timing, now: datetime) -> datetime:
    """Return when what has happened now is brought, quiet hours aside."""
    if timing.rhythm is Rhythm.IMMEDIATELY:
        return now
    if timing.rhythm is Rhythm.HOURLY:
        return now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return _next(timing.daily_at or time(9), timing.zone, now)


def quiet_until(timing: Timing, at: datetime) -> datetime:
    """Return the end of the quiet hours that a moment lies in, or the moment itself."""
    start, end = timing.quiet_from, timing.quiet_to
    if start is None or end is None:
        return at
    clock = wall_of(at, zone_of(timing.zone)).time()
    within = start <= clock < end if start < end else clock >= start or clock < end
    return _next(end, timing.zone, at, times=2) if within else at


def _next(clock: time, zone_name: str, after: datetime, *, times: int = 1) -> datetime:
    """Return the next moment at which the clock on the wall shows a time.

    It counts so many times a day at most, where the clocks are put back over it.
    """
    zone = zone_of(zone_name)
    today = wall_of(after, zone).date()
    walls = (datetime.combine(today + timedelta(days=number), clock) for number in range(3))
    moments = (at for wall in walls for at in instants(wall, zone)[:times])
    return next(at for at in moments if at > after)


def checked_timing(timing: Timing) -> Timing:
    """Return when a channel may speak. Raises InvalidInput naming what does not fit."""
    try:
        zone_of(timing.zone)
    except InvalidInput as error:
        raise _bad("zone", error.problems[0].rule) from None
    if (timing.daily_at is not None) is not (timing.rhythm is Rhythm.DAILY):
        raise _bad("digestAt", "goes together with a daily digest")
    if (timing.quiet_from is None) is not (timing.quiet_to is None):
        raise _bad("quietTo", "goes together with quietFrom")
    if timing.quiet_from is not None and timing.quiet_from == timing.quiet_to:
        raise _bad("quietTo", "must be another time than quietFrom")
    return timing


def checked_kinds(kinds: Sequence[str]) -> tuple[str, ...]:
    """Return the kinds of notices that a channel hears of, each once. Raises InvalidInput."""
    unknown = [each for each in kinds if each not in set(Kind)]
    if unknown:
        raise _bad("kinds", f"must be of {', '.join(Kind)}")
    return tuple(dict.fromkeys(kinds))


def checked_ahead(seconds: int) -> int:
    """Return how long before its start a turn is told. Raises InvalidInput."""
    if not 60 <= seconds <= AHEAD_MAX_S:
        raise _bad("aheadS", f"must be 60 to {AHEAD_MAX_S} seconds")
    return seconds


def _bad(field: str, rule: str) -> InvalidInput:
    return InvalidInput(FieldProblem((field,), rule))


# --- how it arrives -------------------------------------------------------------------------------


def awaited(channel: Channel, due_at: datetime) -> Channel:
    """Return it with something to do by then at the latest, or once it is not left alone."""
    at = max(filter(None, (due_at, channel.retry_at)))
    return replace(channel, due_at=min(filter(None, (channel.due_at, at))))


def claimed(channel: Channel, until: datetime) -> Channel:
    """Return it in a worker's hands until then; it comes due again if that worker dies."""
    return replace(channel, leased_until=until, epoch=channel.epoch + 1)


def given_back(channel: Channel, dispatch_at: datetime | None) -> Channel:
    """Return it given back by its worker; ``dispatch_at`` is when anything is to be brought next.

    While nothing arrives it is left alone, for longer each time.
    """
    due_at = min(filter(None, (dispatch_at, channel.look_at)), default=None)
    if due_at and channel.retry_at:
        due_at = max(due_at, channel.retry_at)
    return replace(channel, due_at=due_at, leased_until=None)


def reached(channel: Channel) -> Channel:
    """Return it once something has arrived."""
    return replace(channel, attempts=0, failing_since=None, retry_at=None, told="")


def missed(
    channel: Channel, failure: str, now: datetime, *, retry_after_s: float | None = None
) -> Channel:
    """Return it once something has not arrived, left alone for longer each time."""
    attempts = channel.attempts + 1
    retry_at = now + pause_after(attempts, retry_after_s)
    return replace(
        channel,
        attempts=attempts,
        failing_since=channel.failing_since or now,
        retry_at=retry_at,
        due_at=retry_at,
        told=failure,
    )


def paused(channel: Channel) -> Channel:
    """Return it left alone; who has it in hand writes nothing down any more."""
    epoch = channel.epoch + 1
    return replace(channel, paused=True, look_at=None, due_at=None, leased_until=None, epoch=epoch)


def watching(channel: Channel, now: datetime) -> Channel:
    """Return it looking for turns that start before long, where it hears of them, from now on."""
    look_at = now if channel.wants(Kind.UPCOMING) else None
    after = replace(channel, look_at=look_at)
    return awaited(after, look_at) if look_at else after


def delivered(dispatch: Dispatch, now: datetime) -> Dispatch:
    """Return it once it has arrived."""
    attempts = dispatch.attempts + 1
    return replace(dispatch, due_at=None, delivered_at=now, attempts=attempts, failure="")


def undelivered(
    dispatch: Dispatch,
    failure: str,
    now: datetime,
    timing: Timing,
    *,
    retry_after_s: float | None = None,
) -> Dispatch:
    """Return it to be tried again later; after days no more."""
    failed = replace(dispatch, attempts=dispatch.attempts + 1, failure=failure)
    if now - dispatch.created_at >= GIVE_UP_AFTER:
        return replace(failed, due_at=None)
    return put_off(failed, timing, now + pause_after(failed.attempts, retry_after_s))


# --- what comes next, and in one message ----------------------------------------------------------

PILED_UP = 5
"""From so many on that are due together, people are sent one message for all."""


def goes_first(
    urgent: Sequence[Dispatch], other: Sequence[Dispatch], failed: int
) -> Sequence[Dispatch]:
    """Return what is urgent, or all else, of what is due, each the oldest first.

    ``failed`` counts the tries since anything arrived. After one, that goes first which was tried
    less, and both by turns: what a receiver refuses, urgent or not, holds up nothing else.
    """
    if not (urgent and other and failed):
        return urgent or other
    return min((other, urgent) if failed % 2 else (urgent, other), key=lambda due: due[0].attempts)


def next_load(
    due: Sequence[tuple[Dispatch, Notice]], kind: ChannelKind
) -> Sequence[tuple[Dispatch, Notice]]:
    """Return what is brought next, in one message, of all that is due, oldest first.

    A program is sent one by one what is in no digest; people are sent together what has piled up.
    """
    together = [pair for pair in due if pair[0].digest]
    if kind is not ChannelKind.WEBHOOK and (together or len(due) >= PILED_UP):
        return due
    return together if due and due[0][0].digest else due[:1]
