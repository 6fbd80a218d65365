"""Rollouts of many rotations of the sandbox's org, carried on under a clock turned by hand."""

from collections.abc import Callable, Sequence
from datetime import datetime, time

from inventory_kit import populate
from rig import PLACE, Rig

from keyturn.domain.access import ADMIN, Caller, Holding
from keyturn.domain.connection import ApiToken, OktaConnection
from keyturn.domain.drift import Finding, Kind
from keyturn.domain.errors import OktaThrottled
from keyturn.domain.ids import RotationId
from keyturn.domain.rollout import Member, Rollout, Standing
from keyturn.domain.rotation import Rotation, SecretsMapping
from keyturn.domain.schedule import Schedule
from keyturn.domain.secret import Secret, Version
from keyturn.domain.secret import State as Served
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Turn
from keyturn.services.connections import OktaConnectionDraft, create_okta_connection
from keyturn.services.policies import PolicyChange
from keyturn.services.ports import TurnStep
from keyturn.services.projects import Where
from keyturn.services.rollout_plans import RolloutDraft, RolloutPlan, plan_rollout
from keyturn.services.rollouts import RolloutView, start_rollout

PREVIEW_URL = "https://sandbox.oktapreview.com"
BY_HAND = Schedule(30, time(0, 0), automatic=False)
USUAL = PolicyChange()


def second(rig: Rig) -> Caller:
    """Return another administrator than the one who starts rollouts, a person who has logged in."""
    holdings = (Holding(ADMIN),)
    return Caller("second", "Second Person", rig.admin.organization_id, holdings, in_person=True)


async def add_rotations(rig: Rig, count: int, *, soak_s: int = 3600) -> list[RotationId]:
    """Make so many apps, each with a rotation that turns by hand; return the rotations."""
    apps = populate(rig.org, count, "app-{:04}")
    return [
        await add_rotation(rig, f"app-{n:04}", app_id, policy=PolicyChange(soak_s=soak_s))
        for n, app_id in enumerate(apps)
    ]


async def add_rotation(
    rig: Rig,
    name: str,
    app_id: str,
    *,
    connection: OktaConnection | None = None,
    where: Where = PLACE,
    policy: PolicyChange = USUAL,
) -> RotationId:
    """Make a rotation of an app that turns by hand, once the rate limit has room for it."""
    while True:
        try:
            made = await rig.rotation(
                name=name,
                parameter=app_id,
                connection_id=(connection or rig.connection).id,
                where=where,
                mapping=SecretsMapping(f"{name}-id", f"{name}-secret"),
                schedule=BY_HAND,
                policy=policy,
            )
        except OktaThrottled as error:
            rig.clock.advance(error.retry_after_s)
        else:
            return made.rotation.id


async def add_pair(rig: Rig, name: str = "pay") -> tuple[RotationId, RotationId]:
    """Make a rotation in a Preview org, and the one in Production that belongs to it."""
    preview = await connect_preview(rig)
    (app,) = populate(rig.org, 1)
    staging = Where("example", "staging")
    tried = await add_rotation(rig, name, app, connection=preview, where=staging)
    return tried, await add_rotation(rig, name, rig.app_id)


async def connect_preview(rig: Rig) -> OktaConnection:
    """Connect the org once more, by an address of a Preview cell."""
    token = ApiToken(Sensitive(rig.org.seeded.api_token))
    draft = OktaConnectionDraft("preview", None, None, PREVIEW_URL, token)
    return await create_okta_connection(rig.world, rig.admin, draft)


async def planned(rig: Rig, *waves: str, name: str = "spring", **wanted: object) -> RolloutPlan:
    """Plan a rollout."""
    return await plan_rollout(rig.world, rig.admin, draft(*waves, name=name, **wanted))


def draft(*waves: str, name: str = "spring", **wanted: object) -> RolloutDraft:
    """Return what is asked for."""
    return RolloutDraft(name, **{"waves": waves, **wanted})  # type: ignore[arg-type]  # any field


async def started(rig: Rig, *waves: str, name: str = "spring", **wanted: object) -> RolloutView:
    """Plan a rollout and start it."""
    plan = await planned(rig, *waves, name=name, **wanted)
    return await start_rollout(rig.world, rig.admin, plan.draft, plan.plan_hash)


async def the_rollout(rig: Rig) -> Rollout:
    """Return the newest rollout."""
    async with rig.world.store.reading() as tx:
        [found] = await tx.list_newest(Rollout, limit=1)
    return found


async def members(rig: Rig) -> Sequence[Member]:
    """Return its members."""
    async with rig.world.store.reading() as tx:
        return await tx.list(Member, rollout_id=(await the_rollout(rig)).id)


async def add_drift(rig: Rig, member: Member) -> None:
    """Put down that Okta was found to differ from what is on record of a member's rotation."""
    kind, now = Kind.SECRET_ADDED, rig.clock.now()
    async with rig.world.store.writing() as tx:
        await tx.add(Finding("f", member.rotation_id, kind, "ocs", "A secret.", now))


async def standings(rig: Rig) -> dict[int, set[Standing]]:
    """Return how the members of each wave stand."""
    found: dict[int, set[Standing]] = {}
    for each in await members(rig):
        found.setdefault(each.wave, set()).add(each.standing)
    return found


async def carry(
    rig: Rig, *, until: Callable[[Rollout], bool] | None = None, most: int = 20_000
) -> Rollout:
    """Let time pass until nothing is to be done any more, or a rollout is as it is waited for."""
    for step in range(most):
        if step % 25 == 0:
            await _forget_steps(rig)
        rollout = await the_rollout(rig)
        soon = await _next(rig)
        if soon is None or (until and until(rollout)):
            return rollout
        rig.clock.advance(max(0.0, (soon - rig.clock.now()).total_seconds()))
        await rig.tick()
    raise AssertionError("the rollout comes to no end")


async def _next(rig: Rig) -> datetime | None:
    """Return when something is to be done for rollouts or turns."""
    async with rig.world.store.reading() as tx:
        waking = [each.wake_at for each in await tx.list(Turn, ended_at=None)]
        waking += [each.due_at for each in await tx.list(Rollout)]
    return min((at for at in waking if at), default=None)


async def _forget_steps(rig: Rig) -> None:
    """Forget what is on record of turns that have ended: to look through it all takes minutes."""
    async with rig.world.store.writing() as tx:
        ended = {each.id for each in await tx.list(Turn) if each.ended_at}
        await tx.remove(*[each for each in await tx.list(TurnStep) if each.turn_id in ended])


async def dead_served(rig: Rig) -> list[str]:
    """Return the names of rotations whose readers are given what the org does not accept."""
    async with rig.world.store.reading() as tx:
        rotations = {each.id: each for each in await tx.list(Rotation)}
        secrets = {each.id: each for each in await tx.list(Secret)}
        current = await tx.list(Version, state=Served.CURRENT)
    active = {
        (app.id, each.hash)
        for app in rig.org.apps.values()
        for each in app.live_secrets
        if each.accepts(rig.clock.now())
    }
    served = [(secrets[each.secret_id], each.hash) for each in current if each.hash]
    return [
        rotations[secret.rotation_id].name
        for secret, hashed in served
        if secret.rotation_id and (rotations[secret.rotation_id].app_id, hashed) not in active
    ]


def after_a_step() -> Callable[[Rollout], bool]:
    """Return what stops once something was done."""
    steps = iter((False, True))
    return lambda _: next(steps)
