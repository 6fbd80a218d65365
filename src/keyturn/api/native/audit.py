"""The audit log: pages, a whole export, and the check of its chain."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from keyturn.api.authn import TheCaller, TheWorld
from keyturn.domain import audit as domain
from keyturn.domain.audit import AuditFilter, Head
from keyturn.services import audit
from keyturn.wire.audit import (
    AuditAnswer,
    AuditEntry,
    AuditQuery,
    AuditWanted,
    HeadQuery,
    VerifiedAnswer,
)

router = APIRouter(prefix="/api/v1/audit", tags=["Audit"])

JSON_LINES = "application/jsonl"


@router.get("")
async def list_audit(
    world: TheWorld, caller: TheCaller, query: Annotated[AuditQuery, Query()]
) -> AuditAnswer:
    """List entries past a number, oldest first, or those before one, newest first."""
    wanted, limit = _wanted(query), query.limit
    if query.order == "desc":
        found = await audit.list_newest_entries(
            world, caller, wanted, before=query.before, limit=limit
        )
    else:
        found = await audit.list_entries(world, caller, wanted, after=query.after, limit=limit)
    return AuditAnswer(entries=tuple(map(_entry, found)))


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses={200: {"content": {JSON_LINES: {"schema": {"type": "string"}}}}},
)
async def export_audit(
    world: TheWorld, caller: TheCaller, query: Annotated[AuditWanted, Query()]
) -> StreamingResponse:
    """Export every entry that fits, oldest first, one JSON document a line."""
    entries = await audit.export_entries(world, caller, _wanted(query))
    return StreamingResponse(_lines(entries), media_type=JSON_LINES)


@router.get("/verify")
async def verify_audit(
    world: TheWorld, caller: TheCaller, query: Annotated[HeadQuery, Query()]
) -> VerifiedAnswer:
    """Check that no entry was changed, is missing, or was cut off."""
    noted = Head.parse(query.head) if query.head else None
    found = await audit.verify_audit(world, caller, noted=noted)
    return VerifiedAnswer(
        entries=found.head.number if found.head else 0,
        head=str(found.head) if found.head else None,
        held_against=tuple(map(str, found.noted)),
        problem=found.problem,
    )


async def _lines(entries: AsyncIterator[domain.AuditEntry]) -> AsyncIterator[str]:
    async for entry in entries:
        yield domain.exported(entry) + "\n"


def _entry(entry: domain.AuditEntry) -> AuditEntry:
    attempt = entry.attempt
    return AuditEntry(
        number=entry.number,
        at=attempt.at.isoformat(),  # to the microsecond: the hash is of that
        actor=attempt.actor,
        verb=attempt.verb,
        subject=attempt.subject,
        allowed=attempt.allowed,
        detail=attempt.detail,
        hash=entry.hash.hex(),
    )


def _wanted(query: AuditWanted) -> AuditFilter:
    return AuditFilter(
        query.actor, query.verb, query.subject, query.allowed, query.since, query.until
    )
