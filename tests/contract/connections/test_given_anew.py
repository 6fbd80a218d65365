"""What a grant was given is given anew, and nobody is given what somebody else has."""

import asyncio

import pytest
from connections_kit import CLIENT, brought, minted, registered, registration, servers, stored
from rig import Rig

from keyturn.domain.errors import InvalidInput, Refused
from keyturn.domain.oauth.connection import Connection, GrantType, State
from keyturn.domain.oauth.provider import RequestType
from keyturn.domain.sensitive import Sensitive
from keyturn.services.clients import open_input
from keyturn.services.grants import ConnectionDraft
from keyturn.services.oauth_connections import (
    ConnectionChange,
    authorize_request,
    create_connection,
    read_connection,
    update_connection,
)
from keyturn.services.renewing import renew
from keyturn.testing import Strike

REFRESH = RequestType.REFRESH


async def given(rig: Rig, one: Connection, **told: str) -> Connection:
    """Give a grant anew what it takes."""
    sealed = {name: Sensitive(value) for name, value in told.items()}
    seen = await update_connection(rig.world, rig.admin, one.id, ConnectionChange(given=sealed))
    return seen.connection


async def used(rig: Rig, one: Connection) -> str:
    """Use a connection, and return the access token that it gave."""
    passed = await authorize_request(rig.world, rig.admin, one.id)
    return passed.headers["Authorization"].reveal().removeprefix("Bearer ")


async def bring(rig: Rig, name: str, token: str, registration_id: str = "") -> Connection:
    """Create a connection by this refresh token."""
    to = registration_id or (await registered(rig)).id
    told = {"refresh_token": Sensitive(token)}
    draft = ConnectionDraft(name, to, GrantType.REFRESH, (), given=told)
    return (await create_connection(rig.world, rig.admin, draft)).connection


async def test_a_lapsed_grant_is_revived_by_another_refresh_token(rig: Rig) -> None:
    """It is tried at once, and nothing is left of what ended the one before."""
    one = await brought(rig)
    servers(rig).revoke_all()
    rig.clock.advance(300)
    await renew(rig.world, one.id)
    assert (await stored(rig, one)).state is State.LAPSED
    after = await given(rig, one, refresh_token=servers(rig).grant(CLIENT, "read"))
    assert (after.state, after.cause, after.told) == (State.READY, None, "")
    assert after.renewed_at == rig.clock.now()
    assert servers(rig).accepts(await used(rig, one))


async def test_what_lasts_is_used_while_the_server_is_away(rig: Rig) -> None:
    """Nobody has to wait for the new token: it is asked for again when the server is back."""
    one = await brought(rig)
    first = await used(rig, one)
    servers(rig).away = Strike.AWAY
    after = await given(rig, one, refresh_token=servers(rig).grant(CLIENT, "read"))
    assert (after.state, await used(rig, one)) == (State.TROUBLED, first)
    servers(rig).away = None
    rig.clock.advance(60)
    await rig.tick()
    assert await used(rig, one) != first


async def test_who_renews_by_what_was_given_before_comes_too_late(rig: Rig) -> None:
    """An answer to the refresh token before does not replace what came of the new one."""
    one = await brought(rig)
    rig.clock.advance(300)
    servers(rig).pause_s = 0.05
    renewal = asyncio.create_task(renew(rig.world, one.id))
    await asyncio.sleep(0.02)
    servers(rig).pause_s = 0.0
    new = servers(rig).grant(CLIENT, "new")
    await given(rig, one, refresh_token=new)
    await renewal
    after = await stored(rig, one)
    assert after.granted == ("new",)
    assert after.renewed_at == rig.clock.now()


async def test_an_assertion_is_given_anew(rig: Rig) -> None:
    """The new one is sent from now on, at once for the first time."""
    told = {"assertion": Sensitive("canary-old")}
    one = await minted(rig, grant_type=GrantType.JWT_BEARER, given=told)
    await given(rig, one, assertion="canary-new")
    assert servers(rig).count(RequestType.JWT_BEARER, 200) == 2
    seen = await read_connection(rig.world, rig.admin, one.id)
    opened = open_input(rig.world, seen.place.project, seen.connection)
    assert opened == {"assertion": Sensitive("canary-new")}


@pytest.mark.parametrize(
    ("told", "field"),
    [({"assertion": "a"}, "assertion"), ({"refresh_token": ""}, "refresh_token")],
)
async def test_what_the_grant_does_not_take_changes_nothing(
    rig: Rig, told: dict[str, str], field: str
) -> None:
    """The same is refused as at its creation, and nothing is given up for it."""
    one = await brought(rig)
    with pytest.raises(InvalidInput, match=field):
        await given(rig, one, **told)
    assert await stored(rig, one) == one


async def test_a_refresh_token_is_brought_once(rig: Rig) -> None:
    """Two who renew by one end the grant where tokens are replaced (RFC 9700, 4.14.2)."""
    await registration(rig)
    token = servers(rig).grant(CLIENT, "read")
    one = await bring(rig, "first", token)
    before = servers(rig).count(REFRESH)
    with pytest.raises(Refused, match="connection first was brought the same") as refused:
        await bring(rig, "second", token)  # though the server has replaced it by now
    other = await bring(rig, "second", servers(rig).grant(CLIENT, "read"))
    with pytest.raises(Refused, match="connection first was brought the same"):
        await given(rig, other, refresh_token=token)
    assert token not in str(refused.value)
    assert servers(rig).count(REFRESH) == before + 1
    assert servers(rig).alive == 2
    assert await stored(rig, other) == other
    assert (await stored(rig, one)).state is State.READY


async def test_the_same_may_be_given_again_or_to_another_client(rig: Rig) -> None:
    """Its own token may have been mended at the server, and a client has none of another's."""
    await registration(rig)
    servers(rig).rotating = False
    token = servers(rig).grant(CLIENT, "read")
    one = await bring(rig, "first", token)
    assert (await given(rig, one, refresh_token=token)).state is State.READY
    elsewhere = await registration(rig, name="other")
    assert await bring(rig, "second", token, elsewhere.registration.id)
