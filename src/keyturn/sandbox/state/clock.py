"""The org's clock: real time, until somebody at the control port sets, advances or speeds it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]

# Between them everything can be counted that an org adds to a moment or takes from it.
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
FASTEST = 1_000_000
MOMENT = (
    "a time with a zone, such as 2026-03-01T12:00:00Z, "
    f"from {EARLIEST:%Y-%m-%d} to {LATEST:%Y-%m-%d}"
)


def utc_now() -> datetime:
    """Return the real time."""
    return datetime.now(UTC)


def parse_moment(text: str) -> datetime:
    """Return a moment that a clock can show; ValueError says what is wanted."""
    try:
        return _check_moment(datetime.fromisoformat(text))
    except ValueError as error:
        raise ValueError(f"{MOMENT} is wanted") from error


def _check_moment(at: datetime) -> datetime:
    if at.tzinfo is None or not EARLIEST <= at <= LATEST:
        raise ValueError(f"{MOMENT} is wanted")
    return at


def _check_rate(rate: float) -> float:
    if not 0 <= rate <= FASTEST:
        raise ValueError(f"the rate is a number from 0 to {FASTEST}")
    return rate


@dataclass(frozen=True, slots=True)
class Start:
    """Where a clock begins: the moment it shows, None for the real one, and how fast it runs.

    Raises ValueError for what no clock can show.
    """

    at: datetime | None = None
    rate: float = 1.0

    def __post_init__(self) -> None:
        _check_rate(self.rate)
        if self.at is not None:
            _check_moment(self.at)


REAL_TIME = Start()


@dataclass(frozen=True, slots=True)
class _Anchor:
    """At the real moment `real` it was `shown`; since then `rate` seconds passed in each second."""

    real: datetime
    shown: datetime
    rate: float


class VirtualClock:
    """Shows another clock's time, moved or sped up on request.

    `real` returns aware UTC times; expiry, rate windows and the Date header follow what is shown.
    """

    def __init__(self, real: Clock = utc_now, start: Start = REAL_TIME) -> None:
        self.real, self.start = real, start
        self._anchor: _Anchor | None = None
        if start != REAL_TIME:
            self.run(start.rate)
            self.set(start.at or self())

    def __call__(self) -> datetime:
        """Return the moment it shows."""
        anchor, real = self._anchor, self.real()
        return real if anchor is None else anchor.shown + (real - anchor.real) * anchor.rate

    @property
    def rate(self) -> float:
        """Return how many seconds it shows passing in one real second."""
        return 1.0 if self._anchor is None else self._anchor.rate

    @property
    def virtual(self) -> bool:
        """Tell whether it was ever set, advanced or sped up."""
        return self._anchor is not None

    def set(self, at: datetime) -> None:
        """Show another moment from now on; ValueError without a time zone, or too far away."""
        self._anchor = _Anchor(self.real(), _check_moment(at).astimezone(UTC), self.rate)

    def advance(self, seconds: float) -> None:
        """Move forward; ValueError for a step back, which `set` takes, or too far."""
        most = (LATEST - self()).total_seconds()
        if not 0 <= seconds <= most:
            raise ValueError(f"advance_s is a number of seconds, from 0 to {most:.0f} now")
        self.set(self() + timedelta(seconds=seconds))

    def run(self, rate: float) -> None:
        """Let so many seconds pass in each real one, 0 to stand still; ValueError below 0."""
        self._anchor = _Anchor(self.real(), self(), _check_rate(rate))

    def follow(self) -> None:
        """Show real time again."""
        self._anchor = None
