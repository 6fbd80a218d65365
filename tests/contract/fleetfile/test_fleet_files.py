"""Fleet files against a real org: planned, applied, exported; twice, and after a crash."""

from dataclasses import replace
from datetime import time
from typing import Any

import pytest
from fleet_file_kit import Died, DyingStore, apply, changed, plan, text_for, token, told
from inventory_kit import populate, read_whole
from rig import ORG_URL, START, Rig, rigged

from keyturn.domain.access import ADMIN, VIEWER, Caller, Holding
from keyturn.domain.audit import AuditFilter
from keyturn.domain.budget import Window
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
from keyturn.services.ports import OktaOrgs
from keyturn.services.projects import resolve_project
from keyturn.services.rotations import RotationChange, update_rotation, views_for
from keyturn.services.schedules import ScheduleChange


async def stocked(rig: Rig, apps: int = 2) -> str:
    """Have some apps in the inventory, and return a file about everything."""
    populate(rig.org, apps)
    await read_whole(rig)
    return text_for(rig)


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
        "adopt rotation shop/prod/okta/pay:web",
        "adopt rotation example/dev/:app-00000",
        "adopt rotation example/dev/:app-00001",
        "create destination example/dev/:file",
        "create identity pipeline",
        "create project roles pipeline/shop",
    ]
    assert (planned.calls, planned.lasts_s > 0, planned.notes) == (10, True, [])
    assert planned.references == ["env:TOKEN"]
    assert "example/staging" in {each.name for each in planned.left}
    rig.calls()
    await plan(rig, text)
    assert rig.calls() == []
    applied = await apply(rig, text)
    assert (len(applied.done), applied.failed, applied.left) == (13, [], [])
    asked = [each for each in rig.calls() if each["route"].startswith("/api/v1/apps")]
    assert len(asked) <= planned.calls
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
        ("role: viewer", "role: no-access"),
        ("[developer]", "[developer, viewer]"),
        ("maxAgeDays: 90", "maxAgeDays: 0"),
        ('clientId: "{NAME}_ID"', 'clientId: "{NAME}_CLIENT"'),
        ("every: 12h", "every: 30d"),
    ):
        text = text.replace(old, new)
    assert await changed(rig, text) == [
        "update environment shop/prod",
        "update connection okta",
        "update compliance policy all",
        "update rotation shop/prod/okta/pay:web",
        "update rotation example/dev/:app-00000",
        "update rotation example/dev/:app-00001",
        "update destination example/dev/:file",
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
async def test_a_crash_at_any_commit_is_made_good_by_applying_again(moment: str) -> None:
    """Whatever was done stays done, what was not is done, and no app has a secret too many."""
    nth, died = 0, True
    while died:
        nth, died = nth + 1, False
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


async def test_hundreds_of_apps_are_adopted_by_one_selector(rig: Rig) -> None:
    """Part by part, each by the plan of what is left; every app keeps the secret that it had."""
    text = await stocked(rig, 300)
    planned = await plan(rig, text)
    order, credentials = FleetOrder(text), token(rig)
    plan_hash, parts = planned.plan_hash, 0
    while True:
        how = Application(plan_hash, credentials, most=100)
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
    assert len(await views_for(rig.world, rig.admin, None)) == 301
    exported = await export_fleet(rig.world, rig.admin)
    assert await changed(rig, exported) == []


async def test_names_that_two_apps_would_share_are_told_apart(rig: Rig) -> None:
    """They stay the same when only some of the apps are taken over yet."""
    for label in ("Pay!", "pay", "Pay?"):
        rig.org.create_app(AppDraft(label))
    await read_whole(rig)
    text = """
version: 1
rotations:
  - name: "{label-slug}"
    project: example
    environment: dev
    connection: okta
    select: label=pay*
    mapping: {clientId: "{NAME}_ID", clientSecret: "{NAME}_SECRET"}
"""
    first = await changed(rig, text)
    assert len({*first}) == 3
    assert (await apply(rig, text, most=1)).failed == []
    assert await changed(rig, text) == first[1:]
    await apply(rig, text)
    assert await changed(rig, text) == []


async def test_a_selection_that_is_not_known_yet_is_told(rig: Rig) -> None:
    """Nothing is taken over by an inventory that was never read; apps that cannot be are left."""
    populate(rig.org, 1)
    text = text_for(rig).replace("label=app-*", "label=*")
    planned = await plan(rig, text)
    assert "is not known: run `keyturn inventory read`" in planned.notes[0]
    await read_whole(rig)
    planned = await plan(rig, text)
    assert "1 apps that label=*" in planned.notes[0]


# --- what is refused ------------------------------------------------------------------------------


async def test_everything_wrong_is_told_at_once_and_nothing_is_changed(rig: Rig) -> None:
    """Each finding names the field and the line, and quotes no value."""
    text = """
version: 1
colour: red
projects:
  - {slug: Shop}
connections:
  - {name: okta, instanceUrl: "x", method: canary-method, credential: canary-secret}
rotations:
  - {name: web, app: 7}
identities:
  - {}
"""
    with pytest.raises(InvalidInput) as told_of:
        await plan(rig, text)
    message = str(told_of.value)
    for expected in (
        "file: has no colour; known are version",
        "(line 3)",
        "projects[0].slug: must look so",
        "connections[0].method: must be one of api-token, oauth-service-app (line 7)",
        "connections[0].credential: must look so",
        "rotations[0].app: must be a text (line 9)",
        "identities[0].name: Required (line 11)",
    ):
        assert expected in message
    assert "canary" not in message


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("version: 2", "version: must be 1 (line 1)"),
        ("[]", "file: must be a mapping"),
        ("a: &b 1", "no anchors and aliases"),
        ("version: 1\nversion: 1", "stands here twice"),
        ("version: 1\nidentities: [{name: a}, {name: a}]", "is in the file twice (line 2)"),
        ("version: 1\nidentities: [{name: a, projects: {b: []}}]", "some roles in a project"),
        (
            "version: 1\ncompliancePolicies: [{name: a, selector: 'x=1'}]",
            "compliance policy a.selector: must be terms like",
        ),
        (
            "version: 1\nrotations: [{name: a}]",
            "mapping.clientSecret: Required, here or in defaults (line 2)",
        ),
        (
            (
                "version: 1\nconnections: [{name: a, instanceUrl: 'https://a.okta.com', method: "
                "oauth-service-app}]"
            ),
            "must be given for a service app",
        ),
        (
            (
                "version: 1\nconnections: [{name: a, instanceUrl: 'ftp://a', method: api-token, "
                "credential: stdin}]"
            ),
            "connection a.instanceUrl",
        ),
        (
            (
                "version: 1\nconnections: [{name: a, instanceUrl: 'https://a.okta.com', method: "
                "api-token, credential: kept}]"
            ),
            "connection a.credential: is needed: say env:NAME, file:PATH or stdin (line 2)",
        ),
        (
            "version: 1\nprojects: [{slug: example, name: Other}]",
            "project example.name: is 'Example' and cannot be changed (line 2)",
        ),
    ],
)
async def test_what_cannot_be_is_refused(rig: Rig, text: str, why: str) -> None:
    """Whose fault it is, where, and what to do."""
    with pytest.raises(InvalidInput) as found:
        await plan(rig, text)
    assert why in str(found.value)


