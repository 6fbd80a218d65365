"""What the use cases need of authorization servers."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from keyturn.domain.errors import ServerError
from keyturn.domain.expiry import Life
from keyturn.domain.oauth.answers import Reply
from keyturn.domain.oauth.metadata import Metadata
from keyturn.domain.oauth.provider import Provider, RequestType
from keyturn.domain.sensitive import Sensitive

Members = Mapping[str, "str | Sensitive | tuple[str, ...]"]
"""Parameters of a request; one that may be there more than once is a tuple."""


@dataclass(frozen=True)
class Client:
    """Who asks: a client, what it authenticates with, and the key of its DPoP proofs.

    ``secret`` is a client secret, a private key (JSON Web Key or PEM), or a certificate and its key
    in PEM, whatever ``provider`` asks for. References in the provider's extras are resolved.
    """

    client_id: str
    provider: Provider
    secret: Sensitive | None = None
    dpop_key: Sensitive | None = field(default=None)


@dataclass(frozen=True)
class Proven:
    """A request to a resource that a token goes with; ``nonce`` is what the resource asked for."""

    method: str
    url: str
    token: Sensitive
    nonce: str | None = None


class AuthorizationServers(Protocol):
    """Ask authorization servers. Time limit: 15 seconds a call in all; no redirect is followed."""

    def check(self, provider: Provider) -> None:
        """Raise AddressRefused where an address cannot be one to go to; calls nobody."""
        ...

    def check_secret(self, provider: Provider, secret: Sensitive) -> None:
        """Raise InvalidInput where this is nothing that its clients could authenticate with."""
        ...

    def read_life(self, secret: Sensitive) -> Life:
        """Return from when until when a certificate is good, with all of its chain.

        Raises InvalidInput for what is no certificate.
        """
        ...

    async def read_metadata(self, issuer: str, *, foreign: Collection[str] = ()) -> Metadata:
        """Read what an issuer says of itself, wherever it says it.

        Raises ServerError where it says nothing, and what `domain.oauth.metadata` and the guard
        raise.
        """
        ...

    async def ask(self, client: Client, request: RequestType, members: Members) -> Reply:
        """Make one request, authenticated as the provider wants it, and return what came.

        ``grant_type`` and the client's own parameters are added. A request is made a second time
        where the server wants its nonce in the DPoP proof, and where it rejects a Basic header
        whose other spelling is to be tried too. Raises AddressRefused; whatever else goes wrong is
        a reply without a status.
        """
        ...

    async def read_claims(self, client: Client, id_token: Sensitive) -> Mapping[str, object] | None:
        """Return the claims of an ID token that a key of the server has signed; None otherwise."""
        ...

    async def read_userinfo(self, client: Client, access: Sensitive) -> Mapping[str, object]:
        """Return what the server tells of whoever granted an access token; empty for nothing."""
        ...

    async def try_token(self, client: Client, token: Sensitive, kind: str) -> int:
        """Return the status with which the provider's ``check_url`` answers a token; 0 for none."""
        ...

    def new_dpop_key(self) -> Sensitive:
        """Return a new key for DPoP proofs."""
        ...

    def prove_possession(self, key: Sensitive, what: Proven) -> str:
        """Return the DPoP proof of one request to a resource (RFC 9449, 4.2 and 7.1)."""
        ...


class NoServers:
    """Nobody is asked anything."""

    def check(self, provider: Provider) -> None:
        """Take every provider for one."""

    def check_secret(self, provider: Provider, secret: Sensitive) -> None:
        """Take everything for a secret."""

    def read_life(self, secret: Sensitive) -> Life:
        """Raise ServerError."""
        raise ServerError

    async def read_metadata(self, issuer: str, *, foreign: Collection[str] = ()) -> Metadata:
        """Raise ServerError."""
        raise ServerError

    async def ask(self, client: Client, request: RequestType, members: Members) -> Reply:
        """Return that nothing came."""
        return Reply(0, sent=False)

    async def read_claims(self, client: Client, id_token: Sensitive) -> Mapping[str, object] | None:
        """Return nothing."""
        return None

    async def read_userinfo(self, client: Client, access: Sensitive) -> Mapping[str, object]:
        """Return nothing."""
        return {}

    async def try_token(self, client: Client, token: Sensitive, kind: str) -> int:
        """Return that nothing came."""
        return 0

    def new_dpop_key(self) -> Sensitive:
        """Raise ServerError."""
        raise ServerError

    def prove_possession(self, key: Sensitive, what: Proven) -> str:
        """Raise ServerError."""
        raise ServerError
