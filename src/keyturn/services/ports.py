"""What the use cases need of the world.

Each protocol is a specification: what an adapter has to keep, and what it may not promise. The
fakes in `keyturn.testing` and the adapters pass the same contract tests.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from keyturn.domain.access import AccessToken, Identity
from keyturn.domain.audit import Attempt, AuditEntry
from keyturn.domain.connection import OktaConnection, OktaCredentials
from keyturn.domain.ids import AppId, ClientId, OktaSecretId, TurnId
from keyturn.domain.okta import App, AuthMethod, ClientSecret, Probe
from keyturn.domain.project import Environment, Folder, Organization, Project
from keyturn.domain.rotation import Rotation
from keyturn.domain.secret import Secret, Version
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
    Okta's, where Okta took part.
    """

    turn_id: TurnId
    number: int
    at: datetime
    phase: str
    step: str
    detail: str = ""
    request_id: str = ""


Record = (
    Organization
    | Project
    | Environment
    | Folder
    | Identity
    | AccessToken
    | OktaConnection
    | Rotation
    | Turn
    | TurnStep
    | Secret
    | Version
)
"""What can be stored: frozen records, each with its own key."""


R = TypeVar("R", bound=Record)


class Reading(Protocol):
    """See records as they were at one moment.

    Values of ``where`` are compared with the record's top-level fields by equality, None included.
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

    async def list_audit(self, *, after: int = 0, limit: int = 1000) -> Sequence[AuditEntry]:
        """Return audit entries by number, those past ``after`` only."""
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
        self, now: datetime, *, owner: str, lease: timedelta, limit: int
    ) -> Sequence[Turn]:
        """Claim turns whose ``wake_at`` has come, oldest first.

        Each claimed turn gets this owner, the next epoch, and ``wake_at`` at the lease's end, so
        that it comes due again by itself if its owner dies.
        """
        ...


class Store(Protocol):
    """Keep records in one file or database.

    Readers never wait for a writer. Two processes on one SQLite file are refused at open.
    """

    def reading(self) -> AbstractAsyncContextManager[Reading]:
        """Open a snapshot."""
        ...

    def writing(self) -> AbstractAsyncContextManager[Writing]:
        """Open a transaction that writes."""
        ...


@dataclass(frozen=True)
class OktaCall:
    """One call that was made to Okta, for the record of a turn; status 0 where no answer came."""

    what: str
    status: int
    request_id: str


class OktaOrg(Protocol):
    """Speak to one Okta org.

    Every method makes its call once: nothing that changes Okta is repeated blindly. Raises
    OktaError: refused, throttled, unclear, or unreachable, each saying whether an effect is
    possible. Time limit: 15 seconds a call in all.
    """

    async def check_access(self) -> None:
        """Make sure that the credentials are good for managing apps, changing nothing."""
        ...

    async def find_app(self, app_or_client_id: str) -> App | None:
        """Find an app by its app id or, failing that, by its client id."""
        ...

    async def list_client_secrets(self, app_id: AppId) -> tuple[ClientSecret, ...]:
        """List the app's client secrets, with their values where Okta shows them."""
        ...

    async def add_client_secret(self, app_id: AppId, value: Sensitive) -> ClientSecret:
        """Add a client secret of our own value, ACTIVE."""
        ...

    async def activate_client_secret(self, app_id: AppId, secret_id: OktaSecretId) -> None:
        """Activate a client secret; an ACTIVE one is left as it is."""
        ...

    async def deactivate_client_secret(self, app_id: AppId, secret_id: OktaSecretId) -> None:
        """Deactivate a client secret."""
        ...

    async def delete_client_secret(self, app_id: AppId, secret_id: OktaSecretId) -> None:
        """Delete an INACTIVE client secret; one that is gone already is no error."""
        ...

    async def probe(self, client_id: ClientId, value: Sensitive, method: AuthMethod) -> Probe:
        """Ask Okta whether it accepts a client secret, spending no grant (RFC 7662)."""
        ...


Journal = Callable[[OktaCall], None]


class OktaOrgs(Protocol):
    """Reach Okta orgs by their stored connections."""

    def open(self, instance_url: str, credentials: OktaCredentials, *, journal: Journal) -> OktaOrg:
        """Return the org at this address; ``journal`` is told of every call that is made.

        Raises AddressRefused for an address that Keyturn does not go to, and InvalidInput for
        credentials that cannot be any. Access tokens of service
        apps are kept and shared between openings of one connection.
        """
        ...


@dataclass(frozen=True)
class Limits:
    """What the operator set for the whole installation.

    ``policy`` is what a rotation gets that asks for nothing else; ``overlap_floor_s`` is the
    shortest overlap a rotation may ask for, because clients cache that long. ``lease`` is how long
    a worker holds a turn before others may take it over.
    """

    policy: Policy
    overlap_floor_s: int = 300
    lease: timedelta = timedelta(seconds=60)
    token_ttl_s: int = 2_592_000
    private_addresses_allowed: bool = False


@dataclass(frozen=True)
class World:
    """Everything outside that the use cases touch."""

    store: Store
    clock: Clock
    chance: Chance
    vault: Vault
    okta: OktaOrgs
    limits: Limits
