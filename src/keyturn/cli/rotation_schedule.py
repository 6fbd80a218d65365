"""The schedule of a rotation on the command line: its options, its dates, how it stands."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, TypeVar, Unpack

import click

from keyturn.cli import options, output
from keyturn.cli.rotation_policy import PolicyWords, policy_fields, policy_options
from keyturn.cli.running import connected, run

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from keyturn.wire.rotations import Rotation
    from keyturn.wire.schedules import PlannedTurn, PreviewAnswer

C = TypeVar("C", bound=Callable[..., None])

AT = "%H:%M"

STEPS = ("m", "min", "h")
"""The units of intervals that have no time of day."""


class ScheduleWords(TypedDict):
    """The options that say when turns start, beyond an interval in days."""

    every: str | None
    cron: str | None
    at: str | None
    time_zone: str | None
    window: tuple[str, ...]
    blackout: tuple[str, ...]
    calendar: Path | None
    stagger: int | None
    quarantine_after: int | None


_OPTIONS = (
    click.option("--every", metavar="TEXT", help="Between two turns: 45m, 12h, 30d, 2w, 6mo, 1y."),
    click.option("--cron", metavar="TEXT", help="Five fields of cron, instead of an interval."),
    click.option("--at", metavar="HH:MM", help="The time of day, in the time zone."),
    click.option("--time-zone", metavar="NAME", help="Of the dates, such as Europe/Berlin."),
    click.option(
        "--window",
        multiple=True,
        metavar="TEXT",
        help='When turns may start: "Mo-Fr 09:00-17:00". Repeatable.',
    ),
    click.option(
        "--blackout",
        multiple=True,
        metavar="TEXT",
        help="When none may: 2026-12-20/2027-01-03, 2026-12-24T18:00/2026-12-27T06:00. Repeatable.",
    ),
    click.option(
        "--calendar",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="An iCalendar file whose events are blackouts.",
    ),
    click.option(
        "--stagger", type=int, metavar="SECONDS", help="Spread equal schedules over this time."
    ),
    click.option(
        "--quarantine-after",
        type=int,
        metavar="COUNT",
        help="Leave it to people after so many failures in a row; 0 is never.",
    ),
)


def schedule_options(command: C) -> C:
    """Give a command the options of a schedule."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def schedule_fields(words: ScheduleWords) -> dict[str, object]:
    """Return what was given, as a body has it; an empty text takes a setting away."""
    calendar = words["calendar"]
    given: dict[str, object] = {
        "every": words["every"],
        "cron": words["cron"],
        "at": words["at"],
        "timeZone": words["time_zone"],
        "windows": _listed(words["window"]),
        "blackouts": _listed(words["blackout"]),
        "calendar": _text_of(calendar) if calendar else None,
        "staggerSeconds": words["stagger"],
        "quarantineAfter": words["quarantine_after"],
    }
    return {name: value for name, value in given.items() if value is not None}


def _text_of(calendar: Path) -> str:
    try:
        return calendar.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        told = f"{calendar} is not UTF-8, as calendars are: save it as UTF-8 and send it again."
        raise click.UsageError(told) from None


def schedule_words(words: ScheduleWords, *, interval: int, rotate_at: datetime) -> str:
    """Say when turns start, for a plan."""
    zone = words["time_zone"] or "UTC"
    if words["cron"]:
        return f"By cron {words['cron']} ({zone})"
    every = words["every"] or f"{interval} days"
    if every.strip().lower().endswith(STEPS):
        return f"Every {every}"
    at = f"{words['at']} {zone}" if words["at"] else f"{rotate_at:{AT}} UTC"
    return f"Every {every} at {at}"


def schedule_lines(one: "Rotation") -> list[str]:
    """Render a rotation's schedule, and how it stands, as lines of `keyturn rotation show`."""
    kept = one.schedule
    blackouts = ", ".join(kept.blackouts[:3]) + (", …" if len(kept.blackouts) > 3 else "")
    until = kept.blackouts_known_until
    moved = kept.due_at and kept.due_at != one.next_rotation_at
    optional = {
        "windows": f"{'; '.join(kept.windows)} ({kept.time_zone})" if kept.windows else "",
        "blackouts": f"{len(kept.blackouts)}: {blackouts}" if kept.blackouts else "",
        "known": f"until {until:%Y-%m-%d}: read the calendar again by then" if until else "",
        "stagger": f"over {kept.stagger_seconds} s" if kept.stagger_seconds else "",
    }
    return [
        f"schedule     {_dates_of(one) if one.is_auto_rotation_enabled else 'only when asked'}",
        *(f"{name:<11}  {told}" for name, told in optional.items() if told),
        f"state        {kept.state}{f', due {output.moment(kept.due_at)}' if moved else ''}",
        *([f"             {kept.why}"] if kept.why and kept.state not in QUIET else []),
    ]


QUIET = frozenset({"off", "scheduled"})
"""The states that other lines explain already."""


def _dates_of(one: "Rotation") -> str:
    kept, at = one.schedule, one.rotate_at_utc
    if kept.cron:
        return f"cron {kept.cron} ({kept.time_zone})"
    every = kept.every or ""
    days = every.removesuffix("d")
    told = f"every {days} days" if days.isdigit() else f"every {every}"
    if every.endswith(STEPS):
        return told
    clock = f"{kept.at} {kept.time_zone}" if kept.at else f"{at.hours:02}:{at.minutes:02} UTC"
    return f"{told} at {clock}"


