"""What every request has in common: its id, its log line, and how it fails."""

import json
from dataclasses import replace

import httpx2
import pytest
from api_kit import CONNECTIONS, NO_ID, ROTATIONS, SECRETS, House, issues, problem
from starlette.types import Message
from structlog.testing import capture_logs

from keyturn.api.app import build_api
from keyturn.domain.errors import DatabaseAway
from keyturn.domain.identity import Membership
from keyturn.services.ports import Footing, World
from keyturn.testing import MemoryStore

CANARY = "canary-4f1d"


class BrokenStore(MemoryStore):
    """A store that fails with a secret in the text of its error."""

    def reading(self) -> object:
        """Fail."""
        raise RuntimeError(f"disk full while holding {CANARY}")


class AwayStore(MemoryStore):
    """A store whose database is away."""

    def reading(self) -> object:
        """Fail."""
        raise DatabaseAway


async def demote(world: World) -> None:
    """Leave every identity nothing but reading."""
    async with world.store.writing() as tx:
        for membership in await tx.list(Membership):
            await tx.replace(replace(membership, role="viewer"))


async def test_unknown_route_and_wrong_method_have_the_same_shape(house: House) -> None:
    """Even where there is no route the error is one of ours."""
    assert problem(await house.http.get("/nowhere")) == (404, "NotFound")
    wrong = await house.http.put("/healthz")
    assert problem(wrong) == (405, "MethodNotAllowed")
    assert wrong.headers["allow"] == "GET"


async def test_refused_permission_is_403_with_details(house: House) -> None:
    """Who may not is told so, in the shape of a permission problem."""
    await demote(house.world)
    answer = await house.http.post(CONNECTIONS, json=house.connection())
    assert problem(answer) == (403, "PermissionDenied")
    assert answer.json()["details"] == []


HALF = rb'{"name": "x", "description": "\ud800"}'
"""Half of a character."""


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'"text"', b"null", HALF])
async def test_body_that_is_no_object_is_422(house: House, content: bytes) -> None:
    """A body that is missing, broken or of another kind is refused as a whole."""
    headers = {"content-type": "application/json"}
    assert issues(await house.http.post(CONNECTIONS, content=content, headers=headers)) == [""]


async def test_body_that_is_too_large_is_refused(house: House) -> None:
    """A body of more than a megabyte is not read."""
    body = house.place | {"secretValue": "x" * 1024 * 1024}
    answer = await house.http.post(f"{SECRETS}/KEY", json=body)
    assert problem(answer)[0] == 413
    assert "bytes" in answer.json()["message"]


async def test_unexpected_error_tells_only_its_request_id(house: House) -> None:
    """An error that nobody foresaw is answered and logged without its text."""
    world = replace(house.world, store=BrokenStore())
    transport = httpx2.ASGITransport(build_api(world, version="0"))
    with capture_logs() as lines:
        async with httpx2.AsyncClient(transport=transport, base_url="https://k.test") as http:
            answer = await http.get(SECRETS, headers={"authorization": f"Bearer {CANARY}"})
    assert problem(answer) == (500, "InternalServerError")
    assert answer.headers["x-request-id"] in answer.json()["message"]
    assert [line["event"] for line in lines] == ["unexpected", "request"]
    assert lines[0]["error"] == "builtins.RuntimeError"
    assert "test_api_problems.py" in lines[0]["where"][-1]
    assert CANARY not in answer.text + str(lines)


async def test_each_request_logs_one_line_without_what_it_carries(house: House) -> None:
    """The log has method, route, status and caller; no path, query, header or body."""
    body = house.place | {"secretValue": CANARY}
    with capture_logs() as lines:
        made = await house.http.post(f"{SECRETS}/{CANARY}", json=body)
        await house.http.get(f"{SECRETS}/{CANARY}", params=house.place | {"x": CANARY})
        await house.http.get(f"/{CANARY}", headers={"x": CANARY})
        await house.http.get(f"{ROTATIONS}/{NO_ID}/turns")
    assert [(line["method"], line["route"], line["status"]) for line in lines] == [
        ("POST", SECRETS + "/{secret_name}", 200),
        ("GET", SECRETS + "/{secret_name}", 200),
        ("GET", None, 404),
        ("GET", ROTATIONS + "/{rotation_id}/turns", 404),
    ]
    assert lines[0]["req_id"] == made.headers["x-request-id"]
    assert lines[0]["caller"]
    assert CANARY not in str(lines)


