"""Compare what Okta has with what is on record, slowly, and tell or mend what has drifted.

Okta's System Log says which apps were touched; those, and all where the log is silent or cannot be
read, are looked at one by one, and so is every app whose readers were found with a dead secret. A
turn that adds a new secret looks for itself, and is left to that.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from keyturn.domain.access import Caller, Target, Verb
from keyturn.domain.budget import Purpose
from keyturn.domain.connection import OktaConnection
from keyturn.domain.drift import (
    PROPOSED,
    Change,
    Drift,
    Finding,
    Repair,
    apart_from,
    comparable,
    compare,
    unseen,
)
from keyturn.domain.errors import KeyturnError, NotFound, OktaRefused, OktaThrottled, Refused
from keyturn.domain.okta import App, Probe, hash_of
from keyturn.domain.rotation import Rotation
from keyturn.domain.turn import Held, Turn
from keyturn.services import gate
from keyturn.services.access_news import tell_access
from keyturn.services.connections import admit_use, key_in_use, open_org
from keyturn.services.generated_credentials import list_versions
from keyturn.services.open_turns import open_turn
from keyturn.services.ports import OktaOrg, Reading, TurnStep, World
from keyturn.services.projects import place_of, places_of, resolve_project, target_of
from keyturn.services.records import must
from keyturn.services.repairs import activate, close, halt, repair
from keyturn.services.rotations import admit, current_rotation, find_seen
from keyturn.services.sealing import open_version
from keyturn.services.turns import rotate, served_secret

log = structlog.get_logger(__name__)

OVERLAPPING_LOOK = timedelta(minutes=5)
"""As much of the log is read twice: events arrive late."""

LONGEST_TRUST = timedelta(days=7)
"""After so long without a look the log is not enough."""

AGAIN = timedelta(minutes=5)
"""When a comparison that was not brought to its end is tried again."""

UNREACHED = 3
"""So many apps refused before one has answered, and the rest is asked another time."""

UNKNOWN_TO_OKTA = 401
"""The status by which Okta refuses the connection itself, not one app of it."""


@dataclass(frozen=True)
class FindingView:
    """A finding, the rotation that it is about, and what would mend it."""

    finding: Finding
    rotation: Rotation
    repair: Repair


async def reconcile_due(world: World) -> int:
    """Compare the connections whose time has come; return how many rotations were looked at."""
    async with world.store.reading() as tx:
        due = await tx.list_due_connections(world.clock.now())
    return sum([await _guarded(world, connection) for connection in due])


async def _guarded(world: World, connection: OktaConnection) -> int:
    """Look at one connection; what is wrong with it keeps none of the others waiting."""
    try:
        if not await _claim(world, connection):
            return 0
        return await reconcile(world, connection)
    except KeyturnError as error:
        wait_s = error.retry_after_s if isinstance(error, OktaThrottled) else 0.0
        log.warning("not compared", connection=connection.id, why=error.message)
        await _put_off(world, connection, max(timedelta(seconds=wait_s), AGAIN))
        if not isinstance(error, OktaThrottled):  # there is room again before long
            await _note_failure(world, connection, error.message)
        return 0


async def compare_now(world: World, caller: Caller, connection_id: str) -> int:
    """Compare every rotation of a connection with Okta; return how many were looked at.

    One whose turn is just changing something is left to that. Raises NotFound, Forbidden, and
    OktaError; what was not looked at by then is looked at before long.
    """
    connection = await admit_use(world, caller, connection_id, "compare")
    try:
        return await reconcile(world, connection, whole=True)
    except KeyturnError:
        await _put_off(world, connection, AGAIN)
        raise


async def reconcile(world: World, connection: OktaConnection, *, whole: bool = False) -> int:
    """Compare a connection's rotations with Okta; return how many were looked at.

    With ``whole``, also those that the log knows no change of. Raises OktaError; what was not
    looked at by then is looked at next time.
    """
    async with world.store.reading() as tx:
        org = await open_org(tx, world, connection.id, lambda call: None, Purpose.BACKGROUND)
        rotations = await tx.list(Rotation, connection_id=connection.id)
    if not rotations:
        await _put_off(world, connection, world.limits.reconcile)
        return 0
    changes = await _read_changes(world, org, connection)
    await _note_doubts(world, connection, rotations, None if whole else changes)
    async with world.store.reading() as tx:
        doubtful = await tx.list(Rotation, connection_id=connection.id, checked_at=None)
    looked_at = await _check_each(world, org, doubtful, changes or ())
    if connection.failing_since:
        await _note_failure(world, connection, "")
    return looked_at


async def list_findings(world: World, caller: Caller, *, project: str) -> Sequence[FindingView]:
    """List the open findings of a project. Raises Forbidden."""
    project_id = await resolve_project(world, project)
    subject = f"findings of {project}"
    everywhere = Target(project_id, somewhere=True)
    await gate.require(world, caller, Verb.READ_ROTATIONS, everywhere, subject=subject)
    async with world.store.reading() as tx:
        findings = await tx.list(Finding, closed_at=None)
        ids = frozenset(each.rotation_id for each in findings)
        rotations = {each.id: each for each in await tx.list(Rotation, id=ids)}
        places = await places_of(tx, {each.folder_id for each in rotations.values()})
    seen = {
        each.id: each
        for each in rotations.values()
        if places[each.folder_id].project.id == project_id
        and gate.may(
            caller, Verb.READ_ROTATIONS, target_of(places[each.folder_id], each.connection_id)
        )
    }
    return [
        FindingView(each, seen[each.rotation_id], PROPOSED[each.kind])
        for each in findings
        if each.rotation_id in seen
    ]


async def repair_finding(world: World, caller: Caller, finding_id: str) -> Sequence[FindingView]:
    """Mend what a finding tells of, and return what is left open in its rotation.

    Raises NotFound, Forbidden, OktaError, TurnFailed, and Refused for what only people can mend.
    """
    async with world.store.reading() as tx:
        finding = await tx.find(Finding, id=finding_id)
        if finding and not await find_seen(tx, caller, Verb.ROTATE, finding.rotation_id):
            finding = None  # nobody learns of it from a refusal
    if finding is None:
        subject = f"finding {finding_id} (repair)"
        await gate.require(world, caller, Verb.ROTATE, Target(caller.home), subject=subject)
        raise NotFound(f"There is no finding {finding_id}.")
    rotation = await admit(world, caller, Verb.ROTATE, finding.rotation_id, detail="repair")
    if finding.closed_at:
        raise Refused(f"Finding {finding_id} was closed by {finding.closed_by}.")
    match PROPOSED[finding.kind]:
        case Repair.BY_HAND:
            raise Refused(f"{finding.kind.value} {finding.detail}".strip())
        case Repair.ACTIVATE:
            await activate(world, rotation, finding, caller.name)
        case Repair.TURN:
            await rotate(world, caller, rotation.id)
    await close(world, finding, caller.name)
    async with world.store.reading() as tx:
        left = await tx.list(Finding, rotation_id=rotation.id, closed_at=None)
    return [FindingView(one, rotation, PROPOSED[one.kind]) for one in left]


async def _read_changes(
    world: World, org: OktaOrg, connection: OktaConnection
) -> Sequence[Change] | None:
    """Return what the log tells since the last look; None where it cannot be relied on."""
    since, now = connection.reconciled_at, world.clock.now()
    if since is None or now - since > LONGEST_TRUST:
        return None
    try:
        return await org.list_changes(since=since - OVERLAPPING_LOOK)
    except OktaThrottled:
        raise
    except OktaRefused:
        return None


async def _note_doubts(
    world: World,
    connection: OktaConnection,
    rotations: Sequence[Rotation],
    changes: Sequence[Change] | None,
) -> None:
    """Make durable which rotations are to be looked at, and that the log was read."""
    now = world.clock.now()
    async with world.store.writing() as tx:
        findings = await tx.list(Finding, closed_at=None)
        for rotation in rotations:
            told = [finding for finding in findings if finding.rotation_id == rotation.id]
            doubtful = changes is None or await _doubtful(tx, rotation, told, changes)
            if doubtful and rotation.checked_at:
                stored = await current_rotation(tx, rotation.id)
                await tx.replace(replace(stored, checked_at=None))
        stored_connection = await must(tx.find(OktaConnection, id=connection.id))
        later = now + world.limits.reconcile
        await tx.replace(replace(stored_connection, reconciled_at=now, next_reconcile_at=later))


async def _doubtful(
    tx: Reading, rotation: Rotation, told: Sequence[Finding], changes: Sequence[Change]
) -> bool:
    """Say whether the app may not be as it was seen last.

    Somebody else has changed it (our own calls are on record); or we have, and that may have mended
    what was told; or readers were found with a dead credential.
    """
    if any(PROPOSED[finding.kind] is not Repair.BY_HAND for finding in told):
        return True
    for change in changes:
        if change.app_id == rotation.app_id and (told or not await _is_ours(tx, change)):
            return True
    return False


async def _is_ours(tx: Reading, change: Change) -> bool:
    asked = change.request_id  # without one it cannot be told, and steps without a call have none
    return bool(asked and await tx.list(TurnStep, request_id=asked))


async def _last_of_others(
    tx: Reading, rotation: Rotation, changes: Sequence[Change]
) -> Change | None:
    """Return the latest change of the app that no turn has made, or None."""
    of_app = [change for change in changes if change.app_id == rotation.app_id]
    for change in sorted(of_app, key=lambda change: change.at, reverse=True):
        if not await _is_ours(tx, change):
            return change
    return None


async def _check_each(
    world: World, org: OktaOrg, rotations: Sequence[Rotation], changes: Sequence[Change]
) -> int:
    """Look at rotations one by one; an app that Okta refuses keeps none of the others waiting.

    Where the first few are refused, Okta may refuse them all; the next round begins after those.
    Raises OktaError: the last such refusal in the end, and at once what holds for all of them.
    """
    looked_at, refused = 0, list[OktaRefused]()
    rounds = int(world.clock.now().timestamp() / AGAIN.total_seconds())
    begin = rounds * UNREACHED % max(len(rotations), 1)
    for rotation in (*rotations[begin:], *rotations[:begin]):
        try:
            looked_at += await _check(world, org, rotation, changes)
        except OktaRefused as error:
            if isinstance(error, OktaThrottled) or error.answer.status == UNKNOWN_TO_OKTA:
                raise
            log.warning("app not compared", rotation=rotation.id, why=error.message)
            refused.append(error)
            if len(refused) == UNREACHED and not looked_at:
                break
    if refused:
        raise refused[-1]
    return looked_at


async def _check(world: World, org: OktaOrg, rotation: Rotation, changes: Sequence[Change]) -> int:
    async with world.store.reading() as tx:
        turn = await open_turn(tx, rotation)
        served = await _in_use(tx, world, rotation)
        ours = frozenset(v.hash for v in await list_versions(tx, rotation) if v.hash)
    if not comparable(turn) or rotation.ending:
        return 0
    app, kind = await org.find_app(rotation.app_id, rotation.kind), rotation.kind
    fit = app is not None and app.auth_method in kind.rules.methods
    listed = await org.credentials_of(rotation.app_id, kind).list() if fit else ()
    beside = apart_from(turn, listed, served)
    drifts = compare(app, rotation.app_id, beside, served, ours, kind=kind)
    lost = any(PROPOSED[drift.kind] is not Repair.BY_HAND for drift in drifts)
    if lost and app and served and await _accepted(world, org, app, rotation, served):
        log.warning("list not believed", rotation=rotation.id)
        return 0
    findings = await _write_down(world, rotation, turn, drifts, changes)
    if rotation.policy.repair:
        for finding in findings:
            await repair(world, rotation, finding)
    return 1


async def _accepted(world: World, org: OktaOrg, app: App, rotation: Rotation, served: Held) -> bool:
    """Ask Okta whether it accepts what its list shows as lost: then that is looked at again.

    A list may be old, and is empty for a caller whose role does not reach the app any more.
    """
    async with world.store.reading() as tx:
        place = await place_of(tx, rotation.folder_id)
        versions = await list_versions(tx, rotation)
    kept = next((v for v in versions if v.number == served.version and v.sealed), None)
    if kept is None:
        return True  # it was replaced meanwhile
    value = open_version(world, place.project, kept)
    return await org.probe(app.client_id, value, app.auth_method) is Probe.ACCEPTED


async def _in_use(tx: Reading, world: World, rotation: Rotation) -> Held | None:
    """Return what readers are given; of a connection's key nothing, once it uses another."""
    served = await served_secret(tx, rotation)
    if not (served and rotation.kind.rules.of_connection):
        return served
    key = await key_in_use(tx, world, rotation.connection_id)
    return served if key and hash_of(rotation.kind, key.private_jwk) == served.hash else None


