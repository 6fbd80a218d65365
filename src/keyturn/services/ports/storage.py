"""What the use cases need of a store, and which records it keeps."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, TypeVar

from keyturn.domain.audit import Attempt, AuditEntry, AuditFilter
from keyturn.domain.budget import Window
from keyturn.domain.changes import Served
from keyturn.domain.channels import Channel, Dispatch
from keyturn.domain.compliance import CompliancePolicy, PolicyException
from keyturn.domain.compliance_reports import ComplianceReport, ReportEvidence, ReportSchedule
from keyturn.domain.connection import OktaConnection
from keyturn.domain.destination import Delivery, Destination
from keyturn.domain.drift import Finding
from keyturn.domain.flows.run import (
    FlowVersion,
    Run,
    RunAnswer,
    RunMark,
    RunPage,
    RunSight,
    SavedFlow,
)
from keyturn.domain.flows.tables import FlowRow, FlowTable
from keyturn.domain.identity import AccessToken, ClientSecret, Identity, Membership, UniversalAuth
from keyturn.domain.ids import (
    ChannelId,
    ConnectionId,
    FlowId,
    FolderId,
    ProjectId,
    RotationId,
    RunId,
    SecretHash,
    TableId,
    TurnId,
)
from keyturn.domain.inventory import AppCount, Inventory, ListedApp, ListedSecret, OwnerRule
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
    Place,
    Project,
    SecretImport,
    Tag,
)
from keyturn.domain.roles import CustomRole, RoleGrant
from keyturn.domain.rollout import Approval, Member, Rollout
from keyturn.domain.rotation import Rotation, RotationSight
from keyturn.domain.secret import Receipt, Secret, Version
from keyturn.domain.turn import Turn
from keyturn.services.ports.figures import Figures


@dataclass(frozen=True)
class TurnStep:
    """One recorded step of a turn; it carries ids and codes, never a value.

    ``step`` is the act, look or failure; ``detail`` says more for people; ``request_id`` is
    Okta's, where Okta took part, and ``error_id`` that of Okta's error object, where there was one.
    ``at`` is by our clock: of a call when it was answered or given up.
    """

    turn_id: TurnId
    number: int
    at: datetime
    phase: str
    step: str
    detail: str = ""
    request_id: str = ""
    error_id: str = ""


Record = (
    Organization
    | Project
    | Environment
    | Folder
    | SecretImport
    | Tag
    | Identity
    | Membership
    | CustomRole
    | RoleGrant
    | UniversalAuth
    | ClientSecret
    | JwtAuth
    | Password
    | OktaPerson
    | LogInRequest
    | AccessToken
    | OktaConnection
    | Rotation
    | Turn
    | TurnStep
    | Secret
    | Version
    | Receipt
    | Destination
    | Delivery
    | Finding
    | ClientRegistration
    | Connection
    | AuthorizationRequest
    | Alias
    | Consumer
    | Notice
    | Channel
    | Dispatch
    | SavedFlow
    | FlowVersion
    | Run
    | RunPage
    | RunAnswer
    | FlowTable
    | FlowRow
    | Window
    | Inventory
    | ListedApp
    | ListedSecret
    | OwnerRule
    | CompliancePolicy
    | PolicyException
    | ComplianceReport
    | ReportEvidence
    | ReportSchedule
    | AccessSight
    | Rollout
    | Member
    | Approval
    | LeakReport
)
"""What can be stored: frozen records, each with its own key."""

SERVED: frozenset[type] = frozenset(
    {
        Organization,
        Project,
        Environment,
        Folder,
        SecretImport,
        Tag,
        Identity,
        Membership,
        CustomRole,
        RoleGrant,
        AccessToken,
        Secret,
        Version,
    }
)
"""The kinds that decide what a reader is given, and who is a reader.

A transaction that writes one of them makes the next revision, except by issuing a token: nobody
can have relied on its not being there.
"""

STANDING: frozenset[type] = frozenset({Rotation, Turn, Finding})
"""The kinds that say how rotations stand, beside what is served.

A transaction that writes one of them counts, so that who looks on sees at once that one has moved.
"""


LISTED: frozenset[type] = frozenset(
    {
        Inventory,
        ListedApp,
        ListedSecret,
        OwnerRule,
        OktaConnection,
        AccessSight,
        CompliancePolicy,
        PolicyException,
        Rotation,
    }
)
"""The kinds that the inventory and compliance are told by, beside what is served.

