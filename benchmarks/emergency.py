"""How long an emergency takes: apps of an org of the workforce profile closed, by a turned clock.

``python benchmarks/emergency.py [APPS]``: once as it is, once with the process dead half-way, once
with a consumer of each app that is left three minutes and reads again after nearly as long.
The bound is two calls for each app at the 50 calls a minute that Okta allows one principal. What
misses its target is named, and the command exits with 1.
"""

import asyncio
import json
import logging
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta

import httpx2
import structlog
from turns import House, housed, on_disk

from keyturn.adapters.okta import OktaHttpOrgs
from keyturn.domain.ids import AppId
from keyturn.domain.okta import secret_hash
from keyturn.domain.rollout import Member, Rollout
from keyturn.domain.turn import Policy, Turn
from keyturn.sandbox import build_app
from keyturn.services.emergencies import begin_emergency
from keyturn.services.emergencies_under_way import carry_emergencies
from keyturn.services.emergency_plans import EmergencyDraft, plan_emergency
from keyturn.services.journey import advance
from keyturn.services.ports import Store, World
from keyturn.services.projects import Where
from keyturn.services.secrets import read_secret
from keyturn.testing import SeededChance

PLACE = Where("example", "dev")
PER_MINUTE = 50
CALL_S = 0.05
AT_ONCE = 10
OVER_BOUND_MAX = 1.1
FARTHEST = AT_ONCE
"""As many turns go side by side: any of them may be closed first."""
LEFT_S = 180
READS_EVERY = timedelta(seconds=LEFT_S - 10)


@dataclass(frozen=True)
class Closed:
    """How many apps were closed in how long, and how long their calls take at the limit.

    ``farthest`` is how many places an app was closed from its own; ``refused_429`` and the order
    are by the org's own journal. ``refused_consumers`` held a secret that Okta no longer accepted.
    """

    apps: int
    took_s: float
    bound_s: float
    over_bound: float
    calls: int
    farthest: int
    refused_429: int
    died_after: int
    left_s: int
    refused_consumers: int


@dataclass
class Consumers:
    """Who reads each app's client secret, and what they hold; none where nobody is left time."""

    house: House
    held: dict[str, tuple[str, str]] = field(default_factory=dict)
    refused: int = 0
    reads_at: datetime | None = None

    async def read(self) -> None:
        """Read every secret again, ten seconds before it is too late."""
        now = self.house.clock.now()
        if self.reads_at and now >= self.reads_at:
            self.reads_at = now + READS_EVERY
            for app_id, (name, _) in self.held.items():
                read = await read_secret(self.house.world, self.house.admin, PLACE, name)
                self.held[app_id] = name, secret_hash(read.value)

    def use(self, app_ids: Iterable[str]) -> None:
        """Count who holds what Okta does not accept, of apps of which something was just ended."""
        org = self.house.org
        for app_id in self.held.keys() & {*app_ids}:
            secrets = org.read_app(app_id).secrets
            working = {secret.hash for secret in secrets if secret.accepts(org.now())}
            self.refused += self.held[app_id][1] not in working


async def closing(store: Store, apps: int, *, dies_after: int = 0, left_s: int = 0) -> Closed:
    """Close so many apps; after so many the process dies, and another goes on.

    Where consumers are left time, there is one for each app.
    """
    async with housed(store, policy=Policy(overlap_s=300, soak_s=3600)) as house:
        consumers = Consumers(house)
        for number in range(apps):
            made = await house.rotation(number)
            if left_s:
                consumers.held[made.app_id] = made.mapping.client_secret, ""
        house.org.change_settings(profile="workforce")
        house.clock.advance(600)
        first, began = house.org.journal.last, house.clock.now()
        consumers.reads_at = began if left_s else None
        await consumers.read()
        draft = EmergencyDraft("leaked", every=True, within_s=left_s)
        plan = await plan_emergency(house.world, house.admin, draft)
        await begin_emergency(house.world, house.admin, draft, plan.plan_hash)
        world = house.world
        if dies_after:
            await _carry(house, world, consumers, first, until=dies_after)
            world = replace(world, okta=_fresh(house))
        ended = await _carry(house, world, consumers, first)
        closed = await _told(house, first, (ended - began).total_seconds(), dies_after)
        return replace(closed, left_s=left_s, refused_consumers=consumers.refused)


