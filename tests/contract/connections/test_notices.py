"""People are told of every change for the worse and of its end: once, and one for many."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from connections_kit import (
    CLIENT,
    SECRET,
    authorize,
    authorized,
    registered,
    registration,
    servers,
    stored,
)
from notice_kit import (
    HOUR_S,
    PUBLIC,
    accept,
    end_grant,
    later,
    people,
    put,
    ready,
    reject,
    told,
    use,
    with_people,
)
from rig import PLACE, Rig, rigged

from keyturn.domain.audit import Attempt
from keyturn.domain.notice import Kind
from keyturn.domain.oauth.connection import GrantType, State
from keyturn.domain.oauth.lights import Light
from keyturn.domain.oauth.registration import ClientRegistration, Standing
from keyturn.domain.sensitive import Sensitive
from keyturn.services.connection_news import look_due
from keyturn.services.credentials import Credential
from keyturn.services.grants import ConnectionDraft
from keyturn.services.oauth_connections import (
    ConnectionChange,
    create_connection,
    update_connection,
)
from keyturn.services.ports import Reading, Recorded, Writing
from keyturn.services.registrations import RegistrationChange, update_registration
from keyturn.services.secrets import read_secret
from keyturn.services.turns import rotate
from keyturn.testing import Strike


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    """Set up an installation with somebody to tell."""
    async with rigged() as it:
        yield await with_people(it)


# --- connections ----------------------------------------------------------------------------------


async def test_a_grant_that_has_ended_is_told_once_and_so_is_its_end(rig: Rig) -> None:
    """At risk while its token lasts, broken when that ends, healthy when somebody has agreed."""
    one = await ready(rig)
    await end_grant(rig)
    assert told(rig) == [("person", Light.AT_RISK)]
    assert people(rig).told[0].comes_at == rig.clock.now() + timedelta(seconds=50)
    await later(rig, 50)
    await rig.live(7 * 86_400)
    assert told(rig)[1:] == [("person", Light.BROKEN)]
    await authorize(rig, one)
    await later(rig)
    assert told(rig)[2:] == [("person", Light.HEALTHY)]
    assert {each.kind for each in people(rig).told} == {Kind.CONNECTION_HEALTH}


async def test_a_notice_says_what_was_and_what_to_do(rig: Rig) -> None:
    """Before and after, why, where, and the page that says how to authorize it again."""
    one = await ready(rig)
    await end_grant(rig)
    (notice,) = people(rig).told
    assert (notice.before, notice.subject_id) == (Light.HEALTHY, one.id)
    assert (notice.of.environment, notice.of.path) == ("dev", "/")
    assert "its author authorizes the connection again" in notice.told
    assert notice.page == f"/api/v1/oauth/reauthorize?connection={one.id}"
    assert people(rig).letters[0].links == [PUBLIC + notice.page]


async def test_only_who_can_be_asked_again_has_a_page(rig: Rig) -> None:
    """A grant by a refresh token from elsewhere has nobody who could open a browser."""
    made = await ready(rig)
    token = Sensitive(servers(rig).grant(CLIENT, "read"))
    draft = ConnectionDraft(
        "brought",
        made.registration_id,
        GrantType.REFRESH,
        scopes=("read",),
        given={"refresh_token": token},
    )
    one = (await create_connection(rig.world, rig.admin, draft)).connection
    await use(rig, one)
    await end_grant(rig)
    pages = {each.subject: "reauthorize" in each.page for each in people(rig).told}
    assert pages == {"person": True, "brought": False}


async def test_a_failure_that_the_next_try_mends_is_not_told(rig: Rig) -> None:
    """No request failed, and nobody had to do anything."""
    await ready(rig)
    servers(rig).strikes.append(Strike.AWAY)
    await later(rig, 250)
    await later(rig, 40)
    await later(rig, 100)
    assert people(rig).tried == []


async def test_an_outage_is_told_while_requests_still_work(rig: Rig) -> None:
    """The second failure in a row is told with the moment from which on requests fail."""
    one = await ready(rig)
    servers(rig).away = Strike.AWAY
    await later(rig, 240)
    assert people(rig).tried == []
    await later(rig, 31)
    assert told(rig) == [("person", Light.AT_RISK)]
    tokens = (await stored(rig, one)).tokens
    assert tokens
    assert people(rig).told[0].comes_at == tokens.expires_at
    await later(rig, 30)
    servers(rig).away = None
    await rig.live(HOUR_S)
    assert told(rig)[1:] == [("person", Light.BROKEN), ("person", Light.HEALTHY)]


async def test_a_connection_that_ends_with_its_token_is_told_in_advance(rig: Rig) -> None:
    """Where no refresh token came, nothing can take the token's place when it ends."""
    servers(rig).refreshing = False
    one = await authorized(rig)
    await later(rig)
    assert told(rig) == [("person", Light.AT_RISK)]
    assert one.tokens
    assert people(rig).told[0].comes_at == one.tokens.expires_at
    assert "reauthorize" not in people(rig).told[0].page
    await later(rig, 300)
    assert told(rig)[1:] == [("person", Light.BROKEN)]
    assert "reauthorize" in people(rig).told[1].page


async def test_scopes_that_are_lacking_are_told(rig: Rig) -> None:
    """Other scopes than were granted are wanted from now on: until then some requests fail."""
    one = await ready(rig)
    change = ConnectionChange(scopes=("read", "write", "admin"))
    await update_connection(rig.world, rig.admin, one.id, change)
    await later(rig)
    assert told(rig) == [("person", Light.AT_RISK)]
    assert people(rig).told[0].told.startswith("Not granted: admin.")


