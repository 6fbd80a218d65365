"""Emergencies over the sandbox's org, carried on under a clock turned by hand."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from rig import Rig

from keyturn.domain.ids import RotationId
from keyturn.domain.rollout import Member, Rollout, Standing
from keyturn.domain.secret import Secret, State, Version
from keyturn.domain.turn import Turn
from keyturn.services.duties import claim_due
from keyturn.services.emergencies import EmergencyView, begin_emergency
from keyturn.services.emergencies_under_way import carry_emergencies
from keyturn.services.emergency_plans import EmergencyDraft, EmergencyPlan, plan_emergency
from keyturn.services.journey import advance

CALL_S = 0.05
"""How long a call to Okta takes."""


def draft(**wanted: object) -> EmergencyDraft:
    """Return what is asked for: without more, every app."""
    every = not {"apps", "selector", "every"} & {*wanted}
    return EmergencyDraft(**{"reason": "leaked", "every": every} | wanted)  # type: ignore[arg-type]  # any field


async def planned(rig: Rig, **wanted: object) -> EmergencyPlan:
    """Plan an emergency."""
    return await plan_emergency(rig.world, rig.admin, draft(**wanted))


async def begun(rig: Rig, **wanted: object) -> EmergencyView:
    """Plan an emergency and begin it."""
    plan = await planned(rig, **wanted)
    return await begin_emergency(rig.world, rig.admin, draft(**wanted), plan.plan_hash)


async def the_emergency(rig: Rig) -> Rollout:
    """Return the newest emergency."""
    async with rig.world.store.reading() as tx:
        [found] = await tx.list_newest(Rollout, limit=1)
    return found


async def apps(rig: Rig) -> Sequence[Member]:
    """Return its members in order."""
    async with rig.world.store.reading() as tx:
        found = await tx.list(Member, rollout_id=(await the_emergency(rig)).id)
    return sorted(found, key=lambda each: each.number)


async def standings(rig: Rig) -> set[Standing]:
    """Return how its members stand."""
    return {each.standing for each in await apps(rig)}


async def work(rig: Rig) -> None:
    """Do once what the workers do: the emergency's duty, and every turn that is due."""
    await carry_emergencies(rig.world)
    while claims := await claim_due(rig.world, owner="test", limit=10):
        before = rig.org.journal.last
        jobs = (advance(rig.world, one.turn, held_since_s=one.held_since_s) for one in claims)
        await asyncio.gather(*jobs)
        rig.clock.advance(CALL_S * (rig.org.journal.last - before) / len(claims))


async def carry(rig: Rig, *, most: int = 5000, closed: bool = False) -> Rollout:
    """Let time pass until an emergency has ended, or no app waits to be closed."""
    for _ in range(most):
        await work(rig)
        now = await the_emergency(rig)
        if now.due_at is None or (closed and now.tidied_at):
            return now
        soon = await next_at(rig)
        rig.clock.advance(max(0.01, (soon - rig.clock.now()).total_seconds()))
    raise AssertionError("the emergency comes to no end")


async def rest(rig: Rig, seconds: float) -> None:
    """Let so much time pass, with everything done that comes due."""
    until = rig.clock.now().timestamp() + seconds
    while (now := rig.clock.now().timestamp()) < until:
        await work(rig)
        soon = (await next_at(rig)).timestamp()
        rig.clock.advance(max(0.01, min(soon, until) - now))
    await work(rig)


async def next_at(rig: Rig) -> datetime:
    """Return when something is to be done for the emergency or a turn."""
    async with rig.world.store.reading() as tx:
        waking = [each.wake_at for each in await tx.list(Turn, ended_at=None)]
        waking += [each.due_at for each in await tx.list(Rollout)]
    return min((at for at in waking if at), default=rig.clock.now() + timedelta(hours=1))


def deactivations(rig: Rig, after: int = 0) -> list[str]:
    """Return the apps whose secrets were deactivated, in the order of the org's own journal."""
    return [
        str(entry["path"]).split("/")[4]
        for entry in _journal(rig, after)
        if str(entry["route"]).endswith("/deactivate") and entry["status"] == 200
    ]


def listings(rig: Rig, after: int = 0) -> int:
    """Count the calls that listed client secrets, which no closing needs."""
    return sum(
        entry["method"] == "GET" and str(entry["route"]).endswith("/secrets")
        for entry in _journal(rig, after)
    )


def throttled(rig: Rig, after: int = 0) -> int:
    """Count the calls that the org refused because there were too many."""
    return sum(entry["status"] == 429 for entry in _journal(rig, after))


def _journal(rig: Rig, after: int) -> list[dict[str, Any]]:
    entries: Any = rig.org.journal.list(after)
    return list(entries)


def active(rig: Rig, app_id: str) -> set[str]:
    """Return the hashes of the client secrets that the org accepts of an app."""
    return {each.hash for each in rig.org.apps[app_id].secrets if each.status == "ACTIVE"}


async def served(rig: Rig, rotation_id: RotationId) -> str:
    """Return the hash of what readers of a rotation are given."""
    async with rig.world.store.reading() as tx:
        mine = frozenset(each.id for each in await tx.list(Secret, rotation_id=rotation_id))
        found = await tx.list(Version, state=State.CURRENT, secret_id=mine)
    return next(str(each.hash) for each in found if each.hash)
