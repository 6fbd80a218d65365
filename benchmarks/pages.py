"""How long the server works for a page, and what it weighs, with a thousand rotations.

They are of a rollout and of an emergency, and their org has more apps: `--apps` says how many (all
in all 10,000). Everything in one process: SQLite on this machine's disk, the pages behind the log
of requests and with their compression, and no sockets. What is timed is this process's own work;
the first look, at which templates are compiled, is not counted. `--json` prints JSON.
"""

import argparse
import asyncio
import json
import logging
import re
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from statistics import median

import httpx2
import structlog
from reads import yardstick_ms
from turns import House, housed, on_disk

from keyturn.api.app import build_api
from keyturn.domain.identity import AuthMethod, TokenRules
from keyturn.domain.ids import (
    AppId,
    ClientId,
    CredentialId,
    IdentityId,
    RolloutId,
    RotationId,
    SecretHash,
    SecretId,
    TurnId,
)
from keyturn.domain.inventory import Inventory, ListedApp, ListedSecret, Stage
from keyturn.domain.okta import Status
from keyturn.domain.rollout import Kind, Member, Rollout, Standing, State
from keyturn.domain.rotation import Rotation
from keyturn.domain.secret import Secret, Version
from keyturn.domain.turn import Policy, Turn
from keyturn.services.compliance_policies import PolicyFields, create_policy
from keyturn.services.compliance_reports import report_due
from keyturn.services.logins import grant_token
from keyturn.services.records import must
from keyturn.services.turns import rotate
from keyturn.web.app import build_pages

ROTATIONS = 1_000
APPS = 10_000
ROUNDS = 15
URL = "http://keyturn.example.com"
PLANS: Mapping[str, Mapping[str, str]] = {
    "/rollouts/new": {"name": "measured", "waves": "10%\nrest", "go_on_at": "finished"},
    "/emergencies/new": {"reason": "measured", "which": "all", "within": "0"},
}
"""The forms of pages that plan something for all rotations, and what is filled in."""


@dataclass(frozen=True)
class Weight:
    """What one page costs: work of the server in milliseconds, and kilobytes compressed."""

    path: str
    work_ms: float
    kilobytes: float


async def measured(apps: int) -> list[Weight]:
    """Weigh the pages that show many rotations, and many apps, and one of them."""
    async with on_disk() as store, housed(store, policy=Policy(overlap_s=300, soak_s=0)) as house:
        first = await house.rotation(0)
        await rotate(house.world, house.admin, first.id)
        await _multiply(house, first.id)
        await _list_apps(house, apps)
        await create_policy(house.world, house.admin, PolicyFields(name="all", max_age_days=90))
        await report_due(house.world)
        ids = [await _roll_out(house, kind) for kind in Kind]
        async with store.writing() as tx:
            rules, method = TokenRules(), AuthMethod.PASSWORD
            session = await grant_token(tx, house.world, house.admin.id, method, rules)
        pages = build_pages(house.world, version="0")
        api = build_api(house.world, version="0", pages=pages)
        headers = {"accept-encoding": "gzip", "origin": URL, "sec-fetch-site": "same-origin"}
        cookies = {"keyturn": session.access_token.reveal()}
        way = httpx2.ASGITransport(api)
        async with httpx2.AsyncClient(
            transport=way, base_url=URL, headers=headers, cookies=cookies
        ) as http:
            paths = (
                "/",
                "/rotations",
                "/rotations?start=950",
                f"/rotations/{first.id}",
                "/inventory",
                "/inventory?selector=label%3D*7&start=50",
                "/compliance",
                "/compliance/findings",
                "/rollouts",
                f"/rollouts/{ids[0]}",
                f"/rollouts/{ids[0]}?standing=waiting&start=50",
                "/emergencies",
                f"/emergencies/{ids[1]}",
            )
            shown = [await _weighed(http, path) for path in paths]
            return shown + [await _weighed(http, path, form) for path, form in PLANS.items()]


