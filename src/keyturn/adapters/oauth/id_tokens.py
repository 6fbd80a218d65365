"""Who signed an ID token, by the keys that its server publishes.

Decides how often a server is asked for them. Signatures by a shared secret are not believed, nor
is a token without any (`keyturn.jose.verifying`). Knows nothing of claims.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from keyturn.adapters.oauth.discovery import Read
from keyturn.adapters.oauth.recent import Recent
from keyturn.domain.oauth.answers import read_members
from keyturn.domain.sensitive import Sensitive
from keyturn.jose.verifying import PublicKey, header_of, parse_jwks, verified
from keyturn.services.ports import Clock

FRESH_S = 300.0
"""How long keys are used without asking again."""
KEPT_S = 3600.0
"""How long keys are used while the server does not answer."""
AGAIN_S = 30.0
"""How long a server is left in peace after it was asked, though a key is unknown."""
SERVERS_MAX = 200


@dataclass
class _Kept:
    keys: Sequence[PublicKey] = ()
    asked_s: float = float("-inf")
    came_s: float = float("-inf")
    turnstile: asyncio.Lock = field(default_factory=asyncio.Lock)


class IdTokens:
    """Prove ID tokens by keys that are read and kept for minutes (OpenID Connect Core, 3.1.3.7)."""

    def __init__(self, clock: Clock, read: Read) -> None:
        self._clock = clock
        self._read = read
        self._kept: Recent[str, _Kept] = Recent(SERVERS_MAX)

    async def read_claims(self, jwks_url: str, id_token: Sensitive) -> Mapping[str, object] | None:
        """Return the claims that one of the keys has signed, or None. Raises AddressRefused.

        Where none of them fits, they are read again, once: the server may have a new one.
        """
        token = id_token.reveal()
        header = header_of(token)
        for older_s in (FRESH_S, AGAIN_S) if header else ():
            found = verified(token, header, await self._keys(jwks_url, older_s))
            if found is not None:
                return found if isinstance(found, dict) else None
        return None

    async def _keys(self, url: str, older_s: float) -> Sequence[PublicKey]:
        """Return the keys, read anew where they are so old."""
        kept = self._kept.find_or(url, _Kept)
        async with kept.turnstile:
            now_s = self._clock.uptime_s()
            if now_s >= kept.asked_s + older_s:
                kept.asked_s = now_s
                reply = await self._read(url)
                if reply.status == 200:
                    kept.keys, kept.came_s = parse_jwks(read_members(reply)), now_s
            return kept.keys if now_s < kept.came_s + KEPT_S else ()
