"""What the store in memory holds records to.

Decides what tells records apart, what may be there once only, and what names what: the same as the
tables of the databases do, in rules of its own, so that one finds the other's mistakes.
"""

from collections.abc import Callable, Mapping
from operator import attrgetter
from types import MappingProxyType
from typing import Final

from keyturn.domain.budget import Window
from keyturn.domain.channels import Channel, Dispatch
from keyturn.domain.compliance import CompliancePolicy, PolicyException
from keyturn.domain.compliance_reports import ComplianceReport, ReportEvidence, ReportSchedule
from keyturn.domain.connection import OktaConnection
from keyturn.domain.destination import Delivery, Destination
from keyturn.domain.drift import Finding
from keyturn.domain.flows.run import FlowVersion, Run, RunAnswer, RunPage, SavedFlow
from keyturn.domain.flows.tables import FlowRow, FlowTable
from keyturn.domain.identity import AccessToken, ClientSecret, Identity, Membership, UniversalAuth
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
from keyturn.services.ports import Record, TurnStep

Key = tuple[object, ...]

KEYS: Final[Mapping[type, tuple[str, ...]]] = MappingProxyType(
    {
        RoleGrant: ("role_id", "number"),
        UniversalAuth: ("identity_id",),
        JwtAuth: ("identity_id", "method"),
        Password: ("identity_id",),
        OktaPerson: ("identity_id",),
        LogInRequest: ("state_hash",),
        TurnStep: ("turn_id", "number"),
        Receipt: ("secret_id", "identity_id"),
        Delivery: ("destination_id", "secret_id"),
        Dispatch: ("notice_id", "channel_id"),
        FlowVersion: ("flow_id", "number"),
        RunPage: ("run_id", "number"),
        RunAnswer: ("run_id", "at"),
        Window: ("org", "principal", "bucket"),
        Inventory: ("connection_id",),
        ListedApp: ("connection_id", "app_id"),
        ListedSecret: ("connection_id", "app_id", "okta_id"),
        OwnerRule: ("organization_id", "number"),
        ReportEvidence: ("report_id",),
        ReportSchedule: ("organization_id",),
        AccessSight: ("connection_id",),
        Member: ("rollout_id", "number"),
        Approval: ("rollout_id", "wave"),
    }
)
"""The fields that tell records apart, where that is not the id."""

ONCE: Final[Mapping[type, tuple[str, ...]]] = MappingProxyType(
    {
        Project: ("organization_id", "slug"),
        Environment: ("project_id", "slug"),
        Folder: ("environment_id", "path"),
        SecretImport: ("folder_id", "source_id"),
        Tag: ("project_id", "slug"),
        UniversalAuth: ("client_id",),
        Password: ("email",),
        OktaPerson: ("issuer", "subject"),
        AccessToken: ("hash",),
        OktaConnection: ("organization_id", "name"),
        Rotation: ("folder_id", "name"),
        Secret: ("folder_id", "name"),
        Version: ("secret_id", "number"),
        Destination: ("folder_id", "name"),
        ClientRegistration: ("folder_id", "name"),
        Connection: ("folder_id", "name"),
        AuthorizationRequest: ("state_hash",),
        Alias: ("folder_id", "name"),
        Consumer: ("registration_id", "name"),
        Channel: ("organization_id", "name"),
        SavedFlow: ("folder_id", "name"),
        FlowTable: ("folder_id", "name"),
        FlowRow: ("table_id", "number"),
        CompliancePolicy: ("organization_id", "name"),
    }
)
"""The other fields that no two records share."""

REFERENCES: Final[Mapping[type, Mapping[str, type]]] = MappingProxyType(
    {
        Project: {"organization_id": Organization},
        Environment: {"project_id": Project},
        Folder: {"environment_id": Environment},
        SecretImport: {"folder_id": Folder, "source_id": Folder},
        Tag: {"project_id": Project},
        Identity: {"organization_id": Organization},
        Membership: {"identity_id": Identity, "project_id": Project},
        CustomRole: {"project_id": Project},
        RoleGrant: {"role_id": CustomRole},
        UniversalAuth: {"identity_id": Identity},
        ClientSecret: {"identity_id": Identity},
        JwtAuth: {"identity_id": Identity},
        Password: {"identity_id": Identity},
        OktaPerson: {"identity_id": Identity},
        LogInRequest: {"identity_id": Identity},
        AccessToken: {"identity_id": Identity},
        OktaConnection: {"organization_id": Organization, "project_id": Project},
        Rotation: {"folder_id": Folder, "connection_id": OktaConnection},
        Turn: {"rotation_id": Rotation},
        TurnStep: {"turn_id": Turn},
        Secret: {"folder_id": Folder, "rotation_id": Rotation},
        Version: {"secret_id": Secret},
        Receipt: {"secret_id": Secret, "identity_id": Identity},
        Destination: {"folder_id": Folder},
        Delivery: {"destination_id": Destination, "secret_id": Secret},
        Finding: {"rotation_id": Rotation},
        ClientRegistration: {"folder_id": Folder},
        Connection: {
            "registration_id": ClientRegistration,
            "folder_id": Folder,
            "source_id": Connection,
        },
        AuthorizationRequest: {"connection_id": Connection},
        Alias: {"folder_id": Folder, "connection_id": Connection, "previous_id": Connection},
        Consumer: {"registration_id": ClientRegistration},
        Channel: {"organization_id": Organization, "project_id": Project},
        Dispatch: {"notice_id": Notice, "channel_id": Channel},
        SavedFlow: {"folder_id": Folder},
        FlowVersion: {"flow_id": SavedFlow},
        Run: {"flow_id": SavedFlow},
        RunPage: {"run_id": Run},
        RunAnswer: {"run_id": Run},
        FlowTable: {"folder_id": Folder},
        FlowRow: {"table_id": FlowTable},
        Inventory: {"connection_id": OktaConnection},
        ListedApp: {"connection_id": OktaConnection},
        ListedSecret: {"connection_id": OktaConnection},
        OwnerRule: {"organization_id": Organization},
        CompliancePolicy: {"organization_id": Organization},
        PolicyException: {"organization_id": Organization, "policy_id": CompliancePolicy},
        ComplianceReport: {"organization_id": Organization},
        ReportEvidence: {"report_id": ComplianceReport},
        ReportSchedule: {"organization_id": Organization},
        AccessSight: {"connection_id": OktaConnection},
        Rollout: {"organization_id": Organization},
        Member: {"rollout_id": Rollout},
        Approval: {"rollout_id": Rollout},
        LeakReport: {"organization_id": Organization},
    }
)
"""The fields that name another record by its id, or nothing."""


def key_of(record: Record) -> Key:
    """Return what tells a record from all others of its kind."""
    return _KEY.get(type(record), _ID)(record)


def once_of(record: Record) -> Key:
    """Return what no other record of its kind may have too; a rotation has one open turn."""
    if isinstance(record, Turn):
        return (record.rotation_id,) if record.ended_at is None else ()
    return _ONCE.get(type(record), _NOTHING)(record)


def _reader(names: tuple[str, ...]) -> Callable[[Record], Key]:
    """Return what reads these fields of a record, quickly: a simulation does little else."""
    if len(names) == 1:
        one = attrgetter(names[0])
        return lambda record: (one(record),)
    read: Callable[[Record], Key] = attrgetter(*names) if names else lambda record: ()
    return read


_ID, _NOTHING = _reader(("id",)), _reader(())
_KEY = {kind: _reader(names) for kind, names in KEYS.items()}
_ONCE = {kind: _reader(names) for kind, names in ONCE.items()}
