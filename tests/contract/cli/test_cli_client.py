"""The client room: secrets that are current, tokens that renew themselves, errors that tell."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import anyio
import httpx2
import pytest

from keyturn.client import ApiError, Identity, KeyturnApi, Place, Store, Token, Unreachable

PLACE = Place("example", "dev")
IDENTITY = Identity("id", "identity-secret")
LOGIN = "/api/v1/auth/universal-auth/login"
AT = "2026-01-01T00:00:00.000Z"


@dataclass
class Server:
    """A server that keeps one secret and accepts the token it issued last."""

    value: str = "first"
    logins: int = 0
    reads: list[httpx2.URL] = field(default_factory=list)

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Answer as Keyturn does."""
        await anyio.lowlevel.checkpoint()
        if request.url.path == LOGIN:
            self.logins += 1
            shown = {"accessToken": f"t{self.logins}", "expiresIn": 1, "accessTokenMaxTTL": 1}
            return httpx2.Response(200, json=shown)
        if request.headers["authorization"] != f"Bearer t{self.logins}":
            return problem(401, "UnauthorizedError", "log in again", challenge="Bearer")
        if "/refused" in request.url.path:
            return problem(401, "UnauthorizedError", "Okta refused to list apps.")
        if "/nothing" in request.url.path:
            return problem(404, "NotFound", "There is no secret nothing.")
        self.reads.append(request.url)
        return httpx2.Response(200, json={"secret": secret(self.value)})


def problem(
    status: int, error: str, message: object, *, challenge: str | None = None
) -> httpx2.Response:
    """Answer with an error body."""
    body = {"reqId": "r-1", "statusCode": status, "message": message, "error": error}
    headers = {"www-authenticate": challenge} if challenge else {}
    return httpx2.Response(status, json=body, headers=headers)


def secret(value: str) -> dict[str, object]:
    """Render a secret."""
    texts = ("id", "_id", "workspace", "environment", "secretKey", "secretComment", "secretPath")
    shown: dict[str, object] = dict.fromkeys(texts, "x")
    shown |= {"version": 1, "secretValue": value, "secretValueHidden": False, "createdAt": AT}
    return shown | {"updatedAt": AT, "isRotatedSecret": True, "rotationId": None}


@pytest.fixture
def server() -> Server:
    """Begin with an untouched server."""
    return Server()


@pytest.fixture
async def api(server: Server) -> AsyncIterator[KeyturnApi]:
    """Reach the server as an identity."""
    transport = httpx2.MockTransport(server)
    async with KeyturnApi("http://keyturn.test", IDENTITY, transport=transport) as api:
        yield api


def answering(answer: httpx2.Response) -> KeyturnApi:
    """Reach a server that has one answer to everything."""
    transport = httpx2.MockTransport(lambda request: answer)
    return KeyturnApi("http://keyturn.test", Token("t"), transport=transport)


async def test_a_value_is_asked_for_once_within_its_time(server: Server, api: KeyturnApi) -> None:
    """Within the time to live a secret costs no request; after it the current value is read."""
    now = [100.0]
    current = Store(api, PLACE, ttl_s=60, clock=lambda: now[0]).secret("NAME")
    assert await current() == "first"
    server.value, now[0] = "second", 159.9
    assert (await current(), len(server.reads)) == ("first", 1)
    now[0] = 160.0
    assert (await current(), len(server.reads)) == ("second", 2)


async def test_callers_at_the_same_time_share_one_request(server: Server, api: KeyturnApi) -> None:
    """A hundred tasks that want a secret make one request and one log-in."""
    current = Store(api, PLACE, clock=lambda: 0.0).secret("NAME")
    async with anyio.create_task_group() as group:
        for _ in range(100):
            group.start_soon(current)
    assert (len(server.reads), server.logins) == (1, 1)


async def test_a_value_too_old_is_never_given_instead(server: Server, api: KeyturnApi) -> None:
    """Where Keyturn says no, the caller learns it; yesterday's value may be dead."""
    now = [0.0]
    current = Store(api, PLACE, ttl_s=1, clock=lambda: now[0]).secret("nothing")
    now[0] = 2.0
    with pytest.raises(ApiError):
        await current()


async def test_a_value_is_in_no_repr(api: KeyturnApi) -> None:
    """Neither a secret, a store, an API nor its credentials show a value."""
    store = Store(api, PLACE)
    current = store.secret("NAME")
    value = await current()
    shown = " ".join(
        map(repr, (current, store, api, IDENTITY, Token("token-value"), vars(current)))
    )
    assert value not in shown
    assert "identity-secret" not in shown
    assert "token-value" not in shown


