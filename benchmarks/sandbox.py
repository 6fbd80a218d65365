"""How fast the sandbox answers, beside a bare handler on the same server, and how soon it starts.

Server and client are two processes on this machine, speaking HTTP/1.1 over loopback on kept
connections, the same request over and over. `--json` prints JSON.

Access tokens of the org's own server are not really signed, for nobody has a key to check them
with. Those of a custom server are, and an RSA signature of 2,048 bits takes about two thirds of a
millisecond of one core: no server that makes one for each answer gives 2,000 answers a second.
"""

import asyncio
import base64
import json
import multiprocessing
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from typing import IO, cast
from urllib.parse import urlencode, urlsplit

import uvloop
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.types import Receive, Scope, Send

from keyturn.sandbox import AppDraft, Org, Ready, SandboxConfig, serving
from keyturn.sandbox.serving import serving_app
from keyturn.sandbox.state.records import App
from keyturn.sandbox.state.tokens import REFRESH_LIFETIME, RefreshToken

CONNECTIONS = 8
SECONDS = 2.0
STARTS = 3
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True)
class Figure:
    """How often a second a request was answered, and that beside the bare handler."""

    name: str
    per_second: int
    of_bare: float


# --- the client ---------------------------------------------------------------------------------


class Asker(asyncio.Protocol):
    """Asks the same on one connection, again as soon as it was answered; counts good answers."""

    def __init__(self, raw: bytes) -> None:
        self.raw, self.answered, self.buffer = raw, 0, b""

    def itself(self) -> "Asker":
        """Return this one, for a connection to be made for it."""
        return self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the first time."""
        # uvloop's transports are of no class of asyncio's.
        self.transport = cast(asyncio.WriteTransport, transport)
        self.transport.write(self.raw)

    def data_received(self, data: bytes) -> None:
        """Count a whole answer and ask again; SystemExit when it is no success."""
        self.buffer += data
        head, end, body = self.buffer.partition(b"\r\n\r\n")
        if not end or len(body) < int(head.partition(b"content-length: ")[2].split(b"\r", 1)[0]):
            return
        if not head.startswith(b"HTTP/1.1 200"):
            sys.exit(f"not answered with 200: {head[:40]!r}")
        self.buffer, self.answered = b"", self.answered + 1
        self.transport.write(self.raw)


def ask(host: str, port: int, raw: bytes) -> float:
    """Return how many answers a second come to this request."""
    return uvloop.run(_ask(host, port, raw))


async def _ask(host: str, port: int, raw: bytes) -> float:
    loop = asyncio.get_running_loop()
    askers = [Asker(raw) for _ in range(CONNECTIONS)]
    for asker in askers:
        await loop.create_connection(asker.itself, host, port)
    await asyncio.sleep(SECONDS / 4)
    before, since = sum(asker.answered for asker in askers), time.perf_counter()
    await asyncio.sleep(SECONDS)
    return (sum(asker.answered for asker in askers) - before) / (time.perf_counter() - since)


# --- the server ---------------------------------------------------------------------------------


async def measure() -> list[Figure]:
    """Return the figures, the bare handler's first."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        async with serving_app(bare) as url:
            limit = await _measure(pool, url, request("GET", "/"))
        figures = [Figure("bare handler", round(limit), 1.0)]
        async with serving(SandboxConfig(0, 0, 0, profile="off")) as ready:
            for name, raw in requests(ready).items():
                rate = await _measure(pool, ready.http_url, raw)
                figures.append(Figure(name, round(rate), round(rate / limit, 2)))
    return figures


async def _measure(pool: ProcessPoolExecutor, url: str, raw: bytes) -> float:
    where = urlsplit(url)
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(pool, ask, str(where.hostname), where.port or 80, raw)


async def bare(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer as little as a handler can."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"{}"})


def requests(ready: Ready) -> dict[str, bytes]:
    """Return what is asked of the sandbox, by name."""
    org = ready.org
    app = org.read_app(org.seeded.web_app_id)
    service = AppDraft("Service with a secret", application_type="service")
    org.servers.add_scope("default", "read")
    own, custom = "/oauth2/v1/token", "/oauth2/default/v1/token"
    secrets = f"/api/v1/apps/{app.id}/credentials/secrets"
    by_key = {"client_assertion_type": JWT_BEARER, "client_assertion": assertion(ready)}
    earn = {"grant_type": "client_credentials"}
    refresh = {"grant_type": "refresh_token", "refresh_token": refresh_token(org, app)}
    return {
        "list client secrets": request(
            "GET", secrets, {"authorization": f"SSWS {org.seeded.api_token}"}
        ),
        "introspect": post("/oauth2/v1/introspect", {"token": "junk"}, app),
        "token, org server (RS256 checked)": post(own, earn | by_key | {"scope": "okta.apps.read"}),
        "token, org server, refresh by secret": post(own, refresh, app),
        "token, custom server (RS256 made)": post(
            custom, earn | {"scope": "read"}, org.create_app(service)
        ),
    }


def refresh_token(org: Org, app: App) -> str:
    """Return a refresh token that earns an access token only."""
    now, value = org.now(), "refresh-token"
    scopes = ("offline_access",)
    until = now + REFRESH_LIFETIME
    token = RefreshToken(value, app.client_id, org.seeded.user_id, scopes, now, until)
    org.tokens.store_refresh(token)
    return value


def post(path: str, form: dict[str, str], app: App | None = None) -> bytes:
    """Return a request with a form, by client_secret_basic when an app is given."""
    headers = {"content-type": "application/x-www-form-urlencoded"}
    if app is not None:
        pair = f"{app.client_id}:{app.live_secrets[0].value}"
        headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return request("POST", path, headers, urlencode(form))


def assertion(ready: Ready) -> str:
    """Return a client assertion without `jti`, so that it may be used again and again."""
    credentials = ready.as_json()
    key = RSAKey.import_key(credentials["service_private_jwk"])  # type: ignore[arg-type]  # a JWK
    client_id, now = credentials["service_client_id"], int(time.time())
    claims = {"iss": client_id, "sub": client_id, "iat": now, "exp": now + 3000}
    address = {"aud": "http://sandbox/oauth2/v1/token"}
    return jwt.encode({"alg": "RS256", "kid": str(key.kid)}, claims | address, key)


def request(method: str, path: str, headers: dict[str, str] | None = None, body: str = "") -> bytes:
    """Return a request as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", "host: sandbox", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", body]).encode()


# --- the start ----------------------------------------------------------------------------------


def time_start_s() -> float:
    """Return the seconds from the command to the org's first word, the best of a few."""
    return min(_time_start_s() for _ in range(STARTS))


def _time_start_s() -> float:
    since = time.perf_counter()
    ports = [f"--{name}-port=0" for name in ("http", "https", "control")]
    command = [sys.executable, "-m", "keyturn", "sandbox", *ports]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:  # noqa: S603  # our own
        cast("IO[bytes]", process.stdout).readline()
        passed_s = time.perf_counter() - since
        process.terminate()
    return passed_s


def main() -> None:
    """Measure and print."""
    figures, start_s = uvloop.run(measure()), time_start_s()
    if "--json" in sys.argv:
        shown = [asdict(figure) for figure in figures]
        print(json.dumps({"figures": shown, "start_s": round(start_s, 2)}))
        return
    for figure in figures:
        print(f"{figure.name:36} {figure.per_second:>7,}/s {figure.of_bare:>6.2f} of bare")
    print(f"{'start, from command to ready':36} {start_s:>7.2f} s")


if __name__ == "__main__":
    main()
