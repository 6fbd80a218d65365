"""What the use cases need of the world.

Each protocol is a specification: what an adapter has to keep, and what it may not promise. The
fakes in `keyturn.testing` and the adapters pass the same contract tests.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from keyturn.domain.audit import Attempt, AuditEntry, AuditFilter, Head
from keyturn.domain.budget import Allotment, Ask, Purpose, Shares, Window
from keyturn.domain.connection import OktaConnection, OktaCredentials
from keyturn.domain.drift import Change, Finding
from keyturn.domain.errors import Unauthenticated
from keyturn.domain.evidence import Use
from keyturn.domain.identity import AccessToken, ClientSecret, Identity, Membership, UniversalAuth
from keyturn.domain.ids import (
    AppId,
    ClientId,
    CredentialId,
    RotationId,
    SecretHash,
    TurnId,
    VersionNo,
)
from keyturn.domain.jwt_auth import JwtAuth, KeySource
from keyturn.domain.okta import (
    App,
    AuthMethod,
    Chosen,
    Credential,
    CredentialKind,
    KeyAlgorithm,
    Probe,
)
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
from keyturn.domain.rotation import Rotation
from keyturn.domain.secret import Receipt, Secret, Version
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Policy, Turn


class Clock(Protocol):
    """Tell the time."""

    def now(self) -> datetime:
        """Return the time of day, aware, in UTC."""
        ...

    def uptime_s(self) -> float:
        """Return seconds on a clock that runs through sleep and never steps (CLOCK_BOOTTIME)."""
        ...


class Chance(Protocol):
    """Give what nobody can guess."""

    def random_bytes(self, count: int) -> bytes:
        """Return so many random bytes, fit for keys."""
        ...

    def uuid(self) -> str:
        """Return a new random id."""
        ...


class Vault(Protocol):
    """Seal values under data keys, and data keys under the root key.

    A sealed value opens only with the same ``place``, which names record, version and field.
    """

    def new_data_key(self, scope: str) -> bytes:
        """Return a new data key, wrapped by the root key and bound to ``scope``."""
        ...

    def seal(self, data_key: bytes, scope: str, place: str, value: Sensitive) -> bytes:
        """Seal a value; ``data_key`` is the wrapped one of ``scope``."""
        ...

    def open(self, data_key: bytes, scope: str, place: str, sealed: bytes) -> Sensitive:
        """Open a sealed value. Raises SealBroken where key, scope, place or bytes do not fit."""
        ...


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
    | AccessToken
    | OktaConnection
    | Rotation
    | Turn
    | TurnStep
    | Secret
    | Version
    | Receipt
    | Finding
    | Window
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


R = TypeVar("R", bound=Record)


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

    async def list_due_rotations(self, now: datetime, *, limit: int) -> Sequence[Rotation]:
        """Return rotations whose ``next_rotation_at`` has come, oldest first."""
        ...

    async def list_due_connections(self, now: datetime) -> Sequence[OktaConnection]:
        """Return connections whose ``next_reconcile_at`` has come, oldest first."""
        ...

    async def list_audit(
        self, *, after: int = 0, limit: int = 1000, wanted: AuditFilter | None = None
    ) -> Sequence[AuditEntry]:
        """Return audit entries by number, those past ``after`` only, and of them those wanted."""
        ...

    async def latest_audit(self) -> AuditEntry | None:
        """Return the newest audit entry."""
        ...

    async def revision(self) -> int:
        """Return the number of the last change to what is served: see `SERVED`."""
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

        A Turn is replaced only while its epoch fits. Raises Fenced where it does not: somebody
        else has claimed the turn since, and nothing of this transaction may stand.
        """
        ...

    async def remove(self, *records: Record) -> None:
        """Remove records by their key."""
        ...

    async def append_audit(self, attempt: Attempt) -> AuditEntry:
        """Append the next link of the audit chain."""
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

    def reading(self) -> AbstractAsyncContextManager[Reading]:
        """Open a snapshot."""
        ...

    def writing(self) -> AbstractAsyncContextManager[Writing]:
        """Open a transaction that writes."""
        ...


@dataclass(frozen=True)
class OktaCall:
    """One call that was made to Okta, for the record of a turn; status 0 where no answer came.

    ``at`` is when Okta answered, by its own clock, where it says so.
    """

    what: str
    status: int
    request_id: str
    at: datetime | None = None


