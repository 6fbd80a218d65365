"""A process dies at every commit of a reading: the next one brings it to the same end."""

from dataclasses import replace
from itertools import count

import pytest
from connections_kit import Death, DyingStore
from inventory_kit import begin, calls_of, keep, listed, populate, read_whole, secrets
from rig import Rig, rigged

from keyturn.domain.inventory import Stage
from keyturn.services.inventory_keeping import keep_due

pytestmark = pytest.mark.slow

ASKED_TWICE = 20
"""As many apps as are in hand between two commits."""


async def changed_org(rig: Rig) -> None:
    """Have an org that was read, and is to be read again with some apps less and some more."""
    rig.org.change_settings(profile="off")
    gone = populate(rig.org, 3, "gone-{}")
    await read_whole(rig)
    for app_id in gone:
        rig.org.deactivate_app(app_id)
        rig.org.delete_app(app_id)
    populate(rig.org, 45)
    rig.clock.advance(600)


async def test_a_reading_that_dies_at_any_commit_is_brought_to_its_end() -> None:
    """Before a commit and after it: nothing is lost, twice on record, or gone by mistake."""
    for deadly in count():
        async with rigged() as rig:
            await changed_org(rig)
            await begin(rig, whole=True)
            calls_of(rig)
            if not await dies(rig, deadly):
                break
            kept = await keep(rig)
            apps = await listed(rig.world)
            assert (kept.stage, kept.failure) == (Stage.FRESH, ""), deadly
            living = {app.app_id for app in apps.values() if app.gone_at is None}
            assert living == {app.id for app in rig.org.list_apps()}, deadly
            assert {each.app_id for each in await secrets(rig.world)} == living - keyed(rig)
            told = calls_of(rig)
            assert told.count("GET /api/v1/apps") <= 2
            asked = told.count("GET /api/v1/apps/{appId}/credentials/secrets")
            assert asked <= 46 + ASKED_TWICE, deadly
    assert deadly > 15


def keyed(rig: Rig) -> set[str]:
    """Return the apps that have no client secret by nature."""
    return {app.id for app in rig.org.list_apps() if app.auth_method == "private_key_jwt"}


async def dies(rig: Rig, deadly: int) -> bool:
    """Keep the inventory in a process that dies at a commit; say whether it came so far."""
    store = DyingStore(rig.world.store, deadly)
    try:
        await keep_due(replace(rig.world, store=store))  # type: ignore[arg-type]
    except Death:
        return True
    return False
