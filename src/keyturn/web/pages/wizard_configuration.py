"""The first steps of the wizard: what is turned, by which connection, when, and for whom."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from keyturn.domain.access import Verb
from keyturn.domain.connection import OktaConnection
from keyturn.domain.errors import Forbidden, InvalidInput, NotFound, Refused
from keyturn.domain.okta import CredentialKind, KeyAlgorithm
from keyturn.domain.project import ROOT
from keyturn.domain.turn import Overlap
from keyturn.services.connections import list_okta_connections
from keyturn.services.folders import create_folder, list_folders
from keyturn.services.onboarding import find_taken_names
from keyturn.services.plans import policy_told
from keyturn.services.policies import changed_policy
from keyturn.services.projects import Where
from keyturn.web.pages import wizard_schedule as schedule
from keyturn.web.pages.wizard_answers import NEW, TYPES
from keyturn.web.pages.wizard_connection import connect
from keyturn.web.pages.wizard_problems import FIELDS, Problems
from keyturn.web.pages.wizard_state import Shown, Step, Wizard

SHOWN: Final = 3
"""How many of the next dates the step itself shows."""

KINDS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        CredentialKind.CLIENT_SECRET: (
            "Okta Client Secret",
            "The client secret of an app in your org. This is what most people turn.",
        ),
        CredentialKind.API_SERVICE_SECRET: (
            "Okta API Service Secret",
            "The client secret of an API service integration, whose value Okta makes.",
        ),
        CredentialKind.CLIENT_KEY: (
            "Okta Client Key",
            "The key pair of an app that authenticates by private_key_jwt.",
        ),
    }
)
"""Each type of rotation: what it is called, and whom it is for."""

OVERLAPS: Final = (
    (Overlap.FIXED.value, "For a fixed time", "The old one goes once the overlap is over."),
    (
        Overlap.EVIDENCE.value,
        "Until nobody uses the old one any more",
        "By who read which version, which connections renewed, and Okta's System Log if you like.",
    ),
    (Overlap.UNTIL_NEXT.value, "Until the next turn is due", "Two secrets work nearly always."),
)


async def look_at_types(wizard: Wizard) -> Shown:
    """Show what can be turned, and of which project."""
    return {
        "kinds": [(kind, *told) for kind, told in KINDS.items()],
        "algorithms": [(one.value, one.value) for one in KeyAlgorithm],
        "choices_of_project": [
            (one.project.slug, f"{one.project.name} ({one.project.slug})")
            for one in wizard.projects
        ],
    }


async def check_type(wizard: Wizard) -> None:
    """Make sure that it is a type that people create."""
    if wizard.answers.kind not in TYPES:
        wizard.problems.note("kind", "Choose what is to be turned.")
    if wizard.answers.algorithm not in list(KeyAlgorithm):
        wizard.problems.note("algorithm", "Must be RS256 or ES256.")


async def look_at_configuration(wizard: Wizard) -> Shown:
    """Show connections, places, dates and how long turns take."""
    found, may_connect = await _connections(wizard), wizard.may(Verb.CREATE_CONNECTIONS)
    environments = wizard.whole.environments
    slugs = [one.slug for one in environments]
    policy = wizard.visit.world.limits.policy
    overlap = next(text for code, text, _ in OVERLAPS if code == policy.overlap)
    wizard.note(
        connection=_chosen(wizard, found, may_connect=may_connect),
        new_name=wizard.answers.new_name or _free_name(found),
        environment=next((one for one in (wizard.answers.environment, *slugs) if one in slugs), ""),
    )
    return {
        "connections": [(one.id, f"{one.name} ({one.instance_url})") for one in found],
        "may_connect": may_connect,
        "new": NEW,
        "environments": [(one.slug, f"{one.name} ({one.slug})") for one in environments],
        "folders": await _folders(wizard),
        "folder_missing": bool(wizard.problems.of("path")) and wizard.may(Verb.CREATE_FOLDERS),
        "zones": [(name, name.replace("_", " ")) for name in schedule.zones()],
        "overlaps": [("", f"As the installation has it: {overlap.lower()}", ""), *OVERLAPS],
        "policy": policy,
        "length": schedule.length,
        "policy_told": policy_told(policy),
        **await look_at_dates(wizard),
    }


async def look_at_dates(wizard: Wizard) -> Shown:
    """Show the next dates, or what is wrong with what sets them."""
    wrong = Problems()
    dates: Sequence[schedule.Date] = ()
    with wrong.at("days"):
        planned = schedule.preview(wizard.visit.world, wizard.answers, SHOWN)
        dates = schedule.dates(planned.slots, wizard.answers.zone)
    return {
        "dates": dates,
        "dates_wrong": wrong.texts,
        "zone": wizard.answers.zone or "UTC",
        "guessing": not wizard.answers.zone,
    }


async def check_configuration(wizard: Wizard) -> None:
    """Make the connection where one is to be made, then judge the rest."""
    answers, problems = wizard.answers, wizard.problems
    if answers.connection == NEW:
        made = await connect(wizard.visit, answers, wizard.whole.project.id, problems)
        if made:
            wizard.note(connection=made.id, made_connection=made.id)
            wizard.made = f"Connection {made.name} to {made.instance_url} is made: Okta accepts it."
    elif answers.connection not in [one.id for one in await _connections(wizard)]:
        problems.note("connection", "Choose a connection, or make one.")
    _check_dates(wizard)
    with problems.at("overlap_policy"):
        limits = wizard.visit.world.limits
        changed_policy(limits, limits.policy, schedule.policy_of(answers))
    await _check_place(wizard)


def _check_dates(wizard: Wizard) -> None:
    answers, problems = wizard.answers, wizard.problems
    if answers.often == "days" and not (answers.days.isdecimal() and answers.days.strip("0")):
        problems.note("days", "Must be a whole number of days, such as 30.")
    with problems.at("days", {**FIELDS, "schedule.every": answers.often}):
        schedule.preview(wizard.visit.world, answers, 1)


async def _check_place(wizard: Wizard) -> None:
    """Make sure that a rotation can be created there; a folder is made only if that was wished."""
    visit, problems = wizard.visit, wizard.problems
    if visit.said("make_folder"):
        with problems.at("path"):
            parent, _, name = wizard.where.path.rstrip("/").rpartition("/")
            within = Where(wizard.where.project, wizard.where.environment, parent or ROOT)
            made = await create_folder(visit.world, visit.caller, within, name)
            wizard.note(made_folder=made.place.folder.path)
    try:
        connection_id = wizard.answers.connection
        await find_taken_names(visit.world, visit.caller, wizard.where, connection_id)
    except (Forbidden, NotFound) as error:
        problems.add(error, "environment")
    except (InvalidInput, Refused) as error:
        problems.add(error, "path")


async def _connections(wizard: Wizard) -> Sequence[OktaConnection]:
    visit, project_id = wizard.visit, wizard.whole.project.id
    return await list_okta_connections(visit.world, visit.caller, project_id=project_id)


def _chosen(wizard: Wizard, found: Sequence[OktaConnection], *, may_connect: bool) -> str:
    """Return the connection that is chosen; a link may name it, and where nobody has it is one."""
    wanted = wizard.answers.connection
    if wanted == NEW and may_connect:
        return NEW
    for one in found:
        if wanted in (one.id, one.name):
            return one.id
    return found[0].id if found else NEW if may_connect else ""


def _free_name(found: Sequence[OktaConnection]) -> str:
    taken = {one.name for one in found}
    free = (name for name in ("okta", "okta-2", "okta-3") if name not in taken)
    return next(free, "")


async def _folders(wizard: Wizard) -> Sequence[str]:
    visit, where = wizard.visit, Where(wizard.where.project, wizard.where.environment)
    try:
        found = await list_folders(visit.world, visit.caller, where, recursive=True)
    except Forbidden:
        return [ROOT]
    return [ROOT, *sorted(one.place.folder.path for one in found)]


TYPE: Final = Step(
    "type", "Select type", ("project", "kind", "algorithm"), look_at_types, check_type
)
CONFIGURATION: Final = Step(
    "configuration",
    "Configuration",
    (
        "connection",
        "new_name",
        "new_url",
        "new_method",
        "new_client_id",
        "environment",
        "path",
        "automatic",
        "often",
        "days",
        "every",
        "cron",
        "at",
        "zone",
        "overlap_policy",
        "overlap",
        "backstop",
        "soak",
        "log",
        "quiet",
    ),
    look_at_configuration,
    check_configuration,
)
