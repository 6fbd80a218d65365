"""DPoP: the nonce challenge, bound tokens, and proofs nobody asked for."""

import hashlib
from base64 import urlsafe_b64encode

import httpx2
import pytest
from sandbox_kit import BASE, World
from sandbox_oauth_kit import prove

pytestmark = pytest.mark.anyio


@pytest.fixture
def bound(world: World) -> World:
    """Ask the service app for proofs."""
    world.org.change_dpop(world.org.seeded.service_app_id, bound=True)
    return world


async def bound_token(world: World) -> httpx2.Response:
    """Get a bound token: be challenged, then prove with the nonce."""
    challenge = await world.service_token(headers=prove(world))
    nonce = challenge.headers["dpop-nonce"]
    return await world.service_token(headers=prove(world, nonce=nonce))


async def test_challenge_then_token(bound: World) -> None:
    """Without nonce: a challenge; with it: a token of type DPoP and the nonce again."""
    missing = await bound.service_token()
    assert missing.json() == {
        "error": "invalid_dpop_proof",
        "error_description": "The DPoP proof JWT header is missing.",
    }
    challenge = await bound.service_token(headers=prove(bound))
    assert (challenge.status_code, challenge.json()) == (
        400,
        {
            "error": "use_dpop_nonce",
            "error_description": "Authorization server requires nonce in DPoP proof.",
        },
    )
    answer = await bound_token(bound)
    assert (answer.status_code, answer.json()["token_type"]) == (200, "DPoP")
    assert answer.headers["dpop-nonce"] == challenge.headers["dpop-nonce"]


async def test_bound_token_at_the_api(bound: World) -> None:
    """The API wants the DPoP scheme and a proof over the token, without nonce."""
    token = (await bound_token(bound)).json()["access_token"]
    url = f"{BASE}/api/v1/apps"
    bearer = await bound.http.get(url, headers={"authorization": f"Bearer {token}"})
    assert "DPoP authentication scheme" in bearer.json()["error_description"]
    scheme = {"authorization": f"DPoP {token}"}
    bare = await bound.http.get(url, headers=scheme)
    assert bare.json()["error_description"] == "The resource request requires a DPoP proof."
    ath = urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).decode().rstrip("=")
    proof = prove(bound, htm="GET", htu=url, ath=ath)
    assert (await bound.http.get(url, headers=scheme | proof)).status_code == 200
    wrong = prove(bound, htm="GET", htu=url, ath="other")
    assert (await bound.http.get(url, headers=scheme | wrong)).status_code == 400


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"typ": "JWT"}, "'typ' must be 'dpop+jwt' in the DPoP proof JWT."),
        ({"htm": "GET"}, "'htm' claim in the DPoP proof JWT is invalid."),
        ({"htu": BASE}, "'htu' claim in the DPoP proof JWT is invalid."),
        ({"jti": ""}, "'jti' claim in the DPoP proof JWT is invalid."),
        ({"iat": 1}, "The DPoP proof JWT is issued more than five minutes in the past."),
        ({"iat": 4_000_000_000}, "The DPoP proof JWT is issued in the future."),
    ],
)
async def test_wrong_proofs(bound: World, change: dict[str, object], text: str) -> None:
    """Each flaw of a proof has a text of its own."""
    answer = await bound.service_token(headers=prove(bound, **change))  # type: ignore[arg-type]
    assert answer.json() == {"error": "invalid_dpop_proof", "error_description": text}


async def test_proof_is_used_once(bound: World) -> None:
    """The same proof twice is refused."""
    proof = prove(bound)
    await bound.service_token(headers=proof)
    again = await bound.service_token(headers=proof)
    assert again.json()["error_description"] == "The DPoP proof JWT has already been used."


async def test_unasked_proof_is_ignored(world: World) -> None:
    """A client that was not asked may send anything in the header."""
    answer = await world.service_token(headers={"dpop": "junk"})
    assert (answer.status_code, answer.json()["token_type"]) == (200, "Bearer")
