"""The apps of an org, for who chooses one: what they have, what is in the way, what keeps them."""

from dataclasses import replace
from typing import Any

import pytest
from inventory_kit import begin, read_whole
from rig import SECRETS, Rig

from keyturn.domain.access import DEVELOPER, VIEWER, Caller, Grant, Holding, Role, Verb
from keyturn.domain.audit import AuditFilter
from keyturn.domain.connection import OktaConnection
from keyturn.domain.errors import Forbidden, NotFound, OktaRefused
from keyturn.domain.okta import CredentialKind
from keyturn.sandbox import Fault
from keyturn.sandbox.state.directory import AppDraft
from keyturn.services.apps import AppRotation, AppView, list_apps
from keyturn.services.projects import resolve_project


async def listed(rig: Rig, label: str = "", **more: Any) -> list[AppView]:  # noqa: ANN401
    """List apps as the administrator."""
    return [*(await list_apps(rig.world, rig.admin, rig.connection.id, label=label, **more)).apps]


async def only(rig: Rig, label: str) -> AppView:
    """Return the one app whose label begins so."""
    (found,) = await listed(rig, label)
    return found


async def near(rig: Rig, role: Role) -> Caller:
    """Return somebody who holds a role in the project alone."""
    project_id = await resolve_project(rig.world, "example")
    return replace(rig.admin, id="near", holdings=(Holding(role, project_id),))


async def test_apps_are_found_by_how_their_labels_begin(rig: Rig) -> None:
    """In any case of letters; and by an app's id, as whoever comes from Okta's console has it."""
    app_id = rig.org.create_app(AppDraft("Payroll web")).id
    rig.org.create_app(AppDraft("Web of payroll"))
    assert [each.app.label for each in await listed(rig, " pay")] == ["Payroll web"]
    assert [each.app.id for each in await listed(rig, app_id)] == [app_id]
    assert await listed(rig, "0oa00000000000000000") == []
    assert await listed(rig, "nothing") == []


async def test_a_page_ends_and_says_so(rig: Rig) -> None:
    """As many as were asked for, fifty at most, each with its own call for its secrets."""
    for number in range(60):
        rig.org.create_app(AppDraft(f"Many {number:02}"))
    rig.calls()
    found = await list_apps(rig.world, rig.admin, rig.connection.id, label="many", limit=3)
    assert [each.app.label for each in found.apps] == ["Many 00", "Many 01", "Many 02"]
    assert found.more
    assert [call["route"] for call in rig.calls()].count(SECRETS) == 3
    found = await list_apps(rig.world, rig.admin, rig.connection.id, label="many", limit=1000)
    assert (len(found.apps), found.more) == (50, True)


async def test_what_no_rotation_keeps_comes_first(rig: Rig) -> None:
    """Also where Okta lists it last, and no more is shown than one app."""
    await rig.rotation()
    label = rig.org.read_app(rig.app_id).label
    free = rig.org.create_app(AppDraft(f"{label} that nobody turns")).id
    (shown,) = await listed(rig, label, limit=1)
    assert (shown.app.id, shown.rotation) == (free, None)


async def test_labels_are_searched_inside_where_there_is_an_inventory(rig: Rig) -> None:
    """Okta itself looks at how they begin alone; what is gone since is left out."""
    inside = rig.org.create_app(AppDraft("Web of payroll")).id
    gone = rig.org.create_app(AppDraft("Old payroll")).id
    assert await listed(rig, "payroll") == []
    await begin(rig)
    await read_whole(rig)
    rig.org.deactivate_app(gone)
    rig.org.delete_app(gone)
    begins = rig.org.create_app(AppDraft("Payroll web")).id
    assert [each.app.id for each in await listed(rig, "payroll")] == [begins, inside]
    assert [each.app.id for each in await listed(rig, "payroll", limit=1)] == [begins]
    assert await listed(rig, "yr") == []
    rig.org.add_fault(Fault("error-before-effect", "GET", "/api/v1/apps/{appId}", status=403))
    assert [each.app.id for each in await listed(rig, "payroll")] == [begins]


async def test_secrets_are_told_by_age_and_never_by_value(rig: Rig) -> None:
    """Those that a rotation has made or adopted are known, others are foreign."""
    app_id = rig.org.create_app(AppDraft("Lone")).id
    made_at = rig.clock.now()
    rig.clock.advance(86_400)
    lone = await only(rig, "Lone")
    assert [(each.created_at, each.known) for each in lone.secrets or ()] == [(made_at, False)]
    assert (lone.foreign, lone.crowded, lone.unread) == (1, False, False)
    value = rig.org.read_app(app_id).live_secrets[0].value
    assert value not in repr(lone)


async def test_a_second_foreign_secret_stands_in_the_way(rig: Rig) -> None:
    """A turn needs room that Okta does not have; whoever chooses the app is told before."""
    app_id = rig.org.create_app(AppDraft("Lone")).id
    rig.org.create_secret(app_id)
    assert (await only(rig, "Lone")).crowded
    kept = (await rig.rotation()).rotation
    label = rig.org.read_app(rig.app_id).label
    seen = await only(rig, label)
    assert (seen.foreign, seen.crowded) == (0, False)
    assert seen.rotation == AppRotation(kept.id, kept.name, "example/dev/")
    rig.org.create_secret(rig.app_id)
    assert (await only(rig, label)).crowded


