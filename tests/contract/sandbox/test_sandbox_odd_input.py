"""Tokens, headers and queries that nobody foresaw: the org refuses them as Okta does.

JSON bodies and forms are in `test_sandbox_odd_bodies`.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterable

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey, RSAKey
from odd_input import ODD, with_odd
from sandbox_kit import BASE, JWT_BEARER, World

from keyturn.sandbox.state.keys import render_public

pytestmark = pytest.mark.anyio

APPS, TOKEN = "/api/v1/apps", "/oauth2/v1/token"


def encode(raw: bytes) -> str:
    """Return unpadded base64url."""
    return urlsafe_b64encode(raw).decode().rstrip("=")


def sign(header: str, claims: str, key: RSAKey) -> str:
    """Return a JWS of any text, signed with RS256."""
    signed = f"{encode(header.encode())}.{encode(claims.encode())}"
    private = key.private_key
    assert private is not None
    return f"{signed}.{encode(private.sign(signed.encode(), PKCS1v15(), SHA256()))}"


async def post_json(world: World, path: str, text: str) -> httpx2.Response:
    """Post JSON text as the admin."""
    headers = {
        "authorization": f"SSWS {world.org.seeded.api_token}",
        "content-type": "application/json",
    }
    return await world.http.post(path, content=text.encode(), headers=headers)


def claims_of(world: World) -> dict[str, object]:
    """Return the claims of a good assertion."""
    now = int(world.clock.at.timestamp())
    who = world.service_client_id
    times = {"exp": now + 300, "iat": now}
    return {"iss": who, "sub": who, "aud": BASE + TOKEN, "jti": "once", **times}


def header_of(world: World) -> dict[str, object]:
    """Return the header of a good assertion."""
    return {"alg": "RS256", "kid": str(world.org.keys.service.kid), "typ": "JWT"}


async def check_assertion(world: World, header: str, claims: str) -> None:
    """Ask for a token by an assertion; it is given or refused, in OAuth's words."""
    assertion = sign(header, claims, world.org.keys.service)
    answer = await world.service_token(assertion=assertion)
    assert answer.status_code in (200, 400, 401), (header[:80], claims[:80], answer.text)
    assert answer.status_code == 200 or answer.json()["error"] == "invalid_client"


@pytest.mark.parametrize("name", ["iss", "sub", "aud", "exp", "iat", "jti", "other"])
async def test_claims_of_assertions(world: World, name: str) -> None:
    """An odd claim is refused as invalid_client, or does not matter."""
    for claims in with_odd(claims_of(world), name):
        await check_assertion(world, json.dumps(header_of(world)), claims)


@pytest.mark.parametrize("name", ["alg", "kid", "typ", "crit", "jwk", "b64"])
async def test_headers_of_assertions(world: World, name: str) -> None:
    """So is an odd header."""
    claims = claims_of(world)
    del claims["jti"]
    for header in with_odd(header_of(world), name):
        await check_assertion(world, header, json.dumps(claims))


def proof_parts(world: World) -> tuple[dict[str, object], dict[str, object]]:
    """Return header and claims of a good DPoP proof of the service app's own key."""
    key = world.org.keys.service
    jwk = {name: render_public(key)[name] for name in ("kty", "n", "e")}
    now = int(world.clock.at.timestamp())
    claims: dict[str, object] = {"htm": "POST", "htu": BASE + TOKEN, "iat": now, "jti": "p"}
    return {"typ": "dpop+jwt", "alg": "RS256", "jwk": jwk}, claims


async def check_proofs(world: World, proofs: Iterable[str]) -> None:
    """Ask for bound tokens; each proof is refused, or a nonce is asked for."""
    assertion = world.assertion(jti=None)
    for proof in proofs:
        answer = await world.service_token(assertion=assertion, headers={"dpop": proof})
        assert answer.status_code == 400, answer.text
        assert answer.json()["error"] in ("invalid_dpop_proof", "use_dpop_nonce")


@pytest.mark.parametrize("name", ["htm", "htu", "iat", "jti", "nonce", "ath"])
async def test_claims_of_proofs(world: World, name: str) -> None:
    """An odd claim of a DPoP proof is refused as invalid_dpop_proof."""
    world.org.change_dpop(world.org.seeded.service_app_id, bound=True)
    (header, members), key = proof_parts(world), world.org.keys.service
    texts = with_odd(members, name)
    await check_proofs(world, (sign(json.dumps(header), claims, key) for claims in texts))


