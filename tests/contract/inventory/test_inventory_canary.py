"""A list of apps that does not show all is an error, and takes nothing off the record."""

from collections.abc import Callable
from typing import Any

import pytest
from inventory_kit import (
    begin,
    by_service_app,
    keep,
    listed,
    populate,
    read_whole,
    secrets,
    seen_through,
)
from rig import Rig, rigged

from keyturn.domain.inventory import Inventory, Stage
from keyturn.sandbox.faults import Fault
from keyturn.sandbox.state.directory import AppDraft
from keyturn.services.connections import delete_okta_connection

Page = list[Any]


@pytest.fixture
async def by_app(rig: Rig) -> Rig:
    """Give a rig whose org was read once, through its service app."""
    await delete_okta_connection(rig.world, rig.admin, rig.connection.id)
    rig.connection = await by_service_app(rig)
    populate(rig.org, 8)
    await read_whole(rig)
    rig.clock.advance(3600)
    return rig


def nothing(page: Page) -> Page:
    """Show no app."""
    return []


def own_alone(own: str) -> Callable[[Page], Page]:
    """Show the service app and nothing else."""
    return lambda page: [app for app in page if app["id"] == own]


def all_but(hidden: str) -> Callable[[Page], Page]:
    """Show every app but one."""
    return lambda page: [app for app in page if app["id"] != hidden]


async def test_a_role_that_sees_nothing_is_told(by_app: Rig) -> None:
    """An empty list marks nothing as gone, says whose matter it is, and is tried again."""
    before = await listed(by_app.world), await secrets(by_app.world)
    kept = await read_whole(seen_through(by_app, nothing))
    assert "lacks the service app" in kept.failure
    assert "Whoever administers the org" in kept.failure
    assert kept.stage is Stage.LISTING
    assert (await listed(by_app.world), await secrets(by_app.world)) == before
    assert kept.due_at is not None
    assert kept.due_at > by_app.clock.now()


async def test_a_list_without_the_own_app_is_not_believed(by_app: Rig) -> None:
    """A role that reaches every app but the service app's own may miss others as well."""
    own = by_app.org.seeded.service_app_id
    kept = await read_whole(seen_through(by_app, all_but(own)))
    assert "lacks the service app" in kept.failure
    assert not [app for app in (await listed(by_app.world)).values() if app.gone_at]


async def test_half_a_list_is_not_believed(by_app: Rig) -> None:
    """Apps that are there when asked for are not gone, however many are left out."""
    own = by_app.org.seeded.service_app_id
    kept = await read_whole(seen_through(by_app, own_alone(own)))
    assert "the list is not whole" in kept.failure
    assert not [app for app in (await listed(by_app.world)).values() if app.gone_at]


async def test_a_list_without_one_app_that_is_there_is_not_believed(by_app: Rig) -> None:
    """One is enough: it is named."""
    hidden = by_app.app_id
    kept = await read_whole(seen_through(by_app, all_but(hidden)))
    assert hidden in kept.failure


async def test_an_app_that_a_rotation_keeps_and_nothing_lists_is_asked_for(rig: Rig) -> None:
    """The first reading is held against what is on record here."""
    await rig.rotation()
    kept = await read_whole(seen_through(rig, all_but(rig.app_id)))
    assert rig.app_id in kept.failure
    assert kept.completed_at is None


async def test_an_empty_list_is_told_where_nothing_was_known(rig: Rig) -> None:
    """The first reading by an API token has nothing to be held against but its being empty."""
    kept = await read_whole(seen_through(rig, nothing))
    assert "is empty" in kept.failure