ROTATION = """
version: 1
rotations:
  - name: web
    project: example
    environment: dev
    connection: okta
    app: 0oa1
    mapping: {clientId: A, clientSecret: B}
"""


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("app: 0oa1", "select: 'rotation=x'", "must pick apps by app, auth"),
        ("app: 0oa1", "select: 'label=x'", "must hold {label-slug} or {app}"),
        ("app: 0oa1", "select: 'label=x'", "must hold {NAME} in each name"),
        ("app: 0oa1", "schedule: {}", "must be given, or select instead"),
        ("name: web", 'name: "{app}"', "must be a slug; a template goes with select"),
        ("app: 0oa1", "app: 0oa1\n    schedule: {every: 1x}", "schedule.every: must be 5 min"),
        ("app: 0oa1", "app: 0oa1\n    policy: {overlapSeconds: 1}", "must be at least 300"),
    ],
)
async def test_a_rotation_that_cannot_be_is_refused(rig: Rig, old: str, new: str, why: str) -> None:
    """With its line, before anything is changed."""
    with pytest.raises(InvalidInput) as found:
        await plan(rig, ROTATION.replace(old, new))
    assert why in str(found.value)
    assert "(line 4)" in str(found.value)


async def test_an_app_that_is_kept_is_not_taken_over_again(rig: Rig) -> None:
    """Neither by a file's rotation, nor by one whose connection is nowhere."""
    kept = await rig.rotation()
    text = ROTATION.replace("0oa1", kept.rotation.client_id)
    with pytest.raises(InvalidInput, match=r"is kept by rotation example/dev/:my-okta-rotation"):
        await plan(rig, text)
    with pytest.raises(InvalidInput, match="connection: is not there, and not in the file"):
        await plan(rig, ROTATION.replace("okta", "nowhere"))
    same = text.replace("web", "my-okta-rotation").replace("A,", "OKTA_CLIENT_ID,")
    same = same.replace("B}", "OKTA_CLIENT_SECRET}")
    assert await changed(rig, same) == []
    other = same.replace(kept.rotation.client_id, "0oa1")
    with pytest.raises(InvalidInput, match=r"app: is '0oa\w+' and cannot be changed"):
        await plan(rig, other)


