"""One record of every kind, with awkward values, and the way to store them all."""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from types import MappingProxyType

from keyturn.domain.budget import Window
from keyturn.domain.channel_kinds import ChannelKind
from keyturn.domain.channels import Channel, Dispatch, Rhythm, Timing
from keyturn.domain.compliance import CompliancePolicy, PolicyException
from keyturn.domain.compliance_reports import ComplianceReport, ReportEvidence, ReportSchedule
from keyturn.domain.connection import Method, OktaConnection
from keyturn.domain.destination import Delivery, Destination
from keyturn.domain.destination import State as Standing
from keyturn.domain.destination_kinds import Kind as Elsewhere
from keyturn.domain.drift import Finding, Kind
from keyturn.domain.flows.run import Cause as Started
from keyturn.domain.flows.run import FlowVersion, Run, RunAnswer, RunPage, SavedFlow
from keyturn.domain.flows.tables import FlowRow, FlowTable
from keyturn.domain.identity import (
    AccessToken,
    ClientSecret,
    Identity,
    Membership,
    TokenRules,
    UniversalAuth,
)
from keyturn.domain.identity import (
    AuthMethod as Proof,
)
from keyturn.domain.ids import (
    AliasId,
    AppId,
    ChannelId,
    ClientId,
    CompliancePolicyId,
    ConnectionId,
    ConsumerId,
    CredentialId,
    DestinationId,
    EnvironmentId,
    FlowId,
    FolderId,
    IdentityId,
    ImportId,
    LeakId,
    NoticeId,
    OAuthConnectionId,
    OrganizationId,
    PolicyExceptionId,
    ProjectId,
    RegistrationId,
    ReportId,
    RolloutId,
    RotationId,
    RowId,
    RunId,
    SecretHash,
    SecretId,
    TableId,
    TagId,
    TurnId,
    VersionNo,
)
from keyturn.domain.inventory import Inventory, ListedApp, ListedSecret, OwnerRule, Stage
from keyturn.domain.judging_orgs import AccessSight
from keyturn.domain.jwt_auth import JwtAuth, KeySource
from keyturn.domain.leaks import LeakReport, Which
from keyturn.domain.leaks import Source as LeakSource
from keyturn.domain.leaks import State as LeakState
from keyturn.domain.notice import Kind as Told
from keyturn.domain.notice import Notice
from keyturn.domain.oauth.authorization import AuthorizationRequest
from keyturn.domain.oauth.connection import Cause, Connection, GrantType, Intent, Tokens
from keyturn.domain.oauth.connection import State as Grant
from keyturn.domain.oauth.consumers import Adoption, Alias, Consumer
from keyturn.domain.oauth.consumers import Proof as Confirmed
from keyturn.domain.oauth.lights import Light
from keyturn.domain.oauth.registration import ClientRegistration, Scheme
from keyturn.domain.oauth.registration import Standing as Authenticated
from keyturn.domain.okta import AuthMethod, Status
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
from keyturn.domain.rollout import Kind as Purpose
from keyturn.domain.rollout import State as Course
from keyturn.domain.rotation import Rotation, SecretsMapping
from keyturn.domain.schedule import Schedule
from keyturn.domain.secret import Receipt, Secret, State, Version
from keyturn.domain.selector import Subject
from keyturn.domain.turn import Blocked, ByFlow, Held, Phase, Policy, Posted, Reason, Trigger, Turn
from keyturn.services.ports import R, Record, Store, TurnStep

