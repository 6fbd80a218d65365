"""What there is to be watched, as Prometheus reads it (text format 0.0.4).

Decides names and labels; a label has few values, and none of them names an app, a secret or a
person. Knows nothing of who may read it.
"""

import platform
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Final, TypeVar

from keyturn.domain.budget import Purpose, Shares, Window, floor
from keyturn.domain.compliance import FindingKind
from keyturn.domain.compliance_reports import ComplianceReport
from keyturn.domain.destination import State as Delivering
from keyturn.domain.drift import Kind as Drift
from keyturn.domain.inventory import Inventory
from keyturn.domain.leaks import State as Reported
from keyturn.domain.oauth.lights import Light
from keyturn.domain.reasons import Reason
from keyturn.domain.rollout import ENDED as OVER
from keyturn.domain.rollout import Standing
from keyturn.domain.rollout import State as Running
from keyturn.domain.turn import ENDED, Phase
from keyturn.services.duties import Doing
from keyturn.services.ports import Counted, Due, Figures, Observed, Pulse, World

if TYPE_CHECKING:
    from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily
    from prometheus_client.registry import CollectorRegistry

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
OUTCOMES: Final = ("served", "refused", "throttled", "failed", "unanswered", "held")
"""What may come of a call to Okta; the last one was never made."""
STATUSES: Final = ("2xx", "3xx", "4xx", "5xx", "gone")
"""How a request may be answered; the caller of the last one did not wait for that."""
SHARED: Final = ("api/", "integrations/api/")
"""How the buckets of Okta's management API begin; the others are of single apps."""

E = TypeVar("E", bound=Enum)
Rows = Mapping[tuple[str, ...], float]


@dataclass(frozen=True)
class Metric:
    """One metric: its values by those of its labels."""

    name: str
    told: str
    rows: Rows
    labels: tuple[str, ...] = ()
    counts: bool = False


def expose(world: World, observed: Observed, *, version: str) -> bytes:
    """Return all metrics as text."""
    # Loaded by the first who asks: most processes are never asked.
    from prometheus_client.exposition import generate_latest  # noqa: PLC0415
    from prometheus_client.registry import CollectorRegistry  # noqa: PLC0415

    registry = CollectorRegistry(auto_describe=False)
    registry.register(
        _Once([*_of_process(world, version), *_of_store(observed, world.limits.shares)])
    )
    return generate_latest(registry) + generate_latest(_machine())


