"""How clients prove who they are, byte for byte, by one method at a time (RFC 6749, 2.3)."""

import json
from collections.abc import Callable
from urllib.parse import quote_plus

import httpx2
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from echo_kit import (
    BASE,
    CLIENT_ID,
    ENDPOINTS,
    SECRET,
    START,
    TOKENS,
    Echo,
    PrivateKey,
    claims_of,
    client,
    jwk,
    pem,
    refused,
    shown,
    told,
)
from issuer_kit import EC_KEY, RSA_KEY, SMALL_KEY

from keyturn.domain.errors import InvalidInput
from keyturn.domain.oauth.answers import Reply
from keyturn.domain.oauth.provider import BasicEncoding, ClientAuth, Provider, RequestType
from keyturn.domain.sensitive import Sensitive

ASKED = [each for each in RequestType if each is not RequestType.AUTHORIZE]
RAW, RFC = BasicEncoding.RAW, BasicEncoding.RFC6749
ENCODED = f"{quote_plus(CLIENT_ID)}:{quote_plus(SECRET)}"
SPELLINGS = [
    (RFC, "client%3A1+%25:canary%3A+50%25%2B1+%2F+secret~%C3%A9%3F+and+so+on"),
    (RAW, f"{CLIENT_ID}:{SECRET}"),
    (BasicEncoding.AUTO, ENCODED),
]
NOTHING = Reply(0, sent=False)
KEYS: dict[str, PrivateKey] = {"RS256": RSA_KEY, "ES256": EC_KEY}
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.mark.parametrize("request_type", ASKED)
@pytest.mark.parametrize(("encoding", "pair"), SPELLINGS)
async def test_c5_basic_by_rfc6749_2_3_1(
    request_type: RequestType, encoding: BasicEncoding, pair: str
) -> None:
    """Id and secret are in the header alone, in the spelling that is wanted."""
    echo = Echo()
    await echo.ask(client(basic_encoding=encoding), request_type)
    assert echo.basic() == pair
    assert not {"client_id", "client_secret", "client_assertion"} & echo.form().keys()


@pytest.mark.parametrize("request_type", ASKED)
async def test_c5_post_by_rfc6749_2_3_1(request_type: RequestType) -> None:
    """Id and secret are in the body alone; nothing of them is in the address."""
    echo = Echo()
    await echo.ask(client(ClientAuth.POST), request_type)
    body = f"client_id={quote_plus(CLIENT_ID)}&client_secret={quote_plus(SECRET)}"
    assert echo.heard[0].content.decode().endswith(body)
    assert "authorization" not in echo.heard[0].headers
    assert str(echo.heard[0].url) == ENDPOINTS.of(request_type)


@pytest.mark.parametrize("auth", [ClientAuth.NONE, ClientAuth.TLS])
async def test_c5_c15_who_shows_no_secret_says_who_it_is(auth: ClientAuth) -> None:
    """A public client, and one that TLS proves, is named in the body (RFC 6749, 3.2.1; 8705, 2)."""
    echo = Echo()
    await echo.ask(client(auth, secret=shown(EC_KEY)))
    assert echo.form()["client_id"] == CLIENT_ID
    assert not {"client_secret", "client_assertion"} & echo.form().keys()
    assert "authorization" not in echo.heard[0].headers
    assert bool(echo.certificates[0]) is (auth is ClientAuth.TLS)


@pytest.mark.parametrize("written", [jwk, pem])
@pytest.mark.parametrize("algorithm", KEYS)
async def test_c9_private_key_jwt_by_rfc7523_3(
    algorithm: str, written: Callable[[PrivateKey], str]
) -> None:
    """A key in JSON or PEM signs who asks, whom, for five minutes, once."""
    echo, key = Echo(), KEYS[algorithm]
    await echo.ask(client(ClientAuth.KEY_JWT, secret=written(key)))
    form, now = echo.form(), int(START.timestamp())
    claims = claims_of(form["client_assertion"], key, ENDPOINTS.token)
    assert (form["client_id"], form["client_assertion_type"]) == (CLIENT_ID, ASSERTION)
    assert (claims["iss"], claims["sub"]) == (CLIENT_ID, CLIENT_ID)
    assert (claims["iat"], claims["exp"]) == (now, now + 300)
    assert (claims["alg"], claims["kid"]) == (algorithm, "k1" if written is jwk else None)
    assert not {"client_secret"} & form.keys()
    assert "authorization" not in echo.heard[0].headers


