"""Read the audit log, check its chain, and note its head where a change of it does not reach."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

import structlog

from keyturn.domain.access import Caller, Target, Verb
from keyturn.domain.audit import (
    AuditEntry,
    AuditFilter,
    ChainBroken,
    Head,
    require_reached,
    verify_chain,
)
from keyturn.services import gate
from keyturn.services.ports import World

PAGE = 1000

_log = structlog.get_logger("keyturn.audit")


@dataclass(frozen=True)
class Verified:
    """The head of the log, None for an empty one, what it was held against, and what is wrong.

    ``first`` is the number of the first entry that was looked at.
    """

    head: Head | None
    noted: Sequence[Head]
    problem: str | None = None
    first: int = 1


async def list_entries(
    world: World, caller: Caller, wanted: AuditFilter, *, after: int = 0, limit: int = 100
) -> Sequence[AuditEntry]:
    """List entries past a number that fit, oldest first. Raises Forbidden."""
    await _pass(world, caller, "read")
    async with world.store.reading() as tx:
        return await tx.list_audit(after=after, limit=limit, wanted=wanted)


async def list_newest_entries(
    world: World,
    caller: Caller,
    wanted: AuditFilter,
    *,
    before: int | None = None,
    limit: int = 100,
) -> Sequence[AuditEntry]:
    """List entries that fit, newest first, those before a number only. Raises Forbidden."""
    await _pass(world, caller, "read")
    async with world.store.reading() as tx:
        return await tx.list_newest_audit(before=before, limit=limit, wanted=wanted)


async def export_entries(
    world: World, caller: Caller, wanted: AuditFilter
) -> AsyncIterator[AuditEntry]:
    """Return every entry up to now that fits, oldest first. Raises Forbidden before the first."""
    await _pass(world, caller, "export")
    return _every(world, wanted)


async def verify_audit(
    world: World, caller: Caller, *, noted: Head | None = None, most: int | None = None
) -> Verified:
    """Check the chain, against a head noted by the caller and the one of our own.

    All of it, or with ``most`` so many of the newest entries. Raises Forbidden.
    """
    await _pass(world, caller, "verify")
    known = [head for head in (noted, await world.witness.read()) if head]
    async with world.store.reading() as tx:
        latest = await tx.latest_audit()
        newest = latest.number if latest else 0
        start = max(0, newest - most) if most else 0
        anchors = await tx.list_audit(after=start - 1, limit=1) if start else ()
    anchor = anchors[0] if anchors else None
    first = anchor.number + 1 if anchor else 1
    heads = [head for head in known if head.number >= first]
    verified = Verified(latest.head if latest else None, heads, first=first)
    try:
        await _verify(world, heads, anchor)
    except ChainBroken as broken:
        return replace(verified, problem=broken.message)
    return verified


async def _verify(world: World, heads: Sequence[Head], last: AuditEntry | None) -> None:
    while True:
        async with world.store.reading() as tx:
            page = await tx.list_audit(after=last.number if last else 0, limit=PAGE)
        if not page:
            break
        last = verify_chain(page, after=last, heads=heads)
    require_reached(last, heads)


async def note_head(world: World) -> None:
    """Note the head of the log outside of it, and in the logs, where it has moved.

    Nothing is noted over a log that does not hold what was noted last: that is told, as an error,
    again and again.
    """
    noted = await world.witness.read()
    async with world.store.reading() as tx:
        latest = await tx.latest_audit()
        known = await tx.list_audit(after=noted.number - 1, limit=1) if noted else ()
    if noted and (not known or known[0].head != noted):
        _log.error("audit log does not hold what was noted", noted=str(noted))
        return
    if latest and latest.head != noted:
        await world.witness.write(latest.head)
        _log.info("audit log", head=str(latest.head))


async def _every(world: World, wanted: AuditFilter) -> AsyncIterator[AuditEntry]:
    after = 0
    while True:
        async with world.store.reading() as tx:
            page = await tx.list_audit(after=after, limit=PAGE, wanted=wanted)
        for entry in page:
            yield entry
        if len(page) < PAGE:
            return
        after = page[-1].number


async def _pass(world: World, caller: Caller, what: str) -> None:
    subject = f"audit log: {what}"
    await gate.require(world, caller, Verb.READ_AUDIT, Target(), subject=subject)
