"""Policies, exceptions and what they find in a real org's inventory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from inventory_kit import PUBLIC, begin, by_service_app, keep, read_whole
from rig import Rig

from keyturn.domain.access import ADMIN, AUDITOR, DEVELOPER, VIEWER, Holding, Role
from keyturn.domain.audit import AuditFilter
from keyturn.domain.compliance import CompliancePolicy, FindingKind
from keyturn.domain.compliance_reports import ReportSchedule
from keyturn.domain.errors import Forbidden, InvalidInput, NotFound, Taken
from keyturn.domain.judging_orgs import AccessSight
from keyturn.domain.selector import Subject, parse_selector
from keyturn.sandbox.state.directory import AppDraft
from keyturn.services.compliance import FindingFilter, list_findings, read_compliance
from keyturn.services.compliance_policies import (
    ExceptionDraft,
    ExceptionView,
    create_exception,
    create_policy,
    delete_exception,
    delete_policy,
    edit_policy,
    list_exceptions,
    list_policies,
)
from keyturn.services.compliance_sights import look_at_accesses
from keyturn.services.connections import delete_okta_connection
from keyturn.services.orders import pause_turn
from keyturn.services.projects import resolve_project
from keyturn.services.turns import rotate

DAY = timedelta(days=1)
NATIVE = {**PUBLIC, "application_type": "native"}


async def ask(rig: Rig, **fields: Any) -> CompliancePolicy:  # noqa: ANN401  fields of a policy
    """Make a policy as the administrator."""
    return await create_policy(rig.world, rig.admin, {"name": "all", **fields})  # type: ignore[typeddict-item]


async def excuse(rig: Rig, selector: str, days: float = 30, **more: Any) -> ExceptionView:  # noqa: ANN401
    """Let some apps off as the administrator."""
    until = rig.clock.now() + days * DAY
    draft = ExceptionDraft(selector, "It is replaced in May.", until, **more)
    return await create_exception(rig.world, rig.admin, draft)


async def found(rig: Rig, **wanted: Any) -> list[tuple[str, str | None]]:  # noqa: ANN401
    """Return kind and app of the findings of apps that are wanted."""
    page = await list_findings(rig.world, rig.admin, FindingFilter(**wanted), limit=1000)
    return [(each.kind.value, each.app_id) for each in page.findings if each.app_id]


async def test_secrets_grow_too_old_by_oktas_own_dates(rig: Rig) -> None:
    """What a rotation keeps young is in no breach; what nobody keeps is, from its day on."""
    kept = await rig.rotation()
    lone = rig.org.create_app(AppDraft("Lone")).id
    await ask(rig, max_age_days=90)
    await begin(rig)
    await rig.live(89 * 86_400)
    assert await found(rig) == []
    await rig.live(2 * 86_400)
    page = await list_findings(rig.world, rig.admin, FindingFilter(breach=True))
    [old] = [each for each in page.findings if each.app_id]
    assert (old.kind, old.app_id, old.label) == (FindingKind.TOO_OLD, lone, "Lone")
    assert old.rotation_id is None
    seen = await read_compliance(rig.world, rig.admin)
    assert len(seen.verdict.applied) == 3  # with Keyturn's own, which has a key
    assert seen.verdict.compliant == 2
    assert {one.rotation_id for one, _ in seen.verdict.applied} == {kept.rotation.id, None}


async def test_a_turn_that_stands_still_is_what_is_to_go_on(rig: Rig) -> None:
    """Nobody is told to begin another one where one is open."""
    kept = await rig.rotation()
    await ask(rig, max_age_days=1)
    await begin(rig)
    await rotate(rig.world, rig.admin, kept.rotation.id)
    await pause_turn(rig.world, rig.admin, kept.rotation.id)
    await rig.live(2 * 86_400)
    page = await list_findings(rig.world, rig.admin, FindingFilter())
    told = {each.todo for each in page.findings if each.rotation_id}
    assert told == {"A turn of its rotation is paused: resume it."}


async def test_each_kind_is_found_in_what_okta_shows(rig: Rig) -> None:
    """Two accepted secrets, a short value, a public client that has one, and what nobody keeps."""
    two = rig.org.create_app(AppDraft("Two", secrets=(None, None))).id
    weak = rig.org.create_app(AppDraft("Weak", secrets=("fourteen-chars",))).id
    native = rig.org.create_app(AppDraft("Phone", application_type="native")).id
    rig.org.create_app(AppDraft("Page", **PUBLIC))
    await rig.rotation()
    await ask(rig, max_overlap_days=7, managed=True, selector="label=*")
    await begin(rig)
    await rig.live(8 * 86_400)
    unkept = ("unmanaged", two), ("unmanaged", weak), ("unmanaged", native)
    told = {("two-active", two), ("weak-value", weak), ("secret-on-public-client", native)}
    assert {*await found(rig)} == told | {*unkept}


async def test_use_is_told_by_oktas_log(rig: Rig) -> None:
    """A secret that somebody uses lies not idle; one that nobody has used since it was watched."""
    idle = rig.org.create_app(AppDraft("Idle")).id
    await ask(rig, unused_days=10)
    await begin(rig)
    await rig.live(5 * 86_400)
    [used] = rig.org.read_app(rig.app_id).live_secrets
    await rig.authenticate(used.value)
    await rig.live(4 * 86_400)
    assert await found(rig) == []
    await rig.live(3 * 86_400)
    assert ("unused", idle) in await found(rig)


async def test_a_policy_counts_from_when_it_is_made(rig: Rig) -> None:
    """It is judged anew each time; what was changed counts at once, and so does its removal."""
    rig.clock.advance(20 * 86_400)
    await read_whole(rig)
    made = await ask(rig, max_age_days=10)
    assert await found(rig) == [("too-old", rig.app_id)]
    after = await edit_policy(rig.world, rig.admin, made.id, {"max_age_days": 30})
    assert (after.max_age_days, after.name, await found(rig)) == (30, "all", [])
    await edit_policy(rig.world, rig.admin, made.id, {"max_age_days": 10, "name": "Short"})
    assert [each.name for each in await list_policies(rig.world, rig.admin)] == ["short"]
    assert await found(rig, policy="short") == await found(rig, policy=made.id)
    await delete_policy(rig.world, rig.admin, made.id)
    assert await found(rig) == []
    assert len((await read_compliance(rig.world, rig.admin)).verdict.uncovered) == 2


async def test_findings_are_chosen(rig: Rig) -> None:
    """By kind, owner, policy, selector, and whether they are excused; page by page."""
    rig.org.create_app(AppDraft("Pay one"))
    rig.clock.advance(20 * 86_400)
    await read_whole(rig)
    await ask(rig, max_age_days=10, managed=True)
    every = await found(rig)
    assert len(every) == 4
    assert await found(rig, kinds=frozenset({FindingKind.TOO_OLD})) == every[:2]
    assert len(await found(rig, selector=parse_selector('label="pay *"'))) == 2
    assert await found(rig, owner="nobody") == []
    await excuse(rig, "label=pay*")
    assert len(await found(rig, breach=True)) == 2
    page = await list_findings(rig.world, rig.admin, offset=1, limit=2)
    assert (len(page.findings), page.total) == (2, 5)


async def test_health_is_told_from_silence(rig: Rig) -> None:
    """A policy that is not there is refused; what is chosen tells how many apps it fits."""
    paying = rig.org.create_app(AppDraft("Pay one")).id
    await read_whole(rig)
    other = await ask(rig, name="other", selector="label=none")
    mine = await ask(rig, name="mine", selector="label=pay*")

    async def apps(**wanted: Any) -> int:  # noqa: ANN401
        return (await list_findings(rig.world, rig.admin, FindingFilter(**wanted))).apps

    assert await apps() == await apps(policy="mine", owner="") == await apps(policy=mine.id) == 1
    assert await apps(selector=parse_selector(f"app={paying}")) == 1
    assert await apps(policy=other.id) == await apps(owner="nobody") == 0
    assert await apps(selector=parse_selector("label=pya-*")) == 0
    for wrong in ("nope", ""):
        with pytest.raises(InvalidInput, match="name or id of a policy"):
            await apps(policy=wrong)


async def test_an_exception_leaves_some_app_out(rig: Rig) -> None:
    """A pattern that fits every app with a client secret is none for some apps."""
    await read_whole(rig)
    await excuse(rig, "label=E*")
    other = rig.org.create_app(AppDraft("Even this")).id
    rig.org.create_app(AppDraft("Page", **PUBLIC))
    await begin(rig)
    await keep(rig)
    for selector in ("label=E*", "app=0oa*", "connection=*okta"):
        with pytest.raises(InvalidInput, match="fits all 2 apps"):
            await excuse(rig, selector)
    kinds = (FindingKind.ACCESS_OVER_PRIVILEGED,)
    await excuse(rig, "connection=*okta", kinds=kinds)
    await excuse(rig, f"app={rig.app_id} app={other}")
    assert len(await list_exceptions(rig.world, rig.admin)) == 3


async def test_what_an_exception_excuses_is_a_breach_again_when_it_ends(rig: Rig) -> None:
    """Its end comes by itself, or when somebody withdraws it."""
    rig.clock.advance(20 * 86_400)
    await read_whole(rig)
    made = await ask(rig, max_age_days=10)
    view = await excuse(rig, f"app={rig.app_id}", days=14, policy_id=made.id)
    assert view.exception.approved_by == "administrator"
    assert await found(rig, breach=True) == []
    seen = await read_compliance(rig.world, rig.admin)
    assert [each.exception.id for each in seen.expiring] == [view.exception.id]
    rig.clock.advance(14 * 86_400)
    assert await found(rig, breach=True) == [("too-old", rig.app_id)]
    assert await list_exceptions(rig.world, rig.admin) == [view]
    again = await excuse(rig, f"app={rig.app_id}")
    assert await found(rig, breach=True) == []
    await delete_exception(rig.world, rig.admin, again.exception.id)
    assert await found(rig, breach=True) == [("too-old", rig.app_id)]
    await delete_policy(rig.world, rig.admin, made.id)
    assert await list_exceptions(rig.world, rig.admin) == []


async def test_what_is_wrong_is_refused_and_nothing_is_changed(rig: Rig) -> None:
    """A name in use, a limit that cannot be, what is not there; each says so."""
    made = await ask(rig)
    other = await ask(rig, name="other")
    with pytest.raises(Taken):
        await ask(rig, name="ALL")
    with pytest.raises(Taken):
        await edit_policy(rig.world, rig.admin, other.id, {"name": "all"})
    with pytest.raises(InvalidInput):
        await edit_policy(rig.world, rig.admin, made.id, {"max_age_days": 0})
    with pytest.raises(InvalidInput):
        await excuse(rig, "")
    with pytest.raises(NotFound):
        await excuse(rig, "app=0oa1", policy_id="nothing")
    for missing in (
        edit_policy(rig.world, rig.admin, "x", {}),
        delete_policy(rig.world, rig.admin, "x"),
    ):
        with pytest.raises(NotFound):
            await missing
    with pytest.raises(NotFound):
        await delete_exception(rig.world, rig.admin, "x")
    assert await list_policies(rig.world, rig.admin) == [made, other]
    assert await list_exceptions(rig.world, rig.admin) == []


async def test_a_policy_that_goes_while_an_exception_is_looked_at_takes_it_along(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No exception is left of a policy that is not there."""
    made = await ask(rig)

    async def look_slowly(*_: object) -> Sequence[Subject]:
        await delete_policy(rig.world, rig.admin, made.id)
        return ()

    monkeypatch.setattr("keyturn.services.compliance_policies.list_excusable", look_slowly)
    with pytest.raises(NotFound):
        await excuse(rig, "label=E*", policy_id=made.id)
    assert await list_exceptions(rig.world, rig.admin) == []


