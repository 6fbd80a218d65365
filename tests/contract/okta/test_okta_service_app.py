"""A service app signs for its access token, keeps it, renews it, and binds it where Okta asks."""

import asyncio
import base64
import hashlib
import json
from urllib.parse import parse_qs

import httpx2
import jwt as pyjwt
import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey
from okta_kit import APP, BASE, START, VALUE, ScriptedOkta, reply, secret

from keyturn.domain.connection import ServiceApp
from keyturn.domain.errors import InvalidInput, OktaRefused, OktaUnclear, OktaUnreachable
from keyturn.domain.okta import CredentialKind
from keyturn.domain.sensitive import Sensitive
from keyturn.sandbox import Keys
from keyturn.services.ports import OktaOrg

TOKEN_URL = f"{BASE}/oauth2/v1/token"
SIGNING: dict[str, RSAKey | ECKey] = {
    "RS256": RSAKey(Keys.of_seed(7).service.private_key, None, {"kid": "key1"}),
    "ES256": ECKey.generate_key("P-256", {"kid": "key2"}),
}
NO_CLOCK: pyjwt.types.Options = {"verify_exp": False, "verify_iat": False}
LIST = f"GET /api/v1/apps/{APP}/credentials/secrets"
TOKEN = "POST /oauth2/v1/token"
ACCESS = "canary-access-token"
STALE = reply(401, {"errorCode": "E0000011", "errorSummary": "Invalid token provided"})
NO_PROOF = reply(
    400,
    {"error": "invalid_dpop_proof", "error_description": "The DPoP proof JWT header is missing."},
)


def nonce_wanted(nonce: str) -> httpx2.Response:
    """Render the demand for a nonce."""
    return reply(400, {"error": "use_dpop_nonce", "error_description": "…"}, dpop_nonce=nonce)


def granted(token: str = ACCESS, scheme: str = "Bearer", **headers: str) -> httpx2.Response:
    """Render a granted access token."""
    body = {"token_type": scheme, "expires_in": 3600, "access_token": token, "scope": "x"}
    return reply(200, body, **headers)


def open_org(
    okta: ScriptedOkta, *steps: httpx2.Response | Exception, alg: str = "RS256"
) -> OktaOrg:
    """Return the org as the service app sees it."""
    okta.script(*steps)
    jwk = json.dumps(SIGNING[alg].as_dict(private=True))
    return okta.open(ServiceApp("service1", Sensitive(jwk)))


def form(request: httpx2.Request) -> dict[str, str]:
    """Return the form of a request."""
    return {name: values[0] for name, values in parse_qs(request.content.decode()).items()}


def read_proof(request: httpx2.Request) -> dict[str, object]:
    """Verify a DPoP proof by another library and return header and claims together."""
    proof = request.headers["dpop"]
    header = pyjwt.get_unverified_header(proof)
    assert (header["typ"], header["alg"]) == ("dpop+jwt", "ES256")
    assert "d" not in header["jwk"]
    key = pyjwt.PyJWK(header["jwk"], "ES256")
    claims = pyjwt.decode(proof, key, ["ES256"], {"verify_iat": False})
    assert claims["iat"] == START.timestamp()
    return {"jwk": header["jwk"], **claims}


@pytest.mark.parametrize("alg", SIGNING)
async def test_the_assertion(okta: ScriptedOkta, alg: str) -> None:
    """The app signs who it is, for the token endpoint, for minutes, once (RFC 7523)."""
    await (
        open_org(okta, granted(), reply(200, []), alg=alg)
        .credentials_of(APP, CredentialKind.CLIENT_SECRET)
        .list()
    )
    members = form(okta.requests[0])
    assertion = members["client_assertion"]
    key = pyjwt.PyJWK(SIGNING[alg].as_dict(private=False), alg)
    claims = pyjwt.decode(assertion, key, [alg], NO_CLOCK, audience=TOKEN_URL)
    assert pyjwt.get_unverified_header(assertion)["kid"] == SIGNING[alg].kid
    assert (claims["iss"], claims["sub"]) == ("service1", "service1")
    assert START.timestamp() < claims["exp"] <= START.timestamp() + 300
    assert claims["jti"]
    assert members["grant_type"] == "client_credentials"
    assert members["scope"] == "okta.apps.manage okta.apps.read"
    assert okta.requests[1].headers["authorization"] == f"Bearer {ACCESS}"


async def test_one_token_for_all_openings(okta: ScriptedOkta) -> None:
    """However many ask at once, through however many openings, one token is fetched."""
    answers = [reply(200, []) for _ in range(5)]
    orgs = [open_org(okta, *steps) for steps in ([granted(), *answers], [], [])]
    await asyncio.gather(
        *(
            org.credentials_of(APP, CredentialKind.CLIENT_SECRET).list()
            for org in [*orgs, *orgs[:2]]
        )
    )
    assert okta.asked.count(TOKEN) == 1


