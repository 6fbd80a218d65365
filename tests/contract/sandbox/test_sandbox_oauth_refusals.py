"""The refusals of the OAuth endpoints and of DPoP that no other test reads to the letter.

A row tells how to provoke a refusal, and its status, error and description.
"""

import functools
import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable

import httpx2
import jwt as pyjwt
import pytest
from joserfc.jwk import ECKey
from sandbox_kit import BASE, World, basic
from sandbox_oauth_kit import oauth_error

from keyturn.sandbox import AppDraft

pytestmark = pytest.mark.anyio
Ask = Callable[[World], Awaitable[httpx2.Response]]

TOKEN, INTROSPECT, APPS = "/oauth2/v1/token", "/oauth2/v1/introspect", "/api/v1/apps"
CREDENTIALS = {"grant_type": "client_credentials", "scope": "okta.apps.read"}


def both_ways(world: World) -> Awaitable[httpx2.Response]:
    """Authenticate by header and by form at once."""
    headers = {"authorization": basic(world.client_id, world.secret)}
    form = {"token": "x", "client_id": world.client_id, "client_secret": world.secret}
    return world.http.post(INTROSPECT, data=form, headers=headers)


def in_the_query(world: World) -> Awaitable[httpx2.Response]:
    """Put the client secret into the address."""
    query = {"client_id": world.client_id, "client_secret": world.secret}
    return world.http.post(INTROSPECT, params=query, data={"token": "x"})


def no_service_app(world: World) -> Awaitable[httpx2.Response]:
    """Ask for a token of its own as a web app that signs assertions."""
    service = world.org.read_app(world.org.seeded.service_app_id)
    draft = AppDraft(
        "Web app by key",
        auth_method="private_key_jwt",
        grant_types=("client_credentials",),
        jwks=service.jwks,
    )
    client_id = world.org.create_app(draft).client_id
    return world.service_token(assertion=world.assertion(iss=client_id, sub=client_id))


def unregistered_grant(world: World) -> Awaitable[httpx2.Response]:
    """Ask for a device's token as an app without that grant."""
    grant = "urn:ietf:params:oauth:grant-type:device_code"
    return world.post("token", {"grant_type": grant, "device_code": "x"})


def without_keys(world: World) -> Awaitable[httpx2.Response]:
    """Sign as an app that has no keys."""
    client_id = world.org.create_app(AppDraft("Keyless", auth_method="private_key_jwt")).client_id
    return world.service_token(assertion=world.assertion(iss=client_id, sub=client_id))


def unknown_algorithm(world: World) -> Awaitable[httpx2.Response]:
    """Sign by an algorithm that Okta does not take."""
    claims = pyjwt.decode(world.assertion(), options={"verify_signature": False})
    pem = world.org.keys.service.as_pem(private=True)
    return world.service_token(assertion=pyjwt.encode(claims, pem, "PS256"))


CLIENTS: list[tuple[str, Ask, int, str, str]] = [
    (
        "two at once",
        both_ways,
        401,
        "invalid_request",
        (
            "Cannot supply multiple client credentials. Use one of the following: credentials in "
            "the Authorization header, credentials in the post body, or a client_assertion in the "
            "post body."
        ),
    ),
    (
        "in the address",
        in_the_query,
        400,
        "invalid_request",
        "Client credentials cannot be supplied via query parameters.",
    ),
    (
        "no service app",
        no_service_app,
        401,
        "invalid_client",
        (
            "Only clients with 'application_type' of 'service' may use the client_credentials "
            "'grant_type' with the Org Authorization Server."
        ),
    ),
    (
        "another grant",
        unregistered_grant,
        400,
        "unauthorized_client",
        (
            "The client is not authorized to use the provided grant type. "
            "Configured grant types: [authorization_code, refresh_token]."
        ),
    ),
    (
        "no keys",
        without_keys,
        401,
        "invalid_client",
        "The client does not have a JWKSet configured, but the client_assertion requires one.",
    ),
    (
        "another algorithm",
        unknown_algorithm,
        401,
        "invalid_client",
        "The client_assertion JWT signature algorithm is invalid.",
    ),
]


@pytest.mark.parametrize("row", CLIENTS, ids=[row[0] for row in CLIENTS])
async def test_clients(world: World, row: tuple[str, Ask, int, str, str]) -> None:
    """Who may not authenticate so, or may not ask for that."""
    _, ask, *expected = row
    assert oauth_error(await ask(world)) == tuple(expected)


# --- proofs -----------------------------------------------------------------------------------


@functools.cache
def pair(name: str) -> ECKey:
    """Make a key pair of a client, once a name."""
    return ECKey.generate_key("P-256")