NOW = datetime(2026, 2, 28, 23, 59, 59, 999_999, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
AWKWARD = "' \" ; -- \\ % \x00 \n é 🔑 \u202e null"

ORGANIZATION = Organization(OrganizationId("o-1"), AWKWARD, b"\x00\xff", NOW)
PROJECT = Project(ProjectId("p-1"), ORGANIZATION.id, AWKWARD, "example", b"", NOW)
ENVIRONMENT = Environment(EnvironmentId("e-1"), PROJECT.id, "", "dev")
FOLDER = Folder(FolderId("f-1"), ENVIRONMENT.id, "/", NOW, LATER, AWKWARD)
IMPORT = SecretImport(ImportId("im-1"), FOLDER.id, FOLDER.id, 1, NOW, LATER)
TAG = Tag(TagId("tag-1"), PROJECT.id, "hot", AWKWARD, "#ff0000", NOW, LATER)
IDENTITY = Identity(IdentityId("i-1"), ORGANIZATION.id, AWKWARD, NOW, person=True)
MEMBERSHIP = Membership("m-1", IDENTITY.id, "viewer", None, NOW, AWKWARD)
ROLE = CustomRole("role-1", PROJECT.id, "readers", AWKWARD, "", NOW, LATER)
GRANT = RoleGrant(ROLE.id, 1, ("secrets:read",), (AWKWARD, "dev"), ("/a/**",))
AUTH = UniversalAuth(
    IDENTITY.id, "client", NOW, TokenRules(1, 2**40, 0, ("10.0.0.0/8", "::1")), failed_at=NOW
)
CLIENT_SECRET = ClientSecret("cs-1", IDENTITY.id, b"\x00hash", "kt_cs_abcd", NOW, expires_at=LATER)
TOKEN = AccessToken("at-1", b"\x00hash", IDENTITY.id, Proof.UNIVERSAL, NOW, LATER, LATER)
JWT_AUTH = JwtAuth(
    IDENTITY.id,
    Proof.OIDC,
    KeySource(AWKWARD, public_keys=(AWKWARD, "")),
    NOW,
    claims=("claim", AWKWARD),
    tokens=TokenRules(1, 2**40, 0, ("::1",)),
)
PASSWORD = Password(IDENTITY.id, AWKWARD, "$argon2id$", NOW, LATER, failures=2**30, failed_at=NOW)
OKTA_PERSON = OktaPerson(IDENTITY.id, AWKWARD, AWKWARD, NOW)
LOG_IN = LogInRequest(b"\x00state", AWKWARD, (AWKWARD,), AWKWARD, NOW, LATER, IDENTITY.id)
CONNECTION = OktaConnection(
    id=ConnectionId("c-1"),
    organization_id=ORGANIZATION.id,
    project_id=None,
    name="okta",
    description=None,
    method=Method.SERVICE_APP,
    instance_url="https://example.okta.com",
    client_id=None,
    sealed=b"\x00",
    version=1,
    created_at=NOW,
    updated_at=LATER,
)
ROTATION = Rotation(
    id=RotationId("r-1"),
    folder_id=FOLDER.id,
    connection_id=CONNECTION.id,
    name="rotation",
    description=AWKWARD,
    parameter="0oa1",
    app_id=AppId("0oa1"),
    client_id=ClientId("0oa1"),
    auth_method=AuthMethod.CLIENT_SECRET_JWT,
    mapping=SecretsMapping("ID", AWKWARD),
    schedule=Schedule(
        30,
        time(23, 59),
        automatic=False,
        every="6mo",
        at=time(2, 30),
        zone="Europe/Berlin",
        windows=AWKWARD,
        blackouts="2026-12-24",
        known_until=LATER,
        stagger_s=2**40,
        quarantine_after=0,
    ),
    policy=Policy(overlap_s=0, soak_s=2**40),
    active_index=0,
    created_at=NOW,
    updated_at=NOW,
    last_attempted_at=NOW,
    last_rotated_at=NOW,
    last_turn_id=None,
    last_manual=True,
    last_message=None,
    next_rotation_at=None,
    asked_at=NOW,
    asked_by=AWKWARD,
    asked_emergency=True,
)
TURN = Turn(
    id=TurnId("t-1"),
    rotation_id=ROTATION.id,
    app_id=ROTATION.app_id,
    trigger=Trigger.CONSENT,
    phase=Phase.BLOCKED,
    created_at=NOW,
    entered_at=NOW,
    wake_at=None,
    old=None,
    new=Held(SecretHash("hash"), None, VersionNo(2)),
    posted=Posted(LATER, "ocs1 ocs2", NOW),
    blocked=Blocked(Reason.FOREIGN_SECRET, "", Phase.PLANNED),
    asked=ByFlow(FlowId("f-1"), 2),
)
STEP = TurnStep(TURN.id, 1, NOW, "planned", "look", AWKWARD, "")
SECRET = Secret(
    SecretId("s-1"),
    FOLDER.id,
    AWKWARD,
    NOW,
    NOW,
    rotation_id=ROTATION.id,
    metadata=("owner", AWKWARD),
    tag_ids=(TAG.id,),
    skip_multiline_encoding=True,
)
VERSION = Version(
    "v-1",
    SECRET.id,
    VersionNo(1),
    State.DESTROYED,
    None,
    NOW,
    okta_id=CredentialId("ocs1"),
    refers=True,
)
RECEIPT = Receipt(
    SECRET.id, IDENTITY.id, VERSION.number, VERSION.number, NOW, VERSION.number, None, LATER
)
FINDING = Finding("d-1", ROTATION.id, Kind.SECRET_ADDED, "ocs2", AWKWARD, NOW)

DESTINATION = Destination(
    DestinationId("dest-1"),
    FOLDER.id,
    AWKWARD,
    Elsewhere.FILE,
    ("path", AWKWARD),
    NOW,
    LATER,
    sealed=b"\x00",
    only=(AWKWARD,),
    state=Standing.BLOCKED,
    told=AWKWARD,
)
DELIVERY = Delivery(DESTINATION.id, SECRET.id, AWKWARD, VERSION.number, NOW, AWKWARD)

REGISTRATION = ClientRegistration(
    RegistrationId("reg-1"),
    FOLDER.id,
    AWKWARD,
    "custom",
    Scheme.OAUTH,
    AWKWARD,
    AWKWARD,
    NOW,
    LATER,
    secret_id=SECRET.id,
    client_id_secret_id=SecretId("gone"),
    sealed=b"\x00",
    own_hash=SecretHash("hash"),
    standing=Authenticated.REJECTED,
    tested_at=LATER,
    told=AWKWARD,
)
GRANTED = Connection(
    OAuthConnectionId("oc-1"),
    REGISTRATION.id,
    FOLDER.id,
    AWKWARD,
    GrantType.EXCHANGE,
    ("openid", AWKWARD),
    NOW,
    LATER,
    state=Grant.LAPSED,
    cause=Cause.LOST_ROTATION,
    granted=("",),
    tokens=Tokens(
        2**40, b"\x00", "Bearer", renewable=False, issued_at=NOW, expires_at=None, version=0
    ),
    sealed_key=b"",
    source_id=OAuthConnectionId("oc-1"),
    intent=Intent(b"\x00", NOW, doubted=True),
    leased_until=LATER,
    told=AWKWARD,
    light=Light.BROKEN,
)
REQUEST = AuthorizationRequest(
    "req-1", GRANTED.id, b"\x00state", b"\xff", AWKWARD, (AWKWARD,), NOW, LATER, b"\x00"
)
ALIAS = Alias(AliasId("al-1"), FOLDER.id, AWKWARD, GRANTED.id, NOW, LATER, GRANTED.id)
CONSUMER = Consumer(
    ConsumerId("con-1"),
    REGISTRATION.id,
    AWKWARD,
    Adoption.RESTART,
    NOW,
    identity_id=IDENTITY.id,
    required=False,
    confirmed_at=LATER,
    proof=Confirmed.LOG,
    workflows=AWKWARD,
    judged=2,
    touched_at=NOW,
    told=AWKWARD,
)
NOTICE = Notice(
    kind=Told.CONNECTION_HEALTH,
    organization_id=ORGANIZATION.id,
    project_id=PROJECT.id,
    subject_id=GRANTED.id,
    subject=AWKWARD,
    told=AWKWARD,
    of=Subject(label=AWKWARD, grant=(AWKWARD, "")),
    comes_at=None,
    before=Light.UNKNOWN,
    after=Light.BROKEN,
    connections=2**40,
    id=NoticeId("n-1"),
    created_at=NOW,
    forget_at=LATER,
)
CHANNEL = Channel(
    ChannelId("channel"),
    ORGANIZATION.id,
    None,
    AWKWARD,
    ChannelKind.EMAIL,
    ("to", AWKWARD),
    NOW,
    LATER,
    sealed=bytes(range(256)),
    selector=AWKWARD,
    kinds=(Told.LEAKED.value,),
    timing=Timing(Rhythm.DAILY, "Europe/Berlin", time(9), None, time(7, 30)),
    due_at=LATER,
)
DISPATCH = Dispatch(NOTICE.id, CHANNEL.id, NOW, LATER, digest=True, failure=AWKWARD)
COMPLIANCE_POLICY = CompliancePolicy(
    CompliancePolicyId("compliance-policy"),
    ORGANIZATION.id,
    AWKWARD,
    AWKWARD,
    None,
    max_age_days=2**40,
    max_overlap_days=None,
    unused_days=0,
    managed=True,
    created_at=NOW,
    updated_at=LATER,
)
POLICY_EXCEPTION = PolicyException(
    PolicyExceptionId("policy-exception"),
    ORGANIZATION.id,
    COMPLIANCE_POLICY.id,
    AWKWARD,
    (AWKWARD, ""),
    AWKWARD,
    AWKWARD,
    NOW,
    LATER,
)
COMPLIANCE_REPORT = ComplianceReport(
    ReportId("report"),
    ORGANIZATION.id,
    NOW,
    apps=2**40,
    compliant=0,
    uncovered=1,
    breaches=(AWKWARD,),
    excused=2,
    new_breaches=3,
    complete=False,
    sha256=AWKWARD,
)
REPORT_SCHEDULE = ReportSchedule(ORGANIZATION.id, LATER)

FLOW = SavedFlow(
    id=FlowId("flow"),
    folder_id=FOLDER.id,
    name=AWKWARD,
    alias=AWKWARD,
    number=2**40,
    enabled=True,
    created_at=NOW,
    updated_at=LATER,
    description=AWKWARD,
    token_hash=bytes(range(256)),
    next_at=LATER,
    listens=(AWKWARD, ""),
)
FLOW_VERSION = FlowVersion(FLOW.id, 1, AWKWARD, AWKWARD, NOW)
RUN = Run(
    id=RunId("run"),
    flow_id=FLOW.id,
    number=1,
    cause=Started.INVOKED,
    created_at=NOW,
    sealed_given=bytes(range(256)),
    by=AWKWARD,
    owner=AWKWARD,
    epoch=2**40,
    ended_at=LATER,
    steps=2**40,
    status=200,
    told=AWKWARD,
    sealed_result=bytes(range(256)),
    depth=2**40,
)
RUN_PAGE = RunPage(RUN.id, 1, bytes(range(256)))
RUN_ANSWER = RunAnswer(RUN.id, "1.then.2~2", bytes(range(256)))
FLOW_TABLE = FlowTable(
    id=TableId("table"),
    folder_id=FOLDER.id,
    name=AWKWARD,
    columns=(AWKWARD, ""),
    kinds=("text", AWKWARD),
    created_at=NOW,
    updated_at=LATER,
    rows=2**40,
    last_number=2**40,
)
FLOW_ROW = FlowRow(RowId("row"), FLOW_TABLE.id, 2**40, bytes(range(256)), NOW, LATER)

WINDOW = Window("https://example.okta.com", AWKWARD, "api/v1/apps", 2**40, 0, NOW)

INVENTORY = Inventory(
    CONNECTION.id,
    Stage.FOLLOWING,
    NOW,
    cursor=AWKWARD,
    listed=2**40,
    pending=(AWKWARD, ""),
    log_read_at=LATER,
    groups=(AWKWARD, ""),
    groups_told=AWKWARD,
    failure=AWKWARD,
)
LISTED_APP = ListedApp(
    CONNECTION.id,
    AppId("0oa1"),
    ClientId("0oa1"),
    AWKWARD,
    Status.INACTIVE,
    AWKWARD,
    "",
    ("client_credentials", AWKWARD),
    NOW,
    LATER,
    told=AWKWARD,
    groups=(AWKWARD,),
)
LISTED_SECRET = ListedSecret(
    CONNECTION.id,
    LISTED_APP.app_id,
    CredentialId("ocs1"),
    SecretHash("hash"),
    Status.ACTIVE,
    NOW,
    used_at=LATER,
)
OWNER_RULE = OwnerRule(ORGANIZATION.id, 1, AWKWARD, AWKWARD)

ROLLOUT = Rollout(
    RolloutId("rollout"),
    ORGANIZATION.id,
    Purpose.EMERGENCY,
    AWKWARD,
    "",
    AWKWARD,
    Course.HALTED,
    AWKWARD,
    IDENTITY.id,
    AWKWARD,
    NOW,
    waves=("10%", AWKWARD),
    approvals=True,
    within_s=2**40,
    told=AWKWARD,
    due_at=LATER,
)
MEMBER = Member(
    ROLLOUT.id,
    1,
    2**40,
    ROTATION.id,
    ROTATION.app_id,
    turn_id=TURN.id,
    why=AWKWARD,
    begun_at=NOW,
    name=AWKWARD,
)
APPROVAL = Approval(ROLLOUT.id, 1, AWKWARD, IDENTITY.id, AWKWARD, NOW, LATER)

LEAK = LeakReport(
    LeakId("leak"),
    ORGANIZATION.id,
    NOW,
    LeakSource.GITHUB,
    AWKWARD,
    SecretHash("hash"),
    AWKWARD,
    "",
    LeakState.OPEN,
    which=Which.FOREIGN,
    app=AWKWARD,
    app_id=ROTATION.app_id,
    closes=True,
    due_at=LATER,
    ended_why=AWKWARD,
)

RECORDS: tuple[Record, ...] = (
    ORGANIZATION,
    PROJECT,
    ENVIRONMENT,
    FOLDER,
    IMPORT,
    TAG,
    IDENTITY,
    MEMBERSHIP,
    ROLE,
    GRANT,
    AUTH,
    CLIENT_SECRET,
    JWT_AUTH,
    PASSWORD,
    OKTA_PERSON,
    LOG_IN,
    TOKEN,
    CONNECTION,
    ROTATION,
    TURN,
    STEP,
    SECRET,
    VERSION,
    RECEIPT,
    DESTINATION,
    DELIVERY,
    FINDING,
    REGISTRATION,
    GRANTED,
    REQUEST,
    ALIAS,
    CONSUMER,
    NOTICE,
    CHANNEL,
    DISPATCH,
    COMPLIANCE_POLICY,
    POLICY_EXCEPTION,
    COMPLIANCE_REPORT,
    ReportEvidence(COMPLIANCE_REPORT.id, bytes(range(256))),
    REPORT_SCHEDULE,
    AccessSight(CONNECTION.id, (AWKWARD, ""), NOW, LATER, AWKWARD),
    FLOW,
    FLOW_VERSION,
    RUN,
    RUN_PAGE,
    RUN_ANSWER,
    FLOW_TABLE,
    FLOW_ROW,
    WINDOW,
    INVENTORY,
    LISTED_APP,
    LISTED_SECRET,
    OWNER_RULE,
    ROLLOUT,
    MEMBER,
    APPROVAL,
    LEAK,
)
KEYS: Mapping[type, tuple[str, ...]] = MappingProxyType(
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
        ReportEvidence: ("report_id",),
        ReportSchedule: ("organization_id",),
        AccessSight: ("connection_id",),
        Inventory: ("connection_id",),
        ListedApp: ("connection_id", "app_id"),
        ListedSecret: ("connection_id", "app_id", "okta_id"),
        OwnerRule: ("organization_id", "number"),
        Member: ("rollout_id", "number"),
        Approval: ("rollout_id", "wave"),
    }
)


async def add_all(store: Store, *records: Record) -> None:
    """Store records in one transaction; without any, one of every kind."""
    async with store.writing() as writing:
        await writing.add(*(records or RECORDS))


async def found(store: Store, kind: type[R], **where: object) -> R | None:
    """Find a record in a snapshot of its own."""
    async with store.reading() as reading:
        return await reading.find(kind, **where)
