"""The API's own description is complete: security, what is read, and which errors there are."""

import asyncio
from collections.abc import Iterator
from threading import Event
from typing import Any

import pytest
from api_kit import House, description, problem

from keyturn.api.description import Document

PUBLIC = {
    "GET /api/flo/{alias}/invoke",
    "POST /api/flo/{alias}/invoke",
    "GET /api/flo/{alias}/openapi.json",
    "GET /api/flo-events/{alias}",
    "POST /api/flo-events/{alias}",
    "GET /healthz",
    "GET /readyz",
    "GET /api/status",
    "POST /api/v1/auth/universal-auth/login",
    "POST /api/v1/auth/oidc-auth/login",
    "POST /api/v1/auth/jwt-auth/login",
    "POST /api/v1/auth/login",
    "POST /api/v1/auth/token/renew",
    "POST /api/v1/auth/token/revoke",
    "POST /api/v1/connections/authorize/complete",
    "POST /api/v1/leaks/github",
    "GET /api/v1/oauth/begin",
    "POST /api/v1/oauth/begin",
    "GET /api/v1/oauth/callback",
    "GET /api/v1/oauth/reauthorize",
}
COUNTED = {
    "POST /api/v1/auth/universal-auth/login",
    "POST /api/v1/auth/login",
    "POST /api/v1/auth/password",
    "POST /api/v1/people",
    "PUT /api/v1/people/{identity_id}/password",
    "POST /api/v1/events/subscribe/project-events",
    "GET /api/v1/flow-runs/stream",
    "POST /api/v1/leaks",
}
ASKING = {
    "POST /api/v1/client-registrations",
    "PATCH /api/v1/client-registrations/{registration_id}",
    "POST /api/v1/client-registrations/{registration_id}/prove",
    "POST /api/v1/connections",
    "POST /api/v1/connections/authorize/complete",
    "POST /api/v1/connections/token",
    "POST /api/v1/connections/{connection_id}/authorize",
    "POST /api/v1/connections/{connection_id}/authorize/link",
    "POST /api/v1/connections/{connection_id}/device",
    "POST /api/v1/connections/{connection_id}/device/{request_id}",
    "POST /api/v1/connections/{connection_id}/token",
}


@pytest.fixture
async def told(house: House) -> Any:  # noqa: ANN401  JSON
    """Give the description."""
    return description(house.world)


def operations(told: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401
    """List what can be asked, by method and path."""
    for path, each in told["paths"].items():
        yield from ((f"{method.upper()} {path}", operation) for method, operation in each.items())


async def test_every_route_but_the_public_ones_wants_a_bearer_token(told: Any) -> None:  # noqa: ANN401
    """Who reads the description learns what needs a token, and of which sort it is."""
    assert {route for route, each in operations(told) if "security" not in each} == PUBLIC
    assert told["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"


async def test_each_route_tells_its_own_errors(told: Any) -> None:  # noqa: ANN401
    """No wildcard stands for what may go wrong, and what a route takes says what may."""
    for route, each in operations(told):
        statuses = set(each["responses"])
        assert not statuses & {"4XX", "5XX", "default"}, route
        assert {"500", "503"} <= statuses, route
        if "security" in each:
            assert {"401", "403"} <= statuses, route
        if "requestBody" in each:
            assert {"400", "413", "422"} <= statuses, route
        if "{" in route and "security" in each:
            assert {"404", "422"} <= statuses, route


@pytest.mark.parametrize("body", [b"{", b"[]", b"x" * 2**20 + b"x"], ids=["broken", "list", "big"])
async def test_who_has_no_token_learns_nothing_of_a_body(
    house: House,
    told: Any,  # noqa: ANN401
    body: bytes,
) -> None:
    """Every route that wants a token wants it before it reads a body, whatever that is like."""
    house.http.headers.pop("authorization")
    headers = {"content-type": "application/json"}
    guarded = [route for route, each in operations(told) if {"security", "requestBody"} <= {*each}]
    assert len(guarded) > 50
    for route in guarded:
        answer = await house.http.request(*route.split(), content=body, headers=headers)
        assert problem(answer) == (401, "UnauthorizedError"), route


async def test_half_a_character_is_no_text_anywhere(house: House, told: Any) -> None:  # noqa: ANN401
    """Every route that reads JSON refuses what JSON can write and no text can hold."""
    headers = {"content-type": "application/json"}
    for route in (route for route, each in operations(told) if "requestBody" in each):
        body = rb'{"name": "\ud800"}'
        answer = await house.http.request(*route.split(), content=body, headers=headers)
        assert problem(answer)[0] == 422, route


async def test_who_is_held_back_is_told_so(told: Any) -> None:  # noqa: ANN401
    """Routes that count attempts tell 429, and every error by which one waits tells how long."""
    assert {route for route, each in operations(told) if "429" in each["responses"]} >= COUNTED
    for name in ("TooManyRequests", "ServiceUnavailable"):
        header = told["components"]["responses"][name]["headers"]["Retry-After"]
        assert header["required"] is True


async def test_what_is_not_ready_may_tell_when_it_will_be(told: Any) -> None:  # noqa: ANN401
    """Routes that ask authorization servers tell 424 and 502; waiting is not always of use."""
    both = {route for route, each in operations(told) if {"424", "502"} <= {*each["responses"]}}
    assert both >= ASKING
    header = told["components"]["responses"]["FailedDependency"]["headers"]["Retry-After"]
    assert header["required"] is False


async def test_pages_are_described_as_pages(told: Any) -> None:  # noqa: ANN401
    """Where browsers are sent, what goes wrong is told to people as well."""
    for route, method in (("/api/v1/oauth/begin", "post"), ("/api/v1/oauth/callback", "get")):
        answers = told["paths"][route][method]["responses"]
        pages = {status for status, one in answers.items() if "text/html" in one.get("content", {})}
        assert pages >= {"400", "424", "502"}, route


async def test_every_answer_has_a_shape(told: Any) -> None:  # noqa: ANN401
    """Each good answer says its type and schema, but for one that has no body."""
    for route, each in operations(told):
        for status, answer in each["responses"].items():
            content = answer.get("content", {})
            assert "$ref" in answer or status in {"204", "303", "304"} or content, (route, status)
            assert all(one["schema"] for one in content.values()), (route, status)
    shapes = {
        one["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        for one in told["components"]["responses"].values()
    }
    assert shapes == {"Problem", "PermissionProblem"}
    assert shapes <= set(told["components"]["schemas"])


async def test_conditional_reads_are_described(told: Any) -> None:  # noqa: ANN401
    """Reads of secrets tell the tag that they come with, and that there may be nothing new."""
    reads = [each for route, each in operations(told) if route.startswith("GET /api/v4/secrets")]
    assert len(reads) == 3
    for each in reads:
        assert each["responses"]["304"]["headers"]["ETag"]["required"] is True


async def test_others_are_served_while_the_description_is_made() -> None:
    """It is made once, for however many ask meanwhile."""
    answered, made = Event(), list[bool]()

    def make() -> bytes:
        made.append(answered.wait(60))
        return b"{}"

    document = Document(make)
    asking = [asyncio.create_task(document.read()) for _ in range(2)]
    await asyncio.sleep(0)
    answered.set()
    assert await asyncio.gather(*asking) == [b"{}", b"{}"]
    assert made == [True]


async def test_the_description_is_read_by_anybody(house: House) -> None:
    """The same text each time."""
    del house.http.headers["authorization"]
    first, again = [await house.http.get("/openapi.json") for _ in range(2)]
    assert first.json()["openapi"].startswith("3.1")
    assert first.content == again.content
