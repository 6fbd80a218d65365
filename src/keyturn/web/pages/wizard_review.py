"""The last step of the wizard: what will happen, call by call, and then it happens."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from keyturn.domain.errors import Refused, Taken
from keyturn.domain.rotation import Adopt
from keyturn.domain.sensitive import Sensitive
from keyturn.services.creation_plans import steps_of_creation
from keyturn.services.onboarding import Prospect, create_rotation, preview_rotation
from keyturn.services.plans import policy_told, steps_at_app
from keyturn.services.rotations import RotationView, read_rotation_by_name
from keyturn.web.pages import wizard_schedule as schedule
from keyturn.web.pages.wizard_choices import ADOPT, chosen, named
from keyturn.web.pages.wizard_command import command
from keyturn.web.pages.wizard_configuration import KINDS
from keyturn.web.pages.wizard_connection import made_since
from keyturn.web.pages.wizard_problems import Problems
from keyturn.web.pages.wizard_state import Shown, Step, Wizard
from keyturn.web.schedule_told import schedule_told
from keyturn.wire.rotations import VALUE_MAX

DATES: Final = 10


@dataclass(frozen=True)
class Asked:
    """What the last step still asks for: a value, and whether nothing goes without; a consent."""

    value: bool = False
    needed: bool = False
    consent: str = ""


async def look_at_review(wizard: Wizard) -> Shown:
    """Show what will be done and what it leads to, or why it cannot be done."""
    with wizard.problems.at(""):
        prospect, hidden = await _prospect(wizard)
        retire = chosen(wizard.answers.existing).retire
        shown = schedule.preview(wizard.visit.world, wizard.answers, DATES)
        return {
            "prospect": prospect,
            "there": _there(wizard, prospect),
            "kind_name": KINDS[wizard.answers.credential][0],
            "asked": _asked(wizard, prospect, hidden=hidden),
            "steps_now": steps_of_creation(prospect, retires=retire.id if retire else None),
            "steps_then": steps_at_app(prospect.rotation),
            "schedule_told": schedule_told(prospect.rotation.schedule),
            "policy_told": policy_told(prospect.rotation.policy),
            "dates": schedule.dates(shown.slots, wizard.answers.zone),
            "warning": shown.warning,
            "zone": wizard.answers.zone or "UTC",
            "command": command(wizard.answers, prospect.connection.name),
        }
    return {"prospect": None}


def _there(wizard: Wizard, prospect: Prospect) -> Sequence[str]:
    """Name what the wizard has made on the way already."""
    answers, folder = wizard.answers, prospect.place.folder
    made = []
    if answers.made_connection == prospect.connection.id:
        made.append(f"the connection {prospect.connection.name}")
    if answers.made_folder == folder.path:
        made.append(f"the folder {folder.path}")
    return made


async def check_nothing(wizard: Wizard) -> None:
    """Leave the judgement to what is done."""


async def create(wizard: Wizard) -> RotationView | None:
    """Create the rotation, or put down why there is none."""
    visit, existing = wizard.visit, chosen(wizard.answers.existing)
    value = str(visit.form.get("existing_value", "")).strip("\r\n")
    if existing.retire and not visit.said("consent"):
        wizard.problems.note("consent", "Consent to it by ticking the box, or choose otherwise.")
    if existing.by_value and not value:
        wizard.problems.note("existing_value", "Give the value that is to be adopted.")
    if len(value) > VALUE_MAX:
        wizard.problems.note("existing_value", f"Must be at most {VALUE_MAX} characters.")
    if wizard.problems:
        return None
    with wizard.problems.at("existing_value" if value else ""):
        draft = wizard.draft(Sensitive(value) if value else None)
        return await create_rotation(visit.world, visit.caller, draft)
    return None


async def find_made(wizard: Wizard) -> RotationView | None:
    """Return what this wizard has created already: the same form may be sent twice."""
    visit, made = wizard.visit, None
    with Problems().at(""):
        draft = wizard.draft()
        name = draft.name.strip().lower()
        made = await read_rotation_by_name(visit.world, visit.caller, draft.where, name)
    if made is None or not made_since(wizard.answers, made.rotation.created_at):
        return None
    one = made.rotation
    same = (one.kind, one.connection_id, one.mapping, one.schedule, one.description) == (
        draft.kind,
        draft.connection_id,
        draft.mapping,
        draft.schedule,
        draft.description,
    )
    return made if same and draft.parameter in (one.app_id, one.client_id) else None


async def _prospect(wizard: Wizard) -> tuple[Prospect, bool]:
    """Return what would be done, and whether that hangs on a value that Okta does not show."""
    visit, existing = wizard.visit, chosen(wizard.answers.existing)
    world, caller, draft = visit.world, visit.caller, wizard.draft()
    if existing.by_value:
        return await preview_rotation(world, caller, draft, value_follows=True), False
    try:
        prospect = await preview_rotation(world, caller, draft)
    except Taken:
        raise
    except Refused:
        if existing.way != ADOPT or existing.retire is None:
            raise
        # Two secrets and no value: it is refused as no room, and goes with the value.
        return await preview_rotation(world, caller, draft, value_follows=True), True
    hidden = existing.way == ADOPT and not isinstance(prospect.takes, Adopt)
    return prospect, hidden and any(each.active for each in prospect.secrets)


def _asked(wizard: Wizard, prospect: Prospect, *, hidden: bool) -> Asked:
    existing, now = chosen(wizard.answers.existing), wizard.visit.world.clock.now()
    consent = ""
    for each in prospect.secrets:
        if existing.retire and each.id == existing.retire.id:
            consent = named(each, now)
    needed = prospect.takes is None
    return Asked(value=needed or hidden, needed=needed, consent=consent)


REVIEW: Final = Step("review", "Review", (), look_at_review, check_nothing)