async def test_c9_client_secret_jwt_by_oidc_core_9() -> None:
    """A secret signs by HS256, and is not sent itself."""
    echo = Echo()
    await echo.ask(client(ClientAuth.SECRET_JWT))
    form = echo.form()
    claims = claims_of(form["client_assertion"], SECRET, ENDPOINTS.token)
    assert (claims["iss"], claims["alg"]) == (CLIENT_ID, "HS256")
    assert "client_secret" not in form


@pytest.mark.parametrize("audience", ["", "https://issuer.example.com"])
@pytest.mark.parametrize("request_type", [RequestType.INTROSPECT, RequestType.CODE])
async def test_c9_whom_an_assertion_is_addressed_to(
    request_type: RequestType, audience: str
) -> None:
    """The endpoint that is asked, as Okta wants it, unless the provider names somebody."""
    echo = Echo()
    await echo.ask(client(ClientAuth.SECRET_JWT, audience=audience), request_type)
    wanted = audience or ENDPOINTS.of(request_type)
    assert claims_of(echo.form()["client_assertion"], SECRET, wanted)["aud"] == wanted


@pytest.mark.parametrize("auth", [ClientAuth.KEY_JWT, ClientAuth.SECRET_JWT])
async def test_c9_every_request_has_a_jti_of_its_own_retries_too(auth: ClientAuth) -> None:
    """An assertion is used once (RFC 7523, 3), whether a nonce or a person makes it twice."""
    echo = Echo(refused(400, "use_dpop_nonce", dpop_nonce="n1"))
    secret = jwk(EC_KEY) if auth is ClientAuth.KEY_JWT else SECRET
    one = client(auth, secret=secret, dpop_key=echo.servers.new_dpop_key())
    await echo.ask(one)
    await echo.ask(one)
    key = EC_KEY if auth is ClientAuth.KEY_JWT else SECRET
    sent = [echo.form(number)["client_assertion"] for number in range(3)]
    assert len({str(claims_of(each, key, ENDPOINTS.token)["jti"]) for each in sent}) == 3


async def test_one_request_type_may_want_another_method() -> None:
    """Some servers take a header for a code and want the body for a refresh."""
    echo = Echo()
    one = client(ClientAuth.BASIC, auth_on=((RequestType.REFRESH, ClientAuth.POST),))
    await echo.ask(one, RequestType.CODE)
    await echo.ask(one, RequestType.REFRESH)
    assert ["authorization" in each.headers for each in echo.heard] == [True, False]


OPENSSH = EC_KEY.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode().strip()


async def test_c15_a_certificate_is_shown_where_it_is_the_method() -> None:
    """One type of request may want it, and no other one gets it."""
    echo, by_tls = Echo(), ((RequestType.REFRESH, ClientAuth.TLS),)
    one = client(ClientAuth.NONE, secret=shown(EC_KEY), auth_on=by_tls)
    await echo.ask(one, RequestType.CODE)
    await echo.ask(one, RequestType.REFRESH)
    assert echo.certificates == [None, one.secret]


NO_PROOF = {
    "two lines": (ClientAuth.POST, "a\nb"),
    "nothing": (ClientAuth.POST, ""),
    "half a key": (ClientAuth.KEY_JWT, "\ud800"),
    "half a character": (ClientAuth.BASIC, "\ud800"),
    "public key as secret": (ClientAuth.SECRET_JWT, OPENSSH),
    "no key": (ClientAuth.KEY_JWT, SECRET),
    "public key": (ClientAuth.KEY_JWT, json.dumps({**json.loads(jwk(EC_KEY)), "d": None})),
    "short key": (ClientAuth.KEY_JWT, pem(SMALL_KEY)),
    "no certificate": (ClientAuth.TLS, pem(EC_KEY)),
}


RULES = {
    ClientAuth.BASIC: "^secret: must be one line of visible characters$",
    ClientAuth.POST: "^secret: must be one line of visible characters$",
    ClientAuth.KEY_JWT: "^secret: must be a private RSA",
    ClientAuth.TLS: "^secret: must be a certificate in PEM",
}


