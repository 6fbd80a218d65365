"""Read the audit log, check its chain, and note its head where a change of it does not reach."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

import structlog

from keyturn.domain.access import Caller, Target, Verb
from keyturn.domain.audit import (
    ARCHIVED,
    AuditEntry,
    AuditFilter,
    ChainBroken,
    Head,
    require_reached,
    require_told,
    verify_chain,
)
from keyturn.domain.errors import FieldProblem, InvalidInput, Refused
from keyturn.services import gate
from keyturn.services.ports import World

PAGE = 1000
WITNESS_LEFT = (
    "others have moved it to a file meanwhile: once `keyturn audit verify` says whole, delete "
    "audit.head in this server's data directory, and it begins anew"
)

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
    """Return every entry up to now that fits, oldest first. Raises Forbidden before the first.

    It ends with Refused where some are moved to a file before they are read.
    """
    await _pass(world, caller, "export")
    return _every(world, wanted)


async def verify_audit(
    world: World, caller: Caller, *, noted: Head | None = None, most: int | None = None
) -> Verified:
    """Check the chain, against a head noted by the caller and the one of our own.

    All of it, or with ``most`` so many of the newest entries. Raises Forbidden, and InvalidInput
    for a head of the caller's whose entry was moved to a file.
    """
    await _pass(world, caller, "verify")
    begins = await _begins(world)
    if noted and noted.number < begins:
        rule = f"is of entry {noted.number}, which was moved to a file: hold it against the files"
        raise InvalidInput(FieldProblem(("head",), rule))
    known = [head for head in (noted, await world.witness.read()) if head]
    found = await _verified(world, known, most)
    while found.problem and (now := await _begins(world)) != begins:
        begins, found = now, await _verified(world, known, most)  # some were moved meanwhile
    return found


async def _begins(world: World) -> int:
    """Return the number of the first entry that is there, 0 for an empty log."""
    async with world.store.reading() as tx:
        return next((each.number for each in await tx.list_audit(limit=1)), 0)


async def _verified(world: World, known: Sequence[Head], most: int | None) -> Verified:
    async with world.store.reading() as tx:
        latest = await tx.latest_audit()
        newest = latest.number if latest else 0
        start = max(0, newest - most) if most else 0
        oldest = await tx.list_audit(after=max(0, start - 1), limit=1)
        anchor = next((each for each in oldest if start or each.number > 1), None)
        cut = anchor if anchor and anchor.number > start else None
        moved = AuditFilter(verb=ARCHIVED)
        told = await tx.list_newest_audit(limit=1, wanted=moved) if cut else ()
    first = anchor.number + 1 if anchor else 1
    heads = [head for head in known if head.number >= first]
    verified = Verified(latest.head if latest else None, heads, first=first)
    try:
        if cut:
            require_told(cut, told)
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
    again and again; and what to do where that was moved to a file without this server's knowing.
    """
    noted = await world.witness.read()
    async with world.store.reading() as tx:
        latest = await tx.latest_audit()
        known = await tx.list_audit(after=noted.number - 1, limit=1) if noted else ()
    if noted and known and known[0].number > noted.number:
        first = known[0].number
        _log.error("audit log begins later", noted=str(noted), first=first, what=WITNESS_LEFT)
        return
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
            [first, *_] = await tx.list_audit(limit=1)
        if after and first.number > after + 1:
            raise Refused(
                f"Audit entries {after + 1} to {first.number - 1} were moved to a file meanwhile: "
                "the export is not whole. Export again."
            )
        for entry in page:
            yield entry
        if len(page) < PAGE:
            return
        after = page[-1].number


async def _pass(world: World, caller: Caller, what: str) -> None:
    subject = f"audit log: {what}"
    await gate.require(world, caller, Verb.READ_AUDIT, Target(), subject=subject)