def _fresh(house: House) -> OktaHttpOrgs:
    """Return a way to Okta that knows nothing of what was called before."""
    app = build_app(house.org)
    chance = SeededChance(2)
    return OktaHttpOrgs(house.clock, chance, transport=lambda: httpx2.ASGITransport(app))


async def _carry(
    house: House, world: World, consumers: Consumers, first: int, *, until: int = 0
) -> datetime:
    """Do what the workers do to the end, or until so many are closed; return when all are."""
    while True:
        seen = house.org.journal.last
        await carry_emergencies(world)
        await _advance(house, world)
        consumers.use(_deactivated(house, seen))
        await consumers.read()
        async with world.store.reading() as tx:
            (emergency,) = await tx.list(Rollout)
            waking = [each.wake_at for each in await tx.list(Turn, ended_at=None)]
        if emergency.ended_at and emergency.tidied_at:
            return emergency.tidied_at
        if until and len(_deactivated(house, first)) >= until:
            return house.clock.now()
        soon = min(at for at in (*waking, emergency.due_at, consumers.reads_at) if at)
        house.clock.advance(max(0.01, (soon - house.clock.now()).total_seconds()))


async def _advance(house: House, world: World) -> None:
    clock = house.clock
    while True:
        async with world.store.writing() as tx:
            due = await tx.claim_due(
                clock.now(), owner="bench", lease=world.limits.lease, limit=AT_ONCE
            )
        if not due:
            return
        before, since_s = house.org.journal.last, clock.uptime_s()
        await asyncio.gather(*(advance(world, turn, held_since_s=since_s) for turn in due))
        clock.advance(CALL_S * (house.org.journal.last - before) / len(due))


def _deactivated(house: House, first: int) -> list[str]:
    return [
        str(entry["path"]).split("/")[4]
        for entry in house.org.journal.list(first)
        if str(entry["route"]).endswith("/deactivate") and entry["status"] == 200
    ]


def _closes(entry: Mapping[str, object]) -> bool:
    """Say whether a call counts until the closing; deletions come after that."""
    return str(entry["route"]).startswith("/api/v1/apps") and entry["method"] != "DELETE"


async def _told(house: House, first: int, took_s: float, died_after: int) -> Closed:
    async with house.world.store.reading() as tx:
        places = {each.app_id: each.number for each in await tx.list(Member)}
    found = _deactivated(house, first)
    calls = house.org.journal.list(first)
    bound_s = 2 * len(places) / PER_MINUTE * 60
    return Closed(
        apps=len({*found}),
        took_s=round(took_s, 1),
        bound_s=bound_s,
        over_bound=round(took_s / bound_s, 3),
        calls=sum(_closes(entry) for entry in calls),
        farthest=max(abs(places[AppId(app)] - n) for n, app in enumerate(found, 1)),
        refused_429=sum(entry["status"] == 429 for entry in calls),
        died_after=died_after,
        left_s=0,
        refused_consumers=0,
    )


def misses(told: Closed) -> Iterator[str]:
    """Name the targets that were missed.

    The time that consumers are left comes on top, and an app is closed once its consumer has come,
    whatever its place.
    """
    if told.took_s - told.left_s > OVER_BOUND_MAX * told.bound_s:
        yield f"closed in {told.over_bound} x the bound"
    if told.calls != 2 * told.apps:
        yield f"{told.calls} calls for {told.apps} apps"
    if told.refused_429 or told.refused_consumers:
        yield f"{told.refused_429} x 429, {told.refused_consumers} consumers refused"
    if told.farthest > FARTHEST and not told.left_s:
        yield f"{told.farthest} places out of order"


async def main(apps: int) -> None:
    """Measure, print JSON, and say what was missed."""
    missed = list[str]()
    for dies_after, left_s in ((0, 0), (apps // 2, 0), (0, LEFT_S)):
        async with on_disk() as store:
            told = await closing(store, apps, dies_after=dies_after, left_s=left_s)
            print(json.dumps(asdict(told), indent=2), flush=True)
            missed += misses(told)
    if missed:
        sys.exit("\n".join(missed))


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000))
