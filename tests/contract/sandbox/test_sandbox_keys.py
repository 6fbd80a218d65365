"""The org's keys: chosen by its seed, and worth nothing to anybody."""

import json
from itertools import combinations

import jwt as pyjwt
import pytest
from joserfc.jwk import RSAKey
from sandbox_kit import World

from keyturn.sandbox import Keys, Org
from keyturn.sandbox.state.keys import list_primes
from keyturn.sandbox.state.snapshot import new_org, parse_snapshot, render_snapshot

pytestmark = pytest.mark.anyio


def modulus(key: RSAKey) -> str:
    """Return what tells one RSA key from another."""
    return str(key.as_dict(private=False)["n"])


def test_primes_are_primes() -> None:
    """Each one passes Fermat's test to three bases, and can belong to a key of exponent 65537."""
    primes = list_primes()
    assert len(set(primes)) == 32
    for prime in primes:
        assert all(pow(base, prime - 1, prime) == 1 for base in (2, 3, 65537))
        assert (prime - 1) % 65537 != 0


def test_keys_have_the_length_that_okta_wants() -> None:
    """Every two primes make a key of exactly 2,048 bits."""
    assert {(p * q).bit_length() for p, q in combinations(list_primes(), 2)} == {2048}


def test_a_seed_has_keys_of_its_own() -> None:
    """No two of 248 seeds in a row have a key in common, and any number is a seed."""
    keys = [Keys.of_seed(seed) for seed in range(1000, 1248)]
    assert len({modulus(key) for pair in keys for key in (pair.signing, pair.service)}) == 496
    assert modulus(Keys.of_seed(-(10**30)).signing)


def test_a_key_is_named_by_what_it_is() -> None:
    """The key id is the thumbprint (RFC 7638), so that no two keys ever have the same."""
    keys = Keys.of_seed(1)
    assert keys.signing.kid == RSAKey.import_key(keys.signing.as_dict()).thumbprint()
    assert keys.signing.kid != keys.service.kid


def test_given_keys_stay() -> None:
    """Keys that were passed in are used, also after a reset."""
    keys = Keys.of_seed(9)
    org = Org(1, keys=keys)
    org.reset(2)
    assert org.keys is keys


async def test_a_saved_org_keeps_its_keys(world: World) -> None:
    """A loaded org signs as before, and begins with its seed's keys when it is reset."""
    document = parse_snapshot(json.loads(json.dumps(render_snapshot({"a": world.org}))))
    org = new_org(document["a"])
    assert (org.keys.signing, org.keys.service) == (world.org.keys.signing, world.org.keys.service)
    assert org.keys.unpublished == world.org.keys.unpublished
    org.reset(2)
    assert modulus(org.keys.signing) == modulus(Keys.of_seed(2).signing)


async def test_tokens_of_the_org_server_are_for_introspection(world: World) -> None:
    """They look signed, under a key that nobody publishes; only the org can tell they are good."""
    tokens = (await world.redeem((await world.log_in())["code"])).json()
    header = pyjwt.get_unverified_header(tokens["access_token"])
    assert (header["alg"], header["typ"]) == ("RS256", "application/okta-internal-at+jwt")
    published = (await world.http.get("/oauth2/v1/keys")).json()["keys"]
    assert header["kid"] not in [key["kid"] for key in published]
    assert len(pyjwt.utils.base64url_decode(tokens["access_token"].rpartition(".")[2])) == 256
    key = pyjwt.PyJWK(published[0])
    with pytest.raises(pyjwt.InvalidSignatureError):
        pyjwt.decode(tokens["access_token"], key, ["RS256"], options={"verify_aud": False})
    pyjwt.decode(tokens["id_token"], key, ["RS256"], audience=world.client_id, leeway=10**9)
    asked = await world.post("introspect", {"token": tokens["access_token"]})
    assert asked.json()["active"] is True


async def test_a_token_of_the_org_server_cannot_be_altered(world: World) -> None:
    """With one character changed it is no token of the org's."""
    token = (await world.service_token()).json()["access_token"]
    spoilt = token[:-1] + ("A" if token[-1] != "A" else "B")
    answer = await world.http.get("/api/v1/apps", headers={"authorization": f"Bearer {spoilt}"})
    assert answer.status_code == 401
