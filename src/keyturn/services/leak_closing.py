"""Close the app whose secret has leaked: an emergency begun from a leak report, or another one."""

from dataclasses import dataclass, replace

from keyturn.domain.access import Caller, Grant, Holding, Role, Verb
from keyturn.domain.errors import Refused
from keyturn.domain.leaks import ENDED, LeakReport, State
from keyturn.domain.rollout import ENDED as OVER
from keyturn.domain.rollout import Kind, Member, Rollout, Standing
from keyturn.domain.turn import Turn
from keyturn.services.emergencies import EmergencyView, begin_emergency
from keyturn.services.emergency_plans import BY_HAND, EmergencyDraft, plan_emergency
from keyturn.services.leaks import admit
from keyturn.services.ports import Reading, World
from keyturn.services.records import must


@dataclass(frozen=True)
class LeakClosing:
    """How an app is closed; without ``plan_hash`` whatever the plan says, which is about that app.

    Consumers have ``within_s``; ``revoke`` is whether its refresh tokens are revoked too.
    """

    reason: str
    plan_hash: str = ""
    within_s: int = 0
    revoke: bool = False


async def read_leak(world: World, caller: Caller, leak_id: str) -> LeakReport:
    """Read one report, with the emergency that closes its secret by now.

    Raises NotFound, Forbidden.
    """
    report = await admit(world, caller, Verb.READ_LEAKS, leak_id)
    if report.emergency_id or report.state is not State.OPEN:
        return report
    async with world.store.reading() as tx:
        found = await find_closing(tx, report)
    return replace(report, emergency_id=found[1].id) if found else report


async def close_leak(
    world: World, caller: Caller, leak_id: str, closing: LeakClosing
) -> EmergencyView:
    """Begin the emergency that closes the app of a report.

    Raises NotFound, Forbidden, Refused where the report has ended or no rotation keeps its app, and
    what `begin_emergency` does.
    """
    report = await admit(world, caller, Verb.EDIT_LEAKS, leak_id, "emergency")
    _require_open(report)
    return await begin_for(world, caller, report, closing)


async def begin_for(
    world: World, caller: Caller, report: LeakReport, closing: LeakClosing
) -> EmergencyView:
    """Begin the emergency of one app, and note it on the report.

    Raises Refused where another one closes its secret by then, whoever has begun that.
    """
    apps = (str(report.app_id),)
    draft = EmergencyDraft(
        closing.reason, apps=apps, leaked=apps, within_s=closing.within_s, revoke=closing.revoke
    )
    plan_hash = closing.plan_hash or (await plan_emergency(world, caller, draft)).plan_hash

    async def look(tx: Reading) -> None:
        if found := await find_closing(tx, report):
            raise _closed_by(found[1].name)

    begun = await begin_emergency(world, caller, draft, plan_hash, look)
    async with world.store.writing() as tx:
        now = await must(tx.find(LeakReport, id=report.id))
        await tx.replace(replace(now, emergency_id=begun.rollout.id, closes=False))
    return begun


def _require_open(report: LeakReport) -> None:
    if report.state in ENDED:
        raise Refused(f"The leak report is {report.state}: there is nothing to close.")
    if report.emergency_id:
        raise _closed_by(report.emergency_id)
    if report.rotation_id is None or report.app_id is None:
        raise Refused(f"No rotation keeps the app of this report. {BY_HAND}")


def _closed_by(emergency: str) -> Refused:
    return Refused(
        f"Emergency {emergency} closes it already: wait for it (`keyturn emergency show "
        f"{emergency}`), or abort it first."
    )


async def find_closing(tx: Reading, report: LeakReport) -> tuple[Member, Rollout] | None:
    """Find what closes a report's secret in an emergency: the newest, whoever began it."""
    if report.rotation_id is None:
        return None
    for member in reversed(await tx.list(Member, rotation_id=report.rotation_id)):
        rollout = await tx.find(Rollout, id=member.rollout_id, kind=Kind.EMERGENCY)
        if rollout and await _is_of(tx, report, member, rollout):
            return member, rollout
    return None


async def _is_of(tx: Reading, report: LeakReport, member: Member, rollout: Rollout) -> bool:
    """Say whether a member of an emergency has closed just this secret, closes it, or is about to.

    One that was left out does not, nor one that had failed when the emergency ended.
    """
    over = rollout.state in OVER
    left = member.standing is Standing.SKIPPED or (over and member.standing is Standing.FAILED)
    if left and member.closed_at is None:
        return False
    turn = await tx.find(Turn, id=member.turn_id) if member.turn_id else None
    if turn is None:
        return member.standing is Standing.WAITING and not over
    return turn.old is not None and turn.old.hash == report.hash


def automatic(report: LeakReport) -> Caller:
    """Return who closes the app of a report where the installation is set up to do so by itself."""
    verbs = frozenset({Verb.EDIT_ROLLOUTS, Verb.READ_ROTATIONS, Verb.ROTATE})
    role = Role("leak-reports", "Leak reports", (Grant(verbs),))
    return Caller(role.slug, role.name, report.organization_id, (Holding(role),))
