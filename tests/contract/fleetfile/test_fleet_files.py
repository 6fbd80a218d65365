"""Fleet files against a real org: planned, applied, exported; twice, and after a crash."""

from dataclasses import replace
from datetime import time
from typing import Any

import pytest
from fleet_file_kit import (
    KEY,
    SELECTED,
    Died,
    DyingStore,
    apply,
    changed,
    plan,
    stocked,
    text_for,
    token,
    told,
)
from inventory_kit import begin, keep, populate, read_whole
from rig import Rig, rigged

from keyturn.domain.access import ADMIN, VIEWER, Caller, Holding
from keyturn.domain.audit import AuditFilter
from keyturn.domain.errors import Forbidden, InvalidInput, Refused
from keyturn.domain.schedule import Schedule
from keyturn.sandbox.state.directory import AppDraft
from keyturn.services.compliance_policies import create_policy, list_policies
from keyturn.services.fleet_files import (
    Application,
    FleetOrder,
    apply_fleet,
    export_fleet,
    plan_fleet,
)
from keyturn.services.identity_changes import create_identity, list_identities
from keyturn.services.projects import resolve_project
from keyturn.services.rotations import RotationChange, update_rotation, views_for
from keyturn.services.schedules import ScheduleChange

PAID = SELECTED.replace("app-*", "pay*")


async def test_a_file_is_planned_applied_and_then_there_is_nothing_to_do(rig: Rig) -> None:
    """Things come in the order in which they need each other; what is not in the file stays."""
    text = await stocked(rig)
    planned = await plan(rig, text)
    assert told(planned.changes) == [
        "create project shop",
        "update environment shop/prod",
        "create environment shop/test",
        "create folder shop/prod/okta",
        "create folder shop/prod/okta/pay",
        "create connection second",
        "create compliance policy all",
        "create policy exception all findings of all: label=app-*",
        "adopt rotation shop/prod/okta/pay:web",
        "adopt rotation example/dev/:app-00000",
        "adopt rotation example/dev/:app-00001",
        "create destination example/dev/:file",
        "create channel pager",
        "create role turner",
        "create role shop/reader",
        "create identity pipeline",
        "create project roles pipeline/shop",
    ]
    assert (planned.calls, planned.lasts_s > 0, planned.notes) == (20, True, [])
    assert planned.references == ["env:TOKEN", "env:KEY"]
    assert "example/staging" in {each.name for each in planned.left}
    rig.calls()
    await plan(rig, text)
    assert rig.calls() == []
    applied = await apply(rig, text)
    assert (len(applied.done), applied.failed, applied.left) == (17, [], [])
    assert len(rig.calls()) <= planned.calls
    after = await plan(rig, text)
    assert after.changes == ()
    assert {"shop/dev", "shop/staging"} < {each.name for each in after.left}
    views = {v.rotation.name: v.rotation for v in await views_for(rig.world, rig.admin, None)}
    assert views["web"].mapping.client_id == "WEB_ID"
    assert views["web"].schedule == Schedule(1, time(0), every="12h", windows="Mo-Fr 09:00-17:00")
    assert views["app-00000"].policy.overlap_s == 900


async def test_an_export_changes_nothing(rig: Rig) -> None:
    """What is exported plans to no change, before and after, and after schedules of each form."""
    text = await stocked(rig)
    for _ in range(2):
        exported = await export_fleet(rig.world, rig.admin)
        assert await changed(rig, exported) == []
        await apply(rig, text)
    for view in await views_for(rig.world, rig.admin, None):
        change = ScheduleChange(cron="30 2 * * sun", zone="Europe/Berlin", blackouts="2026-12-24")
        schedule = RotationChange(schedule=change, description='yes: "no" # ü\u2028\n')
        await update_rotation(rig.world, rig.admin, view.rotation.id, schedule)
        exported = await export_fleet(rig.world, rig.admin)
        assert await changed(rig, exported) == []