@pytest.mark.parametrize(
    ("role", "everywhere", "reads", "edits"),
    [
        (ADMIN, True, True, True),
        (AUDITOR, True, True, False),
        (VIEWER, True, True, False),
        (DEVELOPER, True, True, False),
        (ADMIN, False, False, False),
        (AUDITOR, False, False, False),
    ],
)
async def test_it_is_for_those_who_hold_a_role_in_every_project(
    rig: Rig,
    role: Role,
    everywhere: bool,  # noqa: FBT001
    reads: bool,  # noqa: FBT001
    edits: bool,  # noqa: FBT001
) -> None:
    """All apps are judged, whosever they are; each try is in the audit log."""
    project_id = None if everywhere else await resolve_project(rig.world, "example")
    caller = replace(rig.admin, id="somebody", holdings=(Holding(role, project_id),))
    tries = (
        (reads, read_compliance(rig.world, caller)),
        (reads, list_policies(rig.world, caller)),
        (edits, create_policy(rig.world, caller, {"name": "mine"})),
    )
    for allowed, trying in tries:
        if allowed:
            await trying
        else:
            with pytest.raises(Forbidden):
                await trying
    async with rig.world.store.reading() as tx:
        told = await tx.list_audit(wanted=AuditFilter(actor="somebody"))
    assert [(e.attempt.verb, e.attempt.allowed) for e in told] == [
        ("compliance:read", reads),
        ("compliance:read", reads),
        ("compliance:edit", edits),
    ]


