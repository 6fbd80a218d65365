"""What a turn will do, as it is written on the wire."""

from keyturn.api.native.usage import usage_answer
from keyturn.services.plans import TurnPlan
from keyturn.wire import plans as wire


def plan_answer(plan: TurnPlan) -> wire.PlanAnswer:
    """Render a plan."""
    rotation = plan.of.rotation
    shown = wire.TurnPlan(
        rotation_id=rotation.id,
        rotation_name=rotation.name,
        app_id=rotation.app_id,
        emergency=plan.emergency,
        steps=tuple(
            wire.PlannedStep(told=step.told, calls=step.calls, then=step.then or None)
            for step in plan.steps
        ),
        fates=tuple(plan.fates),
        by_hand=tuple(wire.StepByHand(told=step.told, more=step.more) for step in plan.by_hand),
        waits=plan.waits,
        usage=usage_answer(plan.usage),
    )
    return wire.PlanAnswer(plan=shown)
