"""When turns are to start and how long they take, by the answers of the wizard."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from functools import cache
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.domain.schedule import Slot
from keyturn.domain.turn import Overlap
from keyturn.domain.zones import zone_of
from keyturn.services.policies import PolicyChange
from keyturn.services.ports import World
from keyturn.services.previews import Preview, preview_draft
from keyturn.services.schedules import ScheduleChange
from keyturn.web.pages.wizard_answers import Answers
from keyturn.wire.base import YEAR_S

AREAS: Final = frozenset(
    {
        "Africa",
        "America",
        "Antarctica",
        "Arctic",
        "Asia",
        "Atlantic",
        "Australia",
        "Europe",
        "Indian",
        "Pacific",
    }
)
CRON_MAX: Final = 255
UNITS_S: Final[Mapping[str, int]] = MappingProxyType(
    {"": 1, "s": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400, "w": 604_800}
)
LENGTH_RULE: Final = "must be a length of time of a year at most, such as 90s, 15m, 12h or 2d"
_LENGTH: Final = re.compile(r"([0-9]{1,8})\s*(s|min|m|h|d|w)?")
_STEPS: Final = re.compile(r".*\d\s*(m|min|h)")


@dataclass(frozen=True)
class Date:
    """When a turn starts: on the clock of the person's wall, and in UTC (the day if another)."""

    here: str
    utc: str


@cache
def zones() -> Sequence[str]:
    """List the time zones that somebody may live in, UTC first."""
    return ("UTC", *sorted(name for name in available_timezones() if name.split("/")[0] in AREAS))


def in_steps(answers: Answers) -> bool:
    """Say whether the dates come at steps of hours or minutes, so that no time of day matters."""
    return answers.often == "every" and _STEPS.fullmatch(answers.every.lower()) is not None


def schedule_of(answers: Answers) -> ScheduleChange:
    """Return the schedule that is asked for.

    In UTC it is Infisical's, as far as there is one: its clients show it as it is.
    """
    automatic, zone = answers.automatic != "off", answers.zone or "UTC"
    if answers.often == "cron":
        return ScheduleChange(automatic=automatic, cron=_cron(answers.cron), zone=zone)
    every = answers.every if answers.often == "every" else f"{answers.days.removesuffix('d')}d"
    if in_steps(answers):
        return ScheduleChange(automatic=automatic, every=every)
    at = _clock(answers.at)
    if zone == "UTC" and at:
        return ScheduleChange(automatic=automatic, every=every or "-", rotate_at=at)
    return ScheduleChange(automatic=automatic, every=every or "-", at=answers.at or "-", zone=zone)


def preview(world: World, answers: Answers, count: int) -> Preview:
    """Return the next dates of what is asked for. Raises InvalidInput."""
    return preview_draft(world, schedule_of(answers), count=count)


def dates(slots: Sequence[Slot], zone: str) -> Sequence[Date]:
    """Return dates as people read them, by their own clock and in UTC."""
    return [_date(slot.starts_at, zone_of(zone or "UTC")) for slot in slots]


def _date(at: datetime, zone: ZoneInfo) -> Date:
    here, there = at.astimezone(zone), at.astimezone(UTC)
    same = here.date() == there.date()
    return Date(
        f"{here:%a %-d %b %Y, %H:%M}", f"{there:%H:%M}" if same else f"{there:%-d %b, %H:%M}"
    )


def policy_of(answers: Answers) -> PolicyChange:
    """Return what is asked of the policy. Raises InvalidInput that names every field."""
    problems = [
        FieldProblem((wire,), LENGTH_RULE)
        for wire, typed in (
            ("overlapSeconds", answers.overlap),
            ("backstopSeconds", answers.backstop),
            ("soakSeconds", answers.soak),
            ("quietSeconds", answers.quiet),
        )
        if typed and seconds_of(typed) is None
    ]
    if problems:
        raise InvalidInput(*problems)
    overlap = answers.overlap_policy
    return PolicyChange(
        overlap=Overlap(overlap) if overlap in list(Overlap) else None,
        overlap_s=seconds_of(answers.overlap),
        soak_s=seconds_of(answers.soak),
        backstop_s=seconds_of(answers.backstop),
        quiet_s=seconds_of(answers.quiet),
        log={"on": True, "off": False}.get(answers.log),
    )


def length(seconds: int) -> str:
    """Render a length of time as it can be typed."""
    for unit in ("d", "h", "m"):
        if seconds and seconds % UNITS_S[unit] == 0:
            return f"{seconds // UNITS_S[unit]}{unit}"
    return f"{seconds}s"


def seconds_of(text: str) -> int | None:
    """Read a length of time; None for what is none of a year at most."""
    found = _LENGTH.fullmatch(text.strip().lower())
    if found is None:
        return None
    seconds = int(found[1]) * UNITS_S[found[2] or ""]
    return seconds if seconds <= YEAR_S else None


def _cron(text: str) -> str:
    """Return an expression; for none, and for one of endless length, what is refused as none."""
    return text if 0 < len(text) <= CRON_MAX else "-"


def _clock(text: str) -> time | None:
    found = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", text)
    return time(int(found[1]), int(found[2])) if found else None