async def test_reports_are_due_while_there_are_policies(rig: Rig) -> None:
    """The first policy begins them, the last one ends them."""

    async def scheduled() -> int:
        async with rig.world.store.reading() as tx:
            return len(await tx.list(ReportSchedule))

    assert await scheduled() == 0
    first, second = await ask(rig), await ask(rig, name="second")
    assert await scheduled() == 1
    await delete_policy(rig.world, rig.admin, first.id)
    assert await scheduled() == 1
    await delete_policy(rig.world, rig.admin, second.id)
    assert await scheduled() == 0


# --- Keyturn's own access -------------------------------------------------------------------------


async def sights(rig: Rig) -> list[AccessSight]:
    """Return what was seen of Keyturn's own access."""
    async with rig.world.store.reading() as tx:
        return [*await tx.list(AccessSight)]


async def access(rig: Rig) -> list[str]:
    """Look, and return what is found of Keyturn's own access by a service app."""
    await look_at_accesses(rig.world, rig.admin.organization_id)
    page = await list_findings(rig.world, rig.admin, FindingFilter(selector=SERVICE))
    return [each.kind.value for each in page.findings]


SERVICE = parse_selector("connection=service")


def grant(rig: Rig, *scopes: str) -> None:
    """Have the org's service app be granted these scopes besides."""
    app_id = rig.org.seeded.service_app_id
    app = rig.org.read_app(app_id)
    rig.org.store_app(replace(app, grants=(*app.grants, *rig.org.make_grants(scopes, "ada"))))


