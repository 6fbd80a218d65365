"""Follow leak reports: recognise secrets that turn up later, close apps, note what is closed.

A report is looked at by one worker at a time, and each change is a transaction of its own that
looks again first.
"""

from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from keyturn.domain.errors import CallerError, KeyturnError
from keyturn.domain.ids import RolloutId
from keyturn.domain.inventory import Inventory
from keyturn.domain.leaks import KEPT_UNKNOWN, LeakReport, Order, State, Which, moved
from keyturn.domain.rollout import ENDED, Rollout
from keyturn.services.leak_closing import LeakClosing, automatic, begin_for, find_closing
from keyturn.services.leak_matching import Match, find_match
from keyturn.services.leaks import AGAIN, recognised, tell_leak, with_match
from keyturn.services.ports import Reading, World, Writing
from keyturn.services.records import must

log = structlog.get_logger(__name__)

PACE = timedelta(seconds=15)
"""How often an open report is looked at while something closes its app."""
CALM = timedelta(minutes=1)
"""How often while nothing does."""
AT_ONCE = 100
REASON = "A leak report was about a client secret that is served."
DELETED = "It is deleted."
NOT_CLOSED = "NOT CLOSED by itself, as it was set up to be:"


async def follow_leaks(world: World) -> int:
    """Look at the reports that are due; return how many. One keeps no other waiting."""
    async with world.store.reading() as tx:
        due = await tx.list_due_leaks(world.clock.now(), limit=AT_ONCE)
    for each in due:
        try:
            await _follow(world, each)
        except KeyturnError as error:
            log.warning("leak report not followed", leak=each.id, why=error.message)
            await _put_off(world, each)
    return len(due)


async def _put_off(world: World, due: LeakReport) -> None:
    """Look at a report later, so that it does not stand before others again and again."""
    async with world.store.writing() as tx:
        report = await tx.find(LeakReport, id=due.id)
        if report and report.due_at == due.due_at:
            await tx.replace(replace(report, due_at=world.clock.now() + AGAIN))


async def _follow(world: World, due: LeakReport) -> None:
    async with world.store.writing() as tx:
        report = await tx.find(LeakReport, id=due.id)
        if report is None or report.due_at is None or report.due_at > world.clock.now():
            return
        after = await _looked(tx, world, report)
        if after is None:
            await tx.remove(report)
            return
        await tx.replace(after)
    if after.closes and after.emergency_id is None:
        await _begin(world, after)


async def _looked(tx: Writing, world: World, report: LeakReport) -> LeakReport | None:
    """Return a report as it stands now, or None for one that nothing here will match any more."""
    now = world.clock.now()
    match = await _matched(tx, world, report)
    if report.state is State.OPEN:
        return await _open(tx, report, match, now)
    if match:
        return await recognised(tx, world, report, match)
    old = now >= report.at + KEPT_UNKNOWN
    return None if old else replace(report, due_at=now + AGAIN)


async def _matched(tx: Reading, world: World, report: LeakReport) -> Match | None:
    return await find_match(tx, world, report.organization_id, report.hash) if report.hash else None


async def _open(tx: Reading, report: LeakReport, match: Match | None, now: datetime) -> LeakReport:
    """Return an open report, closed where Okta accepts its secret no more."""
    report = with_match(report, match)
    found = await find_closing(tx, report)
    if found:
        report = replace(report, emergency_id=found[1].id, closes=False)
    elif report.emergency_id and await _is_over(tx, report.emergency_id):
        report = replace(report, emergency_id=None)  # it has not closed this one: another one may
    if found and found[0].closed_at:
        why = f"Emergency {found[1].name} has closed it: Okta refuses it."
        return moved(report, Order.CLOSE, now, why=why)
    if report.which is Which.GONE or (match is None and await _delisted(tx, report)):
        return moved(report, Order.CLOSE, now, why=DELETED)
    return replace(report, due_at=now + (PACE if found or report.closes else CALM))


async def _delisted(tx: Reading, report: LeakReport) -> bool:
    """Say whether Okta lists a secret no more, of an app whose inventory is kept still."""
    foreign = report.which is Which.FOREIGN
    kept = foreign and await tx.find(Inventory, connection_id=report.connection_id)
    return bool(kept)


async def _is_over(tx: Reading, emergency_id: RolloutId) -> bool:
    rollout = await tx.find(Rollout, id=emergency_id)
    return rollout is None or rollout.state in ENDED


async def _begin(world: World, report: LeakReport) -> None:
    """Begin the emergency that was set up to begin by itself; what is refused is told to people.

    That is once, of all reports of the secret. Where another worker was quicker, or somebody, the
    next look finds their emergency.
    """
    try:
        await begin_for(world, automatic(report), report, LeakClosing(REASON))
    except CallerError as error:
        log.warning("leak not closed", leak=report.id, why=error.message)
        async with world.store.writing() as tx:
            now = await must(tx.find(LeakReport, id=report.id))
            if await find_closing(tx, now):
                return
            match = await _matched(tx, world, now)
            if now.closes and match:
                await tell_leak(tx, world, now, match, f"{NOT_CLOSED} {error.message}")
            same = {"organization_id": now.organization_id, "hash": now.hash}
            alike = await tx.list(LeakReport, **same, state=State.OPEN)
            await tx.replace(*(replace(each, closes=False) for each in alike if each.closes))
