"""A fresh inventory follows Okta's log: only what has changed is asked for again."""

from collections.abc import Sequence
from datetime import timedelta

import httpx2
import pytest
from inventory_kit import (
    PUBLIC,
    begin,
    calls_of,
    keep,
    listed,
    populate,
    read_whole,
    secrets,
    throttled,
)
from rig import ORG_URL, Rig

from keyturn.domain.inventory import ListedSecret, Stage
from keyturn.sandbox import build_app
from keyturn.sandbox.faults import Fault
from keyturn.sandbox.interference import change_auth_method
from keyturn.sandbox.state.directory import AppDraft
from keyturn.services import inventory_following
from keyturn.services.inventory_keeping import keep_due

LIST = "GET /api/v1/apps"
OF_SECRETS = "GET /api/v1/apps/{appId}/credentials/secrets"


@pytest.fixture
async def fresh(rig: Rig) -> Rig:
    """Give a rig whose org was read a while ago."""
    populate(rig.org, 30)
    rig.clock.advance(600)
    await read_whole(rig)
    rig.clock.advance(7200)
    calls_of(rig)
    return rig


async def follow(rig: Rig) -> Sequence[str]:
    """Bring the inventory up to date, and return what that has asked of Okta."""
    await begin(rig)
    kept = await keep(rig)
    assert (kept.stage, kept.failure) == (Stage.FRESH, "")
    return calls_of(rig)


async def secrets_of(rig: Rig, app_id: str) -> list[ListedSecret]:
    """Return the client secrets on record of one app."""
    return [each for each in await secrets(rig.world) if each.app_id == app_id]


async def test_where_nothing_has_changed_only_the_log_is_read(fresh: Rig) -> None:
    """Two calls: what has changed, and what was used."""
    assert await follow(fresh) == ["GET /api/v1/logs"] * 2


async def test_only_what_has_changed_is_asked_for(fresh: Rig) -> None:
    """A new secret, a new app and one that is gone are each looked at, and no other."""
    app_id, gone = fresh.app_id, [*await listed(fresh.world)][-1]
    fresh.org.create_secret(app_id)
    made = fresh.org.create_app(AppDraft("new")).id
    fresh.org.deactivate_app(gone)
    fresh.org.delete_app(gone)
    told = await follow(fresh)
    apps = await listed(fresh.world)
    assert (told.count(LIST), told.count(OF_SECRETS)) == (0, 2)
    assert len(await secrets_of(fresh, app_id)) == 2
    assert apps[made].label == "new"
    assert [each for each, app in apps.items() if app.gone_at] == [gone]


async def test_an_app_that_became_public_keeps_the_secrets_it_had(fresh: Rig) -> None:
    """What is left on a public client is on record, for whoever asks what should not be there."""
    change_auth_method(fresh.org, fresh.app_id, "none")
    await follow(fresh)
    assert (await listed(fresh.world))[fresh.app_id].public
    assert len(await secrets_of(fresh, fresh.app_id)) == 1


async def test_secrets_that_keys_took_the_place_of_are_off_the_record(fresh: Rig) -> None:
    """An app with a key of its own has no client secret."""
    change_auth_method(fresh.org, fresh.app_id, "private_key_jwt")
    await follow(fresh)
    assert (await listed(fresh.world))[fresh.app_id].uses_keys
    assert not await secrets_of(fresh, fresh.app_id)


async def test_changes_during_a_full_reading_are_followed(rig: Rig) -> None:
    """An app that was made behind the reader's back is there when it says that it is fresh."""
    populate(rig.org, 300)
    rig.clock.advance(600)
    await begin(rig)
    await keep_due(rig.world)
    first = min(await listed(rig.world))
    rig.org.create_secret(first)
    made = rig.org.create_app(AppDraft("late", **PUBLIC)).id
    await keep(rig)
    assert made in await listed(rig.world)
    assert len(await secrets_of(rig, first)) == 2


async def test_a_thousand_changes_are_followed_within_the_limit(fresh: Rig) -> None:
    """More than one answer of the log holds is no reason to read everything again."""
    populate(fresh.org, 400, "more-{}")
    told = await follow(fresh)
    assert told.count(LIST) == 0
    assert len(await listed(fresh.world)) == 432
    assert throttled(fresh.org) == 0


async def test_more_changes_than_the_log_is_read_for_begin_anew(
    fresh: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the log holds too much, the list is read again."""
    monkeypatch.setattr(inventory_following, "LOG_PAGES", 1)
    fresh.org.change_settings(profile="off")
    populate(fresh.org, 550, "more-{}")
    fresh.clock.advance(600)
    told = await follow(fresh)
    assert told.count(LIST) == 3
    assert len(await listed(fresh.world)) == 582


async def test_after_a_week_the_log_is_not_enough(fresh: Rig) -> None:
    """All is read again."""
    fresh.clock.advance(8 * 86_400)
    assert LIST in await follow(fresh)


async def test_what_is_due_is_followed_without_anybodys_asking(fresh: Rig) -> None:
    """The duty looks again after the time between two comparisons."""
    fresh.org.create_secret(fresh.app_id)
    fresh.clock.advance(fresh.world.limits.reconcile.total_seconds())
    await fresh.tick()
    assert len(await secrets_of(fresh, fresh.app_id)) == 2


async def test_a_log_that_may_not_be_read_is_told(fresh: Rig) -> None:
    """What changes is not known then, and who must do what about it is said."""
    fresh.org.add_fault(Fault("error-before-effect", route="/api/v1/logs", status=403))
    await begin(fresh)
    kept = await keep(fresh)
    assert "okta.logs.read" in kept.failure
    assert kept.stage is Stage.FRESH


async def test_the_last_use_of_a_secret_is_told_by_the_log(fresh: Rig) -> None:
    """A token that was granted for it is on record with its time; a refused one is not."""
    app = fresh.org.read_app(fresh.app_id)
    machine = fresh.org.create_app(
        AppDraft(
            "machine",
            application_type="service",
            grant_types=("client_credentials",),
            response_types=("token",),
        )
    )
    fresh.org.servers.add_scope("default", "read")
    server = "/oauth2/default/v1/token"
    form = {"grant_type": "client_credentials", "scope": "read"}
    transport = httpx2.ASGITransport(build_app(fresh.org))
    async with httpx2.AsyncClient(transport=transport, base_url=ORG_URL) as http:
        key = machine.live_secrets[0].value
        granted = await http.post(server, data=form, auth=(machine.client_id, key))
        await http.post(
            "/oauth2/v1/token", data=form, auth=(app.client_id, app.live_secrets[0].value)
        )
    assert granted.status_code == 200, granted.text
    used = fresh.clock.now()
    fresh.clock.advance(60)
    await follow(fresh)
    [told] = await secrets_of(fresh, machine.id)
    [other] = await secrets_of(fresh, app.id)
    assert told.used_at
    assert abs(told.used_at - used) < timedelta(seconds=1)
    assert other.used_at is None
