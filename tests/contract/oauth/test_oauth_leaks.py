"""Nothing that a client holds or is given is in any repr, error, log line or address (C2)."""

import logging

import pytest
from echo_kit import SECRET, Echo, client, guarded, jwk, pem, shown, wire
from issuer_kit import EC_KEY
from leak_kit import Canaries, found

from keyturn.adapters.oauth.requests import Writer
from keyturn.domain.errors import KeyturnError
from keyturn.domain.oauth.provider import (
    BasicEncoding,
    ClientAuth,
    Endpoints,
    Extra,
    Part,
    RequestType,
)
from keyturn.domain.sensitive import Sensitive
from keyturn.services.ports import Client, Members
from keyturn.testing import SeededChance

HEADER, QUERY = "canary-header-of-a-provider", "canary-query-of-a-provider"
REFRESH, ACCESS = "canary-refresh-token-that-is-long", "canary-access-token-that-is-long"
MEMBERS: Members = {"refresh_token": Sensitive(REFRESH), "client_secret": SECRET}
EXTRAS = (Extra(Part.HEADER, "x-key", HEADER), Extra(Part.QUERY, "key", QUERY))
PROOFS = {
    ClientAuth.BASIC: SECRET,
    ClientAuth.POST: SECRET,
    ClientAuth.SECRET_JWT: SECRET,
    ClientAuth.KEY_JWT: jwk(EC_KEY),
    ClientAuth.TLS: shown(EC_KEY),
}
KEY = pem(EC_KEY).splitlines()[1]
CANARIES = Canaries({SECRET, KEY, HEADER, QUERY, REFRESH, ACCESS})


def searched(*told: object) -> list[str]:
    """Return what was found where."""
    return found(CANARIES, {str(at): repr(each).encode() for at, each in enumerate(told)})


def one(auth: ClientAuth, echo: Echo) -> Client:
    """Return a client that holds something of every kind."""
    key = echo.servers.new_dpop_key()
    return client(auth, secret=PROOFS[auth], dpop_key=key, extras=EXTRAS)


@pytest.mark.parametrize("auth", PROOFS)
async def test_c2_reprs_show_nothing(auth: ClientAuth) -> None:
    """Neither a request that is written, nor its reply, nor who asked."""
    echo = Echo()
    asks = one(auth, echo)
    written = Writer(echo.clock, SeededChance(1)).post(
        asks, RequestType.REFRESH, MEMBERS, encoding=BasicEncoding.RAW, nonce=None
    )
    reply = await echo.ask(asks, members=MEMBERS)
    assert found(CANARIES, {"sent": echo.heard[0].content, "came": reply.body})
    assert searched(asks, written, reply, echo.servers, vars(echo.servers)) == []


@pytest.mark.parametrize("auth", PROOFS)
async def test_c2_errors_show_nothing(auth: ClientAuth) -> None:
    """Neither of what is no secret, nor of where nobody is asked."""
    servers, told = Echo().servers, []
    bad = client(auth, secret=SECRET, endpoints=Endpoints(token=f"http://{SECRET}@{QUERY}/"))
    for secret in (SECRET + "\n", KEY, pem(EC_KEY)[:120] + SECRET):
        with pytest.raises(KeyturnError) as caught:
            servers.check_secret(bad.provider, Sensitive(secret + "\n"))
        told += [caught.value, caught.value.__cause__, str(caught.value)]
    with pytest.raises(KeyturnError) as refused:
        await servers.ask(bad, RequestType.REFRESH, MEMBERS)
    assert searched(refused.value, *told) == []


async def test_c2_logs_show_nothing_by_rfc9700_4_2(caplog: pytest.LogCaptureFixture) -> None:
    """Not even at the level at which everything is told, of a server that repeats everything."""
    caplog.set_level(logging.DEBUG)
    body = f'{{"error":"invalid_client","error_description":"{SECRET} {REFRESH}"}}'.encode()
    head = b"HTTP/1.1 401 No\r\ncontent-length: %d\r\n\r\n" % len(body)
    async with wire(head + body) as peer, guarded() as servers:
        for auth, secret in PROOFS.items():
            url = f"http://127.0.0.1:{peer.port}/token"
            asks = client(
                auth,
                secret=secret,
                extras=EXTRAS,
                endpoints=Endpoints(token=url, jwks=url),
                check_url=url,
            )
            assert (await servers.ask(asks, RequestType.REFRESH, MEMBERS)).status == 401
            await servers.try_token(asks, Sensitive(ACCESS), "Bearer")
    assert len(peer.heard) == 10
    assert searched(caplog.text, [record.args for record in caplog.records]) == []


async def test_c2_an_address_holds_what_the_provider_wants_there_and_nothing_else() -> None:
    """No secret of a client, whichever way it goes (RFC 6749, 2.3.1)."""
    echo = Echo()
    for auth in PROOFS:
        await echo.ask(one(auth, echo), members={"refresh_token": Sensitive(REFRESH)})
    assert {each.url.query for each in echo.heard} == {f"key={QUERY}".encode()}