A transaction that writes one of them counts, so that thousands of apps are put together once.
"""

R = TypeVar("R", bound=Record)
Looked = TypeVar("Looked", Connection, ClientRegistration)
"""What people are told of when it does otherwise."""


Old = TypeVar("Old", Turn, LeakReport, Receipt, AccessToken, AuthorizationRequest)
"""What nobody needs any more once it is old enough."""
Expiring = TypeVar("Expiring", ClientSecret, AccessToken)
"""What somebody gets in by, and that has an end."""


class Due(StrEnum):
    """What may be due, each by a method of `Reading` or `Writing` that tells or claims it."""

    TURNS = "turns"
    RUNS = "runs"
    ROTATIONS = "rotations"
    CONNECTIONS = "connections"
    DESTINATIONS = "destinations"
    PROOFS = "proofs"
    RENEWALS = "renewals"
    LOOKS = "looks"
    NOTICES = "notices"
    REPORTS = "reports"
    FLOWS = "flows"
    OLD_RUNS = "old runs"
    INVENTORIES = "inventories"
    ROLLOUTS = "rollouts"
    LEAKS = "leaks"


class Reading(Protocol):
    """See records as they were at one moment.

    Values of ``where`` are compared with the record's top-level fields by equality, None included;
    a frozenset stands for any of its members.
    """

    async def find(self, kind: type[R], /, **where: object) -> R | None:
        """Return the one record that fits, or None. More than one is a defect: raises OursError."""
        ...

    async def list(self, kind: type[R], /, **where: object) -> Sequence[R]:
        """Return every record that fits, in the order in which they were added."""
        ...

    async def find_place(self, folder_id: FolderId) -> Place | None:
        """Return a folder with its environment and project, in one look."""
        ...

    async def list_due(self, now: datetime, *, runs_before: datetime) -> frozenset[Due]:
        """Return of what there is anything due, in one look; runs that ended before are old."""
        ...

    async def list_due_rotations(self, now: datetime, *, limit: int) -> Sequence[Rotation]:
        """Return rotations whose ``next_rotation_at`` has come, oldest first."""
        ...

    async def list_due_connections(self, now: datetime) -> Sequence[OktaConnection]:
        """Return connections whose ``next_reconcile_at`` has come, oldest first."""
        ...

    async def list_due_destinations(self, now: datetime, *, limit: int) -> Sequence[Destination]:
        """Return destinations whose ``due_at`` has come and that nobody holds, oldest first."""
        ...

    async def list_due_renewals(self, now: datetime, *, limit: int) -> Sequence[Connection]:
        """Return connections whose ``due_at`` has come and that nobody holds, oldest first."""
        ...

    async def list_due_proofs(self, now: datetime, *, limit: int) -> Sequence[ClientRegistration]:
        """Return registrations whose ``due_at`` has come, oldest first."""
        ...

    async def list_due_looks(
        self, kind: type[Looked], now: datetime, *, limit: int
    ) -> Sequence[Looked]:
        """Return those whose ``look_at`` has come and that nobody holds, oldest first."""
        ...

    async def list_due_flows(self, now: datetime, *, limit: int) -> Sequence[SavedFlow]:
        """Return flows whose ``next_at`` has come, oldest first."""
        ...

    async def has_due_runs(self, now: datetime) -> bool:
        """Say whether the ``wake_at`` of any run has come."""
        ...

    async def list_sights(
        self, *, project_id: ProjectId | None = None, rotation_id: RotationId | None = None
    ) -> Sequence[RotationSight]:
        """Return every rotation, or those of a project, or one, as it stands, in one look."""
        ...

    async def list_turns(
        self, rotation_id: RotationId, *, offset: int = 0, limit: int = 1
    ) -> Sequence[Turn]:
        """Return the newest turns of a rotation, the newest first."""
        ...

    async def list_runs(self, flow_id: FlowId, *, limit: int) -> Sequence[Run]:
        """Return the newest runs of a flow, the newest first."""
        ...

    async def list_ended_runs(self, before: datetime, *, limit: int) -> Sequence[Run]:
        """Return runs that ended before a time, in the order in which they were added."""
        ...

    async def run_mark(self) -> RunMark:
        """Return the mark of what has come of runs so far."""
        ...

    async def list_begun_runs(self, after: int, *, limit: int) -> Sequence[RunSight]:
        """Return runs in the order in which they began, those past a rank only.

        Ranks rise as transactions are committed, by whichever process, and none is given twice.
        """
        ...

    async def list_changed_runs(self, after: int, *, limit: int) -> Sequence[RunSight]:
        """Return runs in the order in which they last came to another phase, past a rank."""
        ...

    async def list_rows(
        self, table_id: TableId, *, after: int = 0, limit: int
    ) -> Sequence[FlowRow]:
        """Return rows of a table by number, those past ``after`` only."""
        ...

    async def list_newest(self, kind: type[R], /, *, limit: int, **where: object) -> Sequence[R]:
        """Return the newest records that fit, the newest first."""
        ...

    async def list_old_notices(self, now: datetime, *, limit: int) -> Sequence[Notice]:
        """Return notices whose ``forget_at`` has come, oldest first."""
        ...

    async def list_due_channels(self, now: datetime, *, limit: int) -> Sequence[Channel]:
        """Return channels whose ``due_at`` has come and that nobody holds, oldest first."""
        ...

    async def list_due_dispatches(
        self, channel_id: ChannelId, now: datetime, *, urgent: bool, limit: int
    ) -> Sequence[Dispatch]:
        """Return what a channel brings whose ``due_at`` has come, oldest first.

        That is what is urgent, or all that is not.
        """
        ...

    async def list_due_reports(self, now: datetime) -> Sequence[ReportSchedule]:
        """Return of whom a report of compliance is due, oldest first."""
        ...

    async def list_due_inventories(self, now: datetime) -> Sequence[Inventory]:
        """Return inventories whose ``due_at`` has come, oldest first."""
        ...

    async def list_due_rollouts(self, now: datetime) -> Sequence[Rollout]:
        """Return rollouts, emergencies among them, whose ``due_at`` has come, oldest first."""
        ...

    async def list_due_leaks(self, now: datetime, *, limit: int) -> Sequence[LeakReport]:
        """Return leak reports whose ``due_at`` has come, oldest first."""
        ...

    async def find_turn_of(self, hash_: SecretHash, /) -> Turn | None:
        """Return the newest turn that made or replaced the credential with a hash, or None."""
        ...

    async def list_listed_apps(
        self,
        connection_id: ConnectionId,
        *,
        listed_before: datetime | None = None,
        told: bool = False,
        after: str = "",
        limit: int,
    ) -> Sequence[ListedApp]:
        """Return apps of an inventory that are not gone, by their ids, those past ``after`` only.

        With ``listed_before``, only those that were shown last before that time; with ``told``,
        only those whose client secrets could not be read.
        """
        ...

    async def count_apps(self) -> Sequence[AppCount]:
        """Count the apps of every inventory that are not gone; one without any has no count."""
        ...

    async def list_audit(
        self, *, after: int = 0, limit: int = 1000, wanted: AuditFilter | None = None
    ) -> Sequence[AuditEntry]:
        """Return audit entries by number, those past ``after`` only, and of them those wanted."""
        ...

    async def list_newest_audit(
        self, *, before: int | None = None, limit: int, wanted: AuditFilter | None = None
    ) -> Sequence[AuditEntry]:
        """Return audit entries, the newest first, those before a number only, and as wanted."""
        ...

    async def latest_audit(self) -> AuditEntry | None:
        """Return the newest audit entry."""
        ...

    async def list_old(self, kind: type[Old], before: datetime, *, limit: int) -> Sequence[Old]:
        """Return what was over before a time, and is needed by nothing any more.

        That is turns that ended, but the newest of each rotation, the one that served last and what
        proves that an emergency has closed an app; leak reports that ended; receipts of readers
        that have not read since and hold a destroyed version; access tokens that can neither be
        used nor renewed; authorization requests that nobody can answer.
        """
        ...

    async def list_expiring(
        self, kind: type[Expiring], after: datetime, until: datetime
    ) -> Sequence[Expiring]:
        """Return what is good past one time, and expires by another, the earliest first.

        Of access tokens that is those that were made by hand, also where they cannot be renewed any
        longer by then.
        """
        ...

    async def figures(self, now: datetime, *, late_before: datetime) -> Figures:
        """Count how the installation stands; a turn that was to start before then is late."""
        ...

    async def schema_fits(self) -> bool:
        """Say whether the schema is the one that this Keyturn works with."""
        ...

    async def clock(self) -> datetime | None:
        """Return what time the database has now, or None where it goes by this machine's clock."""
        ...

    async def revision(self) -> int:
        """Return the number of the last change to what is served: see `SERVED`."""
        ...

    async def standing(self) -> int:
        """Return the number of the last change to how rotations stand: see `STANDING`."""
        ...

    async def listed(self) -> int:
        """Return the number of the last change to what is known of apps: see `LISTED`."""
        ...

    async def list_served(self, project_id: str) -> Sequence[Served]:
        """List the secrets that a project serves, without their values, in no order."""
        ...


