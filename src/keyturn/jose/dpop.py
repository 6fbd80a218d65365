"""DPoP proofs: that whoever shows a token holds the key it is bound to.

Decides their claims (RFC 9449), and that such a key is a P-256 key. Knows neither when a proof is
needed nor how it is sent.
"""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Self

from joserfc import jwt
from joserfc.jwk import ECKey

from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.domain.okta import thumbprint
from keyturn.domain.sensitive import Sensitive
from keyturn.jose.keys import new_elliptic_key, parse_signing_key
from keyturn.services.ports import Chance, Clock

ALGORITHM = "ES256"


@dataclass(frozen=True)
class DpopKey:
    """A P-256 key that tokens are bound to; it has to live as long as they do (RFC 9449)."""

    key: ECKey = field(repr=False)
    clock: Clock
    chance: Chance

    @classmethod
    def new(cls, clock: Clock, chance: Chance) -> Self:
        """Make a new key."""
        return cls(new_elliptic_key(chance), clock, chance)

    @classmethod
    def parse(cls, private_jwk: Sensitive, clock: Clock, chance: Chance) -> Self:
        """Parse a key as `private_jwk` gives it. Raises InvalidInput for what is no P-256 key."""
        signing = parse_signing_key(private_jwk)
        if isinstance(signing.key, ECKey) and signing.algorithm == ALGORITHM:
            return cls(signing.key, clock, chance)
        raise InvalidInput(FieldProblem(("privateKey",), "must be a P-256 key"))

    @property
    def private_jwk(self) -> Sensitive:
        """The private key in JSON (RFC 7517), to be sealed and kept beside its tokens."""
        return Sensitive(json.dumps(self.key.as_dict(private=True)))

    @property
    def thumbprint(self) -> str:
        """What tokens are bound to: ``dpop_jkt`` and ``cnf.jkt`` (RFC 9449, 6.1 and 10)."""
        return thumbprint(self.key.as_dict(private=False))

    def prove(
        self, method: str, url: str, *, nonce: str | None = None, token: Sensitive | None = None
    ) -> str:
        """Return a proof for one request (section 4.2); ``token`` where one goes with it."""
        header = {"typ": "dpop+jwt", "alg": ALGORITHM, "jwk": self.key.as_dict(private=False)}
        claims: dict[str, str | int] = {
            "htm": method,
            "htu": url.partition("?")[0].partition("#")[0],
            "iat": int(self.clock.now().timestamp()),
            "jti": self.chance.uuid(),
        }
        if nonce:
            claims["nonce"] = nonce
        if token:
            digest = hashlib.sha256(token.reveal().encode()).digest()
            claims["ath"] = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return jwt.encode(header, claims, self.key, [ALGORITHM])
