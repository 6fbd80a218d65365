"""Somebody authorizes a connection; only the answer to that very question counts."""

import asyncio
from dataclasses import replace

import pytest
from connections_kit import (
    AT,
    BACK,
    CLIENT,
    asked_in,
    authorized,
    registration,
    servers,
    stored,
    unauthorized,
)
from rig import Rig

from keyturn.domain.errors import KeyturnError, NotReady, Refused, ServerError
from keyturn.domain.oauth.answers import Reply
from keyturn.domain.oauth.authorization import AuthorizationRequest
from keyturn.domain.oauth.connection import Connection, GrantType, State
from keyturn.domain.oauth.provider import RequestType
from keyturn.domain.sensitive import Sensitive
from keyturn.services.authorizing import (
    Begun,
    begin_authorization,
    complete_authorization,
    open_link,
)
from keyturn.services.grants import ConnectionDraft
from keyturn.services.oauth_connections import authorize_request, create_connection
from keyturn.services.ports import Client, Members
from keyturn.testing import FakeServers, Strike


async def begun(rig: Rig, one: Connection) -> Begun:
    """Begin to ask somebody."""
    return await begin_authorization(rig.world, rig.admin, one.id, redirect_uri=BACK)


def agreed(rig: Rig, begun: Begun, **changes: str) -> dict[str, str]:
    """Return the answer of somebody who agrees."""
    asked = asked_in(begun.address.reveal())
    return {"state": asked["state"], "code": servers(rig).grant_code(asked)} | changes


async def test_an_answer_becomes_tokens(rig: Rig) -> None:
    """Code, PKCE and exact redirect bring tokens that are used from then on (RFC 7636, 4)."""
    one = await authorized(rig)
    assert one.state is State.READY
    assert one.granted == ("read", "write")
    passed = await authorize_request(rig.world, rig.admin, one.id)
    token = passed.headers["Authorization"].reveal().removeprefix("Bearer ")
    assert servers(rig).accepts(token)


async def test_c3_what_is_asked_is_complete_by_rfc7636_4_3(rig: Rig) -> None:
    """The address asks for a code with state and an S256 challenge (RFC 9700, 2.1.1)."""
    asked = asked_in((await begun(rig, await unauthorized(rig))).address.reveal())
    assert asked["response_type"] == "code"
    assert (asked["client_id"], asked["redirect_uri"]) == (CLIENT, BACK)
    assert asked["code_challenge_method"] == "S256"
    assert asked["scope"] == "read write"
    assert len(asked["state"]) >= 22
    assert not {"client_secret", "code_verifier"} & asked.keys()


async def test_before_anybody_authorized_there_is_no_token(rig: Rig) -> None:
    """A new connection gives none, and says what is missing."""
    one = await unauthorized(rig)
    with pytest.raises(NotReady, match="Nobody has authorized"):
        await authorize_request(rig.world, rig.admin, one.id)


async def test_c1_an_answer_counts_once_by_rfc6749_4_1_2(rig: Rig) -> None:
    """The same callback again is refused, and the tokens of the first stay (RFC 9700, 4.7)."""
    start = await begun(rig, one := await unauthorized(rig))
    told = agreed(rig, start)
    await complete_authorization(rig.world, told, binding=start.binding)
    with pytest.raises(Refused, match="answered already"):
        await complete_authorization(rig.world, told, binding=start.binding)
    assert (await stored(rig, one)).state is State.READY


async def test_c1_an_answer_of_another_browser_by_rfc9700_4_7(rig: Rig) -> None:
    """Who does not hold what the beginner holds brings nothing in, and spoils nothing (C1)."""
    start = await begun(rig, await unauthorized(rig))
    told = agreed(rig, start)
    with pytest.raises(Refused, match="somebody else"):
        await complete_authorization(rig.world, told, binding=Sensitive("guessed"))
    await complete_authorization(rig.world, told, binding=start.binding)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"state": "another"}, "Nobody was asked"),
        ({"state": ""}, "Nobody was asked"),
        ({"iss": "https://evil.example.com"}, "another authorization server"),
        ({"iss": f"{AT}/"}, "another authorization server"),
        ({"error": "access_denied"}, "denied"),
        ({"error": "<script>canary</script>"}, "an error that is not known"),
        ({"code": ""}, "neither a code nor an error"),
        ({"code": "guessed"}, "brought no tokens"),
    ],
)
async def test_c4_an_answer_that_does_not_count_by_rfc9207_2_4(
    rig: Rig, changes: dict[str, str], why: str
) -> None:
    """Another state, server or code changes nothing, and no word of it is repeated (RFC 9207)."""
    start = await begun(rig, one := await unauthorized(rig))
    with pytest.raises(Refused, match=why) as refused:
        await complete_authorization(
            rig.world, agreed(rig, start, **changes), binding=start.binding
        )
    assert "canary" not in str(refused.value)
    assert (await stored(rig, one)).state is State.NEW


