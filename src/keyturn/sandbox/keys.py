"""The key pairs of an org: one that signs its tokens, one that its service app signs with."""

from joserfc.jwk import RSAKey

from keyturn.sandbox.http import Json


class Keys:
    """Two RSA key pairs of 2,048 bits, each made when it is first needed.

    Give the same ones to several orgs to spare the time of making them.
    """

    def __init__(self, signing: RSAKey | None = None, service: RSAKey | None = None) -> None:
        self._signing, self._service = signing, service

    @classmethod
    def generate(cls) -> "Keys":
        """Return new key pairs, each named by its thumbprint (RFC 7638)."""
        return cls()

    @property
    def signing(self) -> RSAKey:
        """Return the pair that signs the org's tokens."""
        self._signing = self._signing or _generate()
        return self._signing

    @property
    def service(self) -> RSAKey:
        """Return the pair of the org's service app."""
        self._service = self._service or _generate()
        return self._service


def _generate() -> RSAKey:
    return RSAKey.generate_key(2048, auto_kid=True)


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
