"""What goes wrong outside our processes: Okta's faults, other people, clocks, the database.

Decides by seeded chance what comes and when; what it does is the sandbox's and the stage's.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from random import Random

from keyturn.cli.simulation.fates import RandomFates
from keyturn.cli.simulation.invariants import BEHIND_S
from keyturn.cli.simulation.people import Administrator
from keyturn.cli.simulation.processes import Process
from keyturn.cli.simulation.stage import Stage
from keyturn.domain.destination import Delivery
from keyturn.domain.oauth.connection import Connection, in_doubt
from keyturn.domain.rotation import Rotation
from keyturn.sandbox import Fault
from keyturn.sandbox.errors import OktaError as SandboxRefusal
from keyturn.sandbox.faults import BY_SOMEBODY_ELSE, KINDS
from keyturn.testing import Backup

CALLS = (
    ("POST", "/oauth2/v1/introspect"),
    ("GET", "/api/v1/logs"),
    ("GET", "/api/v1/apps/{appId}"),
)
GRANTING = (
    ("POST", "/oauth2/v1/token"),
    ("POST", "/oauth2/{asId}/v1/token"),
    ("POST", "/oauth2/{asId}/v1/introspect"),
)
"""What a world with connections may be struck at besides."""
LOGGING_IN = GRANTING[:1]
"""The same of a world in which the product's own key is turned."""
READS = ("stale-read", "empty-list")
UNSTRUCK = ("duplicate-page", "looping-page")
"""Kinds that need pages: a turn reads none."""
WAITING_S = (1.0, 14.0, 16.0, 40.0)


