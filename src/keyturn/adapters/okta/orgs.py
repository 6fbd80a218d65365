"""Okta orgs by address and credentials, over one pool of connections.

Decides what is shared between openings: connections, rate windows and access tokens. Makes no
call itself.
"""

import hashlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import httpx2

from keyturn.adapters.okta.credentials import (
    GRANT_SCOPES,
    GROUP_SCOPES,
    INTEGRATION_SCOPES,
    LOG_SCOPES,
    SCOPES,
    ApiTokenCredentials,
    Credentials,
    ServiceAppCredentials,
)
from keyturn.adapters.okta.governor import Governor
from keyturn.adapters.okta.line import Line
from keyturn.adapters.okta.org import HttpOrg, Others
from keyturn.domain.addresses import instance_url as parse_instance_url
from keyturn.domain.budget import Purpose, Window
from keyturn.domain.connection import ApiToken, OktaCredentials, ServiceApp
from keyturn.domain.errors import AddressRefused
from keyturn.domain.okta_paths import INTROSPECT_PATH, TOKEN_PATH
from keyturn.jose.assertions import Assertions
from keyturn.jose.keys import SigningKey, parse_signing_key
from keyturn.network.guard import GuardedBackend, GuardedTransport
from keyturn.services.ports import Chance, Clock, Journal, OktaOrg, Vitals

CALL_LIMIT_S = 15.0

SORTS = (SCOPES, LOG_SCOPES, INTEGRATION_SCOPES, GRANT_SCOPES, GROUP_SCOPES)
"""What the calls of apps, of the log, of integrations and of grants need."""

TransportFactory = Callable[[], httpx2.AsyncBaseTransport]


class OktaHttpOrgs:
    """Reach orgs over HTTPS (`services.ports.OktaOrgs`); close it with `aclose`.

    ``transport`` makes the transport in place of the guarded one to the network. ``ca_file`` names
    certificate authorities to trust beside the system's. ``private_allowed`` lets addresses lead
    to private networks. ``call_limit_s`` bounds one call in all. ``governor`` keeps them within
    the rate limits; by default one for this process alone. ``vitals`` count what comes of calls.
    """

    def __init__(  # noqa: PLR0913  the world around it, each a thing apart
        self,
        clock: Clock,
        chance: Chance,
        *,
        transport: TransportFactory | None = None,
        ca_file: Path | None = None,
        private_allowed: bool = False,
        call_limit_s: float = CALL_LIMIT_S,
        governor: Governor | None = None,
        vitals: Vitals | None = None,
    ) -> None:
        self._clock = clock
        self._chance = chance
        self._private_allowed = private_allowed
        self._call_limit_s = call_limit_s
        self._transport = transport() if transport else self._guarded(ca_file)
        self._governor = governor or Governor(clock)
        self._vitals = vitals or Vitals()
        self._service_apps: dict[tuple[str, str, bytes, str], ServiceAppCredentials] = {}
        self._keys: dict[bytes, SigningKey] = {}

    def open(
        self,
        instance_url: str,
        credentials: OktaCredentials,
        *,
        journal: Journal,
        purpose: Purpose = Purpose.FINISHING,
    ) -> OktaOrg:
        """Return the org at this address; ``journal`` is told of every call that is made.

        Raises AddressRefused for an address that Keyturn does not go to, and InvalidInput for
        credentials that cannot be any. Names are resolved, and private addresses refused, only
        when a connection is made.
        """
        base = _base(instance_url, private_allowed=self._private_allowed)
        limit_s = self._call_limit_s
        line = Line(base, self._transport, self._governor, journal, limit_s, purpose, self._vitals)
        assertions = Assertions(base + INTROSPECT_PATH, self._clock, self._chance)
        apps, *others = self._credentials(base, credentials)
        return HttpOrg(line, apps, assertions, Others(*others))

    async def list_windows(self) -> Sequence[Window]:
        """List the rate windows that are known and have not turned yet."""
        return await self._governor.list_windows()

    async def aclose(self) -> None:
        """Close every connection and forget every key and access token."""
        self._service_apps.clear()
        self._keys.clear()
        await self._transport.aclose()

    def _guarded(self, ca_file: Path | None) -> httpx2.AsyncBaseTransport:
        backend = GuardedBackend(private_allowed=self._private_allowed)
        return GuardedTransport(backend, ca_file=ca_file)

    def _credentials(self, base: str, credentials: OktaCredentials) -> Sequence[Credentials]:
        """Return what each sort of calls is authorised by; an API token is good for all."""
        match credentials:
            case ApiToken(value):
                return [ApiTokenCredentials(value)] * len(SORTS)
            case ServiceApp():
                return [self._service_app(base, credentials, scopes) for scopes in SORTS]

    def _service_app(self, base: str, app: ServiceApp, scopes: str) -> ServiceAppCredentials:
        """Return the kept credentials of this private key for these scopes.

        The whole key is the cache's key: a thumbprint is of the public half, and who knows only
        that must not be handed somebody else's access token.
        """
        digest = hashlib.sha256(app.private_jwk.reveal().encode()).digest()
        key = (base, app.client_id, digest, scopes)
        if key not in self._service_apps:
            if digest not in self._keys:  # to see that a key is sound takes longer than to sign
                self._keys[digest] = parse_signing_key(app.private_jwk)
            self._service_apps[key] = ServiceAppCredentials(
                app.client_id,
                self._keys[digest],
                base + TOKEN_PATH,
                scopes=scopes,
                clock=self._clock,
                chance=self._chance,
            )
        return self._service_apps[key]


@lru_cache(maxsize=1024)
def _base(instance_url: str, *, private_allowed: bool) -> str:
    """Return the address in one spelling, without the port that its scheme implies."""
    url = parse_instance_url(instance_url, private_allowed=private_allowed)
    try:
        return str(httpx2.URL(url)).rstrip("/")
    except httpx2.InvalidURL:
        raise AddressRefused("The address is not a URL that can be called.") from None
