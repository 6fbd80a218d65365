"""One table a record kind.

Decides keys, references, and what may be there once only, with the words for it. The columns come
from the records themselves; the migrations spell them out. Indexes are beside it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sqlalchemy import (
    Column,
    Constraint,
    ForeignKeyConstraint,
    MetaData,
    Table,
    UniqueConstraint,
)

from keyturn.adapters.storage.columns import WHOLE_NUMBER, columns_of
from keyturn.domain.audit import AuditEntry
from keyturn.domain.budget import Window
from keyturn.domain.channels import Channel, Dispatch
from keyturn.domain.compliance import CompliancePolicy, PolicyException
from keyturn.domain.compliance_reports import ComplianceReport, ReportEvidence, ReportSchedule
from keyturn.domain.connection import OktaConnection
from keyturn.domain.destination import Delivery, Destination
from keyturn.domain.drift import Finding
from keyturn.domain.flows.run import FlowVersion, Run, RunAnswer, RunPage, SavedFlow
from keyturn.domain.flows.tables import FlowRow, FlowTable
from keyturn.domain.identity import (
    AccessToken,
    ClientSecret,
    Identity,
    Membership,
    UniversalAuth,
)
from keyturn.domain.inventory import Inventory, ListedApp, ListedSecret, OwnerRule
from keyturn.domain.judging_orgs import AccessSight
from keyturn.domain.jwt_auth import JwtAuth
from keyturn.domain.leaks import LeakReport
from keyturn.domain.notice import Notice
from keyturn.domain.oauth.authorization import AuthorizationRequest
from keyturn.domain.oauth.connection import Connection
from keyturn.domain.oauth.consumers import Alias, Consumer
from keyturn.domain.oauth.registration import ClientRegistration
from keyturn.domain.okta_login import LogInRequest, OktaPerson
from keyturn.domain.person import Password
from keyturn.domain.project import (
    Environment,
    Folder,
    Organization,
    Project,
    SecretImport,
    Tag,
)
from keyturn.domain.roles import CustomRole, RoleGrant
from keyturn.domain.rollout import Approval, Member, Rollout
from keyturn.domain.rotation import Rotation
from keyturn.domain.secret import Receipt, Secret, Version
from keyturn.domain.turn import Turn
from keyturn.services.ports import TurnStep

METADATA: Final = MetaData(
    naming_convention={
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

POSITION: Final = "position"
"""The column that keeps the order in which records were added; no record has such a field."""

RANK: Final = "rank"
"""The column that keeps the order in which runs came to another phase; see `ranks`."""


def _table(
    name: str, kind: type, *more: Constraint | Column[int], no_position_twice: bool = False
) -> Table:
    """Describe a table; with ``no_position_twice``, none of a removed row is given again either."""
    position = Column(POSITION, WHOLE_NUMBER, primary_key=True)
    columns = columns_of(kind)
    return Table(
        name,
        METADATA,
        position,
        *columns,
        *more,
        sqlite_strict=True,
        sqlite_autoincrement=no_position_twice,
    )


def _key(*fields: str) -> UniqueConstraint:
    return UniqueConstraint(*fields, info={"key": fields})


def _once(*fields: str, taken: str) -> UniqueConstraint:
    return UniqueConstraint(*fields, info={"taken": taken})


def _to(table: str, field: str | None = None) -> ForeignKeyConstraint:
    """Refer to a record by id; looked at when a transaction ends, so that order is free in it."""
    column = field or f"{table}_id"
    return ForeignKeyConstraint([column], [f"{table}.id"], deferrable=True, initially="DEFERRED")


TABLES: Final[Mapping[type, Table]] = MappingProxyType(
    {
        Organization: _table("organization", Organization, _key("id")),
        Project: _table(
            "project",
            Project,
            _key("id"),
            _once(
                "organization_id",
                "slug",
                taken="Another project of the organization has this slug.",
            ),
            _to("organization"),
        ),
        Environment: _table(
            "environment",
            Environment,
            _key("id"),
            _once("project_id", "slug", taken="Another environment of the project has this slug."),
            _to("project"),
        ),
        Folder: _table(
            "folder",
            Folder,
            _key("id"),
            _once(
                "environment_id", "path", taken="Another folder of the environment has this path."
            ),
            _to("environment"),
        ),
        SecretImport: _table(
            "secret_import",
            SecretImport,
            _key("id"),
            _once("folder_id", "source_id", taken="The folder imports that one already."),
            _to("folder"),
            _to("folder", "source_id"),
        ),
        Tag: _table(
            "tag",
            Tag,
            _key("id"),
            _once("project_id", "slug", taken="Another tag of the project has this slug."),
            _to("project"),
        ),
        Identity: _table("identity", Identity, _key("id"), _to("organization")),
        Membership: _table("membership", Membership, _key("id"), _to("identity"), _to("project")),
        CustomRole: _table("custom_role", CustomRole, _key("id"), _to("project")),
        RoleGrant: _table(
            "role_grant", RoleGrant, _key("role_id", "number"), _to("custom_role", "role_id")
        ),
        UniversalAuth: _table(
            "universal_auth",
            UniversalAuth,
            _key("identity_id"),
            _once("client_id", taken="Another identity has this client id."),
            _to("identity"),
        ),
        ClientSecret: _table("client_secret", ClientSecret, _key("id"), _to("identity")),
        JwtAuth: _table("jwt_auth", JwtAuth, _key("identity_id", "method"), _to("identity")),
        Password: _table(
            "password",
            Password,
            _key("identity_id"),
            _once("email", taken="Another person has this e-mail address."),
            _to("identity"),
        ),
        OktaPerson: _table(
            "okta_person",
            OktaPerson,
            _key("identity_id"),
            _once("issuer", "subject", taken="Another person is this one at Okta."),
            _to("identity"),
        ),
        LogInRequest: _table("log_in_request", LogInRequest, _key("state_hash"), _to("identity")),
        AccessToken: _table(
            "access_token",
            AccessToken,
            _key("id"),
            _once("hash", taken="Another access token has this hash."),
            _to("identity"),
        ),
        OktaConnection: _table(
            "okta_connection",
            OktaConnection,
            _key("id"),
            _once(
                "organization_id",
                "name",
                taken="Another Okta connection has this name: choose another.",
            ),
            _to("organization"),
            _to("project"),
        ),
        Rotation: _table(
            "rotation",
            Rotation,
            _key("id"),
            _once(
                "folder_id",
                "name",
                taken="Another rotation of the folder has this name: choose another.",
            ),
            _to("folder"),
            _to("okta_connection", "connection_id"),
        ),
        Turn: _table("turn", Turn, _key("id"), _to("rotation")),
        TurnStep: _table("turn_step", TurnStep, _key("turn_id", "number"), _to("turn")),
        Finding: _table("finding", Finding, _key("id"), _to("rotation")),
        Secret: _table(
            "secret",
            Secret,
            _key("id"),
            _once(
                "folder_id",
                "name",
                taken="Another secret of the folder has this name: choose another.",
            ),
            _to("folder"),
            _to("rotation"),
        ),
        Version: _table(
            "version",
            Version,
            _key("id"),
            _once("secret_id", "number", taken="Another version of the secret has this number."),
            _to("secret"),
        ),
        Receipt: _table(
            "receipt",
            Receipt,
            _key("secret_id", "identity_id"),
            _to("secret"),
            _to("identity"),
        ),
        Destination: _table(
            "destination",
            Destination,
            _key("id"),
            _once(
                "folder_id",
                "name",
                taken="Another destination of the folder has this name: choose another.",
            ),
            _to("folder"),
        ),
        Delivery: _table(
            "delivery",
            Delivery,
            _key("destination_id", "secret_id"),
            _to("destination"),
            _to("secret"),
        ),
        ClientRegistration: _table(
            "client_registration",
            ClientRegistration,
            _key("id"),
            _once(
                "folder_id",
                "name",
                taken="Another client registration of the folder has this name: choose another.",
            ),
            _to("folder"),
        ),
        Connection: _table(
            "connection",
            Connection,
            _key("id"),
            _once(
                "folder_id",
                "name",
                taken="Another connection of the folder has this name: choose another.",
            ),
            _to("client_registration", "registration_id"),
            _to("folder"),
            _to("connection", "source_id"),
        ),
        AuthorizationRequest: _table(
            "authorization_request",
            AuthorizationRequest,
            _key("id"),
            _once("state_hash", taken="Another authorization request has this state."),
            _to("connection"),
        ),
        Alias: _table(
            "alias",
            Alias,
            _key("id"),
            _once(
                "folder_id",
                "name",
                taken="Another alias of the folder has this name: choose another.",
            ),
            _to("folder"),
            _to("connection"),
            _to("connection", "previous_id"),
        ),
        Consumer: _table(
            "consumer",
            Consumer,
            _key("id"),
            _once(
                "registration_id",
                "name",
                taken="Another consumer of the registration has this name: choose another.",
            ),
            _to("client_registration", "registration_id"),
        ),
        Notice: _table("notice", Notice, _key("id")),
        Channel: _table(
            "channel",
            Channel,
            _key("id"),
            _once(
                "organization_id",
                "name",
                taken="Another channel has this name: choose another.",
            ),
            _to("organization"),
            _to("project"),
        ),
        Dispatch: _table(
            "dispatch",
            Dispatch,
            _key("notice_id", "channel_id"),
            _to("notice"),
            _to("channel"),
        ),
        SavedFlow: _table(
            "flow",
            SavedFlow,
            _key("id"),
            _once(
                "folder_id",
                "name",
                taken="Another flow of the folder has this name: choose another.",
            ),
            _to("folder"),
        ),
        FlowVersion: _table("flow_version", FlowVersion, _key("flow_id", "number"), _to("flow")),
        Run: _table(
            "flow_run",
            Run,
            Column(RANK, WHOLE_NUMBER),
            _key("id"),
            _to("flow"),
            no_position_twice=True,
        ),
        RunPage: _table(
            "flow_run_page", RunPage, _key("run_id", "number"), _to("flow_run", "run_id")
        ),
        RunAnswer: _table(
            "flow_run_answer", RunAnswer, _key("run_id", "at"), _to("flow_run", "run_id")
        ),
        FlowTable: _table(
            "flow_table",
            FlowTable,
            _key("id"),
            _once(
                "folder_id",
                "name",
                taken="Another table of the folder has this name: choose another.",
            ),
            _to("folder"),
        ),
        FlowRow: _table(
            "flow_row",
            FlowRow,
            _key("id"),
            _once("table_id", "number", taken="Another row of the table has this number."),
            _to("flow_table", "table_id"),
        ),
        Window: _table("rate_window", Window, _key("org", "principal", "bucket")),
        Inventory: _table(
            "inventory",
            Inventory,
            _key("connection_id"),
            _to("okta_connection", "connection_id"),
        ),
        ListedApp: _table(
            "listed_app",
            ListedApp,
            _key("connection_id", "app_id"),
            _to("okta_connection", "connection_id"),
        ),
        ListedSecret: _table(
            "listed_secret",
            ListedSecret,
            _key("connection_id", "app_id", "okta_id"),
            _to("okta_connection", "connection_id"),
        ),
        OwnerRule: _table(
            "owner_rule", OwnerRule, _key("organization_id", "number"), _to("organization")
        ),
        CompliancePolicy: _table(
            "compliance_policy",
            CompliancePolicy,
            _key("id"),
            _once(
                "organization_id",
                "name",
                taken="Another compliance policy has this name: choose another.",
            ),
            _to("organization"),
        ),
        PolicyException: _table(
            "policy_exception",
            PolicyException,
            _key("id"),
            _to("organization"),
            _to("compliance_policy", "policy_id"),
        ),
        ComplianceReport: _table(
            "compliance_report", ComplianceReport, _key("id"), _to("organization")
        ),
        ReportEvidence: _table(
            "report_evidence",
            ReportEvidence,
            _key("report_id"),
            _to("compliance_report", "report_id"),
        ),
        ReportSchedule: _table(
            "report_schedule", ReportSchedule, _key("organization_id"), _to("organization")
        ),
        AccessSight: _table(
            "access_sight",
            AccessSight,
            _key("connection_id"),
            _to("okta_connection", "connection_id"),
        ),
        Rollout: _table("rollout", Rollout, _key("id"), _to("organization")),
        Member: _table("rollout_member", Member, _key("rollout_id", "number"), _to("rollout")),
        Approval: _table("rollout_approval", Approval, _key("rollout_id", "wave"), _to("rollout")),
        LeakReport: _table("leak_report", LeakReport, _key("id"), _to("organization")),
    }
)

AUDIT: Final = _table("audit_entry", AuditEntry, _key("number"))

REVISION: Final = Table(
    "revision",
    METADATA,
    Column(POSITION, WHOLE_NUMBER, primary_key=True),
    Column("standing", WHOLE_NUMBER, nullable=False),
    Column("listed", WHOLE_NUMBER, nullable=False),
    sqlite_strict=True,
)
"""One row, whose position is the revision of what is served; none before the first change.

``standing`` counts the changes to how rotations stand, ``listed`` those to what is known of apps.
"""