class Weather:
    """Let things go wrong for as long as it lasts."""

    def __init__(
        self, stage: Stage, fates: RandomFates, processes: list[Process], chance: Random
    ) -> None:
        self._stage = stage
        self._fates = fates
        self._processes = processes
        self._chance = chance
        self._admin = Administrator(stage)
        self._backup: Backup | None = None
        self.counts: Counter[str] = Counter()
        self._happenings: tuple[tuple[float, Callable[[], None]], ...] = (
            (60, self._fault),
            (5, self._propagation),
            (6, self._somebody_at_the_console),
            (5, self._store_gone),
            (3, self._destinations_gone),
            (4, self._jump),
            (2, self._back_up_or_restore),
            (8, self._admin.repair_access),
            (6, self._admin.repair_apps),
            (6, self._owner_cleans_up),
        )
        if stage.own:  # nobody else is locked out by what these do
            self._happenings += ((20, self._somebody_at_our_key), (8, self._back_up_or_restore))

    async def run(self, mean_s: float) -> None:
        """Let something happen again and again."""
        weights = [weight for weight, _ in self._happenings]
        acts = [act for _, act in self._happenings]
        while True:
            await asyncio.sleep(self._chance.expovariate(1 / mean_s))
            self._chance.choices(acts, weights)[0]()

    def end(self) -> None:
        """Let no fault strike any more, and put right what people would put right."""
        stage = self._stage
        stage.org.remove_fault()
        stage.org.change_settings(propagation_s=0.0, read_only=False, reconciling=False)
        self._fates.calm_down()
        stage.destinations.away = stage.destinations.locked = False
        self._admin.repair_access()
        self._admin.repair_apps()
        for cast in stage.casts:
            self._admin.remove_foreign(cast)
        if stage.wall.ahead_s:
            self._set_clock(-stage.wall.ahead_s)

    def _fault(self) -> None:
        kind = self._chance.choice([k for k in KINDS if k not in UNSTRUCK])
        own = self._stage.own
        if kind == "app-deleted" and (own or self._chance.random() < 0.8):
            kind = "drop-after-effect"
        cast = self._chance.choice(self._stage.casts)
        grants = cast.kept.registration_id and kind != "app-deleted"  # nor is the service app
        calls, more = cast.props.calls, GRANTING if grants else LOGGING_IN if cast is own else ()
        struck = calls[:1] if kind in READS else (*calls, *CALLS, *more)
        method, route = self._chance.choice(struck)
        fault = Fault(
            kind,  # type: ignore[arg-type]  # one of the sandbox's own
            method,
            route,
            count=self._chance.choice((1, 1, 2, 4)),
            skip=self._chance.choice((0, 0, 1, 2)),
            seconds=self._seconds(kind),
            status=self._status(kind),
            when=self._chance.choice(("before", "after")) if kind in BY_SOMEBODY_ELSE else "before",
        )
        added = self._stage.org.add_fault(fault)
        self._stage.judge.note("weather", kind, method, route, fault.count, fault.skip)
        asyncio.get_running_loop().call_later(
            self._chance.uniform(3600, 40 * 3600), self._stage.org.remove_fault, added
        )

    def _seconds(self, kind: str) -> float:
        if kind in ("delay", "delay-after-effect", "slow"):
            return self._chance.choice(WAITING_S)
        if kind == "wrong-clock":
            return self._chance.choice((-3600.0, -30.0, 30.0, 3600.0))
        return self._chance.choice(BEHIND_S) if kind == "stale-read" else 0.0

    def _status(self, kind: str) -> int | None:
        if not kind.startswith("error-"):
            return None
        return self._chance.choice((None, None, 503, 403, 404))

    def _propagation(self) -> None:
        seconds = self._chance.choice((0.0, 2.0, 30.0, 1200.0))
        self._stage.org.change_settings(propagation_s=seconds)
        self._count("slow propagation", seconds)

    def _somebody_at_the_console(self) -> None:
        """Somebody changes an app, knowing nothing of us."""
        cast, org = self._chance.choice(self._stage.casts), self._stage.org
        app, props = self._stage.ledger.app(cast.app_id), cast.props
        living = app.live_secrets
        what = self._chance.choice(
            ("add", "add", "deactivate", "remove", "app off", "keys", "gone")
        )
        kept = self._chance.random() < 0.7 if what == "gone" else False
        if app.status == "DELETED" or kept or (what == "gone" and cast is self._stage.own):
            return
        self._count(f"console: {what}", cast.app_id)
        with self._stage.ledger.by_somebody_else(f"console: {what}"), suppress(SandboxRefusal):
            if what == "add":
                props.add(org, cast.app_id, self._chance)
            elif what == "app off":
                org.deactivate_app(cast.app_id)
            elif what == "keys":
                org.change_auth_method(cast.app_id, props.other_method)
            elif what == "gone":
                props.end(org, cast.app_id)
            elif living:
                chosen = self._chance.choice(living).id
                props.deactivate(org, cast.app_id, chosen)
                if what == "remove":
                    props.delete(org, cast.app_id, chosen)

    def _somebody_at_our_key(self) -> None:
        """Somebody changes the keys by which the product logs in, or turns them by hand."""
        own, org, ledger = self._stage.own, self._stage.org, self._stage.ledger
        if own is None:
            return
        what = self._chance.choice(("add", "deactivate", "remove", "replace", "replace"))
        self._count(f"our key: {what}", own.app_id)
        with ledger.by_somebody_else(f"our key: {what}"), suppress(SandboxRefusal):
            living = ledger.app(own.app_id).live_secrets
            if what in ("add", "replace"):
                own.props.add(org, own.app_id, self._chance)
            if what != "add":
                chosen = self._chance.choice(living).id
                own.props.deactivate(org, own.app_id, chosen)
                if what != "deactivate":
                    own.props.delete(org, own.app_id, chosen)

    def _store_gone(self) -> None:
        self._fates.unreachable = self._chance.choice(("locked", "gone"))
        for_s = self._chance.choice((2.0, 45.0, 900.0, 3 * 3600.0))
        self._count(f"store {self._fates.unreachable} for a while", for_s)
        asyncio.get_running_loop().call_later(for_s, self._store_back)

    def _store_back(self) -> None:
        self._fates.unreachable = ""
        self._stage.judge.ring()

    def _destinations_gone(self) -> None:
        """Nobody reaches any destination for a while, or none takes anything until it is mended."""
        there = self._stage.destinations
        if self._chance.random() < 0.3:
            there.locked = not there.locked
            self._count(f"destinations {'refuse' if there.locked else 'are mended'}")
            return
        there.away, for_s = True, self._chance.choice((2.0, 45.0, 900.0, 3 * 3600.0))
        self._count("destinations away", for_s)
        asyncio.get_running_loop().call_later(for_s, self._destinations_back)

    def _destinations_back(self) -> None:
        self._stage.destinations.away = False

    def _jump(self) -> None:
        wall = self._stage.wall
        seconds = -wall.ahead_s if wall.ahead_s else self._chance.choice((-7200.0, -1.0, 3.0, 45.0))
        self._count("clock jump forward" if seconds > 0 else "clock jump back", seconds)
        self._set_clock(seconds)

    def _set_clock(self, seconds: float) -> None:
        self._stage.ledger.jumps.append((self._stage.clock.uptime_s(), seconds))
        self._stage.wall.jump(seconds)
        lease_s = self._stage.bare.limits.lease.total_seconds()
        self._stage.judge.hear_harm(None, lease_s)
        self._stage.judge.ring()

    def _back_up_or_restore(self) -> None:
        """Take a backup, or put the last one back; a restored store means a new start for all."""
        if self._backup is None or len(self._backup.list(Rotation)) < len(self._stage.casts):
            self._backup = self._stage.store.backup()
            self._stage.judge.note("weather", "backup taken")
            return
        backup, self._backup = self._backup, None
        self._count("backup restored")
        for process in self._processes:
            self._fates.dies_now(process)
        # What destinations have confirmed is believed no more: `keyturn restore` does the same.
        # So is that its refresh tokens are still good.
        kept = {kind: rows for kind, rows in backup.tables.items() if kind is not Delivery}
        kept[Connection] = {(each.id,): in_doubt(each) for each in backup.list(Connection)}
        self._stage.store.restore(replace(backup, tables=kept))
        self._stage.judge.hear_restored(backup)

    def _owner_cleans_up(self) -> None:
        self._admin.remove_foreign(self._chance.choice(self._stage.casts))

    def _count(self, kind: str, *told: object) -> None:
        self.counts[kind] += 1
        self._stage.judge.note("weather", kind, *told)