def prove(
    world: World, *, signer: str = "own", shown: str = "own", alg: str = "ES256", **claims: object
) -> dict[str, str]:
    """Return the header with a proof, signed by one key and showing a perhaps different one."""
    whole: dict[str, object] = {
        "htm": "POST",
        "htu": BASE + TOKEN,
        "iat": int(world.clock.at.timestamp()),
        "jti": f"proof-{world.org.journal.last}",
        **claims,
    }
    header = {"typ": "dpop+jwt", "jwk": pair(shown).as_dict(private=False)}
    pem = pair(signer).as_pem(private=True)
    token = pyjwt.encode(whole, pem if alg == "ES256" else "k" * 64, alg, header)
    return {"dpop": token}


@pytest.fixture
async def bound(world: World) -> str:
    """Give a token that is bound to the key named own."""
    world.org.change_dpop(world.org.seeded.service_app_id, bound=True)
    challenge = await world.service_token(headers=prove(world))
    proof = prove(world, nonce=challenge.headers["dpop-nonce"])
    token: str = (await world.service_token(headers=proof)).json()["access_token"]
    return token


@pytest.mark.parametrize(
    ("changes", "description"),
    [
        ({"alg": "HS256"}, "The DPoP proof JWT signature algorithm is invalid."),
        ({"signer": "other"}, "The DPoP proof JWT signature is invalid."),
        ({"iat": "now"}, "'iat' claim in the DPoP proof JWT is invalid."),
        ({"htm": "GET"}, "'htm' claim in the DPoP proof JWT is invalid."),
    ],
)
async def test_proofs(world: World, changes: dict[str, str], description: str) -> None:
    """What is wrong with a proof at the token endpoint."""
    world.org.change_dpop(world.org.seeded.service_app_id, bound=True)
    answer = await world.service_token(headers=prove(world, **changes))  # type: ignore[arg-type]  # as given
    assert oauth_error(answer) == (400, "invalid_dpop_proof", description)


@pytest.mark.parametrize(
    ("who", "claims", "expected"),
    [
        (
            "own",
            {"ath": "other"},
            "'ath' claim in the DPoP proof does not match the presented access_token.",
        ),
        ("other", {}, "The access_token is not bound to the provided DPoP proof."),
    ],
)
async def test_proofs_of_bound_tokens(
    world: World, bound: str, who: str, claims: dict[str, str], expected: str
) -> None:
    """A proof at the API is over the token, by the key that the token is bound to."""
    ath = urlsafe_b64encode(hashlib.sha256(bound.encode()).digest()).decode().rstrip("=")
    whole = {"htm": "GET", "htu": BASE + APPS, "ath": ath, **claims}
    proof = prove(world, signer=who, shown=who, **whole)  # type: ignore[arg-type]  # claims
    answer = await world.http.get(APPS, headers={"authorization": f"DPoP {bound}", **proof})
    assert oauth_error(answer) == (400, "invalid_dpop_proof", expected)


async def test_scheme_of_a_bound_token(world: World, bound: str) -> None:
    """A bound token does not come as a bearer token, nor a plain one as a bound one."""
    answer = await world.http.get(APPS, headers={"authorization": f"Bearer {bound}"})
    rule = "must use the DPoP authentication scheme when using a DPoP bound token."
    expected = (400, "invalid_request", f"The resource request {rule}")
    assert oauth_error(answer) == expected
    world.org.change_dpop(world.org.seeded.service_app_id, bound=False)
    plain = (await world.service_token()).json()["access_token"]
    answer = await world.http.get(APPS, headers={"authorization": f"DPoP {plain}"})
    assert oauth_error(answer) == (
        401,
        "invalid_token",
        "The presented access_token is not DPoP bound.",
    )


# --- userinfo -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/oauth2/v1/userinfo", "/oauth2/default/v1/userinfo"])
async def test_userinfo_refuses_by_header_only(world: World, path: str) -> None:
    """401 and 403 have no body; the header tells why in the short form."""
    wrong = await world.http.get(path, headers={"authorization": "Bearer x"})
    assert (wrong.status_code, wrong.content) == (401, b"")
    assert wrong.headers["www-authenticate"] == (
        'Bearer error="invalid_token", error_description="The access token is invalid."'
    )
    assert "content-type" not in wrong.headers


async def test_userinfo_without_a_person(world: World) -> None:
    """A token that speaks of nobody is 403, by header only too."""
    token = (await world.service_token()).json()["access_token"]
    answer = await world.http.get(
        "/oauth2/v1/userinfo", headers={"authorization": f"Bearer {token}"}
    )
    assert (answer.status_code, answer.content) == (403, b"")
    assert answer.headers["www-authenticate"] == (
        'Bearer error="insufficient_scope", error_description="The access token must provide '
        'access to at least one of these scopes - profile, email, address or phone"'
    )
