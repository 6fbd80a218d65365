"""Change a rotation: its name, the names of what it serves, schedule and policy; or end it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Final

from starlette.responses import Response

from keyturn.domain.access import Verb
from keyturn.domain.errors import (
    FieldProblem,
    Forbidden,
    InvalidInput,
    KeyturnError,
    NotFound,
    OursError,
    Refused,
)
from keyturn.domain.rotation import Rotation, SecretsMapping
from keyturn.domain.schedule import Schedule
from keyturn.services.ending import delete_rotation
from keyturn.services.plans import policy_told
from keyturn.services.previews import preview_rotation
from keyturn.services.rotations import RotationChange, update_rotation
from keyturn.services.schedules import ScheduleChange
from keyturn.web.one_rotation import LIST, PATH, One, find_one
from keyturn.web.pages.rotation_orders import OTHER_NAME
from keyturn.web.pages.wizard_answers import Answers, answered
from keyturn.web.pages.wizard_configuration import OVERLAPS
from keyturn.web.pages.wizard_problems import FIELDS, Problems
from keyturn.web.pages.wizard_schedule import (
    LENGTH_RULE,
    length,
    policy_of,
    schedule_of,
    seconds_of,
    zones,
)
from keyturn.web.routing import action, page
from keyturn.web.visiting import Visit

DATES: Final = 5
TEXT_MAX: Final = 40_000
OURS: Final[Mapping[str, str]] = {
    **FIELDS,
    "schedule.windows": "windows",
    "schedule.blackouts": "blackouts",
    "schedule.staggerSeconds": "stagger",
    "schedule.quarantineAfter": "quarantine",
}
"""At which field of this form a rule of the domain is told."""
COUNT_RULE: Final = "must be a number of turns, or 0 for never"


@dataclass(frozen=True)
class Limits:
    """What bounds a schedule, as it was typed: windows and blackouts have a line each."""

    windows: str = ""
    blackouts: str = ""
    stagger: str = ""
    quarantine: str = ""
    repair: str = ""


async def ask_edit(visit: Visit) -> Response:
    """Show a rotation's settings to be changed."""
    one = await _editable(visit)
    return await _form(visit, one, _answers(one.rotation), _limits(one.rotation), Problems())


async def edit(visit: Visit) -> Response:
    """Change a rotation; a problem is shown at its field, with everything typed kept."""
    one, problems = await _editable(visit), Problems()
    told = {key: value for key, value in visit.form.items() if isinstance(value, str)}
    answers = answered(told)
    limits = Limits(**{each.name: _typed(told, each.name) for each in fields(Limits)})
    try:
        change = _change(one, answers, limits)
        await update_rotation(visit.world, visit.caller, one.rotation.id, change)
    except (Forbidden, NotFound, OursError):
        raise
    except KeyturnError as error:
        interval = "days" if answers.often == "days" else "every"
        problems.add(error, "name", {**OURS, "schedule.every": interval})
        return await _form(visit, one, answers, limits, problems)
    return visit.redirect(one.href, "Changed. Nothing was changed at Okta.")


async def ask_delete(visit: Visit, error: KeyturnError | None = None) -> Response:
    """Say what it means that a rotation ends."""
    one = await find_one(visit)
    one.require(Verb.DELETE_ROTATIONS)
    return visit.render(
        "rotations/delete.html",
        status=400 if error else 200,
        one=one,
        what=visit.said("what", "keep"),
        error=one.prose(error.message) if error else "",
    )


async def delete(visit: Visit) -> Response:
    """End a rotation, and what it serves as far as that was asked for."""
    one, what = await find_one(visit), visit.said("what", "keep")
    try:
        if visit.said("confirm") != one.name:
            raise Refused(OTHER_NAME)
        await delete_rotation(
            visit.world,
            visit.caller,
            one.rotation.id,
            delete_secrets=what != "keep",
            revoke=what == "revoke",
        )
    except (Forbidden, NotFound):
        raise
    except KeyturnError as error:
        return await ask_delete(visit, error)
    return visit.redirect(LIST, f"Rotation {one.name} is ended.")


async def _editable(visit: Visit) -> One:
    one = await find_one(visit)
    one.require(Verb.EDIT_ROTATIONS)
    return one


