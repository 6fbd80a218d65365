"""Issuers of JWTs, and their keys, kept for a while.

Decides how often an issuer is asked: whoever sends tokens nobody signed must not be able to have
Keyturn call others over and over.
"""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import httpx2
import structlog

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
from keyturn.network.reading import TooMuch, read_body
from keyturn.services.ports import Clock

FRESH_S = 300.0
"""How long keys are used without asking again."""
KEPT_S = 3600.0
"""How long keys are used while the issuer does not answer."""
AGAIN_S = 30.0
"""How long an issuer is left in peace after it was asked, whatever came of it."""
CALL_LIMIT_S = 10.0
DOCUMENT_MAX = 262_144
SOURCES_MAX = 200
WELL_KNOWN = "/.well-known/openid-configuration"

_log = structlog.get_logger("keyturn.issuers")


@dataclass
class _Kept:
    """The keys of one source, when they were asked for last, and when they came."""

    keys: Sequence[PublicKey] = ()
    asked_s: float = float("-inf")
    came_s: float = float("-inf")
    turnstile: asyncio.Lock = field(default_factory=asyncio.Lock)


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
        self._transport = transport
        self._private_allowed = private_allowed
        self._http: httpx2.AsyncClient | None = None
        self._kept: dict[KeySource, _Kept] = {}

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
        if self._http:
            await self._http.aclose()

    async def _keys(self, source: KeySource, *, anew: bool = False) -> Sequence[PublicKey]:
        if source.public_keys:
            return [key for pem in source.public_keys if (key := parse_pem(pem))]
        kept = self._keep(source)
        async with kept.turnstile:
            now_s = self._clock.uptime_s()
            fresh = now_s < kept.came_s + FRESH_S and not anew
            if not fresh and now_s >= kept.asked_s + AGAIN_S:
                await self._refresh(source, kept)
            if kept.came_s + KEPT_S <= now_s:
                raise IssuerUnreachable
            return kept.keys

    def _keep(self, source: KeySource) -> _Kept:
        if source not in self._kept and len(self._kept) >= SOURCES_MAX:
            del self._kept[next(iter(self._kept))]
        return self._kept.setdefault(source, _Kept())

    async def _refresh(self, source: KeySource, kept: _Kept) -> None:
        """Ask for the keys; those that are kept go on for their time where no answer comes."""
        kept.asked_s = self._clock.uptime_s()
        try:
            kept.keys = parse_jwks(await self._read(await self._jwks_url(source)))
            kept.came_s = kept.asked_s
        except (IssuerUnreachable, AddressRefused) as error:
            _log.warning("issuer-unreachable", issuer=source.issuer, why=error.message)

    async def _jwks_url(self, source: KeySource) -> str:
        """Return where the keys are; an issuer has to say of itself that it is this one.

        That is OpenID Connect Discovery 1.0, section 4.3.
        """
        if source.jwks_url:
            return source.jwks_url
        base = source.discovery_url.removesuffix(WELL_KNOWN).rstrip("/")
        told = await self._read(base + WELL_KNOWN)
        if told.get("issuer") != source.issuer:
            raise IssuerUnreachable("The discovery document is another issuer's.")
        return str(told.get("jwks_uri", ""))

    async def _read(self, url: str) -> Mapping[str, object]:
        """Read a JSON object of bounded size from an allowed address."""
        target = key_url(url, private_allowed=self._private_allowed)
        http = self._http = self._http or httpx2.AsyncClient(
            transport=self._transport(), timeout=CALL_LIMIT_S, follow_redirects=False
        )
        try:
            async with asyncio.timeout(CALL_LIMIT_S), http.stream("GET", target) as answer:
                body = await _body(answer)
            told = json.loads(body)
        except TooMuch:
            raise IssuerUnreachable(f"Too much came from {target}.") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, ValueError, RecursionError) as e:
            raise IssuerUnreachable(f"No keys came from {target} ({type(e).__name__}).") from None
        if not isinstance(told, dict):
            raise IssuerUnreachable(f"What came from {target} are no keys.")
        return told


async def _body(answer: httpx2.Response) -> bytes:
    if answer.status_code != httpx2.codes.OK:
        raise IssuerUnreachable(f"No keys came from {answer.url} (HTTP {answer.status_code}).")
    return await read_body(answer, DOCUMENT_MAX)
