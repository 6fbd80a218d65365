"""An org is read as a whole: every app, in pages, within its rate limit, and again after a kill."""

from dataclasses import replace
from datetime import timedelta

import httpx2
import pytest
from inventory_kit import (
    KEYED,
    PUBLIC,
    begin,
    by_service_app,
    calls_of,
    keep,
    listed,
    populate,
    read_whole,
    secrets,
    the_inventory,
    throttled,
)
from rig import SECRETS, Rig

from keyturn.adapters.okta import OktaHttpOrgs
from keyturn.domain.errors import Refused
from keyturn.domain.inventory import Inventory, Stage
from keyturn.domain.okta import Status, secret_hash
from keyturn.domain.sensitive import Sensitive
from keyturn.sandbox import build_app
from keyturn.sandbox.faults import Fault
from keyturn.sandbox.state.directory import AppDraft
from keyturn.services.inventory import begin_inventory, list_inventories
from keyturn.services.inventory_keeping import keep_due
from keyturn.services.ports import World


async def test_every_app_is_listed_whichever_way_it_authenticates(rig: Rig) -> None:
    """Public clients, keys and inactive apps are there, with their secrets where they have any."""
    public = rig.org.create_app(AppDraft("page", **PUBLIC)).id
    keyed = rig.org.create_app(AppDraft("robot", **KEYED)).id
    asleep = rig.org.create_app(AppDraft("asleep", active=False)).id
    kept = await read_whole(rig)
    apps = await listed(rig.world)
    assert (kept.stage, kept.failure) == (Stage.FRESH, "")
    assert apps.keys() == {app.id for app in rig.org.list_apps()}
    assert apps[public].public
    assert apps[keyed].uses_keys
    assert apps[asleep].status is Status.INACTIVE
    assert all(app.read_at for app in apps.values())
    assert {each.app_id for each in await secrets(rig.world)} == {rig.app_id, asleep}


async def test_of_a_secret_is_kept_what_okta_shows_but_not_its_value(rig: Rig) -> None:
    """Hash, age and length are on record; the value is nowhere in the store."""
    [made] = rig.org.read_app(rig.app_id).live_secrets
    await read_whole(rig)
    [kept] = await secrets(rig.world)
    assert kept.hash == secret_hash(Sensitive(made.value))
    assert (kept.okta_id, kept.length) == (made.id, len(made.value))
    assert made.value not in repr(vars(rig.world.store))


async def test_a_reading_stays_within_the_share_of_the_background(rig: Rig) -> None:
    """Okta never has to refuse, and a minute takes no more calls than the background may."""
    populate(rig.org, 60)
    began = rig.clock.now()
    kept = await read_whole(rig)
    calls = [each for each in rig.calls() if each["route"].startswith("/api/v1/apps")]
    assert throttled(rig.org) == 0
    assert kept.per_minute == 25
    minutes = (rig.clock.now() - began) / timedelta(minutes=1)
    assert minutes <= 1.1 * max(1, len(calls) / 25)


async def test_a_killed_reading_goes_on_where_it_was(rig: Rig) -> None:
    """Neither a page nor an app's secrets are asked for again by the next process."""
    ids = populate(rig.org, 450)
    rig.clock.advance(600)
    await begin(rig)
    calls_of(rig)
    kept = await the_inventory(rig.world)
    for _ in range(400):
        if kept.stage is Stage.FRESH:
            break
        rig.world = anew(rig)  # a process that knows nothing of the one before
        if kept.due_at and kept.due_at > rig.clock.now():
            rig.clock.advance((kept.due_at - rig.clock.now()).total_seconds())
        await keep_due(rig.world)
        kept = await the_inventory(rig.world)
    told = calls_of(rig)
    assert told.count("GET /api/v1/apps") == 3
    assert told.count("GET /api/v1/apps/{appId}/credentials/secrets") <= len(ids) + 1 + 20 * 3
    assert len(await listed(rig.world)) == len(ids) + 2
    assert throttled(rig.org) == 0


