"""Pick who brings secrets to a kind of destination."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2

from keyturn.adapters.delivery import aws, file, github, kubernetes, vault, webhook
from keyturn.adapters.delivery.calls import CALL_LIMIT_S
from keyturn.domain.addresses import destination_url
from keyturn.domain.destination_kinds import Kind
from keyturn.services.ports import Errand

Transports = Callable[[str], httpx2.AsyncBaseTransport]
"""Make what leads to the network, past the guard on addresses, trusting a private authority too."""

Deliver = Callable[[Errand], Awaitable[str]]


class KindCarriers:
    """Bring secrets to every kind of destination (`services.ports.Carriers`); close with `aclose`.

    ``folder`` is the only place below which files are written; without one, none is.
    A call may take ``call_limit_s`` in all. ``aws_endpoint`` stands for AWS in tests.
    """

    def __init__(
        self,
        transport: Transports,
        *,
        folder: Path | None = None,
        private_allowed: bool = False,
        call_limit_s: float = CALL_LIMIT_S,
        aws_endpoint: str | None = None,
    ) -> None:
        self._transport = transport
        self._folder = folder
        self._private_allowed = private_allowed
        self._call_limit_s = call_limit_s
        self._shared: httpx2.AsyncClient | None = None
        self._ways: Mapping[Kind, Deliver] = {
            Kind.FILE: lambda errand: file.deliver(errand, folder),
            Kind.AWS: lambda errand: aws.deliver(errand, call_limit_s, aws_endpoint),
            Kind.GITHUB: lambda errand: github.deliver(errand, self._client),
            Kind.KUBERNETES: lambda errand: kubernetes.deliver(errand, self._client),
            Kind.VAULT: lambda errand: vault.deliver(errand, self._client),
            Kind.WEBHOOK: lambda errand: webhook.deliver(errand, self._client),
        }

    def check(self, kind: Kind, settings: Mapping[str, str]) -> None:
        """Raise InvalidInput or AddressRefused where these settings lead nowhere."""
        if "url" in settings:
            destination_url(settings["url"], private_allowed=self._private_allowed)
        if kind is Kind.FILE:
            file.path_of(self._folder, settings["path"])
        if kind is Kind.KUBERNETES:
            kubernetes.check(settings)

    async def deliver(self, kind: Kind, errand: Errand) -> str:
        """Write all of the items, and return what the destination shows of them."""
        self.check(kind, errand.settings)
        return await self._ways[kind](errand)

    async def aclose(self) -> None:
        """Close every connection."""
        if self._shared:
            await self._shared.aclose()

    @asynccontextmanager
    async def _client(self, ca: str) -> AsyncIterator[httpx2.AsyncClient]:
        """Give the way out: the shared one, or one that trusts a private authority as well."""
        if ca:
            async with self._open(ca) as client:
                yield client
            return
        self._shared = self._shared or self._open(ca)
        yield self._shared

    def _open(self, ca: str) -> httpx2.AsyncClient:
        way = self._transport(ca)
        return httpx2.AsyncClient(transport=way, timeout=self._call_limit_s, follow_redirects=False)