class _Once:
    """Metrics that were made already, as the library's families."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> "Iterable[GaugeMetricFamily | CounterMetricFamily]":
        """Return them."""
        from prometheus_client.metrics_core import (  # noqa: PLC0415  as above
            CounterMetricFamily,
            GaugeMetricFamily,
        )

        for metric in self._metrics:
            family = CounterMetricFamily if metric.counts else GaugeMetricFamily
            made = family(f"keyturn_{metric.name}", metric.told, labels=metric.labels)
            for labels, value in metric.rows.items():
                made.add_metric(labels, value)
            yield made


@cache
def _machine() -> "CollectorRegistry":
    """Return what tells of memory, CPU time and open files of this process."""
    from prometheus_client.process_collector import ProcessCollector  # noqa: PLC0415
    from prometheus_client.registry import CollectorRegistry  # noqa: PLC0415

    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    return registry


# --- this process ---------------------------------------------------------------------------------


def _of_process(world: World, version: str) -> Iterator[Metric]:
    vitals = world.vitals
    told, about = "Which Keyturn runs, on which Python.", (version, platform.python_version())
    yield Metric("build_info", told, {about: 1}, ("version", "python"))
    told = "Calls to Okta by what came of them; held ones were never made."
    yield _counted(world, Counted.OKTA_CALLS, "okta_calls", told, "outcome", known=OUTCOMES)
    told = "Requests served, by status."
    yield _counted(world, Counted.REQUESTS, "http_requests", told, "status", known=STATUSES)
    told = "Seconds spent on requests."
    yield Metric("http_request_seconds", told, {(): vitals.served_s}, counts=True)
    told = "Errors of a worker that nobody foresaw, by what it was doing."
    yield _counted(world, Counted.FAILURES, "worker_failures", told, "doing", known=Doing)
    told = "How late the event loop was at worst in the last minute."
    yield _gauge("event_loop_lag_seconds", told, vitals.lag_s)
    if vitals.pulse is Pulse.RUNNING:
        told = "Seconds since the runner of this process last found its database, or began."
        since_s = vitals.began_at_s if vitals.found_at_s is None else vitals.found_at_s
        yield _gauge("runner_silence_seconds", told, world.clock.uptime_s() - since_s)


def _counted(
    world: World, what: Counted, name: str, told: str, label: str, *, known: Iterable[str]
) -> Metric:
    """Tell what was counted; what is known from the start begins at nothing, as counters should."""
    found = {each: float(n) for (of, each), n in world.vitals.counts.items() if of is what}
    rows: Rows = {(each,): n for each, n in (dict.fromkeys(known, 0.0) | found).items()}
    return Metric(name, told, rows, (label,), counts=True)


# --- the installation -----------------------------------------------------------------------------


def _of_store(observed: Observed, shares: Shares) -> Iterator[Metric]:
    seen = observed.figures is not None
    yield _gauge("store_up", "Whether the database answers (1) or not (0).", int(seen))
    if observed.figures:
        yield from _of_turns(observed.figures, observed.at)
        yield from _of_neighbours(observed.figures, observed.at)
    yield from _of_budgets(observed.windows, shares)
    yield from _of_inventories(observed.inventories, observed.at)
    yield from _of_compliance(observed.reports, observed.at)


def _of_turns(figures: Figures, now: datetime) -> Iterator[Metric]:
    yield _gauge("rotations", "Rotations there are.", figures.rotations)
    if figures.next_turn_at:
        told = "When the next scheduled turn starts."
        yield _gauge("next_turn_timestamp_seconds", told, figures.next_turn_at.timestamp())
    told = "Rotations whose turn should have started a quarter of an hour ago."
    yield _gauge("rotations_overdue", told, figures.late)
    phases = [phase for phase in Phase if phase not in ENDED]
    yield _gauges("turns_open", "Turns that have not ended.", "phase", figures.turns, phases)
    told = "Turns that stand still until somebody acts."
    yield _gauges("turns_blocked", told, "reason", figures.blocked, Reason)
    yield _gauge("turns_paused", "Turns that somebody has paused.", figures.paused)
    told = "How long the oldest overlapping turn has waited for its old secret to fall out of use."
    yield _gauge("overlap_age_seconds", told, _age_s(now, figures.overlapping_since))
    told = "How long the oldest due row of each queue has waited for a worker."
    ages: Rows = {(due.name.lower(),): _age_s(now, figures.due_since.get(due.name)) for due in Due}
    yield Metric("due_lag_seconds", told, ages, ("queue",))
    yield _gauges("findings", "Drift that is not settled.", "kind", figures.findings, Drift)
    told = "Apps of emergencies that are not over."
    yield _gauges("emergency_apps", told, "standing", figures.closings, Standing)
    told, going = "Rollouts that are not over.", [state for state in Running if state not in OVER]
    yield _gauges("rollouts", told, "state", figures.rollouts, going)
    told, unended = "Leak reports that nobody has ended.", [Reported.OPEN, Reported.UNKNOWN]
    yield _gauges("leak_reports", told, "state", figures.leaks, unended)
    told = "Leak reports whose secret Okta may accept, and that no emergency closes."
    yield _gauge("leak_reports_unattended", told, figures.unattended)


def _of_neighbours(figures: Figures, now: datetime) -> Iterator[Metric]:
    states = figures.destinations
    yield _gauges("destinations", "Destinations there are.", "state", states, Delivering)
    failing = figures.tried + states.get(Delivering.BLOCKED, 0)
    yield _gauge("destinations_failing", "Destinations that have refused or not answered.", failing)
    told = "OAuth connections by how they do."
    yield _gauges("connections", told, "light", figures.connections, Light)
    told = "Client registrations by how their secret does."
    yield _gauges("client_registrations", told, "light", figures.registrations, Light)
    yield _gauge("okta_connections", "Connections to Okta orgs.", figures.okta_connections)
    told = "Connections whose rotations cannot be compared with Okta."
    yield _gauge("okta_connections_failing", told, figures.unreached)
    told = "Notices that were tried and have not arrived."
    yield _gauge("notices_undelivered", told, figures.untold)
    yield _gauge("channels_failing", "Channels at which no notice arrives.", figures.unheard)
    told = "How old the newest backup by `keyturn backup` is; without one, the installation."
    since = figures.backed_up_at or figures.installed_at
    yield _gauge("backup_age_seconds", told, _age_s(now, since))


def _of_budgets(windows: Iterable[Window], shares: Shares) -> Iterator[Metric]:
    """Tell of each org's management buckets; of several principals, the one with least left."""
    ours = [each for each in windows if each.bucket.startswith(SHARED)]
    rows = sorted(ours, key=lambda each: -each.remaining)
    least = {(each.org, each.bucket): each for each in rows}
    labels = ("org", "bucket")
    told = "Calls that are left of Okta's rate limit in this minute."
    left: Rows = {key: each.remaining for key, each in least.items()}
    yield Metric("okta_budget_remaining", told, left, labels)
    told = "Calls of these that turns may make: what is kept back for putting things right is not."
    yield Metric(
        "okta_budget_spare", told, {at: _spare(it, shares) for at, it in least.items()}, labels
    )
    told = "Calls that Okta's rate limit allows in a minute."
    allowed: Rows = {key: each.limit for key, each in least.items()}
    yield Metric("okta_budget_limit", told, allowed, labels)


