"""Somebody authorizes a connection again: what is replaced is revoked, and what goes on is kept."""

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest
from connections_kit import (
    AT,
    CLIENT,
    DOCUMENT,
    authorize,
    authorized,
    registration,
    servers,
    stored,
    unauthorized,
)
from rig import Rig

from keyturn.domain.errors import NotFound
from keyturn.domain.oauth.answers import Reply
from keyturn.domain.oauth.connection import (
    Cause,
    Connection,
    GrantType,
    Intent,
    State,
    lapsed,
)
from keyturn.domain.oauth.provider import RequestType
from keyturn.domain.sensitive import Sensitive
from keyturn.services.devices import ask_device, begin_device
from keyturn.services.grants import ConnectionDraft
from keyturn.services.oauth_connections import (
    authorize_request,
    create_connection,
    delete_connection,
)
from keyturn.services.ports import Client, Members
from keyturn.testing import FakeServers, ManualClock

APART = {**DOCUMENT, "revokeReplaced": True}
SCOPES = ("openid", "read")


class KnowingServers(FakeServers):
    """A server that says who has agreed, where anybody is named, and takes its time to."""

    clock: ManualClock
    who = "s-1"
    again = ""
    takes_s = 0.0
    gone: Connection | None = None
    rig: Rig

    def grant_code(self, told: Mapping[str, str]) -> str:
        """Return the code for what is asked, and keep in mind by which nonce."""
        self.nonce = told.get("nonce", "")
        return super().grant_code(told)

    async def ask(self, client: Client, request: RequestType, members: Members) -> Reply:
        """Answer one request; what comes for a code says who has agreed."""
        reply = await super().ask(client, request, members)
        if request is not RequestType.CODE:
            return reply
        if self.gone:
            await delete_connection(self.rig.world, self.rig.admin, self.gone.id)
        self.clock.advance(self.takes_s)
        named = {"id_token": "signed"} if self.who else {}
        same = {"refresh_token": self.again} if self.again else {}
        told = json.loads(reply.body) | named | same
        return replace(reply, body=json.dumps(told).encode())

    async def read_claims(self, client: Client, id_token: Sensitive) -> Mapping[str, object]:
        """Return whom an ID token is about."""
        at = self.clock.now().timestamp()
        whom = {"sub": self.who, "email": "one-address@example.com", "nonce": self.nonce}
        return {"iss": AT, "aud": CLIENT, "exp": at + 60, "iat": at, **whom}


@pytest.fixture
def house(rig: Rig) -> Rig:
    """Have the rig's authorization server say who has agreed."""
    known = KnowingServers(rig.clock)
    there = replace(rig, world=replace(rig.world, servers=known))
    known.clock, known.rig = rig.clock, there
    return there


def knowing(house: Rig) -> KnowingServers:
    """Return the authorization server."""
    assert isinstance(house.world.servers, KnowingServers)
    return house.world.servers


async def agreed(house: Rig, document: Mapping[str, object] = DOCUMENT) -> Connection:
    """Have somebody authorize a connection."""
    await registration(house, provider=document)
    return await authorize(house, await unauthorized(house, "person", *SCOPES))


async def put(house: Rig, one: Connection) -> Connection:
    """Have a connection be like this."""
    async with house.world.store.writing() as tx:
        await tx.replace(one)
    return one


@pytest.mark.parametrize(("document", "alive"), [(DOCUMENT, 2), (APART, 1)])
async def test_c10_what_is_replaced_is_revoked_by_rfc7009_2_1(
    rig: Rig, document: dict[str, object], alive: int
) -> None:
    """Only where the server keeps each authorization apart: elsewhere that would end the new."""
    await registration(rig, provider=document)
    one = await authorize(rig, await authorized(rig))
    assert servers(rig).alive == alive
    rig.clock.advance(300)
    assert await authorize_request(rig.world, rig.admin, one.id)


async def test_c10_nothing_is_revoked_where_the_same_token_came_again(house: Rig) -> None:
    """A server that answers with the refresh token that is there has replaced nothing."""
    one = await agreed(house, APART)
    knowing(house).again = "refresh-1"
    await authorize(house, await authorize(house, one))
    assert servers(house).count(RequestType.REVOKE) == 1  # the one that the first answer had