async def test_apps_that_are_gone_are_marked_once_that_is_sure(by_app: Rig) -> None:
    """Okta does not list them, and says itself that it does not know them."""
    gone = [app.id for app in by_app.org.list_apps() if app.label.startswith("app-")][:6]
    for app_id in gone:
        by_app.org.deactivate_app(app_id)
        by_app.org.delete_app(app_id)
    kept = await read_whole(by_app)
    apps = await listed(by_app.world)
    assert (kept.stage, kept.failure) == (Stage.FRESH, "")
    assert sorted(app_id for app_id, app in apps.items() if app.gone_at) == sorted(gone)
    assert not {each.app_id for each in await secrets(by_app.world)} & {*gone}


async def test_a_failure_is_over_once_a_list_is_believed(by_app: Rig) -> None:
    """Its words go with it."""
    own = by_app.org.seeded.service_app_id
    narrow = seen_through(by_app, all_but(own))
    assert (await read_whole(narrow)).failing_since
    kept = await read_whole(by_app)
    assert (kept.failure, kept.failing_since) == ("", None)


async def test_who_asks_again_sees_only_a_new_failure(by_app: Rig) -> None:
    """So that whoever waits for it knows whether it has failed again; since when stays known."""
    failing = await read_whole(seen_through(by_app, nothing))
    assert failing.failure
    by_app.clock.advance(60)
    await begin(by_app)
    async with by_app.world.store.reading() as tx:
        [kept] = await tx.list(Inventory)
    assert (kept.failure, kept.failing_since) == ("", failing.failing_since)
    kept = await keep(by_app)
    assert (kept.failure, kept.failing_since) == ("", None)


async def test_who_asks_often_does_not_make_a_failure_younger(by_app: Rig) -> None:
    """One that lasts is told after a while, though a job asks every five minutes."""
    narrow, began = seen_through(by_app, nothing), by_app.clock.now()
    for _ in range(3):
        assert (await read_whole(narrow)).failing_since == began
        by_app.clock.advance(300)


@pytest.mark.parametrize("kind", ["empty-list", "duplicate-page", "looping-page"])
async def test_a_list_that_goes_wrong_is_not_believed(by_app: Rig, kind: str) -> None:
    """Pages that are empty, come twice or lead in a circle take nothing off the record."""
    populate(by_app.org, 450, "more-{}")
    assert not (await read_whole(by_app)).failure
    by_app.org.add_fault(Fault(kind, method="GET", route="/api/v1/apps"))  # type: ignore[arg-type]
    by_app.org.change_settings(profile="off")
    await begin(by_app, whole=True)
    kept = await keep(by_app)
    assert kept.failure
    assert not [app for app in (await listed(by_app.world)).values() if app.gone_at]


async def test_lost_access_does_not_pass_for_a_quiet_log(by_app: Rig) -> None:
    """Where the own app is not to be seen any more, that nothing has changed proves nothing."""
    own = by_app.org.read_app(by_app.org.seeded.service_app_id)
    by_app.org.remove_roles(own.client_id)
    await begin(by_app)
    kept = await keep(by_app)
    assert "does not show the service app" in kept.failure
    assert kept.failing_since == by_app.clock.now()


async def test_the_role_is_asked_of_okta_itself(by_app: Rig) -> None:
    """A full reading without any role fails with Okta's own words, and says who has to do what."""
    own = by_app.org.read_app(by_app.org.seeded.service_app_id)
    by_app.org.remove_roles(own.client_id)
    kept = await read_whole(by_app)
    assert "E0000006" in kept.failure
    assert "Whoever administers the org must give the connection the scope" in kept.failure
    assert not [app for app in (await listed(by_app.world)).values() if app.gone_at]


async def test_an_app_of_another_kind_is_counted_only() -> None:
    """What is no OAuth app has no client secret, and is no row."""
    async with rigged() as rig:
        rig.org.create_app(AppDraft("one"))
        saml = {"id": "0oaSaml", "label": "saml", "status": "ACTIVE", "signOnMode": "SAML_2_0"}
        kept = await read_whole(seen_through(rig, lambda page: [*page, saml]))
        assert (kept.listed, kept.others) == (3, 1)