class AppCredentials(Protocol):
    """The credentials of one kind that one client has at Okta.

    Every method but `choose` makes one call; what is said of `OktaOrg` is true of them as well.
    """

    def choose(self, algorithm: KeyAlgorithm) -> Chosen:
        """Choose a new value of our own, asking nobody; only a key is made for an algorithm."""
        ...

    async def list(self) -> tuple[Credential, ...]:
        """List them, with their values where Okta shows them."""
        ...

    async def add(self, value: Sensitive | None, *, mark: str = "") -> Credential:
        """Add one, ACTIVE; without a value Okta makes one and shows it in the answer.

        ``mark`` goes with the call as a part of its user agent, which Okta's System Log repeats.
        """
        ...

    async def activate(self, credential_id: CredentialId) -> None:
        """Activate one; an ACTIVE one is left as it is."""
        ...

    async def deactivate(self, credential_id: CredentialId) -> None:
        """Deactivate one."""
        ...

    async def delete(self, credential_id: CredentialId) -> None:
        """Delete an INACTIVE one; one that is gone already is no error."""
        ...


class OktaOrg(Protocol):
    """Speak to one Okta org.

    Every method makes its call once: nothing that changes Okta is repeated blindly. Raises
    OktaError: refused, throttled, unclear, or unreachable, each saying whether an effect is
    possible. Time limit: 15 seconds a call in all.
    """

    async def check_access(self) -> None:
        """Make sure that the credentials are good for managing apps, changing nothing."""
        ...

    async def find_app(
        self, app_or_client_id: str, kind: CredentialKind = CredentialKind.CLIENT_SECRET
    ) -> App | None:
        """Find an app by its app id or, failing that, by its client id.

        An API service integration is found by its id alone.
        """
        ...

    def credentials_of(self, app_id: AppId, kind: CredentialKind) -> AppCredentials:
        """Return the credentials of this kind that an app or integration has."""
        ...

    async def list_uses(self, used: SecretHash, *, since: datetime) -> tuple[Use, ...]:
        """List what the System Log tells of a client secret's use, the latest 100 since then.

        One call of `/api/v1/logs`. Okta calls the member that carries the hash unstable, so an
        empty answer proves little.
        """
        ...

    async def list_changes(self, *, since: datetime) -> tuple[Change, ...] | None:
        """List the changes of apps and their credentials in the System Log since then.

        One call of `/api/v1/logs`; None where there were more than one answer holds.
        """
        ...

    async def list_makers(
        self, app_id: AppId, made: SecretHash, *, since: datetime
    ) -> tuple[str, ...]:
        """List by their user agents the calls that added this client secret, as the log tells.

        One call of `/api/v1/logs`; nothing where no event is shown, or not yet.
        """
        ...

    async def probe(self, client_id: ClientId, value: Sensitive, method: AuthMethod) -> Probe:
        """Ask Okta whether it accepts a client secret or private key; no grant is spent."""
        ...

    async def issue_token(self) -> None:
        """Make sure that Okta has issued an access token for these credentials.

        One that is still fresh will do; an API token needs none.
        """
        ...


Journal = Callable[[OktaCall], None]


class OktaOrgs(Protocol):
    """Reach Okta orgs by their stored connections."""

    def open(
        self,
        instance_url: str,
        credentials: OktaCredentials,
        *,
        journal: Journal,
        purpose: Purpose = Purpose.FINISHING,
    ) -> OktaOrg:
        """Return the org at this address; ``journal`` is told of every call that is made.

        What the rate limit has no room for is held back by ``purpose``: its calls raise OktaHeld
        before anything is sent. Raises AddressRefused for an address that Keyturn does not go
        to, and InvalidInput for credentials that cannot be any. Access tokens of service apps are
        kept and shared between openings of one connection.
        """
        ...

    async def list_windows(self) -> Sequence[Window]:
        """List the rate windows that are known and have not turned yet."""
        ...


class Pool(Protocol):
    """Share rate windows out among the workers of one database. Raises OursError.

    Moments are by Okta's clock. A worker calls what it has taken, and nothing more.
    """

    async def take(self, wanted: Window, ask: Ask) -> Allotment | None:
        """Take calls from the window that goes on at ``wanted.resets_at``; maybe none.

        There are ``wanted.remaining`` left at most. None where no such window is known.
        """
        ...

    async def learn(self, window: Window, ask: Ask) -> Allotment:
        """Put down a window that a call has shown which nobody had taken, and take from it."""
        ...

    async def list(self, *, at: datetime) -> Sequence[Window]:
        """List the windows that go on."""
        ...


