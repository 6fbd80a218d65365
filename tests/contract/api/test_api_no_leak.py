"""Whatever a confined caller asks, in whatever order, no value from elsewhere comes out."""

from random import Random

import httpx2
import pytest
from api_kit import NO_ID, SECRETS, Body, House
from surface_kit import FOLDERS, IMPORTS, V4, log_in_as, make_folder, make_import, make_role, put

from keyturn.domain.access import Verb

pytestmark = pytest.mark.slow

CANARY = "canary-of-others"
STEPS = 60
ELSEWHERE = (("dev", "/"), ("dev", "/theirs"), ("prod", "/mine"))
ENVIRONMENTS = ("dev", "prod", "none")
PATHS = ("/mine", "/mine/sub", "/theirs", "/", "/none")
NAMES = ("KEY", "OWN", "URL", "mine", "sub", "theirs", "batch")
VALUES = (
    "mine",
    "${KEY}",
    "${OWN}",
    "${dev.KEY}",
    "${dev.theirs.KEY}",
    "${prod.mine.KEY} ${dev.mine.sub.OWN}",
)
FLAGS = ("true", "false")
METHODS = ("GET", "GET", "POST", "PATCH", "DELETE")


async def stock(house: House) -> list[str]:
    """Store what the caller may not read, led to from where they may; return every id."""
    for path in ("/mine/sub", "/theirs"):
        await make_folder(house, path)
    folders = [await make_folder(house, path) for path in ("/mine", "/mine/sub", "/theirs")]
    folders.append(await make_folder(house, "/mine", "prod"))
    secrets = [await put(house, "KEY", CANARY, path, env) for env, path in ELSEWHERE]
    secrets.append(await put(house, "URL", VALUES[-1], "/mine"))
    imports = [await make_import(house, path, "/mine", env) for env, path in ELSEWHERE]
    return [str(each["id"]) for each in (*folders, *secrets, *imports)] + [NO_ID]


def paths_of(chance: Random, ids: list[str]) -> str:
    """Choose a route and what it is about."""
    one = chance.choice((*NAMES, *ids))
    routes = (
        SECRETS,
        V4,
        f"{SECRETS}/{one}",
        f"{V4}/{one}",
        f"{V4}/id/{one}",
        f"{V4}/batch",
        f"/api/v1/secret/{one}/secret-versions",
        FOLDERS,
        f"{FOLDERS}/{one}",
        IMPORTS,
        f"{IMPORTS}/{one}",
        "/api/v1/projects/example/environments",
        "/api/v1/workspace",
    )
    return chance.choice(routes)


def fields_of(chance: Random) -> Body:
    """Choose what a request carries; each route takes what it knows of it."""
    pick = chance.choice
    written: Body = {"secretKey": pick(NAMES), "secretValue": pick(VALUES)}
    return {
        "environment": pick(ENVIRONMENTS[:1] * 4 + ENVIRONMENTS),
        "secretPath": pick(PATHS[:2] * 4 + PATHS),
        "path": pick(PATHS),
        "name": pick(NAMES),
        "newPath": pick(PATHS),
        "secretValue": pick(VALUES),
        "newSecretName": pick(NAMES),
        "secrets": [written],
        "mode": "upsert",
        "import": {"environment": pick(ENVIRONMENTS), "path": pick(PATHS)},
    }


async def step(caller: House, chance: Random, ids: list[str]) -> httpx2.Response:
    """Ask something."""
    method, path = chance.choice(METHODS), paths_of(chance, ids)
    fields = caller.place | fields_of(chance)
    if method != "GET":
        return await caller.http.request(method, path, json=fields)
    flags = ("recursive", "includeImports", "expandSecretReferences", "viewSecretValue")
    asked = {flag: chance.choice(FLAGS) for flag in flags if chance.random() < 0.5}
    query = {key: value for key, value in fields.items() if isinstance(value, str)}
    return await caller.http.get(path, params=query | asked)


@pytest.mark.parametrize("seed", range(20))
async def test_no_sequence_of_requests_brings_out_what_is_elsewhere(
    house: House, seed: int
) -> None:
    """By name, id, import, reference, rename, move or batch: neither a value nor a fault of ours.

    The caller may do everything in one folder of one environment, and nothing outside of it.
    """
    chance, ids = Random(seed), await stock(house)
    role = await make_role(house, *Verb, environments=("dev",), paths=("/mine", "/mine/**"))
    caller = await log_in_as(house, role)
    statuses = set()
    for _ in range(STEPS):
        answer = await step(caller, chance, ids)
        statuses.add(answer.status_code)
        assert CANARY not in answer.text
        assert answer.status_code < 500, answer.text
    assert statuses >= {200, 403}
    for env, path in ELSEWHERE:
        where = house.place | {"environment": env, "secretPath": path}
        kept = await house.http.get(f"{V4}/KEY", params=where)
        assert kept.json()["secret"]["secretValue"] == CANARY
