"""Schedules between the wire and the services; both rooms of routes use it."""

from datetime import time

from keyturn.domain.outlook import Outlook
from keyturn.domain.rotation import Rotation
from keyturn.services.schedules import ScheduleChange
from keyturn.wire import schedules as wire


def asked(
    *,
    automatic: bool | None,
    interval: int | None,
    rotate_at: wire.RotateAtUtc | None,
    ours: wire.ScheduleFields | None,
) -> ScheduleChange:
    """Return what a body asks of a schedule; of ours, null and the empty text are the same."""
    given = ours or wire.ScheduleFields()
    return ScheduleChange(
        automatic=automatic,
        interval_days=interval,
        rotate_at=time(rotate_at.hours, rotate_at.minutes) if rotate_at else None,
        every=_text(given, "every"),
        cron=_text(given, "cron"),
        at=_text(given, "at"),
        zone=_text(given, "time_zone"),
        windows=_joined(given, "windows", "; "),
        blackouts=_joined(given, "blackouts", " "),
        calendar=given.calendar,
        stagger_s=given.stagger_seconds,
        quarantine_after=given.quarantine_after,
    )


def asked_of_draft(body: wire.ScheduleDraft) -> ScheduleChange:
    """Return what a draft asks for."""
    return asked(
        automatic=body.is_auto_rotation_enabled,
        interval=body.rotation_interval,
        rotate_at=body.rotate_at_utc,
        ours=body.schedule,
    )


def shown(rotation: Rotation, outlook: Outlook) -> wire.RotationSchedule:
    """Render the schedule of a rotation, and how it stands."""
    schedule = rotation.schedule
    days = None if schedule.cron else f"{schedule.interval_days}d"
    return wire.RotationSchedule(
        every=schedule.every or days,
        cron=schedule.cron or None,
        at=f"{schedule.at:%H:%M}" if schedule.at else None,
        time_zone=schedule.zone,
        windows=tuple(part.strip() for part in schedule.windows.split(";") if part.strip()),
        blackouts=tuple(schedule.blackouts.split()),
        blackouts_known_until=schedule.known_until,
        stagger_seconds=schedule.stagger_s,
        quarantine_after=schedule.quarantine_after,
        state=outlook.state.value,
        why=outlook.why,
        due_at=rotation.due_at,
        failures=rotation.failures,
    )


def _text(given: wire.ScheduleFields, name: str) -> str | None:
    return (getattr(given, name) or "") if name in given.model_fields_set else None


def _joined(given: wire.ScheduleFields, name: str, between: str) -> str | None:
    if name not in given.model_fields_set:
        return None
    return between.join(getattr(given, name) or ())