def _listed(texts: tuple[str, ...]) -> list[str] | None:
    return [text for text in texts if text.strip()] if texts else None


class UpdateWords(ScheduleWords, PolicyWords):
    """The options of `keyturn rotation update` that come in groups."""


@click.command("update")
@click.argument("which", metavar="ROTATION")
@options.project
@click.option("--name", help="Call it otherwise.")
@click.option("--description", help="What it is for.")
@click.option("--interval", type=int, metavar="DAYS", help="Days between two turns.")
@click.option(
    "--rotate-at", type=click.DateTime([AT]), metavar="HH:MM", help="The time of day, in UTC."
)
@click.option("--auto/--no-auto", default=None, help="Turn by the schedule, or only when asked.")
@schedule_options
@policy_options
@options.server
@options.as_json
def update(
    *,
    which: str,
    project: str,
    name: str | None,
    description: str | None,
    interval: int | None,
    rotate_at: datetime | None,
    auto: bool | None,
    server: str | None,
    as_json: bool,
    **words: Unpack[UpdateWords],
) -> None:
    """Change a rotation; what is not named stays as it is, "" takes a setting away.

    A scheduled turn that has not begun ends where the new schedule forbids it.
    """
    from keyturn.cli.rotation import document_of, find_rotation, lines_of
    from keyturn.wire.rotations import UpdateRotation

    fields: dict[str, object] = {"name": name, "description": description}
    fields |= {"rotationInterval": interval, "isAutoRotationEnabled": auto}
    if rotate_at:
        fields["rotateAtUtc"] = {"hours": rotate_at.hour, "minutes": rotate_at.minute}
    fields["schedule"] = schedule_fields(words) or None
    fields |= policy_fields(words)
    given = {key: value for key, value in fields.items() if value is not None}
    if not given:
        raise click.UsageError("Name at least one thing to change.")
    body = options.checked(UpdateRotation, given)

    async def work() -> None:
        async with connected(server) as api:
            found = await find_rotation(api, project, which)
            after = await api.update_rotation(found, body)
        output.show(document_of(after, None)["rotation"], lines_of(after), as_json=as_json)

    run(work())


@click.command("preview")
@click.argument("which", metavar="[ROTATION]", required=False)
@options.project
@click.option("--interval", type=int, metavar="DAYS", help="Days between two turns.")
@click.option(
    "--rotate-at", type=click.DateTime([AT]), metavar="HH:MM", help="The time of day, in UTC."
)
@schedule_options
@click.option("--count", default=10, show_default=True, help="How many dates.")
@options.server
@options.as_json
def preview(
    *,
    which: str | None,
    project: str,
    interval: int | None,
    rotate_at: datetime | None,
    count: int,
    server: str | None,
    as_json: bool,
    **words: Unpack[ScheduleWords],
) -> None:
    """List the next dates of a rotation, or those of a schedule given by options.

    Nothing is stored. With a rotation, --time-zone says in which zone the dates are shown.
    """
    from keyturn.cli.rotation import find_rotation
    from keyturn.wire.schedules import ScheduleDraft

    fields: dict[str, object] = {"schedule": schedule_fields(words)}
    fields |= {} if interval is None else {"rotationInterval": interval}
    if rotate_at:
        fields["rotateAtUtc"] = {"hours": rotate_at.hour, "minutes": rotate_at.minute}
    told = {name for name, value in words.items() if value not in (None, ())} - {"time_zone"}
    if which and (told or interval is not None or rotate_at):
        raise click.UsageError("Name a rotation, or give a schedule; not both.")
    draft = options.checked(ScheduleDraft, fields)

    async def work() -> None:
        async with connected(server) as api:
            if which:
                rotation = await find_rotation(api, project, which)
                found = await api.preview_rotation(rotation, count=count)
            else:
                found = await api.preview_schedule(draft, count=count)
        lines = preview_lines(found, words["time_zone"])
        output.show(found.model_dump(mode="json"), lines, as_json=as_json)

    run(work())


def preview_lines(found: "PreviewAnswer", wanted: str | None) -> list[str]:
    """Render the next dates in the person's zone, with UTC beside."""
    why = [f"{found.state}: {found.why}"] if found.why else []
    why += [f"warning: {found.warning}"] if found.warning else []
    if not found.dates:
        return why or ["no dates: turns start only when somebody asks"]
    name = wanted or found.time_zone
    zone = _zone(name)
    header = ["", name if zone else "here", "UTC", ""]
    rows = [_row(number, date, zone) for number, date in enumerate(found.dates, start=1)]
    return [*why, *output.table(header, rows)]


def _zone(name: str) -> "ZoneInfo | None":
    """Return the person's zone: the one that is named, or None for this machine's."""
    from zoneinfo import ZoneInfo

    if name == "UTC":
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise click.UsageError(f"There is no time zone {name}; one is Europe/Berlin.") from None


def _row(number: int, date: "PlannedTurn", zone: "ZoneInfo | None") -> Sequence[str]:
    here, moved = date.starts_at.astimezone(zone), date.starts_at > date.due_at
    due = f"due {date.due_at.astimezone(zone):%a %Y-%m-%d %H:%M}" if moved else ""
    there = date.starts_at.astimezone(UTC)
    return [f"{number:>2}", f"{here:%a %Y-%m-%d %H:%M:%S %Z}", f"{there:%Y-%m-%d %H:%M:%S}", due]