async def _form(
    visit: Visit, one: One, answers: Answers, limits: Limits, problems: Problems
) -> Response:
    planned = await preview_rotation(visit.world, visit.caller, one.rotation.id, count=DATES)
    return visit.render(
        "rotations/edit.html",
        status=problems.status,
        one=one,
        answers=answers,
        limits=limits,
        problems=problems,
        policy=one.rotation.policy,
        policy_told=policy_told(one.rotation.policy),
        length=length,
        overlaps=OVERLAPS,
        zones=[(zone, zone) for zone in zones()],
        dates=[slot.starts_at for slot in planned.slots],
    )


# --- from a rotation to a form, and back ----------------------------------------------------------


def _answers(rotation: Rotation) -> Answers:
    schedule, policy = rotation.schedule, rotation.policy
    return Answers(
        automatic="on" if schedule.automatic else "off",
        often="cron" if schedule.cron else "every" if schedule.every else "days",
        days=str(schedule.interval_days),
        every=schedule.every,
        cron=schedule.cron,
        at=f"{schedule.at or schedule.rotate_at:%H:%M}",
        zone=schedule.zone if schedule.at or schedule.cron or schedule.windows else "UTC",
        overlap_policy=policy.overlap,
        overlap=length(policy.overlap_s),
        backstop=length(policy.backstop_s),
        soak=length(policy.soak_s),
        quiet=length(policy.quiet_s),
        log="on" if policy.log else "off",
        map_client_id=rotation.mapping.client_id,
        map_client_secret=rotation.mapping.client_secret,
        name=rotation.name,
        description=rotation.description or "",
    )


def _limits(rotation: Rotation) -> Limits:
    schedule = rotation.schedule
    windows = [part.strip() for part in schedule.windows.split(";") if part.strip()]
    return Limits(
        windows="\n".join(windows),
        blackouts="\n".join(schedule.blackouts.split()),
        stagger=length(schedule.stagger_s) if schedule.stagger_s else "",
        quarantine=str(schedule.quarantine_after),
        repair="on" if rotation.policy.repair else "",
    )


def _change(one: One, answers: Answers, limits: Limits) -> RotationChange:
    """Return what is asked for. Raises InvalidInput that names every field."""
    problems = [*_problems(limits)]
    try:
        policy = replace(policy_of(answers), repair=bool(limits.repair))
    except InvalidInput as error:
        raise InvalidInput(*error.problems, *problems) from None
    if problems:
        raise InvalidInput(*problems)
    mapping = SecretsMapping(answers.map_client_id, answers.map_client_secret)
    return RotationChange(
        name=answers.name or "-",
        description=answers.description or None,
        described=True,
        schedule=_schedule(one.rotation.schedule, answers, limits),
        mapping=mapping if one.readable else None,
        policy=policy,
    )


def _problems(limits: Limits) -> Sequence[FieldProblem]:
    found = []
    if limits.stagger and seconds_of(limits.stagger) is None:
        found.append(FieldProblem(("schedule", "staggerSeconds"), LENGTH_RULE))
    if not (limits.quarantine.isascii() and limits.quarantine.isdigit()):
        found.append(FieldProblem(("schedule", "quarantineAfter"), COUNT_RULE))
    return found


def _schedule(old: Schedule, answers: Answers, limits: Limits) -> ScheduleChange:
    """Return the schedule that is asked for; blackouts of a calendar stay as they are unless typed.

    A time of day in UTC takes the place of one elsewhere, which is why that is taken away.
    """
    asked = schedule_of(answers)
    typed = " ".join(limits.blackouts.split())
    return replace(
        asked,
        at="" if asked.rotate_at else asked.at,
        zone=answers.zone or "UTC",
        windows="; ".join(line.strip() for line in limits.windows.splitlines() if line.strip()),
        blackouts=None if typed == old.blackouts else typed,
        stagger_s=seconds_of(limits.stagger) if limits.stagger else 0,
        quarantine_after=int(limits.quarantine[:9]),
    )


def _typed(told: Mapping[str, str], name: str) -> str:
    return told.get(name, "").strip()[:TEXT_MAX]


ROUTES: Final = (
    page(f"{PATH}/edit", ask_edit),
    action(f"{PATH}/edit", edit),
    page(f"{PATH}/delete", ask_delete),
    action(f"{PATH}/delete", delete),
)
