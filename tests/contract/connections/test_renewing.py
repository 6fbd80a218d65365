"""Tokens are renewed in time and once, and no failure loses a grant."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from connections_kit import (
    CLIENT,
    DOCUMENT,
    SECRET,
    Death,
    DyingStore,
    authorized,
    brought,
    minted,
    registered,
    registration,
    servers,
    stored,
)
from rig import Rig

from keyturn.domain.errors import NoFooting, NotReady
from keyturn.domain.oauth.connection import Cause, Connection, State
from keyturn.domain.oauth.provider import RequestType
from keyturn.domain.oauth.registration import Standing
from keyturn.services.oauth_connections import Wanted, authorize_request
from keyturn.services.ports import Footing
from keyturn.services.records import must
from keyturn.services.renewing import fresh, renew
from keyturn.testing import Strike

REFRESH = RequestType.REFRESH


async def used(rig: Rig, one: Connection, wanted: Wanted | None = None) -> str:
    """Use a connection, and return the access token that it gave."""
    passed = await authorize_request(rig.world, rig.admin, one.id, wanted or Wanted())
    return passed.headers["Authorization"].reveal().removeprefix("Bearer ")


async def test_a_token_is_used_while_it_lasts_and_renewed_before_it_ends(rig: Rig) -> None:
    """Of 300 seconds the last 60 are not used (RFC 6749, 4.2.2; skew of 20 %, 60 s at most)."""
    one = await brought(rig)
    first = await used(rig, one)
    rig.clock.advance(239)
    assert await used(rig, one) == first
    rig.clock.advance(1)
    second = await used(rig, one)
    assert second != first
    assert servers(rig).accepts(second)


async def test_many_who_want_it_at_once_cause_one_renewal(rig: Rig) -> None:
    """A hundred callers at expiry share one refresh, and all are given the same token."""
    one = await brought(rig)
    rig.clock.advance(300)
    servers(rig).pause_s = 0.01
    before = servers(rig).count(REFRESH)
    found = await asyncio.gather(*(used(rig, one) for _ in range(100)))
    assert len(set(found)) == 1
    assert servers(rig).count(REFRESH) == before + 1
    assert servers(rig).alive == 1


async def test_a_process_whose_clock_is_off_renews_nothing(rig: Rig) -> None:
    """By it another's hold may seem to be over, and a token would be spent twice."""
    one = await brought(rig)
    first = await used(rig, one)
    rig.world.vitals.footing = Footing.CLOCK_OFF
    assert await used(rig, one) == first
    rig.clock.advance(300)
    before, asked = await stored(rig, one), servers(rig).count(REFRESH)
    with pytest.raises(NoFooting, match="ask another server"):
        await used(rig, one)
    assert (await stored(rig, one), servers(rig).count(REFRESH)) == (before, asked)


async def test_another_process_waits_for_the_one_that_renews(rig: Rig) -> None:
    """Without a flight to share, the lease keeps a second process from asking (2.4, 3)."""
    one = await brought(rig)
    rig.clock.advance(300)
    servers(rig).pause_s = 0.3
    elsewhere = replace(rig.world, flights=type(rig.world.flights)())
    before = servers(rig).count(REFRESH)
    here, there = await asyncio.gather(fresh(rig.world, one.id), fresh(elsewhere, one.id))
    assert here.tokens == there.tokens
    assert servers(rig).count(REFRESH) == before + 1


async def test_it_is_renewed_before_anybody_asks(rig: Rig) -> None:
    """A worker renews what is used before its end, so that nobody waits."""
    one = await brought(rig)
    await used(rig, one)
    rig.clock.advance(239)
    await rig.tick()
    after = await stored(rig, one)
    assert after.renewed_at == rig.clock.now()


async def test_what_nobody_uses_is_renewed_once_a_day(rig: Rig) -> None:
    """Unused tokens are kept from ending unnoticed, and cost a request a day."""
    await brought(rig)
    for _ in range(4):  # the first renewal cannot know yet that nobody uses it
        rig.clock.advance(250)
        await rig.tick()
    before = servers(rig).count(REFRESH)
    for _ in range(7 * 24):
        rig.clock.advance(3600)
        await rig.tick()
    assert 6 <= servers(rig).count(REFRESH) - before <= 8


async def test_a_token_that_its_resource_refused_is_renewed_once(rig: Rig) -> None:
    """Ten callers whose request was answered with 401 cause one refresh (RFC 6750, 3.1)."""
    one = await brought(rig)
    passed = await authorize_request(rig.world, rig.admin, one.id)
    rig.clock.advance(30)
    before = servers(rig).count(REFRESH)
    wanted = Wanted(refused=passed.number)
    again = [await used(rig, one, wanted) for _ in range(10)]
    assert len(set(again)) == 1
    assert servers(rig).count(REFRESH) == before + 1