@pytest.mark.parametrize("name", ["typ", "alg", "jwk", "kty", "n", "e", "crv", "kid"])
async def test_headers_of_proofs(world: World, name: str) -> None:
    """So is an odd header, or an odd key in it."""
    world.org.change_dpop(world.org.seeded.service_app_id, bound=True)
    (header, claims), signer = proof_parts(world), world.org.keys.service
    headers = with_odd(header, name)
    if name not in header:
        keys = with_odd(header["jwk"], name)  # type: ignore[arg-type]  # an object
        headers = (
            json.dumps(header | {"jwk": 0}).replace('"jwk": 0', f'"jwk": {key}') for key in keys
        )
    await check_proofs(world, (sign(text, json.dumps(claims), signer) for text in headers))


@pytest.mark.parametrize("name", ["kty", "n", "e", "kid", "alg", "use", "status", "crv", "x", "y"])
async def test_keys(world: World, name: str) -> None:
    """A key with an odd member is refused as JsonWebKey, or as no JSON, unless it is ignored."""
    world.org.change_settings(profile="off")
    elliptic = ECKey.generate_key("P-256").as_dict(private=False)
    rsa = render_public(world.org.keys.signing)
    members: dict[str, object] = dict(elliptic if name in ("crv", "x", "y") else rsa)
    path = f"{APPS}/{world.app_id}/credentials/jwks"
    for text in with_odd(members, name):
        answer = await post_json(world, path, text)
        assert answer.status_code in (201, 400), (text[:80], answer.text)


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"kty": "OKP", "crv": "Ed25519"}, "The 'kty' in the 'jwks' must be one of the following:"),
        ({"crv": "P-999"}, "The 'jwks' contains an invalid key."),
        ({"x": "AAAA"}, "The 'jwks' contains an invalid key."),
        ({"y": 7}, "The value of 'y' in the 'jwks' is invalid"),
        ({"use": "banana"}, "The value of 'use' in the 'jwks' is invalid"),
    ],
)
async def test_what_is_no_key(world: World, changes: dict[str, object], cause: str) -> None:
    """Another type, an unknown curve, a point beside it and a wrong member are told apart."""
    key = {**ECKey.generate_key("P-256").as_dict(private=False), **changes}
    answer = await world.admin("POST", f"{APPS}/{world.app_id}/credentials/jwks", key)
    body = answer.json()
    assert (answer.status_code, body["errorCode"]) == (400, "E0000001")
    assert body["errorSummary"] == "Api validation failed: JsonWebKey"
    assert body["errorCauses"][0]["errorSummary"].startswith(cause)


@pytest.mark.parametrize("name", ["authorization", "dpop", "accept", "cookie", "content-type"])
@pytest.mark.parametrize("path", ["/api/v1/users/me", f"{APPS}/☃", TOKEN, "/oauth2/v1/userinfo"])
async def test_header_values(world: World, name: str, path: str) -> None:
    """Header values beyond ASCII, with or without a scheme, are refused or ignored."""
    token = (await world.service_token()).json()["access_token"].encode()
    for value in (b"\xff", b"SSWS \xfc", b"Bearer \xe2\x98\x83", b"Basic \xff", b"DPoP " + token):
        for method in ("GET", "POST"):
            headers = {b"authorization": b"Bearer " + token, name.encode(): value}
            answer = await world.http.request(method, path, headers=headers)
            assert answer.status_code < 500


@pytest.mark.parametrize("name", ["limit", "after", "filter", "q", "expand", "activate"])
async def test_query_parameters(world: World, name: str) -> None:
    """Odd parameters of a list are refused or ignored."""
    for value in (*ODD, "9" * 5000, "-" + "9" * 5000, "½"):
        answer = await world.admin("GET", APPS, params={name: value})
        assert answer.status_code in (200, 400), (value[:80], answer.text)


async def test_half_a_character_is_no_text(world: World) -> None:
    """What cannot be sent back is refused when it comes, and stands in the journal so."""
    answer = await post_json(world, APPS, r'{"label": "\ud800"}')
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "E0000003")
    told = world.org.requests()["requests"]
    assert isinstance(told, list)
    assert told[-1]["outcome"] == "E0000003"


async def test_junk_by_form_and_header(world: World) -> None:
    """An assertion of half characters names nobody."""
    form = {"client_assertion_type": JWT_BEARER, "client_assertion": "☃.☃.☃"}
    answer = await world.http.post(TOKEN, data=form | {"grant_type": "client_credentials"})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(("depth", "status"), [(50, 200), (64, 400), (900, 400)])
async def test_depth(world: World, depth: int, status: int) -> None:
    """A body may be nested, but not without end."""
    body = (await world.admin("GET", f"{APPS}/{world.app_id}")).json()
    body["profile"] = {"deep": "\0"}
    text = json.dumps(body).replace(r'"\u0000"', "[" * depth + "]" * depth)
    headers = {"authorization": f"SSWS {world.org.seeded.api_token}"}
    answer = await world.http.put(f"{APPS}/{world.app_id}", content=text, headers=headers)
    assert answer.status_code == status