async def test_an_identity_logs_in_again_when_its_token_ends(
    server: Server, api: KeyturnApi
) -> None:
    """A 401 is answered by one new log-in and the same request again."""
    await api.read_secret(PLACE, "NAME")
    server.logins = 7
    read = await api.read_secret(PLACE, "NAME")
    assert (read.secret_value, server.logins) == ("first", 8)


async def test_names_and_places_are_sent_as_they_are(server: Server, api: KeyturnApi) -> None:
    """A name cannot leave its place in the path, and the place goes along."""
    await api.read_secret(Place("example", "dev", "/a b"), "x/../y")
    url = server.reads[0]
    assert url.raw_path.startswith(b"/api/v3/secrets/raw/x%2F..%2Fy?")
    assert dict(url.params) == {
        "projectId": "example",
        "environment": "dev",
        "secretPath": "/a b",
        "include_imports": "true",
        "expandSecretReferences": "true",
    }


async def test_a_refusal_says_what_the_server_said(api: KeyturnApi) -> None:
    """Status, kind, message and request id are the server's."""
    with pytest.raises(ApiError) as caught:
        await api.read_secret(PLACE, "nothing")
    error = caught.value
    assert (error.status, error.error, error.req_id) == (404, "NotFound", "r-1")
    assert error.message == "There is no secret nothing."


async def test_issues_are_told_field_by_field() -> None:
    """A list of issues becomes one sentence that names the fields."""
    issue = {"code": "custom", "path": ["secretsMapping", "clientId"], "message": "Required"}
    api = answering(problem(422, "ValidationFailure", [issue]))
    with pytest.raises(ApiError, match=r"secretsMapping\.clientId: Required"):
        await api.read_secret(PLACE, "NAME")


@pytest.mark.parametrize(
    "answer",
    [httpx2.Response(502, text="<html>"), httpx2.Response(200, json={"secretValue": "marked"})],
    ids=["gateway", "other shape"],
)
async def test_an_answer_that_is_not_keyturns_is_no_value(answer: httpx2.Response) -> None:
    """A page of some proxy is told as such, and nothing of it is repeated."""
    with pytest.raises(Unreachable) as caught:
        await answering(answer).read_secret(PLACE, "NAME")
    assert "marked" not in repr(caught.value)


async def test_no_answer_is_unreachable() -> None:
    """A broken connection is Unreachable and names the address."""

    def broken(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused", request=request)

    transport = httpx2.MockTransport(broken)
    api = KeyturnApi("http://keyturn.test", Token("t"), transport=transport)
    with pytest.raises(Unreachable, match=r"http://keyturn\.test"):
        await api.read_secret(PLACE, "NAME")


async def test_a_new_secret_is_sent_with_its_place() -> None:
    """Creating sends the value in the body, never in the address."""
    sent: list[httpx2.Request] = []

    def keep(request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        return httpx2.Response(200, json={"secret": secret("v")})

    transport = httpx2.MockTransport(keep)
    api = KeyturnApi("http://keyturn.test", Token("t"), transport=transport)
    await api.create_secret(PLACE, "NAME", "marked")
    assert "marked" not in str(sent[0].url)
    assert json.loads(sent[0].content) == PLACE.query() | {"secretValue": "marked"}


async def test_a_401_of_oktas_is_no_reason_to_log_in_again(server: Server, api: KeyturnApi) -> None:
    """Only a challenge speaks of the caller's token; the call is not made a second time."""
    with pytest.raises(ApiError) as caught:
        await api.read_secret(PLACE, "refused")
    assert not caught.value.wants_log_in
    assert server.logins == 1


async def test_a_wrong_token_is_told_from_other_refusals() -> None:
    """A caller learns whether the token is at fault."""
    wrong = problem(401, "UnauthorizedError", "log in again", challenge="Bearer")
    with pytest.raises(ApiError) as caught:
        await answering(wrong).read_secret(PLACE, "NAME")
    assert caught.value.wants_log_in


async def test_a_proxy_of_the_environment_is_told_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens go to Keyturn alone, whatever http_proxy says."""
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(4096))
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as proxy:
        port = proxy.sockets[0].getsockname()[1]
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        async with KeyturnApi("http://127.0.0.1:9", Token("marked")) as api:
            with pytest.raises(Unreachable):
                await api.read_secret(PLACE, "NAME")
    assert heard == []
