"""What an authorization server tells of a token, well or badly, and what becomes of it."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace

import pytest
from api_kit import ORG_URL, House
from endpoint_kit import open_endpoints

from keyturn.domain.errors import IssuerUnreachable
from keyturn.domain.flows.bearers import INVOKE, BearerRules, Fault, TokenRefused
from keyturn.domain.flows.intake import Invocation
from keyturn.domain.oauth.answers import Reply
from keyturn.domain.oauth.provider import RequestType
from keyturn.domain.oauth.registration import ClientRegistration
from keyturn.services.bearing import admit_bearer
from keyturn.services.doorkeeping import Doorkeeper
from keyturn.services.ports import Client, Members, NoServers
from keyturn.services.projects import place_of

RULES = BearerRules(registration="org")
GOOD: Mapping[str, object] = {
    "active": True,
    "iss": ORG_URL,
    "aud": ORG_URL,
    "scope": INVOKE,
    "client_id": "0oa1",
    "exp": 9_999_999_999,
}
JSON = "application/json"


@dataclass
class Telling(NoServers):
    """Tell the same of every token."""

    reply: Reply

    async def ask(self, client: Client, request: RequestType, members: Members) -> Reply:
        """Tell it."""
        assert (request, members["token_type_hint"]) == (RequestType.INTROSPECT, "access_token")
        return self.reply


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """Give a house with a client registration by which an org is asked."""
    async with open_endpoints() as opened:
        yield opened


async def outcome(house: House, reply: Reply, rules: BearerRules = RULES) -> str:
    """Return what comes of a token of which this is told: the fault, or nothing."""
    world = replace(house.world, servers=Telling(reply), doors=Doorkeeper())
    bearer = (("authorization", "Bearer x"),)
    async with world.store.reading() as tx:
        (registration,) = await tx.list(ClientRegistration)
        place = await place_of(tx, registration.folder_id)
    try:
        await admit_bearer(world, place, rules, Invocation("POST", "https://h/", headers=bearer))
    except TokenRefused as refusal:
        return refusal.fault
    except IssuerUnreachable:
        return "nobody can tell"
    return ""


def told(**changes: object) -> Reply:
    """Return what is told with changes; None leaves a member out."""
    members = {name: each for name, each in {**GOOD, **changes}.items() if each is not None}
    return Reply(200, JSON, json.dumps(members).encode())


@pytest.mark.parametrize(
    "reply",
    [told(), told(iss=None), told(exp=None), told(aud=["other", ORG_URL]), told(nbf=1, iat=1)],
    ids=["whole", "no issuer", "no end", "several audiences", "begun"],
)
async def test_what_is_told_suffices(house: House, reply: Reply) -> None:
    """An issuer need not say who it is, nor when a token ends (RFC 7662, 2.2)."""
    assert await outcome(house, reply) == ""


@pytest.mark.parametrize(
    "reply",
    [
        told(active=False),
        told(iss="https://other.example.com"),
        told(aud=None),
        told(aud="other"),
        told(exp=1),
        told(exp="tomorrow"),
        told(nbf=9_999_999_999),
        told(token_type="DPoP"),
        told(cnf={"jkt": "x"}),
        told(cnf={"x5t#S256": "x"}),
    ],
    ids=lambda reply: reply.body.decode()[:60],
)
async def test_what_is_told_makes_it_invalid(house: House, reply: Reply) -> None:
    """Whatever else is told beside it."""
    assert await outcome(house, reply) == Fault.INVALID_TOKEN


async def test_scope_and_client_are_looked_at(house: House) -> None:
    """As of a token that is proved by keys."""
    assert await outcome(house, told(scope="openid")) == Fault.SCOPE
    assert await outcome(house, told(scope=None, scp=[INVOKE])) == ""
    listed = replace(RULES, clients=("0oa2",))
    assert await outcome(house, told(), listed) == Fault.CLIENT
    assert await outcome(house, told(client_id="0oa2"), listed) == ""


async def test_issuer_and_audience_of_the_file_come_first(house: House) -> None:
    """Where they are others than the registration's."""
    other = replace(RULES, issuer="https://i.example.com", audiences=("a",))
    assert await outcome(house, told(), other) == Fault.INVALID_TOKEN
    assert await outcome(house, told(iss="https://i.example.com", aud="a"), other) == ""


@pytest.mark.parametrize(
    "reply",
    [
        Reply(0, sent=False),
        Reply(200, "text/html", b"<p>Log in</p>"),
        Reply(200, JSON, b"[]"),
        told(active="true"),
        told(active=None),
        Reply(401, JSON, b'{"error": "invalid_client"}'),
        Reply(429, JSON, b'{"active": true}'),
        Reply(503, JSON, b'{"active": false}'),
    ],
    ids=["nothing", "page", "list", "word", "silence", "refused", "too often", "away"],
)
async def test_what_tells_nothing_says_nothing_against_a_token(house: House, reply: Reply) -> None:
    """Nor for it."""
    assert await outcome(house, reply) == "nobody can tell"
