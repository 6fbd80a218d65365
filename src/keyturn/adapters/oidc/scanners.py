"""GitHub's secret scanning, and the keys by which it signs what it has found.

Its keys and headers are those of the secret scanning partner program (docs.github.com).
"""

from collections.abc import Callable, Mapping

import httpx2
import structlog

from keyturn.adapters.oidc.documents import Documents, Kept
from keyturn.domain.errors import AddressRefused, IssuerUnreachable, Unauthenticated
from keyturn.jose.detached import has_signed
from keyturn.services.ports import Clock

KEYS_MAX = 50
WRONG = "GitHub has not signed this message by the key that it names."

_log = structlog.get_logger("keyturn.scanners")


class GitHubScanner:
    """Prove GitHub's messages by its keys (`services.ports.Scanners`); close it with `aclose`.

    ``keys_url`` is where it publishes them; ``transport`` makes what leads to the network, past the
    guard on addresses, once it is needed.
    """

    def __init__(
        self,
        keys_url: str,
        clock: Clock,
        transport: Callable[[], httpx2.AsyncBaseTransport],
        *,
        private_allowed: bool = False,
    ) -> None:
        self._keys_url = keys_url
        self._clock = clock
        self._documents = Documents(transport, private_allowed=private_allowed)
        self._kept: Kept[Mapping[str, str]] = Kept({})

    async def verify(self, message: bytes, *, key_id: str, signature: str) -> None:
        """Prove that GitHub has signed a message by the key that it publishes under ``key_id``."""
        if not key_id or not signature:
            raise Unauthenticated(WRONG)
        keys = await self._keys(anew=False)
        pem = keys.get(key_id) or (await self._keys(anew=True)).get(key_id, "")
        if not has_signed(pem, message, signature):
            raise Unauthenticated(WRONG)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._documents.aclose()

    async def _keys(self, *, anew: bool) -> Mapping[str, str]:
        return await self._kept.renewed(self._clock.uptime_s, self._ask, anew=anew)

    async def _ask(self) -> Mapping[str, str] | None:
        try:
            return _parsed(await self._documents.read(self._keys_url))
        except (IssuerUnreachable, AddressRefused) as error:
            _log.warning("github-unreachable", why=error.message)
            return None


def _parsed(document: Mapping[str, object]) -> Mapping[str, str]:
    """Return public keys in PEM by their identifiers; what else is in the document is left."""
    listed = document.get("public_keys")
    members = (
        [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else ()
    )
    pairs = [(each.get("key_identifier"), each.get("key")) for each in members[:KEYS_MAX]]
    return {name: pem for name, pem in pairs if isinstance(name, str) and isinstance(pem, str)}
