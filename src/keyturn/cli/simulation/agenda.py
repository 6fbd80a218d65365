"""When a worker of a simulated world has something to do, as the store tells.

Decides nothing of what is then done. No record is looked at twice: what the store has not replaced
since, a table or all of them, is due when it was.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain
from operator import attrgetter

from keyturn.cli.simulation.stage import Stage
from keyturn.domain.channels import Channel
from keyturn.domain.compliance_reports import ReportSchedule
from keyturn.domain.connection import OktaConnection
from keyturn.domain.destination import Destination, State
from keyturn.domain.flows.run import Run, SavedFlow
from keyturn.domain.inventory import Inventory
from keyturn.domain.leaks import LeakReport
from keyturn.domain.notice import Notice
from keyturn.domain.oauth.connection import Connection
from keyturn.domain.oauth.registration import ClientRegistration
from keyturn.domain.rollout import Rollout
from keyturn.domain.rotation import Rotation
from keyturn.domain.turn import Turn
from keyturn.services.compliance_reports import report_due
from keyturn.services.connection_news import look_due
from keyturn.services.deliveries import deliver_due
from keyturn.services.dispatching import bring_due
from keyturn.services.drift import reconcile_due
from keyturn.services.emergencies_under_way import carry_emergencies
from keyturn.services.flow_duties import forget_old_runs, start_due_flows
from keyturn.services.inventory_keeping import keep_due
from keyturn.services.leaks_under_way import follow_leaks
from keyturn.services.ports import Record, World
from keyturn.services.proving import prove_due
from keyturn.services.renewing import renew_due
from keyturn.services.rollouts_under_way import carry_due
from keyturn.services.turns import start_due

Date = tuple[type[Record], str]
"""Records of one kind, and the field that says when each of them is due."""

TURNS: Date = (Turn, "wake_at")
COMPARISONS: Date = (OktaConnection, "next_reconcile_at")
OF_DUTY: Mapping[Callable[[World], Awaitable[object]], Sequence[Date]] = {
    start_due: [(Rotation, "next_rotation_at")],
    reconcile_due: [COMPARISONS],
    deliver_due: [(Destination, "due_at")],
    prove_due: [(ClientRegistration, "due_at")],
    renew_due: [(Connection, "due_at")],
    look_due: [(Connection, "look_at"), (ClientRegistration, "look_at")],
    bring_due: [(Channel, "due_at"), (Notice, "forget_at")],
    start_due_flows: [(SavedFlow, "next_at")],
    forget_old_runs: [(Run, "ended_at")],
    report_due: [(ReportSchedule, "due_at")],
    keep_due: [(Inventory, "due_at")],
    carry_due: [(Rollout, "due_at")],
    carry_emergencies: [(Rollout, "due_at")],
    follow_leaks: [(LeakReport, "due_at")],
}
"""What each duty is due for. No world has flows, and in none is anybody told of anything."""
IDLE = (
    look_due,
    bring_due,
    start_due_flows,
    forget_old_runs,
    keep_due,
    report_due,
    carry_due,
    follow_leaks,
)
"""What nobody wakes up for: it is done once something else is due."""
DATES = (TURNS, *chain.from_iterable(OF_DUTY.values()))
FIELDS = {kind: [field for each, field in DATES if each is kind] for kind, _ in DATES}
PRESSING = (TURNS, *(date for duty in OF_DUTY if duty not in IDLE for date in OF_DUTY[duty]))


class Agenda:
    """What is due in one world, and when."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._seen: object = None
        self._tables: dict[type[Record], object] = dict.fromkeys(FIELDS)
        self._due: dict[Date, datetime | None] = dict.fromkeys(DATES)
        self._worth: dict[Date, datetime | None] = dict.fromkeys(DATES)
        self._first: datetime | None = None
        """When the first of all is worth waking up for, comparisons aside."""

    def is_due(self, dates: Sequence[Date] = PRESSING) -> bool:
        """Say whether anything is due, of some kinds or of all that somebody wakes up for."""
        self._look()
        now = self._stage.wall.now()
        for date in dates:
            at = self._due[date]
            if at and at <= now and (date is not COMPARISONS or self._may_have_drifted()):
                return True
        return False

    def next(self) -> datetime | None:
        """Return when something is due that is worth waking up for, as far as is known now.

        To look at a destination that has everything is not.
        """
        self._look()
        first, compared = self._first, self._worth[COMPARISONS]
        sooner = compared is not None and (first is None or compared < first)
        return compared if sooner and self._may_have_drifted() else first

    def _look(self) -> None:
        held = self._stage.store.backup()
        if held is self._seen:
            return
        self._seen, known = held, self._tables
        fresh = [kind for kind, table in known.items() if held.tables.get(kind) is not table]
        if not fresh:
            return
        for kind in fresh:
            known[kind] = held.tables.get(kind)
            for field in FIELDS[kind]:
                self._note(held.list(kind), (kind, field))
        worth = (self._worth[date] for date in PRESSING if date is not COMPARISONS)
        self._first = min(filter(None, worth), default=None)

    def _note(self, records: Iterable[Record], date: Date) -> None:
        kind, field = date
        self._due[date] = self._worth[date] = _earliest(records, field)
        if kind is Destination:
            lacking = [each for each in records if not _has_everything(each)]
            self._worth[date] = _earliest(lacking, field)

    def _may_have_drifted(self) -> bool:
        """Say whether anything at Okta has changed since the last comparison.

        Where nothing has, none is made.
        """
        ahead = timedelta(seconds=self._stage.wall.ahead_s)
        looked_at = self._stage.store.backup().list(OktaConnection)[0].reconciled_at
        return looked_at is None or self._stage.org.apps.changed_since(looked_at - ahead)


def _earliest(records: Iterable[Record], field: str) -> datetime | None:
    dates: Iterator[datetime | None] = map(attrgetter(field), records)
    return min(filter(None, dates), default=None)


def _has_everything(record: Record) -> bool:
    return isinstance(record, Destination) and record.state is State.CONFIRMED
