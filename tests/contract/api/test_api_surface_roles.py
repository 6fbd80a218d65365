"""Every route of secrets, folders, imports, tags and projects under every role that there is."""

import json
from dataclasses import dataclass, field
from itertools import product

import httpx2
import pytest
from api_kit import NO_ID, SECRETS, Body, House, problem
from surface_kit import FOLDERS, IMPORTS, V4, log_in_as, make_folder, make_import, make_role, put

from keyturn.domain.access import ADMIN, AUDITOR, DEVELOPER, ROTATOR, VIEWER, Role, Verb

pytestmark = pytest.mark.slow

ROLES = (ADMIN, AUDITOR, DEVELOPER, ROTATOR, VIEWER)
EVERYBODY = frozenset(ROLES)
READERS = frozenset({ADMIN, DEVELOPER, VIEWER})
WRITERS = frozenset({ADMIN, DEVELOPER})
OWNERS = frozenset({ADMIN})
PROJECT = "/api/v1/projects/example"
BATCH = "/api/v4/secrets/batch"
ONE = [{"secretKey": "KEY", "secretValue": "x"}]
HIDDEN: Body = {"viewSecretValue": "false"}


@dataclass(frozen=True)
class Route:
    """A request, and who is permitted what it asks."""

    method: str
    path: str
    allowed: frozenset[Role]
    body: Body = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.method} {self.path}{' hidden' if self.body == HIDDEN else ''}"


ROUTES = (
    Route("GET", SECRETS, READERS),
    Route("GET", V4, READERS),
    Route("GET", V4, EVERYBODY, HIDDEN),
    Route("GET", f"{SECRETS}/KEY", READERS),
    Route("GET", f"{V4}/KEY", READERS),
    Route("GET", f"{V4}/KEY", EVERYBODY, HIDDEN),
    Route("POST", f"{SECRETS}/NEW", WRITERS, {"secretValue": "x"}),
    Route("POST", f"{V4}/NEW", WRITERS, {"secretValue": "x"}),
    Route("PATCH", f"{SECRETS}/KEY", WRITERS, {"secretValue": "x"}),
    Route("PATCH", f"{V4}/KEY", WRITERS, {"secretComment": "x"}),
    Route("DELETE", f"{SECRETS}/KEY", WRITERS),
    Route("DELETE", f"{V4}/KEY", WRITERS),
    Route("POST", BATCH, WRITERS, {"secrets": [{"secretKey": "NEW", "secretValue": "x"}]}),
    Route("PATCH", BATCH, WRITERS, {"secrets": ONE}),
    Route("PATCH", BATCH, WRITERS, {"secrets": ONE, "mode": "upsert"}),
    Route("DELETE", BATCH, WRITERS, {"secrets": ONE}),
    Route("GET", FOLDERS, EVERYBODY),
    Route("GET", f"{FOLDERS}/{{folder}}", EVERYBODY),
    Route("POST", FOLDERS, WRITERS, {"name": "new"}),
    Route("PATCH", f"{FOLDERS}/app", WRITERS, {"name": "new"}),
    Route("DELETE", f"{FOLDERS}/app", WRITERS),
    Route("GET", IMPORTS, EVERYBODY),
    Route("GET", f"{IMPORTS}/{{import}}", EVERYBODY),
    Route("POST", IMPORTS, WRITERS, {"import": {"environment": "prod", "path": "/"}}),
    Route("PATCH", f"{IMPORTS}/{{import}}", WRITERS, {"import": {"position": 1}}),
    Route("DELETE", f"{IMPORTS}/{{import}}", WRITERS),
    Route("GET", f"{PROJECT}/tags", EVERYBODY),
    Route("GET", f"{PROJECT}/tags/slug/hot", EVERYBODY),
    Route("POST", f"{PROJECT}/tags", WRITERS, {"slug": "new"}),
    Route("PATCH", f"{PROJECT}/tags/{{tag}}", OWNERS, {"slug": "new"}),
    Route("DELETE", f"{PROJECT}/tags/{{tag}}", OWNERS),
    Route("GET", PROJECT, EVERYBODY),
    Route("GET", "/api/v1/workspace", EVERYBODY),
    Route("GET", "/api/v1/workspace/example", EVERYBODY),
    Route("GET", "/api/v2/workspace/example", EVERYBODY),
    Route("POST", "/api/v2/workspace", frozenset(), {"projectName": "New"}),
    Route("POST", f"{PROJECT}/environments", OWNERS, {"name": "x", "slug": "x"}),
    Route("PATCH", f"{PROJECT}/environments/{{environment}}", OWNERS, {"name": "x"}),
    Route("DELETE", f"{PROJECT}/environments/{{environment}}", OWNERS),
)
BY_ID = (
    f"{SECRETS}/id/{{secret}}",
    f"{V4}/id/{{secret}}",
    "/api/v1/secret/{secret}/secret-versions",
)