class Writing(Reading, Protocol):
    """Change records, all or nothing.

    A transaction sees its own writes. What it wrote is durable once its block ends without an
    error; an error inside the block undoes all of it. Only one is open at a time.
    """

    async def add(self, *records: Record) -> None:
        """Add new records. Raises Taken where a name or another unique field is in use."""
        ...

    async def replace(self, *records: Record) -> None:
        """Replace records by their key. Raises OursError where one is not there.

        A Turn or a Run is replaced only while its epoch fits. Raises Fenced where it does not:
        somebody else has claimed it since, and nothing of this transaction may stand.
        """
        ...

    async def remove(self, *records: Record) -> None:
        """Remove records by their key."""
        ...

    async def clear_rows(self, table_id: TableId) -> None:
        """Remove all rows of a table."""
        ...

    async def forget_listed(self, connection_id: ConnectionId) -> None:
        """Remove all apps and client secrets that are listed of a connection's org."""
        ...

    async def append_audit(self, attempt: Attempt) -> AuditEntry:
        """Append the next link of the audit chain."""
        ...

    async def prune_audit(self, *, before: int) -> None:
        """Remove the audit entries before a number, which are kept elsewhere."""
        ...

    async def claim_due(
        self, now: datetime, *, owner: str | None, lease: timedelta, limit: int
    ) -> Sequence[Turn]:
        """Claim turns whose ``wake_at`` has come, oldest first.

        Each claimed turn gets this owner, the next epoch, and ``wake_at`` at the lease's end, so
        that it comes due again by itself if its owner dies.
        Without an owner it is left for whoever comes with its epoch.
        """
        ...

    async def claim_due_runs(
        self, now: datetime, *, owner: str | None, lease: timedelta, limit: int
    ) -> Sequence[Run]:
        """Claim runs of flows whose ``wake_at`` has come, as turns are claimed."""
        ...

    async def take_run(
        self, run_id: RunId, *, owner: str | None, wake_at: datetime | None
    ) -> Run | None:
        """Take a run that has not ended from whoever holds it: it gets this owner and time.

        Its epoch rises, so that the holder before writes nothing more. None where it has ended.
        """
        ...


