"""How long the server works for a page, and what it weighs, with a thousand rotations.

Everything in one process: SQLite on this machine's disk, the pages behind the log of requests and
with their compression, and no sockets. What is timed is this process's own work. `--json` prints
JSON.
"""

import asyncio
import json
import logging
import sys
import time
from dataclasses import asdict, dataclass, replace
from statistics import median

import httpx2
import structlog
from reads import yardstick_ms
from turns import House, housed, on_disk

from keyturn.api.app import build_api
from keyturn.domain.identity import AuthMethod, TokenRules
from keyturn.domain.ids import AppId, RotationId, SecretId, TurnId
from keyturn.domain.rotation import Rotation
from keyturn.domain.secret import Secret, Version
from keyturn.domain.turn import Policy, Turn
from keyturn.services.logins import grant_token
from keyturn.services.records import must
from keyturn.services.turns import rotate
from keyturn.web.app import build_pages

ROTATIONS = 1_000
ROUNDS = 15
URL = "http://keyturn.example.com"


@dataclass(frozen=True)
class Weight:
    """What one page costs: work of the server in milliseconds, and kilobytes compressed."""

    path: str
    work_ms: float
    kilobytes: float


async def measured() -> list[Weight]:
    """Weigh the pages that show many rotations, and one of them."""
    async with on_disk() as store, housed(store, policy=Policy(overlap_s=300, soak_s=0)) as house:
        first = await house.rotation(0)
        await rotate(house.world, house.admin, first.id)
        await _multiply(house, first.id)
        async with store.writing() as tx:
            rules, method = TokenRules(), AuthMethod.PASSWORD
            session = await grant_token(tx, house.world, house.admin.id, method, rules)
        pages = build_pages(house.world, version="0")
        api = build_api(house.world, version="0", pages=pages)
        headers = {"accept-encoding": "gzip"}
        cookies = {"keyturn": session.access_token.reveal()}
        way = httpx2.ASGITransport(api)
        async with httpx2.AsyncClient(
            transport=way, base_url=URL, headers=headers, cookies=cookies
        ) as http:
            paths = ("/", "/rotations", "/rotations?start=950", f"/rotations/{first.id}")
            return [await _weighed(http, path) for path in paths]


async def _weighed(http: httpx2.AsyncClient, path: str) -> Weight:
    spans, size = [], 0
    for _ in range(ROUNDS):
        began_s = time.process_time()
        async with http.stream("GET", path) as answer:
            size = sum([len(part) async for part in answer.aiter_raw()])
        spans.append(time.process_time() - began_s)
        if answer.status_code != httpx2.codes.OK:
            raise RuntimeError(f"{path} answered {answer.status_code}")
    return Weight(path, round(median(spans) * 1000, 1), round(size / 1000, 1))


async def _multiply(house: House, rotation_id: str) -> None:
    """Copy the first rotation, with its turn and what it serves, until there are enough."""
    uuid, store = house.world.chance.uuid, house.world.store
    async with store.reading() as tx:
        first = await must(tx.find(Rotation, id=rotation_id))
        turns = await tx.list(Turn, rotation_id=first.id)
        secrets = await tx.list(Secret, rotation_id=first.id)
        versions = [one for each in secrets for one in await tx.list(Version, secret_id=each.id)]
    async with store.writing() as tx:
        for number in range(1, ROTATIONS):
            copy_id, app_id = RotationId(uuid()), AppId(f"0oa{number}")
            await tx.add(replace(first, id=copy_id, name=f"app-{number:04}", app_id=app_id))
            copies = {each.id: SecretId(uuid()) for each in secrets}
            for each in secrets:
                name, secret_id = f"{each.name}_{number}", copies[each.id]
                await tx.add(replace(each, id=secret_id, name=name, rotation_id=copy_id))
            await tx.add(
                *(replace(one, id=uuid(), secret_id=copies[one.secret_id]) for one in versions),
                *(
                    replace(one, id=TurnId(uuid()), rotation_id=copy_id, app_id=app_id)
                    for one in turns
                ),
            )


def main() -> None:
    """Print what each page costs."""
    logging.disable()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    before_ms = yardstick_ms()
    weights = asyncio.run(measured())
    work_ms = [before_ms, yardstick_ms()]
    if "--json" in sys.argv:
        print(json.dumps({"pages": [asdict(each) for each in weights], "yardstick_ms": work_ms}))
        return
    for each in weights:
        path = each.path if len(each.path) < 30 else "/rotations/ID"
        print(f"{path:24}{each.work_ms:>8.1f} ms{each.kilobytes:>8.1f} kB")
    print("the fixed work          ", ", ".join(f"{each:.0f}" for each in work_ms), "ms")


if __name__ == "__main__":
    main()