def _spare(window: Window, shares: Shares) -> int:
    return max(0, window.remaining - floor(window.limit, Purpose.FINISHING, shares))


def _of_inventories(inventories: Iterable[Inventory], now: datetime) -> Iterator[Metric]:
    known = [*inventories]
    if known:
        since = min(each.log_read_at or each.completed_at or each.begun_at for each in known)
        told = "For how long the least fresh inventory has not heard of changes at Okta."
        yield _gauge("inventory_age_seconds", told, _age_s(now, since))
    failing = sum(each.failing_since is not None for each in known)
    yield _gauge("inventories_failing", "Inventories that cannot be read on.", failing)


def _of_compliance(reports: Iterable[ComplianceReport], now: datetime) -> Iterator[Metric]:
    known = [*reports]
    if not known:
        return
    found = {kind: sum(each.by_kind.get(kind, 0) for each in known) for kind in FindingKind}
    told = "Breaches of policies that the newest report found."
    yield _gauges("compliance_breaches", told, "kind", found, FindingKind)
    told = "How old the newest report of compliance is, with its evidence."
    oldest = min(each.made_at for each in known)
    yield _gauge("compliance_evidence_age_seconds", told, _age_s(now, oldest))


# --- how they are written -------------------------------------------------------------------------


def _age_s(now: datetime, since: datetime | None) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0


def _gauge(name: str, told: str, value: float) -> Metric:
    return Metric(name, told, {(): value})


def _gauges(name: str, told: str, label: str, found: Mapping[E, int], kinds: Iterable[E]) -> Metric:
    """Tell of each kind, also of those that there are none of: an absent series alerts nobody."""
    rows: Rows = {(kind.name.lower(),): found.get(kind, 0) for kind in kinds}
    return Metric(name, told, rows, (label,))
