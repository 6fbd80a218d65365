"""Okta orgs by address and credentials, over one pool of connections.

Decides what is shared between openings: connections, rate windows and access tokens. Makes no
call itself.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

import httpx2

from keyturn.adapters.okta.credentials import (
    TOKEN_PATH,
    ApiTokenCredentials,
    Credentials,
    ServiceAppCredentials,
)
from keyturn.adapters.okta.guard import GuardedBackend, GuardedTransport
from keyturn.adapters.okta.jose import Assertions, parse_signing_key
from keyturn.adapters.okta.line import Line
from keyturn.adapters.okta.org import HttpOrg
from keyturn.adapters.okta.probe import INTROSPECT_PATH
from keyturn.adapters.okta.rates import FullWindows
from keyturn.domain.addresses import instance_url as parse_instance_url
from keyturn.domain.connection import ApiToken, OktaCredentials, ServiceApp
from keyturn.domain.errors import AddressRefused
from keyturn.services.ports import Chance, Clock, Journal, OktaOrg

CALL_LIMIT_S = 15.0

TransportFactory = Callable[[], httpx2.AsyncBaseTransport]


class OktaHttpOrgs:
    """Reach orgs over HTTPS (`services.ports.OktaOrgs`); close it with `aclose`.

    ``transport`` makes the transport in place of the guarded one to the network. ``ca_file`` names
    certificate authorities to trust beside the system's. ``private_allowed`` lets addresses lead
    to private networks. ``call_limit_s`` bounds one call in all.
    """

    def __init__(
        self,
        clock: Clock,
        chance: Chance,
        *,
        transport: TransportFactory | None = None,
        ca_file: Path | None = None,
        private_allowed: bool = False,
        call_limit_s: float = CALL_LIMIT_S,
    ) -> None:
        self._clock = clock
        self._chance = chance
        self._private_allowed = private_allowed
        self._call_limit_s = call_limit_s
        self._transport = transport() if transport else self._guarded(ca_file)
        self._windows = FullWindows(clock)
        self._service_apps: dict[tuple[str, str, bytes], ServiceAppCredentials] = {}

    def open(self, instance_url: str, credentials: OktaCredentials, *, journal: Journal) -> OktaOrg:
        """Return the org at this address; ``journal`` is told of every call that is made.

        Raises AddressRefused for an address that Keyturn does not go to, and InvalidInput for
        credentials that cannot be any. Names are resolved, and private addresses refused, only
        when a connection is made.
        """
        base = _base(parse_instance_url(instance_url, private_allowed=self._private_allowed))
        line = Line(base, self._transport, self._windows, journal, self._call_limit_s)
        assertions = Assertions(base + INTROSPECT_PATH, self._clock, self._chance)
        return HttpOrg(line, self._credentials(base, credentials), assertions)

    async def aclose(self) -> None:
        """Close every connection and forget every access token."""
        self._service_apps.clear()
        await self._transport.aclose()

    def _guarded(self, ca_file: Path | None) -> httpx2.AsyncBaseTransport:
        backend = GuardedBackend(private_allowed=self._private_allowed)
        return GuardedTransport(backend, ca_file=ca_file)

    def _credentials(self, base: str, credentials: OktaCredentials) -> Credentials:
        match credentials:
            case ApiToken(value):
                return ApiTokenCredentials(value)
            case ServiceApp():
                return self._service_app(base, credentials)

    def _service_app(self, base: str, app: ServiceApp) -> ServiceAppCredentials:
        """Return the kept credentials of this private key.

        The whole key is the cache's key: a thumbprint is of the public half, and who knows only
        that must not be handed somebody else's access token.
        """
        digest = hashlib.sha256(app.private_jwk.reveal().encode()).digest()
        key = (base, app.client_id, digest)
        if key not in self._service_apps:
            self._service_apps[key] = ServiceAppCredentials(
                app.client_id,
                parse_signing_key(app.private_jwk),
                base + TOKEN_PATH,
                clock=self._clock,
                chance=self._chance,
            )
        return self._service_apps[key]


def _base(url: str) -> str:
    """Return the address in one spelling, without the port that its scheme implies."""
    try:
        return str(httpx2.URL(url)).rstrip("/")
    except httpx2.InvalidURL:
        raise AddressRefused("The address is not a URL that can be called.") from None
