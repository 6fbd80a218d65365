"""Access tokens that somebody has changed in every way that is known: which of them count."""

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256

import httpx2
import pytest
from issuer_kit import EC_KEY, ISSUER, OTHER_KEY, RSA_KEY, Issuer, Key, jwk, pem, signed
from jwt import PyJWS
from rig import founded

from keyturn.adapters.oidc import HttpIssuers
from keyturn.domain.errors import IssuerUnreachable
from keyturn.domain.flows.bearers import INVOKE, BearerRules, Fault, TokenRefused
from keyturn.domain.flows.intake import Invocation
from keyturn.domain.project import Folder, Place
from keyturn.domain.turn import Policy
from keyturn.jose.signing import JoseSigner
from keyturn.services.bearing import admit_bearer
from keyturn.services.ports import World
from keyturn.services.projects import place_of

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOW = int(START.timestamp())
AUDIENCE = "https://keyturn.example.com"
RULES = BearerRules(ISSUER, (AUDIENCE, "flows"), clients=("0oa1", "0oa2"))
GOOD: Mapping[str, object] = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "exp": NOW + 600,
    "nbf": NOW - 10,
    "iat": NOW - 10,
    "scp": ["openid", INVOKE],
    "cid": "0oa1",
    "sub": "0oa1",
    "jti": "AT.1",
}
OKTA_TYPE = "application/okta-internal-at+jwt"

Made = Callable[[], str]


@dataclass(frozen=True)
class Door:
    """An endpoint that asks for tokens of an issuer, and that issuer."""

    world: World
    place: Place
    issuer: Issuer

    async def outcome(self, token: str, rules: BearerRules = RULES) -> str:
        """Return what comes of a token: the fault, or nothing."""
        bearer = (("authorization", f"Bearer {token}"),)
        asked = Invocation("POST", AUDIENCE, headers=bearer)
        try:
            await admit_bearer(self.world, self.place, rules, asked)
        except TokenRefused as refusal:
            return "it tells the token" if token in refusal.message else refusal.fault
        return ""


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    """Give an endpoint whose issuer has an elliptic and an RSA key."""
    async with founded(START, Policy(300, 300)) as it:
        issuer = Issuer(keys=[jwk(EC_KEY), jwk(RSA_KEY, "k-2")])
        issuers = HttpIssuers(it.clock, issuer.transport)
        world = replace(it.world, issuers=issuers, signer=JoseSigner())
        async with aclosing(issuers), world.store.reading() as tx:
            place = await place_of(tx, (await tx.list(Folder))[0].id)
            yield Door(world, place, issuer)


def made(key: Key = EC_KEY, algorithm: str = "ES256", **claims: object) -> Made:
    """Return how a token with other claims is made; None leaves a claim out."""
    told = {name: each for name, each in {**GOOD, **claims}.items() if each is not None}
    kid = "k-2" if key is RSA_KEY else "k-1"
    return lambda: signed(told, key, algorithm, kid, typ="at+jwt")


def headed(**header: object) -> Made:
    """Return how a token with another header is made."""
    return lambda: signed(dict(GOOD), **{"typ": "at+jwt", **header})  # type: ignore[arg-type]  as given


def encoded(told: object) -> str:
    """Encode one part of a token."""
    return urlsafe_b64encode(json.dumps(told).encode()).rstrip(b"=").decode()


def by_public_key() -> str:
    """Sign with the public key of the issuer as if it were a shared secret (RFC 8725, 2.1)."""
    told = f"{encoded({'alg': 'HS256', 'typ': 'at+jwt', 'kid': 'k-2'})}.{encoded(GOOD)}"
    made_by = hmac.new(pem(RSA_KEY).encode(), told.encode(), sha256).digest()
    return f"{told}.{urlsafe_b64encode(made_by).rstrip(b'=').decode()}"


def with_other_claims() -> str:
    """Put other claims under a good signature."""
    header, _, signature = made()().split(".")
    return f"{header}.{encoded({**GOOD, 'exp': NOW + 9999})}.{signature}"


def raw(told: object) -> Made:
    """Return how anything at all is signed."""
    header = {"kid": "k-1", "typ": "at+jwt"}
    return lambda: PyJWS().encode(json.dumps(told).encode(), EC_KEY, "ES256", headers=header)


