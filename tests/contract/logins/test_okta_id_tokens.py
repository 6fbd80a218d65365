"""What an ID token has to be and to say to let anybody in (OpenID Connect Core, 3.1.3.7)."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable

import pytest
from joserfc.jwk import RSAKey
from okta_login_kit import Claims, Desk
from rig import Rig

from keyturn.domain.errors import Refused
from keyturn.domain.identity import Identity
from keyturn.domain.okta_login import UNNAMED
from keyturn.sandbox import Org
from keyturn.sandbox.oauth.jose import read_unverified, sign
from keyturn.services.okta_logins import NO_ID_TOKEN, UNSIGNED

ADA = "ada@example.com"


def at(seconds: float) -> Callable[[Rig], float]:
    """Return a moment that is so many seconds after now."""
    return lambda rig: rig.clock.now().timestamp() + seconds


async def refused(desk: Desk) -> str:
    """Have somebody log in who would come in; return why they do not, once nobody has."""
    with pytest.raises(Refused) as refusal:
        await desk.log_in(desk.person(ADA, "Admins"))
    async with desk.world.store.reading() as tx:
        assert not [each for each in await tx.list(Identity) if each.person]
    why = refusal.value.message
    assert (await desk.record())[-1][2:] == (False, why)
    return why


@pytest.mark.parametrize(
    ("claim", "told"),
    [
        ("iss", "https://evil.example.com"),
        ("iss", "https://sandbox.okta.test/"),
        ("iss", None),
        ("aud", "another-client"),
        ("aud", []),
        ("aud", None),
        ("azp", "another-client"),
        ("exp", at(-60)),
        ("exp", "soon"),
        ("exp", None),
        ("iat", at(-600)),
        ("iat", at(60)),
        ("iat", None),
        ("nonce", "another-nonce"),
        ("nonce", None),
        ("at_hash", "of-another-token"),
    ],
)
async def test_a_claim_that_does_not_hold(desk: Desk, claim: str, told: object) -> None:
    """Nobody comes in by a token of another issuer, client, time or log-in; it is on record."""
    desk.way.forge_claims(**{claim: told(desk.rig) if callable(told) else told})
    assert f"its {claim} does not fit" in await refused(desk)


async def test_a_token_of_several_audiences_without_its_party(desk: Desk) -> None:
    """It is not said for which of them it was made."""
    desk.way.forge_claims(aud=[desk.app.client_id, "another-client"])
    assert "its azp does not fit" in await refused(desk)


@pytest.mark.parametrize("sub", [None, "", 7, "s" * 256, "\x1b[2J"])
async def test_a_token_about_nobody(desk: Desk, sub: object) -> None:
    """Without a subject that can be one there is nobody to let in."""
    desk.way.forge_claims(sub=sub)
    assert await refused(desk) == UNNAMED


def by_another_key(org: Org, claims: Claims) -> str:
    """Return claims signed by a key that the issuer does not publish, under the name of its own."""
    key = RSAKey.generate_key(2048, parameters={"kid": str(org.keys.signing.kid)})
    return sign(claims, key)


def by_nobody(org: Org, claims: Claims) -> str:
    """Return claims that nobody has signed (RFC 8725, 3.1)."""
    parts = ({"alg": "none", "kid": str(org.keys.signing.kid)}, claims)
    texts = [urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts]
    return ".".join(text.rstrip("=") for text in texts) + "."


def changed_after(org: Org, claims: Claims) -> str:
    """Return claims that were changed after they were signed."""
    head, _, mark = sign(claims, org.keys.signing).split(".")
    other = json.dumps(claims | {"sub": "somebody-else"}).encode()
    return f"{head}.{urlsafe_b64encode(other).decode().rstrip('=')}.{mark}"


@pytest.mark.parametrize(
    "forged", [by_another_key, by_nobody, changed_after, lambda *_: "canary.no.token"]
)
async def test_a_token_that_its_issuer_has_not_signed(
    desk: Desk, forged: Callable[[Org, Claims], str]
) -> None:
    """Only the keys that the issuer publishes count, and only for what they have signed."""

    def forge(body: Claims) -> Claims:
        claims = dict(read_unverified(str(body["id_token"])).claims)
        return body | {"id_token": forged(desk.org, claims)}

    desk.way.tamper("/token", forge)
    assert await refused(desk) == UNSIGNED


async def test_an_answer_without_an_id_token(desk: Desk) -> None:
    """An access token alone says nothing of who somebody is."""
    desk.way.tamper("/token", lambda body: {k: v for k, v in body.items() if k != "id_token"})
    assert await refused(desk) == NO_ID_TOKEN


async def test_a_rejected_client_secret(desk: Desk) -> None:
    """Nobody comes in, and it is said whose matter that is."""
    begun = await desk.begin()
    told = await desk.visit(begun, desk.person(ADA, "Admins"))
    (secret,) = desk.org.read_app(desk.app.id).live_secrets
    desk.org.create_secret(desk.app.id, "another-secret-of-the-app")
    desk.org.deactivate_secret(desk.app.id, secret.id)
    with pytest.raises(Refused, match="rejects the client's credential"):
        await desk.complete(begun, told)