async def stock(house: House) -> dict[str, str]:
    """Store one of everything, and return the ids."""
    tag = (await house.http.post(f"{PROJECT}/tags", json={"slug": "hot"})).json()["tag"]
    found = await house.http.get(PROJECT)
    return {
        "secret": str((await put(house, "KEY", "canary"))["id"]),
        "folder": str((await make_folder(house, "/app"))["id"]),
        "import": str((await make_import(house, "/app"))["id"]),
        "tag": tag["id"],
        "environment": found.json()["project"]["environments"][0]["id"],
    }


async def ask(caller: House, route: Route, ids: dict[str, str]) -> httpx2.Response:
    """Ask as a caller."""
    path = route.path.format(**ids)
    if route.method == "GET":
        query: dict[str, str] = json.loads(json.dumps(route.body))
        return await caller.http.get(path, params=caller.place | query)
    return await caller.http.request(route.method, path, json=caller.place | route.body)


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.slug)
@pytest.mark.parametrize("route", ROUTES, ids=str)
async def test_each_role_may_what_it_says_and_no_more(
    house: House, route: Route, role: Role
) -> None:
    """Permitted is 200, everything else 403, and a refusal carries no value."""
    ids = await stock(house)
    answer = await ask(await log_in_as(house, role), route, ids)
    if role in route.allowed:
        assert answer.status_code == 200, answer.text
        return
    assert problem(answer) == (403, "PermissionDenied")
    assert "canary" not in answer.text


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.slug)
@pytest.mark.parametrize("path", BY_ID)
async def test_each_role_reads_by_id_what_it_may(house: House, path: str, role: Role) -> None:
    """Who may not is answered as if there were no such secret."""
    ids, caller = await stock(house), await log_in_as(house, role)
    answer = await caller.http.get(path.format(**ids))
    nothing = await caller.http.get(path.format(secret=NO_ID))
    if role in READERS:
        assert (answer.status_code, nothing.status_code) == (200, 404)
        return
    assert problem(answer) == problem(nothing) == (403, "PermissionDenied")


@pytest.mark.parametrize("route", ROUTES, ids=str)
async def test_who_holds_no_role_learns_nothing(house: House, route: Route) -> None:
    """What is there and what is not are refused in the same words."""
    ids = await stock(house)
    nobody = await log_in_as(house)
    there = await ask(nobody, route, ids)
    assert problem(there) == (403, "PermissionDenied")
    elsewhere = Route(route.method, route.path.replace("example", "none"), frozenset(), route.body)
    ghost = await ask(nobody, elsewhere, dict.fromkeys(ids, NO_ID))
    assert problem(ghost) == (403, "PermissionDenied")


NAMES = ("KEY", "NONE")
PLACES = ({"secretPath": "/app"}, {"secretPath": "/none"}, {"environment": "none"})


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", [SECRETS, V4])
async def test_a_confined_caller_cannot_tell_what_is_there_from_what_is_not(
    house: House, path: str, method: str
) -> None:
    """Outside of its folder every answer is the same refusal, whatever is there."""
    await make_folder(house, "/app")
    await put(house, "KEY", "canary", "/app")
    role = await make_role(house, *Verb, paths=("/mine",), environments=("dev",))
    caller = await log_in_as(house, role)
    told = set()
    for name, where in product(NAMES, PLACES):
        query = house.place | where
        body = query | {"secretValue": "x"}
        sent = {"params": query} if method == "GET" else {"json": body}
        answer = await caller.http.request(method, f"{path}/{name}", **sent)
        told.add(problem(answer))
        assert "canary" not in answer.text
    assert told == {(403, "PermissionDenied")}