async def test_a_resource_that_refuses_whatever_it_is_given_costs_a_request_in_a_while(
    rig: Rig,
) -> None:
    """Somebody who asks anew after each 401 is given the same token for half a minute (2.4, 1)."""
    one = await brought(rig)
    before, wanted = servers(rig).count(REFRESH), Wanted()
    for _ in range(600):
        passed = await authorize_request(rig.world, rig.admin, one.id, wanted)
        wanted = Wanted(refused=passed.number)
        rig.clock.advance(0.1)
    assert servers(rig).count(REFRESH) == before + 1


async def test_c7_a_refresh_token_that_does_not_change_by_rfc6749_6(rig: Rig) -> None:
    """An answer without a refresh token leaves the one before in force (RFC 6749, 6)."""
    servers(rig).rotating = False
    one = await brought(rig)
    for _ in range(3):
        rig.clock.advance(300)
        await used(rig, one)
    assert servers(rig).count(REFRESH, 200) == 4


async def test_client_credentials_are_asked_for_anew(rig: Rig) -> None:
    """A grant without refresh tokens is renewed by what it began with."""
    one = await minted(rig)
    first = await used(rig, one)
    rig.clock.advance(300)
    assert await used(rig, one) != first


@pytest.mark.parametrize("strike", [Strike.AWAY, Strike.NEVER])
async def test_an_outage_leaves_the_grant_and_the_token_that_lasts(
    rig: Rig, strike: Strike
) -> None:
    """While a server is away its tokens are used to their end, and renewed when it is back."""
    one = await brought(rig)
    first = await used(rig, one)
    servers(rig).away = strike
    rig.clock.advance(250)
    assert await used(rig, one) == first
    rig.clock.advance(50)
    with pytest.raises(NotReady) as refused:
        await used(rig, one)
    assert refused.value.retry_after_s
    assert (await stored(rig, one)).state is State.TROUBLED
    servers(rig).away = None
    rig.clock.advance(900)
    assert await used(rig, one) != first
    assert (await stored(rig, one)).state is State.READY


async def test_a_server_that_is_away_is_left_in_peace(rig: Rig) -> None:
    """However many ask, an outage is met with a request in half a minute, then fewer (2.4, 1)."""
    one = await brought(rig)
    servers(rig).away = Strike.AWAY
    rig.clock.advance(300)
    before = servers(rig).count(REFRESH)
    for _ in range(600):
        with pytest.raises(NotReady):
            await used(rig, one)
        rig.clock.advance(1)
    assert servers(rig).count(REFRESH) - before <= 4


async def test_c7_a_grant_that_ended_is_left_in_peace_by_rfc6749_5_2(rig: Rig) -> None:
    """`invalid_grant` is one change of state and one request; tokens that last are used (C7)."""
    one = await brought(rig)
    servers(rig).revoke_all()
    rig.clock.advance(300)
    before = servers(rig).count(REFRESH)
    for _ in range(20):
        with pytest.raises(NotReady, match="authorizes the connection again"):
            await used(rig, one)
        rig.clock.advance(3600)
        await rig.tick()
    assert servers(rig).count(REFRESH) == before + 1
    after = await stored(rig, one)
    assert (after.state, after.cause) == (State.LAPSED, Cause.REFUSED)


async def test_a_rejected_secret_is_one_incident_for_all_connections(rig: Rig) -> None:
    """`invalid_client` touches no grant, and ten connections cause one request a while (2.4, 6)."""
    every = [await brought(rig, f"c{number}") for number in range(10)]
    servers(rig).secrets[CLIENT] = set()
    rig.clock.advance(300)
    before = servers(rig).count(REFRESH)
    for one in every:
        with pytest.raises(NotReady, match="client's credential"):
            await used(rig, one)
    assert servers(rig).count(REFRESH) == before + 1
    assert (await registered(rig)).standing is Standing.REJECTED
    assert {(await stored(rig, one)).state for one in every} == {State.READY}
    servers(rig).secrets[CLIENT] = {SECRET}
    rig.clock.advance(900)
    await rig.tick()
    for one in every:
        await used(rig, one)
    assert servers(rig).alive == 10


async def test_a_refusal_that_names_nothing_is_looked_into(rig: Rig) -> None:
    """An empty 400 is told apart by a probe: client or grant (0.3; Glewlwyd answers so)."""
    one = await brought(rig)
    servers(rig).vague = True
    servers(rig).secrets[CLIENT] = set()
    rig.clock.advance(300)
    with pytest.raises(NotReady):
        await used(rig, one)
    assert (await stored(rig, one)).state is State.TROUBLED  # no probe can tell there either
    servers(rig).secrets[CLIENT] = {SECRET}
    servers(rig).revoke_all()
    rig.clock.advance(900)
    with pytest.raises(NotReady):
        await used(rig, one)
    assert (await stored(rig, one)).state is State.LAPSED


async def test_a_lost_answer_is_asked_for_once_more_and_recovers_in_a_grace_period(
    rig: Rig,
) -> None:
    """A server that takes a spent refresh token for a while gives tokens again (2.4, 4)."""
    servers(rig).grace = timedelta(minutes=5)
    one = await brought(rig)
    rig.clock.advance(300)
    servers(rig).strikes.append(Strike.LOST)
    with pytest.raises(NotReady):
        await used(rig, one)
    rig.clock.advance(30)
    assert servers(rig).accepts(await used(rig, one))
    assert servers(rig).alive == 1