TAKEN: Mapping[str, Made] = {
    "as it is": made(),
    "by RSA": made(RSA_KEY, "RS256"),
    "by RSA-PSS": made(RSA_KEY, "PS512"),
    "several audiences": made(aud=["elsewhere", "flows"]),
    "scope as a text": made(scp=None, scope=f"openid {INVOKE}"),
    "client_id": made(cid=None, client_id="0oa2"),
    "no nbf and no iat": made(nbf=None, iat=None),
    "expired, within the skew": made(exp=NOW - 59),
    "of the future, within the skew": made(nbf=NOW + 60, iat=NOW + 60),
    "Okta's own type": headed(typ=OKTA_TYPE),
    "its type in full": headed(typ="application/at+jwt"),
    "plain JWT": headed(typ="JWT"),
    "no type": headed(typ=None),
    "no key named": headed(kid=None),
}
INVALID: Mapping[str, Made] = {
    "no JWT": lambda: "opaque",
    "two parts": lambda: made()().rpartition(".")[0],
    "four parts": lambda: made()() + ".x",
    "empty signature": lambda: made()().rpartition(".")[0] + ".",
    "none": lambda: f"{encoded({'alg': 'none'})}.{encoded(GOOD)}.",
    "None": lambda: f"{encoded({'alg': 'None'})}.{encoded(GOOD)}.",
    "by the public key": by_public_key,
    "other claims": with_other_claims,
    "by another key": made(OTHER_KEY),
    "a key that is not there": headed(kid="k-9"),
    "a key of another kind": headed(kid="k-2"),
    "something critical": headed(crit=["x"], x=1),
    "claims that are no object": raw([1]),
    "no issuer": made(iss=None),
    "another issuer": made(iss="https://other.example.com"),
    "an issuer with a slash": made(iss=ISSUER + "/"),
    "an issuer in a list": raw({**GOOD, "iss": [ISSUER]}),
    "no audience": made(aud=None),
    "another audience": made(aud="elsewhere"),
    "a longer audience": made(aud=AUDIENCE + "/"),
    "an audience in an object": made(aud={"flows": 1}),
    "no end": made(exp=None),
    "expired": made(exp=NOW - 60),
    "an end in words": made(exp=str(NOW + 600)),
    "an end that is true": made(exp=True),
    "an endless end": made(exp=1e400),
    "not yet": made(nbf=NOW + 61),
    "a beginning in words": made(nbf="now"),
    "issued tomorrow": made(iat=NOW + 86_400),
    "a proof in place of a token": headed(typ="dpop+jwt"),
    "a logout token": headed(typ="logout+jwt"),
    "bound to a key": made(cnf={"jkt": "x"}),
    "bound to a certificate": made(cnf={"x5t#S256": "x"}),
    "bound to something": made(cnf="x"),
}
WITHOUT_SCOPE: Mapping[str, Made] = {
    "no scope": made(scp=None),
    "another scope": made(scp=["okta.users.read"]),
    "a longer scope": made(scp=[INVOKE + ".all"]),
    "a scope in capitals": made(scp=[INVOKE.upper()]),
    "scopes in a text with commas": made(scp=None, scope=f"openid,{INVOKE}"),
    "scopes in an object": made(scp={INVOKE: True}),
}
OF_OTHERS: Mapping[str, Made] = {
    "no client": made(cid=None),
    "another client": made(cid="0oa9"),
    "clients in a list": made(cid=["0oa1"]),
}
ROWS = {
    **dict.fromkeys(TAKEN, ""),
    **dict.fromkeys(INVALID, Fault.INVALID_TOKEN),
    **dict.fromkeys(WITHOUT_SCOPE, Fault.SCOPE),
    **dict.fromkeys(OF_OTHERS, Fault.CLIENT),
}


@pytest.mark.parametrize("name", ROWS)
async def test_what_becomes_of_a_token(door: Door, name: str) -> None:
    """Each is taken, or refused by the fault of its row."""
    make = {**TAKEN, **INVALID, **WITHOUT_SCOPE, **OF_OTHERS}[name]
    assert await door.outcome(make()) == ROWS[name]


async def test_only_the_types_of_the_file_count_where_it_names_some(door: Door) -> None:
    """One that says nothing is then none of them."""
    strict = replace(RULES, types=("at+jwt",))
    assert await door.outcome(made()(), strict) == ""
    for kind in ("JWT", None, OKTA_TYPE):
        assert await door.outcome(headed(typ=kind)(), strict) == Fault.INVALID_TOKEN


async def test_every_scope_that_is_asked_for_has_to_be_there(door: Door) -> None:
    """In any order."""
    both = replace(RULES, scope=f"{INVOKE} openid")
    assert await door.outcome(made()(), both) == ""
    assert await door.outcome(made(scp=[INVOKE])(), both) == Fault.SCOPE


async def test_a_new_key_of_the_issuer_is_found(door: Door) -> None:
    """It is asked again for a key that nobody knows, though not on and on."""
    assert await door.outcome(made()()) == ""
    door.issuer.keys.append(jwk(OTHER_KEY, "k-3"))
    new = signed(dict(GOOD), OTHER_KEY, kid="k-3", typ="at+jwt")
    assert await door.outcome(new) == Fault.INVALID_TOKEN
    door.world.clock.advance(31)  # type: ignore[attr-defined]  it is turned by hand
    assert await door.outcome(new) == ""
    asked = len(door.issuer.asked)
    for number in range(20):
        assert await door.outcome(headed(kid=f"k-{number + 10}")()) == Fault.INVALID_TOKEN
    assert len(door.issuer.asked) == asked


async def test_for_a_token_of_another_issuer_nobody_is_asked(door: Door) -> None:
    """Whoever shows what others gave has no keys fetched."""
    other = made(iss="https://other.example.com")()
    assert await door.outcome(other) == Fault.INVALID_TOKEN
    assert door.issuer.asked == []


async def test_an_issuer_that_is_away_says_nothing_against_a_token(door: Door) -> None:
    """Nobody can tell now."""
    door.issuer.fault = httpx2.ConnectError("away")
    with pytest.raises(IssuerUnreachable):
        await door.outcome(made()())