@pytest.mark.parametrize("name", NO_PROOF)
async def test_what_cannot_prove_a_client_is_not_sent(name: str) -> None:
    """Nobody is asked without a proof, or with another than the method's; a check says why."""
    auth, secret = NO_PROOF[name]
    echo, one = Echo(), client(auth, secret=secret)
    assert await echo.ask(one) == NOTHING
    assert echo.heard == []
    if secret != OPENSSH:
        with pytest.raises(InvalidInput, match=RULES[auth]):
            echo.servers.check_secret(one.provider, Sensitive(secret))


@pytest.mark.parametrize("auth", [each for each in ClientAuth if each.needs])
async def test_a_client_without_its_secret_does_not_ask(auth: ClientAuth) -> None:
    """Nobody is asked as somebody whom nothing proves."""
    echo = Echo()
    assert await echo.ask(client(auth, secret=None)) == NOTHING
    assert echo.heard == []


async def test_a_check_wants_what_every_request_type_wants() -> None:
    """A method of one type of request counts as well; who needs nothing takes anything."""
    echo = Echo()
    both = Provider(auth_on=((RequestType.REFRESH, ClientAuth.KEY_JWT),))
    for text in (SECRET, pem(EC_KEY)):
        with pytest.raises(InvalidInput):
            echo.servers.check_secret(both, Sensitive(text))
    echo.servers.check_secret(Provider(), Sensitive(SECRET))
    echo.servers.check_secret(Provider(auth=ClientAuth.KEY_JWT), Sensitive(pem(RSA_KEY)))
    echo.servers.check_secret(Provider(auth=ClientAuth.NONE), Sensitive(""))


# --- a Basic header in either spelling --------------------------------------------------------

AUTO = client(basic_encoding=BasicEncoding.AUTO)
REFUSALS = [refused(401, "invalid_client"), refused(400, "invalid_request")]


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_c5_auto_tries_the_other_spelling_where_the_first_is_refused(status: int) -> None:
    """One server refuses what the RFC wants without a word; what it takes is remembered."""
    echo = Echo(refused(status, "?"))
    assert (await echo.ask(AUTO)).status == 200
    await echo.ask(AUTO)
    raw = f"{CLIENT_ID}:{SECRET}"
    assert [echo.basic(number) for number in range(3)] == [ENCODED, raw, raw]


async def test_c5_auto_comes_back_to_the_rfc() -> None:
    """What was taken once is no vow: a server that changes its mind is understood."""
    echo = Echo(REFUSALS[0], refused(400, "invalid_grant"), REFUSALS[1])
    for _ in range(3):
        await echo.ask(AUTO)
    raw = f"{CLIENT_ID}:{SECRET}"
    assert [echo.basic(number) for number in range(5)] == [ENCODED, raw, raw, ENCODED, ENCODED]


async def test_c5_auto_believes_the_first_refusal_of_two() -> None:
    """A wrong secret stays a wrong secret, though its other spelling is no valid request."""
    echo = Echo(*REFUSALS)
    assert (await echo.ask(AUTO)).status == 401
    assert len(echo.heard) == 2


@pytest.mark.parametrize(
    ("answer", "secret", "encoding"),
    [
        (refused(400, "invalid_grant"), SECRET, BasicEncoding.AUTO),
        (refused(503, "server_error"), SECRET, BasicEncoding.AUTO),
        (told(200, TOKENS), SECRET, BasicEncoding.AUTO),
        (refused(401, "invalid_client"), "plain-canary", BasicEncoding.AUTO),
        (refused(401, "invalid_client"), SECRET, BasicEncoding.RFC6749),
        (refused(401, "invalid_client"), SECRET, BasicEncoding.RAW),
    ],
)
async def test_c5_nothing_is_tried_twice_for_nothing(
    answer: httpx2.Response, secret: str, encoding: BasicEncoding
) -> None:
    """Neither where the client is not at fault, nor where both spellings are one, nor unasked."""
    echo = Echo(answer)
    await echo.ask(client(secret=secret, client_id="plain", basic_encoding=encoding))
    assert len(echo.heard) == 1


async def test_c5_auto_is_for_headers_alone() -> None:
    """A body has one spelling, though other requests of this client have a header."""
    echo = Echo(refused(401, "invalid_client"))
    by_body = ((RequestType.REFRESH, ClientAuth.POST),)
    await echo.ask(client(auth_on=by_body, basic_encoding=BasicEncoding.AUTO))
    assert echo.targets == [f"POST {BASE}/token"]
