"""Everything the use cases are given of the world: time, chance, keys, stores and neighbours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from keyturn.domain.audit import Head
from keyturn.domain.budget import Shares
from keyturn.domain.errors import NotFound, OursError, Unauthenticated
from keyturn.domain.jwt_auth import KeySource
from keyturn.domain.okta_login import LogInRules
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Policy
from keyturn.services.doorkeeping import Doorkeeper
from keyturn.services.flights import Flights
from keyturn.services.ports.carriers import Carriers, NoCarriers
from keyturn.services.ports.notifier import NoNotifier, Notifier
from keyturn.services.ports.oauth import AuthorizationServers, NoServers
from keyturn.services.ports.okta import OktaOrgs
from keyturn.services.ports.resources import NoResources, ResourceServers
from keyturn.services.ports.signer import NoSigner, Signer
from keyturn.services.ports.storage import Store
from keyturn.services.ports.vitals import Vitals
from keyturn.services.seats import Seats


class Clock(Protocol):
    """Tell the time."""

    def now(self) -> datetime:
        """Return the time of day, aware, in UTC."""
        ...

    def uptime_s(self) -> float:
        """Return seconds on a clock that runs through sleep and never steps (CLOCK_BOOTTIME)."""
        ...

    def cpu_s(self) -> float:
        """Return the seconds of CPU time that this thread has had."""
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


class Scanners(Protocol):
    """Prove that those who scan for leaked secrets have sent something."""

    async def verify(self, message: bytes, *, key_id: str, signature: str) -> None:
        """Prove that GitHub has signed a message by the key that it publishes under ``key_id``.

        Raises Unauthenticated where it has not, IssuerUnreachable where its keys cannot be read
        now, and NotFound where nobody has set this up. Keys are kept for minutes; an unknown one
        makes them be read again, though not over and over.
        """
        ...


class NoScanners:
    """Nobody scans."""

    async def verify(self, message: bytes, *, key_id: str, signature: str) -> None:
        """Raise NotFound."""
        raise NotFound(
            "This installation takes no reports from GitHub (KEYTURN_GITHUB_KEYS_URL is not set)."
        )


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


class Archive(Protocol):
    """Keep what was moved out of the audit log, in files."""

    async def write(self, name: str, content: bytes) -> None:
        """Write a file, durably. Raises OursError, also where one of this name has other content.

        One that is no more than the beginning of the content is written anew.
        """
        ...


class NoArchive:
    """There is no place to move anything to."""

    async def write(self, name: str, content: bytes) -> None:
        """Raise OursError."""
        raise OursError(f"There is no place for {name}.")


@dataclass(frozen=True)
class Limits:
    """What the operator set for the whole installation.

    ``policy`` is what a rotation gets that asks for nothing else; ``overlap_floor_s`` is the
    shortest overlap a rotation may ask for, because clients cache that long. ``lease`` is how long
    a worker holds a turn before others may take it over. ``reconcile`` is the time between two
    comparisons of a connection's rotations with Okta, ``run_history`` how long runs of flows are
    remembered, ``keep_turns`` turns and leak reports after their end and ``keep_receipts`` readers
    that do not read, ``keep_audit`` entries of the audit log, for ever where that is nothing,
    ``shares`` how Okta's rate limits are shared out. ``flow_answer_s`` is how long
    whoever invokes a flow waits at most, ``flow_per_s`` how often one flow may be invoked,
    ``flow_table_rows`` how many rows a table of flows may have, ``flow_runs_at_once`` how many runs
    a process has in hand. What a run may take is ``flow_cpu_s`` of computing, ``flow_steps`` cards,
    ``flow_memory_mb`` of values, ``flow_helpers`` flows in all and ``flow_depth`` inside each
    other; ``flow_card_s`` is for one card that asks somebody, ``flow_wait_days`` for one wait.
    ``flows_active`` is how many flows of an organization may be switched on. ``public_url`` is
    where browsers find the server, if they do. ``okta_log_in`` is how people log in by Okta, if
    they may. ``owner_pattern`` is the regular expression that finds whose an app is in its label;
    of ``inventory_groups`` inventories read which apps they have.
    ``leak_closes`` is whether a value that was seen elsewhere begins an emergency by itself.
    """

    policy: Policy
    overlap_floor_s: int = 300
    lease: timedelta = timedelta(seconds=60)
    token_ttl_s: int = 2_592_000
    reconcile: timedelta = timedelta(hours=1)
    run_history: timedelta = timedelta(days=30)
    keep_turns: timedelta = timedelta(days=400)
    keep_receipts: timedelta = timedelta(days=400)
    keep_audit: timedelta = timedelta()
    flow_answer_s: float = 60.0
    flow_per_s: float = 10.0
    flow_table_rows: int = 100_000
    flow_runs_at_once: int = 32
    flow_cpu_s: float = 10.0
    flow_steps: int = 2_000_000
    flow_memory_mb: float = 100.0
    flow_card_s: float = 600.0
    flow_wait_days: float = 30.0
    flow_helpers: int = 10_000
    flow_depth: int = 10
    flows_active: int = 100
    private_addresses_allowed: bool = False
    shares: Shares = field(default_factory=Shares)
    public_url: str = ""
    okta_log_in: LogInRules | None = None
    owner_pattern: str = ""
    inventory_groups: tuple[str, ...] = ()
    leak_closes: bool = False


@dataclass(frozen=True)
class Setting:
    """A setting as it may be shown: a value that is secret is masked, one that is not set None."""

    variable: str
    value: str | int | float | bool | None
    meaning: str


@dataclass(frozen=True)
class World:
    """Everything outside that the use cases touch, and what this process has under way there."""

    store: Store
    clock: Clock
    chance: Chance
    vault: Vault
    okta: OktaOrgs
    limits: Limits
    witness: Witness = field(default_factory=NoWitness)
    archive: Archive = field(default_factory=NoArchive)
    issuers: Issuers = field(default_factory=NoIssuers)
    scanners: Scanners = field(default_factory=NoScanners)
    passwords: Passwords = field(default_factory=NoPasswords)
    carriers: Carriers = field(default_factory=NoCarriers)
    servers: AuthorizationServers = field(default_factory=NoServers)
    notifier: Notifier = field(default_factory=NoNotifier)
    resources: ResourceServers = field(default_factory=NoResources)
    signer: Signer = field(default_factory=NoSigner)
    flights: Flights = field(default_factory=Flights)
    seats: Seats = field(default_factory=Seats)
    doors: Doorkeeper = field(default_factory=Doorkeeper)
    settings: Sequence[Setting] = ()
    vitals: Vitals = field(default_factory=Vitals)