class Issuers(Protocol):
    """Prove by whom a JWT was issued, by the public keys of its issuer."""

    def check(self, source: KeySource) -> None:
        """Raise InvalidInput or AddressRefused for a source that cannot be one; calls nobody."""
        ...

    async def verify(self, jwt: Sensitive, source: KeySource) -> Mapping[str, object]:
        """Return the claims of a JWT that a key of this source has signed.

        Nothing is said of the claims themselves. Raises Unauthenticated where no key did, or not by
        a public-key algorithm, and IssuerUnreachable where the keys cannot be read now. Keys are
        kept for minutes; an unknown one makes them be read again, though not over and over.
        """
        ...


class NoIssuers:
    """Nobody issues anything."""

    def check(self, source: KeySource) -> None:
        """Take every source for one."""

    async def verify(self, jwt: Sensitive, source: KeySource) -> Mapping[str, object]:
        """Raise Unauthenticated."""
        raise Unauthenticated


class Passwords(Protocol):
    """Hash people's passwords so that each guess is costly, and leave the event loop alone.

    Either raises TooManyAttempts where more ask at once than can be served soon.
    """

    async def hash(self, password: Sensitive) -> str:
        """Hash a password under a new salt, in PHC's form."""
        ...

    async def verify(self, password: Sensitive, hashed: str) -> bool:
        """Say whether a password is the one that was hashed; what is no hash is never it."""
        ...


class NoPasswords:
    """Nobody logs in by a password."""

    async def hash(self, password: Sensitive) -> str:
        """Return what no password is the one of."""
        return ""

    async def verify(self, password: Sensitive, hashed: str) -> bool:
        """Say no."""
        return False


class Dependents(Protocol):
    """Know what uses a rotation's client secret through Keyturn, beside those who read it."""

    async def list_unproved(self, rotation_id: RotationId, version: VersionNo) -> Sequence[str]:
        """Name the dependents that have not yet authenticated with this version, or a newer."""
        ...

    async def list_troubled(self, rotation_id: RotationId, *, since: datetime) -> Sequence[str]:
        """Name the dependents that could not authenticate since then."""
        ...


class NoDependents:
    """Nothing uses a client secret through Keyturn."""

    async def list_unproved(self, rotation_id: RotationId, version: VersionNo) -> Sequence[str]:
        """Name nobody."""
        return ()

    async def list_troubled(self, rotation_id: RotationId, *, since: datetime) -> Sequence[str]:
        """Name nobody."""
        return ()


class Witness(Protocol):
    """Keep the head of the audit log outside of it."""

    async def read(self) -> Head | None:
        """Return what was noted last, or None. Raises OursError for what cannot be read."""
        ...

    async def write(self, head: Head) -> None:
        """Note a head in place of the last one, durably. Raises OursError."""
        ...


class NoWitness:
    """Nobody notes anything."""

    async def read(self) -> Head | None:
        """Return nothing."""
        return None

    async def write(self, head: Head) -> None:
        """Forget it."""


@dataclass(frozen=True)
class Limits:
    """What the operator set for the whole installation.

    ``policy`` is what a rotation gets that asks for nothing else; ``overlap_floor_s`` is the
    shortest overlap a rotation may ask for, because clients cache that long. ``lease`` is how long
    a worker holds a turn before others may take it over. ``reconcile`` is the time between two
    comparisons of a connection's rotations with Okta, ``shares`` how Okta's rate limits are shared
    out.
    """

    policy: Policy
    overlap_floor_s: int = 300
    lease: timedelta = timedelta(seconds=60)
    token_ttl_s: int = 2_592_000
    reconcile: timedelta = timedelta(hours=1)
    private_addresses_allowed: bool = False
    shares: Shares = field(default_factory=Shares)


@dataclass(frozen=True)
class World:
    """Everything outside that the use cases touch."""

    store: Store
    clock: Clock
    chance: Chance
    vault: Vault
    okta: OktaOrgs
    limits: Limits
    dependents: Dependents = field(default_factory=NoDependents)
    witness: Witness = field(default_factory=NoWitness)
    issuers: Issuers = field(default_factory=NoIssuers)
    passwords: Passwords = field(default_factory=NoPasswords)
