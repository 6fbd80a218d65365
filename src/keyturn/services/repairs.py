"""Mend what has drifted: by somebody's word, or where a rotation's policy is to repair.

Nothing counts as mended before Okta was seen to have it so: a finding stays open until then, and a
repair that came to nothing is tried again, later and later, as the schedule does with turns.
"""

from dataclasses import replace
from datetime import datetime

import structlog

from keyturn.domain.audit import Attempt
from keyturn.domain.drift import PROPOSED, Finding, Kind, Repair
from keyturn.domain.errors import KeyturnError, OktaError, Refused
from keyturn.domain.ids import CredentialId
from keyturn.domain.orders import (
    WINDING_UP,
    falling_back,
    kept_after_all,
    phase_of,
    resumed,
    serves_what_is_lost,
)
from keyturn.domain.outlook import next_try_at, rescheduled, tried
from keyturn.domain.rotation import Rotation
from keyturn.domain.schedule import LastTurn
from keyturn.domain.setback import KEEP_CLOSED
from keyturn.domain.turn import TAKING_BACK, Phase, Reason, Trigger, Turn, Word, blocked
from keyturn.services import turn_news
from keyturn.services.connections import open_org
from keyturn.services.flow_events import tell_turn
from keyturn.services.open_turns import open_turn
from keyturn.services.ports import World, Writing
from keyturn.services.records import note_step
from keyturn.services.rotations import current_rotation
from keyturn.services.turns import OF_A_REQUEST, claimed, served_secret, start

log = structlog.get_logger(__name__)

REPAIRER = "drift"


async def repair(world: World, rotation: Rotation, finding: Finding) -> None:
    """Mend by policy what is ours to mend; what cannot be mended now stays a finding."""
    try:
        world.vitals.require_footing()
        match PROPOSED[finding.kind]:
            case Repair.ACTIVATE:
                await activate(world, rotation, finding, REPAIRER)
            case Repair.TURN:
                await _turn(world, rotation, finding)
            case Repair.BY_HAND:
                return
    except KeyturnError as error:
        log.warning("not repaired", rotation=rotation.id, why=error.message)


async def _turn(world: World, rotation: Rotation, finding: Finding) -> None:
    """Start a turn; or resume the blocked one, which serves what Okta accepts if it must.

    That is the old value where the new one is lost, and the new one where an abort was cut off.
    Blackouts do not hold it: readers are refused now. It counts as a start by itself, so that a
    quarantine ends the tries. Raises Refused then.
    """
    now = world.clock.now()
    async with world.store.writing() as tx:
        stored = await current_rotation(tx, rotation.id)
        if stored.quarantined:
            raise Refused("The rotation is in quarantine: turn it by hand.")
        last = next(iter(await tx.list_turns(rotation.id)), None)
        if last and now < _patient_until(stored, finding, last):
            return
        await tx.replace(tried(stored))
        turn = await open_turn(tx, stored)
        if turn and serves_what_is_lost(turn):
            leaked = turn.word is Word.AT_ONCE
            await tx.replace(falling_back(turn, now, leaked=leaked))
            return
        if turn and turn.blocked and turn.blocked.reason is Reason.NEW_SECRET_ONLY:
            turn = kept_after_all(turn, now)
            await note_step(tx, turn, "keep", f"By {REPAIRER}.", now)
            await tx.replace(turn)
        await start(tx, world, stored, Trigger.DRIFT)


async def activate(world: World, rotation: Rotation, finding: Finding, actor: str) -> None:
    """Activate the served credential again, by the id under which it was found.

    Raises OktaError, and Refused where Okta does not list it, where a worker has the turn in hand,
    where that may not be what readers are given by now, or is not any more: then nothing is left to
    mend, and the finding is closed.
    """
    since_s = world.clock.uptime_s()
    async with world.store.reading() as reading:
        org = await open_org(reading, world, rotation.connection_id, lambda call: None)
    at_okta, noun = org.credentials_of(rotation.app_id, rotation.kind), rotation.kind.rules.noun
    found = {credential.id: credential for credential in await at_okta.list()}
    wanted = found.get(CredentialId(finding.subject))
    subject = f"app {rotation.app_id}: {finding.subject}"
    entry = Attempt(world.clock.now(), actor, f"activate the served {noun}", subject, allowed=True)
    async with world.store.writing() as tx:
        served = await served_secret(tx, await current_rotation(tx, rotation.id))
        still = wanted is not None and served is not None and wanted.hash == served.hash
        was = await _keep_workers_off(tx, world, rotation) if still else None
        if still:
            await tx.append_audit(entry)
    if wanted is None:
        raise Refused(
            f"Okta's list shows no {noun} {finding.subject} just now, so nothing was changed: look "
            "again (`keyturn drift compare`)."
        )
    if not still:
        await close(world, finding, "the look before its repair")
        raise Refused(f"Readers are not given {noun} {finding.subject} any more.")
    if world.clock.uptime_s() - since_s > world.limits.lease.total_seconds():
        await _give_back(world, rotation, was, mended=False)
        raise Refused(f"Too long ago {noun} {finding.subject} was looked at: look again.")
    try:
        await at_okta.activate(wanted.id)
    except OktaError as error:
        if not error.effect_possible:  # else it may still arrive: the lease is waited for
            await _give_back(world, rotation, was, mended=False)
        raise
    await _give_back(world, rotation, was, mended=True)