async def _weighed(
    http: httpx2.AsyncClient, path: str, form: Mapping[str, str] | None = None
) -> Weight:
    """Weigh a page, or what the form on it is answered with."""
    spans, size, method, data = [], 0, "POST" if form else "GET", None
    for _ in range(ROUNDS + 1):
        if form:
            page = (await http.get(path)).text
            (token, *_) = re.findall('name="form_token" value="([^"]+)"', page)
            data = {**form, "do": "plan", "form_token": token}
        began_s = time.process_time()
        async with http.stream(method, path, data=data) as answer:
            size = sum([len(part) async for part in answer.aiter_raw()])
        spans.append(time.process_time() - began_s)
        if answer.status_code != httpx2.codes.OK:
            raise RuntimeError(f"{path} answered {answer.status_code}")
    shown = f"{path}, the plan" if form else path
    return Weight(shown, round(median(spans[1:]) * 1000, 1), round(size / 1000, 1))


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


async def _list_apps(house: House, apps: int) -> None:
    """Put so many apps on record, the rotations' among them, each with a client secret."""
    now, of = house.clock.now(), house.connection.id
    async with house.world.store.writing() as tx:
        kept = [(each.app_id, each.client_id) for each in await tx.list(Rotation)]
        more = ((AppId(f"0oaX{n}"), ClientId(f"0oaX{n}")) for n in range(apps - len(kept)))
        every = [*kept, *more]
        await tx.add(
            Inventory(
                of, Stage.FRESH, now, listed=apps, completed_at=now, log_read_at=now, uses_since=now
            )
        )
        for number, (app_id, client_id) in enumerate(every):
            made = now - timedelta(days=number % 400)
            listed = ListedApp(
                of, app_id, client_id, f"Application {number}", Status.ACTIVE,
                "client_secret_basic", "web", ("authorization_code",), made, now, now,
            )  # fmt: skip
            okta_id, hashed = CredentialId(f"ocs{number}"), SecretHash(f"hash-{number}")
            await tx.add(listed, ListedSecret(of, app_id, okta_id, hashed, Status.ACTIVE, made, 64))


async def _roll_out(house: House, kind: Kind) -> RolloutId:
    """Put a rollout, or an emergency, of all rotations on record; a tenth of them is through."""
    now, new_id = house.clock.now(), RolloutId(house.world.chance.uuid())
    async with house.world.store.writing() as tx:
        rollout = Rollout(
            new_id, house.admin.organization_id, kind, kind, "measured", "", State.RUNNING,
            "0" * 64, IdentityId(house.admin.id), house.admin.name, now, waves=("10%", "rest"),
        )  # fmt: skip
        turns = {each.rotation_id: each.id for each in await tx.list(Turn)}
        members = [
            Member(
                new_id, number, 1 if number <= ROTATIONS // 10 else 2, each.id, each.app_id,
                Standing.CLOSED if number <= ROTATIONS // 10 else Standing.WAITING,
                turns[each.id] if number <= ROTATIONS // 10 else None,
                why="the next 10% of all by name", name=f"example/dev/:{each.name}",
                begun_at=now, closed_at=now if number <= ROTATIONS // 10 else None,
            )
            for number, each in enumerate(await tx.list(Rotation), 1)
        ]  # fmt: skip
        await tx.add(rollout, *members)
    return new_id


def main() -> None:
    """Print what each page costs."""
    words = argparse.ArgumentParser()
    words.add_argument("--apps", type=int, default=APPS)
    words.add_argument("--json", action="store_true")
    told = words.parse_args()
    logging.disable()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    before_ms = yardstick_ms()
    weights = asyncio.run(measured(told.apps))
    work_ms = [before_ms, yardstick_ms()]
    if told.json:
        print(json.dumps({"pages": [asdict(each) for each in weights], "yardstick_ms": work_ms}))
        return
    for each in weights:
        path = re.sub(r"[0-9a-f-]{36}", "ID", each.path)
        print(f"{path:48}{each.work_ms:>8.1f} ms{each.kilobytes:>8.1f} kB")
    print(f"{'the fixed work':48}", ", ".join(f"{each:.0f}" for each in work_ms), "ms")


if __name__ == "__main__":
    main()