async def _write_down(
    world: World,
    rotation: Rotation,
    turn: Turn | None,
    drifts: Sequence[Drift],
    changes: Sequence[Change],
) -> Sequence[Finding]:
    """Open what is new, close what is gone, and return what is open.

    Where the turn has moved meanwhile nothing is known: the app is looked at again.
    """
    now = world.clock.now()
    async with world.store.writing() as tx:
        stored, seen = await current_rotation(tx, rotation.id), await open_turn(tx, rotation)
        if _place(seen) != _place(turn):
            return ()
        found = {(drift.kind, drift.subject): drift for drift in drifts}
        kept: list[Finding] = []
        for finding in await tx.list(Finding, rotation_id=rotation.id, closed_at=None):
            if found.pop((finding.kind, finding.subject), None):
                kept.append(finding)
            elif not unseen(finding.kind, drifts):
                await tx.replace(replace(finding, closed_at=now, closed_by="seen to be gone"))
        last = await _last_of_others(tx, rotation, changes) if found else None
        new = [
            Finding(world.chance.uuid(), rotation.id, d.kind, d.subject, _told(d, last), now)
            for d in found.values()
        ]
        await tx.add(*new)
        await tx.replace(replace(stored, checked_at=now))
        if seen:
            for finding in (*kept, *new):
                await halt(tx, world, seen, finding, now)
    for finding in new:
        log.warning("drift", rotation=rotation.id, kind=finding.kind.name, subject=finding.subject)
    return (*kept, *new)


