"""Issuers of JWTs, and their keys, kept for a while."""

from collections.abc import Callable, Mapping, Sequence

import httpx2
import structlog

from keyturn.adapters.oidc.documents import Documents, Kept
from keyturn.domain.addresses import key_url
from keyturn.domain.errors import (
    AddressRefused,
    FieldProblem,
    InvalidInput,
    IssuerUnreachable,
    Unauthenticated,
)
from keyturn.domain.jwt_auth import KeySource
from keyturn.domain.sensitive import Sensitive
from keyturn.jose.verifying import PublicKey, header_of, parse_jwks, parse_pem, verified
from keyturn.services.ports import Clock

SOURCES_MAX = 200
WELL_KNOWN = "/.well-known/openid-configuration"

_log = structlog.get_logger("keyturn.issuers")


class HttpIssuers:
    """Prove JWTs by keys that are fetched (`services.ports.Issuers`); close it with `aclose`.

    ``transport`` makes what leads to the network, past the guard on addresses, once it is needed.
    """

    def __init__(
        self,
        clock: Clock,
        transport: Callable[[], httpx2.AsyncBaseTransport],
        *,
        private_allowed: bool = False,
    ) -> None:
        self._clock = clock
        self._private_allowed = private_allowed
        self._documents = Documents(transport, private_allowed=private_allowed)
        self._kept: dict[KeySource, Kept[Sequence[PublicKey]]] = {}

    def check(self, source: KeySource) -> None:
        """Raise InvalidInput or AddressRefused for a source that cannot be one."""
        for url in (source.discovery_url, source.jwks_url):
            if url:
                key_url(url, private_allowed=self._private_allowed)
        if any(parse_pem(pem) is None for pem in source.public_keys):
            rule = "must be public RSA keys (2048 bits or more) or EC keys in PEM"
            raise InvalidInput(FieldProblem(("publicKeys",), rule))

    async def verify(self, jwt: Sensitive, source: KeySource) -> Mapping[str, object]:
        """Return the claims of a JWT that a key of this source has signed."""
        token = jwt.reveal()
        header = header_of(token)
        found = verified(token, header, await self._keys(source)) if header else None
        if found is None and header:
            found = verified(token, header, await self._keys(source, anew=True))
        if not isinstance(found, dict):
            raise Unauthenticated("The JWT is not one that a key of the identity's issuer signed.")
        return found

    async def aclose(self) -> None:
        """Close every connection."""
        await self._documents.aclose()

    async def _keys(self, source: KeySource, *, anew: bool = False) -> Sequence[PublicKey]:
        if source.public_keys:
            return [key for pem in source.public_keys if (key := parse_pem(pem))]

        async def ask() -> Sequence[PublicKey] | None:
            return await self._ask(source)

        return await self._keep(source).renewed(self._clock.uptime_s, ask, anew=anew)

    def _keep(self, source: KeySource) -> Kept[Sequence[PublicKey]]:
        if source not in self._kept and len(self._kept) >= SOURCES_MAX:
            del self._kept[next(iter(self._kept))]
        return self._kept.setdefault(source, Kept(()))

    async def _ask(self, source: KeySource) -> Sequence[PublicKey] | None:
        """Ask for the keys; None where no answer comes."""
        try:
            return parse_jwks(await self._documents.read(await self._jwks_url(source)))
        except (IssuerUnreachable, AddressRefused) as error:
            _log.warning("issuer-unreachable", issuer=source.issuer, why=error.message)
            return None

    async def _jwks_url(self, source: KeySource) -> str:
        """Return where the keys are; an issuer has to say of itself that it is this one.

        That is OpenID Connect Discovery 1.0, section 4.3.
        """
        if source.jwks_url:
            return source.jwks_url
        base = source.discovery_url.removesuffix(WELL_KNOWN).rstrip("/")
        told = await self._documents.read(base + WELL_KNOWN)
        if told.get("issuer") != source.issuer:
            raise IssuerUnreachable("The discovery document is another issuer's.")
        return str(told.get("jwks_uri", ""))