async def test_c1_an_answer_that_comes_too_late_by_rfc6749_4_1_2(rig: Rig) -> None:
    """Ten minutes after it was begun nothing counts any more."""
    start = await begun(rig, await unauthorized(rig))
    told = agreed(rig, start)
    rig.clock.advance(600)
    with pytest.raises(Refused, match="too late"):
        await complete_authorization(rig.world, told, binding=start.binding)


async def test_c3_a_code_for_another_verifier_by_rfc9700_4_5(rig: Rig) -> None:
    """A code that was injected from another session has another challenge (RFC 9700, 4.5)."""
    one = await unauthorized(rig)
    mine, other = await begun(rig, one), await begun(rig, one)
    told = agreed(rig, mine) | {"code": agreed(rig, other)["code"]}
    with pytest.raises(Refused, match="brought no tokens"):
        await complete_authorization(rig.world, told, binding=mine.binding)


async def test_c6_what_was_not_granted_is_told_by_rfc6749_3_3(rig: Rig) -> None:
    """Scopes that the server leaves out are stored as left out (C6; seed of the connector)."""
    servers(rig).granted = lambda scope: scope.replace(" write", "")
    one = await authorized(rig)
    assert one.granted == ("read",)
    assert one.scopes == ("read", "write")


async def test_a_link_can_be_opened_once(rig: Rig) -> None:
    """The first browser to open a link is the one whose answer counts."""
    start = await begun(rig, await unauthorized(rig))
    opened = await open_link(rig.world, start.request.id, start.binding)
    with pytest.raises(Refused):
        await open_link(rig.world, start.request.id, start.binding)
    told = agreed(rig, opened)
    with pytest.raises(Refused):
        await complete_authorization(rig.world, told, binding=start.binding)
    await complete_authorization(rig.world, told, binding=opened.binding)


class PushingServers(FakeServers):
    """A server that takes what is pushed, unless something goes wrong."""

    async def ask(self, client: Client, request: RequestType, members: Members) -> Reply:
        """Answer one request, or strike it."""
        if request is not RequestType.PUSH or self.strikes:
            return await super().ask(client, request, members)
        await asyncio.sleep(self.pause_s)
        return Reply(201, "application/json", b'{"request_uri": "urn:example:pushed"}')


async def pushed(rig: Rig) -> tuple[Rig, Begun]:
    """Begin at a server that wants what is asked pushed ahead."""
    there = replace(rig, world=replace(rig.world, servers=PushingServers(rig.clock)))
    ends = {name: f"{AT}/{name}" for name in ("authorization", "token", "pushedAuthorization")}
    made = await registration(there, provider={"endpoints": ends, "push": True})
    draft = ConnectionDraft("person", made.registration.id, GrantType.CODE)
    seen = await create_connection(there.world, there.admin, draft)
    return there, await begun(there, seen.connection)


async def test_a_link_whose_question_was_not_taken_is_opened_again(rig: Rig) -> None:
    """A server that is away when what is asked is pushed to it takes nobody's link (RFC 9126)."""
    there, start = await pushed(rig)
    servers(there).strikes.append(Strike.AWAY)
    with pytest.raises(ServerError, match="did not take the pushed request"):
        await open_link(there.world, start.request.id, start.binding)
    opened = await open_link(there.world, start.request.id, start.binding)
    assert asked_in(opened.address.reveal())["request_uri"] == "urn:example:pushed"


async def test_of_two_browsers_that_open_a_link_at_once_one_does(rig: Rig) -> None:
    """While the server is asked another one may open it: that one is bound, and no second."""
    there, start = await pushed(rig)
    both = (open_link(there.world, start.request.id, start.binding) for _ in range(2))
    told = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(each) for each in told if isinstance(each, Refused)) == [Refused]


async def test_old_questions_are_forgotten(rig: Rig) -> None:
    """What nobody can answer any more is removed when the next one begins."""
    one = await unauthorized(rig)
    await begun(rig, one)
    rig.clock.advance(601)
    await begun(rig, one)
    async with rig.world.store.reading() as tx:
        assert len(await tx.list(AuthorizationRequest, connection_id=one.id)) == 1


async def test_a_refused_authorization_leaves_the_tokens_before(rig: Rig) -> None:
    """Whoever is asked again and denies it takes nothing away."""
    one = await authorized(rig)
    start = await begun(rig, one)
    told = agreed(rig, start, error="access_denied")
    with pytest.raises(KeyturnError):
        await complete_authorization(rig.world, told, binding=start.binding)
    assert await authorize_request(rig.world, rig.admin, one.id)
