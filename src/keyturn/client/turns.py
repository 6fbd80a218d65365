"""The turns of rotations, as typed calls: planned, started, ordered about, looked at."""

from datetime import date

from keyturn.client.calls import Calls, part
from keyturn.wire.base import Wire
from keyturn.wire.plans import CreationPlan, CreationPlanAnswer, PlanAnswer, TurnPlan
from keyturn.wire.rotations import (
    DEFAULT_TYPE,
    AdoptExisting,
    CreateRotation,
    RetireExisting,
    Rotation,
    RotationAnswer,
    RotationType,
)
from keyturn.wire.slots import SlotsAnswer
from keyturn.wire.turns import Evidence, FinishNow, StartTurn, Turn, TurnsAnswer

EVERY_ROTATION = "/api/v2/secret-rotations"
ROTATIONS = f"{EVERY_ROTATION}/{DEFAULT_TYPE}"

Which = Rotation | str
"""A rotation as it was answered, or the id of one that turns a client secret of an app."""


class TurnCalls(Calls):
    """What can be asked of the turns of a rotation."""

    async def rotation(self, method: str, path: str, body: Wire | None = None) -> Rotation:
        """Ask for what is answered by a rotation."""
        answer = await self.call(RotationAnswer, method, path, body=body)
        return answer.secret_rotation

    async def read_plan(self, which: Which, *, emergency: bool = False) -> TurnPlan:
        """Read what a turn will do, before it does it; nothing is changed."""
        query = {"emergency": "true"} if emergency else {}
        return (await self.call(PlanAnswer, "GET", f"{path_of(which)}/plan", query=query)).plan

    async def plan_rotation(
        self, body: CreateRotation, kind: RotationType = DEFAULT_TYPE
    ) -> CreationPlan:
        """Read what creating a rotation would do; nothing is stored."""
        path = f"{EVERY_ROTATION}/{kind}/plan"
        return (await self.call(CreationPlanAnswer, "POST", path, body=body)).plan

    async def read_slots(self, which: Which, *, check_okta: bool = False) -> SlotsAnswer:
        """Read which credentials the app has at Okta, by the record or by asking Okta."""
        query = {"checkOkta": "true"} if check_okta else {}
        return await self.call(SlotsAnswer, "GET", f"{path_of(which)}/slots", query=query)

    async def rotate(self, which: Which) -> Rotation:
        """Start a turn, or resume a blocked one; return once the new secret is served."""
        return await self.rotation("POST", f"{path_of(which)}/rotate-secrets")

    async def start_turn(self, which: Which, *, emergency: bool = False) -> Rotation:
        """Start a turn as `rotate` does; in an emergency the old secret goes at once."""
        return await self._turn(which, "", StartTurn(emergency=emergency))

    async def pause_turn(self, which: Which) -> Rotation:
        """Let the open turn stand still."""
        return await self._turn(which, "/pause")

    async def resume_turn(self, which: Which) -> Rotation:
        """Let a paused or blocked turn go on."""
        return await self._turn(which, "/resume")

    async def abort_turn(self, which: Which) -> Rotation:
        """Take the new secret back before anybody is served it."""
        return await self._turn(which, "/abort")

    async def reinstate_old(self, which: Which) -> Rotation:
        """Activate the retired secret at Okta again."""
        return await self._turn(which, "/reinstate")

    async def finish_now(self, which: Which, *, at_once: bool = False) -> Rotation:
        """Cut the overlap or the soak short; ``at_once`` leaves both out."""
        return await self._turn(which, "/finish-now", FinishNow(at_once=at_once))

    async def _turn(self, which: Which, what: str, body: Wire | None = None) -> Rotation:
        return await self.rotation("POST", f"{path_of(which)}/turn{what}", body)

    async def read_evidence(self, which: Which, turn_id: str) -> Evidence:
        """Read the record of one turn."""
        return await self.call(Evidence, "GET", _evidence(which, turn_id))

    async def read_evidence_page(self, which: Which, turn_id: str) -> str:
        """Read the record of one turn as Markdown."""
        path, query = _evidence(which, turn_id), {"format": "markdown"}
        return (await self.answer("GET", path, query=query)).text

    async def retire_existing(self, which: Which, secret_id: str, made: date) -> Rotation:
        """Consent to retire a client secret (``ocs…``) of that day that Keyturn did not make."""
        body = RetireExisting(secret_id=secret_id, made=made)
        return await self.rotation("POST", f"{path_of(which)}/retire-existing", body)

    async def adopt_existing(
        self, which: Which, secret_id: str, value: str | None = None
    ) -> Rotation:
        """Serve a client secret (``ocs…``) that Keyturn did not make, from now on."""
        body = AdoptExisting(secret_id=secret_id, value=value)
        return await self.rotation("POST", f"{path_of(which)}/adopt-existing", body)

    async def list_turns(
        self, which: Which, *, offset: int = 0, limit: int = 20
    ) -> tuple[Turn, ...]:
        """List turns of a rotation with their steps, the newest first; 100 at most."""
        path, query = f"{path_of(which)}/turns", {"offset": str(offset), "limit": str(limit)}
        return (await self.call(TurnsAnswer, "GET", path, query=query)).turns

    async def find_newest_turn(self, which: Which) -> Turn | None:
        """Return the newest turn of a rotation, or None before the first one."""
        return next(iter(await self.list_turns(which, limit=1)), None)


def _evidence(which: Which, turn_id: str) -> str:
    return f"{path_of(which)}/turns/{part(turn_id)}/evidence"


def path_of(which: Which) -> str:
    """Return the path of a rotation, which is that of its type."""
    if isinstance(which, str):
        return f"{ROTATIONS}/{part(which)}"
    return f"{EVERY_ROTATION}/{which.type}/{part(which.id)}"
