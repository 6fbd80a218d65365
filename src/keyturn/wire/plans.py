"""What a turn will do, before it does it (ours)."""

from keyturn.wire.base import Wire
from keyturn.wire.usage import UsageAnswer


class PlannedStep(Wire):
    """A step of a turn at Okta, its calls, and what follows of it elsewhere, if anything does."""

    told: str
    calls: tuple[str, ...]
    then: str | None


class StepByHand(Wire):
    """What an admin does in Okta Workflows, and more lines about it."""

    told: str
    more: tuple[str, ...]


class TurnPlan(Wire):
    """What a turn will do; ``fates`` tell what becomes of each that uses the secret.

    ``waits`` says for how long both secrets work, and ``byHand`` what is to be done in Okta
    Workflows, where nothing is changed by API.
    """

    rotation_id: str
    rotation_name: str
    app_id: str
    emergency: bool
    steps: tuple[PlannedStep, ...]
    fates: tuple[str, ...]
    by_hand: tuple[StepByHand, ...]
    waits: str
    usage: UsageAnswer


class PlanAnswer(Wire):
    """A plan. Nothing was changed."""

    plan: TurnPlan