async def _keep_workers_off(tx: Writing, world: World, rotation: Rotation) -> Turn | None:
    """Have no worker go on with the turn while a call is made about what it serves.

    It might give that up in the meantime, also one that lies in a queue. Returns the turn as it was
    before it was held; None where it does not go on by itself. Raises Refused where a worker has it
    in hand.
    """
    turn = await open_turn(tx, rotation)
    if turn is None or not turn.running:
        return None
    if turn.owner is not None:
        raise Refused(
            f"A worker goes on with the turn of {rotation.name} just now, and may mend it: look "
            "again in a minute (`keyturn drift compare`)."
        )
    await tx.replace(claimed(world, turn))
    return turn


async def _give_back(world: World, rotation: Rotation, was: Turn | None, *, mended: bool) -> None:
    """Let workers go on with the turn: as it was, or at once if it was mended or ordered about."""
    async with world.store.writing() as tx:
        turn, now = await open_turn(tx, rotation), world.clock.now()
        if mended and turn and serves_what_is_lost(turn):
            await tx.replace(resumed(turn, now))
        elif was and turn and _held(turn) == _held(replace(was, owner=OF_A_REQUEST)):
            free = replace(turn, owner=None, wake_at=was.wake_at)
            at_once = replace(free, wake_at=now if turn.running else None)
            await tx.replace(free if free == was and not mended else at_once)


def _held(turn: Turn) -> tuple[str, str | None, int]:
    return turn.id, turn.owner, turn.epoch


async def close(world: World, finding: Finding, by: str) -> None:
    """Close a finding that was mended by somebody's word, and have Okta looked at again."""
    async with world.store.writing() as tx:
        if await tx.find(Finding, id=finding.id, closed_at=None):
            await tx.replace(replace(finding, closed_at=world.clock.now(), closed_by=by))
        rotation = await current_rotation(tx, finding.rotation_id)
        await tx.replace(replace(rotation, checked_at=None))


async def halt(tx: Writing, world: World, turn: Turn, finding: Finding, now: datetime) -> None:
    """Stop a turn that waits while what readers are given is gone, instead of at its next step.

    One that is blocked for something else is blocked for this: it is worse. One that a worker holds
    is left to it, one that is paused to whoever paused it; one that was aborted serves the old one.
    """
    lost = finding.kind in (Kind.SECRET_REMOVED, Kind.SECRET_OVERWRITTEN)
    left = turn.owner is None and turn.paused_at is None and turn.word not in TAKING_BACK
    if not (lost and left) or phase_of(turn) not in WINDING_UP or serves_what_is_lost(turn):
        return
    waiting = replace(turn, phase=phase_of(turn), blocked=None)
    detail = f"{finding.detail} {KEEP_CLOSED}" if turn.word is Word.AT_ONCE else finding.detail
    after = blocked(waiting, Reason.NEW_SECRET_LOST, detail, now)
    await tx.replace(after)
    told = str(after.blocked)
    rotation = await current_rotation(tx, turn.rotation_id)
    failed = replace(rotation, last_message=told, last_attempted_at=now)
    await tx.replace(rescheduled(failed, LastTurn(now, failed=True)))
    await tell_turn(tx, world, turn, after)
    await turn_news.tell_turn(tx, world, turn, after)
    await note_step(tx, after, "blocked", told, now)


def _patient_until(rotation: Rotation, finding: Finding, last: Turn) -> datetime:
    """Tell when a repair may be tried again; at once where none has come to nothing yet.

    So it is where the loss, or the turn that it stops, was seen for the first time just now.
    """
    known = rotation.checked_at not in (finding.found_at, last.entered_at)
    failed = known and rotation.failures and (last.blocked or last.phase is Phase.ROLLED_BACK)
    return next_try_at(rotation, last.entered_at) if failed else last.entered_at