@dataclass(frozen=True)
class RunWrite:
    """What is new of a run: its row, a page of steps, and answers.

    ``new`` says that the run is not there yet, ``known`` which answers are, by where they were
    asked.
    """

    run: Run
    new: bool = False
    page: RunPage | None = None
    answers: tuple[RunAnswer, ...] = ()
    known: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Recorded:
    """An audit entry that is durable, and the revision of what is served as it was by then."""

    entry: AuditEntry
    revision: int


class Store(Protocol):
    """Keep records in one file or database.

    Readers never wait for a writer. Two processes on one SQLite file are refused at open.
    """

    async def append_audit(self, attempt: Attempt) -> Recorded:
        """Append one audit entry in a transaction of its own, durable when this returns.

        Those who ask at the same time share a transaction: what it costs is shared too.
        """
        ...

    async def write_run(self, write: RunWrite) -> None:
        """Write down what is new of a run, all or nothing, durable when this returns.

        Those who ask at the same time share a transaction. Raises Fenced where somebody else has
        claimed the run since, and OursError where it is not there any more.
        """
        ...

    async def revision(self) -> int:
        """Return the number of the last change to what is served, as it is now.

        Those who ask at the same time share a look.
        """
        ...

    def reading(self) -> AbstractAsyncContextManager[Reading]:
        """Open a snapshot."""
        ...

    def writing(self) -> AbstractAsyncContextManager[Writing]:
        """Open a transaction that writes."""
        ...
