"""Which entries of the audit log a look wants, and in which order."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Select, select

from keyturn.adapters.storage.tables import AUDIT
from keyturn.domain.audit import AuditFilter


def look_at_oldest(
    after: int, limit: int, wanted: AuditFilter | None
) -> Select[tuple[object, ...]]:
    """Return the statement that reads entries past a number, oldest first."""
    later = select(AUDIT).where(AUDIT.c.number > after, *_wanted(wanted or AuditFilter()))
    return later.order_by(AUDIT.c.number).limit(limit)


def look_at_newest(
    before: int | None, limit: int, wanted: AuditFilter | None
) -> Select[tuple[object, ...]]:
    """Return the statement that reads entries before a number, or all, newest first."""
    number = AUDIT.c.number
    earlier = [number < before] if before is not None else []
    fits = select(AUDIT).where(*earlier, *_wanted(wanted or AuditFilter()))
    return fits.order_by(number.desc()).limit(limit)


def _wanted(wanted: AuditFilter) -> Iterable[ColumnElement[bool]]:
    column = AUDIT.c
    if wanted.actor:
        yield column.attempt_actor == wanted.actor
    if wanted.verb:
        yield column.attempt_verb == wanted.verb
    if wanted.subject:
        yield column.attempt_subject.icontains(wanted.subject, autoescape=True)
    if wanted.allowed is not None:
        yield column.attempt_allowed == wanted.allowed
    if wanted.since:
        yield column.attempt_at >= wanted.since
    if wanted.until:
        yield column.attempt_at < wanted.until