async def test_the_public_half_of_a_key_opens_nothing(okta: ScriptedOkta) -> None:
    """Who knows a public key does not get the access token of who holds the private one."""
    await (
        open_org(okta, granted(), reply(200, []))
        .credentials_of(APP, CredentialKind.CLIENT_SECRET)
        .list()
    )
    public = json.dumps(SIGNING["RS256"].as_dict(private=False))
    with pytest.raises(InvalidInput):
        okta.open(ServiceApp("service1", Sensitive(public)))
    forged = {**SIGNING["RS256"].as_dict(private=True), "note": "not the same text"}
    org = okta.open(ServiceApp("service1", Sensitive(json.dumps(forged))))
    okta.script(granted(), reply(200, []))
    await org.credentials_of(APP, CredentialKind.CLIENT_SECRET).list()
    assert okta.asked.count(TOKEN) == 2


async def test_a_token_is_renewed_before_its_end(okta: ScriptedOkta) -> None:
    """A token is used until shortly before it expires, and then replaced by a fresh assertion."""
    org = open_org(okta, granted("one"), reply(200, []), reply(200, []))
    await org.credentials_of(APP, CredentialKind.CLIENT_SECRET).list()
    okta.clock.advance(3539)
    await org.credentials_of(APP, CredentialKind.CLIENT_SECRET).list()
    okta.clock.advance(2)
    okta.script(granted("two"), reply(200, []))
    await org.credentials_of(APP, CredentialKind.CLIENT_SECRET).list()
    assert okta.asked == [TOKEN, LIST, LIST, TOKEN, LIST]
    assertions = {form(okta.requests[index])["client_assertion"] for index in (0, 3)}
    assert len(assertions) == 2


async def test_a_read_survives_a_stale_token(okta: ScriptedOkta) -> None:
    """A call that changes nothing is made once more with a new token, and no more than once."""
    org = open_org(okta, granted("one"), STALE, granted("two"), reply(200, []))
    assert await org.credentials_of(APP, CredentialKind.CLIENT_SECRET).list() == ()
    assert okta.requests[-1].headers["authorization"] == "Bearer two"
    okta.script(STALE, granted("three"), STALE)
    with pytest.raises(OktaRefused, match="E0000011"):
        await org.credentials_of(APP, CredentialKind.CLIENT_SECRET).list()


async def test_a_change_with_a_stale_token_is_left_to_the_caller(okta: ScriptedOkta) -> None:
    """A change is not repeated; the next call has a new token."""
    org = open_org(okta, granted("one"), STALE, granted("two"), reply(201, secret()))
    with pytest.raises(OktaRefused):
        await org.credentials_of(APP, CredentialKind.CLIENT_SECRET).add(VALUE)
    assert len(okta.asked) == 2
    await org.credentials_of(APP, CredentialKind.CLIENT_SECRET).add(VALUE)
    assert okta.requests[-1].headers["authorization"] == "Bearer two"


async def test_a_refused_app_is_told_in_okta_words(okta: ScriptedOkta) -> None:
    """The token endpoint's error and description come through, and nothing is kept."""
    body = {"error": "invalid_client", "error_description": "The audience is wrong."}
    org = open_org(okta, reply(401, body), reply(401, body))
    with pytest.raises(OktaRefused):
        await org.credentials_of(APP, CredentialKind.CLIENT_SECRET).add(VALUE)
    with pytest.raises(OktaRefused) as caught:
        await org.credentials_of(APP, CredentialKind.CLIENT_SECRET).add(VALUE)
    assert caught.value.answer.summary == "invalid_client: The audience is wrong."
    assert okta.asked == [TOKEN, TOKEN]
    assert form(okta.requests[0])["client_assertion"] not in repr(vars(caught.value))


@pytest.mark.parametrize(
    "answer",
    [
        reply(200, {"token_type": "Bearer", "access_token": ACCESS}),
        reply(200, {"token_type": "Bearer", "access_token": "a\nb", "expires_in": 1}),
        reply(200, {"token_type": "MAC", "access_token": ACCESS, "expires_in": 1}),
        granted(scheme="DPoP"),
        httpx2.Response(200, html="Sign in"),
    ],
)
async def test_a_garbled_grant_is_unclear(okta: ScriptedOkta, answer: httpx2.Response) -> None:
    """An access token that cannot be used is none."""
    with pytest.raises(OktaUnclear) as caught:
        await open_org(okta, answer).credentials_of(APP, CredentialKind.CLIENT_SECRET).list()
    assert ACCESS not in repr(vars(caught.value))


