"""Indexes of the tables, their keys, and what may be there once only, with the words for it.

What rows an index is of is said in SQLite's name alone, for both databases: nothing is made from
here, and PostgreSQL's would load its dialect where it is not used.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Index,
    Table,
    UniqueConstraint,
    literal,
)

from keyturn.adapters.storage.tables import AUDIT, RANK, TABLES
from keyturn.domain.audit import BACKED_UP
from keyturn.domain.channels import Channel, Dispatch
from keyturn.domain.compliance_reports import ComplianceReport, ReportSchedule
from keyturn.domain.destination import Delivery, Destination
from keyturn.domain.drift import Finding
from keyturn.domain.flows.run import Run, SavedFlow
from keyturn.domain.identity import (
    AccessToken,
    AuthMethod,
    ClientSecret,
    Membership,
)
from keyturn.domain.inventory import Inventory, ListedApp, ListedSecret
from keyturn.domain.leaks import LeakReport
from keyturn.domain.notice import Notice
from keyturn.domain.oauth.authorization import AuthorizationRequest
from keyturn.domain.oauth.connection import Connection
from keyturn.domain.oauth.consumers import Alias
from keyturn.domain.oauth.registration import ClientRegistration
from keyturn.domain.okta_login import LogInRequest
from keyturn.domain.project import (
    SecretImport,
)
from keyturn.domain.rollout import Member, Rollout
from keyturn.domain.rotation import Rotation
from keyturn.domain.secret import Secret, Version
from keyturn.domain.turn import Turn

_rotation, _turn = TABLES[Rotation], TABLES[Turn]

_run = TABLES[Run]
_running = _run.c.wake_at.is_not(None)
_backed_up = AUDIT.c.attempt_verb == literal(BACKED_UP, literal_execute=True)
_by_hand = TABLES[AccessToken].c.method == literal(AuthMethod.TOKEN.name, literal_execute=True)
_dispatch = TABLES[Dispatch].c
_not_ended, _awake = _turn.c.ended_at.is_(None), _turn.c.wake_at.is_not(None)

Index(
    "uq_turn_open",
    _turn.c.rotation_id,
    unique=True,
    sqlite_where=_not_ended,
    info={"taken": "The rotation has a turn that has not ended: wait for it."},
)
Index("ix_turn_wake_at", _turn.c.wake_at, sqlite_where=_awake)
Index("ix_turn_rotation_id", _turn.c.rotation_id)
Index("ix_turn_ended_at", _turn.c.ended_at)
Index("ix_turn_old_hash", _turn.c.old_hash)
Index("ix_turn_new_hash", _turn.c.new_hash)
Index("ix_rotation_next_rotation_at", _rotation.c.next_rotation_at)
Index("ix_rotation_connection_id", _rotation.c.connection_id)
Index("ix_destination_due_at", TABLES[Destination].c.due_at)
Index("ix_delivery_secret_id", TABLES[Delivery].c.secret_id)
Index("ix_client_registration_due_at", TABLES[ClientRegistration].c.due_at)
Index("ix_client_registration_secret_id", TABLES[ClientRegistration].c.secret_id)
Index("ix_client_registration_own_hash", TABLES[ClientRegistration].c.own_hash)
Index("ix_client_registration_look_at", TABLES[ClientRegistration].c.look_at)
Index("ix_connection_due_at", TABLES[Connection].c.due_at)
Index("ix_connection_look_at", TABLES[Connection].c.look_at)
Index("ix_connection_registration_id", TABLES[Connection].c.registration_id)
Index("ix_connection_source_id", TABLES[Connection].c.source_id)
Index("ix_authorization_request_connection_id", TABLES[AuthorizationRequest].c.connection_id)
Index("ix_alias_connection_id", TABLES[Alias].c.connection_id)
Index("ix_alias_previous_id", TABLES[Alias].c.previous_id)
Index("ix_notice_forget_at", TABLES[Notice].c.forget_at)
Index("ix_notice_project_id", TABLES[Notice].c.project_id)
Index("ix_notice_subject_id", TABLES[Notice].c.subject_id)
Index("ix_channel_due_at", TABLES[Channel].c.due_at)
Index("ix_dispatch_channel_id", _dispatch.channel_id, _dispatch.urgent, _dispatch.due_at)
Index("ix_report_schedule_due_at", TABLES[ReportSchedule].c.due_at)
Index("ix_compliance_report_organization_id", TABLES[ComplianceReport].c.organization_id)
Index("ix_flow_alias", TABLES[SavedFlow].c.alias)
Index("ix_flow_next_at", TABLES[SavedFlow].c.next_at)
Index("ix_flow_run_flow_id", TABLES[Run].c.flow_id)
Index("ix_flow_run_ended_at", TABLES[Run].c.ended_at)
Index("ix_flow_run_rank", TABLES[Run].c[RANK])
Index("ix_flow_run_wake_at", _run.c.wake_at, sqlite_where=_running)
Index(
    "ix_audit_entry_backed_up",
    AUDIT.c.attempt_at,
    sqlite_where=_backed_up,
)
Index("ix_inventory_due_at", TABLES[Inventory].c.due_at)
Index("ix_rollout_due_at", TABLES[Rollout].c.due_at)
Index("ix_rollout_member_rotation_id", TABLES[Member].c.rotation_id)
Index("ix_leak_report_due_at", TABLES[LeakReport].c.due_at)
Index("ix_leak_report_hash", TABLES[LeakReport].c.hash)
Index("ix_listed_app_client_id", TABLES[ListedApp].c.client_id)
Index("ix_listed_secret_hash", TABLES[ListedSecret].c.hash)
Index("ix_finding_rotation_id", TABLES[Finding].c.rotation_id)
Index("ix_secret_import_source_id", TABLES[SecretImport].c.source_id)
Index(
    "ix_version_hash",
    TABLES[Version].c.hash,
    sqlite_where=TABLES[Version].c.hash.is_not(None),
)
Index("ix_secret_rotation_id", TABLES[Secret].c.rotation_id)
Index("ix_access_token_identity_id", TABLES[AccessToken].c.identity_id)
Index(
    "ix_access_token_by_hand",
    TABLES[AccessToken].c.expires_at,
    sqlite_where=_by_hand,
)
Index("ix_client_secret_expires_at", TABLES[ClientSecret].c.expires_at)
Index("ix_client_secret_identity_id", TABLES[ClientSecret].c.identity_id)
Index("ix_membership_identity_id", TABLES[Membership].c.identity_id)
Index("ix_log_in_request_identity_id", TABLES[LogInRequest].c.identity_id)


def _key_of(table: Table) -> tuple[str, ...]:
    return next(tuple(c.info["key"]) for c in table.constraints if "key" in c.info)


KEYS: Final[Mapping[type, tuple[str, ...]]] = MappingProxyType(
    {kind: _key_of(table) for kind, table in TABLES.items()}
)


def _rules_of(table: Table) -> Sequence[UniqueConstraint | Index]:
    rules = (*table.constraints, *table.indexes)
    return [
        rule
        for rule in rules
        if isinstance(rule, UniqueConstraint | Index) and "taken" in rule.info
    ]


@dataclass(frozen=True)
class Once:
    """The columns of a table that are unique beside its key, and for which rows they are."""

    columns: Sequence[str]
    where: Sequence[ColumnElement[bool]]


def _once_of(table: Table) -> Once:
    rules = _rules_of(table)
    some = [rule.dialect_options["sqlite"]["where"] for rule in rules if isinstance(rule, Index)]
    return Once([column.name for rule in rules for column in rule.columns], some)


ONCE: Final[Mapping[type, Once]] = MappingProxyType(
    {kind: _once_of(table) for kind, table in TABLES.items()}
)


def _taken() -> dict[str, str]:
    """Return the words for each rule of uniqueness: SQLite tells columns, PostgreSQL its name."""
    return {
        said: rule.info["taken"]
        for table in TABLES.values()
        for rule in _rules_of(table)
        for said in (", ".join(str(column) for column in rule.columns), str(rule.name))
    }


TAKEN: Final[Mapping[str, str]] = MappingProxyType(_taken())
