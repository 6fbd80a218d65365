"""What a certified authorization server does of the later RFCs: keys, proofs, pushed requests."""

import ssl
import time
from dataclasses import replace
from secrets import token_urlsafe
from typing import Any
from urllib.parse import urlencode

import httpx2
import jwt as pyjwt
import pytest
from authorization_kit import (
    CALLBACK,
    DEVICE_CODE,
    MACHINE,
    Certified,
    Client,
    Server,
    error,
)
from browser_kit import PERSON, Browser, query
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

pytestmark = [pytest.mark.anyio, pytest.mark.slow]  # a server takes a second to start

API = "https://api.example.com"
KEY = ec.generate_private_key(ec.SECP256R1())
OTHER_KEY = ec.generate_private_key(ec.SECP256R1())
LONG = "s" * 32  # shorter ones are no keys for HS256


def jwk(key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    """Return the public half of a key."""
    return ECAlgorithm.to_jwk(key.public_key(), as_dict=True)


async def with_keys(server: Server, *keys: ec.EllipticCurvePrivateKey) -> Client:
    """Make a client that signs with the first of its keys."""
    known = [{**jwk(key), "kid": str(number)} for number, key in enumerate(keys)]
    client = await server.register(
        metadata={**MACHINE, "jwks": {"keys": known}}, method="private_key_jwt"
    )
    return replace(client, key=keys[0])


def prove(server: Server, **changes: object) -> dict[str, str]:
    """Return the header of a proof of possession for the token endpoint (RFC 9449, 4.2)."""
    claims = {
        "htm": "POST",
        "htu": server.endpoint("token"),
        "iat": int(time.time()),
        "jti": token_urlsafe(),
    }
    headers = {"typ": "dpop+jwt", "jwk": jwk(KEY)}
    return {"dpop": pyjwt.encode(claims | changes, KEY, "ES256", headers)}


async def test_either_of_two_secrets_signs(oidc_provider: Server) -> None:
    """client_secret_jwt is verified with each secret that is accepted (RFC 7523, 3)."""
    client = await oidc_provider.register(
        LONG, LONG * 2, metadata=MACHINE, method="client_secret_jwt"
    )
    newer = replace(client, secret=LONG * 2)
    assert (await client.token("client_credentials")).is_success
    assert (await newer.token("client_credentials")).is_success
    await client.accept(LONG * 2)
    assert error(await client.token("client_credentials")) == (401, "invalid_client")
    assert (await newer.token("client_credentials")).is_success


async def test_either_of_two_keys_signs(oidc_provider: Server) -> None:
    """private_key_jwt is verified with each key that is published (RFC 7523, 3)."""
    client = await with_keys(oidc_provider, KEY, OTHER_KEY)
    assert (await client.token("client_credentials")).is_success
    assert (await replace(client, key=OTHER_KEY).token("client_credentials")).is_success
    stranger = replace(client, key=ec.generate_private_key(ec.SECP256R1()))
    assert error(await stranger.token("client_credentials")) == (401, "invalid_client")


@pytest.mark.parametrize(("where", "status"), [("url", 200), ("token", 200), ("else", 401)])
async def test_an_assertion_is_made_out_to_the_server(
    oidc_provider: Server, where: str, status: int
) -> None:
    """Issuer and token endpoint are taken, nobody else; and no assertion twice (RFC 7523, 3)."""
    client = await with_keys(oidc_provider, KEY)
    audience = {"url": oidc_provider.url, "token": oidc_provider.endpoint("token")}
    made = client.assertion(aud=audience.get(where, "https://else.example"))
    form = {
        "grant_type": "client_credentials",
        "client_assertion": made,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }
    answers = [
        await oidc_provider.http.post(oidc_provider.endpoint("token"), data=form) for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [status, 401]


async def test_two_ways_to_authenticate_are_refused(oidc_provider: Server) -> None:
    """A header and a secret in the body are one too many (RFC 6749, 2.3)."""
    client = await oidc_provider.register(metadata=MACHINE)
    answer = await client.token("client_credentials", client_secret=client.secret)
    assert error(answer) == (400, "invalid_request")


async def test_a_public_client_needs_no_secret(oidc_provider: Server) -> None:
    """It says who it is in the body, and may not use another's tokens."""
    client = await oidc_provider.register(method="none")
    token = (await client.tokens())["refresh_token"]
    other = await oidc_provider.register(method="none")
    assert error(await other.refresh(token)) == (400, "invalid_grant")
    assert (await client.refresh(token)).is_success


async def test_a_nonce_is_asked_for(oidc_provider: Server) -> None:
    """A proof without it is refused with one to use, and a proof is good once (RFC 9449, 8).

    What a second use of one is called, this server decides differently from the RFC.
    """
    client = await oidc_provider.register(metadata=MACHINE, nonce=True)
    asked = await client.token("client_credentials", prove(oidc_provider))
    assert error(asked) == (400, "use_dpop_nonce")
    proof = prove(oidc_provider, nonce=asked.headers["dpop-nonce"])
    assert (await client.token("client_credentials", proof)).json()["token_type"] == "DPoP"
    assert error(await client.token("client_credentials", proof)) == (400, "invalid_grant")


async def test_a_refresh_token_of_a_public_client_is_bound(oidc_provider: Server) -> None:
    """Without a proof by the same key it is worthless (RFC 9449, 5)."""
    client = await oidc_provider.register(method="none")
    verifier = token_urlsafe(48)
    wanted = client.asked(verifier, scope="openid offline_access", prompt="consent")
    code = query(await Browser(oidc_provider.http).visit(wanted, CALLBACK))["code"]
    form = {"code": code, "redirect_uri": CALLBACK, "code_verifier": verifier}
    answer = await client.token("authorization_code", prove(oidc_provider), **form)
    token = answer.json()["refresh_token"]
    assert error(await client.refresh(token)) == (400, "invalid_grant")
    proved = await client.token("refresh_token", prove(oidc_provider), refresh_token=token)
    assert proved.json()["token_type"] == "DPoP"


async def test_a_pushed_request_is_used_once(oidc_provider: Server) -> None:
    """The browser carries a reference, and the second one that does is refused (RFC 9126)."""
    client = await oidc_provider.register()
    verifier = token_urlsafe(48)
    pushed = await client.post("pushed_authorization_request", **query(client.asked(verifier)))
    assert pushed.status_code == 201
    carried = urlencode(
        {"client_id": client.client_id, "request_uri": pushed.json()["request_uri"]}
    )
    address = f"{oidc_provider.endpoint('authorization')}?{carried}"
    back = query(await Browser(oidc_provider.http).visit(address, CALLBACK))
    form = {"code": back["code"], "redirect_uri": CALLBACK, "code_verifier": verifier}
    assert (await client.token("authorization_code", **form)).is_success
    again = query(await Browser(oidc_provider.http).visit(address, CALLBACK))
    assert again["error"] == "invalid_request_uri"


async def test_a_request_has_to_be_pushed_where_the_client_says_so(oidc_provider: Server) -> None:
    """Its parameters in an address are refused (RFC 9126, 6)."""
    client = await oidc_provider.register(metadata={"require_pushed_authorization_requests": True})
    back = query(await Browser(oidc_provider.http).visit(client.asked("v" * 43), CALLBACK))
    assert back["error"] == "invalid_request"


async def test_a_token_is_made_out_to_a_resource(oidc_provider: Server) -> None:
    """The token is a JWT for it; one that nobody knows is refused (RFC 8707, 2)."""
    client = await oidc_provider.register(metadata=MACHINE)
    answer = await client.token("client_credentials", resource=API, scope="read")
    token = answer.json()["access_token"]
    claims = pyjwt.decode(token, options={"verify_signature": False})
    assert (claims["aud"], claims["scope"], claims["iss"]) == (API, "read", oidc_provider.url)
    assert pyjwt.get_unverified_header(token)["typ"] == "at+jwt"
    answer = await client.token("client_credentials", resource="https://unknown.example")
    assert error(answer) == (400, "invalid_target")


async def test_an_id_token_is_signed_by_a_published_key(oidc_provider: Server) -> None:
    """It names issuer, client and the nonce of the request (OpenID Connect Core, 3.1.3.7)."""
    client = await oidc_provider.register()
    token = (await client.tokens(nonce="n1"))["id_token"]
    published = (await oidc_provider.http.get(oidc_provider.metadata["jwks_uri"])).json()
    kid = pyjwt.get_unverified_header(token)["kid"]
    key = pyjwt.PyJWKSet.from_dict(published)[kid]
    claims = pyjwt.decode(
        token, key, algorithms=["RS256"], audience=client.client_id, issuer=oidc_provider.url
    )
    assert (claims["nonce"], claims["sub"]) == ("n1", PERSON["login"])


async def test_a_device_waits_for_its_person(oidc_provider: Server) -> None:
    """It is pending until the code was entered and agreed to, then there are tokens (RFC 8628)."""
    client = await oidc_provider.register(metadata={"grant_types": [DEVICE_CODE, "refresh_token"]})
    scope = "openid offline_access"
    begun = (await client.post("device_authorization", scope=scope, prompt="consent")).json()
    form = {"device_code": begun["device_code"]}
    assert error(await client.token(DEVICE_CODE, **form)) == (400, "authorization_pending")
    told = {**PERSON, "user_code": begun["user_code"]}
    await Browser(oidc_provider.http, told).visit(begun["verification_uri"])
    tokens = (await client.token(DEVICE_CODE, **form)).json()
    assert (await client.refresh(tokens["refresh_token"])).is_success


async def test_a_client_is_known_by_its_certificate(
    oidc_provider_over_tls: tuple[Server, Certified],
) -> None:
    """It needs no secret, its tokens are bound, and another's name is refused (RFC 8705, 2.1)."""
    server, files = oidc_provider_over_tls
    asked = {**MACHINE, "tls_client_certificate_bound_access_tokens": True}
    named = {"tls_client_auth_san_dns": files.host}
    client = await server.register(metadata=asked | named, method="tls_client_auth")
    token = (await client.token("client_credentials")).json()["access_token"]
    found = (await client.post("introspection", token=token)).json()
    assert "x5t#S256" in found["cnf"]
    named = {"tls_client_auth_san_dns": "other.example"}
    stranger = await server.register(metadata=asked | named, method="tls_client_auth")
    assert error(await stranger.token("client_credentials")) == (401, "invalid_client")


async def test_who_shows_no_certificate_is_nobody(
    oidc_provider_over_tls: tuple[Server, Certified],
) -> None:
    """Without it the same client is refused (RFC 8705, 2.1)."""
    server, files = oidc_provider_over_tls
    named = {**MACHINE, "tls_client_auth_san_dns": files.host}
    client = await server.register(metadata=named, method="tls_client_auth")
    bare = ssl.create_default_context(cadata=files.authority)
    async with httpx2.AsyncClient(verify=bare, trust_env=False) as http:
        asked = replace(client, server=replace(server, http=http))
        assert error(await asked.token("client_credentials")) == (401, "invalid_client")