async def test_a_change_without_a_token_had_no_effect(okta: ScriptedOkta) -> None:
    """Where the token does not come, the change was never sent."""
    with pytest.raises(OktaUnreachable) as caught:
        await (
            open_org(okta, httpx2.ReadError("broken"))
            .credentials_of(APP, CredentialKind.CLIENT_SECRET)
            .add(VALUE)
        )
    assert not caught.value.effect_possible
    assert [call.what for call in okta.journal] == ["issue an access token"]


async def test_dpop_is_learnt(okta: ScriptedOkta) -> None:
    """A demand for a proof, then for a nonce, is met, each time with a fresh assertion."""
    steps = (NO_PROOF, nonce_wanted("n1"), granted(scheme="DPoP", dpop_nonce="n2"), reply(200, []))
    await open_org(okta, *steps).credentials_of(APP, CredentialKind.CLIENT_SECRET).list()
    assert "dpop" not in okta.requests[0].headers
    first, second = (read_proof(request) for request in okta.requests[1:3])
    assert "nonce" not in first
    assert (second["nonce"], second["htm"], second["htu"]) == ("n1", "POST", TOKEN_URL)
    assert first["jwk"] == second["jwk"]
    assert first["jti"] != second["jti"]
    assert len({form(request)["client_assertion"] for request in okta.requests[:3]}) == 3


async def test_a_bound_token_travels_with_its_proof(okta: ScriptedOkta) -> None:
    """An API call names the token by hash, and the address without its query (RFC 9449)."""
    org = open_org(okta, NO_PROOF, granted(scheme="DPoP"), reply(200, []))
    await org.check_access()
    digest = hashlib.sha256(ACCESS.encode()).digest()
    proof = read_proof(okta.requests[2])
    assert proof["ath"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert (proof["htm"], proof["htu"]) == ("GET", f"{BASE}/api/v1/apps")
    assert "nonce" not in proof
    assert okta.requests[2].headers["authorization"] == f"DPoP {ACCESS}"
    assert okta.requests[2].url.query == b"limit=1"


async def test_a_known_dpop_app_proves_at_once(okta: ScriptedOkta) -> None:
    """The next token is asked for with proof and the latest nonce, in one request."""
    org = open_org(okta, NO_PROOF, granted(scheme="DPoP", dpop_nonce="n9"), reply(200, []))
    await org.credentials_of(APP, CredentialKind.CLIENT_SECRET).list()
    okta.clock.advance(3600)
    okta.script(granted(scheme="DPoP"), reply(200, []))
    await org.credentials_of(APP, CredentialKind.CLIENT_SECRET).list()
    assert okta.asked == [TOKEN, TOKEN, LIST, TOKEN, LIST]
    proof = pyjwt.decode(okta.requests[3].headers["dpop"], options={"verify_signature": False})
    assert proof["nonce"] == "n9"


@pytest.mark.parametrize(
    ("demands", "requests"),
    [
        ([NO_PROOF, NO_PROOF], 2),
        ([NO_PROOF, nonce_wanted("n1"), nonce_wanted("n1")], 3),
        ([NO_PROOF, nonce_wanted("n1"), nonce_wanted("n2")], 3),
        ([nonce_wanted("n1")], 1),
    ],
)
async def test_demands_without_end_are_refusals(
    okta: ScriptedOkta, demands: list[httpx2.Response], requests: int
) -> None:
    """Okta's demands are met once each."""
    with pytest.raises(OktaRefused):
        await open_org(okta, *demands).credentials_of(APP, CredentialKind.CLIENT_SECRET).list()
    assert okta.asked == [TOKEN] * requests


async def test_check_access_of_a_service_app(okta: ScriptedOkta) -> None:
    """A service app is nobody's, so only its list of apps is tried."""
    await open_org(okta, granted(), reply(200, [])).check_access()
    assert okta.asked == [TOKEN, "GET /api/v1/apps?limit=1"]


@pytest.mark.parametrize(
    "jwk",
    [
        "",
        "canary",
        "[]",
        "{}",
        json.dumps({"kty": "RSA", "n": "canary", "e": "AQAB", "d": "canary"}),
        json.dumps(OctKey.generate_key(256).as_dict(private=True)),
        json.dumps(SIGNING["ES256"].as_dict(private=False)),
        json.dumps({**SIGNING["ES256"].as_dict(private=True), "crv": "canary"}),
    ],
    ids=["empty", "text", "array", "object", "garbled", "symmetric", "public", "curve"],
)
def test_what_is_no_private_key_is_refused(okta: ScriptedOkta, jwk: str) -> None:
    """A key that cannot sign is refused before any call, without being quoted."""
    with pytest.raises(InvalidInput) as caught:
        okta.open(ServiceApp("service1", Sensitive(jwk)))
    assert "canary" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
