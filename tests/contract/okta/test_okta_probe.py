"""A probe authenticates as the app does, and only a clear answer is one."""

import base64
import json
from typing import Any
from urllib.parse import parse_qs

import httpx2
import jwt as pyjwt
import pytest
from okta_kit import APP, BASE, START, VALUE, ScriptedOkta, refusal, reply

from keyturn.domain.errors import (
    OktaError,
    OktaRefused,
    OktaThrottled,
    OktaUnclear,
    OktaUnreachable,
    Refused,
)
from keyturn.domain.ids import ClientId
from keyturn.domain.okta import AuthMethod, CredentialKind, KeyAlgorithm, Probe
from keyturn.domain.sensitive import Sensitive
from keyturn.services.ports import OktaCall

CLIENT = ClientId("client:1")
BASIC = AuthMethod.CLIENT_SECRET_BASIC
INACTIVE = reply(200, {"active": False})


def form(okta: ScriptedOkta) -> dict[str, str]:
    """Return the form of the last request."""
    return {
        name: values[0] for name, values in parse_qs(okta.requests[-1].content.decode()).items()
    }


async def test_basic(okta: ScriptedOkta) -> None:
    """Both parts are form-encoded before they are joined (RFC 6749, section 2.3.1)."""
    value = Sensitive("a b+c:d%/é")
    assert await okta.script(INACTIVE).probe(CLIENT, value, BASIC) is Probe.ACCEPTED
    scheme, _, pair = okta.requests[0].headers["authorization"].partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(pair) == b"client%3A1:a+b%2Bc%3Ad%25%2F%C3%A9"
    assert okta.asked == ["POST /oauth2/v1/introspect"]
    assert form(okta)["token"]
    assert okta.journal == [OktaCall("probe a client secret", 200, "req1")]


async def test_post(okta: ScriptedOkta) -> None:
    """The secret is a member of the form, and of nothing else."""
    method = AuthMethod.CLIENT_SECRET_POST
    assert await okta.script(INACTIVE).probe(CLIENT, VALUE, method) is Probe.ACCEPTED
    assert form(okta)["client_secret"] == VALUE.reveal()
    assert "authorization" not in okta.requests[0].headers
    assert VALUE.reveal() not in str(okta.requests[0].url)


async def test_jwt(okta: ScriptedOkta) -> None:
    """The secret signs an assertion and does not travel."""
    method = AuthMethod.CLIENT_SECRET_JWT
    org = okta.script(INACTIVE, INACTIVE)
    assert await org.probe(CLIENT, VALUE, method) is Probe.ACCEPTED
    assert VALUE.reveal().encode() not in okta.requests[0].content
    claims = read_assertion(form(okta)["client_assertion"])
    assert (claims["iss"], claims["sub"], claims["iat"]) == (CLIENT, CLIENT, START.timestamp())
    assert claims["exp"] - claims["iat"] <= 300
    await org.probe(CLIENT, VALUE, method)
    assert claims["jti"] != read_assertion(form(okta)["client_assertion"])["jti"]


def read_assertion(text: str) -> dict[str, Any]:
    """Verify an assertion by another library and return its claims."""
    claims: dict[str, Any] = pyjwt.decode(
        text,
        VALUE.reveal(),
        ["HS256"],
        {"verify_exp": False, "verify_iat": False},
        audience=f"{BASE}/oauth2/v1/introspect",
    )
    return claims


async def test_rejected(okta: ScriptedOkta) -> None:
    """A 401 with invalid_client is the only no."""
    body = {"error": "invalid_client", "error_description": "The client secret is invalid."}
    assert await okta.script(reply(401, body)).probe(CLIENT, VALUE, BASIC) is Probe.REJECTED


async def test_a_wrong_assertion_is_not_a_wrong_secret(okta: ScriptedOkta) -> None:
    """A 401 that speaks of the assertion's audience or age says nothing of the secret."""
    method = AuthMethod.CLIENT_SECRET_JWT
    about = "The audience claim for client_assertion must be the endpoint invoked for the request."
    told = {"error": "invalid_client", "error_description": about}
    with pytest.raises(OktaRefused, match="audience"):
        await okta.script(reply(401, told)).probe(CLIENT, VALUE, method)
    told["error_description"] = "The client_assertion signature is invalid."
    assert await okta.script(reply(401, told)).probe(CLIENT, VALUE, method) is Probe.REJECTED


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (reply(200, {"active": True}), OktaUnclear),
        (reply(200, {}), OktaUnclear),
        (httpx2.Response(401, html="Sign in"), OktaUnclear),
        (reply(500, {"error": "invalid_client"}), OktaUnclear),
        (reply(400, {"error": "invalid_client"}), OktaRefused),
        (reply(401, {"error": "invalid_request"}), OktaRefused),
        (refusal(429, "E0000047", "Too many"), OktaThrottled),
        (httpx2.ReadTimeout("late"), OktaUnreachable),
    ],
)
async def test_anything_else_tells_nothing(
    okta: ScriptedOkta, answer: httpx2.Response | Exception, error: type[OktaError]
) -> None:
    """Whatever does not speak of the secret is an error, not an answer."""
    with pytest.raises(error) as caught:
        await okta.script(answer).probe(CLIENT, VALUE, BASIC)
    assert VALUE.reveal() not in repr(caught.value)


async def test_apps_without_a_credential(okta: ScriptedOkta) -> None:
    """A public app cannot be probed."""
    with pytest.raises(Refused):
        await okta.script().probe(CLIENT, VALUE, AuthMethod.NONE)
    assert okta.asked == []


@pytest.mark.parametrize("algorithm", KeyAlgorithm)
async def test_private_key_jwt(okta: ScriptedOkta, algorithm: KeyAlgorithm) -> None:
    """A private key signs an assertion for the endpoint that is called, and does not travel."""
    org = okta.script(INACTIVE)
    key = org.credentials_of(APP, CredentialKind.CLIENT_KEY).choose(algorithm)
    assert await org.probe(CLIENT, key.value, AuthMethod.PRIVATE_KEY_JWT) is Probe.ACCEPTED
    private = json.loads(key.value.reveal())
    assert private["d"].encode() not in okta.requests[0].content
    assertion = form(okta)["client_assertion"]
    header = pyjwt.get_unverified_header(assertion)
    assert (header["alg"], header["kid"]) == (algorithm, key.hash)
    audience, unaged = f"{BASE}/oauth2/v1/introspect", {"verify_exp": False, "verify_iat": False}
    public = pyjwt.PyJWK(private).key.public_key()
    assert pyjwt.decode(assertion, public, [algorithm], unaged, audience=audience)["sub"] == CLIENT


@pytest.mark.parametrize("about", ["JWT kid is invalid.", "signature is invalid."])
async def test_a_key_that_okta_does_not_know_is_rejected(okta: ScriptedOkta, about: str) -> None:
    """A refused key id or signature is a no; one of the assertion's audience is none."""
    key = okta.script().credentials_of(APP, CredentialKind.CLIENT_KEY).choose(KeyAlgorithm.ES256)
    told = {"error": "invalid_client", "error_description": f"The client_assertion {about}"}
    probe = okta.script(reply(401, told)).probe(CLIENT, key.value, AuthMethod.PRIVATE_KEY_JWT)
    assert await probe is Probe.REJECTED
