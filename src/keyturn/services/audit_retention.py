"""Move what is old of the audit log to files that the operator keeps, and out of the database.

Nothing goes that was not written first, in a chain that holds. The last entry that was moved stays
behind as what the next one is tied to, and an entry of its own tells of it: so the rest verifies.
"""

from collections.abc import Sequence
from datetime import timedelta
from itertools import takewhile
from typing import Final

import structlog

from keyturn.domain.audit import (
    ARCHIVED,
    Attempt,
    AuditEntry,
    AuditFilter,
    ChainBroken,
    exported,
    require_told,
    told_moved,
    verify_chain,
)
from keyturn.services.ports import World, Writing

AT_ONCE: Final = 5000
"""As many entries go to one file, in one transaction."""
APART: Final = timedelta(days=1)
"""So much longer than asked for entries may stay, so that a day's go together."""
ACTOR: Final = "retention"

log = structlog.get_logger("keyturn.audit")


async def archive_old(world: World) -> int:
    """Move the entries that are older than is kept; return how many. Raises OursError.

    A log that does not hold together is left as it is.
    """
    if not world.limits.keep_audit:
        return 0
    total = 0
    try:
        while moved := await _move_some(world):
            total += moved
    except ChainBroken as broken:
        log.error("audit log not moved: it does not hold", why=broken.message)
    if total:
        log.info("audit log moved", entries=total)
    return total


async def _move_some(world: World) -> int:
    """Move a file's worth in one transaction: of several workers one does it, and is done.

    The entries are read before it: nobody waits while they are on their way to this process, which
    may be frozen meanwhile. They are the same then as long as the first of them is.
    """
    async with world.store.reading() as looking:
        if not _old(world, await looking.list_audit(limit=2), APART):
            return 0
        every = await looking.list_audit(limit=AT_ONCE + 1)
    anchor = every[0] if every[0].number > 1 else None
    noted = await world.witness.read()
    old = [
        each
        for each in _old(world, every, timedelta())[:AT_ONCE]
        if noted is None or each.number <= noted.number
    ]
    if len(old) + (anchor is not None) < 2:  # the last one stays behind
        return 0
    verify_chain(old, after=anchor)
    async with world.store.writing() as tx:
        if await tx.list_audit(limit=1) != every[:1]:
            return 0
        if anchor:
            moved = AuditFilter(verb=ARCHIVED)
            require_told(anchor, await tx.list_newest_audit(limit=1, wanted=moved))
        await _move(world, tx, old, old[-2] if len(old) > 1 else anchor)
    return len(old)


def _old(world: World, entries: Sequence[AuditEntry], longer: timedelta) -> Sequence[AuditEntry]:
    """Return those that are old enough; the first is what the others are tied to, unless it is 1.

    ``longer`` is for how much longer than asked for they have to have been there.
    """
    before = world.clock.now() - world.limits.keep_audit - longer
    later = entries[1:] if entries and entries[0].number > 1 else entries
    return [*takewhile(lambda each: each.attempt.at < before, later)]


async def _move(
    world: World, tx: Writing, old: Sequence[AuditEntry], before: AuditEntry | None
) -> None:
    """Write entries to a file, put that on record, and forget all but the last of them.

    ``before`` is the entry before the last.
    """
    first, last = old[0], old[-1]
    name = f"audit-{first.number:012}.jsonl"
    await world.archive.write(name, "".join(f"{exported(each)}\n" for each in old).encode())
    subject = f"audit entries {first.number} to {last.number}"
    told, now = told_moved(last, before, name), world.clock.now()
    await tx.append_audit(Attempt(now, ACTOR, ARCHIVED, subject, allowed=True, detail=told))
    await tx.prune_audit(before=last.number)
