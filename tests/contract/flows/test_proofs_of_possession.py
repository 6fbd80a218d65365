"""A service that wants its nonce in the proof is asked once more with it (RFC 9449, 9)."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from cards_kit import Workshop, workshop
from connections_kit import CLIENT, DOCUMENT, aged, minted, registration

from keyturn.domain.flows.failures import Failure
from keyturn.domain.oauth.answers import Reply
from keyturn.domain.oauth.provider import RequestType
from keyturn.domain.sensitive import Sensitive
from keyturn.services.ports import Client, Members, Proven, ResourceAnswer
from keyturn.testing import FakeServers

URL = "https://api.example.com/things?a=1"


class ProvingServers(FakeServers):
    """A server whose tokens are bound to a key, and proofs that can be read."""

    async def ask(self, client: Client, request: RequestType, members: Members) -> Reply:
        """Answer one request; what is issued is bound."""
        reply = await super().ask(client, request, members)
        told = json.loads(reply.body) if reply.body else {}
        return replace(reply, body=json.dumps(told | {"token_type": "DPoP"}).encode())

    def new_dpop_key(self) -> Sensitive:
        """Return a key."""
        return Sensitive("key")

    def prove_possession(self, key: Sensitive, what: Proven) -> str:
        """Return a proof that can be read."""
        return f"{what.method} {what.url} {what.token.reveal()} {what.nonce}"


def refused(error: str, nonce: str = "n-1") -> ResourceAnswer:
    """Return a refusal by a service that takes proofs."""
    headers = (("www-authenticate", f'DPoP error="{error}"'), ("dpop-nonce", nonce))
    return ResourceAnswer(401, headers)


@pytest.fixture
async def it() -> AsyncIterator[Workshop]:
    """Have a connection whose tokens are bound to a key, and are old enough to be renewed."""
    async with workshop() as made:
        proving = ProvingServers(made.rig.clock)
        proving.secrets[CLIENT] = set()
        made.rig.world = replace(made.rig.world, servers=proving)
        await registration(made.rig, provider={**DOCUMENT, "dpop": True})
        await aged(made.rig, await minted(made.rig, "crm"))
        yield made


def proofs(it: Workshop) -> list[str]:
    """Return what was proved, request by request."""
    shown = (each.headers["DPoP"] for each in it.resources.asked)
    return [each.reveal() for each in shown if isinstance(each, Sensitive)]


async def test_a_nonce_is_proved_once(it: Workshop) -> None:
    """With the same token: it was not what was refused."""
    it.resources.script.append(refused("use_dpop_nonce"))
    await it.given("api.post", "crm", url=URL)
    assert proofs(it) == [f"POST {URL} access-1 None", f"POST {URL} access-1 n-1"]


async def test_a_nonce_and_a_new_token(it: Workshop) -> None:
    """Each once, whichever is wanted first; then it is the card's failure."""
    it.resources.script.extend(
        [refused("use_dpop_nonce"), refused("invalid_token"), refused("use_dpop_nonce", "n-2")]
    )
    failure = await it.failed("api.post", "crm", url=URL)
    assert (failure.kind, failure.status) == (Failure.HTTP, 401)
    assert [each.split()[2:] for each in proofs(it)] == [
        ["access-1", "None"],
        ["access-1", "n-1"],
        ["access-2", "n-1"],
    ]


@pytest.mark.parametrize("nonce", ["", 'a"b', "x" * 1025])
async def test_what_is_no_nonce(it: Workshop, nonce: str) -> None:
    """It is put into no proof."""
    it.resources.script.append(refused("use_dpop_nonce", nonce))
    assert (await it.failed("api.get", "crm", url=URL)).status == 401
    assert len(it.resources.asked) == 1


async def test_another_wrong_proof_is_a_failure(it: Workshop) -> None:
    """Neither token nor nonce is wrong: nothing is made again."""
    it.resources.script.append(refused("invalid_dpop_proof"))
    assert (await it.failed("api.get", "crm", url=URL)).status == 401
    assert len(it.resources.asked) == 1
