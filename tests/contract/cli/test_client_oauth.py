"""Access tokens for a client secret that is turned meanwhile, by Okta's rules and by others."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from threading import Thread
from wsgiref.simple_server import WSGIRequestHandler, make_server

import httpx2
import pytest
import requests
from api_kit import ORG_URL, ROTATIONS, House, open_house
from identity_kit import ask

from keyturn.api.app import build_api
from keyturn.client import (
    ClientError,
    KeyturnApi,
    Place,
    Secret,
    Store,
    Token,
    TokenRefused,
    TokenSource,
    Unreachable,
    blocking,
)
from keyturn.sandbox import AppDraft, build_app
from keyturn.testing.asgi import AppTransport

SCOPES = "/api/v1/authorizationServers/default/scopes"
TOKENS = f"{ORG_URL}/oauth2/default/v1/token"
PLACE = Place("example", "dev")


@dataclass
class Consumer:
    """A service app whose secret Keyturn turns, and what it uses to get its tokens."""

    house: House
    client_id: str
    rotation_id: str
    secret: Secret
    source: TokenSource

    async def turn_at_once(self) -> None:
        """Replace the client secret; the old one is deleted right away."""
        path = f"{ROTATIONS}/{self.rotation_id}/turn"
        await ask(self.house, "POST", path, {"emergency": True})

    def asked(self) -> list[int]:
        """Return how the org has answered requests for tokens."""
        told = self.house.org.requests()["requests"]
        assert isinstance(told, list)
        return [r["status"] for r in told if r["route"].endswith("/token")]


@pytest.fixture
async def consumer() -> AsyncIterator[Consumer]:
    """Set up a service app, a rotation of its secret, and a source of tokens by it."""
    async with open_house() as house:
        draft = AppDraft("Job", application_type="service", grant_types=("client_credentials",))
        app = house.org.create_app(draft)
        org = httpx2.ASGITransport(build_app(house.org))
        bearer = {"authorization": f"SSWS {house.org.seeded.api_token}"}
        async with httpx2.AsyncClient(transport=org, base_url=ORG_URL, headers=bearer) as http:
            assert (await http.post(SCOPES, json={"name": "jobs"})).status_code == 201
        made = await house.rotate_by_order(parameters={"clientId": app.id})
        token = Token(house.installed.admin_token.reveal())
        transport = AppTransport(build_api(house.world, version="0"))
        async with KeyturnApi("http://it.example", token, transport=transport) as api:
            secret = Store(api, PLACE, ttl_s=1e9).secret("OKTA_CLIENT_SECRET")
            async with TokenSource(
                secret, client_id=app.client_id, token_url=TOKENS, scope="jobs", transport=org
            ) as source:
                yield Consumer(house, app.client_id, str(made["id"]), secret, source)


async def test_a_secret_that_was_turned_is_read_again(consumer: Consumer) -> None:
    """The refusal of the old one leads to the new one, once, whatever was kept."""
    first = await consumer.source.token()
    await consumer.turn_at_once()
    assert await consumer.source.token() == first
    consumer.source.drop()
    assert await consumer.source.token() != first
    assert consumer.asked() == [200, 401, 200]
    assert (await consumer.secret.current()).version == 2


async def test_a_secret_that_is_wrong_is_tried_once(consumer: Consumer) -> None:
    """Where Keyturn has no newer one, the refusal is told: another try would be refused too."""
    app = next(each for each in consumer.house.org.apps.values() if each.label == "Job")
    consumer.house.org.create_secret(app.id)
    consumer.house.org.deactivate_secret(app.id, app.secrets[0].id)
    with pytest.raises(TokenRefused, match="HTTP 401 invalid_client: ") as caught:
        await consumer.source.token()
    assert caught.value.error == "invalid_client"
    assert consumer.asked() == [401]


async def test_other_refusals_are_not_the_secrets_fault(consumer: Consumer) -> None:
    """A scope that there is not stays refused, and the secret is not read again."""
    org = httpx2.ASGITransport(build_app(consumer.house.org))
    source = TokenSource(
        consumer.secret,
        client_id=consumer.client_id,
        token_url=TOKENS,
        scope="nothing",
        transport=org,
    )
    async with source:
        with pytest.raises(TokenRefused) as caught:
            await source.token()
    assert caught.value.error == "invalid_scope"
    assert consumer.asked() == [400]


async def test_an_async_client_is_signed_for(consumer: Consumer) -> None:
    """The hook puts a token into each request, and callers at a time share one."""
    seen: list[str] = []

    def resource(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.headers["authorization"])
        return httpx2.Response(200)

    hooks = {"request": [consumer.source.sign]}
    transport = httpx2.MockTransport(resource)
    async with httpx2.AsyncClient(transport=transport, event_hooks=hooks) as http:
        await asyncio.gather(*(http.get("https://api.example.com") for _ in range(10)))
    assert seen == [f"Bearer {await consumer.source.token()}"] * 10
    assert consumer.asked() == [200]


@dataclass
class Server:
    """Keyturn and an authorization server in one; both answer as they are told."""

    version: int = 1
    accepted: str = "value-1"
    answer: object = None
    expires_in: int = 3600
    reads: int = 0
    tokens: int = 0
    forms: list[str] = field(default_factory=list)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Answer."""
        if request.url.path != "/token":
            self.reads += 1
            return httpx2.Response(200, json={"secret": self._secret()})
        self.tokens += 1
        self.forms.append(request.content.decode())
        if self.answer is not None:
            return httpx2.Response(200, json=self.answer)
        client = httpx2.BasicAuth("client", self.accepted)
        wanted = next(client.auth_flow(httpx2.Request("POST", "/"))).headers["authorization"]
        if request.headers["authorization"] != wanted:
            return httpx2.Response(400, json={"error": "invalid_client"})
        told = {"access_token": f"token-{self.tokens}", "expires_in": self.expires_in}
        return httpx2.Response(200, json=told)

    def _secret(self) -> dict[str, object]:
        texts = ("id", "_id", "workspace", "environment", "secretKey", "secretComment")
        shown: dict[str, object] = dict.fromkeys(texts, "x")
        at = "2026-01-01T00:00:00.000Z"
        shown |= {"version": self.version, "secretValue": f"value-{self.version}"}
        shown |= {"secretPath": "/", "secretValueHidden": False, "createdAt": at, "updatedAt": at}
        return shown | {"isRotatedSecret": True, "rotationId": None}

    def source(self, clock: Callable[[], float] = lambda: 0.0) -> TokenSource:
        """Return a source of tokens of this server's."""
        transport = httpx2.MockTransport(self)
        api = KeyturnApi("http://it.example", Token("t"), transport=transport)
        secret = Store(api, PLACE, clock=lambda: 0.0).secret("NAME")
        return TokenSource(
            secret,
            client_id="client",
            token_url="http://it.example/token",
            transport=transport,
            clock=clock,
        )