async def test_what_goes_on_costs_no_look(rig: Rig) -> None:
    """Connections that are renewed as ever, and those that nobody uses, are not looked at."""
    one = await ready(rig)
    for _ in range(24):
        await use(rig, one)
        rig.clock.advance(250)
        for _ in range(2):
            await rig.tick()
        assert await look_due(rig.world) == 0
        assert (await stored(rig, one)).look_at is None
        assert (await registered(rig)).look_at is None
    assert people(rig).tried == []


async def test_a_flapping_connection_is_told_once_an_hour_each_way(rig: Rig) -> None:
    """However often it changes; where it differs in the end from what was told, that is told."""
    one = await ready(rig)
    for _ in range(10):
        await put(rig, one, State.LAPSED)
        await later(rig)
        rig.clock.advance(60)
        await put(rig, one, State.READY)
        await later(rig)
        rig.clock.advance(60)
    await put(rig, one, State.LAPSED)
    await later(rig)
    lights = [light for _, light in told(rig)]
    assert lights == [Light.BROKEN, Light.HEALTHY]
    await later(rig, HOUR_S)
    assert told(rig)[2:] == [("person", Light.BROKEN)]


# --- the secrets of clients -----------------------------------------------------------------------


async def test_a_rejected_secret_is_one_incident_for_all_connections(rig: Rig) -> None:
    """One notice names how many are concerned, and one more tells that it is over."""
    for number in range(5):
        await ready(rig, f"c{number}")
    await reject(rig)
    await rig.live(HOUR_S)
    (notice,) = people(rig).told
    assert (notice.kind, notice.subject, notice.connections) == (Kind.SECRET_REJECTED, "crm", 5)
    assert (notice.before, notice.after) == (Light.HEALTHY, Light.BROKEN)
    assert notice.comes_at == notice.created_at + timedelta(seconds=300)
    await accept(rig)
    again = people(rig).told[1:]
    assert [(each.kind, each.after) for each in again] == [(Kind.SECRET_ACCEPTED, Light.HEALTHY)]
    assert again[0].comes_at is None


async def test_a_lapsed_grant_is_none_of_those_that_the_secret_concerns(rig: Rig) -> None:
    """It needs its author; the secret helps or harms the others alone."""
    await ready(rig)
    await end_grant(rig)
    await reject(rig)
    assert [each.connections for each in people(rig).told] == [1, 0]


async def test_a_new_secret_of_its_own_ends_the_incident(rig: Rig) -> None:
    """Whoever gives the registration the valid one is told that it is accepted."""
    await ready(rig)
    await reject(rig)
    servers(rig).secrets[CLIENT] = {"canary-next"}
    change = RegistrationChange(credential=Credential(CLIENT, Sensitive("canary-next")))
    await update_registration(rig.world, rig.admin, (await registered(rig)).id, change)
    await later(rig)
    assert told(rig) == [("crm", Light.BROKEN), ("crm", Light.HEALTHY)]


class Meanwhile:
    """A store in which somebody is told of a rejection just before the first change."""

    def __init__(self, rig: Rig) -> None:
        self._store = rig.world.store
        self._rejected = False

    def reading(self) -> AbstractAsyncContextManager[Reading]:
        """Open a snapshot."""
        return self._store.reading()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Writing]:
        """Open a transaction."""
        async with self._store.writing() as tx:
            if not self._rejected:
                (one,) = await tx.list(ClientRegistration)
                await tx.replace(replace(one, light=Light.BROKEN))
            self._rejected = True
            yield tx

    async def append_audit(self, attempt: Attempt) -> Recorded:
        """Append one audit entry."""
        return await self._store.append_audit(attempt)

    async def revision(self) -> int:
        """Return the number of the last change to what is served."""
        return await self._store.revision()


async def test_what_was_told_while_a_secret_was_replaced_is_not_forgotten(rig: Rig) -> None:
    """Whoever was told of the trouble is told of its end, too."""
    await ready(rig)
    change = RegistrationChange(credential=Credential(CLIENT, Sensitive(SECRET)))
    racing = replace(rig.world, store=Meanwhile(rig))
    await update_registration(racing, rig.admin, (await registered(rig)).id, change)
    await later(rig)
    assert told(rig) == [("crm", Light.HEALTHY)]


async def copied_into_registration(rig: Rig) -> None:
    """Register a client with a copy of what a rotation keeps, and use it."""
    copied = (await read_secret(rig.world, rig.admin, PLACE, "OKTA_CLIENT_SECRET")).value
    servers(rig).secrets[CLIENT] = {copied.reveal()}
    await registration(rig, credential=Credential(CLIENT, copied))
    await put(rig, await ready(rig), State.READY)  # nothing is renewed that would tell as well


async def test_a_copy_of_a_secret_that_turns_is_told(rig: Rig) -> None:
    """Replaced: at risk while both work; INACTIVE: broken, before anything was refused."""
    rotation = (await rig.rotation()).rotation
    await copied_into_registration(rig)
    await rotate(rig.world, rig.admin, rotation.id)
    await later(rig)
    assert told(rig) == [("crm", Light.AT_RISK)]
    assert people(rig).told[0].kind is Kind.SECRET_REPLACED
    await rig.run(rotation.id)
    await later(rig)
    assert told(rig)[1:] == [("crm", Light.BROKEN)]
    assert (await registered(rig)).standing is Standing.ACCEPTED
