"""What it costs to judge 10,000 apps, alone and with all that a report is made of.

Nothing is asked of any org: the apps are records in a SQLite file on this machine's disk. `--json`
prints JSON.
"""

import asyncio
import json
import logging
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import structlog

from keyturn.adapters.crypto import Keyring
from keyturn.adapters.okta import OktaHttpOrgs
from keyturn.adapters.storage import SqliteStore
from keyturn.domain.access import ADMIN, Caller, Holding
from keyturn.domain.compliance_reports import ComplianceReport, ReportEvidence
from keyturn.domain.connection import ApiToken
from keyturn.domain.identity import Identity
from keyturn.domain.ids import AppId, ClientId, ConnectionId, CredentialId, SecretHash
from keyturn.domain.inventory import Inventory, ListedApp, ListedSecret, Stage
from keyturn.domain.judging import judge
from keyturn.domain.okta import Status
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Policy
from keyturn.sandbox import Org, build_app
from keyturn.services.compliance_policies import PolicyFields, create_policy
from keyturn.services.compliance_reports import report_due
from keyturn.services.compliance_sights import look
from keyturn.services.connections import OktaConnectionDraft, create_okta_connection
from keyturn.services.installation import install
from keyturn.services.ports import Limits, World
from keyturn.services.records import must
from keyturn.testing import ManualClock, SeededChance

URL = "https://sandbox.okta.test"
START = datetime(2026, 1, 1, tzinfo=UTC)
APPS = 10_000
POLICIES = 10
"""As many policies are asked of every app, one of them of the half whose label begins so."""


@dataclass(frozen=True)
class Cost:
    """Seconds of CPU, bytes of evidence as stored, and what was found."""

    judge_cpu_s: float
    look_cpu_s: float
    report_cpu_s: float
    evidence_bytes: int
    breaches: int


async def measure(apps: int = APPS) -> Cost:
    """Judge so many apps, and make a report of them."""
    with tempfile.TemporaryDirectory() as folder:
        return await _measure(apps, Path(folder))


async def _measure(apps: int, folder: Path) -> Cost:
    clock, chance = ManualClock(START), SeededChance(1)
    org = Org(1, clock.now)
    okta = OktaHttpOrgs(clock, chance, transport=lambda: httpx2.ASGITransport(build_app(org)))
    vault = Keyring(bytes(32), chance.random_bytes)
    store = await SqliteStore.open(folder / "keyturn.db")
    world = World(store, clock, chance, vault, okta, Limits(Policy(overlap_s=300, soak_s=300)))
    try:
        caller = await _furnish(world, org, apps)
        return await _judged(world, caller)
    finally:
        await okta.aclose()
        await store.aclose()


async def _furnish(world: World, org: Org, apps: int) -> Caller:
    await install(world)
    async with world.store.reading() as tx:
        identity = await must(tx.find(Identity, name="administrator"))
    caller = Caller(identity.id, identity.name, identity.organization_id, (Holding(ADMIN),))
    token = ApiToken(Sensitive(org.seeded.api_token))
    draft = OktaConnectionDraft("okta", None, None, URL, token)
    connection = await create_okta_connection(world, caller, draft)
    for number in range(POLICIES - 1):
        days = 30 * (number + 1)
        limits = PolicyFields(name=f"p{number}", max_age_days=days, unused_days=400)
        await create_policy(world, caller, limits)
    await create_policy(
        world, caller, {"name": "half", "selector": "label=app-0*", "managed": True}
    )
    async with world.store.writing() as writing:
        await writing.add(*_records(connection.id, apps))
    return caller


def _records(
    connection_id: ConnectionId, apps: int
) -> Iterator[Inventory | ListedApp | ListedSecret]:
    seen = {"completed_at": START, "log_read_at": START, "uses_since": START, "uses_until": START}
    yield Inventory(connection_id, Stage.FRESH, START, **seen)  # type: ignore[arg-type]
    for number in range(apps):
        app_id, made_at = AppId(f"0oa{number:017}"), START - timedelta(days=number % 60)
        yield ListedApp(
            connection_id,
            app_id,
            ClientId(app_id),
            f"app-{number:05}",
            Status.ACTIVE,
            "client_secret_basic",
            "web",
            ("authorization_code",),
            made_at,
            START,
            read_at=START,
        )
        secret_id, hashed = CredentialId(f"ocs{number:017}"), SecretHash(f"{number:022}")
        yield ListedSecret(
            connection_id, app_id, secret_id, hashed, Status.ACTIVE, made_at, length=64
        )


async def _judged(world: World, caller: Caller) -> Cost:
    began = time.process_time()
    async with world.store.reading() as tx:
        sight = await look(tx, world, caller.organization_id)
    looked = time.process_time()
    verdict = judge(sight.policies, sight.exceptions, sight.apps, sight.orgs, world.clock.now())
    judged = time.process_time()
    await report_due(world)
    reported = time.process_time()
    async with world.store.reading() as tx:
        [report] = await tx.list(ComplianceReport)
        evidence = await must(tx.find(ReportEvidence, report_id=report.id))
    size = len(evidence.packed)
    return Cost(judged - looked, looked - began, reported - judged, size, len(verdict.breaches))


def main() -> None:
    """Measure, and print it."""
    logging.disable()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    cost = asyncio.run(measure())
    if "--json" in sys.argv[1:]:
        print(json.dumps(asdict(cost), indent=2))
        return
    lines = (
        f"{APPS} apps, {POLICIES} policies, {cost.breaches} breaches",
        f"  judged in             {cost.judge_cpu_s:6.2f} s of CPU",
        f"  read from the store   {cost.look_cpu_s:6.2f} s of CPU",
        f"  a whole report        {cost.report_cpu_s:6.2f} s of CPU",
        f"  its evidence          {cost.evidence_bytes / 1000:6.0f} kB",
    )
    print("\n".join(lines))


if __name__ == "__main__":
    main()
