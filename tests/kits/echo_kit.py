"""A peer that is no authorization server: it repeats what it was sent, or answers from a script.

In process, where what a request holds is looked at, and over sockets, where the bytes of an answer
and the addresses of names matter.
"""

import asyncio
import json
import ssl
from base64 import b64decode
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

import httpx2
import jwt as pyjwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID
from joserfc.jwk import ECKey, RSAKey

from keyturn.adapters.oauth import HttpAuthorizationServers
from keyturn.domain.oauth.answers import Reply
from keyturn.domain.oauth.provider import ClientAuth, Endpoints, Provider, RequestType
from keyturn.domain.sensitive import Sensitive
from keyturn.network.guard import GuardedBackend, GuardedTransport, Resolve, resolve_by_system
from keyturn.services.ports import Client, Members
from keyturn.testing import ManualClock, SeededChance

START = datetime(2026, 5, 1, 12, tzinfo=UTC)
BASE = "https://as.example.com"
SECRET = "canary: 50%+1 / secret~é? and so on"
CLIENT_ID = "client:1 %"
ENDPOINTS = Endpoints(
    authorization=f"{BASE}/authorize",
    token=f"{BASE}/token",
    pushed_authorization=f"{BASE}/par",
    device_authorization=f"{BASE}/device",
    revocation=f"{BASE}/revoke",
    introspection=f"{BASE}/introspect",
    jwks=f"{BASE}/keys",
)
TOKENS = {"access_token": "canary-access", "token_type": "Bearer", "expires_in": 3600}

Step = httpx2.Response | Exception
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class Echo:
    """Answer each request with the next step of a script, then with the request itself."""

    def __init__(self, *script: Step, call_limit_s: float = 15.0) -> None:
        self.clock = ManualClock(START)
        self.heard: list[httpx2.Request] = []
        self.certificates: list[Sensitive | None] = []
        self._script = [*script]
        self.servers = HttpAuthorizationServers(
            self.clock, SeededChance(1), self._transport, call_limit_s=call_limit_s
        )

    async def ask(
        self,
        one: Client,
        request: RequestType = RequestType.REFRESH,
        members: Members | None = None,
    ) -> Reply:
        """Ask as a client, by default to refresh."""
        worthless: Members = {"refresh_token": Sensitive("canary-refresh")}
        return await self.servers.ask(one, request, worthless if members is None else members)

    def form(self, number: int = -1) -> dict[str, str]:
        """Return the form of a request, of which no member is there twice."""
        pairs = parse_qsl(self.heard[number].content.decode(), strict_parsing=True)
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    def basic(self, number: int = -1) -> str:
        """Return what a Basic header says."""
        scheme, _, said = self.heard[number].headers["authorization"].partition(" ")
        assert scheme == "Basic"
        return b64decode(said, validate=True).decode()

    @property
    def targets(self) -> list[str]:
        """Return method and address of every request."""
        return [f"{each.method} {each.url}" for each in self.heard]

    def _transport(self, certificate: Sensitive | None) -> httpx2.AsyncBaseTransport:
        self.certificates.append(certificate)
        return httpx2.MockTransport(self._answer)

    async def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.heard.append(request)
        step = self._script.pop(0) if self._script else told(200, repeated(request))
        if isinstance(step, Exception):
            raise step
        return step


def repeated(request: httpx2.Request) -> dict[str, object]:
    """Return a request as JSON."""
    headers = dict(request.headers)
    return {"target": str(request.url), "headers": headers, "body": request.content.decode()}


def told(status: int, body: object, **headers: str) -> httpx2.Response:
    """Return an answer in JSON; ``dpop_nonce="n"`` is written as the header dpop-nonce."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    kind = {"content-type": "application/json"}
    return httpx2.Response(status, headers=kind | named, content=json.dumps(body))


def refused(status: int, error: str, **headers: str) -> httpx2.Response:
    """Return a refusal (RFC 6749, 5.2)."""
    return told(status, {"error": error, "error_description": SECRET}, **headers)


def client(
    auth: ClientAuth = ClientAuth.BASIC,
    *,
    secret: str | None = SECRET,
    client_id: str = CLIENT_ID,
    dpop_key: Sensitive | None = None,
    **provider: object,
) -> Client:
    """Return a client, with what its provider does differently."""
    made = Provider(**({"endpoints": ENDPOINTS, "auth": auth} | provider))  # type: ignore[arg-type]  # fields of it
    return Client(client_id, made, Sensitive(secret) if secret is not None else None, dpop_key)


# --- keys -------------------------------------------------------------------------------------


def pem(key: PrivateKey) -> str:
    """Return a private key in PEM."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def jwk(key: PrivateKey, kid: str = "k1") -> str:
    """Return a private key in JSON."""
    made = RSAKey.import_key(key) if isinstance(key, rsa.RSAPrivateKey) else ECKey.import_key(key)
    return json.dumps(made.as_dict(private=True) | {"kid": kid})


def shown(
    key: PrivateKey,
    name: str = "client",
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> str:
    """Return a certificate that a key has signed for itself, and the key, in PEM.

    It is good from yesterday to tomorrow, where nothing else is said.
    """
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(since or now - timedelta(days=1))
        .not_valid_after(until or now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(Encoding.PEM).decode() + pem(key)


def claims_of(assertion: str, key: PrivateKey | str, audience: str) -> dict[str, object]:
    """Return the claims of an assertion, and its alg and kid, verified by another library."""
    header = pyjwt.get_unverified_header(assertion)
    public = key if isinstance(key, str) else key.public_key()
    times: pyjwt.types.Options = {"verify_exp": False, "verify_iat": False}
    claims = pyjwt.decode(assertion, public, [header["alg"]], times, audience=audience)
    return {**claims, "alg": header["alg"], "kid": header.get("kid")}


# --- sockets ----------------------------------------------------------------------------------


@dataclass
class Wire:
    """A server on this machine that answers every request with the same bytes, then hangs up."""

    answer: bytes = b""
    heard: list[bytes] = field(default_factory=list)
    certificates: list[Mapping[str, object] | None] = field(default_factory=list)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read one request to the end of its head, answer, and hang up."""
        tls = writer.get_extra_info("ssl_object")
        self.certificates.append(tls.getpeercert() if tls else None)
        self.heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(self.answer)
        writer.close()


@asynccontextmanager
async def wire(answer: bytes, tls: ssl.SSLContext | None = None) -> AsyncIterator[Wire]:
    """Serve such answers."""
    made = Wire(answer)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=tls)
    async with server:
        made.port = server.sockets[0].getsockname()[1]
        yield made


@asynccontextmanager
async def guarded(
    *,
    private_allowed: bool = True,
    resolve: Resolve = resolve_by_system,
    ca_pem: str = "",
) -> AsyncIterator[HttpAuthorizationServers]:
    """Give the adapter as it goes out past the guard."""
    backend = GuardedBackend(private_allowed=private_allowed, resolve=resolve)

    def way(certificate: Sensitive | None) -> httpx2.AsyncBaseTransport:
        return GuardedTransport(backend, ca_file=None, ca_pem=ca_pem, certificate=certificate)

    servers = HttpAuthorizationServers(
        ManualClock(START), SeededChance(1), way, private_allowed=private_allowed
    )
    yield servers
    await servers.aclose()


def resolving(*answers: Sequence[str]) -> Resolve:
    """Return a resolver whose answers change from one look to the next."""
    left = [*answers]

    async def resolve(host: str, port: int) -> Sequence[str]:
        return left.pop(0)

    return resolve
