"""An agent logs in again when its token ends, by what is there then."""

import json

import httpx2
import pytest

from keyturn.client import ApiError, KeyturnApi, Place, Token
from keyturn.client.calls import Credentials, Identity, Source, Workload

PLACE = Place("example", "dev")


class Server:
    """A server that takes one token, and gives it for a log-in."""

    def __init__(self, taken: str) -> None:
        self.taken = taken
        self.asked: list[tuple[str, str]] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one request."""
        path, bearer = request.url.path, request.headers.get("authorization", "")
        self.asked.append((path, bearer or json.loads(request.content).get("jwt", "")))
        if path.endswith("/login"):
            body = {"accessToken": self.taken, "expiresIn": 1, "accessTokenMaxTTL": 1}
            return httpx2.Response(200, json=body)
        if bearer == f"Bearer {self.taken}":
            return httpx2.Response(200, json={"secrets": [], "imports": []})
        body = {"reqId": "r", "statusCode": 401, "message": "no", "error": "UnauthorizedError"}
        return httpx2.Response(401, json=body, headers={"www-authenticate": "Bearer"})

    def reached_by(self, credentials: Credentials | Source) -> KeyturnApi:
        """Reach the server."""
        transport = httpx2.MockTransport(self)
        return KeyturnApi("https://keyturn.test", credentials, transport=transport)


async def test_a_token_that_somebody_renewed_is_taken() -> None:
    """After a 401 it is looked for anew, and the request made once more."""
    tokens = iter(["old", "new"])
    server = Server("new")
    await server.reached_by(lambda: Token(next(tokens))).read_folder(PLACE)
    assert [bearer for _, bearer in server.asked] == ["Bearer old", "Bearer new"]


async def test_a_token_that_is_the_same_is_not_sent_twice() -> None:
    """It would be refused again."""
    server = Server("new")
    with pytest.raises(ApiError):
        await server.reached_by(lambda: Token("old")).read_folder(PLACE)
    assert len(server.asked) == 1


@pytest.mark.parametrize(("oidc", "method"), [(True, "oidc-auth"), (False, "jwt-auth")])
async def test_a_workload_logs_in_by_what_its_platform_gives_it_now(
    oidc: bool,  # noqa: FBT001  a parameter of the test
    method: str,
) -> None:
    """A JWT is read for every log-in, since the platform changes it."""
    jwts = iter(["jwt-1", "jwt-2"])
    server = Server("t1")
    api = server.reached_by(lambda: Workload("id", next(jwts), oidc=oidc))
    await api.read_folder(PLACE)
    server.taken = "t2"
    await api.read_folder(PLACE)
    login = f"/api/v1/auth/{method}/login"
    assert [said for path, said in server.asked if path == login] == ["jwt-1", "jwt-2"]


def test_credentials_show_nothing() -> None:
    """Neither a JWT, a client secret nor a token is in a repr."""
    every = (Workload("id", "marked"), Identity("id", "marked"), Token("marked"))
    assert "marked" not in repr(every)
