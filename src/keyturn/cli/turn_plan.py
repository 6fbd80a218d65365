"""What will be done, before it is: call by call at Okta, and to each that uses the secret.

It is the server that says it; what is drawn as a tree is in `usage`.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from keyturn.cli import output
from keyturn.cli.usage import tree_of

if TYPE_CHECKING:
    from keyturn.services.plans import PlannedStep as Step
    from keyturn.wire.plans import CreationPlan, PlannedStep, StepByHand, TurnPlan

NOTHING_CHANGED = "Nothing was changed."


def plan_of_a_turn(plan: "TurnPlan") -> list[str]:
    """Render what a turn will do at Okta, whom it touches, and what it waits for."""
    return [
        f"A turn of {plan.rotation_name} (app {plan.app_id}) will, at Okta:",
        *_lines_of(plan.steps),
        "It touches:",
        *(f"  {line}" for line in tree_of(plan.usage)),
        "Then:",
        *(f"  - {output.printable(line)}" for line in plan.fates),
        *_by_hand(plan.by_hand),
        plan.waits,
        NOTHING_CHANGED,
    ]


def plan_of_a_creation(plan: "CreationPlan", every: str) -> list[str]:
    """Render what creating a rotation will do, what the app has, and what each turn will do."""
    app, place = output.printable(plan.app_label), f"{plan.environment}{plan.secret_path}"
    has = [f"{each.id}, {each.status}, {output.moment(each.created_at)}" for each in plan.existing]
    return [
        f"Creating rotation {plan.rotation_name} of app {app} ({plan.app_id}) in {place} will:",
        *_lines_of(plan.steps),
        "The app has now:",
        *(f"  - {told}" for told in has or ["none"]),
        f"{every}, a turn will, at Okta:",
        *_lines_of(plan.steps_of_a_turn),
        plan.waits,
        NOTHING_CHANGED,
    ]


def steps_of_a_turn(kind: str) -> list[str]:
    """Say what a turn of a type does at Okta, whichever app it is."""
    from keyturn.domain.okta import CredentialKind
    from keyturn.services import plans

    return [*_lines_of(plans.steps_of_a_turn(CredentialKind(kind)))]


def _lines_of(steps: "Sequence[PlannedStep | Step]") -> Iterable[str]:
    for number, step in enumerate(steps, 1):
        yield f"  {number}. {step.told}"
        if step.calls:
            yield f"       {', '.join(step.calls)}"
        if step.then:
            yield f"     ({step.then})"


def _by_hand(steps: "Sequence[StepByHand]") -> Iterable[str]:
    if steps:
        yield "In Okta Workflows, where nothing is changed by API, an admin then:"
    for number, step in enumerate(steps, 1):
        yield f"  {number}. {output.printable(step.told)}"
        yield from (f"       {output.printable(line)}" for line in step.more)
