"""A schedule in words, as people say when something happens."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from keyturn.domain.schedule import Schedule, parse_every

UNITS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "m": "minute",
        "min": "minute",
        "h": "hour",
        "d": "day",
        "w": "week",
        "mo": "month",
        "y": "year",
    }
)
CLOCKLESS: Final = ("minute", "hour")
"""What comes at steps, at no time of day."""


def schedule_told(schedule: Schedule) -> str:
    """Say when turns start."""
    if not schedule.automatic:
        return "Only when somebody asks"
    only = f", only {schedule.windows} ({schedule.zone})" if schedule.windows else ""
    if schedule.cron:
        return f"By cron {schedule.cron} ({schedule.zone}){only}"
    given = parse_every(schedule.every) if schedule.every else (schedule.interval_days, "d")
    number, unit = given[0], UNITS[given[1]]
    every = unit if number == 1 else f"{number} {unit}s"
    if unit in CLOCKLESS:
        return f"Every {every}{only}"
    at, zone = schedule.at, schedule.zone
    clock = f"{at:%H:%M} {zone}" if at else f"{schedule.rotate_at:%H:%M} UTC"
    return f"Every {every} at {clock}{only}"