async def test_c7_without_another_the_refresh_token_goes_on_by_rfc6749_6(house: Rig) -> None:
    """Google gives one at the first consent alone; the same person has taken nothing back."""
    one = await agreed(house, APART)
    knowing(house).refreshing = False
    again = await authorize(house, one)
    assert again.tokens
    assert again.tokens.renewable
    assert servers(house).count(RequestType.REVOKE) == 0
    house.clock.advance(300)
    assert await authorize_request(house.world, house.admin, one.id)


@pytest.mark.parametrize(("first", "who"), [("s-1", "s-2"), ("s-1", ""), ("", "")])
async def test_the_refresh_token_of_somebody_else_is_given_up(
    house: Rig, first: str, who: str
) -> None:
    """Another one who has the same address, and whoever is not named, take over nothing."""
    knowing(house).who = first
    one = await agreed(house, APART)
    knowing(house).refreshing, knowing(house).who = False, who
    again = await authorize(house, one)
    assert again.tokens
    assert not again.tokens.renewable
    assert servers(house).count(RequestType.REVOKE) == 1


async def test_whoever_was_not_named_last_may_be_anybody(house: Rig) -> None:
    """The refresh token that is there is not taken for that of whoever was named before."""
    one = await agreed(house)
    knowing(house).who = ""
    await authorize(house, one)
    knowing(house).refreshing, knowing(house).who = False, "s-1"
    last = await authorize(house, one)
    assert last.subject == "one-address@example.com"
    assert last.tokens
    assert not last.tokens.renewable


async def test_a_grant_that_lapsed_or_is_in_doubt_does_not_go_on(house: Rig) -> None:
    """Its refresh token is refused already, or may be used up: a second use ends the new grant."""
    one = await agreed(house)
    knowing(house).refreshing = False
    now = house.clock.now()
    for bad in (
        lapsed(one, Cause.REFUSED, "It is.", now),
        replace(one, intent=Intent(b"spent", now)),
    ):
        again = await authorize(house, await put(house, bad))
        assert again.tokens
        assert not again.tokens.renewable


async def test_tokens_that_do_not_open_are_replaced(house: Rig) -> None:
    """What is broken here keeps nobody from authorizing it again."""
    one = await agreed(house, APART)
    assert one.tokens
    await put(house, replace(one, tokens=replace(one.tokens, sealed=b"broken")))
    assert (await authorize(house, one)).state is State.READY
    assert servers(house).alive == 2


async def test_the_first_tokens_live_from_when_they_were_asked_for(house: Rig) -> None:
    """An answer that took its time has not been made at its end."""
    one = await agreed(house)
    asked_at, knowing(house).takes_s = house.clock.now(), 20.0
    tokens = (await authorize(house, one)).tokens
    assert tokens
    assert tokens.expires_at
    assert tokens.issued_at == asked_at
    assert (tokens.expires_at - asked_at).total_seconds() == 300


class DeviceServers(FakeServers):
    """A server at which somebody has agreed at another device, and that takes its time to say."""

    clock: ManualClock

    async def ask(self, client: Client, request: RequestType, members: Members) -> Reply:
        """Answer one request."""
        told: dict[str, object] = {"device_code": "d", "user_code": "u", "verification_uri": AT}
        if request is RequestType.DEVICE_CODE:
            self.clock.advance(20)
            told = {"access_token": "access", "expires_in": 300}
        return Reply(200, "application/json", json.dumps(told).encode())


async def test_so_do_those_of_somebody_at_another_device(rig: Rig) -> None:
    """RFC 8628 has the same answer."""
    there = replace(rig, world=replace(rig.world, servers=(server := DeviceServers(rig.clock))))
    server.clock = rig.clock
    ends = {"token": f"{AT}/token", "deviceAuthorization": f"{AT}/device"}
    made = await registration(there, provider={"endpoints": ends})
    draft = ConnectionDraft("console", made.registration.id, GrantType.DEVICE)
    one = (await create_connection(there.world, there.admin, draft)).connection
    begun = await begin_device(there.world, there.admin, one.id)
    rig.clock.advance(5)
    asked_at = rig.clock.now()
    await ask_device(there.world, there.admin, one.id, begun.request.id)
    tokens = (await stored(there, one)).tokens
    assert tokens
    assert tokens.issued_at == asked_at


async def test_c10_tokens_for_a_connection_that_is_gone_are_revoked(house: Rig) -> None:
    """Somebody agreed while it was deleted: nobody has what comes of it."""
    one = await agreed(house)
    knowing(house).gone = await stored(house, one)
    with pytest.raises(NotFound):
        await authorize(house, one)
    assert servers(house).alive == 0
