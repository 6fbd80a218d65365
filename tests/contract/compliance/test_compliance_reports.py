"""Reports of compliance: made every day, with evidence that can be checked, and told of."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

import pytest
from inventory_kit import begin, by_service_app, populate, read_whole
from rig import START, Rig

from keyturn.domain.access import VIEWER, Holding
from keyturn.domain.audit import AuditFilter
from keyturn.domain.channel_kinds import ChannelKind
from keyturn.domain.channels import Channel, Dispatch
from keyturn.domain.compliance_reports import (
    KEPT,
    ComplianceReport,
    ReportEvidence,
    ReportSchedule,
    canonical,
    digest,
)
from keyturn.domain.errors import Forbidden, NotFound, OktaUnreachable
from keyturn.domain.ids import ChannelId
from keyturn.domain.notice import Kind, Notice
from keyturn.sandbox.state.directory import AppDraft
from keyturn.services.compliance_files import markdown
from keyturn.services.compliance_files import report as shown
from keyturn.services.compliance_notices import APPS_MAX
from keyturn.services.compliance_policies import ExceptionDraft, create_exception, create_policy
from keyturn.services.compliance_reports import (
    AGAIN,
    StoredEvidence,
    list_reports,
    read_evidence,
    read_report,
    report_due,
)
from keyturn.services.ports import World
from keyturn.wire.compliance import ComplianceEvidence

DAY = timedelta(days=1)


async def reports(rig: Rig) -> list[ComplianceReport]:
    """Return the reports, the oldest first."""
    page = await list_reports(rig.world, rig.admin, limit=1000)
    assert page.total == len(page.reports)
    return [*reversed(page.reports)]


async def newest(rig: Rig) -> StoredEvidence:
    """Return the newest report with its evidence."""
    made = await reports(rig)
    return await read_evidence(rig.world, rig.admin, made[-1].id)


async def policy(rig: Rig, **fields: Any) -> None:  # noqa: ANN401  fields of a policy
    """Make a policy."""
    await create_policy(rig.world, rig.admin, {"name": "all", **fields})  # type: ignore[typeddict-item]


async def test_thirty_days_leave_thirty_one_reports(rig: Rig) -> None:
    """One at once, then one a day; each tells how it was, and what was new."""
    await begin(rig)
    await rig.live(20 * 86_400)
    young = rig.org.create_app(AppDraft("Young")).id
    await policy(rig, max_age_days=30)
    await rig.tick()
    await rig.live(30 * 86_400)
    made = await reports(rig)
    days = [each.made_at.date() for each in made]
    assert days == [(START + (20 + n) * DAY).date() for n in range(31)]
    assert all(each.complete for each in made[1:])
    old = [each.by_kind.get("too-old", 0) for each in made]
    assert old == [0] * 11 + [1] * 20
    assert [each.new_breaches for each in made] == [0] * 11 + [1] + [0] * 19
    assert {(each.apps, each.compliant) for each in made[11:]} == {(3, 2)}
    rig.clock.advance(86_400)
    await rig.tick()
    last = await newest(rig)
    assert last.report.by_kind == {"too-old": 2}
    assert young in last.text.decode()


async def test_evidence_is_what_its_hash_says(rig: Rig) -> None:
    """The hash is in the audit log too, so that both would have to be changed."""
    [secret] = rig.org.read_app(rig.app_id).live_secrets
    rig.clock.advance(20 * 86_400)
    await read_whole(rig)
    await policy(rig, max_age_days=10)
    await report_due(rig.world)
    kept = await newest(rig)
    assert digest(kept.text) == kept.report.sha256
    assert digest(canonical(json.loads(kept.text))) == kept.report.sha256
    told = ComplianceEvidence.model_validate_json(kept.text)
    [finding] = [each for each in told.findings if each.breach]
    assert (finding.app_id, finding.secret_id, finding.policy) == (rig.app_id, secret.id, "all")
    assert {each.app_id: each.active_secrets for each in told.apps}[rig.app_id] == 1
    page = markdown(shown(kept.report), told)
    assert finding.why in page
    assert kept.report.sha256 in page
    for text in (kept.text.decode(), page):
        assert secret.value not in text
    async with rig.world.store.reading() as tx:
        [entry] = await tx.list_audit(wanted=AuditFilter(verb="report"))
    assert entry.attempt.subject == f"compliance report {kept.report.id}"
    assert kept.report.sha256 in entry.attempt.detail


async def test_a_report_is_made_once_however_many_workers_there_are(rig: Rig) -> None:
    """The one that comes first holds it; nobody makes it a second time."""
    await read_whole(rig)
    await policy(rig)
    counts = await asyncio.gather(*(report_due(rig.world) for _ in range(4)))
    assert sum(counts) == len(await reports(rig)) == 1
    assert await report_due(rig.world) == 0


class Died(Exception):
    """The worker is no more."""


@dataclass(frozen=True)
class Slowly:
    """Orgs, and one of them, that take so long to answer that something happens meanwhile."""

    meanwhile: Callable[[], Awaitable[None]]

    def open(self, *_: object, **__: object) -> "Slowly":
        """Return it."""
        return self

    async def find_app(self, *_: object) -> NoReturn:
        """Let it happen, and answer nothing."""
        await self.meanwhile()
        raise OktaUnreachable("read an app", "time is up", effect_possible=False)


def slowly(rig: Rig, meanwhile: Callable[[], Awaitable[None]]) -> World:
    """Return a world whose orgs take long."""
    orgs: Any = Slowly(meanwhile)
    return replace(rig.world, okta=orgs)


async def test_a_worker_that_dies_leaves_the_report_to_the_next(rig: Rig) -> None:
    """It comes due again before long, and is made then."""
    await by_service_app(rig)
    await policy(rig)

    async def die() -> None:
        raise Died

    with pytest.raises(Died):
        await report_due(slowly(rig, die))
    assert await report_due(rig.world) == 0
    rig.clock.advance(AGAIN.total_seconds())
    assert await report_due(rig.world) == 1
    async with rig.world.store.reading() as tx:
        [schedule] = await tx.list(ReportSchedule)
    assert schedule.due_at == datetime(2026, 1, 2, tzinfo=UTC)


async def test_a_worker_that_was_too_slow_writes_nothing(rig: Rig) -> None:
    """Another has made the report meanwhile."""
    await by_service_app(rig)
    await policy(rig)

    async def overtake() -> None:
        rig.clock.advance(AGAIN.total_seconds())
        assert await report_due(rig.world) == 1

    assert await report_due(slowly(rig, overtake)) == 0
    assert len(await reports(rig)) == 1


# --- what people are told -------------------------------------------------------------------------


async def listen(rig: Rig, name: str = "all", selector: str = "") -> None:
    """Have a channel hear of compliance."""
    now = rig.clock.now()
    org_id = rig.admin.organization_id
    kind = ChannelKind.WEBHOOK
    channel = Channel(ChannelId(name), org_id, None, name, kind, (), now, now, selector=selector)
    async with rig.world.store.writing() as tx:
        await tx.add(channel)


async def told(rig: Rig, kind: Kind = Kind.BREACH) -> list[tuple[str, int]]:
    """Return of what was told, and through how many channels each."""
    async with rig.world.store.reading() as tx:
        notices = await tx.list(Notice, kind=kind)
        return [(n.subject, len(await tx.list(Dispatch, notice_id=n.id))) for n in notices]


async def test_people_are_told_of_a_breach_once(rig: Rig) -> None:
    """Of the app itself, through the channels that are for it; not again the next day."""
    rig.org.create_app(AppDraft("Pay one"))
    await listen(rig)
    await listen(rig, "pay", "label=pay*")
    await read_whole(rig)
    await policy(rig, managed=True, selector="label=pay*")
    await report_due(rig.world)
    await report_due(rig.world)
    rig.clock.advance(86_400)
    await report_due(rig.world)
    assert [len((await newest(rig)).report.breaches), len(await reports(rig))] == [1, 2]
    assert await told(rig) == [("Pay one", 2)]


async def test_of_many_breaches_each_owner_is_told_once(rig: Rig) -> None:
    """Nobody reads a thousand letters."""
    populate(rig.org, APPS_MAX)
    await listen(rig)
    await read_whole(rig)
    await policy(rig, managed=True)
    await report_due(rig.world)
    assert await told(rig) == [(f"{APPS_MAX + 1} apps of nobody", 1)]


async def test_people_are_told_before_an_exception_ends(rig: Rig) -> None:
    """Once, two weeks before; not of one that was made for less."""
    await listen(rig)
    await policy(rig)
    for days, label in ((15.5, "long"), (5, "short")):
        until = rig.clock.now() + days * DAY
        draft = ExceptionDraft(f"label={label}", "It is replaced in May.", until)
        await create_exception(rig.world, rig.admin, draft)
        await report_due(rig.world)
    for _ in range(20):
        rig.clock.advance(86_400)
        await report_due(rig.world)
    assert await told(rig, Kind.EXCEPTION_EXPIRES) == [("label=long", 1)]


async def test_evidence_is_forgotten_and_its_hash_is_not(rig: Rig) -> None:
    """A year that is audited, and the time for it; then a file of old can still be checked."""
    await read_whole(rig)
    await policy(rig)
    await report_due(rig.world)
    [first] = await reports(rig)
    rig.clock.advance(KEPT.total_seconds() - 1)
    await report_due(rig.world)
    assert (await read_evidence(rig.world, rig.admin, first.id)).report == first
    rig.clock.advance(86_400)
    await report_due(rig.world)
    with pytest.raises(NotFound, match="forgotten"):
        await read_evidence(rig.world, rig.admin, first.id)
    assert await read_report(rig.world, rig.admin, first.id) == first
    async with rig.world.store.reading() as tx:
        assert len(await tx.list(ReportEvidence)) == 2


async def test_a_report_tells_that_an_org_was_not_known(rig: Rig) -> None:
    """Whoever shows it to an auditor says how much of the whole it is about."""
    await policy(rig, max_age_days=30)
    await report_due(rig.world)
    [made] = await reports(rig)
    assert (made.complete, made.apps, made.by_kind) == (False, 0, {"inventory-stale": 1})


async def test_only_who_may_reads_reports(rig: Rig) -> None:
    """What is not there is not told of either."""
    near = replace(rig.admin, holdings=(Holding(VIEWER, rig.connection.project_id),))
    for trying in (list_reports(rig.world, near), read_report(rig.world, near, "x")):
        with pytest.raises(Forbidden):
            await trying
    with pytest.raises(NotFound):
        await read_report(rig.world, rig.admin, "x")
