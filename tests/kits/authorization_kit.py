"""Authorization servers that nobody here wrote, each in a process of its own.

`tests/peers/oidc_provider.mjs` and `tests/peers/toolkit_server.py` are run as they are installed;
what a test wants of one beyond OAuth, it asks at ``/control``. Every test has clients of its own.
Requests are built here from the RFCs alone, with nothing of ours: what a server is seen to do is
the truth that our adapter is held against.
"""

import base64
import hashlib
import json
import os
import ssl
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_urlsafe
from typing import Any
from urllib.parse import quote_plus, urlencode

import anyio
import httpx2
import jwt as pyjwt
from browser_kit import Browser, query
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from peer_kit import PEERS

from keyturn.sandbox.tls import write_tls_files

CALLBACK = "http://127.0.0.1:9/callback"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SIGNS_OUT_S = 10
MACHINE = {"grant_types": ["client_credentials"], "redirect_uris": [], "response_types": []}
"""What is registered of a client without people."""

COMMANDS = {
    "oidc-provider": ("node", str(PEERS / "oidc_provider.mjs")),
    "django-oauth-toolkit": (sys.executable, str(PEERS / "toolkit_server.py")),
}
WELL_KNOWN = {
    "oidc-provider": "/.well-known/openid-configuration",
    "django-oauth-toolkit": "/.well-known/oauth-authorization-server",
}


@contextmanager
def running(name: str, folder: Path, **given: object) -> Iterator[str]:
    """Run a server for as long as it is needed, and give its address; it ends with its input."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder)}
    with (
        (folder / "stderr").open("wb") as told,
        subprocess.Popen(
            COMMANDS[name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=told,
            env=environment,
            text=True,
        ) as process,
    ):
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps(given) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        assert line, (folder / "stderr").read_text()
        yield json.loads(line)["url"]
        process.stdin.close()
        process.wait(SIGNS_OUT_S)


@dataclass(frozen=True)
class Server:
    """A server that runs, what it says of itself, and a way to it."""

    name: str
    url: str
    http: httpx2.AsyncClient
    metadata: Mapping[str, Any] = field(repr=False)

    async def act(self, act: str, **asked: object) -> Any:  # noqa: ANN401  whatever the act gives
        """Have it do something that is not OAuth's."""
        answer = await self.http.post(f"{self.url}/control", json={"act": act, **asked})
        assert answer.is_success, answer.text
        return answer.json()

    def endpoint(self, name: str) -> str:
        """Return the address of an endpoint."""
        found: str = self.metadata[f"{name}_endpoint"]
        return found

    async def be_ahead(self, seconds: float) -> None:
        """Let the server's clock be so far ahead, until the test is over."""
        await self.act("ahead", seconds=seconds)

    async def register(
        self,
        *secrets: str,
        metadata: Mapping[str, object] | None = None,
        method: str = "client_secret_basic",
        **settings: object,
    ) -> "Client":
        """Make a client with secrets that all work; without any given, with a good one.

        ``settings`` are ``token_ttl_s`` and ``rotate``, and of oidc-provider ``grace_s`` too, and
        ``nonce``: whether its DPoP proofs need one.
        """
        client_id = f"client-{token_urlsafe(6)}"
        accepted = secrets or (token_urlsafe(32),)
        members = {
            "client_id": client_id,
            "redirect_uris": [CALLBACK],
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": method,
            **(metadata or {}),
        }
        await self.act("register", metadata=members, secrets=accepted, **settings)
        return Client(self, client_id, accepted[0], method)


@asynccontextmanager
async def reached(name: str, url: str, **how: Any) -> AsyncIterator[Server]:  # noqa: ANN401  httpx2's
    """Open a way to a server that runs."""
    async with httpx2.AsyncClient(trust_env=False, timeout=30, **how) as http:
        metadata = (await http.get(url + WELL_KNOWN[name])).raise_for_status().json()
        server = Server(name, url, http, metadata)
        yield server
        await server.be_ahead(0)


def error(answer: httpx2.Response) -> tuple[int, str]:
    """Return status and error of a refusal."""
    return answer.status_code, answer.json()["error"]


