"""What a turn will do, and what creating a rotation will, before they do it."""

from collections.abc import Iterable

from fastapi import APIRouter

from keyturn.api.authn import TheCaller, TheWorld
from keyturn.api.infisical.rotations import TheKind, draft_of
from keyturn.api.lenient import LenientRoute
from keyturn.api.native.usage import usage_answer
from keyturn.domain.rotation import Adopt
from keyturn.services.creation_plans import CreationPlan, plan_creation
from keyturn.services.plans import PlannedStep, TurnPlan
from keyturn.wire import plans as wire
from keyturn.wire.rotations import CreateRotation

of_type = APIRouter()
of_readers = APIRouter(tags=["Rotations"], route_class=LenientRoute)


@of_readers.post("/plan")
async def plan_rotation(
    world: TheWorld, caller: TheCaller, kind: TheKind, body: CreateRotation
) -> wire.CreationPlanAnswer:
    """Say what creating a rotation would do, as its app stands now; nothing is stored."""
    draft = await draft_of(body, kind, world.clock.now())
    return _creation_answer(await plan_creation(world, caller, draft))


def plan_answer(plan: TurnPlan) -> wire.PlanAnswer:
    """Render a plan."""
    rotation = plan.of.rotation
    shown = wire.TurnPlan(
        rotation_id=rotation.id,
        rotation_name=rotation.name,
        app_id=rotation.app_id,
        emergency=plan.emergency,
        steps=_steps(plan.steps),
        fates=tuple(plan.fates),
        by_hand=tuple(wire.StepByHand(told=step.told, more=step.more) for step in plan.by_hand),
        waits=plan.waits,
        usage=usage_answer(plan.usage),
    )
    return wire.PlanAnswer(plan=shown)


def _creation_answer(plan: CreationPlan) -> wire.CreationPlanAnswer:
    of, rotation = plan.of, plan.of.rotation
    shown = wire.CreationPlan(
        rotation_name=rotation.name,
        type=rotation.kind.value,
        environment=of.place.environment.slug,
        secret_path=of.place.folder.path,
        app_id=of.app.id,
        app_label=of.app.label,
        adopts=of.takes.secret.id if isinstance(of.takes, Adopt) else None,
        existing=tuple(
            wire.Existing(id=each.id, status=each.status.value, created_at=each.created_at)
            for each in of.secrets
        ),
        steps=_steps(plan.now),
        steps_of_a_turn=_steps(plan.turns),
        waits=plan.waits,
        next_rotation_at=rotation.next_rotation_at,
    )
    return wire.CreationPlanAnswer(plan=shown)


def _steps(steps: Iterable[PlannedStep]) -> tuple[wire.PlannedStep, ...]:
    return tuple(
        wire.PlannedStep(told=step.told, calls=step.calls, then=step.then or None) for step in steps
    )
