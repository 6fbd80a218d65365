"""Nothing that goes wrong with one connection or one answer keeps the others from going on."""

import asyncio
from dataclasses import replace

import pytest
from connections_kit import (
    CLIENT,
    DOCUMENT,
    SECRET,
    AwayStore,
    Death,
    authorized,
    brought,
    minted,
    registered,
    registration,
    servers,
    stored,
)
from rig import PLACE, Rig

from keyturn.domain.errors import NotReady
from keyturn.domain.oauth.connection import Connection, State
from keyturn.domain.oauth.provider import RequestType
from keyturn.domain.oauth.registration import Scheme, Standing
from keyturn.domain.sensitive import Sensitive
from keyturn.services.dependents import list_registrations, list_unproved
from keyturn.services.flights import Flights
from keyturn.services.oauth_connections import authorize_request
from keyturn.services.registrations import (
    Credential,
    RegistrationChange,
    update_registration,
)
from keyturn.services.renewing import AT_ONCE, renew
from keyturn.services.secret_changes import (
    Edit,
    SecretChange,
    create_secret,
    delete_secrets,
    update_secret,
)

REFRESH = RequestType.REFRESH
NEXT = "canary-next-secret"


async def of_stored_secret(rig: Rig, **changes: object) -> None:
    """Make the registration use a stored secret."""
    servers(rig).secrets[CLIENT] = {SECRET, NEXT}
    await create_secret(rig.world, rig.admin, PLACE, "CRM_SECRET", Sensitive(SECRET))
    await registration(rig, credential=Credential(CLIENT, secret_name="CRM_SECRET"), **changes)


async def turned(rig: Rig) -> None:
    """Have the stored secret be the next one."""
    change = SecretChange(value=Sensitive(NEXT))
    await update_secret(rig.world, rig.admin, PLACE, "CRM_SECRET", change)


async def test_an_answer_of_the_version_before_leaves_the_new_one_due(rig: Rig) -> None:
    """A refresh by version 1 that ends after version 2 is served does not call off its proof."""
    await of_stored_secret(rig)
    one = await authorized(rig)
    rig.clock.advance(300)
    servers(rig).pause_s = 0.05
    renewal = asyncio.create_task(renew(rig.world, one.id))
    await asyncio.sleep(0.02)
    await turned(rig)
    await renewal
    servers(rig).pause_s = 0.0
    await rig.tick()
    assert (await registered(rig)).proved_version == 2


async def test_many_that_cannot_be_asked_for_hold_up_nobody(rig: Rig) -> None:
    """However many connections lack their secret, the others are renewed in time."""
    await of_stored_secret(rig)
    for number in range(AT_ONCE + 1):
        await minted(rig, f"c{number}")
    other = await registration(rig, name="other")
    well = await brought(rig, "well")
    async with rig.world.store.writing() as tx:
        found = await tx.find(Connection, id=well.id)
        assert found
        await tx.replace(replace(found, registration_id=other.registration.id))
    await delete_secrets(rig.world, rig.admin, [Edit(PLACE, "CRM_SECRET")])
    for _ in range(3):
        rig.clock.advance(86_400)
        await rig.tick()
        await rig.tick()
    assert (await stored(rig, well)).renewed_at == rig.clock.now()


async def test_who_fails_for_itself_is_not_the_only_one_asked(rig: Rig) -> None:
    """Where a renewal has to prove the secret, one that is in trouble is not what is tried."""
    endpoints = {"authorization": "https://a.example/a", "token": "https://a.example/t"}
    await of_stored_secret(rig, provider={"endpoints": endpoints})
    servers(rig).vague = True
    first = await authorized(rig, "first")
    await authorized(rig, "second")
    async with rig.world.store.writing() as tx:
        found = await tx.find(Connection, id=first.id)
        assert found
        later = rig.clock.now().replace(year=2027)
        await tx.replace(replace(found, retry_at=later, state=State.TROUBLED, attempts=9))
    await turned(rig)
    await rig.tick()
    assert (await registered(rig)).proved_version == 2


async def test_no_turn_waits_for_whoever_needs_no_secret(rig: Rig) -> None:
    """A connection that cannot be renewed will never show a secret, and holds up none."""
    servers(rig).refreshing = False
    rotation = (await rig.rotation()).rotation
    client_id = rig.org.read_app(rig.app_id).client_id
    values = {s.value for s in rig.org.read_app(rig.app_id).live_secrets}
    servers(rig).secrets[client_id] = values
    await registration(rig, credential=Credential(rotation=rotation.name))
    await authorized(rig)
    async with rig.world.store.reading() as tx:
        registrations = await list_registrations(tx, rotation.id)
        assert await list_unproved(tx, registrations, 99) == ()


async def test_who_shows_no_secret_proves_none(rig: Rig) -> None:
    """A refresh as a public client says nothing of the secret that other requests need."""
    await of_stored_secret(rig, provider={**DOCUMENT, "authOn": {"refresh_token": "none"}})
    one = await authorized(rig)
    servers(rig).secrets[CLIENT] = {SECRET}
    await turned(rig)
    rig.clock.advance(300)
    await renew(rig.world, one.id)
    assert (await registered(rig)).proved_version == 1


async def test_a_mended_secret_is_used_at_once(rig: Rig) -> None:
    """Once its client is accepted again, a connection waits for no pause that was over the old."""
    one = await authorized(rig)
    servers(rig).secrets[CLIENT] = {NEXT}
    for _ in range(5):
        rig.clock.advance(901)
        with pytest.raises(NotReady):
            await authorize_request(rig.world, rig.admin, one.id)
    change = RegistrationChange(credential=Credential(CLIENT, Sensitive(NEXT)))
    seen = await update_registration(rig.world, rig.admin, (await registered(rig)).id, change)
    assert seen.registration.standing is Standing.ACCEPTED
    assert await authorize_request(rig.world, rig.admin, one.id)


async def test_what_was_stored_is_renewed_though_its_maker_died(rig: Rig) -> None:
    """A connection whose process died before it had asked for tokens is asked for by a worker."""
    await registration(rig)
    rig.world = replace(rig.world, flights=Dead())
    for make in (brought, minted):
        with pytest.raises(Death):
            await make(rig)
    rig.world = replace(rig.world, flights=Flights())
    await rig.tick()
    async with rig.world.store.reading() as tx:
        assert [each.renewed_at for each in await tx.list(Connection)] == [rig.clock.now()] * 2


class Dead(Flights):
    """The flights of a process that dies when something is to be begun."""

    async def share(self, about: str, begin: object) -> None:
        """Die."""
        raise Death


async def test_registrations_without_oauth_are_never_due(rig: Rig) -> None:
    """There is nobody to ask whether a password or a header is accepted."""
    await registration(rig, scheme=Scheme.BASIC, provider=None)
    assert (await registered(rig)).due_at is None


async def test_an_answer_outlives_a_short_absence_of_the_database(rig: Rig) -> None:
    """What came is written down once the database is back, while nobody else can have asked."""
    one = await brought(rig)
    rig.clock.advance(300)
    away = AwayStore(rig.world.store, [False, True, True, False])
    await renew(replace(rig.world, store=away), one.id)
    after = await stored(rig, one)
    assert (after.state, after.renewed_at) == (State.READY, rig.clock.now())
    assert servers(rig).alive == 1