async def test_what_keyturns_own_app_was_granted_is_looked_at(rig: Rig) -> None:
    """Where it may not see its own grants, that is told; more than it needs is a breach."""
    made = await by_service_app(rig)
    await read_whole(rig)
    assert await access(rig) == ["access-not-known"]
    grant(rig, "okta.appGrants.read")
    assert await access(rig) == []
    since = (await sights(rig))[0].since
    rig.clock.advance(3600)
    grant(rig, "okta.users.manage")
    assert await access(rig) == ["access-over-privileged"]
    rig.clock.advance(3600)
    assert await access(rig) == ["access-over-privileged"]
    [seen] = await sights(rig)
    assert (seen.since - since, seen.seen_at - seen.since) == (timedelta(hours=1),) * 2
    await delete_okta_connection(rig.world, rig.admin, made.id)
    assert await sights(rig) == []


async def test_an_org_that_was_never_read_is_told(rig: Rig) -> None:
    """It would otherwise pass for one without a single old secret."""
    await ask(rig, max_age_days=1)
    seen = await read_compliance(rig.world, rig.admin)
    assert (seen.verdict.complete, seen.breaches) == (False, {"inventory-stale": 1})
    await begin(rig)
    await keep(rig)
    assert (await read_compliance(rig.world, rig.admin)).verdict.complete
