"""The wizard that creates a rotation, step by step.

The server keeps nothing between the steps: what was answered travels in the form, and in links.
"""

from collections.abc import Sequence
from shlex import quote
from typing import Final
from urllib.parse import quote as in_url

from starlette.responses import Response

from keyturn.domain.project import ROOT
from keyturn.services.rotations import RotationView
from keyturn.services.watching import Sight, watch_rotation
from keyturn.web.pages import wizard_review
from keyturn.web.pages.wizard_answers import PATH
from keyturn.web.pages.wizard_apps import PARAMETERS, look_at_search
from keyturn.web.pages.wizard_command import command
from keyturn.web.pages.wizard_configuration import CONFIGURATION, TYPE, look_at_dates
from keyturn.web.pages.wizard_names import DETAILS, MAPPINGS, look_at_mapped_names, look_at_name
from keyturn.web.pages.wizard_problems import Problems
from keyturn.web.pages.wizard_review import REVIEW
from keyturn.web.pages.wizard_state import Look, Shown, Step, Wizard, begun
from keyturn.web.routing import action, page
from keyturn.web.visiting import Visit

STEPS: Final[Sequence[Step]] = (TYPE, CONFIGURATION, PARAMETERS, MAPPINGS, DETAILS, REVIEW)
TITLES: Final = [step.title for step in STEPS]
PART: Final = f"{PATH}/part"
CREATED: Final = f"{PATH}/created"
LINK_MAX: Final = 4_000
"""Longer links are cut by some that they pass through."""

PARTS: Final[dict[str, tuple[str, Look]]] = {
    CONFIGURATION.name: ("wizard/_dates.html", look_at_dates),
    PARAMETERS.name: ("wizard/_apps.html", look_at_search),
    MAPPINGS.name: ("wizard/_names.html", look_at_mapped_names),
    DETAILS.name: ("wizard/_names.html", look_at_name),
}
"""What a page asks for again while somebody types: the part, and what is in it."""


async def begin(visit: Visit) -> Response:
    """Begin, or go on where a link leads; one from elsewhere as far as what it answers holds."""
    wizard = await begun(visit, visit.query)
    given = set(wizard.answers.given) - {"since", "project"}
    wanted = _step(visit.query.get("step", CONFIGURATION.name if given else TYPE.name))
    earlier = () if "since" in visit.query else STEPS[: STEPS.index(wanted)]
    for step in earlier:
        if step is not PARAMETERS:  # what it shows costs calls, and nothing follows from it
            await step.look(wizard)
        wizard.problems = Problems()
        await step.check(wizard)
        if wizard.problems:
            wizard.problems = Problems()
            return await _show(wizard, step)
    return await _show(wizard, wanted)


async def answer(visit: Visit) -> Response:
    """Take the answers of a step, and go where its button leads."""
    wizard = await _begun(visit)
    step, go = _step(visit.said("step")), visit.said("go")
    if go == "back":
        return await _go(wizard, STEPS[max(0, STEPS.index(step) - 1)])
    if go == "look" or _searches(wizard, step, go):
        return await _go(wizard, step)
    if go.startswith("to-"):
        return await _go(wizard, min(_step(go.removeprefix("to-")), step, key=STEPS.index))
    if step is REVIEW:
        return await _create(wizard)
    await step.check(wizard)
    if wizard.problems:
        return await _show(wizard, step)
    return await _go(wizard, STEPS[STEPS.index(step) + 1])


async def part(visit: Visit) -> Response:
    """Show a part of a step anew, for what is being typed."""
    wizard, step = await _begun(visit), _step(visit.said("step"))
    template, look = PARTS.get(step.name, PARTS[CONFIGURATION.name])
    shown = await look(wizard)
    return visit.render(template, shown, answers=wizard.answers, problems=wizard.problems)


async def created(visit: Visit) -> Response:
    """Tell what exists now, and how it is read."""
    watch = await watch_rotation(visit.world, visit.caller, visit.given("rotation_id"))
    return visit.render("wizard/created.html", _created(visit, await watch.look(visit.caller)))