def _place(turn: Turn | None) -> tuple[str, str] | None:
    return (turn.id, turn.phase) if turn else None


def _told(drift: Drift, change: Change | None) -> str:
    if change is None:
        return drift.detail
    at = f"{change.at:%Y-%m-%d %H:%M} UTC"
    return f"{drift.detail} Last changed by {change.who}, {at} ({change.what}).".strip()


async def _claim(world: World, connection: OktaConnection) -> bool:
    """Keep other workers from looking at the same time; if this one dies they look soon."""
    async with world.store.writing() as tx:
        stored = await tx.find(OktaConnection, id=connection.id)
        if stored is None or stored.next_reconcile_at != connection.next_reconcile_at:
            return False
        await tx.replace(replace(stored, next_reconcile_at=world.clock.now() + AGAIN))
    return True


async def _note_failure(world: World, connection: OktaConnection, told: str) -> None:
    """Note why a comparison came to nothing, and since when; or that one has succeeded."""
    async with world.store.writing() as tx:
        stored = await tx.find(OktaConnection, id=connection.id)
        if stored:
            since = (stored.failing_since or world.clock.now()) if told else None
            after = replace(stored, failing_since=since, told=told)
            await tx.replace(after)
            await tell_access(tx, world, stored, after)


async def _put_off(world: World, connection: OktaConnection, by: timedelta) -> None:
    async with world.store.writing() as tx:
        stored = await tx.find(OktaConnection, id=connection.id)
        if stored:
            await tx.replace(replace(stored, next_reconcile_at=world.clock.now() + by))
