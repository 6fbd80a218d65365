"""Tokens are signed and verified by one named algorithm and a key that fits; PyJWT is the judge."""

import base64
import json

import jwt as pyjwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from echo_kit import jwk, pem, shown
from issuer_kit import EC_KEY, OTHER_KEY, RSA_KEY, SMALL_KEY
from issuer_kit import pem as public_pem
from joserfc.jwk import ECKey, OKPKey, RSAKey

from keyturn.domain.errors import InvalidInput
from keyturn.domain.flows.tokens import ALGORITHMS
from keyturn.domain.sensitive import Sensitive
from keyturn.jose.signing import JoseSigner
from keyturn.services.ports import NoSigner

P384, P521 = ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP521R1())
EDWARDS, EDWARDS_448 = ed25519.Ed25519PrivateKey.generate(), ed448.Ed448PrivateKey.generate()
SECRET = "canary-secret-" + "x" * 50
PAYLOAD = {"sub": "una", "n": [1, {"a": None}], "text": "\u00e9"}
SIGNER = JoseSigner()


def of_edwards(key: ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey) -> str:
    """Return such a private key in PEM."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


KEYS = {
    **dict.fromkeys(("HS256", "HS384", "HS512"), (SECRET, SECRET)),
    **{
        name: (pem(RSA_KEY), public_pem(RSA_KEY))
        for name in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
    },
    "ES256": (pem(EC_KEY), public_pem(EC_KEY)),
    "ES384": (pem(P384), public_pem(P384)),
    "ES512": (pem(P521), public_pem(P521)),
    "EdDSA": (of_edwards(EDWARDS), public_pem(EDWARDS)),  # type: ignore[arg-type]  # it has a public key
}


async def signed(algorithm: str, key: str, **header: object) -> str:
    """Sign a token."""
    return (await SIGNER.sign(header, PAYLOAD, Sensitive(key), algorithm)).reveal()


async def refused(token: str, key: str, algorithm: str) -> str:
    """Return why a token, or a key, is not taken."""
    with pytest.raises(InvalidInput) as caught:
        await SIGNER.verify(Sensitive(token), Sensitive(key), algorithm)
    return caught.value.message


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_another_library_takes_what_is_signed(algorithm: str) -> None:
    """And what it has signed is verified here."""
    private, public = KEYS[algorithm]
    token = await signed(algorithm, private, typ="JWT", kid="k")
    assert pyjwt.decode(token, public, [algorithm]) == PAYLOAD
    assert pyjwt.get_unverified_header(token) == {"typ": "JWT", "kid": "k", "alg": algorithm}
    await SIGNER.verify(Sensitive(token), Sensitive(public), algorithm)
    theirs = pyjwt.encode(PAYLOAD, private, algorithm)
    await SIGNER.verify(Sensitive(theirs), Sensitive(public), algorithm)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_whatever_is_changed_is_noticed(algorithm: str) -> None:
    """In the header, the claims or the signature; also another spelling of the same signature."""
    private, public = KEYS[algorithm]
    token = await signed(algorithm, private)
    head, claims, signature = token.split(".")
    other = base64.urlsafe_b64encode(b'{"sub":"root"}').decode().rstrip("=")
    for wrong in (f"{head}.{other}.{signature}", f"{head}.{claims}.", f"{head}.{claims}.AAAA"):
        assert "is not signed" in await refused(wrong, public, algorithm)
    assert "is not signed" in await refused(f"{token}=", public, algorithm)


@pytest.mark.parametrize("algorithm", [name for name in ALGORITHMS if name != "HS256"])
async def test_another_algorithm_than_the_one_named(algorithm: str) -> None:
    """What the token says of itself decides nothing (RFC 8725, 3.1)."""
    token = await signed("HS256", SECRET)
    assert algorithm in await refused(token, KEYS[algorithm][1], algorithm)


@pytest.mark.parametrize("algorithm", ["none", "None", "", "HS1", "RS256 ", "Ed25519"])
async def test_algorithms_that_are_none(algorithm: str) -> None:
    """Neither signed nor verified."""
    with pytest.raises(InvalidInput, match="algorithm"):
        await signed(algorithm, SECRET)
    head = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    await refused(f"{head}.e30.", SECRET, algorithm)
    await refused(f"{head}.e30.", SECRET, "HS256")


DER = RSA_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
SSH = EC_KEY.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
NO_SECRETS = {
    "public pem": public_pem(RSA_KEY),
    "private pem": pem(EC_KEY),
    "indented pem": f"  \n{public_pem(RSA_KEY)}",
    "certificate": shown(EC_KEY),
    "jwk": json.dumps(RSAKey.import_key(RSA_KEY.public_key()).as_dict()),
    "private jwk": jwk(RSA_KEY),
    "okp": json.dumps(OKPKey.import_key(EDWARDS.public_key()).as_dict()),
    "jwks": json.dumps({"keys": [ECKey.import_key(EC_KEY.public_key()).as_dict()]}),
    "der in base64": base64.b64encode(DER).decode(),
    "der in base64url": base64.urlsafe_b64encode(DER).decode().rstrip("="),
    "der in oct": json.dumps({"kty": "oct", "k": base64.urlsafe_b64encode(DER).decode()}),
    "ssh": SSH,
    "other alg": json.dumps({"kty": "oct", "k": "x" * 90, "alg": "HS512"}),
}


@pytest.mark.parametrize("text", NO_SECRETS.values(), ids=NO_SECRETS)
async def test_no_other_key_is_taken_for_a_shared_secret(text: str) -> None:
    """Whoever knows a public key could sign with it as well (RFC 8725, 2.1)."""
    with pytest.raises(InvalidInput, match="shared secret") as caught:
        await signed("HS256", text)
    assert "shared secret" in await refused("a.b.c", text, "HS256")
    assert text[30:50] not in caught.value.message


@pytest.mark.parametrize(("algorithm", "least"), [("HS256", 32), ("HS384", 48), ("HS512", 64)])
async def test_a_shared_secret_is_as_long_as_the_hash(algorithm: str, least: int) -> None:
    """RFC 7518, 3.2; a key in JSON counts by its bytes."""
    await signed(algorithm, "x" * least)
    with pytest.raises(InvalidInput, match=f"{least} bytes"):
        await signed(algorithm, "x" * (least - 1))
    packed = base64.urlsafe_b64encode(b"y" * least).decode().rstrip("=")
    token = await signed(algorithm, json.dumps({"kty": "oct", "k": packed, "kid": "s"}))
    assert pyjwt.decode(token, b"y" * least, [algorithm]) == PAYLOAD
    assert pyjwt.get_unverified_header(token)["kid"] == "s"


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        ("RS256", pem(EC_KEY)),
        ("RS256", pem(SMALL_KEY)),
        ("RS256", pyjwt.algorithms.RSAAlgorithm.to_jwk(SMALL_KEY)),
        ("RS256", public_pem(RSA_KEY)),
        ("RS256", SECRET),
        ("RS256", json.dumps(json.loads(jwk(RSA_KEY)) | {"alg": "PS256"})),
        ("RS256", json.dumps(json.loads(jwk(RSA_KEY)) | {"use": "enc"})),
        ("ES256", pem(P384)),
        ("ES384", pem(EC_KEY)),
        ("ES256", pem(RSA_KEY)),
        ("EdDSA", pem(EC_KEY)),
        ("ES256", of_edwards(EDWARDS)),
        ("ES256", "{"),
        ("ES256", json.dumps({"keys": [json.loads(jwk(EC_KEY))]})),
    ],
    ids=range(14),
)
async def test_keys_that_do_not_fit(algorithm: str, key: str) -> None:
    """Neither of another kind, nor too short, nor meant for something else; none is quoted."""
    with pytest.raises(InvalidInput, match="must be a private key") as caught:
        await signed(algorithm, key)
    assert "canary" not in caught.value.message


async def test_keys_in_json() -> None:
    """A private one names itself in the header; of a public set, the one that is named is used."""
    token = await signed("ES256", jwk(EC_KEY, "k2"))
    assert pyjwt.get_unverified_header(token)["kid"] == "k2"
    of = {
        name: ECKey.import_key(key.public_key()).as_dict() | {"kid": name}
        for name, key in (("k1", OTHER_KEY), ("k2", EC_KEY))
    }
    odd = [{"kty": "new"}, {"kty": "EC", "crv": "P-256"}, 7]
    whole = json.dumps({"keys": [*odd, *of.values()]})
    await SIGNER.verify(Sensitive(token), Sensitive(whole), "ES256")
    assert "by this key" in await refused(token, json.dumps({"keys": [of["k1"]]}), "ES256")
    assert "public key" in await refused(token, json.dumps({"keys": odd}), "ES256")


async def test_a_certificate_and_another_curve() -> None:
    """A certificate has a public key, and Ed448 is an Edwards curve."""
    token = await signed("ES256", pem(EC_KEY))
    certificate = shown(EC_KEY).partition("-----BEGIN PRIVATE")[0]
    await SIGNER.verify(Sensitive(token), Sensitive(certificate), "ES256")
    other = await signed("EdDSA", of_edwards(EDWARDS_448))
    assert pyjwt.decode(other, EDWARDS_448.public_key(), ["EdDSA"]) == PAYLOAD


async def test_a_private_key_verifies_nothing() -> None:
    """Whoever verifies has no need of it."""
    token = await signed("ES256", pem(EC_KEY))
    assert "public key" in await refused(token, pem(EC_KEY), "ES256")
    assert "public key" in await refused(token, jwk(EC_KEY), "ES256")


async def test_a_token_with_extensions_is_not_taken() -> None:
    """What has to be understood and is not (RFC 7515, 4.1.11)."""
    token = pyjwt.encode(PAYLOAD, SECRET, "HS256", {"crit": ["b64"], "b64": True})
    await refused(token, SECRET, "HS256")


async def test_a_large_token() -> None:
    """Larger ones than are usual are signed and verified as well."""
    large = {"x": "y" * 180_000, "header": list(range(100))}
    token = await SIGNER.sign({"x5c": ["z" * 5000]}, large, Sensitive(SECRET), "HS256")
    await SIGNER.verify(token, Sensitive(SECRET), "HS256")
    assert pyjwt.decode(token.reveal(), SECRET, ["HS256"]) == large


async def test_what_is_no_json_is_not_signed() -> None:
    """JSON has no such number."""
    with pytest.raises(InvalidInput, match="JSON"):
        await SIGNER.sign({}, {"n": float("nan")}, Sensitive(SECRET), "HS256")


async def test_nobody_signs_where_there_is_nobody() -> None:
    """An installation without the port refuses every algorithm."""
    with pytest.raises(InvalidInput):
        await NoSigner().sign({}, {}, Sensitive(SECRET), "HS256")
    with pytest.raises(InvalidInput):
        await NoSigner().verify(Sensitive("a.b.c"), Sensitive(SECRET), "HS256")
