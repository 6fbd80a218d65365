"""The schedule of a rotation beyond Infisical's interval (ours)."""

from typing import Annotated, Literal

from pydantic import Field, StrictBool

from keyturn.wire.base import Instant, Seconds, Text, Whole, Wire

CALENDAR_MAX = 512 * 1024
DATES_MAX = 100

Days = Annotated[Whole, Field(ge=1, le=36_500)]
State = Literal[
    "off", "scheduled", "waiting", "missed", "turning", "paused", "blocked", "quarantined"
]


class RotateAtUtc(Wire):
    """A time of day in UTC."""

    hours: Annotated[Whole, Field(ge=0, le=23)]
    minutes: Annotated[Whole, Field(ge=0, le=59)]


class ScheduleFields(Wire):
    """What is asked of a schedule; null or an empty text takes a setting away.

    ``every`` is an interval (``12h``, ``30d``, ``6mo``), ``cron`` five fields of cron; either takes
    the place of ``rotationInterval``. ``at`` (``HH:MM``, in ``timeZone``) takes that of
    ``rotateAtUtc``. Turns start in one of the ``windows`` (``Mo-Fr 09:00-17:00``) and in none of
    the ``blackouts`` (``2026-12-20/2027-01-03``), to which the events of ``calendar``, an
    iCalendar file, add. ``quarantineAfter`` so many starts without success none follows.
    """

    every: str | None = Field(default=None, max_length=20)
    cron: str | None = Field(default=None, max_length=255)
    at: str | None = Field(default=None, max_length=5)
    time_zone: str | None = Field(default=None, max_length=64)
    windows: tuple[Text, ...] | None = Field(default=None, max_length=100)
    blackouts: tuple[Text, ...] | None = Field(default=None, max_length=2000)
    calendar: str | None = Field(default=None, max_length=CALENDAR_MAX)
    stagger_seconds: Seconds | None = None
    quarantine_after: Annotated[Whole, Field(ge=0, le=1000)] | None = None


class ScheduleDraft(Wire):
    """A schedule that no rotation has yet."""

    is_auto_rotation_enabled: StrictBool = True
    rotation_interval: Days = 30
    rotate_at_utc: RotateAtUtc = RotateAtUtc(hours=0, minutes=0)
    schedule: ScheduleFields | None = None


class Schedule(Wire):
    """A schedule; a calendar that goes on was read until ``blackoutsKnownUntil``."""

    every: str | None
    cron: str | None
    at: str | None
    time_zone: str
    windows: tuple[str, ...]
    blackouts: tuple[str, ...]
    blackouts_known_until: Instant | None
    stagger_seconds: int
    quarantine_after: int


class Standing(Wire):
    """How a schedule stands; ``why`` says for people why, and what happens next.

    ``failures`` counts the starts without success in a row. ``dueAt`` is the moment that the
    schedule asks for; the turn starts then or, where windows, blackouts or stagger say so, later.
    """

    state: State
    why: str
    due_at: Instant | None
    failures: int


class RotationSchedule(Schedule, Standing):
    """The schedule of a rotation, and how it stands."""


class PlannedTurn(Wire):
    """A date: when a turn is due, and when it starts."""

    due_at: Instant
    starts_at: Instant


class PreviewAnswer(Wire):
    """The next dates; the state is absent for a draft.

    ``warning`` says that windows and blackouts put one of them off for more than a week.
    """

    time_zone: str
    state: State | None
    why: str
    dates: tuple[PlannedTurn, ...]
    warning: str = ""
