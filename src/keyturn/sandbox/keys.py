"""The key pairs of an org: one that signs its tokens, one that its service app signs with."""

from dataclasses import dataclass, field

from joserfc.jwk import RSAKey

from keyturn.sandbox.http import Json


@dataclass(frozen=True, slots=True)
class Keys:
    """Two RSA key pairs; give the same ones to several orgs to spare the time of making them."""

    signing: RSAKey = field(repr=False)
    service: RSAKey = field(repr=False)

    @classmethod
    def generate(cls) -> "Keys":
        """Make two new key pairs of 2,048 bits, each named by its thumbprint (RFC 7638)."""
        return cls(
            RSAKey.generate_key(2048, auto_kid=True), RSAKey.generate_key(2048, auto_kid=True)
        )


def render_public(key: RSAKey) -> dict[str, Json]:
    """Return the public half as a JWK for signatures."""
    public = key.as_dict(private=False)
    return {
        "kty": "RSA",
        "alg": "RS256",
        "kid": str(public["kid"]),
        "use": "sig",
        "e": str(public["e"]),
        "n": str(public["n"]),
    }


def render_private(key: RSAKey) -> dict[str, str]:
    """Return the whole key as a JWK, for the one who signs with it."""
    return {name: str(value) for name, value in key.as_dict(private=True).items()}