async def test_a_lost_answer_without_grace_ends_the_grant_and_says_why(rig: Rig) -> None:
    """Where the server takes no spent token, one more request is made, and none after it."""
    one = await brought(rig)
    rig.clock.advance(300)
    servers(rig).strikes.append(Strike.LOST)
    before = servers(rig).count(REFRESH)
    for _ in range(5):
        with pytest.raises(NotReady):
            await used(rig, one)
        rig.clock.advance(900)
    assert servers(rig).count(REFRESH) == before + 2
    assert (await stored(rig, one)).cause is Cause.LOST_ROTATION


async def test_a_page_of_somebody_elses_is_no_answer(rig: Rig) -> None:
    """A 200 with HTML in it is a lost answer, not a token (C6)."""
    servers(rig).grace = timedelta(minutes=5)
    one = await brought(rig)
    rig.clock.advance(300)
    servers(rig).strikes.append(Strike.PAGE)
    with pytest.raises(NotReady):
        await used(rig, one)
    rig.clock.advance(30)
    assert servers(rig).accepts(await used(rig, one))


@pytest.mark.parametrize("grace", [timedelta(), timedelta(minutes=5)])
async def test_a_death_at_any_commit_of_a_renewal_is_no_loop(rig: Rig, grace: timedelta) -> None:
    """Whoever dies in a renewal leaves at most one more request, and a state that says so."""
    for deadly in range(4):
        servers(rig).grace = grace
        one = await brought(rig, f"c{deadly}")
        rig.clock.advance(300)
        before = servers(rig).count(REFRESH)
        with pytest.raises(Death):
            await renew(replace(rig.world, store=DyingStore(rig.world.store, deadly)), one.id)
        rig.clock.advance(61)
        for _ in range(5):
            try:
                await used(rig, one)
            except NotReady:
                assert (await stored(rig, one)).state is State.LAPSED
            rig.clock.advance(10)
        assert servers(rig).count(REFRESH) - before <= 2


async def test_who_comes_too_late_writes_nothing(rig: Rig) -> None:
    """Tokens that somebody authorized meanwhile are not overwritten by an older renewal."""
    one = await authorized(rig)
    rig.clock.advance(300)
    servers(rig).pause_s = 0.05
    renewal = asyncio.create_task(renew(rig.world, one.id))
    await asyncio.sleep(0.02)
    async with rig.world.store.writing() as tx:
        held = await must(tx.find(Connection, id=one.id))
        assert held.leased_until
        await tx.replace(replace(held, epoch=held.epoch + 1, told="mine"))
    await renewal
    assert (await stored(rig, one)).told == "mine"
    assert servers(rig).count(RequestType.REVOKE) == 0  # that could end the grant that lives


@pytest.mark.parametrize("make", [brought, minted])
async def test_c10_what_comes_for_a_connection_that_is_gone_is_revoked(
    rig: Rig, make: Callable[[Rig], Awaitable[Connection]]
) -> None:
    """A renewal that was under way when it was deleted leaves no token at the server."""
    one = await make(rig)
    servers(rig).grace = timedelta(minutes=5)
    rig.clock.advance(300)
    servers(rig).pause_s = 0.05
    renewal = asyncio.create_task(renew(rig.world, one.id))
    await asyncio.sleep(0.02)
    async with rig.world.store.writing() as tx:
        await tx.remove(await must(tx.find(Connection, id=one.id)))
    await renewal
    assert servers(rig).alive == 0
    assert len(servers(rig).access_tokens) == 1  # of the time before; it has ended


async def test_a_token_without_an_end_is_tried_once_a_day(rig: Rig) -> None:
    """Where nothing tells how long it lasts, and nothing renews it, its resource is asked (2.4)."""
    servers(rig).lifetime_s = None
    servers(rig).refreshing = False
    await registration(rig, provider={**DOCUMENT, "checkUrl": "https://api.example.com/me"})
    one = await authorized(rig)
    first = await used(rig, one)
    for _ in range(3):
        rig.clock.advance(86_400)
        await rig.tick()
    assert await used(rig, one) == first
    assert servers(rig).tried == 3
    servers(rig).access_tokens.clear()
    rig.clock.advance(86_400)
    await rig.tick()
    after = await stored(rig, one)
    assert (after.state, after.cause) == (State.LAPSED, Cause.NO_REFRESH)


async def test_tokens_that_cannot_be_renewed_end_with_a_word(rig: Rig) -> None:
    """Without a refresh token the connection lapses when its token ends, and says why."""
    servers(rig).refreshing = False
    one = await authorized(rig)
    rig.clock.advance(300)
    await rig.tick()
    after = await stored(rig, one)
    assert (after.state, after.cause) == (State.LAPSED, Cause.NO_REFRESH)
    with pytest.raises(NotReady, match="no refresh token"):
        await used(rig, one)