async def test_what_is_about_to_end_is_left_alone(rig: Rig) -> None:
    """A rotation that ends keeps its app from a selection until it has ended."""
    kept = await rig.rotation()
    await read_whole(rig)
    async with rig.world.store.writing() as tx:
        await tx.replace(replace(kept.rotation, ending=True))
    text = text_for(rig).replace("label=app-*", f"app={rig.app_id}")
    text = text[: text.index("  - {name: web")] + text[text.index('  - name: "{label-slug}"') :]
    assert not [each for each in await changed(rig, text) if each.startswith("adopt")]


class Telling:
    """The ways to Okta, where an answer has told this rate limit last."""

    def __init__(self, okta: OktaOrgs, limit: int) -> None:
        self._okta = okta
        self._limit = limit

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  whatever they have
        return getattr(self._okta, name)

    async def list_windows(self) -> list[Window]:
        """List the one window, and one that has nothing to do with apps."""
        told = (ORG_URL, "me", "/api/v1/apps", self._limit), (ORG_URL, "me", "/api/v1/logs", 1)
        return [Window(*each, remaining=1, resets_at=START) for each in told]


async def test_how_long_it_takes_is_told_by_the_rate_that_okta_allows(rig: Rig) -> None:
    """By what its answers have told last, less what is kept for others."""
    text, lasts = ROTATION.replace("0oa1", rig.app_id), []
    for limit in (50, 500):
        okta: Any = Telling(rig.world.okta, limit)
        planned = await plan_fleet(replace(rig.world, okta=okta), rig.admin, FleetOrder(text))
        assert planned.calls == 3
        lasts.append(planned.lasts_s)
    assert lasts == [4, 0]


async def test_a_name_of_two_identities_is_refused(rig: Rig) -> None:
    """Nobody can say which of them is meant."""
    for _ in range(2):
        await create_identity(rig.world, rig.admin, "twin")
    with pytest.raises(InvalidInput, match="name of several identities"):
        await plan(rig, "version: 1\nidentities: [{name: twin}]")


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
    assert (len(applied.done), len(applied.left)) == (5, 8)
    [failed] = applied.failed
    assert "is env:TOKEN: a value is needed" in failed.why
    applied = await apply(rig, text, keep_going=True, **wrong)
    assert told([each.change for each in applied.failed]) == [
        "create connection second",
        "adopt rotation shop/prod/okta/pay:web",
    ]
    assert (await apply(rig, text)).left == []


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
    for value in (rig.org.seeded.api_token, *secrets):
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
    text = text[: text.index("identities:")] + text[text.index("compliancePolicies:") :]
    planned = await plan_fleet(rig.world, viewer, FleetOrder(text))
    how = Application(planned.plan_hash, token(rig), keep_going=True)
    applied = await apply_fleet(rig.world, viewer, FleetOrder(text), how)
    assert applied.done == []
    assert len(applied.failed) == len(planned.changes)
    assert "somebody may not project:create" in applied.failed[0].why
