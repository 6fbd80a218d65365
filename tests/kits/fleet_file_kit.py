"""Fleet files that are planned and applied at a rig."""

import base64
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from inventory_kit import populate, read_whole
from rig import ORG_URL, Rig

from keyturn.domain.sensitive import Sensitive
from keyturn.services.fleet_files import (
    Application,
    Applied,
    FleetOrder,
    FleetPlan,
    apply_fleet,
    plan_fleet,
)
from keyturn.services.ports import Store, Writing

WHOLE = f"""
version: 1
projects:
  - slug: shop
    name: Shop
    environments:
      - {{slug: prod, name: Live, folders: [/okta/pay]}}
      - {{slug: test}}
connections:
  - {{name: okta, instanceUrl: "{ORG_URL}", method: api-token, credential: kept}}
  - {{name: second, instanceUrl: "{ORG_URL}/", method: api-token, credential: "env:TOKEN"}}
defaults:
  connection: second
  mapping: {{clientId: "{{NAME}}_ID", clientSecret: "{{NAME}}_SECRET"}}
  schedule: {{every: 12h, windows: "Mo-Fr 09:00-17:00"}}
rotations:
  - {{name: web, project: shop, environment: prod, path: /okta/pay, app: APP}}
  - name: "{{label-slug}}"
    project: example
    environment: dev
    connection: okta
    select: label=app-*
    policy: {{overlap: evidence, overlapSeconds: 900}}
destinations:
  - name: file
    project: example
    environment: dev
    kind: file
    settings: {{path: a.json}}
    secrets: [APP_00000_SECRET]
    mapping: {{APP_00000_SECRET: PAY}}
channels:
  - name: pager
    project: shop
    kind: webhook
    settings: {{url: "https://pager.test/keyturn"}}
    credential: {{secret: "env:KEY"}}
    kinds: [turn.blocked, turn.finished]
    timing: {{digest: daily, digestAt: "08:00", zone: Europe/Berlin}}
roles:
  - slug: turner
    grants: [{{verbs: [secret-rotation:read, project:read], connections: [second]}}]
  - {{slug: reader, project: shop, grants: [{{verbs: [secrets:read], paths: [/okta/**]}}]}}
identities:
  - {{name: pipeline, role: turner, projects: {{shop: [developer, reader]}}}}
compliancePolicies:
  - {{name: all, maxAgeDays: 90, selector: "label=*", description: "Ninety days"}}
policyExceptions:
  - {{selector: label=app-*, policy: all, reason: Moves in May, expiresAt: 2026-06-01}}
"""
ROTATION = """
version: 1
rotations:
  - name: web
    project: example
    environment: dev
    connection: okta
    app: 0oa1
    mapping: {clientId: A, clientSecret: B}
"""
SELECTED = """
version: 1
rotations:
  - name: "{label-slug}"
    project: example
    environment: dev
    connection: okta
    select: label=app-*
    mapping: {clientId: "{NAME}_ID", clientSecret: "{NAME}_SECRET"}
"""
KEY = "whsec_" + base64.b64encode(bytes(24)).decode()


def text_for(rig: Rig, text: str = WHOLE) -> str:
    """Return a fleet file about the rig's app."""
    return text.replace("APP}", f"{rig.app_id}}}")


def token(rig: Rig) -> Mapping[str, Sensitive]:
    """Return what the file's reference leads to."""
    return {"env:TOKEN": Sensitive(rig.org.seeded.api_token), "env:KEY": Sensitive(KEY)}


async def stocked(rig: Rig, apps: int = 2) -> str:
    """Have some apps in the inventory, and return a file about everything."""
    populate(rig.org, apps)
    await read_whole(rig)
    return text_for(rig)


async def plan(rig: Rig, text: str, *, prune: bool = False) -> FleetPlan:
    """Plan a file as the administrator."""
    return await plan_fleet(rig.world, rig.admin, FleetOrder(text, prune))


async def changed(rig: Rig, text: str, *, prune: bool = False) -> list[str]:
    """Return what a file would do, in words."""
    return told((await plan(rig, text, prune=prune)).changes)


def told(changes: Sequence[Any]) -> list[str]:
    """Return changes in words."""
    return [f"{each.action} {each.item.kind} {each.item.name}" for each in changes]


async def apply(rig: Rig, text: str, *, prune: bool = False, **how: Any) -> Applied:  # noqa: ANN401
    """Plan a file and apply it, as the administrator."""
    planned = await plan(rig, text, prune=prune)
    given = {"credentials": token(rig), "most": 10_000} | how
    order = FleetOrder(text, prune)
    return await apply_fleet(rig.world, rig.admin, order, Application(planned.plan_hash, **given))


class Died(BaseException):
    """The process is gone."""


class DyingStore:
    """A store whose process dies right before or right after its nth commit."""

    def __init__(self, store: Store, nth: int, moment: str) -> None:
        self._store = store
        self._left = nth
        self._moment = moment

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  whatever the store has
        return getattr(self._store, name)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Writing]:
        """Open a transaction that writes."""
        async with self._store.writing() as tx:
            yield tx
            self._left -= 1
            if self._left == 0 and self._moment == "before":
                raise Died
        if self._left == 0:
            raise Died
