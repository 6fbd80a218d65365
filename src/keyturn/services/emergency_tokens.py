"""Revoke the refresh tokens of apps whose secrets an emergency has closed.

It comes after the closing: who has a refresh token of a client needs the client's secret as well.
"""

from dataclasses import replace
from datetime import timedelta

from keyturn.domain.audit import Attempt
from keyturn.domain.budget import Purpose
from keyturn.domain.errors import OktaError, OktaHeld
from keyturn.domain.ids import RolloutId
from keyturn.domain.rollout import Member, Rollout, Standing
from keyturn.domain.rotation import Rotation
from keyturn.services.connections import open_org
from keyturn.services.ports import OktaOrg, World
from keyturn.services.rollouts import current_rollout, members_of

AT_A_TIME = 10
"""As many apps are asked for in one look, so that no worker is held for long."""
RETRY_S = 60.0
"""How long is waited after Okta has refused, or has not answered."""
NOT_REVOKED = "Refresh tokens NOT REVOKED."
TOLD_MAX = 400
CLOSED = frozenset({Standing.CLOSED, Standing.DONE})


async def revoke_some(world: World, rollout_id: RolloutId) -> None:
    """Revoke the tokens of some of the apps that are closed, as the rate limit lets it."""
    async with world.store.reading() as tx:
        rollout = await current_rollout(tx, rollout_id)
        closed = await members_of(tx, rollout_id, standing=CLOSED)
    wanted = [each for each in closed if each.closed_at and each.revoked_at is None]
    wanted.sort(key=lambda each: each.told.startswith(NOT_REVOKED))
    for each in wanted[: AT_A_TIME if rollout.revoke else 0]:
        try:
            await _revoke(world, rollout, each)
        except OktaHeld as held:
            await _put_off(world, rollout_id, held.retry_after_s)
            return
        except OktaError as error:
            await _note(world, each, told=f"{NOT_REVOKED} {error.message}"[:TOLD_MAX])
            await _put_off(world, rollout_id, RETRY_S)


async def _revoke(world: World, rollout: Rollout, member: Member) -> None:
    """Revoke the tokens of one app, and note that; one whose rotation is gone is left alone."""
    org = await _noted(world, rollout, member)
    if org:
        await org.revoke_tokens(member.app_id)
    told = "" if member.told.startswith(NOT_REVOKED) else member.told
    await _note(world, member, told=told, revoked=True)


async def _note(world: World, member: Member, *, told: str, revoked: bool = False) -> None:
    revoked_at = world.clock.now() if revoked else None
    async with world.store.writing() as tx:
        again = next(iter(await members_of(tx, member.rollout_id, number=member.number)))
        await tx.replace(replace(again, told=told, revoked_at=revoked_at))


async def _noted(world: World, rollout: Rollout, member: Member) -> OktaOrg | None:
    """Put on record that it is tried, before it is; return the way to the app's org."""
    actor, what, subject = f"emergency {rollout.name}", "revoke refresh tokens", member.app_id
    entry = Attempt(world.clock.now(), actor, what, f"app {subject}", allowed=True)
    async with world.store.writing() as tx:
        rotation = await tx.find(Rotation, id=member.rotation_id)
        if rotation is None:
            return None
        await tx.append_audit(entry)
        return await open_org(
            tx, world, rotation.connection_id, lambda call: None, Purpose.FINISHING
        )


async def _put_off(world: World, rollout_id: RolloutId, seconds: float) -> None:
    due_at = world.clock.now() + timedelta(seconds=seconds)
    async with world.store.writing() as tx:
        await tx.replace(replace(await current_rollout(tx, rollout_id), due_at=due_at))
