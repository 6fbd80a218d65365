"""Client assertions: signed tokens that prove which client calls.

Decides their claims and how long they live (RFC 7523). Knows neither when one is needed nor how it
is sent.
"""

from dataclasses import dataclass

from joserfc import jwt
from joserfc.jwk import OctKey

from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.domain.sensitive import Sensitive
from keyturn.jose.keys import SigningKey
from keyturn.services.ports import Chance, Clock

ASSERTION_LIFETIME_S = 300


@dataclass(frozen=True)
class Assertions:
    """Write client assertions for one audience (RFC 7523, section 3; OpenID Connect Core, 9)."""

    audience: str
    clock: Clock
    chance: Chance

    def by_key(self, client_id: str, signing: SigningKey) -> dict[str, str]:
        """Return the form members of ``private_key_jwt``."""
        header = {"alg": signing.algorithm}
        if signing.key.kid:
            header["kid"] = signing.key.kid
        return self._members(
            jwt.encode(header, self._claims(client_id), signing.key, [signing.algorithm])
        )

    def by_secret(self, client_id: str, secret: Sensitive) -> dict[str, str]:
        """Return the form members of ``client_secret_jwt``. Raises InvalidInput for a public key.

        Whoever knows one could sign with it as well (RFC 8725, 2.1).
        """
        try:
            key = OctKey.import_key(secret.reveal())
        except ValueError:
            rule = "must be a secret, and no public key"
            raise InvalidInput(FieldProblem(("clientSecret",), rule)) from None
        return self._members(jwt.encode({"alg": "HS256"}, self._claims(client_id), key, ["HS256"]))

    def _claims(self, client_id: str) -> dict[str, str | int]:
        now = int(self.clock.now().timestamp())
        return {
            "iss": client_id,
            "sub": client_id,
            "aud": self.audience,
            "iat": now,
            "exp": now + ASSERTION_LIFETIME_S,
            "jti": self.chance.uuid(),
        }

    @staticmethod
    def _members(assertion: str) -> dict[str, str]:
        return {
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": assertion,
        }