async def test_health_status_and_description_need_no_token(house: House) -> None:
    """Whether it runs, which version it is and what it offers is told to everybody."""
    nobody = {"authorization": ""}
    health = await house.http.get("/healthz", headers=nobody)
    assert health.json() == {"status": "ok"}
    status = await house.http.get("/api/status", headers=nobody)
    assert status.json() == {"date": "2026-03-01T12:00:00.000Z", "message": "Ok", "version": "0"}
    paths = (await house.http.get("/openapi.json", headers=nobody)).json()["paths"]
    assert "/api/v2/secret-rotations/okta-client-secret" in paths
    for page in ("/docs", "/redoc"):
        assert (await house.http.get(page)).status_code == 404


async def test_project_is_read_by_id_and_by_slug(house: House) -> None:
    """A project shows its environments, under either of its names."""
    by_slug = await house.http.get("/api/v1/projects/example")
    by_id = await house.http.get(f"/api/v1/projects/{house.installed.project.id}")
    assert by_slug.json() == by_id.json()
    stages = by_slug.json()["project"]["environments"]
    assert [stage["slug"] for stage in stages] == ["dev", "staging", "prod"]


@pytest.mark.parametrize("end", ["/", "//"])
async def test_slash_at_the_end_is_not_redirected(house: House, end: str) -> None:
    """A redirect would be followed without the token by some clients: the answer is the same."""
    for path in ("/healthz", "/api/v1/projects/example", "/api/v1/workspace"):
        assert (await house.http.get(path + end)).status_code == 200
    assert problem(await house.http.get("/nothing" + end)) == (404, "NotFound")


async def test_json_without_a_content_type_is_read(house: House) -> None:
    """A body that does not say what it is, is taken for JSON."""
    content = json.dumps(house.place | {"secretValue": "x"}).encode()
    answer = await house.http.post(f"{SECRETS}/KEY", content=content)
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/api/v1/auth/universal-auth/login", f"{SECRETS}/KEY"])
async def test_a_caller_who_hangs_up_is_no_fault_of_ours(house: House, path: str) -> None:
    """A body that ends half-way with its connection is logged as a request and nothing else."""
    messages: list[Message] = [
        {"type": "http.request", "body": b'{"clientId":', "more_body": True},
        {"type": "http.disconnect"},
    ]
    bearer = f"Bearer {house.installed.admin_token.reveal()}".encode()
    headers = [(b"authorization", bearer), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": path, "query_string": b""}
    scope |= {"headers": headers, "server": ("k.test", 80), "root_path": ""}

    async def receive() -> Message:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        return None

    with capture_logs() as lines:
        await build_api(house.world, version="0")(scope, receive, send)
    assert [line["event"] for line in lines] == ["request"]


async def test_process_whose_clock_is_off_is_503_for_what_goes_by_the_time(house: House) -> None:
    """Who asks is told why, and to ask another; whoever only reads is served."""
    house.world.vitals.footing = Footing.CLOCK_OFF
    answer = await house.http.post(
        "/api/v1/emergencies/plan", json={"reason": "leaked", "all": True}
    )
    assert problem(answer) == (503, "ServiceUnavailable")
    assert answer.headers["retry-after"] == "5"
    assert "set them, by NTP" in answer.json()["message"]
    assert (await house.http.get(CONNECTIONS)).status_code == 200


async def test_database_that_is_away_is_503(house: House) -> None:
    """Who asks is told that it is not their fault, and that another time may do."""
    transport = httpx2.ASGITransport(
        build_api(replace(house.world, store=AwayStore()), version="0")
    )
    headers = {"authorization": house.http.headers["authorization"]}
    async with httpx2.AsyncClient(
        transport=transport, base_url="https://k.example", headers=headers
    ) as http:
        answer = await http.get(CONNECTIONS)
    assert problem(answer) == (503, "ServiceUnavailable")
    assert answer.headers["retry-after"] == "5"
    assert "database" in answer.json()["message"]