def anew(rig: Rig) -> World:
    """Return the world of a new process over the same store."""
    way = httpx2.ASGITransport(build_app(rig.org))
    orgs = OktaHttpOrgs(rig.clock, rig.world.chance, transport=lambda: way)
    return replace(rig.world, okta=orgs)


@pytest.mark.parametrize("moment", ["in the list", "among the secrets"])
async def test_a_worker_that_died_leaves_it_to_the_next(rig: Rig, moment: str) -> None:
    """What was in hand is due again before long, and comes to its end."""
    populate(rig.org, 250)
    rig.org.change_settings(profile="off")
    route = {
        "in the list": "/api/v1/apps",
        "among the secrets": SECRETS,
    }[moment]
    await begin(rig)
    rig.org.add_fault(Fault("drop-before-effect", route=route, skip=1, count=1))
    kept = await keep(rig)
    assert kept.failure
    kept = await keep_on(rig)
    assert (kept.stage, kept.failure) == (Stage.FRESH, "")
    assert len(await listed(rig.world)) == 252


async def keep_on(rig: Rig) -> Inventory:
    """Wait for the next try, and keep it to its end."""
    kept = await the_inventory(rig.world)
    assert kept.due_at
    rig.clock.advance((kept.due_at - rig.clock.now()).total_seconds())
    return await keep(rig)


async def test_a_cursor_that_okta_forgot_begins_the_list_anew(rig: Rig) -> None:
    """A 400 for the next page is no failure: the list is read from its beginning."""
    populate(rig.org, 250)
    await begin(rig)
    kept = await the_inventory(rig.world)
    async with rig.world.store.writing() as tx:
        await tx.replace(replace(kept, cursor="limit=200&after=0oaNobody", listed=200))
    kept = await keep(rig)
    assert (kept.stage, kept.listed, kept.failure) == (Stage.FRESH, 252, "")


async def test_one_app_that_may_not_be_looked_into_holds_up_no_other(rig: Rig) -> None:
    """It does not pass for read, and is asked for once more when the others are known."""
    populate(rig.org, 3)
    refusal = Fault("error-before-effect", route=SECRETS, status=403, skip=1, count=1)
    rig.org.add_fault(refusal)
    kept = await read_whole(rig)
    assert (kept.stage, kept.failure) == (Stage.FRESH, "")
    assert (kept.wanted, kept.read, kept.refused) == (4, 3, 1)
    assert len(await secrets(rig.world)) == 4


async def test_a_full_reading_that_is_under_way_goes_on(rig: Rig) -> None:
    """Whoever asks for one meanwhile throws away nothing of it; once it has ended, one begins."""
    populate(rig.org, 60)
    rig.clock.advance(600)
    await begin(rig)
    await keep_due(rig.world)
    before = await the_inventory(rig.world)
    await begin(rig, whole=True)
    after = await the_inventory(rig.world)
    assert before.stage is after.stage is Stage.READING
    assert after.begun_at == before.begun_at
    assert after.read == before.read > 0
    assert (await keep(rig)).read == 61
    assert calls_of(rig).count("GET /api/v1/apps/{appId}/credentials/secrets") == 61
    await begin(rig, whole=True)
    assert (await the_inventory(rig.world)).stage is Stage.LISTING


async def test_two_workers_do_not_read_the_same_org_at_once(rig: Rig) -> None:
    """Who comes second finds nothing due, so that no call is made twice."""
    populate(rig.org, 10)
    await begin(rig)
    async with rig.world.store.reading() as tx:
        due = await tx.list_due_inventories(rig.clock.now())
    assert len(due) == 1
    await keep_due(rig.world)
    assert await keep_due(rig.world) == 0


async def test_a_connection_of_the_same_org_is_left_out(rig: Rig) -> None:
    """An org is read by its oldest connection, and the other one names that."""
    await by_service_app(rig)
    states = await begin_inventory(rig.world, rig.admin)
    assert [s.connection.name for s in states if s.inventory] == ["okta"]
    [other] = [s for s in await list_inventories(rig.world, rig.admin) if s.through]
    assert other.through
    assert (other.connection.name, other.through.name) == ("service", "okta")
    with pytest.raises(Refused, match="okta, which is older"):
        await begin_inventory(rig.world, rig.admin, "service")
