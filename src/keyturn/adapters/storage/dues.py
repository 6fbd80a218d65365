"""The one statement by which a worker sees of what there is anything due.

Decides which columns tell when something is due, and that nothing counts which somebody holds.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final

from sqlalchemy import BindParameter, ColumnElement, Table, bindparam, exists, or_, select

from keyturn.adapters.storage.tables import TABLES
from keyturn.domain.channels import Channel
from keyturn.domain.compliance_reports import ReportSchedule
from keyturn.domain.connection import OktaConnection
from keyturn.domain.destination import Destination
from keyturn.domain.flows.run import Run, SavedFlow
from keyturn.domain.inventory import Inventory
from keyturn.domain.leaks import LeakReport
from keyturn.domain.notice import Notice
from keyturn.domain.oauth.connection import Connection
from keyturn.domain.oauth.registration import ClientRegistration
from keyturn.domain.rollout import Rollout
from keyturn.domain.rotation import Rotation
from keyturn.domain.turn import Turn
from keyturn.services.ports import Due

WHEN: Final[Mapping[Due, Sequence[tuple[type, str]]]] = MappingProxyType(
    {
        Due.TURNS: ((Turn, "wake_at"),),
        Due.RUNS: ((Run, "wake_at"),),
        Due.ROTATIONS: ((Rotation, "next_rotation_at"),),
        Due.CONNECTIONS: ((OktaConnection, "next_reconcile_at"),),
        Due.DESTINATIONS: ((Destination, "due_at"),),
        Due.PROOFS: ((ClientRegistration, "due_at"),),
        Due.RENEWALS: ((Connection, "due_at"),),
        Due.LOOKS: ((Connection, "look_at"), (ClientRegistration, "look_at")),
        Due.NOTICES: ((Channel, "due_at"), (Notice, "forget_at")),
        Due.REPORTS: ((ReportSchedule, "due_at"),),
        Due.FLOWS: ((SavedFlow, "next_at"),),
        Due.INVENTORIES: ((Inventory, "due_at"),),
        Due.ROLLOUTS: ((Rollout, "due_at"),),
        Due.LEAKS: ((LeakReport, "due_at"),),
    }
)
_ended_at = TABLES[Run].c.ended_at
_NOW: Final = bindparam("now", type_=_ended_at.type)
_RUNS_BEFORE: Final = bindparam("runs_before", type_=_ended_at.type)


def free(table: Table, now: "datetime | BindParameter[datetime]") -> Iterable[ColumnElement[bool]]:
    """Leave out what somebody holds, in a table of what can be held."""
    held = table.c.get("leased_until")
    return () if held is None else (or_(held.is_(None), held <= now),)


def _any(places: Sequence[tuple[type, str]]) -> ColumnElement[bool]:
    tables = [(TABLES[kind], when) for kind, when in places]
    return or_(*(exists().where(t.c[when] <= _NOW, *free(t, _NOW)) for t, when in tables))


KINDS: Final[Sequence[Due]] = (*WHEN, Due.OLD_RUNS)
ANY_DUE: Final = select(*map(_any, WHEN.values()), exists().where(_ended_at < _RUNS_BEFORE))
"""Of each of the kinds, in their order, whether there is anything due by ``now``."""