async def test_a_token_is_kept_until_shortly_before_its_end() -> None:
    """A minute before it ends another is fetched; of one that lives briefly, half is used."""
    now = [0.0]
    server = Server()
    async with server.source(lambda: now[0]) as source:
        assert await source.token() == "token-1"
        now[0] = 3539.9
        assert await source.token() == "token-1"
        server.expires_in, now[0] = 10, 3540
        assert await source.token() == "token-2"
        now[0] = 3544.9
        assert await source.token() == "token-2"
        now[0] = 3545
        assert await source.token() == "token-3"
    assert server.forms[0] == "grant_type=client_credentials"


async def test_the_newer_secret_is_tried_once() -> None:
    """Were it refused as well, that is told; nothing goes round in circles."""
    server = Server(accepted="another")
    async with server.source() as source:
        await source._secret.current()  # noqa: SLF001  so that it is kept
        server.version = 2
        with pytest.raises(TokenRefused):
            await source.token()
    assert (server.reads, server.tokens) == (2, 2)


async def test_what_is_not_the_secrets_fault_asks_keyturn_nothing() -> None:
    """Though there is a newer secret, it would be refused for the same reason."""
    server = Server(answer={"error": "invalid_scope"})
    async with server.source() as source:
        await source._secret.current()  # noqa: SLF001  so that it is kept
        server.version = 2
        with pytest.raises(TokenRefused):
            await source.token()
    assert (server.reads, server.tokens) == (1, 1)


async def test_a_token_that_was_refused_once_is_not_given_after_a_failure() -> None:
    """Where the next one cannot be had, the one before is not given instead."""
    now = [0.0]
    server = Server()
    async with server.source(lambda: now[0]) as source:
        await source.token()
        server.accepted, now[0] = "another", 4000.0
        for _ in range(2):
            with pytest.raises(TokenRefused):
                await source.token()


@pytest.mark.parametrize("answer", [[], {}, {"access_token": ""}, {"access_token": 1}, "marked"])
async def test_what_is_no_token_is_none(answer: object) -> None:
    """An answer that is not a token endpoint's is told as such, and nothing of it is repeated."""
    server = Server(answer=answer)
    async with server.source() as source:
        with pytest.raises(TokenRefused) as caught:
            await source.token()
    assert "marked" not in str(caught.value)


async def test_keyturn_that_is_away_is_told(consumer: Consumer) -> None:
    """A source without a secret has no token."""

    def away(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("away", request=request)

    api = KeyturnApi("http://it.example", Token("t"), transport=httpx2.MockTransport(away))
    source = TokenSource(Store(api, PLACE).secret("NAME"), client_id="x", token_url=TOKENS)
    async with source:
        with pytest.raises(Unreachable):
            await source.token()
    assert issubclass(TokenRefused, ClientError)


def test_clients_that_block_are_signed_for() -> None:
    """One callable is the auth of requests and of a blocking httpx2."""
    seen: list[str] = []

    def resource(environ: dict[str, str], start: Callable[..., object]) -> list[bytes]:
        seen.append(environ["HTTP_AUTHORIZATION"])
        start("200 OK", [("content-length", "0")])
        return [b""]

    class Quiet(WSGIRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with (
        make_server("127.0.0.1", 0, resource, handler_class=Quiet) as listener,
        blocking(Server().source()) as auth,
    ):
        thread = Thread(target=listener.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{listener.server_port}"
        with requests.Session() as session, httpx2.Client(auth=auth, trust_env=False) as http:
            session.trust_env = False
            session.get(url, auth=auth, timeout=30)
            http.get(url)
        listener.shutdown()
        thread.join()
    assert seen == ["Bearer token-1"] * 2


async def test_no_value_is_in_a_repr() -> None:
    """Neither what is kept nor a refusal shows the client secret or a token."""
    server = Server()
    async with server.source() as source:
        token = await source.token()
        held = await source._secret.current()  # noqa: SLF001  what is kept of the secret
        shown = " ".join(map(repr, (source, vars(source), held)))
    assert token not in shown
    assert "value-1" not in shown
