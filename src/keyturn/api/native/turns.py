"""The turns of a rotation, and the consent to retire a secret that Keyturn did not make."""

from fastapi import APIRouter

from keyturn.api.authn import TheCaller, TheWorld
from keyturn.api.infisical.render import rotation_answer
from keyturn.api.lenient import LenientRoute
from keyturn.domain.turn import Blocked, Held
from keyturn.services import turns
from keyturn.services.turns import TurnView
from keyturn.wire import turns as wire
from keyturn.wire.base import Id
from keyturn.wire.rotations import TYPE, RetireExisting, RotationAnswer

router = APIRouter(
    prefix=f"/api/v2/secret-rotations/{TYPE}/{{rotation_id}}",
    tags=["Turns"],
    route_class=LenientRoute,
)


@router.get("/turns")
async def list_turns(world: TheWorld, caller: TheCaller, rotation_id: Id) -> wire.TurnsAnswer:
    """List the turns of a rotation with their steps, the newest first."""
    views = await turns.list_turns(world, caller, rotation_id)
    return wire.TurnsAnswer(turns=tuple(map(_turn, views)))


@router.post("/retire-existing")
async def retire_existing(
    world: TheWorld, caller: TheCaller, rotation_id: Id, body: RetireExisting
) -> RotationAnswer:
    """Consent to retire a client secret of the app that Keyturn did not make."""
    view = await turns.retire_existing(world, caller, rotation_id, secret_id=body.secret_id)
    return rotation_answer(view)


def _turn(view: TurnView) -> wire.Turn:
    turn = view.turn
    return wire.Turn(
        id=turn.id,
        rotation_id=turn.rotation_id,
        trigger=turn.trigger,
        phase=turn.phase,
        created_at=turn.created_at,
        entered_at=turn.entered_at,
        ended_at=turn.ended_at,
        wake_at=turn.wake_at,
        blocked=_blocked(turn.blocked),
        old=_held(turn.old),
        new=_held(turn.new),
        steps=tuple(
            wire.TurnStep(
                number=step.number,
                at=step.at,
                phase=step.phase,
                step=step.step,
                detail=step.detail,
                request_id=step.request_id,
            )
            for step in view.steps
        ),
    )


def _held(held: Held | None) -> wire.Held | None:
    if held is None:
        return None
    return wire.Held(hash=held.hash, okta_id=held.okta_id, version=held.version)


def _blocked(blocked: Blocked | None) -> wire.Blocked | None:
    """Render the reason's name for programs and its sentences, with the detail, for people."""
    if blocked is None:
        return None
    reason = blocked.reason.name.lower()
    return wire.Blocked(reason=reason, detail=str(blocked), phase=blocked.phase)