async def test_a_plan_shows_what_was_changed_by_hand(rig: Rig) -> None:
    """Only what the file says is compared, and put right again."""
    text = await stocked(rig)
    await apply(rig, text)
    views = {v.rotation.name: v for v in await views_for(rig.world, rig.admin, None)}
    by_hand = RotationChange(schedule=ScheduleChange(interval_days=7), description="mine")
    await update_rotation(
        rig.world, rig.admin, views["web"].rotation.id, replace(by_hand, described=True)
    )
    [change] = (await plan(rig, text)).changes
    [field] = change.fields
    before: Any = field.before
    assert (change.item.name, field.name) == ("shop/prod/okta/pay:web", "schedule")
    assert before["intervalDays"] == 7
    await apply(rig, text)
    assert await changed(rig, text) == []


async def test_each_kind_of_thing_is_changed(rig: Rig) -> None:
    """What the file says otherwise than before is changed, and nothing else."""
    text = await stocked(rig)
    await apply(rig, text)
    for old, new in (
        ("name: Live", "name: Production"),
        ("credential: kept}", "credential: kept, description: Ours}"),
        ("overlapSeconds: 900", "overlapSeconds: 1200"),
        ("path: a.json", "path: b.json"),
        ("role: turner", "role: no-access"),
        ("[developer, reader]", "[developer, viewer]"),
        ("paths: [/okta/**]", "environments: [prod]"),
        ("pager.test", "other.test"),
        (
            'digest: daily, digestAt: "08:00"',
            'digest: hourly, quietFrom: "22:00", quietTo: "06:00"',
        ),
        ("2026-06-01", "2026-05-01T12:00:00Z"),
        ("maxAgeDays: 90", "maxAgeDays: 0"),
        ('clientId: "{NAME}_ID"', 'clientId: "{NAME}_CLIENT"'),
        ("every: 12h", "every: 30d"),
    ):
        text = text.replace(old, new)
    assert await changed(rig, text) == [
        "update environment shop/prod",
        "update connection okta",
        "update compliance policy all",
        "update policy exception all findings of all: label=app-*",
        "update rotation shop/prod/okta/pay:web",
        "update rotation example/dev/:app-00000",
        "update rotation example/dev/:app-00001",
        "update destination example/dev/:file",
        "update channel pager",
        "update role shop/reader",
        "update identity pipeline",
        "update project roles pipeline/shop",
    ]
    assert (await apply(rig, text)).failed == []
    assert await changed(rig, text) == []


async def test_what_is_not_in_the_file_goes_only_when_asked(rig: Rig) -> None:
    """Nothing that keeps a secret goes, nor whoever applies the file."""
    await create_identity(rig.world, rig.admin, "stale", role="viewer")
    await create_policy(rig.world, rig.admin, {"name": "stale"})
    await rig.rotation()
    text = "version: 1\nidentities: []\ncompliancePolicies: []\nrotations: []\nprojects: []\n"
    assert await changed(rig, text) == []
    assert await changed(rig, f"{text}prune: true\n") == await changed(rig, text, prune=True)
    applied = await apply(rig, text, prune=True)
    assert applied.failed == []
    assert sorted(told(applied.done)) == [
        "delete compliance policy stale",
        "delete identity example-machine",
        "delete identity stale",
    ]
    assert await list_policies(rig.world, rig.admin) == []
    names = {v.identity.name for v in await list_identities(rig.world, rig.admin, person=False)}
    assert names == {"administrator"}
    assert len(await views_for(rig.world, rig.admin, None)) == 1


async def test_roles_that_are_not_in_the_file_can_go(rig: Rig) -> None:
    """The roles of an identity in a project go alone."""
    text = "version: 1\nidentities: [{name: one, projects: {example: [viewer]}}]\n"
    await apply(rig, text)
    less = "version: 1\nidentities: [{name: one}, {name: example-machine}]\nprune: true\n"
    doomed = "delete project roles one/example"
    assert doomed in await changed(rig, less)
    await apply(rig, less)
    assert await changed(rig, less) == []


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("every", [9, pytest.param(1, marks=pytest.mark.slow)])
async def test_a_crash_at_any_commit_is_made_good_by_applying_again(
    moment: str, every: int
) -> None:
    """Whatever was done stays done, what was not is done, and no app has a secret too many."""
    nth, died = 1 - every, True
    while died:
        nth, died = nth + every, False
        async with rigged() as rig:
            text, healthy = await stocked(rig, 1), rig.world
            rig.world = replace(healthy, store=DyingStore(healthy.store, nth, moment))
            try:
                await apply(rig, text)
            except Died:
                died = True
            rig.world = healthy
            assert (await apply(rig, text)).failed == []
            assert await changed(rig, text) == []
            assert len(rig.living()) == 1
    assert nth > 10