@pytest.mark.parametrize(
    ("draft", "kinds"),
    [
        (AppDraft("x"), [CredentialKind.CLIENT_SECRET]),
        (AppDraft("x", auth_method="private_key_jwt", secrets=()), [CredentialKind.CLIENT_KEY]),
        (AppDraft("x", auth_method="none", secrets=()), []),
        (AppDraft("x", active=False), []),
    ],
    ids=["secret", "key", "public", "inactive"],
)
async def test_each_app_says_what_would_fit_it(
    rig: Rig, draft: AppDraft, kinds: list[CredentialKind]
) -> None:
    """What cannot be turned is listed all the same, so that nobody looks for it in vain."""
    rig.org.create_app(draft)
    found = await only(rig, "x")
    assert [*found.kinds] == kinds
    assert (found.secrets is None) is (draft.secrets == ())
    assert not found.unread


async def test_keyturns_own_app_is_turned_by_its_connection(rig: Rig) -> None:
    """It is not offered to rotations, which would end the key that the connection needs."""
    client = rig.org.create_app(
        AppDraft("Keyturn", auth_method="private_key_jwt", application_type="service", secrets=())
    )
    async with rig.world.store.writing() as tx:
        (stored,) = await tx.list(OktaConnection)
        await tx.replace(replace(stored, client_id=client.client_id))
    assert (await only(rig, "Keyturn")).kinds == [CredentialKind.CONNECTION_KEY]


async def test_what_okta_has_no_room_for_is_left_unread(rig: Rig) -> None:
    """The list is shown all the same; turns are not kept from their calls by it."""
    for number in range(60):
        rig.org.create_app(AppDraft(f"Many {number:02}"))
    rig.org.add_fault(Fault("rate-limit", route=SECRETS, skip=2))
    found = await listed(rig, "many")
    assert len(found) == 20
    assert {each.unread for each in found} == {True, False}
    assert all(each.crowded is False for each in found)


async def test_background_calls_leave_half_of_the_window(rig: Rig) -> None:
    """However often somebody types, what turns need of the rate limit is kept."""
    for number in range(60):
        rig.org.create_app(AppDraft(f"Many {number:02}"))
    found = [await listed(rig, "many", limit=50) for _ in range(4)]
    assert any(each.unread for page in found for each in page)
    windows = [w for w in await rig.world.okta.list_windows() if w.bucket == "api/v1/apps"]
    assert all(window.remaining >= window.limit // 2 - 4 for window in windows)


async def test_a_list_that_okta_refuses_is_an_error(rig: Rig) -> None:
    """Whoever chooses among nothing must know that it is not for lack of apps."""
    rig.org.api_tokens.clear()
    with pytest.raises(OktaRefused):
        await listed(rig)


async def test_rotations_elsewhere_are_not_told(rig: Rig) -> None:
    """That an app is kept is told, and by what only to who may see it."""
    await rig.rotation()
    verbs = frozenset({Verb.USE_CONNECTIONS, Verb.READ_CONNECTIONS})
    caller = await near(rig, Role("some", "Some", (Grant(verbs),)))
    label = rig.org.read_app(rig.app_id).label
    found = await list_apps(rig.world, caller, rig.connection.id, label=label)
    assert [each.rotation for each in found.apps] == [AppRotation()]


async def test_one_look_is_one_audit_entry(rig: Rig) -> None:
    """The record names the connection, whatever was typed."""
    caller = await near(rig, DEVELOPER)
    await list_apps(rig.world, caller, rig.connection.id, label="canary")
    async with rig.world.store.reading() as tx:
        entries = await tx.list_audit(wanted=AuditFilter(actor="near"))
    assert [each.attempt.subject for each in entries] == ["connection okta (apps)"]


async def test_looking_takes_the_right_to_use_the_connection(rig: Rig) -> None:
    """Who may only see it costs Okta no calls; and one that is not there is missed."""
    rig.calls()
    with pytest.raises(Forbidden):
        await list_apps(rig.world, await near(rig, VIEWER), rig.connection.id)
    with pytest.raises(Forbidden):
        await list_apps(rig.world, await near(rig, VIEWER), "none")
    with pytest.raises(NotFound):
        await list_apps(rig.world, rig.admin, "none")
    assert rig.calls() == []


async def test_a_connection_of_the_organization_is_used_in_a_project(rig: Rig) -> None:
    """Who may use connections in one of several projects may use what all of them share."""
    async with rig.world.store.writing() as tx:
        (stored,) = await tx.list(OktaConnection)
        await tx.replace(replace(stored, project_id=None))
    caller = await near(rig, DEVELOPER)
    elsewhere = Holding(VIEWER, await resolve_project(rig.world, "other"))
    both = replace(caller, holdings=(elsewhere, *caller.holdings))
    assert (await list_apps(rig.world, both, rig.connection.id)).apps
    stranger = replace(caller, holdings=(elsewhere,))
    with pytest.raises(Forbidden):
        await list_apps(rig.world, stranger, rig.connection.id)