def fingerprint(secret: str) -> str:
    """Return what a server tells a secret by."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True)
class Client:
    """A client of a server, which authenticates as RFC 6749 and RFC 7523 say."""

    server: Server
    client_id: str
    secret: str = field(repr=False)
    method: str = "client_secret_basic"
    key: Any = field(default=None, repr=False)

    async def post(
        self, endpoint: str, headers: Mapping[str, str] | None = None, **form: object
    ) -> httpx2.Response:
        """Make an authenticated request to an endpoint."""
        more, members = self._authenticate(endpoint)
        body = urlencode({**form, **members}, doseq=True)
        kind = {"content-type": "application/x-www-form-urlencoded"}
        return await self.server.http.post(
            self.server.endpoint(endpoint), content=body, headers=kind | more | dict(headers or {})
        )

    def _authenticate(self, endpoint: str) -> tuple[dict[str, str], dict[str, str]]:
        """Return the header, and the members of the body, that say who asks."""
        if self.method == "client_secret_basic":
            return {"authorization": basic(self.client_id, self.secret)}, {}
        if self.method == "client_secret_post":
            return {}, {"client_id": self.client_id, "client_secret": self.secret}
        if self.method.endswith("_jwt"):
            return {}, {"client_assertion_type": ASSERTION, "client_assertion": self.assertion()}
        return {}, {"client_id": self.client_id}

    def assertion(self, **changes: object) -> str:
        """Sign who asks (RFC 7523, 3)."""
        now = int(time.time())
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.server.url,
            "jti": token_urlsafe(),
            "iat": now,
            "exp": now + 60,
        }
        key, algorithm = (self.key, "ES256") if self.key else (self.secret, "HS256")
        return pyjwt.encode(claims | changes, key, algorithm)

    async def token(
        self, grant_type: str, headers: Mapping[str, str] | None = None, **form: object
    ) -> httpx2.Response:
        """Ask for tokens."""
        return await self.post("token", headers, grant_type=grant_type, **form)

    async def refresh(self, token: str, **form: object) -> httpx2.Response:
        """Ask for tokens by a refresh token."""
        return await self.token("refresh_token", None, refresh_token=token, **form)

    def asked(self, verifier: str, **more: str) -> str:
        """Return the address of an authorization request with PKCE (RFC 7636)."""
        digest = hashlib.sha256(verifier.encode()).digest()
        members = {
            "client_id": self.client_id,
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": "read",
            "state": "s1",
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        return f"{self.server.endpoint('authorization')}?{urlencode(members | more)}"

    async def sign_in(self, **more: str) -> httpx2.Response:
        """Have the person agree, and redeem the code."""
        verifier = token_urlsafe(48)
        back = await Browser(self.server.http).visit(self.asked(verifier, **more), CALLBACK)
        code = query(back)["code"]
        return await self.token(
            "authorization_code", code=code, redirect_uri=CALLBACK, code_verifier=verifier
        )

    async def tokens(self, **more: str) -> dict[str, Any]:
        """Return the tokens that the person's consent gives, a refresh token among them."""
        offline = {"scope": "openid offline_access read", "prompt": "consent"}
        wanted = offline if self.server.name == "oidc-provider" else {}
        answer = await self.sign_in(**(wanted | more))
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def is_active(self, token: str) -> bool:
        """Ask whether a token is good (RFC 7662)."""
        return bool((await self.post("introspection", token=token)).json()["active"])

    async def accept(self, *secrets: str) -> None:
        """Have the server accept these secrets of the client, and no others."""
        await self.server.act("accept", client_id=self.client_id, secrets=secrets)

    async def accepted(self) -> list[str]:
        """Return the fingerprints of the secrets that the server accepts."""
        found: list[str] = await self.server.act("accepted", client_id=self.client_id)
        return found

    async def seen(self) -> list[dict[str, str | None]]:
        """Return what the server was asked as this client, and what came of it."""
        found: list[dict[str, str | None]] = await self.server.act("seen", client_id=self.client_id)
        return found

    async def counts(self) -> Counter[tuple[str | None, str | None]]:
        """Count the requests for tokens by grant type and outcome."""
        asked = [each for each in await self.seen() if each["endpoint"] == "token"]
        return Counter((each["grant_type"], each["outcome"]) for each in asked)

    async def treat(self, *treatments: str) -> None:
        """Have the next answers with tokens treated: each ``pass``, ``hold`` or ``drop``.

        What was asked for has then taken effect; a dropped answer reaches nobody.
        """
        await self.server.act("next", client_id=self.client_id, treatments=treatments)

    async def wait_until_held(self, number: int = 1) -> None:
        """Wait until so many answers are held back."""
        while await self.server.act("held", client_id=self.client_id) < number:
            await anyio.sleep(0.01)

    async def release(self) -> None:
        """Let go of the answers that are held back."""
        await self.server.act("release", client_id=self.client_id)


def basic(client_id: str, secret: str, *, encoded: bool = True) -> str:
    """Return a Basic header, by default as RFC 6749, 2.3.1 wants it."""
    pair = [quote_plus(each) if encoded else each for each in (client_id, secret)]
    return "Basic " + base64.b64encode(":".join(pair).encode()).decode()


@dataclass(frozen=True)
class Certified:
    """Certificates, in PEM: ``of_server`` is what its process is told of them.

    ``of_client`` is a client's certificate and its key; ``host`` is the name that it was made for.
    """

    authority: str
    of_server: Mapping[str, str] = field(repr=False)
    of_client: str = field(repr=False)
    file: Path
    host: str = "client.example"

    def context(self) -> ssl.SSLContext:
        """Return what a client needs that shows its certificate."""
        context = ssl.create_default_context(cadata=self.authority)
        context.load_cert_chain(self.file)
        return context


def certify(folder: Path) -> Certified:
    """Make certificates: a server's, and a client's that vouches for itself."""
    files = write_tls_files(folder)
    authority, certificate, key = (
        each.read_text() for each in (files.authority, files.certificate, files.key)
    )
    mine, my_key = self_signed(Certified.host)
    file = folder / "client.pem"
    file.write_text(mine + my_key)
    of_server = {"cert": certificate, "key": key, "ca": mine}
    return Certified(authority, of_server, mine + my_key, file)


def self_signed(host: str) -> tuple[str, str]:
    """Make a certificate that vouches for itself, and its key, both in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)  # TLS knows no other
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    kind = serialization.PrivateFormat.PKCS8
    private = key.private_bytes(pem, kind, serialization.NoEncryption())
    return made.public_bytes(pem).decode(), private.decode()