@pytest.mark.parametrize("apps", [20, pytest.param(300, marks=pytest.mark.slow)])
async def test_hundreds_of_apps_are_adopted_by_one_selector(rig: Rig, apps: int) -> None:
    """Part by part, each by the plan of what is left; every app keeps the secret that it had."""
    text = await stocked(rig, apps)
    planned = await plan(rig, text)
    order, credentials = FleetOrder(text), token(rig)
    plan_hash, parts = planned.plan_hash, 0
    while True:
        how = Application(plan_hash, credentials, most=apps // 3)
        part = await apply_fleet(rig.world, rig.admin, order, how)
        plan_hash, parts = part.plan_hash, parts + 1
        waits = [each.retry_after_s for each in part.failed]
        if not part.left:
            break
        assert None not in waits
        rig.clock.advance(max((each or 0 for each in waits), default=0))
        rig.clock.advance(1)
    assert parts >= 4
    assert await changed(rig, text) == []
    assert len(await views_for(rig.world, rig.admin, None)) == apps + 1
    exported = await export_fleet(rig.world, rig.admin)
    assert await changed(rig, exported) == []


async def test_names_that_two_apps_would_share_are_told_apart(rig: Rig) -> None:
    """They stay the same when only some of the apps are taken over yet."""
    for label in ("Pay!", "pay", "Pay?"):
        rig.org.create_app(AppDraft(label))
    await read_whole(rig)
    text = PAID
    first = await changed(rig, text)
    assert len({*first}) == 3
    assert (await apply(rig, text, most=1)).failed == []
    assert await changed(rig, text) == first[1:]
    await apply(rig, text)
    assert await changed(rig, text) == []


async def test_a_selection_by_group_is_known_once_the_group_was_read(rig: Rig) -> None:
    """Half of a group is not taken for all of it, and a group that nobody reads is refused."""
    group, apps = rig.org.groups.create({"name": "Payments"}), populate(rig.org, 2)
    rig.org.groups.assign(group.id, rig.org.read_app(apps[0]))
    await read_whole(rig)
    text = PAID.replace("label=pay*", "group=payments")
    with pytest.raises(InvalidInput, match=r"\{label-slug\}\.select: .*\(line 4\)"):
        await plan(rig, text)
    limits = replace(rig.world.limits, inventory_groups=("Payments",))
    rig.world = replace(rig.world, limits=limits)
    planned = await plan(rig, text)
    assert planned.changes == ()
    assert "Which apps the groups of okta have is not known yet" in planned.notes[0]
    await begin(rig)
    await keep(rig)
    assert await changed(rig, text) == ["adopt rotation example/dev/:app-00000"]


async def test_a_selection_that_is_not_known_yet_is_told(rig: Rig) -> None:
    """Nothing is taken over by an inventory that was never read; apps that cannot be are left."""
    populate(rig.org, 1)
    text = text_for(rig).replace("select: label=app-*", "select: label=*")
    planned = await plan(rig, text)
    assert "is not known: run `keyturn inventory read`" in planned.notes[0]
    await read_whole(rig)
    planned = await plan(rig, text)
    [note] = planned.notes
    assert note.startswith("Left out of label=* (line 18): 1 app without a client secret to turn")


async def test_what_is_about_to_end_is_left_alone(rig: Rig) -> None:
    """A rotation that ends keeps its app from a selection until it has ended."""
    kept = await rig.rotation()
    await read_whole(rig)
    async with rig.world.store.writing() as tx:
        await tx.replace(replace(kept.rotation, ending=True))
    text = text_for(rig).replace("label=app-*", f"app={rig.app_id}")
    text = text[: text.index("  - {name: web")] + text[text.index('  - name: "{label-slug}"') :]
    assert not [each for each in await changed(rig, text) if each.startswith("adopt")]


async def test_only_what_was_looked_at_is_applied(rig: Rig) -> None:
    """Where the plan is another by now, nothing is done."""
    text = await stocked(rig)
    stale = (await plan(rig, text)).plan_hash
    await create_policy(rig.world, rig.admin, {"name": "all"})
    with pytest.raises(Refused, match="plan again"):
        await apply_fleet(rig.world, rig.admin, FleetOrder(text), Application(stale))
    assert len(await views_for(rig.world, rig.admin, None)) == 0


async def test_a_failure_stops_the_rest_or_only_what_needs_it(rig: Rig) -> None:
    """It is told what was done, what failed and what is left; nothing of a value is in it."""
    text = await stocked(rig)
    wrong = {"credentials": {}}
    applied = await apply(rig, text, **wrong)
    assert (len(applied.done), len(applied.left)) == (5, 12)
    [failed] = applied.failed
    assert "is env:TOKEN: a value is needed" in failed.why
    applied = await apply(rig, text, keep_going=True, **wrong)
    assert told([each.change for each in applied.failed]) == [
        "create connection second",
        "adopt rotation shop/prod/okta/pay:web",
        "create channel pager",
        "create role turner",
        "create identity pipeline",
        "create project roles pipeline/shop",
    ]
    assert (await apply(rig, text)).left == []


async def test_parts_that_keep_going_pass_over_what_was_tried_in_vain(rig: Rig) -> None:
    """Each change is tried once, whatever fails, and however small the parts are."""
    text, tried = await stocked(rig), list[str]()
    plan_hash, passed = (await plan(rig, text)).plan_hash, 0
    while True:
        how = Application(plan_hash, {}, most=2, keep_going=True, pass_over=passed)
        part = await apply_fleet(rig.world, rig.admin, FleetOrder(text), how)
        plan_hash, passed = part.plan_hash, passed + len(part.failed)
        if not (part.done or part.failed):
            break
        tried += told([*part.done, *(each.change for each in part.failed)])
    assert len(tried) == len({*tried}) == 17
    assert passed == len(part.left) == 6


async def test_no_value_of_a_secret_is_told(rig: Rig) -> None:
    """Not in a plan, nor in what was done or failed, nor in an export or the audit log."""
    text = await stocked(rig)
    planned = await plan(rig, text)
    applied = await apply(rig, text)
    exported = await export_fleet(rig.world, rig.admin)
    async with rig.world.store.reading() as tx:
        log = await tx.list_audit(wanted=AuditFilter())
    everything = repr((planned, applied, exported, log))
    secrets = [each.value for app in rig.org.apps.values() for each in app.secrets]
    for value in (rig.org.seeded.api_token, KEY, *secrets):
        assert value not in everything


async def test_it_is_for_those_who_hold_a_role_in_every_project(rig: Rig) -> None:
    """And each change takes the right to it."""
    text = await stocked(rig)
    project_id = await resolve_project(rig.world, "example")

    def somebody(holding: Holding) -> Caller:
        return replace(rig.admin, name="somebody", holdings=(holding,))

    near = somebody(Holding(ADMIN, project_id))
    for tried in (
        plan_fleet(rig.world, near, FleetOrder(text)),
        apply_fleet(rig.world, near, FleetOrder(text), Application("")),
        export_fleet(rig.world, near),
    ):
        with pytest.raises(Forbidden):
            await tried
    viewer = somebody(Holding(VIEWER))
    text = text[: text.index("roles:")] + text[text.index("compliancePolicies:") :]
    planned = await plan_fleet(rig.world, viewer, FleetOrder(text))
    how = Application(planned.plan_hash, token(rig), keep_going=True)
    applied = await apply_fleet(rig.world, viewer, FleetOrder(text), how)
    assert applied.done == []
    assert len(applied.failed) == len(planned.changes)
    assert "somebody may not project:create" in applied.failed[0].why
