"""One visit to the wizard: what has been answered, where it is to be, and what is wrong."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from keyturn.domain.access import Target, Verb
from keyturn.domain.errors import NotFound
from keyturn.domain.rotation import SecretsMapping
from keyturn.domain.sensitive import Sensitive
from keyturn.services import gate
from keyturn.services.onboarding import RotationDraft
from keyturn.services.projects import Where, Whole, anywhere_in
from keyturn.services.schedules import DEFAULT, changed_schedule
from keyturn.web.one_rotation import MAKING
from keyturn.web.pages.wizard_answers import Answers, answered
from keyturn.web.pages.wizard_choices import ADOPT, chosen
from keyturn.web.pages.wizard_problems import Problems
from keyturn.web.pages.wizard_schedule import policy_of, schedule_of
from keyturn.web.visiting import Visit


@dataclass
class Wizard:
    """What a request has to do with; ``made`` says what it has made on the way."""

    visit: Visit
    answers: Answers
    whole: Whole
    projects: Sequence[Whole]
    problems: Problems = field(default_factory=Problems)
    made: str = ""

    @property
    def where(self) -> Where:
        """Return where the rotation is to be."""
        answers = self.answers
        return Where(self.whole.project.slug, answers.environment, answers.path)

    def note(self, **answers: str) -> None:
        """Answer for whoever asks: what follows from an answer, or what is usual here."""
        self.answers = replace(self.answers, **answers)

    def may(self, verb: Verb, *, somewhere: bool = False) -> bool:
        """Say whether the caller may do something in this project."""
        target = Target(self.whole.project.id, somewhere=somewhere)
        return gate.may(self.visit.caller, verb, target)

    def draft(self, value: Sensitive | None = None) -> RotationDraft:
        """Return the rotation that is asked for. Raises InvalidInput."""
        answers, now = self.answers, self.visit.world.clock.now()
        existing = chosen(answers.existing)
        return replace(
            self.draft_of_app(),
            name=answers.name,
            description=answers.description or None,
            mapping=SecretsMapping(answers.map_client_id, answers.map_client_secret),
            schedule=changed_schedule(DEFAULT, schedule_of(answers), now),
            adopt_existing=existing.way == ADOPT,
            retire_existing=existing.retire,
            existing_value=value,
            policy=policy_of(answers),
        )

    def draft_of_app(self) -> RotationDraft:
        """Return a rotation of the app under names that nobody has, to look at the app by."""
        answers, nobody = self.answers, self.visit.world.chance.uuid()
        return RotationDraft(
            name=nobody,
            description=None,
            where=self.where,
            connection_id=answers.connection,
            parameter=answers.app,
            mapping=SecretsMapping(f"{nobody}-id", f"{nobody}-secret"),
            schedule=DEFAULT,
            kind=answers.credential,
            algorithm=answers.key_algorithm,
        )


Shown = Mapping[str, Any]
"""What a template is given."""

Look = Callable[[Wizard], Awaitable[Shown]]
"""Return what a step shows, with the usual for what nobody has answered."""

Check = Callable[[Wizard], Awaitable[None]]
"""Put down what is wrong with the answers of a step."""


@dataclass(frozen=True)
class Step:
    """A step: the answers that it asks for, what it shows, and what has to hold to go on."""

    name: str
    title: str
    asks: Sequence[str]
    look: Look
    check: Check


async def begun(visit: Visit, told: Mapping[str, object]) -> Wizard:
    """Read what has been answered.

    Raises NotFound for a project that is none, and Forbidden for who may create no rotations there.
    """
    answers = answered(told)
    whole, projects = await visit.projects()
    if answers.project not in ("", whole.project.slug, whole.project.id):
        raise NotFound(f"There is no project {answers.project}.")
    visit.require(whole.project.name, anywhere_in(whole.project.id), *MAKING)
    since = answers.since or visit.world.clock.now().isoformat()
    answers = replace(answers, project=whole.project.slug, since=since)
    return Wizard(visit, answers, whole, projects)
