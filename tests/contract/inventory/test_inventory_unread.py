"""Apps whose client secrets Okta refuses: no reading ends by them, and they are asked for again."""

import pytest
from inventory_kit import begin, by_service_app, calls_of, keep, listed, populate, read_whole
from rig import SECRETS, Rig

from keyturn.domain.inventory import Stage
from keyturn.sandbox.faults import Fault
from keyturn.services.connections import delete_okta_connection
from keyturn.services.inventory import list_inventories

APP = "/api/v1/apps/{appId}"
OF_SECRETS = f"GET {SECRETS}"
APPS = 45


@pytest.fixture
async def by_app(large: Rig) -> Rig:
    """Give the same rig, connected by its service app."""
    await delete_okta_connection(large.world, large.admin, large.connection.id)
    large.connection = await by_service_app(large)
    return large


@pytest.fixture
async def large(rig: Rig) -> Rig:
    """Give a rig whose org has some apps, and does not limit how often it is asked."""
    populate(rig.org, APPS)
    rig.clock.advance(600)
    rig.org.change_settings(profile="off")
    return rig


async def unread(rig: Rig) -> list[str]:
    """Return the apps whose client secrets could not be read."""
    return [app.app_id for app in (await listed(rig.world)).values() if app.told]


async def counted(rig: Rig) -> tuple[int, int]:
    """Return how many apps are on record, and how many of these are not read, as is told."""
    [state] = await list_inventories(rig.world, rig.admin)
    return state.count.apps, state.count.unread


async def test_a_role_that_is_lost_while_apps_are_read_ends_no_reading(by_app: Rig) -> None:
    """It fails where it is and, once the role is back, goes on from there: nothing stays unread."""
    own = by_app.org.read_app(by_app.org.seeded.service_app_id)
    by_app.org.add_fault(Fault("role-removed", route=SECRETS, skip=20, count=1))
    kept = await read_whole(by_app)
    assert (kept.stage, kept.completed_at) == (Stage.READING, None)
    assert "does not show the service app" in kept.failure
    assert "Whoever administers the org" in kept.failure
    assert kept.refused == 0
    assert not await unread(by_app)
    calls_of(by_app)
    by_app.org.change_admin_role(own.id, own.admin_role)
    await begin(by_app)
    kept = await keep(by_app)
    assert (kept.stage, kept.failure, kept.read) == (Stage.FRESH, "", APPS + 1)
    assert await counted(by_app) == (APPS + 2, 0)
    assert calls_of(by_app).count(OF_SECRETS) <= APPS + 1 - 20


async def test_for_many_refusals_the_own_app_is_looked_for_once(by_app: Rig) -> None:
    """Twenty apps are in hand at a time: that costs a call more, not twenty."""
    by_app.org.add_fault(Fault("error-before-effect", route=SECRETS, status=403))
    kept = await read_whole(by_app)
    assert kept.refused == APPS + 1
    batches, looked_at_again = 3, 20
    assert calls_of(by_app).count(f"GET {APP}") == batches + 1 + looked_at_again + 1


async def test_what_was_refused_is_read_once_okta_shows_it(large: Rig) -> None:
    """Whoever asks for what has changed gets those too, however many looks were in vain before."""
    large.org.add_fault(Fault("error-before-effect", route=SECRETS, status=403, skip=15))
    kept = await read_whole(large)
    assert (kept.read, kept.refused) == (15, APPS + 1 - 15)
    assert await counted(large) == (APPS + 2, APPS + 1 - 15)
    before = await listed(large.world)
    assert all("403" in app.told for app in before.values() if app.unread_since)
    calls_of(large)
    for asked in (11, 20):  # the reading itself was followed by a look at twenty
        large.clock.advance(3600)
        await begin(large)
        await keep(large)
        assert calls_of(large).count(OF_SECRETS) == asked
    after = await listed(large.world)
    assert {each: app.unread_since for each, app in after.items()} == {
        each: app.unread_since for each, app in before.items()
    }
    large.org.remove_fault()
    await begin(large)
    assert (await keep(large)).failure == ""
    assert await counted(large) == (APPS + 2, 0)


async def test_a_change_of_an_app_that_is_hidden_is_not_lost(large: Rig) -> None:
    """Its client secrets are not known any more, until Okta shows it again."""
    await read_whole(large)
    large.clock.advance(7200)
    large.org.create_secret(large.app_id)
    large.org.add_fault(Fault("error-before-effect", route=APP, status=403))
    await begin(large)
    await keep(large)
    assert await unread(large) == [large.app_id]
    large.org.remove_fault()
    large.clock.advance(7200)
    await begin(large)
    await keep(large)
    assert not await unread(large)
