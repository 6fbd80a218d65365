"""What a turn will do, and what creating a rotation will, before they do it (ours)."""

from typing import Literal

from keyturn.wire.base import Instant, Wire
from keyturn.wire.rotations import RotationType
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


class Existing(Wire):
    """A client secret or key that the app has; no value is in it."""

    id: str
    status: Literal["ACTIVE", "INACTIVE"]
    created_at: Instant


class CreationPlan(Wire):
    """What creating a rotation will do at once, and what each turn of it will do.

    ``adopts`` is the one that is served from the start; null where a first one is issued.
    """

    rotation_name: str
    type: RotationType
    environment: str
    secret_path: str
    app_id: str
    app_label: str
    adopts: str | None
    existing: tuple[Existing, ...]
    steps: tuple[PlannedStep, ...]
    steps_of_a_turn: tuple[PlannedStep, ...]
    waits: str
    next_rotation_at: Instant | None


class CreationPlanAnswer(Wire):
    """A plan. Nothing was changed."""

    plan: CreationPlan