async def follow_created(visit: Visit) -> Response:
    """Follow the first turn, until something is served."""
    watch = await watch_rotation(visit.world, visit.caller, visit.given("rotation_id"))

    async def look() -> str:
        return visit.text("wizard/_served.html", _created(visit, await watch.look(visit.caller)))

    return visit.follow(look)


async def _create(wizard: Wizard) -> Response:
    made = await wizard_review.create(wizard)
    return _lead_to(wizard, made) if made else await _show(wizard, REVIEW)


def _lead_to(wizard: Wizard, made: RotationView) -> Response:
    return wizard.visit.redirect(f"{CREATED}/{made.rotation.id}")


async def _begun(visit: Visit) -> Wizard:
    wizard = await begun(visit, visit.form)
    if existing := visit.said(f"existing:{wizard.answers.app}"):
        wizard.note(existing=existing)
    return wizard


def _step(name: str) -> Step:
    return next((step for step in STEPS if step.name == name), TYPE)


def _searches(wizard: Wizard, step: Step, go: str) -> bool:
    """Say whether the key Enter meant the search: the text beside it is another one."""
    answers = wizard.answers
    return step is PARAMETERS and go == "enter" and answers.search != answers.searched


async def _go(wizard: Wizard, step: Step) -> Response:
    """Lead to a step by a link, so that the browser's own ways back and anew lose nothing either.

    A link that is too long for some to pass on is none: then the step is shown at once.
    """
    link = wizard.answers.link(step.name)
    if len(link) <= LINK_MAX:
        return wizard.visit.redirect(link, wizard.made)
    return await _show(wizard, step)


async def _show(wizard: Wizard, step: Step) -> Response:
    shown = await step.look(wizard)
    if step is REVIEW and wizard.problems and (made := await wizard_review.find_made(wizard)):
        return _lead_to(wizard, made)
    at_fault = _step_at_fault(wizard, step)
    if at_fault is not step:
        step, shown = at_fault, await at_fault.look(wizard)
    number = STEPS.index(step) + 1
    return wizard.visit.render(
        f"wizard/{step.name}.html",
        {"command": command(wizard.answers), **shown},
        status=wizard.problems.status,
        step=step,
        number=number,
        titles=TITLES,
        answers=wizard.answers,
        carried=wizard.answers.carried(step.asks),
        problems=wizard.problems,
        made=wizard.made,
        path_of_parts=PART,
    )


def _step_at_fault(wizard: Wizard, step: Step) -> Step:
    """Return the earlier step that asks for what is wrong, if there is one."""
    earlier = STEPS[: STEPS.index(step)]
    return next((each for each in earlier if wizard.problems.fields.intersection(each.asks)), step)


def _created(visit: Visit, sight: Sight) -> Shown:
    place, mapping = sight.of.place, sight.of.rotation.mapping
    project, environment, path = place.project.slug, place.environment.slug, place.folder.path
    at = f"--project {project} --env {environment}" + ("" if path == ROOT else f" --path {path}")
    url = visit.house.public_url or "$KEYTURN_URL"
    query = {"projectId": project, "environment": environment, "secretPath": path}
    # A name that begins like an option is none all the same.
    apart = "-- " if mapping.client_secret.startswith("-") else ""
    return {
        "seen": sight.of,
        "served": sight.served > 0,
        "run": f"keyturn run {at} -- COMMAND",
        "get": f"keyturn secret get {at} {apart}{quote(mapping.client_secret)}",
        "curl": " \\\n    ".join(
            (
                f'curl -sS -G "{url}/api/v4/secrets/{in_url(mapping.client_secret, safe="")}"',
                '-H "Authorization: Bearer $KEYTURN_TOKEN"',
                " ".join(f"-d {name}={value}" for name, value in query.items()),
            )
        ),
        "created_path": CREATED,
    }


ROUTES: Final = (
    page(PATH, begin),
    action(PATH, answer),
    action(PART, part),
    page(f"{CREATED}/{{rotation_id}}", created),
    page(f"{CREATED}/{{rotation_id}}/live", follow_created),
)
